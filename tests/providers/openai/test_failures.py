"""What OpenAI says beside what every service says (`test_contract`) has its class, and nothing is sent twice."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from providers import errors
from providers.errors import ProviderError
from providers.http import Reply
from providers.openai import OpenAiProvider
from providers.openai.failures import OUT_OF_MONEY, classify, given_up
from tests.emulators.openai import OpenAiEmulator
from tests.providers.contract import failure_of
from tests.providers.media import photo
from tests.providers.openai.conftest import picture_job


@pytest.mark.integration
@pytest.mark.parametrize("images", [(), (photo(),)], ids=["generate", "edit"])
@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("#policy", errors.ContentBlocked),
        ("#hardlimit", errors.QuotaExhausted),
        ("#verify", errors.AuthFailed),
        ("#retired", errors.ModelRetired),
        ("#status=401", errors.AuthFailed),
        ("#status=403", errors.AuthFailed),
        ("#status=404", errors.ProviderUnavailable),
        ("#status=408", errors.Ambiguous),
        ("#status=409", errors.InvalidRequest),
        ("#status=413", errors.InvalidRequest),
        ("#status=502", errors.ProviderUnavailable),
        ("#empty", errors.Ambiguous),
        ("#torn", errors.Ambiguous),
        ("#status=302", errors.ProviderUnavailable),
    ],
)
async def test_every_failure_has_its_class_and_is_not_repeated(
    provider: OpenAiProvider,
    emulator: OpenAiEmulator,
    marker: str,
    expected: type[ProviderError],
    images: tuple[object, ...],
) -> None:
    failure = await failure_of(provider, picture_job(f"a fox {marker}", *images))  # type: ignore[arg-type]
    assert type(failure) is expected, failure.detail
    assert failure.detail
    assert len(emulator.calls) == 1


def reply(status: int, code: str | None = None, kind: str = "error", **more: str) -> Reply:
    return Reply(status, {}, json.dumps({"error": {"message": "no", "type": kind, "code": code, **more}}).encode())


@pytest.mark.parametrize("status", [400, 403, 429])
@pytest.mark.parametrize("code", sorted(OUT_OF_MONEY))
def test_an_empty_account_is_known_by_its_code_whatever_the_status(status: int, code: str) -> None:
    assert type(classify(reply(status, code))) is errors.QuotaExhausted


def test_an_empty_account_is_known_by_its_type_too() -> None:
    assert type(classify(reply(429, kind="insufficient_quota"))) is errors.QuotaExhausted


def test_a_success_is_no_failure() -> None:
    assert classify(Reply(200, {}, b"{}")) is None


def test_a_model_that_is_not_known_by_its_parameter_is_retired() -> None:
    assert type(classify(reply(404, param="model"))) is errors.ModelRetired


def test_the_safety_system_is_known_by_its_words_where_it_leaves_no_code() -> None:
    said = {"message": "Your request was rejected as a result of our safety system.", "type": "user_error"}
    assert type(classify(Reply(400, {}, json.dumps({"error": said}).encode()))) is errors.ContentBlocked
    wrong = {"message": "Invalid value for moderation", "type": "invalid_request_error", "param": "moderation"}
    assert type(classify(Reply(400, {}, json.dumps({"error": wrong}).encode()))) is errors.InvalidRequest


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry-after-ms": "250", "retry-after": "1"}, timedelta(milliseconds=250)),
        ({"retry-after": "20"}, timedelta(seconds=20)),
        ({"retry-after-ms": "soon", "retry-after": "20"}, timedelta(seconds=20)),
        ({"retry-after-ms": "99999999999"}, None),
        ({}, None),
    ],
)
def test_the_closest_figure_of_a_pause_is_kept(headers: dict[str, str], pause: timedelta | None) -> None:
    found = classify(Reply(429, headers, b"{}"))
    assert isinstance(found, errors.RateLimited)
    assert found.retry_after == pause


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "text"}', b'{"error": null}'])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, errors.InvalidRequest),
        (401, errors.AuthFailed),
        (402, errors.QuotaExhausted),
        (410, errors.ModelRetired),
        (429, errors.RateLimited),
        (302, errors.ProviderUnavailable),
        (503, errors.ProviderUnavailable),
        (524, errors.Ambiguous),
    ],
)
def test_an_error_without_the_usual_document_goes_by_its_status(
    body: bytes, status: int, expected: type[ProviderError]
) -> None:
    assert type(classify(Reply(status, {}, body))) is expected


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        ("moderation_blocked", "no", errors.ContentBlocked),
        ("model_not_found", "no", errors.ModelRetired),
        ("server_error", "our safety system objects", errors.ContentBlocked),
        ("server_error", "oops", errors.ProviderUnavailable),
        (None, "", errors.ProviderUnavailable),
    ],
)
def test_an_accepted_job_is_given_up_for_a_reason(code: str | None, words: str, expected: type[ProviderError]) -> None:
    assert type(given_up(code, words)) is expected


@pytest.mark.parametrize(
    ("module", "adapter"),
    [("openai", "OpenAiProvider"), ("sora", "SoraProvider"), ("runway", "RunwayProvider")],
)
def test_an_adapter_is_imported_without_its_sdk(module: str, adapter: str) -> None:
    program = f"""
import sys
from providers.{module} import {adapter}
{adapter}("key")
print([name for name in sys.modules if name in ("openai", "runwayml", "httpx2", "PIL")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
