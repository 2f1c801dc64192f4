"""`nb help`: a command's help, or a page: `agent`, `exit-codes`."""

from __future__ import annotations

import contextlib
import io
from typing import Annotated

import typer

from cli import registry
from cli.envelope import Outcome
from cli.exit_codes import MEANINGS
from cli.groups import root
from cli.invocation import current
from cli.output import Screen
from cli.shapes import HelpData

AGENT_PAGE = """\
nb for agents, pipelines and scripts

Output
  --json (or NB_JSON=1) prints exactly one document to stdout, on failure too:
  {schema, command, env, ok, exit_code, data, warnings, error, next, meta}
  error: {code, message, rule, transient, fix}. next: [{cmd, why}].
  Everything for people goes to stderr. `nb schema gen list` prints the JSON
  Schema of a command's document, `nb schema` lists them.

Environments
  --env local|staging|production, else NB_ENV, else `nb context show`, else
  local. A change in production always names it.

Tokens
  local: written by `nb up` under NB_HOME (credentials.json, mode 0600).
  Others: NB_TOKEN_STAGING, NB_TOKEN_PRODUCTION, or NB_TOKEN. Never in argv.

Never asks
  No command needs an answer. --no-input refuses to ask, --yes agrees,
  --dry-run says what would be done. --wait 3m waits for the wanted state,
  --timeout 10s limits one request. NB_AGENT names you in meta.agent.

Changes
  --reason TEXT is required. The key of a change (--key KEY) makes it once: when
  an answer is lost, the error names the key to repeat the command with.
  NB_READONLY=1 refuses every change (5). Exit code 6: somebody else has to
  agree, error.fix is the command for them.

Exit codes
{exit_codes}

Where to start
  nb up --detach --json         start everything on this machine
  nb ready --wait 1m --json     wait until it is ready
  nb doctor --json              what is wrong, with the line that fixes it
  nb status --json              processes, queues, generations in progress
  nb gen list --status error    what failed
  nb gen show ID --json         why
  nb pricing quote MODEL --json what it costs
  nb ledger verify --json       whether the money adds up
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
        screen.wrapped(words, indent=len(line) - len(words))


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
