"""Runs steps and remembers how each ended. A step says what it found, or raises why it found nothing good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from cli.envelope import Problem
from cli.errors import CommandFailed, UpstreamFault
from cli.exit_codes import ExitCode
from cli.smoke.shapes import SmokeCounts, SmokeStep, StepState


class StepEnded(Exception):
    """A step ended otherwise than well, for a reason that is worth a line."""

    state: StepState = "failed"

    def __init__(self, detail: str, fix: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fix = fix


class Failed(StepEnded):
    """What was looked at is not as it should be."""


class Pending(StepEnded):
    """It is not there yet."""

    state: StepState = "pending"


class Skipped(StepEnded):
    """It was not tried, and the reason is why."""

    state: StepState = "skipped"


def unheard(step: SmokeStep) -> None:
    """Tell nobody."""
    del step


@dataclass(slots=True)
class Trial:
    """The steps so far."""

    steps: list[SmokeStep] = field(default_factory=list)
    tell: Callable[[SmokeStep], None] = unheard

    def attempt(self, identity: str, act: Callable[[], str]) -> bool:
        """Try a step; True when it went well."""
        started = monotonic()
        state: StepState = "ok"
        fix: str | None = None
        try:
            detail = act()
        except StepEnded as ended:
            state, detail, fix = ended.state, ended.detail, ended.fix
        except UpstreamFault as fault:
            state, detail, fix = "error", fault.message, fault.fix
        except CommandFailed as failure:
            state, detail, fix = "failed", failure.message, failure.fix
        except KeyboardInterrupt:
            self._note(identity, "error", "interrupted", None, started)
            raise
        self._note(identity, state, detail, fix, started)
        return state == "ok"

    def skip(self, identities: Sequence[str], reason: str) -> None:
        """Note steps that were not tried."""
        for identity in identities:
            self._note(identity, "skipped", reason, None, monotonic())

    def counts(self) -> SmokeCounts:
        """How many steps ended in each state."""
        found: SmokeCounts = {"ok": 0, "failed": 0, "error": 0, "pending": 0, "skipped": 0}
        for step in self.steps:
            found[step["state"]] += 1
        return found

    def verdict(self, name: str) -> tuple[Problem | None, ExitCode]:
        """What all of it comes to: a failure outweighs a missing answer, and that what is only not there yet."""
        for state, code in (
            ("failed", ExitCode.CHECK_FAILED),
            ("error", ExitCode.UPSTREAM),
            ("pending", ExitCode.PENDING),
        ):
            bad = [step for step in self.steps if step["state"] == state]
            if bad:
                listed = ", ".join(step["id"] for step in bad[:5]) + (", …" if len(bad) > 5 else "")
                words = f"{name}: {len(bad)} of {len(self.steps)} steps {state} ({listed}): {bad[0]['detail']}"
                is_transient = code is not ExitCode.CHECK_FAILED
                return Problem(f"smoke_{state}", words, transient=is_transient, fix=bad[0]["fix"]), code
        return None, ExitCode.OK

    def _note(self, identity: str, state: StepState, detail: str, fix: str | None, started: float) -> None:
        took = round((monotonic() - started) * 1000, 1)
        step: SmokeStep = {"id": identity, "state": state, "detail": detail, "duration_ms": took, "fix": fix}
        self.steps.append(step)
        self.tell(step)
