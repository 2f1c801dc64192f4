"""Failures that a command reports on purpose. Each carries its exit code, a stable code and the line that helps.

A command raises one of these; :mod:`cli.application` renders it for people or as the one JSON document. No message ever
contains a credential.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from cli.envelope import NextStep
from cli.exit_codes import ExitCode


class CommandFailed(Exception):
    """A command could not do what it was asked to."""

    exit_code: ClassVar[ExitCode] = ExitCode.CHECK_FAILED
    default_code: ClassVar[str] = "failed"
    transient: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        rule: str | None = None,
        fix: str | None = None,
        data: Mapping[str, object] | None = None,
        next_steps: tuple[NextStep, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.rule = rule
        self.fix = fix
        self.data = data
        self.next_steps = next_steps


class UsageMistake(CommandFailed):
    """The command line cannot be understood."""

    exit_code = ExitCode.USAGE
    default_code = "usage"


class NotFound(CommandFailed):
    """What was named does not exist."""

    exit_code = ExitCode.NOT_FOUND
    default_code = "not_found"


class NotAuthenticated(CommandFailed):
    """There is no token, it is not valid, or it lacks a scope."""

    exit_code = ExitCode.NOT_AUTHENTICATED
    default_code = "not_authenticated"


class BlockedByRule(CommandFailed):
    """A rule forbids this; repeating it will not help."""

    exit_code = ExitCode.BLOCKED
    default_code = "blocked"


class ApprovalRequired(CommandFailed):
    """Somebody else has to agree first; the message names the approval, `fix` the command that gives it."""

    exit_code = ExitCode.APPROVAL_REQUIRED
    default_code = "approval_required"


class Conflict(CommandFailed):
    """Something else holds or changed what the command works on."""

    exit_code = ExitCode.CONFLICT
    default_code = "conflict"


class DeadlineReached(CommandFailed):
    """The time given by --wait passed before the answer was the wanted one."""

    exit_code = ExitCode.DEADLINE
    default_code = "wait_deadline"
    transient = True


class UpstreamFault(CommandFailed):
    """The service or the network did not answer as agreed; the same command may work later."""

    exit_code = ExitCode.UPSTREAM
    default_code = "upstream"
    transient = True

    def __init__(
        self, message: str, *, code: str | None = None, fix: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, code=code, fix=fix)
        self.retry_after = retry_after
