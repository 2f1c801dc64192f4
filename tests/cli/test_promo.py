"""`nb promo`: what is sent for each option, what people read, and how refusals end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.answers_promo import HALF, LATEST, code
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import TOKEN, Emulator, Fault, problem

pytestmark = pytest.mark.integration

WHY = ("--reason", "a test")


def sent(service: Emulator) -> tuple[str, str, dict[str, Any]]:
    """The last request: method, path and body."""
    method, path, _, body = service.requests[-1]
    return method, path, json.loads(body)


def test_a_list_is_a_table_of_eighty_columns(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = nb("promo", "list").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].split()[:6] == ["HALF", "active", "12.5", "%", "12", "120.00"]
    assert "12/500" in lines[2] and "2027-01-01 00:00:00" in lines[2]


def test_an_empty_list_says_so(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "promo-codes"] = {"items": [], "next_cursor": None}
    assert nb("promo", "list").out == "There are no promo codes.\n"


def test_the_next_page_is_one_command_away(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "promo-codes"] = {"items": [code()], "next_cursor": "7"}
    [step] = nb("promo", "list", "--limit", "1", "--json").document["next"]
    assert step["cmd"] == "nb promo list --limit 1 --cursor 7 --env local"


def test_one_code_shows_limits_money_and_people(nb: Runner, service: Emulator) -> None:
    out = nb("promo", "show", "half").out
    assert out.startswith("✓ HALF  active\n")
    for words in (
        "12.5 % with the next deposit",
        "a sale",
        "100.00",
        "40.00",
        "12, 3 of them wait for a deposit",
        "5000.00 ⚡, 4760.00 ⚡ left",
        "switched off",
        "4343",
        "0123456789abcdef0123456789abcdef",
    ):
        assert words in out
    assert nb("promo", "show", "HALF", "--json").data == {**HALF, "latest": LATEST}


@pytest.mark.parametrize("columns", ["40", "80"])
def test_no_screen_is_too_narrow(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for command in (("promo", "list"), ("promo", "show", "HALF")):
        assert max(len(line) for line in nb(*command).out.splitlines()) <= int(columns)


def test_a_code_of_tokens_is_sent_as_it_was_asked_for(nb: Runner, service: Emulator) -> None:
    ran = nb("promo", "create", " fox ", "--tokens", "10", *WHY, "--key", "ticket-4711", "--json")
    assert sent(service) == (
        "POST",
        "/api/ops/v1/promo-codes/FOX",
        {"tokens": "10", "max_uses_per_user": 1, "reason": "a test"},
    )
    assert service.requests[-1][2]["Idempotency-Key"] == "ticket-4711"
    assert (ran.code, ran.data["code"], "dry_run" in ran.data) == (0, "FOX", False)
    assert ran.document["next"] == [{"cmd": "nb promo show FOX --env local", "why": "who uses it"}]


def test_every_option_reaches_the_service(nb: Runner, service: Emulator) -> None:
    options = {
        "--percent": "12.5",
        "--max-uses": "9",
        "--per-user": "2",
        "--from": "2026-12-01",
        "--until": "2026-12-31",
        "--min-deposit": "100",
        "--max-bonus": "40",
        "--budget": "5000",
        "--description": "a sale",
    }
    nb("promo", "create", "HALF", *(part for pair in options.items() for part in pair), *WHY)
    assert sent(service)[2] == {
        "percent": "12.5",
        "max_uses": 9,
        "max_uses_per_user": 2,
        "valid_from": "2026-12-01T00:00:00+00:00",
        "valid_until": "2027-01-01T00:00:00+00:00",
        "min_deposit": "100",
        "max_bonus": "40",
        "budget": "5000",
        "description": "a sale",
        "reason": "a test",
    }


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-12-31", "2027-01-01T00:00:00+00:00"),
        ("2026-12-31T18:00", "2026-12-31T18:00:00+00:00"),
        ("2026-12-31T18:00+03:00", "2026-12-31T15:00:00+00:00"),
    ],
)
def test_an_end_by_date_includes_its_day(nb: Runner, service: Emulator, given: str, meant: str) -> None:
    nb("promo", "create", "FOX", "--tokens", "10", "--until", given, *WHY)
    assert sent(service)[2]["valid_until"] == meant


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--tokens", "10", "--percent", "5"),
        ("--tokens", "10", "--until", "tomorrow"),
        ("--tokens", "10", "--from", "2026-13-01"),
        ("--tokens", "10", "--until", "9999-12-31"),
        ("--tokens", "10", "--max-uses", "0"),
        ("--tokens", "10", "--per-user", "0"),
    ],
)
def test_what_makes_no_sense_is_not_sent(nb: Runner, service: Emulator, options: tuple[str, ...]) -> None:
    assert nb("promo", "create", "FOX", *options, *WHY, "--json").code == 2
    assert service.requests == []


@pytest.mark.parametrize("command", [("create", "FOX", "--tokens", "10"), ("disable", "FOX"), ("enable", "FOX")])
def test_no_change_without_a_reason(nb: Runner, service: Emulator, command: tuple[str, ...]) -> None:
    assert nb("promo", *command, "--json").code == 2
    assert nb("promo", *command, "--reason", "  ", "--json").code == 2
    assert service.requests == []


def test_a_rule_that_refuses_ends_with_five_and_its_name(nb: Runner, service: Emulator) -> None:
    content = {
        "code": "promo_needs_limit",
        "rule": "promo_needs_limit",
        "detail": "A code that gives 1000 tokens to every account needs max_uses or a budget.",
    }
    service.faults["/api/ops/v1/promo-codes/RICH"] = Fault(409, json.dumps(content).encode())
    ran = nb("promo", "create", "RICH", "--tokens", "1000", *WHY, "--json")
    assert (ran.code, ran.error["code"], ran.error["rule"]) == (5, "promo_needs_limit", "promo_needs_limit")


def test_a_code_that_exists_is_a_conflict(nb: Runner, service: Emulator) -> None:
    said = problem(409, "promo_code_exists", "Promo code FOX exists already.")
    service.faults["/api/ops/v1/promo-codes/FOX"] = Fault(409, said)
    ran = nb("promo", "create", "FOX", "--tokens", "10", *WHY, "--json")
    assert (ran.code, ran.error["code"]) == (7, "promo_code_exists")


def test_switching_says_what_changed(nb: Runner, service: Emulator) -> None:
    assert nb("promo", "disable", "fox", *WHY).out.startswith("✓ FOX is switched off\n")
    assert sent(service) == ("POST", "/api/ops/v1/promo-codes/FOX/disable", {"reason": "a test"})
    assert nb("promo", "enable", "FOX", *WHY).out.startswith("✓ FOX is already switched on\n")


@pytest.mark.parametrize("command", [("create", "FOX", "--tokens", "10"), ("disable", "FOX")])
def test_a_rehearsal_is_marked(nb: Runner, service: Emulator, command: tuple[str, ...]) -> None:
    assert nb("promo", *command, *WHY, "--dry-run", "--json").data["dry_run"] is True
    assert service.requests[-1][1].endswith("?dry_run=true")
    assert "nothing was changed" in nb("promo", *command, *WHY, "--dry-run").out


def test_an_unknown_code_is_not_found(nb: Runner, service: Emulator) -> None:
    said = problem(404, "unknown_promo_code", "There is no promo code 'NOBODY'.")
    service.faults["/api/ops/v1/promo-codes/NOBODY"] = Fault(404, said)
    ran = nb("promo", "show", "nobody", "--json")
    assert (ran.code, ran.error["code"]) == (3, "unknown_promo_code")


def test_a_code_cannot_reach_another_path(nb: Runner, service: Emulator) -> None:
    nb("promo", "show", "../users", "--json")
    assert service.requests[-1][1] == "/api/ops/v1/promo-codes/..%2FUSERS"


def test_production_is_named_for_a_change(
    nb: Runner, service: Emulator, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_ENV", "production")
    monkeypatch.setenv("PRODUCTION_BASE_URL", service.url)
    monkeypatch.setenv("NB_TOKEN_PRODUCTION", TOKEN)
    service.environment = "production"
    assert nb("promo", "disable", "FOX", *WHY, "--json").code == 2
    assert service.requests == []
    assert nb("promo", "disable", "FOX", *WHY, "--env", "production", "--json").code == 0
