"""Where credentials come from, and how one gets into the 0600 file: whole or not at all, one writer at a time.

Reading a token for a request is :mod:`cli.environments` and :mod:`cli.platforms.credentials`; here is said which of the
places won, never what stands there.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cli.environments import credentials, credentials_path
from cli.errors import CommandFailed, Conflict

Kind = Literal["ops", "railway", "railway-account", "github"]
KINDS: tuple[Kind, ...] = ("ops", "railway", "railway-account", "github")

LOCK_PATIENCE_S = 5.0
LOCK_PAUSE_S = 0.05
LONGEST = 8192
"""More characters than this are no token: a wrong file was redirected."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that is there. `source` is a variable's name or the file's path."""

    kind: Kind
    source: str
    value: str = field(repr=False)


def variables(kind: Kind, environment: str) -> tuple[str, ...]:
    """The variables that may hold it, the one that wins first."""
    name = environment.upper()
    return {
        "ops": (f"NB_TOKEN_{name}", "NB_TOKEN"),
        "railway": (f"RAILWAY_TOKEN_{name}", "RAILWAY_TOKEN"),
        "railway-account": ("RAILWAY_API_TOKEN",),
        "github": ("NB_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"),
    }[kind]


def places(kind: Kind, environment: str) -> tuple[tuple[str, str], ...]:
    """Section and key of the file that may hold it, the one that wins, and that is written, first."""
    return {
        "ops": ((environment, "token"),),
        "railway": (("railway", f"token_{environment}"), ("railway", "token")),
        "railway-account": (("railway", "api_token"),),
        "github": (("github", "token"),),
    }[kind]


def find(kind: Kind, environment: str) -> Credential | None:
    """The credential that a request would be sent with, None where there is none.

    Raises:
        NotAuthenticated: the file is readable by others.
        UsageMistake: the file is damaged.
    """
    for variable in variables(kind, environment):
        if value := os.environ.get(variable, "").strip():
            return Credential(kind, variable, value)
    return _stored(kind, environment)


def find_railway(environment: str) -> Credential | None:
    """The credential for Railway: all variables win over the file, a project's token over an account's."""
    for kind in ("railway", "railway-account"):
        for variable in variables(kind, environment):
            if value := os.environ.get(variable, "").strip():
                return Credential(kind, variable, value)
    return _stored("railway", environment) or _stored("railway-account", environment)


def stored_value(kind: Kind, environment: str) -> str | None:
    """What the file holds where :func:`store` would write."""
    section, key = places(kind, environment)[0]
    value = credentials().get(section, {}).get(key)
    return value if isinstance(value, str) and value else None


def store(kind: Kind, environment: str, value: str) -> bool:
    """Put a credential into the file. True when it replaced another one.

    Raises:
        CommandFailed: the file cannot be written, is damaged, or open to others; it is as it was.
    """
    section, key = places(kind, environment)[0]
    with _open_for_change() as content:
        entry = _section(content, section)
        replaced = bool(entry.get(key)) and entry[key] != value
        entry[key] = value
    return replaced


def forget(kind: Kind, environment: str) -> bool:
    """Take a credential out of the file. False when it was not there."""
    section, key = places(kind, environment)[0]
    if key not in credentials().get(section, {}):
        return False
    with _open_for_change() as content:
        entry = _section(content, section)
        found = entry.pop(key, None) is not None
        if not entry:
            content.pop(section, None)
    return found


def check_writable() -> None:
    """Find out before something is made that has to be kept.

    Raises:
        CommandFailed: it could not be.
    """
    with _open_for_change(is_written=False):
        pass


def _stored(kind: Kind, environment: str) -> Credential | None:
    content = credentials()
    for section, key in places(kind, environment):
        value = content.get(section, {}).get(key)
        if isinstance(value, str) and value:
            return Credential(kind, str(credentials_path()), value)
    return None


def _section(content: dict[str, Any], name: str) -> dict[str, Any]:
    entry = content.setdefault(name, {})
    if not isinstance(entry, dict):
        path = credentials_path()
        raise CommandFailed(f"{path}: {name!r} is no object", code="credentials_damaged", fix=f"correct {path}")
    return entry


@contextmanager
def _open_for_change(*, is_written: bool = True) -> Iterator[dict[str, Any]]:
    """The content of the file, written back at the end: a reader sees the old file or the new one, never a part."""
    # Where the name leads: a link to a file that is kept elsewhere stays one.
    path = credentials_path().resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(path.parent):
            # Read through the one reader that refuses a file that others may have written.
            credentials()
            content = _read(path)
            yield content
            if is_written:
                _write(path, content)
            elif not os.access(path.parent, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise CommandFailed(
            f"{path} cannot be written: {error.strerror or error}",
            code="credentials_not_written",
            fix="set NB_HOME to a folder of yours that can be written",
        ) from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder itself is the lock: it is there, and nothing is left behind by a run that was killed."""
    descriptor = os.open(folder, os.O_RDONLY)
    deadline = time.monotonic() + LOCK_PATIENCE_S
    try:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                raise Conflict(f"another nb holds {folder}", code="credentials_locked", fix="repeat the command")
            time.sleep(LOCK_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[str, Any]:
    """Everything that stands in the file, what is not ours included; `credentials()` has checked it."""
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return content


def _write(path: Path, content: dict[str, Any]) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            json.dump(content, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
