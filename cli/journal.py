"""The journal of every run of nb: one line each in `journal.ndjson` of the local folder, without secrets.

It is what a report of somebody's work is made from: which command, where, on which commit, with which result. A run
never fails because its line could not be kept.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from cli.environments import nb_home
from cli.errors import UsageMistake
from cli.masking import masked, masked_arguments, masked_value

NAME = "journal.ndjson"
EARLIER = "journal.1.ndjson"
LARGEST = 16 * 1024 * 1024
"""Bytes after which the journal is set aside as `journal.1.ndjson`, replacing the one before."""

LOCK_PATIENCE_S = 0.5
"""A run that was stopped while it held the journal keeps nobody longer than this."""

MOST_ARGUMENTS = 100
LONGEST_ARGUMENT = 1000
"""Of a longer command line the journal keeps the beginning: it is read by people."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of nb.

    Attributes:
        arguments: the command line, masked.
        env: the environment that it turned to, None when to none.
        head: commit that was checked out, "" outside a repository.
        facts: what the command found that a report needs, such as the commit that was verified.
    """

    run_id: str
    at: datetime
    command: str
    arguments: tuple[str, ...]
    exit_code: int
    duration_ms: float
    env: str | None = None
    branch: str = ""
    head: str = ""
    agent: str = ""
    error: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def path() -> Path:
    """File of the journal."""
    return nb_home() / NAME


def append(run: Run) -> None:
    """Keep a run. Lines of runs at the same time never mix; a folder that is not there is not made for this."""
    # A run that ended well does not fail because its line could not be kept.
    with suppress(OSError, ValueError, TypeError, UsageMistake):
        file = path()
        line = json.dumps(_to_json(run), ensure_ascii=False, separators=(",", ":"), default=str) + "\n"
        if not file.parent.is_dir():
            if not (file.parent.parent / "nb.toml").is_file():
                return
            file.parent.mkdir(mode=0o700)
        _set_aside(file)
        descriptor = _open(file)
        try:
            is_alone = _locked(descriptor)
            content = line.encode("utf-8", "backslashreplace")
            # What a full disk left of an earlier line is ended first, so that it spoils itself alone.
            is_cut = is_alone and not _is_at_line_start(descriptor)
            os.write(descriptor, b"\n" + content if is_cut else content)
        finally:
            os.close(descriptor)


def read(*, since: datetime | None = None) -> Iterator[Run]:
    """Runs, the oldest first; lines that are none are passed over."""
    for file in (path().with_name(EARLIER), path()):
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    run = _parsed(line)
                    if run is not None and (since is None or run.at >= since):
                        yield run
        except (FileNotFoundError, NotADirectoryError):
            continue


def newest(limit: int, wanted: Callable[[Run], bool], *, since: datetime | None = None) -> list[Run]:
    """The last `limit` runs that are wanted, the newest first; the file is read once and never held as a whole."""
    return list(deque(filter(wanted, read(since=since)), maxlen=limit))[::-1]


def checked_out(root: Path) -> tuple[str, str]:
    """Branch and commit of a repository, read from its files: starting git would take longer than most commands.

    "" for a branch means a detached HEAD, "" for a commit that there is none or no repository.
    """
    git = root / ".git"
    with suppress(OSError, ValueError):
        if git.is_file():
            git = (root / git.read_text("utf-8").strip().removeprefix("gitdir: ")).resolve()
        head = (git / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return "", head
        reference = head.removeprefix("ref: ")
        return reference.removeprefix("refs/heads/"), _commit_of(git, reference)
    return "", ""


def _commit_of(git: Path, reference: str) -> str:
    common = git
    with suppress(OSError):
        common = (git / (git / "commondir").read_text("utf-8").strip()).resolve()
    for folder in (git, common):
        with suppress(OSError):
            return (folder / reference).read_text("utf-8").strip()
    with suppress(OSError):
        for line in (common / "packed-refs").read_text("utf-8").splitlines():
            commit, _, name = line.partition(" ")
            if name == reference:
                return commit
    return ""


def of_this_process(arguments: Sequence[str]) -> tuple[str, ...]:
    """The command line as the journal keeps it."""
    kept = [
        argument if len(argument) <= LONGEST_ARGUMENT else f"{argument[:LONGEST_ARGUMENT]}…"
        for argument in masked_arguments(arguments)[:MOST_ARGUMENTS]
    ]
    return (*kept, *(["…"] if len(arguments) > MOST_ARGUMENTS else []))


def _to_json(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "at": run.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "command": run.command,
        "arguments": list(run.arguments),
        "env": run.env,
        "branch": run.branch,
        "head": run.head,
        "agent": masked(run.agent),
        "exit_code": run.exit_code,
        "error": masked(run.error),
        "duration_ms": run.duration_ms,
        "facts": masked_value(run.facts),
    }


def _parsed(line: str) -> Run | None:
    try:
        found = json.loads(line)
        at = datetime.fromisoformat(str(found["at"]))
        facts = found.get("facts")
        return Run(
            run_id=str(found["run_id"]),
            at=at if at.tzinfo is not None else at.replace(tzinfo=UTC),
            command=str(found["command"]),
            arguments=tuple(map(str, found["arguments"])),
            exit_code=int(found["exit_code"]),
            duration_ms=float(found["duration_ms"]),
            env=found.get("env"),
            branch=str(found.get("branch", "")),
            head=str(found.get("head", "")),
            agent=str(found.get("agent", "")),
            error=str(found.get("error", "")),
            facts=facts if isinstance(facts, dict) else {},
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _open(file: Path) -> int:
    # Not through a link: a line of ours belongs into no file of somebody else's.
    return os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _locked(descriptor: int) -> bool:
    """Wait a moment for the others. Without the lock a line is still one write to the end of the file, and whole."""
    deadline = monotonic() + LOCK_PATIENCE_S
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if monotonic() > deadline:
            return False
        sleep(0.001)


def _is_at_line_start(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _set_aside(file: Path) -> None:
    """Rename a journal that has grown large. Of several runs that see it at once, one does; nobody waits for that."""
    try:
        if file.stat().st_size <= LARGEST:
            return
    except FileNotFoundError:
        return
    descriptor = _open(file)
    try:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The one that was locked may have been set aside by another run before it was.
            if os.path.samestat(os.fstat(descriptor), file.stat()):
                file.replace(file.with_name(EARLIER))
    finally:
        os.close(descriptor)
