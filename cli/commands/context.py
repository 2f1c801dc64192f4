"""`nb context`: which environment reads use when none is named, where it is, and where its credentials come from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from cli import credentials
from cli.credentials import Credential
from cli.envelope import Outcome
from cli.environments import (
    NAMES,
    address,
    checked_name,
    context_path,
    credentials_path,
    default_name,
    nb_home,
    project_facts,
)
from cli.errors import CommandFailed, UsageMistake
from cli.groups import new_group
from cli.invocation import current, warn
from cli.output import Screen
from cli.shapes import ContextCredential, ContextData

app = new_group("Show or choose the environment that reads use.")


@app.command("show")
def show_context() -> Outcome:
    """Show which environment a read uses, where it is, and where its credentials come from; never what they are.

    Examples:
        nb context show
        nb context show --env staging --json
    """
    requested = current().requested_environment
    name, source = (checked_name(requested), "--env") if requested is not None else default_name()
    current().environment = name
    return _outcome(_described(name, source))


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
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps({"env": name}) + "\n", "utf-8")
            unfinished.replace(path)
        except OSError as error:
            raise UsageMistake(f"{path} cannot be written: {error.strerror}", fix="set NB_CONFIG") from None
        finally:
            _remove(unfinished)
    if (named := os.environ.get("NB_ENV")) and named != name:
        warn("variable_wins", f"NB_ENV is {named} and wins over what was stored")
    return _outcome({**_described(name, str(path)), "changed": not current().dry_run})


def _remove(unfinished: Path) -> None:
    try:
        unfinished.unlink(missing_ok=True)
    except OSError:
        return


def _described(name: str, source: str) -> ContextData:
    facts = project_facts()
    mine = facts.get("env", {}).get(name, {})
    return {
        "env": name,
        "source": source,
        "environments": list(NAMES),
        "url": _url(name),
        "branch": _text(mine, "branch"),
        "repository": _text(facts.get("project"), "repository"),
        "railway_project": _text(facts.get("railway"), "project"),
        "railway_environment": _text(mine, "railway_env"),
        "protected": mine.get("protected") is True,
        "home": str(nb_home()),
        "credentials_file": str(credentials_path()),
        "credentials": _credentials(name),
    }


def _url(name: str) -> str | None:
    """The address, None with a warning where it is not known."""
    try:
        return address(name)
    except CommandFailed as failure:
        warn(failure.code, f"{failure.message}: {failure.fix}" if failure.fix else failure.message)
        return None


def _text(table: object, key: str) -> str | None:
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, str) and value else None


def _credentials(name: str) -> list[ContextCredential]:
    try:
        found: list[tuple[str, Credential | None, str]] = [
            ("ops", credentials.find("ops", name), f"nb token save --env {name} < FILE"),
            ("railway", credentials.find_railway(name), f"nb token save railway --env {name} < FILE"),
            ("github", credentials.find("github", name), "nb token save github < FILE"),
        ]
    except CommandFailed as failure:
        warn(failure.code, f"{failure.message}: {failure.fix}")
        return []
    return [
        {
            "kind": kind if one is None else one.kind,
            "present": one is not None,
            "source": None if one is None else one.source,
            "fix": fix if one is None else None,
        }
        for kind, one, fix in found
    ]


def _outcome(data: ContextData) -> Outcome:
    def show(screen: Screen) -> None:
        screen.line(f"{data['env']}  (from {data['source']})")
        known = {
            "url": data["url"],
            "branch": data["branch"],
            "repository": data["repository"],
            "railway project": data["railway_project"],
            "railway environment": data["railway_environment"],
            "home": data["home"],
        }
        screen.pairs({name: value for name, value in known.items() if value is not None}, indent=2)
        for one in data["credentials"]:
            words = f"from {one['source']}" if one["present"] else "none"
            screen.state("ok" if one["present"] else "note", f"{one['kind']} token: {words}", indent=2)

    return Outcome(data=data, show=show)
