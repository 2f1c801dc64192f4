"""What TAB offers where a value is expected: environments, models, providers, commands.

Imported for a TAB alone. Everything comes from files of this checkout; the network is never asked, so that a TAB is
as quick without it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Names of types only: what Typer vendors is not imported at run time.
    from typer._click import Context, Parameter
    from typer._click.shell_completion import CompletionItem

SHIPPED = Path(__file__).resolve().parent.parent / "core" / "catalog" / "models.toml"
"""The catalogue that ships; models that an operator added are not in it and are typed by hand."""


def attach(command: str, parameters: Iterable[Parameter]) -> None:
    """Have the parameters of a command offer their values, where we know some."""
    for parameter in parameters:
        if source := _source(command, parameter):
            # The constructor alone takes it, and Typer constructs parameters from annotations.
            parameter._custom_shell_complete = _offering(source)


def join_equals() -> None:
    """Undo in the environment what bash does to `--env=st`: it hands over three words for it."""
    words, index = os.environ.get("COMP_WORDS", "").split("\n"), os.environ.get("COMP_CWORD", "")
    if not index.isdigit() or not 2 < int(index) < len(words):
        return
    at = int(index)
    if words[at - 1] == "=" and words[at - 2].startswith("--"):
        os.environ["COMP_WORDS"] = "\n".join([*words[: at - 1], *words[at:]])
        os.environ["COMP_CWORD"] = str(at - 1)


def environments() -> Sequence[str]:
    """Names for --env."""
    from cli.environments import NAMES

    return NAMES


def models() -> Sequence[str]:
    """Slugs of the models that ship."""
    return re.findall(r"^\[models\.([^.\]\s]+)\]$", _shipped(), re.MULTILINE)


def providers() -> Sequence[str]:
    """Providers that a shipped model has a route to."""
    return sorted(set(re.findall(r'\bprovider = "([^"]+)"', _shipped())))


def commands() -> Sequence[str]:
    """Commands that have a schema."""
    from cli.schema_files import commands as with_schema

    return with_schema()


def topics() -> Sequence[str]:
    """What `nb help` explains."""
    from cli import registry

    return ["agent", "exit-codes", *registry.visible()]


def processes() -> Sequence[str]:
    """Whose lines `nb logs` shows."""
    return ["web", "worker", "beat", "all"]


Source = Callable[[], Sequence[str]]

BY_METAVAR: dict[str, Source] = {
    "COMMAND": commands,
    "MODEL": models,
    "SERVICE": processes,
    "SLUG": models,
    "TOPIC": topics,
}

BY_NAME: dict[tuple[str, str], Source] = {("providers", "name"): providers, ("context", "name"): environments}
"""Where what is shown in the help is any NAME: by the group and the parameter."""


def _source(command: str, parameter: Parameter) -> Source | None:
    if "--env" in parameter.opts:
        return environments
    metavar = re.sub(r"[\[\].{}]", "", str(parameter.metavar or ""))
    return BY_METAVAR.get(metavar) or BY_NAME.get((command.partition(".")[0], parameter.name or ""))


def _offering(source: Source) -> Callable[[Context, Parameter, str], list[CompletionItem]]:
    def offer(ctx: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
        from typer._click.shell_completion import CompletionItem

        given: Any = ctx.params.get(parameter.name or "") or ()
        taken = set(given) if isinstance(given, list | tuple) else set()
        return [CompletionItem(name) for name in source() if name.startswith(incomplete) and name not in taken]

    return offer


def _shipped() -> str:
    try:
        return SHIPPED.read_text("utf-8")
    except OSError:
        return ""
