"""What was probably meant: slips of the fingers, words of other programs, commands named in the wrong place."""

from __future__ import annotations

import jsonschema
import pytest

from cli import groups, registry, schema_files, suggestions
from cli.environments import NAMES
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import Emulator, Fault
from tests.cli.every import LEAVES

WORDS: dict[tuple[str, ...], str] = {
    ("gen", "ls"): "'list'",
    ("gen", "lst"): "'list'",
    ("gen", "rm"): "'cancel'",
    ("gen", "get", "x"): "'show' or 'list'",
    ("users", "ban", "1"): "'block'",
    ("pricing", "cost"): "'quote'",
    ("deploy", "logs"): "'nb logs'",
    ("gen", "health"): "'nb health'",
    ("ls",): "'gen list'",
    ("log",): "'logs'",
    ("doctro",): "'doctor'",
    ("Health",): "'health'",
    ("start",): "'up'",
    ("stop",): "'down'",
    ("ping",): "'health'",
    ("quote", "x"): "'pricing quote'",
    ("refund",): "'gen refund' or 'payments refund'",
    ("generations",): "'gen'",
    ("user", "show", "1"): "'users'",
    ("completion",): "'--install-completion'",
    ("help", "ls"): "'gen list'",
    ("gen", "list", "--format", "json"): "'--json'",
    ("gen", "list", "--stauts", "x"): "'--status'",
    ("gen", "list", "--state", "x"): "'--status'",
    ("gen", "list", "--environment", "x"): "'--env'",
    ("webhook", "set", "-m", "why"): "'--reason'",
    ("--non-interactive", "health"): "'--no-input'",
    ("health", "--env", "stagin"): "'staging'",
    ("health", "--env", "prod"): "'production'",
    ("token", "save", "railwy"): "'railway'",
    ("logs", "--level", "eror"): "'error'",
    ("errors", "list", "--severity", "errror"): "'error'",
    ("stats", "--by", "modell"): "'model'",
    ("stats", "--format", "SVGG"): "'svg'",
    ("health", "--format", "githb"): "'github'",
}
"""What was typed, and what is offered instead."""


@pytest.mark.parametrize("arguments", WORDS, ids=" ".join)
def test_what_was_probably_meant_is_offered(nb: Runner, arguments: tuple[str, ...]) -> None:
    ran = nb(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert f"Did you mean {WORDS[arguments]}?" in ran.err.replace("\n    ", " ")
    refused = nb(*arguments, "--json")
    assert f"Did you mean {WORDS[arguments]}?" in refused.error["message"]
    # A program reads the same words, and not out of a sentence.
    assert suggestions.hint(refused.data["near"]).strip() == f"Did you mean {WORDS[arguments]}?"
    assert refused.error["fix"]


@pytest.mark.parametrize("arguments", [("qqqq",), ("gen", "qqqq"), ("gen", "list", "--qqqq"), ("",), ("gen", "")])
def test_nothing_is_offered_where_nothing_is_near(nb: Runner, arguments: tuple[str, ...]) -> None:
    assert "Did you mean" not in nb(*arguments).err
    assert nb(*arguments, "--json").data == {}


def test_a_long_word_is_not_repeated_in_full(nb: Runner) -> None:
    said = nb("x" * 10_000).err
    assert len(said) < 300
    assert "xxx..." in said


def test_every_word_of_other_programs_is_none_of_ours_where_it_leads() -> None:
    """A word is explained only where no command has it; and what explains it exists somewhere."""
    ours = {name for leaf in LEAVES for name in (leaf.name.replace(".", " "), leaf.path[-1])} | set(registry.entries())
    for word, meant in suggestions.ELSEWHERE.items():
        assert any(name in ours or name.startswith("--") for name in meant), word


def test_every_option_of_other_programs_leads_to_an_option_of_ours() -> None:
    ours = {name for leaf in LEAVES for parameter in leaf.command.params for name in parameter.opts}
    for word, meant in suggestions.OPTIONS.items():
        assert any(name in ours for name in meant), word


def test_whole_commands_are_suggested_that_can_be_called() -> None:
    for meant in suggestions.ELSEWHERE.values():
        for name in meant:
            if " " in name and (entry := registry.entries().get(name.split()[0])):
                command = groups.load(entry)
                assert isinstance(command, groups.NbGroup)
                assert command.knows(name.split()[1]), name


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], ""),
        (["a"], " Did you mean 'a'?"),
        (["a", "b"], " Did you mean 'a' or 'b'?"),
        (["a", "b", "c"], " Did you mean 'a', 'b' or 'c'?"),
    ],
)
def test_a_hint_is_a_question(found: list[str], said: str) -> None:
    assert suggestions.hint(found) == said


@pytest.mark.parametrize(("word", "near"), [("STAGING", ["staging"]), ("stagin", ["staging"]), ("moon", [])])
def test_capitals_do_not_matter(word: str, near: list[str]) -> None:
    assert suggestions.nearest(word, NAMES) == near


@pytest.mark.integration
def test_what_the_service_finds_near_is_in_the_document(nb: Runner, place: Place, service: Emulator) -> None:
    body = b'{"code": "unknown_model", "detail": "There is no model \'klng\'; near: kling_O1.", "near": ["kling_O1"]}'
    service.faults["/api/ops/v1/models/klng"] = Fault(404, body)
    ran = nb("models", "show", "klng", "--json")
    assert (ran.code, ran.error["code"], ran.error["fix"]) == (3, "unknown_model", "nb models list --env local")
    assert ran.data == {"near": ["kling_O1"]}
    assert "near: kling_O1" in nb("models", "show", "klng").err


def test_what_is_not_found_here_is_offered_the_same_way(nb: Runner) -> None:
    for arguments, near in ((("schema", "gen", "shwo"), ["gen.show"]), (("agent-log", "show", "latst"), ["latest"])):
        ran = nb(*arguments, "--json")
        assert (ran.code, ran.data) == (3, {"near": near})
        assert ran.error["message"].endswith(f"Did you mean '{near[0]}'?")


def test_the_schema_of_a_failure_says_what_near_is(nb: Runner) -> None:
    document = nb("helth", "--json").document
    assert document["data"] == {"near": ["health"]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "data": {"near": "health"}}, schema_files.committed("envelope") or {})
