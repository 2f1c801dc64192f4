"""Every command that `nb` or the service proposes, in a fix or as the next step, is one that can be typed."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.fixes import completed
from tests.cli.every import LEAVES, Leaf

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("cli", "core", "bot")

BEGIN = re.compile(r"(?:^|(?<=: )|(?<=, )|(?<=; )|(?<=then )|(?<=or )|(?<=`))nb (?=[a-z])")
END = re.compile(
    r"[;`)]|, (?=[a-z])|: | [<|>]"
    r"| (?:and|or|where|which|asks|before|after|continues|does|gives|makes|puts|says|shows|takes|tells|will)\b"
)
PLACE = "X1"
"""What stands for a value that is put in at run time."""

OF_NB = re.compile(r"(?:failed|does|itself) |smoke X1$")
"""How a sentence about `nb`, or the name of a run, goes on: no proposal."""

BY_PATH: dict[tuple[str, ...], Leaf] = {leaf.path: leaf for leaf in LEAVES}
GROUPS = {path[0] for path in BY_PATH if len(path) > 1}


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every text of a module that is no documentation; what is put in at run time is a placeholder."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in documentation or id(node) in parts:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(map(told, node.values))


def told(part: ast.expr) -> str:
    """A part of a text; an environment that is said or not is left out."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    is_environment = isinstance(part.value, ast.Name) and part.value.id in ("env", "where")
    return "" if is_environment or isinstance(part.value, ast.IfExp) else PLACE


def proposed() -> Iterator[tuple[str, str]]:
    """Where a command is proposed, and the command."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "settings" in path.parts:
                continue  # What describes a setting names commands and proposes none.
            for line, text in texts(ast.parse(path.read_text("utf-8"))):
                for found in BEGIN.finditer(text):
                    command = text[found.end() :]
                    if "\n" in command or OF_NB.match(command):
                        continue
                    end = END.search(command)
                    yield (
                        f"{path.relative_to(ROOT)}:{line}",
                        command[: end.start() if end else None].strip().rstrip("."),
                    )


PROPOSED = sorted(set(proposed()))


def wrong_with(command: str) -> str | None:
    """Why a command cannot be typed as it stands, None where it can."""
    words = shlex.split(command)
    path = tuple(words[: 2 if words[0] in GROUPS else 1])
    leaf = BY_PATH.get(path) or next(
        (one for key, one in BY_PATH.items() if key[0] == path[0] and key[-1].isupper()), None
    )
    if leaf is None:
        return None if path[0] in GROUPS and len(words) == 1 else f"there is no command {' '.join(path)}"
    given = words[len(leaf.path) - (leaf.path[-1].isupper()) :]
    options: dict[str, Any] = {name: one for one in leaf.command.params for name in (*one.opts, *one.secondary_opts)}
    said, arguments, skip = set(), 0, False
    for word in given:
        if skip:
            skip = False
        elif word == "--help":
            return None
        elif word.startswith("-"):
            name = word.partition("=")[0]
            if name not in options:
                return f"{name} is no option of {' '.join(leaf.path)}"
            said.add(options[name].name)
            skip = not options[name].is_flag and "=" not in word
        else:
            arguments += 1
    places = [one for one in leaf.command.params if one.param_type_name == "argument"]
    if arguments > len(places) and not any(one.nargs == -1 for one in places):
        return f"{arguments} arguments for {' '.join(leaf.path)}, which takes {len(places)}"
    if arguments < sum(one.required for one in places):
        return f"{' '.join(leaf.path)} needs an argument"
    missing = [
        one.opts[0] for one in leaf.command.params if one.required and one.opts[0][0] == "-" and one.name not in said
    ]
    return f"{' '.join(leaf.path)} needs {', '.join(missing)}" if missing else None


def test_there_are_proposals() -> None:
    assert len(PROPOSED) > 150


@pytest.mark.parametrize(("where", "command"), PROPOSED, ids=[f"{where} {command}" for where, command in PROPOSED])
def test_what_is_proposed_can_be_typed(where: str, command: str) -> None:
    assert wrong_with(command) is None, where


@pytest.mark.parametrize(
    "command",
    ["webhook set", "webhook sett", "users show", "status now", "ready --expect", "gen show X1 X2", "weather"],
)
def test_what_cannot_be_typed_is_noticed(command: str) -> None:
    assert wrong_with(command) is not None


@pytest.mark.parametrize(
    ("told", "typed"),
    [
        ("nb gen stuck", "nb gen stuck --env staging"),
        ("nb errors show e_7kq2m9xw4t", "nb errors show e_7kq2m9xw4t --env staging"),
        ("nb webhook set", 'nb webhook set --reason "…" --env staging'),
        ('nb webhook set --reason "…"', 'nb webhook set --reason "…" --env staging'),
        ("see whether web takes them: nb status", "see whether web takes them: nb status --env staging"),
        ("start one: nb worker", "see why none runs: nb deploy status --env staging"),
        ("start one: nb bot poll", "see why none runs: nb deploy status --env staging"),
        ("nb ready --env production", "nb ready --env production"),
        ("nb db migrate", "nb db migrate"),
        ("more replicas of worker", "more replicas of worker"),
        ("check REDIS_URL and the server", "check REDIS_URL and the server"),
        (None, None),
    ],
)
def test_what_a_service_proposes_is_about_the_environment_that_said_it(told: str | None, typed: str | None) -> None:
    assert completed(told, "staging") == typed


def test_on_this_machine_a_process_can_be_started() -> None:
    assert completed("start one: nb worker", "local") == "start one: nb worker"
    # The context may be another one.
    assert completed("nb gen stuck", "local") == "nb gen stuck --env local"
