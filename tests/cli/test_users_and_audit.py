"""`nb users`, `nb audit` and `nb ledger statement`: people, their tokens, and who changed what."""

from __future__ import annotations

import json

import pytest

from tests.cli.answers_ledger import STATEMENT, USER
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import TOKEN, Emulator, Fault, problem

pytestmark = pytest.mark.integration

WHY = ("--reason", "ticket 4711")


def test_a_person_is_shown_with_tokens_payments_and_postings(nb: Runner, service: Emulator) -> None:
    out = nb("users", "show", "100200300").out
    assert "4 orders in 30 days" in out and "by words sexual; waits until" in out
    assert "user 100200300: 146.00 ⚡" in out
    assert "@fox" in out
    assert "0123456789abcdef0123456789abcdef" in out
    assert "g_000001" in out


def test_a_person_with_more_postings_than_fit_points_to_the_rest(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "users/100200300"] = USER | {"postings_total": 12}
    steps = nb("users", "show", "100200300", "--json").document["next"]
    assert [step["cmd"] for step in steps] == ["nb ledger statement 100200300 --env local"]


@pytest.mark.parametrize("columns", ["40", "80"])
def test_no_screen_is_too_narrow_for_a_person(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for command in (("users", "show", "100200300"), ("ledger", "statement", "100200300"), ("audit", "list")):
        lines = nb(*command).out.splitlines()
        assert max(len(line) for line in lines) <= int(columns)


def test_somebody_who_is_blocked_shows_it_first(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "users/100200300"] = USER | {"is_blocked": True}
    assert "user 100200300, blocked" in nb("users", "show", "100200300").out.splitlines()[0]


def test_a_credit_is_sent_with_amount_reason_and_key(nb: Runner, service: Emulator) -> None:
    ran = nb("users", "credit", "100200300", "25", *WHY, "--key", "ticket-4711", "--json")
    method, path, headers, body = service.requests[-1]
    assert (method, path) == ("POST", "/api/ops/v1/users/100200300/credit")
    assert headers["Idempotency-Key"] == "ticket-4711"
    assert json.loads(body) == {"tokens": "25.00", "reason": "ticket 4711"}
    assert (ran.code, ran.data["balance"], "dry_run" in ran.data) == (0, "171.00", False)


def test_people_read_what_was_moved(nb: Runner, service: Emulator) -> None:
    out = nb("users", "debit", "100200300", "25", *WHY).out
    assert "user 100200300: -25.00 ⚡, balance 121.00 ⚡" in out


def test_a_rehearsal_is_marked_for_people_and_machines(nb: Runner, service: Emulator) -> None:
    assert nb("users", "credit", "100200300", "25", *WHY, "--dry-run", "--json").data["dry_run"] is True
    assert "nothing was changed" in nb("users", "credit", "100200300", "25", *WHY, "--dry-run").out
    assert all(path.endswith("?dry_run=true") for method, path, _, _ in service.requests if method == "POST")


def test_a_change_by_name_names_the_id_that_the_name_has_now(nb: Runner, service: Emulator) -> None:
    assert nb("users", "block", "@fox", *WHY, "--json").code == 0
    assert [(method, path) for method, path, _, _ in service.requests] == [
        ("GET", "/api/ops/v1/users/@fox"),
        ("POST", "/api/ops/v1/users/100200300/block"),
    ]


def test_blocking_says_what_is_new(nb: Runner, service: Emulator) -> None:
    assert "user 100200300 is shut out" in nb("users", "block", "100200300", *WHY).out
    assert "user 100200300 is already let in" in nb("users", "unblock", "100200300", *WHY).out


@pytest.mark.parametrize(
    "amount", ["0", "-0.00", "0.001", "1.005", "100000.01", "1e30", "NaN", "Infinity", "ten", "", "2,50", "0x10"]
)
def test_an_amount_that_cannot_be_posted_is_refused_before_anything_is_sent(
    nb: Runner, service: Emulator, amount: str
) -> None:
    ran = nb("users", "credit", "100200300", *WHY, "--json", "--", amount)
    ran = ran if ran.out else nb("users", "credit", "100200300", amount, *WHY, "--json")
    assert ran.code == 2
    assert service.requests == []


def test_a_negative_amount_points_to_the_other_command(nb: Runner, service: Emulator) -> None:
    ran = nb("users", "credit", *WHY, "--json", "100200300", "--", "-5")
    assert (ran.code, ran.error["fix"]) == (2, 'to take tokens: nb users debit USER TOKENS --reason "…"')


@pytest.mark.parametrize("command", ["credit", "debit", "block", "unblock"])
@pytest.mark.parametrize("reason", [(), ("--reason", ""), ("--reason", "  "), ("--reason", " x ")])
def test_a_change_without_a_reason_is_refused(
    nb: Runner, service: Emulator, command: str, reason: tuple[str, ...]
) -> None:
    tokens = ("5",) if command in ("credit", "debit") else ()
    ran = nb("users", command, "100200300", *tokens, *reason, "--json")
    assert ran.code == 2
    assert "--reason" in ran.error["message"]
    assert service.requests == []


def test_a_rule_of_the_service_blocks_a_debit(nb: Runner, service: Emulator) -> None:
    body = json.loads(problem(409, "insufficient_tokens", "User 100200300 has 3 tokens; 25 cannot be taken."))
    body["rule"] = "balance_is_never_negative"
    service.faults["/api/ops/v1/users/100200300/debit"] = Fault(409, json.dumps(body).encode())
    ran = nb("users", "debit", "100200300", "25", *WHY, "--json")
    assert (ran.code, ran.error["code"], ran.error["rule"]) == (5, "insufficient_tokens", "balance_is_never_negative")


def test_production_is_changed_only_when_it_is_named(
    nb: Runner, service: Emulator, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_ENV", "production")
    monkeypatch.setenv("NB_TOKEN_PRODUCTION", TOKEN)
    monkeypatch.setenv("PRODUCTION_BASE_URL", service.url)
    refused = nb("users", "credit", "100200300", "25", *WHY, "--json")
    assert (refused.code, refused.error["fix"]) == (2, "add --env production")
    assert service.requests == []
    assert nb("users", "credit", "100200300", "25", *WHY, "--env", "production", "--json").code == 0


def test_nothing_is_changed_where_only_reading_is_allowed(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_READONLY", "1")
    for command in (("credit", "100200300", "5"), ("block", "@fox")):
        ran = nb("users", *command, *WHY, "--json")
        assert (ran.code, ran.error["rule"]) == (5, "readonly")
    assert service.requests == []
    assert nb("users", "show", "100200300").code == 0


def test_a_statement_is_paged(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "ledger/statement/100200300"] = STATEMENT | {"next_cursor": "2"}
    ran = nb("ledger", "statement", "100200300", "--limit", "2", "--json")
    assert [item["amount"] for item in ran.data["items"]] == ["-4.00", "100.00"]
    assert ran.document["next"][0]["cmd"] == "nb ledger statement 100200300 --limit 2 --cursor 2 --env local"
    assert service.requests[0][1] == "/api/ops/v1/ledger/statement/100200300?limit=2"


def test_a_statement_says_what_each_posting_was_for(nb: Runner, service: Emulator) -> None:
    out = nb("ledger", "statement", "100200300").out
    assert "user 100200300: 146.00 ⚡" in out
    assert "0123456789abcdef0123456789abcdef" in out


def test_an_empty_statement_says_so(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "ledger/statement/7"] = {"user": "7", "balance": "0.00", "items": [], "next_cursor": None}
    assert "No postings." in nb("ledger", "statement", "7").out


@pytest.mark.parametrize("name", ["../audit", "a/b", "a?b=c", "лиса", "%2e%2e"])
def test_a_name_never_changes_the_address(nb: Runner, service: Emulator, name: str) -> None:
    nb("users", "show", name)
    path = service.requests[0][1]
    assert path.startswith("/api/ops/v1/users/")
    assert set(path.removeprefix("/api/ops/v1/users/")).isdisjoint("/?")


def test_the_audit_says_who_changed_what_and_why(nb: Runner, service: Emulator) -> None:
    out = nb("audit", "list", "--action", "users.credit", "--subject", "100200300").out
    assert all(word in out for word in ("token:ops", "users.credit", "100200300", "ticket 4711"))
    assert service.requests[0][1] == "/api/ops/v1/audit?action=users.credit&subject=100200300&limit=20"


def test_an_empty_audit_says_so(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "audit"] = {"items": [], "next_cursor": None}
    assert nb("audit", "list").out == "No changes match.\n"


def test_a_note_is_sent_as_it_was_written(nb: Runner, service: Emulator) -> None:
    ran = nb("users", "note", "100200300", " asked twice ", "--key", "ticket-4711")
    method, path, headers, body = service.requests[-1]
    assert (method, path) == ("POST", "/api/ops/v1/users/100200300/note")
    assert (json.loads(body), headers["Idempotency-Key"]) == ({"reason": "asked twice"}, "ticket-4711")
    assert ran.out == "✓ user 100200300: noted, 2 in all\n"


def test_a_note_by_name_is_about_the_id_it_belongs_to(nb: Runner, service: Emulator) -> None:
    assert nb("users", "note", "@fox", "asked twice", "--json").data["notes"] == 2
    assert service.requests[-1][1] == "/api/ops/v1/users/100200300/note"


def test_notes_are_shown_with_who_and_when(nb: Runner, service: Emulator) -> None:
    assert "2026-11-22 12:00:00 token:ops: asked twice for a refund" in nb("users", "show", "100200300").out
    assert nb("users", "show", "100200300", "--json").data["notes"] == USER["notes"]


@pytest.mark.parametrize("text", ["", "ab", "x" * 501, "two\nlines", "\x1b[31mred", "right\u202eleft"])
def test_a_note_that_is_no_line_of_text_is_not_sent(nb: Runner, service: Emulator, text: str) -> None:
    assert nb("users", "note", "100200300", text, "--json").code == 2
    assert service.requests == []
