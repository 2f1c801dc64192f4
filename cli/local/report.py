"""The table of addresses and the next thing to try, as `nb up` ends with them."""

from __future__ import annotations

import os

from cli.envelope import NextStep
from cli.local.home import Home
from cli.local.state import Addresses
from cli.output import Screen

PROMPT = "a red fox in the snow"


def print_addresses(screen: Screen, home: Home, addresses: Addresses) -> None:
    """Print where everything is."""
    screen.heading("Where it is")
    rows = {
        "chat": addresses.chat,
        "web": addresses.web,
        "health": addresses.health,
        "database": addresses.database,
        "redis": addresses.redis,
        "media": home.media,
        "logs": home.logs,
    }
    screen.pairs({name: value for name, value in rows.items() if value is not None}, indent=2)
    if addresses.emulators:
        screen.heading("Emulated vendors")
        screen.pairs(addresses.emulators, indent=2)


def print_next(screen: Screen, addresses: Addresses) -> None:
    """Print what to try first."""
    screen.heading("Try next")
    if addresses.chat:
        screen.line(f'  Open {addresses.chat} and send "{PROMPT}".')
    else:
        screen.line(f'  Write "{PROMPT}" to your bot in Telegram.')
    screen.pairs({as_typed(step.cmd): step.why for step in next_steps()}, indent=2)
    screen.line()


def as_typed(command: str) -> str:
    """Return a command of `nb` as a person types it here: `./run nb up` where `nb` is on nobody's PATH."""
    return command.replace("nb", os.environ.get("NB_PROGRAM", "nb"), 1)


def next_steps() -> tuple[NextStep, ...]:
    """Commands that make sense once it runs."""
    return (
        NextStep("nb status", "processes, queues, generations in progress"),
        NextStep("nb gen list", "what was ordered and what became of it"),
        NextStep("nb down", "stop it; the data stays"),
    )
