"""What the options of every command said in this run: output form, environment, patience."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TextIO

from cli.durations import parse_duration
from cli.envelope import Notice
from cli.errors import UsageMistake

DEFAULT_TIMEOUT = 10.0
"""Seconds that one request may take, connecting included."""


@dataclass(slots=True)
class Invocation:
    """One run of `nb`. Filled while the command line is parsed, read by the command."""

    json: bool = False
    requested_environment: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    patience: float | None = None
    """What --timeout said, None when it was not given: a command that follows ends by itself after that."""

    wait: float | None = None
    dry_run: bool = False
    yes: bool = False
    no_input: bool = False
    no_color: bool = False
    verbose: bool = False
    command: str = "nb"
    environment: str | None = None
    """Name of the environment that the command turned to, once it has."""
    warnings: list[Notice] = field(default_factory=list)
    stream: TextIO | None = None
    """Standard output itself, for a command that follows and prints documents before the one that it ends with."""
    follows: bool = False
    """Whether it does: every document is then one line."""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: float = field(default_factory=time.monotonic)

    def take(self, options: Mapping[str, object]) -> None:
        """Note the options that were given; called for the root and for the command, in this order."""
        for name in ("json", "dry_run", "yes", "no_input", "no_color", "verbose"):
            if options.get(name):
                setattr(self, name, True)
        if options.get("env") is not None:
            self.requested_environment = str(options["env"])
        if options.get("timeout") is not None:
            self.timeout = self.patience = _duration("--timeout", str(options["timeout"]))
        if options.get("wait") is not None:
            self.wait = _duration("--wait", str(options["wait"]))


def _duration(option: str, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageMistake(f"{option} {text}: {error}", fix=f"{option} 30s") from None


_current: ContextVar[Invocation] = ContextVar("invocation")


def current() -> Invocation:
    """The running invocation."""
    return _current.get()


def begin(invocation: Invocation) -> None:
    """Make this the running invocation."""
    _current.set(invocation)


def warn(code: str, message: str) -> None:
    """Add a warning to whatever the running command ends with."""
    current().warnings.append(Notice(code, message))
