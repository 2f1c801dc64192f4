"""What `nb` exits with. The numbers are part of the contract with scripts and never change meaning."""

from enum import IntEnum


class ExitCode(IntEnum):
    """One meaning each; :data:`MEANINGS` says it in words."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_AUTHENTICATED = 4
    BLOCKED = 5
    APPROVAL_REQUIRED = 6
    CONFLICT = 7
    PENDING = 8
    DEADLINE = 9
    UPSTREAM = 75
    INTERRUPTED = 130


MEANINGS: dict[ExitCode, tuple[str, str]] = {
    ExitCode.OK: ("ok: healthy, passed, done", "-"),
    ExitCode.CHECK_FAILED: ("a check failed, or nb itself did (code `internal`)", "no"),
    ExitCode.USAGE: ("usage: unknown command, option or value", "no"),
    ExitCode.NOT_FOUND: ("not found", "no"),
    ExitCode.NOT_AUTHENTICATED: ("not authenticated, or the token lacks a scope", "no"),
    ExitCode.BLOCKED: ("blocked by a rule; `error.rule` names it", "never"),
    ExitCode.APPROVAL_REQUIRED: ("a human's approval is required", "after approval"),
    ExitCode.CONFLICT: ("conflict: something changed underneath, a lock is held", "after a fix"),
    ExitCode.PENDING: ("pending: not decided yet", "yes"),
    ExitCode.DEADLINE: ("the deadline of --wait was reached", "yes"),
    ExitCode.UPSTREAM: ("upstream or network fault, rate limit", "yes"),
    ExitCode.INTERRUPTED: ("interrupted", "-"),
}
"""Meaning, and whether the same command is worth repeating."""
