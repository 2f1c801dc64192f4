"""The one JSON document that every command prints with --json, and the values that commands return to fill it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from cli.output import Screen

SCHEMA = "nb/1"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth knowing that does not change the outcome."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """A command that makes sense after this one, and why."""

    cmd: str
    why: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a command did not succeed."""

    code: str
    message: str
    rule: str | None = None
    transient: bool = False
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command found or did: `data` for machines, `show` for people, `facts` for the journal."""

    data: Mapping[str, object]
    show: Callable[[Screen], None] = field(compare=False)
    problem: Problem | None = None
    exit_code: ExitCode = ExitCode.OK
    warnings: tuple[Notice, ...] = ()
    next_steps: tuple[NextStep, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.problem is None) != (self.exit_code is ExitCode.OK):
            raise ValueError("an outcome has a problem exactly when its exit code is not 0")


def document(
    *,
    command: str,
    environment: str | None,
    exit_code: ExitCode,
    data: Mapping[str, object],
    warnings: tuple[Notice, ...],
    problem: Problem | None,
    next_steps: tuple[NextStep, ...],
    meta: Mapping[str, Any],
) -> dict[str, Any]:
    """Put the parts into the agreed shape. The order of the keys is part of the contract."""
    error = None
    if problem is not None:
        error = {
            "code": problem.code,
            "message": problem.message,
            "rule": problem.rule,
            "transient": problem.transient,
            "fix": problem.fix,
        }
    return {
        "schema": SCHEMA,
        "command": command,
        "env": environment,
        "ok": exit_code is ExitCode.OK,
        "exit_code": int(exit_code),
        "data": dict(data),
        "warnings": [{"code": notice.code, "message": notice.message} for notice in warnings],
        "error": error,
        "next": [{"cmd": step.cmd, "why": step.why} for step in next_steps],
        "meta": dict(meta),
    }


def encode(content: Mapping[str, Any], *, is_line: bool = False) -> bytes:
    """JSON is UTF-8 whatever the locale is; a byte of the command line that is no text becomes a JSON escape."""
    indent = None if is_line else 2
    return (json.dumps(content, ensure_ascii=False, indent=indent) + "\n").encode("utf-8", "backslashreplace")
