"""`nb payments`: what is sent, what people read at 80 columns, what they are advised, and how refusals end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.answers_payments import CODE, HELD, NOW, detail, finding, payment, reconciled
from tests.cli.conftest import Runner
from tests.cli.emulator import Emulator, Fault

pytestmark = pytest.mark.integration

WHY = ("--reason", "a test")


def sent(service: Emulator, number: int = -1) -> tuple[str, str, dict[str, Any]]:
    """A request: method, path and body."""
    method, path, _, body = service.requests[number]
    return method, path, json.loads(body or b"{}")


def test_a_list_is_a_table_of_eighty_columns(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    asked = payment(refund_requested_at="2026-11-22T12:00:00Z")
    service.answers["GET", "payments"] = {"items": [HELD, payment(), asked], "next_cursor": None}
    lines = nb("payments", "list").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].split()[:4] == ["00000000", "quarantined", "-", "0.00"]
    assert lines[2].split()[:6] == ["7f3a91c0", "paid", "100200300", "100.00", "385.00", "XTR"]
    assert "refund?" in lines[3]


def test_an_empty_list_says_so(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "payments"] = {"items": [], "next_cursor": None}
    assert nb("payments", "list").out == "No payments match.\n"


def test_filters_are_sent_and_kept_for_the_next_page(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "payments"] = {"items": [HELD], "next_cursor": "7"}
    ran = nb("payments", "list", "--status", "paid", "--user", "5", "--refund-requested", "--limit", "1", "--json")
    query = service.requests[-1][1].partition("?")[2].split("&")
    assert sorted(query) == ["limit=1", "refund_requested=true", "status=paid", "user=5"]
    [step] = ran.document["next"]
    assert step["cmd"] == "nb payments list --refund-requested --status paid --user 5 --limit 1 --cursor 7 --env local"


def test_one_payment_is_shown_in_full(nb: Runner, service: Emulator) -> None:
    ran = nb("payments", "show", CODE[:8])
    assert ran.out.startswith(f"✓ {CODE}  paid\n")
    for words in (f"nb payments refund {CODE}", "385.00 XTR", "stx-one", "120.00", "deposit  100.00", "paid  stx-one"):
        assert words in ran.out
    assert "promo code" not in ran.out, "what is empty takes no line"


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({}, []),
        ({"refund_requested_at": NOW}, [f'nb payments refund {CODE} --reason "..." --env local']),
        (
            {"refund_requested_at": NOW, "spent": "50.00"},
            [f'nb payments refund {CODE} --reason "..." --env local --write-off'],
        ),
        (
            {"status": "quarantined"},
            [
                f'nb payments refund {CODE} --reason "..." --env local',
                f'nb payments dismiss {CODE} --reason "..." --env local',
            ],
        ),
        ({"status": "refunding"}, [f'nb payments refund {CODE} --reason "..." --env local --done-outside']),
        ({"status": "refunding", "next_check_at": "2026-11-22T12:00:00Z"}, [f"nb payments show {CODE} --env local"]),
        ({"status": "pending"}, ["nb payments reconcile --since 2d --env local"]),
        ({"status": "refunded"}, []),
    ],
)
def test_what_to_do_next_fits_the_state(
    nb: Runner, service: Emulator, changes: dict[str, Any], advice: list[str]
) -> None:
    service.answers["GET", f"payments/{CODE}"] = detail(**changes)
    ran = nb("payments", "show", CODE, "--json")
    assert [step["cmd"] for step in ran.document["next"]] == advice


def test_a_refund_names_the_whole_code_and_says_what_was_taken(nb: Runner, service: Emulator) -> None:
    ran = nb("payments", "refund", CODE[:8], *WHY)
    assert ran.code == 0 and "is refunding: its money is on the way back" in ran.out and "120.00" in ran.out
    assert sent(service) == (
        "POST",
        f"/api/ops/v1/payments/{CODE}/refund",
        {"reason": "a test", "write_off": False, "done_outside": False},
    )


def test_a_refund_that_was_made_before_is_fine(nb: Runner, service: Emulator) -> None:
    done = {"code": CODE, "status": "refunded", "taken": "120.00", "written_off": "5.00"}
    service.answers["POST", f"payments/{CODE}/refund"] = done
    ran = nb("payments", "refund", CODE, *WHY, "--write-off", "--json")
    assert (ran.code, ran.data["status"], ran.document["next"]) == (0, "refunded", [])
    assert sent(service)[2]["write_off"] is True


def test_waiting_for_the_money_asks_until_it_is_back(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pass_time(_: float) -> None:
        service.answers["GET", f"payments/{CODE}"] = detail(status="refunded")

    monkeypatch.setattr("cli.commands.payments.sleep", pass_time)
    ran = nb("payments", "refund", CODE, *WHY, "--wait", "30s", "--json")
    assert (ran.code, ran.data["status"]) == (0, "refunded")


def test_waiting_ends_at_its_deadline(nb: Runner, service: Emulator) -> None:
    service.answers["GET", f"payments/{CODE}"] = detail(status="refunding")
    ran = nb("payments", "refund", CODE, *WHY, "--wait", "10ms", "--json")
    assert (ran.code, ran.error["code"], ran.error["transient"]) == (9, "wait_deadline", True)
    assert ran.error["fix"] == f"nb payments show {CODE} --env local"


def test_spent_tokens_end_with_the_rule_and_the_way_out(nb: Runner, service: Emulator) -> None:
    body = {
        "code": "tokens_spent",
        "status": 409,
        "detail": "The payment gave 120.00 tokens and the user has 70.00 left: 50.00 are spent.",
        "rule": "refund_takes_all_tokens_back",
        "missing": "50.00",
    }
    path = f"/api/ops/v1/payments/{CODE}/refund"
    service.faults[path] = Fault(409, json.dumps(body).encode())
    ran = nb("payments", "refund", CODE, *WHY, "--json")
    assert (ran.code, ran.error["code"], ran.error["rule"]) == (5, "tokens_spent", "refund_takes_all_tokens_back")
    assert "50.00 are spent" in ran.error["message"] and ran.error["transient"] is False
    assert ran.error["fix"] == f'nb payments refund {CODE} --write-off --reason "..." --env local'


def test_another_rule_keeps_its_own_words(nb: Runner, service: Emulator) -> None:
    body = {
        "code": "not_refundable",
        "status": 409,
        "detail": "It is pending.",
        "rule": "only_money_that_came_goes_back",
    }
    service.faults[f"/api/ops/v1/payments/{CODE}/refund"] = Fault(409, json.dumps(body).encode())
    ran = nb("payments", "refund", CODE, *WHY, "--json")
    assert (ran.code, ran.error["code"]) == (5, "not_refundable")
    assert "--write-off" not in str(ran.error["fix"])


@pytest.mark.parametrize("command", ["refund", "dismiss"])
def test_a_change_says_why(nb: Runner, service: Emulator, command: str) -> None:
    assert nb("payments", command, CODE).code == 2
    assert service.requests == []


def test_a_dismissal_is_sent(nb: Runner, service: Emulator) -> None:
    ran = nb("payments", "dismiss", CODE[:8], *WHY)
    assert ran.code == 0 and f"payment {CODE} is dismissed" in ran.out
    assert sent(service)[1] == f"/api/ops/v1/payments/{CODE}/dismiss"


@pytest.mark.parametrize(("since", "period"), [("2d", timedelta(days=2)), ("12h", timedelta(hours=12))])
def test_a_comparison_says_from_when_on(nb: Runner, service: Emulator, since: str, period: timedelta) -> None:
    ran = nb("payments", "reconcile", "--since", since, "--gateway", "stars")
    assert ran.code == 0 and "stars: 12 entries, 0 put right, 0 to look at" in ran.out
    body = sent(service)[2]
    assert body["gateway"] == "stars" and body["dry_run"] is False
    asked = datetime.fromisoformat(body["since"])
    assert abs(datetime.now(UTC) - period - asked) < timedelta(minutes=1)


@pytest.mark.parametrize("since", ["", "d", "0d", "-1d", "2w", "yesterday", "91d", "9999999d", "²d"])
def test_a_time_that_is_none_is_refused(nb: Runner, service: Emulator, since: str) -> None:
    assert nb("payments", "reconcile", "--since", since).code == 2
    assert service.requests == []


def test_what_was_put_right_is_a_success(nb: Runner, service: Emulator) -> None:
    service.answers["POST", "payments/reconcile"] = reconciled(finding("credited"))
    ran = nb("payments", "reconcile", "--dry-run")
    assert ran.code == 0 and "1 put right, 0 to look at" in ran.out and "credited" in ran.out
    assert sent(service)[2]["dry_run"] is True


@pytest.mark.parametrize("answer", [reconciled(finding("unknown_there"), ok=False), reconciled(ok=False, error="502")])
def test_what_does_not_agree_is_a_failed_check(nb: Runner, service: Emulator, answer: dict[str, Any]) -> None:
    service.answers["POST", "payments/reconcile"] = answer
    ran = nb("payments", "reconcile", "--json")
    assert (ran.code, ran.error["code"]) == (1, "payments_disagree")


def test_a_test_order_prints_its_link(nb: Runner, service: Emulator) -> None:
    ran = nb("payments", "test", "--user", "100200300")
    assert ran.code == 0 and "pay here: https://t.me/$abc" in ran.out
    method, path, body = sent(service, -2)
    assert (method, path) == ("POST", "/api/ops/v1/payments/test")
    assert body == {"user": 100200300, "package": None, "gateway": "stars", "reason": "test payment"}


def test_a_rehearsed_test_order_makes_no_invoice(nb: Runner, service: Emulator) -> None:
    ran = nb("payments", "test", "--user", "5", "--dry-run", "--json")
    assert ran.data["dry_run"] is True and ran.data["payment_url"] is None
    assert not any(path.endswith("/invoice") for _, path, _, _ in service.requests)
