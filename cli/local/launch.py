"""What it takes to start one process: a plain value that the supervisor, the fixtures and the tests start alike."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cli.errors import CommandFailed
from cli.local.account import Account


class LocalError(CommandFailed):
    """Something that the local product needs is missing or broken; the message says what, `fix` what to do."""

    default_code = "local"

    def __init__(self, message: str, *, fix: str, service: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.service = service


@dataclass(frozen=True)
class Launch:
    """A command with everything around it. Secrets travel in the environment or on standard input, never in argv."""

    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    stdin: bytes = field(default=b"", repr=False)
    account: Account = Account.OWN
    death_signal: signal.Signals = signal.SIGTERM
    stop_signal: signal.Signals = signal.SIGTERM

    def start(self, log: Path) -> subprocess.Popen[bytes]:
        """Start the process in a session of its own, with its output appended to the log file.

        A session of its own keeps a terminal's Ctrl-C and Sanic's kill of its process group away from the others.
        """
        with open_log(log) as output:
            process = subprocess.Popen(
                self.argv,
                env=self.environment,
                stdin=subprocess.PIPE if self.stdin else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=self.account.before_exec(self.death_signal),
            )
        if process.stdin is not None:
            try:
                process.stdin.write(self.stdin)
                process.stdin.close()
            except BrokenPipeError:
                pass  # The process ended at once; its log says why and its exit is seen by whoever waits for it.
        return process


def open_log(log: Path) -> BinaryIO:
    """Open a log file for appending; only its owner can read it."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def tail(log: Path, lines: int = 15) -> list[str]:
    """Return the last lines of a log file; none when it does not exist."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 64 * 1024))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
