"""`nb webhook`: what is shown, when a check fails, what is sent, and that no secret is ever in it."""

from __future__ import annotations

import json

import pytest

from tests.cli.answers_webhook import URL, WRONG, webhook
from tests.cli.conftest import Runner
from tests.cli.emulator import Emulator, Fault, problem

pytestmark = pytest.mark.integration


def test_a_webhook_in_order_passes_the_check(nb: Runner, service: Emulator) -> None:
    ran = nb("webhook", "check")
    assert ran.code == 0
    assert URL in ran.out


def test_missing_kinds_of_updates_fail_the_check_and_name_the_repair(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "webhook"] = WRONG
    ran = nb("webhook", "check", "--json")
    assert (ran.code, ran.error["code"]) == (1, "webhook_wrong")
    assert "allowed_updates failed" in ran.error["message"]
    assert ran.error["fix"] == 'nb webhook set --reason "…" --env local'
    assert [one["fix"] for one in ran.document["data"]["checks"] if one["state"] == "failed"] == [ran.error["fix"]]


def test_what_is_unknown_is_not_in_order(nb: Runner, service: Emulator) -> None:
    unknown = {"id": "secret", "state": "unknown", "detail": "nobody remembers", "fix": None}
    service.answers["GET", "webhook"] = webhook(secret="unknown", checks=[unknown])
    assert nb("webhook", "check").code == 1


def test_info_tells_everything_and_fits_eighty_columns(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    service.answers["GET", "webhook"] = WRONG
    ran = nb("webhook", "info")
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    for words in (URL, "502 Bad Gateway", "Not as it should be", "should be"):
        assert words in ran.out


def test_set_sends_the_reason_and_shows_what_was_different(nb: Runner, service: Emulator) -> None:
    ran = nb("webhook", "set", "--reason", "set by hand")
    assert ran.code == 0
    assert "✓ Telegram was told: allowed_updates" in ran.out
    method, path, _, body = service.requests[-1]
    assert (method, path, json.loads(body)) == ("POST", "/api/ops/v1/webhook", {"reason": "set by hand"})


def test_set_says_when_nothing_differs(nb: Runner, service: Emulator) -> None:
    service.answers["POST", "webhook"] = {**webhook(), "changed": []}
    assert "nothing differs" in nb("webhook", "set", "--reason", "to be sure").out


def test_a_rehearsal_is_told_from_the_real_thing(nb: Runner, service: Emulator) -> None:
    ran = nb("webhook", "set", "--reason", "what would be", "--dry-run", "--json")
    assert ran.data["dry_run"] is True


def test_a_change_without_a_reason_is_sent_nowhere(nb: Runner, service: Emulator) -> None:
    assert nb("webhook", "set", "--json").code == 2
    assert service.requests == []


def test_a_telegram_that_is_away_is_an_upstream_fault(nb: Runner, service: Emulator) -> None:
    service.faults["/api/ops/v1/webhook"] = Fault(body=problem(503, "telegram_away", "Telegram is away."), status=503)
    ran = nb("webhook", "check", "--json")
    assert (ran.code, ran.error["code"], ran.error["transient"]) == (75, "telegram_away", True)
