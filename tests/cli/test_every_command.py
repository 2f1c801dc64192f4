"""What every command owes whoever calls it: a summary, examples that work, options that are explained, a schema."""

from __future__ import annotations

import re

import pytest

from cli import groups, registry, schema_files
from cli.application import _with_wait_times
from cli.exit_codes import MEANINGS
from tests.cli.conftest import Runner
from tests.cli.every import LEAVES, Leaf, arguments_of

every_leaf = pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: ".".join(leaf.path))
every_group = pytest.mark.parametrize("entry", registry.entries().values(), ids=lambda entry: entry[0])

UNSCHEMED = frozenset({"serve", "worker", "beat", "bot.poll", "sandbox"})
"""Processes that end when they are told to: they have no outcome to describe."""


def test_the_walk_finds_the_commands_that_the_root_lists() -> None:
    assert {leaf.path[0] for leaf in LEAVES} == set(registry.entries())
    assert len(LEAVES) > 80


@every_leaf
def test_a_command_is_summed_up_in_one_sentence(leaf: Leaf) -> None:
    summary = leaf.command.get_short_help_str()
    assert re.fullmatch(r"[A-Z].*\.", summary)
    assert len(summary) <= 160


@every_group
def test_the_line_of_the_root_page_is_one_line(entry: registry.Entry) -> None:
    _, _, help_line = entry
    assert help_line.endswith(".")
    assert len(help_line) + 13 <= 80


@every_leaf
def test_a_command_shows_two_examples_of_itself(leaf: Leaf) -> None:
    assert len(leaf.examples) >= 2
    assert len(set(leaf.examples)) == len(leaf.examples)
    called = "nb " + leaf.name.replace(".", " ")
    assert all(called in example for example in leaf.examples)
    assert max(map(len, leaf.examples)) <= 100


@every_leaf
def test_the_examples_are_what_the_parser_accepts(leaf: Leaf) -> None:
    depth = len(leaf.name.split("."))
    for example in leaf.examples:
        given = _with_wait_times(arguments_of(example)[depth:])
        with leaf.command.make_context(leaf.path[-1], list(given), resilient_parsing=True) as context:
            assert not context.args, example
        # With nothing forgiven: values are converted and what is required is there.
        parser = leaf.command.make_parser(context)
        options, arguments, order = parser.parse_args(args=list(given))
        for parameter in order:
            value, arguments = parameter.consume_value(context, options)[0], arguments
            assert value is None or parameter.type_cast_value(context, value) is not None, example


@every_leaf
def test_each_option_is_explained(leaf: Leaf) -> None:
    for parameter in leaf.own:
        if not getattr(parameter, "hidden", False):
            assert parameter.help, parameter.name
            assert parameter.help.rstrip().endswith((".", "?")), parameter.name


@every_leaf
def test_the_document_is_described_by_a_committed_schema(leaf: Leaf) -> None:
    if leaf.name in UNSCHEMED:
        assert leaf.is_process
        return
    schema = schema_files.committed(leaf.name)
    assert schema is not None
    assert schema["properties"]["command"]["const"] == leaf.name
    # The failure has its place in the same schema: an error, and an exit code that is not 0.
    assert schema["else"]["properties"]["error"] == {"type": "object"}
    assert set(schema["properties"]["exit_code"]["enum"]) == set(map(int, MEANINGS))


def test_no_schema_describes_a_command_that_is_gone() -> None:
    assert set(schema_files.commands()) - {leaf.name for leaf in LEAVES} == {"envelope"}


@every_leaf
def test_help_tells_where_the_exit_codes_and_the_schema_are(nb: Runner, leaf: Leaf) -> None:
    page = nb(*leaf.path, "--help").out
    assert "nb help exit-codes" in page
    assert (f"nb schema {leaf.name.replace('.', ' ')}" in page) is (leaf.name not in UNSCHEMED)


@every_leaf
def test_a_change_takes_the_options_of_changes(leaf: Leaf) -> None:
    if not leaf.changes:
        return
    names = {name for parameter in leaf.own for name in parameter.opts}
    assert {"--reason", "--key"} <= names
    assert any("--dry-run" in parameter.opts for parameter in leaf.command.params)


@every_group
def test_a_group_called_alone_names_its_commands(nb: Runner, entry: registry.Entry) -> None:
    command = groups.load(entry)
    if isinstance(command, groups.NbGroup):
        ran = nb(entry[0], "--json")
        assert (ran.code, ran.error["code"]) == (2, "usage")
        assert all(name in ran.error["message"] for name in command.commands)
