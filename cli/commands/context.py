"""`nb context`: which environment reads use when none is named."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cli.envelope import Outcome
from cli.environments import NAMES, checked_name, context_path, default_name
from cli.errors import UsageMistake
from cli.groups import new_group
from cli.invocation import current
from cli.output import Screen
from cli.shapes import ContextData

app = new_group("Show or choose the environment that reads use.")


@app.command("show")
def show_context() -> Outcome:
    """Show which environment a read uses when none is named, and why.

    Examples:
        nb context show
        nb context show --json
    """
    name, source = default_name()
    return _outcome({"env": name, "source": source, "environments": list(NAMES)})


@app.command("use")
def use_context(
    name: Annotated[str, typer.Argument(metavar="NAME", help="local, staging or production.")],
) -> Outcome:
    """Choose the environment that reads use. Changes in production still have to name it.

    Examples:
        nb context use staging
        nb context use local --json
    """
    checked_name(name, source="NAME")
    path = context_path()
    if not current().dry_run:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"env": name}) + "\n", "utf-8")
        except OSError as error:
            raise UsageMistake(f"{path} cannot be written: {error.strerror}", fix="set NB_CONFIG") from None
    return _outcome({"env": name, "source": str(path), "environments": list(NAMES), "changed": not current().dry_run})


def _outcome(data: ContextData) -> Outcome:
    def show(screen: Screen) -> None:
        screen.line(f"{data['env']}  (from {data['source']})")

    return Outcome(data=data, show=show)
