"""`nb gen`: lists in pages, one generation in full."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Place, Runner
from tests.cli.emulator import Emulator, Fault, detailed, generation

pytestmark = pytest.mark.integration


def test_a_list_has_stable_ids(nb: Runner, service: Emulator) -> None:
    ran = nb("gen", "list", "--json")
    assert ran.code == 0
    assert [item["id"] for item in ran.data["items"]] == [f"g_{number:06d}" for number in range(1, 6)]
    assert ran.document["command"] == "gen.list"
    assert ran.document["next"] == []


def test_people_see_a_table_with_whole_ids(nb: Runner, service: Emulator) -> None:
    ran = nb("gen", "list")
    assert "g_000003" in ran.out
    assert "11-22 11:03" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_ids_as_long_as_the_services_own_still_make_a_table(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    run_code = "0123456789abcdef" * 2
    changes = {"id": run_code, "status": "processing", "stage": "submitting", "model": "gemini-3-pro-image"}
    service.generations = [generation(1, **changes)]
    lines = nb("gen", "list").out.splitlines()
    assert lines[1].startswith(f"{run_code}  submitting")
    assert max(map(len, lines)) <= 80


def test_an_empty_list_says_so(nb: Runner, service: Emulator) -> None:
    service.generations = []
    ran = nb("gen", "list")
    assert (ran.code, ran.out) == (0, "No generations match.\n")


def test_filters_reach_the_service(nb: Runner, service: Emulator) -> None:
    service.generations.append(generation(9, status="error", user="7", model="veo-3", error_code="blocked"))
    ran = nb("gen", "list", "--status", "error", "--user", "7", "--model", "veo-3", "--json")
    assert [item["id"] for item in ran.data["items"]] == ["g_000009"]


def test_the_next_page_is_one_command_away(nb: Runner, service: Emulator) -> None:
    first = nb("gen", "list", "--limit", "2", "--status", "done", "--json")
    command = first.document["next"][0]["cmd"]
    assert command == "nb gen list --status done --limit 2 --cursor 2 --env local"
    second = nb(*command.split()[1:], "--json")
    assert [item["id"] for item in second.data["items"]] == ["g_000003", "g_000004"]
    assert first.data["next_cursor"] == "2"


def test_the_last_page_has_no_next(nb: Runner, service: Emulator) -> None:
    ran = nb("gen", "list", "--limit", "2", "--cursor", "4", "--json")
    assert (ran.data["next_cursor"], ran.document["next"]) == (None, [])


@pytest.mark.parametrize("limit", ["0", "-1", "201", "many"])
def test_a_limit_out_of_range_is_a_usage_error(nb: Runner, service: Emulator, limit: str) -> None:
    ran = nb("gen", "list", "--limit", limit, "--json")
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert service.requests == []


def test_a_strange_cursor_is_the_callers_mistake(nb: Runner, service: Emulator) -> None:
    ran = nb("gen", "list", "--cursor", "x", "--json")
    assert (ran.code, ran.error["code"]) == (2, "bad_cursor")


def test_one_generation_in_full(nb: Runner, service: Emulator) -> None:
    ran = nb("gen", "show", "g_000002", "--json")
    assert ran.code == 0
    assert ran.data["prompt"] == "a red fox in the snow"
    assert ran.data["charge"]["state"] == "settled"


def test_people_see_prompt_charge_results_and_events(nb: Runner, service: Emulator) -> None:
    out = nb("gen", "show", "g_000002").out
    assert "✓ g_000002  done" in out
    assert "a red fox in the snow" in out
    assert "settled" in out
    assert "1024 x 1024, 123,456 bytes" in out
    assert "submitted  route demo" in out


def test_an_unfinished_one_shows_its_stage_and_where_to_look(nb: Runner, service: Emulator) -> None:
    service.generations = [generation(1, status="processing", stage="storing", completed_at=None)]
    ran = nb("gen", "show", "g_000001")
    assert "g_000001  storing" in ran.out
    assert "Next: nb status --env local" in ran.err


def test_an_unknown_id_is_not_found(nb: Runner, service: Emulator) -> None:
    ran = nb("gen", "show", "g_nope", "--json")
    assert (ran.code, ran.error["code"]) == (3, "generation_not_found")


def test_an_id_cannot_reach_another_path(nb: Runner, service: Emulator) -> None:
    assert nb("gen", "show", "../models", "--json").code == 3
    assert service.requests[0][1] == "/api/ops/v1/generations/..%2Fmodels"


def test_a_missing_id_is_a_usage_error(nb: Runner, service: Emulator) -> None:
    ran = nb("gen", "show", "--json")
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert ran.error["fix"] == "nb gen show --help"


def test_without_a_token_nothing_is_asked(nb: Runner, service: Emulator, place: Place) -> None:
    place.write_credentials({"local": {"url": service.url}})
    ran = nb("gen", "list", "--json")
    assert (ran.code, ran.error["code"], ran.error["fix"]) == (4, "no_token", "nb up")
    assert service.requests == []


@pytest.mark.parametrize("arguments", [("gen", "list"), ("gen", "show", "g_1")])
def test_nobody_there_is_an_upstream_fault(nb: Runner, nobody: str, arguments: tuple[str, ...]) -> None:
    assert nb(*arguments, "--json").error["code"] == "unreachable"


def test_what_a_user_wrote_cannot_steer_the_terminal(nb: Runner, service: Emulator) -> None:
    service.generations = [generation(1, model="\x1b[31mred\x07")]
    out = nb("gen", "list").out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_an_answer_without_a_field_is_named(nb: Runner, service: Emulator) -> None:
    broken = generation(1)
    del broken["tokens"]
    service.generations = [broken]
    ran = nb("gen", "list", "--json")
    assert (ran.code, ran.error["code"]) == (75, "unexpected_answer")
    assert "items[0].tokens is missing" in ran.error["message"]


@pytest.mark.parametrize(
    ("reported", "quote", "said"),
    [
        ("0.0195", {"tokens": "4.00", "usd": "0.0200"}, "0.0195, reported by demo"),
        (None, {"tokens": "4.00", "usd": "0.0200"}, "0.0200 by its quote; nothing was reported"),
        (None, None, "-"),
    ],
)
def test_a_reported_cost_is_told_from_a_quoted_one(
    nb: Runner, service: Emulator, reported: str | None, quote: dict[str, str] | None, said: str
) -> None:
    item = {**detailed(generation(1, cost_usd=reported)), "quote": quote}
    service.faults["/api/ops/v1/generations/g_000001"] = Fault(200, json.dumps(item).encode(), "application/json")
    line = next(line for line in nb("gen", "show", "g_000001").out.splitlines() if "cost, USD" in line)
    assert line.split("cost, USD")[1].strip() == said
