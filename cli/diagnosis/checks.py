"""How a check says what it found, and which groups there are."""

from __future__ import annotations

from cli.errors import CommandFailed, NotAuthenticated, NotFound
from cli.shapes import DoctorCheck, DoctorState

GROUPS = (
    "python",
    "home",
    "programs",
    "running",
    "ports",
    "credentials",
    "repository",
    "services",
    "database",
    "telegram",
    "railway",
    "github",
    "storage",
    "providers",
)
"""In the order in which they are shown: this machine first, then what it leads to."""

MACHINE = frozenset({"python", "home", "programs", "running", "ports"})


NETWORK = "look at this machine's network, then repeat with --timeout 30s"
"""What helps where nothing better is known: somebody did not answer."""


def check(identity: str, state: DoctorState, detail: str, fix: str | None = None) -> DoctorCheck:
    """A check; its group is the part of `identity` before the dot."""
    return {"id": identity, "group": identity.partition(".")[0], "state": state, "detail": detail, "fix": fix}


def of_failure(identity: str, failure: CommandFailed) -> DoctorCheck:
    """What was refused has failed; what could not be asked is unknown."""
    state: DoctorState = "failed" if isinstance(failure, NotAuthenticated | NotFound) else "unknown"
    return check(identity, state, failure.message, failure.fix or NETWORK)
