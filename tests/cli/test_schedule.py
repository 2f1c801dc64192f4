"""`nb schedule`: what people read, what is sent, what is warned of and refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.answers_errors import TICK, entry
from tests.cli.conftest import Runner
from tests.cli.emulator import Emulator, Fault, problem

pytestmark = pytest.mark.integration

WHY = ("--reason", "a test")
ENTRY = "payments.reconcile"


def sent(service: Emulator) -> tuple[str, dict[str, Any]]:
    """Path and body of the last request."""
    return service.requests[-1][1], json.loads(service.requests[-1][3])


def test_a_list_says_what_is_on_off_late_slowed_and_orphaned(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = nb("schedule", "list").out
    assert max(map(len, out.splitlines())) <= 80
    rows = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert "on" in rows[ENTRY] and "1 d" in rows[ENTRY] and "2026-11-23 03:00:00" in rows[ENTRY]
    assert "6 h (ships 1 h)" in rows["retention.sweep"]
    assert "off" in rows["cart.forget_old"]
    assert "orphaned" in rows["gone.task"]


def test_what_is_late_or_vital_and_off_is_warned_of(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "schedule"] = {"items": [entry(overdue=True), {**TICK, "enabled": False}]}
    document = nb("schedule", "list", "--json").document
    assert [warning["code"] for warning in document["warnings"]] == ["overdue", "vital_disabled"]
    assert document["next"][0]["cmd"] == "nb ready --env local"


@pytest.mark.parametrize("columns", ["40", "80"])
def test_no_screen_is_too_narrow(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert max(len(line) for line in nb("schedule", "list").out.splitlines()) <= int(columns)


def test_switching_says_what_changed(nb: Runner, service: Emulator) -> None:
    assert nb("schedule", "disable", ENTRY, *WHY).out.startswith(f"✓ {ENTRY}: switched off\n")
    assert sent(service) == (f"/api/ops/v1/schedule/{ENTRY}/disable", {"reason": "a test"})
    assert nb("schedule", "enable", ENTRY, *WHY).out.startswith(f"· {ENTRY}: nothing to change, it is every 1 d\n")


def test_a_vital_entry_that_is_off_is_warned_of(nb: Runner, service: Emulator) -> None:
    ran = nb("schedule", "disable", "generations.tick", *WHY, "--json")
    assert (ran.code, ran.document["warnings"][0]["code"]) == (0, "vital_disabled")


@pytest.mark.parametrize(
    ("given", "seconds"), [("30s", "30.0"), ("500ms", "0.5"), ("5m", "300.0"), ("12h", "43200.0"), ("7d", "604800.0")]
)
def test_an_interval_is_sent_in_seconds(nb: Runner, service: Emulator, given: str, seconds: str) -> None:
    assert nb("schedule", "set", ENTRY, "--every", given, *WHY).code == 0
    assert sent(service) == (f"/api/ops/v1/schedule/{ENTRY}/interval", {"every_s": seconds, "reason": "a test"})


@pytest.mark.parametrize("given", ["often", "0s", "-5s", "499ms", "8d", "nan", "inf", "1e99d", ""])
def test_an_interval_that_is_none_is_not_sent(nb: Runner, service: Emulator, given: str) -> None:
    assert nb("schedule", "set", ENTRY, "--every", given, *WHY, "--json").code == 2
    assert service.requests == []


def test_a_run_by_hand_is_published(nb: Runner, service: Emulator) -> None:
    assert nb("schedule", "run", ENTRY, *WHY).out.startswith(f"✓ {ENTRY} is published\n")
    assert sent(service) == (f"/api/ops/v1/schedule/{ENTRY}/run", {"force": False, "reason": "a test"})
    nb("schedule", "run", ENTRY, "--force", *WHY)
    assert sent(service)[1]["force"] is True


def test_a_run_too_soon_may_be_repeated(nb: Runner, service: Emulator) -> None:
    said = problem(429, "too_many_requests", "It was run by hand a moment ago. Try again in 10 s.")
    service.faults[f"/api/ops/v1/schedule/{ENTRY}/run"] = Fault(429, said, headers={"Retry-After": "10"})
    ran = nb("schedule", "run", ENTRY, *WHY, "--json")
    assert (ran.code, ran.document["meta"]["retry_after_s"]) == (75, 10)
    assert "may have been made" not in ran.error["message"]


def test_what_a_rule_forbids_ends_with_five(nb: Runner, service: Emulator) -> None:
    content = {"code": "entry_disabled", "rule": "entry_disabled", "detail": "It is switched off."}
    service.faults[f"/api/ops/v1/schedule/{ENTRY}/run"] = Fault(409, json.dumps(content).encode())
    ran = nb("schedule", "run", ENTRY, *WHY, "--json")
    assert (ran.code, ran.error["rule"]) == (5, "entry_disabled")


def test_a_vital_entry_asks_for_another_token(nb: Runner, service: Emulator) -> None:
    said = problem(403, "missing_scope", "The token 'ops' lacks the scope admin.")
    service.faults["/api/ops/v1/schedule/generations.tick/disable"] = Fault(403, said)
    assert nb("schedule", "disable", "generations.tick", *WHY, "--json").code == 4


@pytest.mark.parametrize("command", [("enable",), ("disable",), ("set", "--every", "5m"), ("run",)])
def test_no_change_without_a_reason_and_none_by_a_rehearsal(
    nb: Runner, service: Emulator, command: tuple[str, ...]
) -> None:
    verb, *options = command
    assert nb("schedule", verb, ENTRY, *options, "--json").code == 2
    assert service.requests == []
    assert nb("schedule", verb, ENTRY, *options, *WHY, "--dry-run", "--json").data["dry_run"] is True
    assert service.requests[-1][1].endswith("?dry_run=true")


def test_an_id_with_a_number_reaches_its_entry(nb: Runner, service: Emulator) -> None:
    nb("schedule", "disable", "payments.reconcile#7", *WHY)
    assert service.requests[-1][1] == "/api/ops/v1/schedule/payments.reconcile%237/disable"
