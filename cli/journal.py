"""The journal of every run of nb: one line each in `journal.ndjson` of the local folder, without secrets.

It is what a report of somebody's work is made from: which command, where, on which commit, with which result. A run
never fails because its line could not be kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.environments import nb_home
from cli.masking import masked, masked_arguments

NAME = "journal.ndjson"
LARGEST = 16 * 1024 * 1024
"""Bytes after which the journal is set aside as `journal.1.ndjson`, replacing the one before."""


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
    file = path()
    line = json.dumps(_to_json(run), ensure_ascii=False, separators=(",", ":"), default=str) + "\n"
    with suppress(OSError):
        if not file.parent.is_dir():
            if not (file.parent.parent / "nb.toml").is_file():
                return
            file.parent.mkdir(mode=0o700)
        _set_aside(file)
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode("utf-8", "backslashreplace"))
        finally:
            os.close(descriptor)


def read(*, since: datetime | None = None) -> Iterator[Run]:
    """Runs, the oldest first; lines that are none are passed over."""
    for file in (path().with_name("journal.1.ndjson"), path()):
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    run = _parsed(line)
                    if run is not None and (since is None or run.at >= since):
                        yield run
        except FileNotFoundError:
            continue


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
    return tuple(masked_arguments(arguments))


def _to_json(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "at": run.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "command": run.command,
        "arguments": list(run.arguments),
        "env": run.env,
        "branch": run.branch,
        "head": run.head,
        "agent": run.agent,
        "exit_code": run.exit_code,
        "error": masked(run.error),
        "duration_ms": run.duration_ms,
        "facts": dict(run.facts),
    }


def _parsed(line: str) -> Run | None:
    try:
        found = json.loads(line)
        return Run(
            run_id=str(found["run_id"]),
            at=datetime.fromisoformat(str(found["at"])),
            command=str(found["command"]),
            arguments=tuple(map(str, found["arguments"])),
            exit_code=int(found["exit_code"]),
            duration_ms=float(found["duration_ms"]),
            env=found.get("env"),
            branch=str(found.get("branch", "")),
            head=str(found.get("head", "")),
            agent=str(found.get("agent", "")),
            error=str(found.get("error", "")),
            facts=found.get("facts") or {},
        )
    except (ValueError, KeyError, TypeError):
        return None


def _set_aside(file: Path) -> None:
    with suppress(FileNotFoundError):
        if file.stat().st_size > LARGEST:
            file.replace(file.with_name("journal.1.ndjson"))
