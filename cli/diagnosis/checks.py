"""How a check says what it found."""

from __future__ import annotations

from cli.shapes import DoctorCheck, DoctorState


def check(identity: str, state: DoctorState, detail: str, fix: str | None = None) -> DoctorCheck:
    """A check; its group is the part of `identity` before the dot."""
    return {"id": identity, "group": identity.partition(".")[0], "state": state, "detail": detail, "fix": fix}
