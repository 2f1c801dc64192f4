"""`nb schema`: the JSON Schema of what a command prints with --json."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.envelope import Outcome
from cli.errors import NotFound
from cli.output import Screen
from cli.schema_files import commands, committed, text_of
from cli.shapes import SchemaList


def schema(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]", help="For example `gen list` or `gen.list`.")
    ] = None,
) -> Outcome:
    """Print the JSON Schema of a command's document; without a command, list those that have one.

    Examples:
        nb schema gen list
        nb schema --json
    """
    names = commands()
    wanted = ".".join(command or [])
    if not wanted:
        listed: SchemaList = {"commands": names}
        return Outcome(data=listed, show=lambda screen: _show_names(screen, names))
    found = committed(wanted)
    if found is None:
        from cli import suggestions

        near = suggestions.nearest(wanted, names)
        message = f"no schema for '{wanted}'.{suggestions.hint(near)}"
        raise NotFound(message, fix="nb schema", data=suggestions.as_data(near))
    return Outcome(data=found, show=lambda screen: screen.line(text_of(found).rstrip("\n")))


def _show_names(screen: Screen, names: list[str]) -> None:
    for name in names:
        screen.line(name)
