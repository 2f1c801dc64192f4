"""Codes, statuses and clocks: what Kling says when it does not do what was ordered."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from providers import errors
from providers.errors import ProviderError
from providers.http import Reply
from providers.kling import KlingProvider
from providers.kling.answers import failure
from providers.kling.signature import Signature
from tests.emulators.kling import KlingEmulator, decoded
from tests.emulators.service import serve
from tests.providers.contract import failure_of, submitted
from tests.providers.kling.conftest import KEY, SECRET, video


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, 1100, errors.AuthFailed),
        (429, 1101, errors.QuotaExhausted),
        (429, 1102, errors.QuotaExhausted),
        (403, 1103, errors.AuthFailed),
        (400, 1200, errors.InvalidRequest),
        (400, 1201, errors.InvalidRequest),
        (404, 1202, errors.InvalidRequest),
        (404, 1203, errors.ModelRetired),
        (400, 1300, errors.ContentBlocked),
        (400, 1301, errors.ContentBlocked),
        (429, 1302, errors.RateLimited),
        (429, 1303, errors.RateLimited),
        (429, 1304, errors.AuthFailed),
        (500, 5000, errors.ProviderUnavailable),
        (503, 5001, errors.ProviderUnavailable),
        (200, 5000, errors.ProviderUnavailable),
        (418, 7777, errors.InvalidRequest),
    ],
)
def test_a_code_says_more_than_its_status(status: int, code: int, expected: type[ProviderError]) -> None:
    reply = Reply(status, {}, json.dumps({"code": code, "message": "no"}).encode())
    assert type(failure(reply)) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, errors.AuthFailed),
        (402, errors.QuotaExhausted),
        (403, errors.AuthFailed),
        (404, errors.ModelRetired),
        (413, errors.InvalidRequest),
        (429, errors.RateLimited),
        (502, errors.ProviderUnavailable),
    ],
)
def test_a_proxy_on_the_way_has_only_a_status(status: int, expected: type[ProviderError]) -> None:
    assert type(failure(Reply(status, {}, b"<html>no</html>"))) is expected


def test_taken_slots_are_waited_for_longer_than_a_rate() -> None:
    replies = [Reply(429, {}, json.dumps({"code": code}).encode()) for code in (1302, 1303)]
    pauses = [found.retry_after for found in map(failure, replies) if isinstance(found, errors.RateLimited)]
    assert pauses == [None, timedelta(seconds=20)]


def test_an_answer_without_a_failure_is_none() -> None:
    assert failure(Reply(200, {}, b'{"code": 0, "data": {}}')) is None


def test_a_token_is_kept_until_it_is_nearly_over() -> None:
    now = 1_800_000_000.0
    signature = Signature(KEY, SECRET, lambda: now)
    first = signature.headers()
    now += 1499
    assert signature.headers() == first
    now += 2
    assert signature.headers() != first


def test_a_token_holds_what_kling_asks_for() -> None:
    head, payload, _ = Signature(KEY, SECRET, lambda: 1_800_000_000.9).headers()["Authorization"][7:].split(".")
    assert decoded(head) == {"alg": "HS256", "typ": "JWT"}
    assert decoded(payload) == {"iss": KEY, "exp": 1_800_001_800, "nbf": 1_799_999_995}


def test_a_date_that_cannot_be_read_leaves_our_clock_alone() -> None:
    signature = Signature(KEY, SECRET, lambda: 1_800_000_000.0)
    signature.renew("yesterday")
    assert decoded(signature.headers()["Authorization"].split(".")[1])["exp"] == 1_800_001_800


def test_the_keys_are_not_shown() -> None:
    signature = Signature(KEY, SECRET, time.time)
    signature.headers()
    assert SECRET not in repr(signature)
    assert signature.headers()["Authorization"] not in repr(signature)


@pytest.fixture(params=[-7200.0, 7200.0], ids=["behind", "ahead"])
async def elsewhere(request: pytest.FixtureRequest) -> AsyncIterator[KlingEmulator]:
    """Kling with another time of day than ours."""
    service = KlingEmulator(key=KEY, secret=SECRET, skew=request.param)
    async with serve(service):
        yield service


@pytest.mark.integration
async def test_a_wrong_clock_is_corrected_by_the_servers(elsewhere: KlingEmulator) -> None:
    provider = KlingProvider(KEY, SECRET, base_url=elsewhere.address)
    await submitted(provider, video("a fox"))
    assert len(elsewhere.jobs) == 1
    assert len(elsewhere.tokens) == 3  # Refused once; then the call, which the emulator checks twice.
    await submitted(provider, video("a fox", client_id="job-2"))
    assert len({*elsewhere.tokens}) == 2
    await provider.close()


@pytest.mark.integration
async def test_a_token_is_tried_twice_and_no_more(emulator: KlingEmulator, provider: KlingProvider) -> None:
    emulator.script("#nokey", times=3)
    assert type(await failure_of(provider, video("a fox"))) is errors.AuthFailed
    assert len(emulator.calls) == 2


@pytest.mark.integration
@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("#slots", errors.RateLimited),
        ("#arrears", errors.QuotaExhausted),
        ("#whitelist", errors.AuthFailed),
        ("#permission", errors.AuthFailed),
    ],
)
async def test_the_same_status_means_different_things(
    provider: KlingProvider, marker: str, expected: type[ProviderError]
) -> None:
    assert type(await failure_of(provider, video(f"a fox {marker}"))) is expected


@pytest.mark.integration
async def test_a_job_that_was_accepted_unseen_is_not_made_again(
    emulator: KlingEmulator, provider: KlingProvider
) -> None:
    assert type(await failure_of(provider, video("a fox #lose"))) is errors.Ambiguous
    again = await failure_of(provider, video("a fox"))
    assert type(again) is errors.Ambiguous
    assert "exists already" in again.detail
    assert len(emulator.jobs) == 1


@pytest.mark.integration
async def test_a_model_that_is_gone_is_retired(provider: KlingProvider) -> None:
    assert type(await failure_of(provider, video("a fox", model="kling-v0"))) is errors.ModelRetired


@pytest.mark.integration
async def test_a_lookup_that_failed_is_no_proof_of_absence(emulator: KlingEmulator, provider: KlingProvider) -> None:
    await submitted(provider, video("a fox"))
    emulator.script("#status=503")
    with pytest.raises(errors.ProviderUnavailable):
        await provider.find("job-1")


def test_a_webhook_of_somebody_elses_task_names_nothing() -> None:
    provider = KlingProvider(KEY, SECRET)
    body = {"code": 0, "data": {"task_id": "1", "task_status": "succeed", "task_info": {"external_task_id": "theirs"}}}
    assert provider.parse_webhook({}, json.dumps(body).encode()) is None
