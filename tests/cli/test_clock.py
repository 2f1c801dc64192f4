"""A clock that is off: every command that asks the service says so once, and does what it was asked to."""

from __future__ import annotations

import time
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest

from cli.exchange import CLOCK_TOLERANCE_S, clock_skew
from tests.cli.conftest import Runner
from tests.cli.emulator import Emulator
from tests.cli.every import LEAVES, Leaf

ASKING = [leaf for leaf in LEAVES if leaf.asks_only_the_service and leaf.name != "errors.tail"]
"""All but the one that prints a document with each line."""


def said(date: str) -> Message:
    """Headers with this date."""
    headers = Message()
    headers["Date"] = date
    return headers


def off_by(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the service's clock be that far ahead."""
    monkeypatch.setattr(
        BaseHTTPRequestHandler, "date_time_string", lambda *_: formatdate(time.time() + seconds, usegmt=True)
    )


@pytest.mark.integration
@pytest.mark.parametrize("leaf", ASKING, ids=lambda leaf: leaf.name)
def test_a_clock_that_is_off_is_one_warning(
    nb: Runner, service: Emulator, leaf: Leaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = nb(*leaf.called, "--timeout", "1s", "--json")
    off_by(monkeypatch, 7200)
    ran = nb(*leaf.called, "--timeout", "1s", "--json")
    warned = [notice["message"] for notice in ran.document["warnings"] if notice["code"] == "clock_skew"]
    if service.requests:
        assert warned == ["this machine's clock is 2 h behind that of local"]
    assert ran.code == usual.code
    assert "clock_skew" not in usual.out


@pytest.mark.integration
def test_a_person_reads_it_on_stderr(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    off_by(monkeypatch, -300)
    ran = nb("gen", "list")
    assert ran.code == 0
    assert ran.err.count("ahead of that of local") == 1
    assert "clock" not in ran.out


@pytest.mark.parametrize(
    ("ahead", "asked_before", "skew"),
    [(0, 0, 0), (59, 0, 0), (-59, 0, 0), (120, 0, 120), (-120, 0, -120), (-100, 110, 0), (-200, 110, -90)],
)
def test_a_slow_answer_is_no_wrong_clock(ahead: float, asked_before: float, skew: float) -> None:
    now = time.time()
    found = clock_skew(said(formatdate(now + ahead, usegmt=True)), now - asked_before)
    assert found == pytest.approx(skew, abs=2)


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 99:99:99 GMT", "0", "\x00"])
def test_a_date_that_is_none_says_nothing(date: str) -> None:
    assert clock_skew(said(date), time.time()) == 0.0
    assert clock_skew(Message(), time.time()) == 0.0
    assert CLOCK_TOLERANCE_S == 60.0
