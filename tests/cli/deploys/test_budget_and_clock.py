"""What headers tell: how many requests are left, when to come back, and that this machine's clock is off."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime

import pytest

from cli.exchange import retry_after
from cli.platforms.http import LONGEST_SPREAD_S, Observed, moment_of
from tests.cli.conftest import Runner
from tests.cli.deploys.conftest import NEW, Staging
from tests.emulators.threaded import Reply


def _headers(**values: str) -> Message:
    message = Message()
    for name, value in values.items():
        message[name.replace("_", "-")] = value
    return message


def _date(seconds: float = 0) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1795348800", 1795348800.0),
        ("90", 1090.0),
        ("2026-11-22T12:00:00Z", 1795348800.0),
        ("2026-11-22T12:00:00.000Z", 1795348800.0),
        ("Sun, 22 Nov 2026 12:00:00 GMT", 1795348800.0),
        ("", None),
        ("soon", None),
    ],
)
def test_a_moment_is_read_in_every_form(text: str, moment: float | None) -> None:
    assert moment_of(text, now=1000.0) == moment


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "17"}, 17.0),
        ({"Retry_After": "0"}, 0.0),
        ({}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": _date(30)}, None),
        ({"Date": "Sun, 22 Nov 2026 12:00:00 GMT", "Retry_After": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"Date": "Sun, 22 Nov 2026 12:00:00 GMT", "Retry_After": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
    ],
)
def test_when_to_come_back_does_not_depend_on_our_clock(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(_headers(**headers)) == seconds


def test_few_requests_are_spread_over_the_time_until_there_are_more() -> None:
    seen = Observed()
    assert seen.pause_s() == 0
    seen.note(_headers(X_RateLimit_Limit="100", X_RateLimit_Remaining="50", X_RateLimit_Reset="100"))
    assert (seen.limit, seen.remaining, seen.pause_s()) == (100, 50, 0)
    seen.note(_headers(X_RateLimit_Remaining="10", X_RateLimit_Reset="100"))
    assert seen.pause_s() == pytest.approx(10, abs=0.1)
    seen.note(_headers(X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(time.time()) + 3600)))
    assert seen.pause_s() == LONGEST_SPREAD_S
    seen.note(_headers(X_RateLimit_Remaining="many", X_RateLimit_Reset="whenever"))
    assert seen.remaining == 0


@pytest.mark.integration
def test_the_budget_is_told_to_machines(nb: Runner, staging: Staging) -> None:
    staging.railway.headers = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "997", "X-RateLimit-Reset": "60"}
    meta = nb("deploy", "status", "--json").document["meta"]
    assert meta["rate_limit"]["railway"]["remaining"] == 997
    assert "github" not in meta["rate_limit"]


@pytest.mark.integration
def test_waiting_goes_slower_when_few_requests_are_left(
    nb: Runner, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging.railway.deploy("web", NEW, "BUILDING")
    staging.railway.headers = {"X-RateLimit-Remaining": "2", "X-RateLimit-Reset": "60"}
    pauses: list[float] = []

    def pass_by(seconds: float) -> None:
        pauses.append(seconds)
        staging.railway.deploy("web", NEW)

    monkeypatch.setattr("cli.commands.deploy.time.sleep", pass_by)
    assert nb("deploy", "wait", "--json").code == 0
    assert pauses == [pytest.approx(30, abs=2)]


@pytest.mark.integration
@pytest.mark.parametrize(("seconds", "way"), [(600, "behind"), (-600, "ahead of")])
def test_a_clock_that_is_off_is_said_and_ages_are_right(nb: Runner, staging: Staging, seconds: int, way: str) -> None:
    staging.railway.headers = {"Date": _date(seconds)}
    born = (datetime.now(UTC) + timedelta(seconds=seconds - 120)).isoformat()
    for deployment in staging.railway.deployed[-3:]:
        deployment["createdAt"] = born
    document = nb("deploy", "status", "--json").document
    (warning,) = document["warnings"]
    assert warning["code"] == "clock_skew"
    assert f"10 min {way} the platforms' clocks" in warning["message"]
    ages = [service["age_s"] for service in document["data"]["environments"][0]["services"]]
    assert ages == [pytest.approx(120, abs=5)] * 3


@pytest.mark.integration
def test_a_clock_that_is_right_is_not_spoken_of(nb: Runner, staging: Staging) -> None:
    staging.railway.headers = {"Date": _date(20)}
    assert nb("deploy", "status", "--json").document["warnings"] == []


@pytest.mark.integration
def test_a_short_limit_of_the_rate_is_waited_for_and_a_long_one_is_told(nb: Runner, staging: Staging) -> None:
    staging.railway.faults = [Reply(429, {}, {"Retry-After": "0"})]
    assert nb("deploy", "status", "--json").code == 0
    staging.railway.faults = [Reply(429, {}, {"Retry-After": "600"})]
    ran = nb("deploy", "status", "--env", "staging", "--json")
    assert (ran.code, ran.error["code"], ran.document["meta"]["retry_after_s"]) == (75, "railway_rate_limited", 600)
