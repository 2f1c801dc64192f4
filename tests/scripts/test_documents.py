"""What README and the documents tell a person to type exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import groups, registry

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
HISTORY = "CHANGELOG.md"
MISTAKES = frozenset({"quote"})
"""Shown as what is answered with the right name."""

INLINE = re.compile(r"`([^`\n]+)`")
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"^(?:\$ )?(?:\w+=\S+ )*(?:\./run )?nb (.+)$")
RECIPE = re.compile(r"^(?:\$ )?(?:\./run )?just ([a-z-]+)")

every_document = pytest.mark.parametrize(
    "document", [path for path in DOCUMENTS if path.name != HISTORY], ids=lambda path: path.name
)


def _lines(document: Path) -> Iterator[str]:
    """What stands as code in a document: in a line of text, or on a line of its own."""
    text = document.read_text("utf-8")
    for block in FENCED.findall(text):
        yield from (line.strip() for line in block.splitlines())
    yield from (line.replace("\\|", "|") for line in INLINE.findall(FENCED.sub("", text)))


def _words(call: str) -> list[str]:
    """The words of a call, without a comment, what the shell does with its output, and the signs for a choice."""
    call = re.split(r"\s{2,}|\s#|\s[|<>&]|;", call)[0]
    call = re.sub(r"\"[^\"]*\"|'[^']*'", "TEXT", call)
    return re.sub(r"[\[\]…]|\.\.\.", " ", call).split()


def _wrong(words: list[str]) -> str | None:
    """What of a call the command line does not know."""
    if not words or words[0].startswith("-"):
        return None
    entry = registry.entries().get(words[0])
    if entry is None:
        return f"no command {words[0]}"
    commands: list[Any] = [groups.load(entry)]
    if isinstance(commands[0], groups.NbGroup) and len(words) > 1 and re.match(r"[a-z]", words[1]):
        group = commands[0]
        names = words[1].split("|")
        if any_word := [name for name in group.commands if name.isupper()]:
            names = [name if name in group.commands else any_word[0] for name in names]
        if unknown := [name for name in names if name not in group.commands]:
            return f"no command {words[0]} {unknown[0]}"
        commands = [group.commands[name] for name in names]
    elif isinstance(commands[0], groups.NbGroup):
        commands = list(commands[0].commands.values())
    known = {option for command in commands for parameter in command.params for option in parameter.opts}
    known |= {option for command in commands for parameter in command.params for option in parameter.secondary_opts}
    options = [word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)]
    unknown = [option for option in options if option not in known | {"--help"}]
    return f"no option {unknown[0]}" if unknown else None


@every_document
def test_every_command_that_is_shown_exists(document: Path) -> None:
    calls = [found.group(1) for line in _lines(document) if (found := CALL.match(line))]
    calls = [call for call in calls if call not in MISTAKES]
    assert [f"nb {call}: {wrong}" for call in calls if (wrong := _wrong(_words(call)))] == []


@every_document
def test_every_recipe_that_is_shown_exists(document: Path) -> None:
    recipes = set(re.findall(r"^([a-z-]+)(?: \*arguments)?:", (ROOT / "justfile").read_text("utf-8"), re.MULTILINE))
    shown = {found.group(1) for line in _lines(document) if (found := RECIPE.match(line))}
    assert shown <= recipes


@pytest.mark.parametrize("call", ["quote", "gen shwo ID", "up --emulated", "payments list|lost"])
def test_a_command_that_does_not_exist_is_noticed(call: str) -> None:
    assert _wrong(_words(call)) is not None


def test_the_documents_show_many_commands() -> None:
    assert sum(bool(CALL.match(line)) for document in DOCUMENTS for line in _lines(document)) > 200


def test_the_index_of_decisions_names_each_by_its_title() -> None:
    folder = ROOT / "docs" / "adr"
    titles = {path.name: path.read_text("utf-8").split("\n", 1)[0] for path in sorted(folder.glob("0*.md"))}
    rows = re.findall(r"^\| \[(\d+)\]\((.+?)\) \| (.+) \|$", (folder / "README.md").read_text("utf-8"), re.MULTILINE)

    assert [(name, f"# {number}. {title}") for number, name, title in rows] == list(titles.items())


@every_document
def test_every_file_that_is_named_exists(document: Path) -> None:
    tops = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    named = {name for name in INLINE.findall(document.read_text("utf-8")) if re.fullmatch(r"[\w.-]+(/[\w.-]+)+", name)}
    named = {name for name in named if name.split("/")[0] in tops}
    made = {"webapps/dist", "Документация/AGENTS_LOGS.md"}

    assert sorted(name for name in named - made if not (ROOT / name).exists()) == []
