"""`nb help`: a command's help, or a page: `agent`, `exit-codes`."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Annotated

import typer

from cli import registry
from cli.envelope import Outcome
from cli.exit_codes import MEANINGS
from cli.groups import root
from cli.invocation import current
from cli.output import NARROW, Screen
from cli.shapes import HelpData

AGENT_PAGE = """\
nb for agents, pipelines and scripts

Find     nb --help --json          every command with one line
         nb gen list --help        options and examples of one
         nb schema gen list        JSON Schema of its document; nb schema: all
Output   --json (or NB_JSON=1) prints exactly one document to stdout, on
         failure too; everything for people goes to stderr:
         {schema, command, env, ok, exit_code, data, warnings, error, next,
          meta}; error: null or {code, message, rule, transient, fix}
         Do what error.fix says; next has commands that make sense now.
         --follow prints a document a line.
Where    --env local|staging|production, else NB_ENV, else `nb context show`,
         else local. A change in production always names it.
Tokens   local: written by `nb up` under NB_HOME. Others: NB_TOKEN_STAGING,
         NB_TOKEN_PRODUCTION or NB_TOKEN. Never in argv.
Asking   No command needs an answer: --no-input refuses to ask, --yes agrees.
         --wait 3m waits for the wanted state, --timeout 10s limits a request.
Changes  --dry-run first, then with --reason TEXT. --expect keeps you from
         overwriting others. A lost answer names the --key to repeat with.
         NB_READONLY=1 refuses every change (5). NB_AGENT=name says who you are.

Exit codes
{exit_codes}

Order of work
  nb doctor --json                    what is wrong here, with the fix
  nb up --detach --json               everything on this machine
  nb ready --wait 1m --json           needs met, commits equal
  nb gen list --status error --json   what failed
  nb gen show ID --json               why, with its trace
  nb logs --trace TRACE --json        what every process said about it
  nb pricing set MODEL --base-cost 0.16 --reason "new list" --dry-run --json
  nb deploy verify --env staging --wait 10m --json
  nb audit list --json                who changed what, and why
"""


def help_page(
    topic: Annotated[
        list[str] | None, typer.Argument(metavar="[TOPIC]", help="A command, `agent` or `exit-codes`.")
    ] = None,
) -> Outcome:
    """Explain a command, or print a page: `agent` (the contract in short), `exit-codes`.

    Examples:
        nb help gen list
        nb help agent
    """
    wanted = " ".join(topic or [])
    text = _page(wanted) if wanted in ("", "agent", "exit-codes") else _of_command(topic or [])
    data: HelpData = {"topic": wanted or "nb", "text": text}
    return Outcome(data=data, show=lambda screen: _show(screen, text if wanted else registry.root_help(screen.width)))


def _show(screen: Screen, text: str) -> None:
    for line in text.rstrip("\n").splitlines():
        words = line.lstrip(" ")
        indent = len(line) - len(words)
        if screen.width < NARROW:
            # There is no room for columns.
            words, indent = re.sub(r" {2,}", "  ", words), min(indent, 2)
        screen.wrapped(words, indent=indent)


def _page(name: str) -> str:
    if name == "agent":
        return AGENT_PAGE.replace("{exit_codes}", _exit_codes(indent="  "))
    if name == "exit-codes":
        return "Exit codes (and whether repeating the command helps)\n" + _exit_codes(indent="  ", repeat=True)
    return registry.root_help(80)


def _exit_codes(*, indent: str, repeat: bool = False) -> str:
    return "\n".join(
        f"{indent}{int(code):>3}  {meaning}" + (f"  [{again}]" if repeat and again != "-" else "")
        for code, (meaning, again) in MEANINGS.items()
    )


def _of_command(topic: list[str]) -> str:
    page = io.StringIO()
    asked = current().command
    try:
        with contextlib.redirect_stdout(page):
            root().main(args=[*topic, "--help"], prog_name="nb", standalone_mode=False)
    finally:
        current().command = asked
    return page.getvalue()
