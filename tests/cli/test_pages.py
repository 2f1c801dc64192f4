"""`nb help` and `nb schema`: what explains the rest."""

from __future__ import annotations

import json
import re
import shlex

import jsonschema
import pytest

from cli import groups, registry, schema_files
from cli.application import _with_wait_times
from tests.cli.conftest import Runner


def test_the_page_for_agents_names_real_commands_and_every_exit_code(nb: Runner) -> None:
    ran = nb("help", "agent")
    assert ran.code == 0
    known = registry.entries()
    for line in ran.out.splitlines():
        words = line.split()
        if line.startswith("  nb "):
            assert words[1] in known
    assert "130  interrupted" in ran.out
    assert len(ran.out.splitlines()) <= 60
    assert len(ran.out) <= 2500
    assert max(map(len, ran.out.splitlines())) <= 80


def test_the_commands_of_the_page_for_agents_parse(nb: Runner) -> None:
    lines = [line for line in nb("help", "agent").out.splitlines() if line.startswith("  nb ")]
    assert len(lines) >= 8
    for line in lines:
        words = shlex.split(re.split(r" {3,}", line.strip())[0])
        command = groups.load(registry.entries()[words[1]])
        rest = words[2:]
        if isinstance(command, groups.NbGroup):
            command, rest = command.commands[rest[0]], rest[1:]
        with command.make_context("nb", _with_wait_times(rest), resilient_parsing=True) as context:
            assert not context.args, line


def test_the_page_of_exit_codes_says_what_to_repeat(nb: Runner) -> None:
    ran = nb("help", "exit-codes", "--json")
    assert ran.data["topic"] == "exit-codes"
    assert "75  upstream or network fault, rate limit  [yes]" in ran.data["text"]


@pytest.mark.parametrize(
    ("topic", "usage"), [(("health",), "nb health"), (("gen", "list"), "nb gen list"), (("gen",), "nb gen")]
)
def test_help_of_a_command_is_its_own_help(nb: Runner, topic: tuple[str, ...], usage: str) -> None:
    assert nb("help", *topic).out.startswith(f"Usage: {usage}")


def test_help_without_a_topic_is_the_root_page(nb: Runner) -> None:
    assert nb("help").out.strip() == registry.root_help(80)


def test_help_of_nothing_is_a_usage_error_with_a_suggestion(nb: Runner) -> None:
    ran = nb("help", "helth", "--json")
    assert (ran.code, ran.document["command"]) == (2, "help")
    assert "Did you mean 'health'?" in ran.error["message"]


def test_a_schema_is_printed_as_it_is_committed(nb: Runner) -> None:
    for topic in (("gen.list",), ("gen", "list")):
        ran = nb("schema", *topic)
        assert json.loads(ran.out) == schema_files.committed("gen.list")
    assert nb("schema", "health", "--json").data == schema_files.committed("health")


def test_the_schemas_are_listed(nb: Runner) -> None:
    assert "gen.list" in nb("schema", "--json").data["commands"]
    assert "gen.list\n" in nb("schema").out


def test_an_unknown_schema_is_not_found(nb: Runner) -> None:
    ran = nb("schema", "gen", "lst", "--json")
    assert (ran.code, ran.error["code"]) == (3, "not_found")
    assert "Did you mean 'gen.list'?" in ran.error["message"]


@pytest.mark.parametrize("name", schema_files.commands())
def test_every_schema_is_a_valid_schema(name: str) -> None:
    schema = schema_files.committed(name)
    assert schema is not None
    jsonschema.Draft202012Validator.check_schema(schema)


def test_a_success_without_its_data_does_not_pass_the_schema() -> None:
    document: dict[str, object] = {
        "schema": "nb/1",
        "command": "health",
        "env": None,
        "ok": True,
        "exit_code": 0,
        "data": {},
        "warnings": [],
        "error": None,
        "next": [],
        "meta": {"at": "", "duration_ms": 1, "version": "", "run_id": ""},
    }
    schema = schema_files.committed("health")
    assert schema is not None
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)
    failed = {"code": "c", "message": "m", "rule": None, "transient": False, "fix": None}
    jsonschema.validate({**document, "ok": False, "exit_code": 75, "error": failed}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "ok": False, "exit_code": 75}, schema)
