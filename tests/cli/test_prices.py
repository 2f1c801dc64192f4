"""`nb pricing`: what an edit would do is shown before it is written, and every edit can be undone."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli import answers_prices as answers
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import Emulator, Fault, problem

pytestmark = pytest.mark.integration

SET = ("pricing", "set", "nano-banana-pro", "--base-cost", "0.16", "--reason", "a test")
PREVIEW = ("POST", "prices/nano-banana-pro/preview")


def bodies(service: Emulator, method: str = "POST") -> list[tuple[str, dict[str, Any]]]:
    """Paths and bodies that were sent."""
    return [
        (path.removeprefix("/api/ops/v1/"), json.loads(body))
        for verb, path, _, body in service.requests
        if verb == method
    ]


class TestSetting:
    """Preview first, then the change."""

    def test_the_preview_is_asked_first_and_the_edit_expects_what_was_shown(
        self, nb: Runner, service: Emulator
    ) -> None:
        ran = nb(*SET, "--json")
        assert ran.code == 0
        assert bodies(service) == [
            ("prices/nano-banana-pro/preview", {"base_cost_usd": "0.16", "expect": None}),
            (
                "prices/nano-banana-pro",
                {"base_cost_usd": "0.16", "reason": "a test", "expect": "11", "approval": None},
            ),
        ]
        assert (ran.data["changed"], ran.data["revision"]["id"], ran.data["latest"]) == (True, 12, 11)
        assert ran.data["inverse"] == "nb pricing revert 12 --reason 'undo revision 12'"
        assert ran.document["next"][0]["cmd"] == ran.data["inverse"]

    def test_people_see_the_table_before_the_result(
        self, nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        ran = nb(*SET)
        assert ran.out == (
            "nano-banana-pro: base_cost_usd 0.15 → 0.16\n"
            "order          now, ⚡  new, ⚡  change  margin now  margin new\n"
            "defaults          6.00     6.40  +6.7 %        50 %        50 %\n"
            "image_size 4K    10.80    11.52  +6.7 %        50 %        50 %\n"
            "✓ nano-banana-pro: revision 12, seen everywhere within 2 s\n"
        )
        assert "Next: nb pricing revert 12 --reason 'undo revision 12'" in ran.err

    def test_every_option_reaches_the_service(self, nb: Runner, service: Emulator) -> None:
        nb(
            *("pricing", "set", "nano-banana-pro", "--unit", "image", "--factor", "image_size.4K=1.9"),
            *("--factor", "mode+sound.pro+true=1.2", "--factor", "fps.59.94=1.1", "--expect", "0.1500"),
            *("--approval", "NDF9W8V2XP", "--reason", "a test", "--key", "ticket-4711"),
        )
        (_, asked), (_, sent) = bodies(service)
        fields = {
            "cost_unit": "image",
            "factors": {"image_size.4K": "1.9", "mode+sound.pro+true": "1.2", "fps.59.94": "1.1"},
        }
        assert asked == {**fields, "expect": "0.1500"}
        assert sent == {**fields, "expect": "0.1500", "approval": "NDF9W8V2XP", "reason": "a test"}
        assert service.requests[1][2]["Idempotency-Key"] == "ticket-4711"

    @pytest.mark.parametrize("subject", [(), ("settings",)])
    def test_rate_and_markup_belong_to_all_models(
        self, nb: Runner, service: Emulator, subject: tuple[str, ...]
    ) -> None:
        assert nb("pricing", "set", *subject, "--rate", "21", "--markup", "2.2", "--reason", "a test").code == 0
        assert [path for path, _ in bodies(service)] == ["prices/settings/preview", "prices/settings"]

    @pytest.mark.parametrize(
        "arguments",
        [
            ("nano-banana-pro",),
            ("nano-banana-pro", "--markup", "2"),
            ("--base-cost", "1"),
            ("--base-cost", "1", "--rate", "2"),
            (),
            ("nano-banana-pro", "--factor", "image_size=2"),
            ("nano-banana-pro", "--factor", "image_size.4K"),
            ("nano-banana-pro", "--factor", ".4K=2"),
            ("nano-banana-pro", "--factor", "a.b=1", "--factor", "a.b=2"),
            ("nano-banana-pro", "--base-cost", "1", "--reason", " "),
        ],
    )
    def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
        self, nb: Runner, service: Emulator, arguments: tuple[str, ...]
    ) -> None:
        ran = nb("pricing", "set", "--reason", "a test", *arguments, "--json")
        assert (ran.code, ran.error["fix"] is not None) == (2, True)
        assert service.requests == []

    def test_a_reason_is_required(self, nb: Runner, service: Emulator) -> None:
        assert nb(*SET[:-2], "--json").code == 2
        assert service.requests == []

    def test_a_rehearsal_only_shows(self, nb: Runner, service: Emulator) -> None:
        ran = nb(*SET, "--dry-run", "--json")
        assert [path for path, _ in bodies(service)] == ["prices/nano-banana-pro/preview"]
        assert (ran.code, ran.data["dry_run"], ran.data["changed"], ran.data["revision"]) == (0, True, False, None)

    def test_a_rehearsal_of_a_large_change_says_that_it_needs_an_approval(self, nb: Runner, service: Emulator) -> None:
        service.answers[PREVIEW] = {**answers.PREVIEW, "needs_approval": True, "largest_percent": "87.5"}
        ran = nb(*SET, "--dry-run", "--json")
        assert [warning["code"] for warning in ran.document["warnings"]] == ["approval_required"]
        assert "87.5 % is more than 30 %" in nb(*SET, "--dry-run").out

    def test_nothing_to_change_writes_nothing(self, nb: Runner, service: Emulator) -> None:
        service.answers[PREVIEW] = {**answers.PREVIEW, "before": {}, "after": {}, "rows": []}
        ran = nb(*SET)
        assert (ran.code, len(service.requests)) == (0, 1)
        assert "nothing would be different" in ran.out

    def test_a_large_change_exits_with_6_and_says_how_to_go_on(self, nb: Runner, service: Emulator) -> None:
        service.answers[PREVIEW] = {**answers.PREVIEW, "needs_approval": True}
        refusal = {
            **json.loads(problem(403, "approval_required", "it changes by 87.5 %")),
            "rule": "approval",
            "approval": "NDF9W8V2XP",
        }
        fault = Fault(403, json.dumps(refusal).encode())
        service.faults["/api/ops/v1/prices/nano-banana-pro"] = fault
        ran = nb(*SET, "--factor", "image_size.4K=1.9", "--json")
        assert (ran.code, ran.error["code"], ran.data) == (6, "approval_required", {"approval": "NDF9W8V2XP"})
        commands = [step["cmd"] for step in ran.document["next"]]
        assert commands[0] == "nb approve NDF9W8V2XP --env local"
        assert commands[1] == (
            "nb pricing set nano-banana-pro --base-cost 0.16 --factor image_size.4K=1.9 --reason 'a test'"
            " --approval NDF9W8V2XP --env local"
        )

    @pytest.mark.parametrize(
        ("status", "code", "exit_code"),
        [(409, "price_changed", 7), (422, "invalid_price", 2), (404, "unknown_model", 3), (503, "unavailable", 75)],
    )
    def test_a_refusal_has_its_exit_code(
        self, nb: Runner, service: Emulator, status: int, code: str, exit_code: int
    ) -> None:
        service.faults["/api/ops/v1/prices/nano-banana-pro"] = Fault(status, problem(status, code, "no"))
        ran = nb(*SET, "--json")
        assert (ran.code, ran.error["code"]) == (exit_code, code)

    def test_where_only_reading_is_allowed_nothing_is_asked(
        self, nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NB_READONLY", "1")
        assert (nb(*SET, "--json").code, service.requests) == (5, [])
        assert nb(*SET, "--dry-run").code == 0

    @pytest.mark.parametrize(("typed", "written"), [("y\n", 2), ("n\n", 1), ("\n", 1)])
    def test_on_a_terminal_it_is_asked_before_it_is_written(
        self, place: Place, service: Emulator, typed: str, written: int
    ) -> None:
        code, said = on_a_terminal(typed, *SET)
        assert len(service.requests) == written
        assert code == (0 if written == 2 else 130)
        assert "Write this to local? [y/N]" in said

    @pytest.mark.parametrize("option", ["--yes", "--no-input"])
    def test_on_a_terminal_nothing_is_asked_where_nobody_wants_to_be(
        self, place: Place, service: Emulator, option: str
    ) -> None:
        code, said = on_a_terminal("", *SET, option)
        assert (code, len(service.requests)) == (0, 2)
        assert "[y/N]" not in said


def on_a_terminal(typed: str, *arguments: str) -> tuple[int, str]:
    """Run `nb` on a terminal of its own, type, and return its exit code and what was on the screen."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    said = b""
    try:
        while part := os.read(ours, 4096):
            said += part
    except OSError:
        pass  # The other side is closed.
    finally:
        os.close(ours)
    return process.wait(30), said.decode(errors="replace")


class TestPreview:
    """The last days at another price."""

    def test_past_jobs_are_shown_beside_the_prices(
        self, nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        service.answers[PREVIEW] = {**answers.PREVIEW, "replay": answers.REPLAY}
        ran = nb("pricing", "preview", "nano-banana-pro", "--base-cost", "0.16")
        assert "Jobs of the last 30 days: 1234" in ran.out
        assert "revenue, USD   370.20            394.88" in ran.out
        assert "USD 160.10 of the cost were reported by providers, for 1100 of 1234 jobs." in ran.out
        assert "2 more cannot be priced and are left out" in ran.out
        assert max(map(len, ran.out.splitlines())) <= 80
        assert bodies(service)[0][1] == {"base_cost_usd": "0.16", "days": 30}

    def test_the_days_are_asked_for(self, nb: Runner, service: Emulator) -> None:
        nb("pricing", "preview", "nano-banana-pro", "--base-cost", "0.16", "--days", "90")
        assert bodies(service)[0][1]["days"] == 90
        assert nb("pricing", "preview", "nano-banana-pro", "--base-cost", "0.16", "--days", "400").code == 2


class TestLooking:
    """Show, history, check, export."""

    def test_a_price_fits_a_small_screen(self, nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        out = nb("pricing", "show", "nano-banana-pro").out
        for said in (
            "cost           USD 0.16 per generation",
            "image_size 4K  x 1.8",
            "image_size 4K   11.52      0.288",
            "image_size  1K, 2K, 4K (default 1K)",
            "strength    0 to 1",
            "sound       boolean",
            "token:mia",
        ):
            assert said in out
        assert max(map(len, out.splitlines())) <= 80

    def test_edits_say_what_who_and_why(self, nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "120")
        service.answers["GET", "price-revisions"] = {
            "items": [{**answers.REVISION, "id": 13, "reverts": 12}, answers.REVISION],
            "next_cursor": "12",
        }
        ran = nb("pricing", "history", "nano-banana-pro", "--limit", "2")
        assert "image_size.2K 1 → 1.2" in " ".join(ran.out.split())
        assert "(undoes 12)" in " ".join(ran.out.split())
        assert "nb pricing history nano-banana-pro --limit 2 --cursor 12" in ran.err
        assert service.requests[0][1] == "/api/ops/v1/price-revisions?subject=nano-banana-pro&limit=2"

    def test_no_edit_yet_is_said(self, nb: Runner, service: Emulator) -> None:
        service.answers["GET", "price-revisions"] = {"items": [], "next_cursor": None}
        assert nb("pricing", "history").out == "No price was edited yet.\n"

    def test_prices_that_hold_are_ok(self, nb: Runner, service: Emulator) -> None:
        ran = nb("pricing", "check")
        assert ran.code == 0
        assert ran.out == ("✓ looked at 3 models, 9 combinations of options, 40 reported costs of the last 7 days\n")

    @pytest.mark.parametrize(
        ("kind", "fix"),
        [
            ("below_cost", "nb pricing show nano-banana-pro --env local"),
            ("cheap_package", "nb packages set nano-banana-pro --price ... --reason ... --env local"),
        ],
    )
    def test_prices_that_do_not_are_named_and_exit_with_1(
        self, nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch, kind: str, fix: str
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        finding = {
            "kind": kind,
            "subject": "nano-banana-pro",
            "params": {"image_size": "4K"},
            "detail": "0.01 tokens are below cost times markup, 0.012",
        }
        service.answers["GET", "pricing/check"] = {
            **answers.CHECK,
            "ok": False,
            "findings": [finding],
            "partial": ["kling"],
        }
        ran = nb("pricing", "check", "--days", "30", "--json")
        assert (ran.code, ran.error["code"], ran.error["fix"]) == (1, "price_findings", fix)
        assert service.requests[0][1].endswith("?days=30")
        out = nb("pricing", "check").out
        assert "kling has too many combinations" in out
        assert "image_size 4K" in out
        assert max(map(len, out.splitlines())) <= 80

    def test_no_price_is_a_formula_in_a_spreadsheet(self, nb: Runner, service: Emulator) -> None:
        order = {**answers.PRICE["orders"][0], "label": '=HYPERLINK("x")'}
        service.answers["GET", "prices"] = {"items": [{**answers.PRICE, "orders": [order]}]}
        assert nb("pricing", "export").out.splitlines()[1].split(",")[2].startswith("\"'=HYPERLINK")

    def test_json_is_whole_where_the_screen_can_show_little(self, nb: Runner, service: Emulator) -> None:
        service.answers["GET", "prices"] = {"items": [{**answers.PRICE, "name": "🍌 Банан"}]}
        out = nb("pricing", "export", "--format", "json").out
        assert out.isascii()
        assert json.loads(out)[0]["name"] == "🍌 Банан"

    def test_csv_has_a_row_for_every_order(self, nb: Runner, service: Emulator) -> None:
        rows = list(csv.DictReader(nb("pricing", "export").out.splitlines()))
        assert [(row["model"], row["order"], row["tokens"]) for row in rows] == [
            ("nano-banana-pro", "defaults", "6.40"),
            ("nano-banana-pro", "image_size 4K", "11.52"),
        ]
        assert (rows[0]["active"], rows[0]["base_cost_usd"], rows[0]["revision"]) == ("true", "0.16", "12")

    def test_json_has_everything_in_either_form(self, nb: Runner, service: Emulator) -> None:
        assert json.loads(nb("pricing", "export", "--format", "json").out) == [answers.PRICE]
        assert nb("pricing", "export", "--json").data == {"format": "csv", "items": [answers.PRICE]}
        assert nb("pricing", "export", "--format", "xml").code == 2


class TestReverting:
    """An edit is undone by its number."""

    def test_it_is_told_what_is_different_now(self, nb: Runner, service: Emulator) -> None:
        ran = nb("pricing", "revert", "12", "--reason", "a test")
        assert "revision 12, seen everywhere" in ran.out
        assert "image_size 4K" in ran.out
        assert bodies(service) == [
            ("price-revisions/12/revert", {"reason": "a test", "force": False, "approval": None})
        ]

    def test_a_rehearsal_says_that_it_is_one(self, nb: Runner, service: Emulator) -> None:
        ran = nb("pricing", "revert", "12", "--reason", "a test", "--force", "--dry-run")
        assert ran.out.startswith("· dry run")
        assert "Next:" not in ran.err
        assert service.requests[0][1].endswith("/revert?dry_run=true")

    def test_what_has_been_undone_is_a_conflict(self, nb: Runner, service: Emulator) -> None:
        path = "/api/ops/v1/price-revisions/12/revert"
        service.faults[path] = Fault(409, problem(409, "revision_superseded", "no"))
        assert nb("pricing", "revert", "12", "--reason", "a test", "--json").code == 7

    @pytest.mark.parametrize("number", ["0", "-1", "x", "1.5"])
    def test_a_revision_is_a_number(self, nb: Runner, service: Emulator, number: str) -> None:
        assert nb("pricing", "revert", "--reason", "a test", "--json", "--", number).code == 2
        assert service.requests == []
