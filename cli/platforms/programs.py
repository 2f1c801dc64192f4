"""The platforms' own programs, `railway` and `gh`, for whoever has signed in with them and has no token for `nb`.

Only what is listed in SHAPES can be run, and all of it reads. A program gets a list of arguments and never a shell's
line, no input, no token but its own, and an end: what it started is killed with it. Its exit code is not believed; what
it printed decides.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cli.errors import UpstreamFault
from cli.masking import masked

ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
NUMBER = re.compile(r"[1-9][0-9]{0,3}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)")
HOST = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,252}")
HEADER = re.compile(r"(?:Accept|X-GitHub-Api-Version): [\w.+/-]+")
PATH = re.compile(r"repos(?:/(?!\.\.?(?:[/?]|$))[\w.%-]+){2,8}(?:\?[\w.%=&+-]*)?")
"""Something below one repository; no part of it leads up."""
FILTER = re.compile(r'[@"\w][\w @:"().]{0,300}')

Part = str | re.Pattern[str]

_PLACE: tuple[Part, ...] = ("-e", ID, "-p", ID)


def _or_not(some: tuple[Part, ...]) -> tuple[tuple[Part, ...], ...]:
    """An option that may be left out."""
    return some, ()


SHAPES: Mapping[str, tuple[tuple[Part, ...], ...]] = {
    "railway": (
        ("--version",),
        ("status", "-p", ID, "-e", ID, "--json"),
        ("status", "--json"),
        ("deployment", "list", "-s", ID, *_PLACE, "--limit", NUMBER, "--json"),
        *(
            ("logs", ID, "-s", ID, *_PLACE, "-n", NUMBER, *build, *words, *since, *until, "--json")
            for build in _or_not(("--build",))
            for words in _or_not(("-f", FILTER))
            for since in _or_not(("-S", MOMENT))
            for until in _or_not(("-U", MOMENT))
        ),
    ),
    "gh": (
        ("--version",),
        ("api", "--method", "GET", "--include", "--hostname", HOST, "-H", HEADER, "-H", HEADER, PATH),
    ),
}
"""Every command line that is ever run: words as they stand, and places for an id or a number."""

KEPT = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE", "APPDATA"),
        *("LOCALAPPDATA", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "GH_CONFIG_DIR"),
        *("DBUS_SESSION_BUS_ADDRESS", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG", "LC_ALL"),
        *("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"),
    }
)
"""What a program needs to find its own sign-in and the way out. Our tokens and keys are not among it."""

QUIET = {
    "GH_PROMPT_DISABLED": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "GH_PAGER": "cat",
    "NO_COLOR": "1",
    "CI": "1",
    "RAILWAY_NO_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}

MOST_CHARACTERS = 10 * 1024 * 1024

_running: set[subprocess.Popen[bytes]] = set()
"""What runs now: each has a session of its own, so that Ctrl-C on the terminal reaches none of them."""


class NotAllowed(ValueError):
    """A command line that is none of SHAPES; nothing was started."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a program printed."""

    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The first line of its complaint, without what looks like a secret."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return masked(lines[0])[:300] if lines else "it said nothing"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was found on this machine."""

    name: str
    path: str
    timeout: float
    extra: Mapping[str, str] = field(default_factory=dict)
    """Variables that it gets beside the kept ones, its own token for instance."""

    def run(self, *arguments: str) -> Said:
        """Run it to its end.

        Raises:
            NotAllowed: this is no command line that only reads.
            UpstreamFault: it could not be started or did not end in time.
        """
        if not is_allowed(self.name, arguments):
            raise NotAllowed(f"nb does not run {self.name} {' '.join(arguments)}")
        environment = {name: value for name, value in os.environ.items() if name in KEPT} | QUIET | dict(self.extra)
        try:
            process = subprocess.Popen(
                [self.path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise self._fault("not_started", f"cannot be started: {error.strerror}") from None
        _running.add(process)
        try:
            out, err = process.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            raise self._fault("timeout", f"did not end within {self.timeout:g} s") from None
        finally:
            _running.discard(process)
            _end(process)
        return Said(out.decode("utf-8", "replace")[:MOST_CHARACTERS], err.decode("utf-8", "replace"))

    def _fault(self, code: str, what: str) -> UpstreamFault:
        return UpstreamFault(f"the program {self.name} {what}", code=f"{self.name}_program_{code}")


def is_allowed(name: str, arguments: Sequence[str]) -> bool:
    """Whether this command line is one that only reads."""
    return any(len(shape) == len(arguments) and all(map(_fits, shape, arguments)) for shape in SHAPES.get(name, ()))


def found(name: str, *, timeout: float, extra: Mapping[str, str] | None = None) -> Program | None:
    """The program of this name on PATH, None where there is none."""
    path = shutil.which(name)
    return None if path is None else Program(name, path, timeout, extra or {})


def end_all() -> None:
    """Kill what runs, for whoever was interrupted while others wait for it."""
    for process in tuple(_running):
        _kill(process)


def _fits(part: Part, argument: str) -> bool:
    return part == argument if isinstance(part, str) else part.fullmatch(argument) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it with all that it started, where it has not ended; its pipes are closed either way."""
    if process.poll() is None:
        _kill(process)
        process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
