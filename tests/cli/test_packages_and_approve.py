"""`nb packages` and `nb approve`: what is sold, and consent to what somebody else wants."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli import answers_prices as answers
from tests.cli.conftest import Ran, Runner
from tests.cli.emulator import Emulator, Fault, problem

pytestmark = pytest.mark.integration

REASON = ("--reason", "a test")


def sent(service: Emulator) -> tuple[str, dict[str, Any]]:
    """Path and body of the first change."""
    path, body = next((path, body) for method, path, _, body in service.requests if method == "POST")
    return path.removeprefix("/api/ops/v1/"), json.loads(body)


class TestPackages:
    """Look, edit, add, take off sale, arrange."""

    def test_the_list_fits_a_small_screen(self, nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        assert nb("packages", "list").out == (
            "package      title   tokens   USD  Stars  USD per ⚡  offers  on sale\n"
            "tokens-100   100 ⚡  100.00  5.00    385        0.05  lava    yes\n"
            "monthly-300  100 ⚡  100.00  5.00      -        0.05  -       yes, monthly\n"
        )

    def test_an_empty_shop_says_how_to_fill_it(self, nb: Runner, service: Emulator) -> None:
        service.answers["GET", "packages"] = {"items": [], "list_usd_per_token": "0.05"}
        assert nb("packages", "list").out == "Nothing is sold. Load what ships with: nb db migrate\n"

    def test_one_is_shown_in_full(self, nb: Runner, service: Emulator) -> None:
        out = nb("packages", "show", "tokens-100").out
        assert "price    USD 5.00, USD 0.05 per token" in out
        assert "lava=836b9fc5-7ae9-4a27-9642-592bc44072b7" in out

    def test_every_option_reaches_the_service(self, nb: Runner, service: Emulator) -> None:
        nb(
            *("packages", "set", "tokens-100", "--title", "Starter", "--tokens", "110.50", "--price", "5.50"),
            *("--stars", "0", "--offer", "lava=836b9fc5", "--offer", "yookassa=", "--once", "--place", "5", *REASON),
        )
        assert sent(service) == (
            "packages/tokens-100",
            {
                "title": "Starter",
                "tokens": "110.50",
                "price_usd": "5.50",
                "stars": 0,
                "offers": {"lava": "836b9fc5", "yookassa": ""},
                "is_recurring": False,
                "order": 5,
                "reason": "a test",
            },
        )

    def test_what_became_different_is_told(self, nb: Runner, service: Emulator) -> None:
        ran = nb("packages", "set", "tokens-100", "--price", "5.50", *REASON)
        assert ran.out.startswith("✓ tokens-100: price_usd 5.00 → 5.50\n")
        assert "Next: nb packages list" in ran.err

    def test_a_token_sold_below_its_price_is_warned_of(self, nb: Runner, service: Emulator) -> None:
        cheap = {**answers.PACKAGE, "price_usd": "4.00", "usd_per_token": "0.04"}
        service.answers["POST", "packages/tokens-100"] = {
            "changed": True,
            "package": cheap,
            "before": answers.PACKAGE,
        }
        ran = nb("packages", "set", "tokens-100", "--price", "4", *REASON, "--json")
        assert [warning["code"] for warning in ran.document["warnings"]] == ["cheap_package"]
        assert ran.code == 0

    def test_one_is_added(self, nb: Runner, service: Emulator) -> None:
        ran = nb("packages", "add", "tokens-300", "--tokens", "300", "--price", "14.50", "--recurring", *REASON)
        assert ran.out.startswith("✓ tokens-100: added\n")
        assert sent(service) == (
            "packages",
            {"code": "tokens-300", "tokens": "300", "price_usd": "14.50", "is_recurring": True, "reason": "a test"},
        )

    @pytest.mark.parametrize(("command", "active"), [("disable", False), ("enable", True)])
    def test_one_is_taken_off_sale_and_put_on_it(
        self, nb: Runner, service: Emulator, command: str, active: bool
    ) -> None:
        assert nb("packages", command, "tokens-100", *REASON).code == 0
        assert sent(service) == ("packages/tokens-100/sale", {"is_active": active, "reason": "a test"})

    def test_they_are_arranged(self, nb: Runner, service: Emulator) -> None:
        assert nb("packages", "order", "tokens-500", "tokens-100", *REASON).code == 0
        assert sent(service) == ("package-order", {"codes": ["tokens-500", "tokens-100"], "reason": "a test"})

    def test_a_rehearsal_says_that_it_is_one(self, nb: Runner, service: Emulator) -> None:
        ran = nb("packages", "set", "tokens-100", "--price", "5.50", *REASON, "--dry-run", "--json")
        assert ran.data["dry_run"] is True
        assert service.requests[0][1].endswith("?dry_run=true")

    @pytest.mark.parametrize(
        "arguments",
        [
            ("set", "tokens-100", *REASON),
            ("set", "tokens-100", "--price", "5"),
            ("set", "tokens-100", "--offer", "lava", *REASON),
            ("set", "tokens-100", "--stars", "x", *REASON),
            ("add", "tokens-300", "--tokens", "3", *REASON),
            ("order", *REASON),
        ],
    )
    def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
        self, nb: Runner, service: Emulator, arguments: tuple[str, ...]
    ) -> None:
        assert (nb("packages", *arguments, "--json").code, service.requests) == (2, [])

    @pytest.mark.parametrize(
        ("status", "code", "exit_code"),
        [(404, "unknown_package", 3), (409, "package_exists", 7), (422, "invalid_package", 2)],
    )
    def test_a_refusal_has_its_exit_code(
        self, nb: Runner, service: Emulator, status: int, code: str, exit_code: int
    ) -> None:
        service.faults["/api/ops/v1/packages"] = Fault(status, problem(status, code, "no"))
        ran = nb("packages", "add", "tokens-300", "--tokens", "3", "--price", "1", *REASON, "--json")
        assert (ran.code, ran.error["code"]) == (exit_code, code)


class TestApprove:
    """Any word that is no command is a code."""

    def approve(self, nb: Runner, *arguments: str) -> Ran:
        return nb("approve", "NDF9W8V2XP", *arguments)

    def test_a_code_is_approved_for_a_reason(self, nb: Runner, service: Emulator) -> None:
        ran = self.approve(nb, "--reason", "checked", "--json")
        assert (ran.code, ran.document["command"], ran.data["state"]) == (0, "approve", "approved")
        assert sent(service) == ("approvals/NDF9W8V2XP/approve", {"reason": "checked"})

    def test_the_line_that_a_refused_change_prints_works_as_it_stands(self, nb: Runner, service: Emulator) -> None:
        ran = self.approve(nb, "--env", "local")
        assert "✓ NDF9W8V2XP: approved" in ran.out
        assert sent(service)[1] == {"reason": "agreed"}

    def test_what_exactly_is_approved_is_shown(
        self, nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        out = nb("approve", "show", "NDF9W8V2XP").out
        assert "change       pricing.set of nano-banana-pro" in out
        assert "base_cost_usd  0.15   0.3" in out
        assert "token:mia" in out
        assert max(map(len, out.splitlines())) <= 80

    def test_what_waits_is_listed(self, nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        out = nb("approve", "list", "--pending").out
        assert "NDF9W8V2XP  pending  pricing.set  nano-banana-pro  token:mia" in out
        assert service.requests[0][1] == "/api/ops/v1/approvals?pending=true&limit=20"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [((), "Nothing needed an approval yet.\n"), (("--pending",), "Nothing waits for an approval.\n")],
    )
    def test_nothing_is_said_to_be_nothing(
        self, nb: Runner, service: Emulator, arguments: tuple[str, ...], said: str
    ) -> None:
        service.answers["GET", "approvals"] = {"items": []}
        assert nb("approve", "list", *arguments).out == said

    @pytest.mark.parametrize(
        ("fault", "exit_code"),
        [
            (Fault(404, problem(404, "unknown_approval", "no")), 3),
            (Fault(403, problem(403, "missing_scope", "no")), 4),
            (Fault(409, problem(409, "approval_used", "no")), 7),
            (Fault(409, json.dumps({"code": "own_approval", "detail": "no", "rule": "approval"}).encode()), 5),
        ],
    )
    def test_a_refusal_has_its_exit_code(self, nb: Runner, service: Emulator, fault: Fault, exit_code: int) -> None:
        service.faults["/api/ops/v1/approvals/NDF9W8V2XP/approve"] = fault
        assert self.approve(nb, "--json").code == exit_code

    def test_the_group_explains_itself(self, nb: Runner, service: Emulator) -> None:
        page = nb("approve", "--help").out
        assert "CODE " in page
        assert "list " in page
        assert "show " in page
        assert nb("approve").code == 2

    def test_an_option_that_does_not_exist_names_the_command_without_a_gap(self, nb: Runner, service: Emulator) -> None:
        assert "Try: nb approve --help" in self.approve(nb, "--nope").err
