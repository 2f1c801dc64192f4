"""`nb providers` and the changes of `nb gen`: what is sent, what people read, how refusals end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.answers_providers import NOW, PARKED
from tests.cli.conftest import Runner
from tests.cli.emulator import Emulator, Fault, detailed, generation, problem

pytestmark = pytest.mark.integration

WHY = ("--reason", "a test")


def sent(service: Emulator) -> tuple[str, str, dict[str, Any]]:
    """The last request: method, path and body."""
    method, path, _, body = service.requests[-1]
    return method, path, json.loads(body)


def test_a_list_is_a_table_of_eighty_columns(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = nb("providers", "list").out.splitlines()
    assert max(map(len, lines)) <= 80
    states = {line.split()[0]: line for line in lines[1:]}
    assert "parked" in states["kling"]
    assert "11-22 12:00" in states["kling"]
    assert "off" in states["useapi-midjourney"]
    assert "no key" in states["kie"]
    assert "2 failed" in states["veo"]
    assert "probing" in states["snapgen"]


def test_without_providers_it_says_so(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "providers"] = {"items": []}
    assert nb("providers", "list").out == "No provider is configured.\n"


def test_one_provider_tells_why_it_is_parked_and_what_came_of_its_jobs(nb: Runner, service: Emulator) -> None:
    out = nb("providers", "show", "KLING").out
    for words in (
        "kling  parked",
        "auth_failed: 401",
        "20, set by an operator",
        "error (ambiguous)",
        "kling-v3",
        "190",
    ):
        assert words in out
    assert nb("providers", "show", "kling", "--json").data["parked_until"] == NOW


@pytest.mark.parametrize(("given", "minutes"), [("30m", 30), ("90s", 2), ("2h", 120)])
def test_parking_sends_minutes(nb: Runner, service: Emulator, given: str, minutes: int) -> None:
    ran = nb("providers", "park", "kling", "--for", given, *WHY, "--json")
    assert ran.code == 0
    assert sent(service) == ("POST", "/api/ops/v1/providers/kling/park", {"reason": "a test", "minutes": minutes})


def test_a_time_that_is_none_is_a_usage_error(nb: Runner, service: Emulator) -> None:
    ran = nb("providers", "park", "kling", "--for", "soon", *WHY, "--json")
    assert (ran.code, ran.error["fix"]) == (2, "--for 30m")
    assert service.requests == []


@pytest.mark.parametrize(("options", "most"), [(("--most", "7"), 7), ((), None)])
def test_a_limit_is_set_or_given_back(
    nb: Runner, service: Emulator, options: tuple[str, ...], most: int | None
) -> None:
    assert nb("providers", "limit", "kling", *options, *WHY).code == 0
    assert sent(service)[2] == {"reason": "a test", "most": most}


@pytest.mark.parametrize("verb", ["unpark", "enable", "disable"])
def test_switches_are_sent_with_their_reason(nb: Runner, service: Emulator, verb: str) -> None:
    ran = nb("providers", verb, "kling", *WHY)
    assert ran.code == 0
    assert sent(service) == ("POST", f"/api/ops/v1/providers/kling/{verb}", {"reason": "a test"})


@pytest.mark.parametrize("arguments", [("providers", "disable", "kling"), ("gen", "refund", "g_000001")])
def test_a_change_without_a_reason_is_a_usage_error(nb: Runner, service: Emulator, arguments: tuple[str, ...]) -> None:
    assert nb(*arguments, "--json").code == 2
    assert service.requests == []


@pytest.mark.parametrize(("verb", "words"), [("retry", "looked at now"), ("cancel", "cancelled"), ("refund", "ended")])
def test_changes_of_a_generation_say_what_was_returned(nb: Runner, service: Emulator, verb: str, words: str) -> None:
    ran = nb("gen", verb, "g_000001", *WHY)
    assert ran.code == 0
    assert words in ran.out
    assert "returned" in ran.out
    assert sent(service) == ("POST", f"/api/ops/v1/generations/g_000001/{verb}", {"reason": "a test"})


def test_a_rehearsal_says_that_it_was_one(nb: Runner, service: Emulator) -> None:
    ran = nb("gen", "cancel", "g_000001", *WHY, "--dry-run", "--json")
    assert ran.data["dry_run"] is True
    assert service.requests[-1][1].endswith("?dry_run=true") or service.requests[-1][2].get("dry_run") == "true"


def test_a_refusal_names_its_rule(nb: Runner, service: Emulator) -> None:
    path = "/api/ops/v1/generations/g_000001/refund"
    service.faults[path] = Fault(body=problem(409, "already_refunded", "Its tokens were given back."), status=409)
    ran = nb("gen", "refund", "g_000001", *WHY, "--json")
    assert (ran.code, ran.error["code"]) == (7, "already_refunded")


def test_stuck_ones_are_listed_with_where_to_look(nb: Runner, service: Emulator) -> None:
    ran = nb("gen", "stuck", "--json")
    assert service.requests[-1][1].startswith("/api/ops/v1/generations?")
    assert "stuck=true" in service.requests[-1][1]
    assert ran.document["next"][0]["cmd"] == "nb gen show g_000001 --env local"
    service.generations = []
    assert "nothing is stuck" in nb("gen", "stuck").out


def test_ambiguous_ones_are_a_list_of_their_own(nb: Runner, service: Emulator) -> None:
    ran = nb("gen", "list", "--ambiguous", "--limit", "2", "--json")
    assert "ambiguous=true" in service.requests[-1][1]
    assert ran.document["next"][0]["cmd"].startswith("nb gen list --ambiguous --limit 2 --cursor")


STORY: dict[str, Any] = {
    "routes": [
        {"provider": "kling", "model": "kling-v3", "submissions": 2, "left": "provider_unavailable"},
        {"provider": "useapi-kling", "model": "kling-v3-0", "submissions": 1, "left": None},
    ],
    "attempts": 1,
    "polls": 14,
    "times": {"waited_s": 3.2, "at_provider_s": 121.5, "total_s": 130.0},
    "deadline_at": NOW,
    "refunds": [{"id": "99", "tokens": "1.00", "reason": "3 of 4 made", "at": NOW}],
    "delivery": {"attempts": 2, "messages": [7, 8]},
    "parent": {"id": "g_parent", "model": "kling-v3", "status": "done"},
    "children": [{"id": "g_child", "model": "kling-v3", "status": "queued"}],
    "continuation": "extend of 1",
    "source_url": None,
    "error_message": None,
    "is_ambiguous": True,
}


def test_the_whole_story_is_told(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    service.answers["GET", "generations/g_story"] = {**detailed(generation(1)), "id": "g_story", **STORY}
    service.generations = []
    monkeypatch.setattr(service, "_ops", _story_first(service))
    out = nb("gen", "show", "g_story").out
    assert max(map(len, out.splitlines())) <= 80
    for words in (
        "kling as kling-v3, submissions 2, left: provider_unavailable",
        "useapi-kling as kling-v3-0, submissions 1",
        "121.5 s, submissions 1, polls 14",
        "3.2 s",
        "2 tries, messages 7, 8",
        "1.00  3 of 4 made  posting 99",
        "g_parent  kling-v3, done, extend of 1",
        "g_child  kling-v3, queued",
        "its answer was lost; it was looked up",
    ):
        assert words in out


def _story_first(service: Emulator) -> Any:
    """Answer from `answers` before anything else."""
    usual = service._ops

    def answer(method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        known = service.answers.get((method, path))
        return usual(method, path, query, body) if known is None else (200, known)

    return answer


def test_the_emulated_parked_provider_is_one(service: Emulator) -> None:
    assert PARKED["breaker"] == "open"
