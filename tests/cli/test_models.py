"""`nb models` and `nb catalog`: what can be ordered, what is wrong with it, what is not as it ships."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.commands import catalog
from core.catalog import shipped
from tests.cli import answers_models as answers
from tests.cli.conftest import Runner
from tests.cli.emulator import Emulator

pytestmark = pytest.mark.integration

REASON = ("--reason", "a test")
FINDING = {
    "level": "failed",
    "kind": "no_successor",
    "subject": "sora2",
    "detail": "ended on 2026-09-24, and of a successor none is named",
}


def sent(service: Emulator) -> tuple[str, dict[str, Any]]:
    """Path and body of the first change."""
    path, body = next((path, body) for method, path, _, body in service.requests if method == "POST")
    return path.removeprefix("/api/ops/v1/"), json.loads(body)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


class TestLooking:
    """`list` and `show`."""

    def test_the_list_says_of_each_model_whether_it_is_offered(self, nb: Runner, service: Emulator) -> None:
        one = service.models[0]
        service.models += [
            {**one, "slug": "off", "is_active": False},
            {**one, "slug": "keyless", "available": False},
            {**one, "slug": "old", "retired": True, "successor": "new"},
            {**one, "slug": "more", "is_listed": False},
            {**one, "slug": "odd", "price_from": None},
        ]
        lines = nb("models", "list").out.splitlines()[1:]
        told = {line.split()[0]: line for line in lines}
        assert "no, off" in told["off"]
        assert "no key" in told["keyless"]
        assert "ended, use new" in told["old"]
        assert "under results" in told["more"]
        assert "yes" in told["demo-image"]
        assert told["odd"].split()[2] == "-"

    def test_the_list_fits_a_small_screen(self, nb: Runner, service: Emulator, narrow: None) -> None:
        assert all(len(line) <= 80 for line in nb("models", "list").out.splitlines())

    def test_one_is_shown_in_full(self, nb: Runner, service: Emulator, narrow: None) -> None:
        out = nb("models", "show", "kling-v2-6").out
        assert all(len(line) <= 80 for line in out.splitlines())
        for told in (
            "price from   11.00 ⚡, paid by second",
            "ends         no end known",
            "std (default)    11.00  Quality: standard",
            "0 to 1; not with reference",
            "10 s at most; needs start; only with mode pro, sound",
            "kling kling-v2-6: parked (quota_exhausted: the pack is empty)",
            "no key here, only with sound false, takes start",
        ):
            assert told in out
        assert "extend" in out

    def test_a_choice_that_needs_others_has_no_price_of_its_own(self, nb: Runner, service: Emulator) -> None:
        (line,) = [
            line for line in nb("models", "show", "kling-v2-6").out.splitlines() if line.strip().startswith("true")
        ]
        assert line.split() == ["true", "-"]

    def test_the_document_holds_the_schema_of_the_options(self, nb: Runner, service: Emulator) -> None:
        assert nb("models", "show", "kling-v2-6", "--json").data["params_schema"] == {"type": "object"}


class TestEditing:
    """`set`, `enable`, `disable`, `order`."""

    def test_every_option_reaches_the_service(self, nb: Runner, service: Emulator) -> None:
        nb(
            *("models", "set", "kling-v2-6", "--name", "Kling", "--place", "3", "--cooldown", "0"),
            *("--daily-limit", "20", "--deadline", "900", "--retires-at", "2026-12-31", "--successor", "veo3-fast"),
            *REASON,
        )
        assert sent(service) == (
            "models/kling-v2-6",
            {
                "display_name": "Kling",
                "order": 3,
                "cooldown_seconds": 0,
                "daily_limit": 20,
                "deadline_seconds": 900,
                "retires_at": "2026-12-31T00:00:00+00:00",
                "successor": "veo3-fast",
                "reason": "a test",
            },
        )

    def test_limits_ends_and_successors_are_taken_away(self, nb: Runner, service: Emulator) -> None:
        nb(
            *("models", "set", "kling-v2-6", "--daily-limit", "none", "--retires-at", "none", "--successor", "none"),
            *REASON,
        )
        taken_away = {"daily_limit": None, "retires_at": None, "successor": None}
        assert sent(service)[1] == {**taken_away, "reason": "a test"}

    def test_what_became_different_is_told(self, nb: Runner, service: Emulator) -> None:
        ran = nb("models", "set", "kling-v2-6", "--daily-limit", "20", *REASON)
        assert ran.out == "✓ kling-v2-6: daily_limit none → 20\n"
        assert "Next: nb models show kling-v2-6" in ran.err

    @pytest.mark.parametrize(("command", "active"), [("disable", False), ("enable", True)])
    def test_one_is_switched(self, nb: Runner, service: Emulator, command: str, active: bool) -> None:
        assert nb("models", command, "kling-v2-6", *REASON).code == 0
        assert sent(service) == ("models/kling-v2-6/activity", {"is_active": active, "reason": "a test"})

    def test_they_are_arranged(self, nb: Runner, service: Emulator) -> None:
        assert nb("models", "order", "kling-v2-6", "nano-banana", *REASON).code == 0
        assert sent(service) == ("model-order", {"slugs": ["kling-v2-6", "nano-banana"], "reason": "a test"})

    def test_a_rehearsal_says_that_it_is_one(self, nb: Runner, service: Emulator) -> None:
        ran = nb("models", "disable", "kling-v2-6", *REASON, "--dry-run", "--json")
        assert ran.data["dry_run"] is True
        assert service.requests[0][1].endswith("?dry_run=true")

    @pytest.mark.parametrize(
        "arguments",
        [
            ("models", "set", "kling-v2-6", *REASON),
            ("models", "set", "kling-v2-6", "--place", "3"),
            ("models", "set", "kling-v2-6", "--daily-limit", "many", *REASON),
            ("models", "set", "kling-v2-6", "--retires-at", "soon", *REASON),
            ("models", "order", *REASON),
            ("catalog", "sync", "--all", *REASON),
            ("catalog", "sync", "--take", "routes", *REASON),
            ("catalog", "sync"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
        self, nb: Runner, service: Emulator, arguments: tuple[str, ...]
    ) -> None:
        assert (nb(*arguments, "--json").code, service.requests) == (2, [])


class TestCatalogue:
    """`check` and `sync`."""

    def test_a_catalogue_in_order_is_said_to_be(self, nb: Runner, service: Emulator) -> None:
        assert nb("catalog", "check").out == "✓ looked at 21 models\n"

    def test_a_warning_is_told_and_fails_nothing(self, nb: Runner, service: Emulator, narrow: None) -> None:
        service.answers["GET", "catalogue/check"] = {**answers.CHECK, "findings": [{**FINDING, "level": "warning"}]}
        ran = nb("catalog", "check", "--days", "60")
        assert ran.code == 0
        assert "no_successor" in ran.out
        assert all(len(line) <= 80 for line in ran.out.splitlines())
        assert service.requests[0][1].endswith("?days=60")

    def test_what_failed_is_one_exit_code_and_says_where_to_look(self, nb: Runner, service: Emulator) -> None:
        service.answers["GET", "catalogue/check"] = {**answers.CHECK, "ok": False, "findings": [FINDING]}
        ran = nb("catalog", "check", "--json")
        assert (ran.code, ran.error["code"], ran.error["fix"]) == (1, "catalogue_findings", "nb models show sora2")
        assert ran.data["findings"] == [FINDING]

    def test_what_ships_is_added_and_edits_are_told(self, nb: Runner, service: Emulator, narrow: None) -> None:
        ran = nb("catalog", "sync", *REASON)
        assert "added: veo3-pro" in ran.out
        assert "routes" in ran.out
        assert all(len(line) <= 80 for line in ran.out.splitlines())
        assert sent(service) == ("catalogue/sync", {"models": [], "take": [], "reason": "a test"})

    def test_named_fields_are_taken(self, nb: Runner, service: Emulator) -> None:
        nb("catalog", "sync", "kling-v2-6", "--take", "routes", "--take", "inputs", *REASON)
        assert sent(service)[1] == {"models": ["kling-v2-6"], "take": ["routes", "inputs"], "reason": "a test"}

    def test_all_is_every_field_that_the_service_gives(self, nb: Runner, service: Emulator) -> None:
        nb("catalog", "sync", "kling-v2-6", "--all", *REASON)
        assert sent(service)[1]["take"] == list(catalog.TAKEABLE)
        assert set(catalog.TAKEABLE) == set(shipped.TAKEABLE)
