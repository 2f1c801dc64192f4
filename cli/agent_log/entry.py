"""An entry of the log: the facts of its front matter and the words of its body."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, in which a ULID is written."""

ID_FORM = re.compile(r"(\d{4})-(\d{2})-(\d{2})-([0-7][0-9A-HJKMNP-TV-Z]{25})")
UNKNOWN = "неизвестно"
"""How the log says that something could not be found out."""


class Kind(StrEnum):
    """What an entry tells of."""

    STAGING_DEPLOY = "staging-deploy"
    PRODUCTION_DEPLOY = "production-deploy"
    WORK = "work"
    INCIDENT = "incident"

    @property
    def environment(self) -> str | None:
        """The environment that was deployed, None where none was."""
        return {Kind.STAGING_DEPLOY: "staging", Kind.PRODUCTION_DEPLOY: "production"}.get(self)


class Status(StrEnum):
    """Whether the result is known, and whether it is a good one."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


class Verdict(StrEnum):
    """What the last `nb deploy verify` of the commit said; `NONE` where it did not run here."""

    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"
    NONE = "none"


class PullState(StrEnum):
    """How a pull request stands; `NONE` where the branch has none, `UNKNOWN` where that could not be read."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    MERGED = "MERGED"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Pull:
    """The pull request of an entry.

    Attributes:
        how: `auto`, `conflict` or `by:<login>` for a merged one; `mergeable`, `conflicting` or "" for an open one.
    """

    state: PullState
    number: int | None = None
    how: str = ""


NO_PULL = Pull(PullState.NONE)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the platform says of one service: its word for the state, `absent` where the commit was not deployed."""

    id: str
    state: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `sources` says where each fact comes from: git, github, railway, journal, option, unknown.

    Attributes:
        commits: commits of the branch, the newest first.
        commit: the commit that was deployed and verified, "" where that is not known.
        runs: runs of nb in the journal that the verdict comes from.
        is_pushed: whether the commits are at GitHub; None where that is not known.
        did: what was done beside the steps of a deployment.
        result: the line of the result, "" for the one that the facts give.
    """

    id: str
    date: date
    kind: Kind
    status: Status
    title: str
    agent: str = ""
    branch: str = ""
    pull: Pull = NO_PULL
    commits: tuple[str, ...] = ()
    commit: str = ""
    runs: tuple[str, ...] = ()
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    verdict: Verdict = Verdict.NONE
    is_pushed: bool | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    did: tuple[str, ...] = ()
    result: str = ""

    @property
    def is_deploy(self) -> bool:
        """Whether it tells of a deployment."""
        return self.kind.environment is not None


def new_id(now: datetime, random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """An id that sorts by the time it was made at: the day, and a ULID."""
    number = (int(now.timestamp() * 1000) << 80) | int.from_bytes(random(10))
    return f"{now.astimezone(UTC).date().isoformat()}-{''.join(DIGITS[number >> shift & 31] for shift in _SHIFTS)}"


_SHIFTS = range(125, -1, -5)


def day_of(identity: str) -> date | None:
    """The day that an id begins with, None where it is no id."""
    found = ID_FORM.fullmatch(identity)
    try:
        return date(*map(int, found.groups()[:3])) if found else None
    except ValueError:
        return None


def moment_of(identity: str) -> datetime | None:
    """The moment in the ULID of an id, None where it is none."""
    found = ID_FORM.fullmatch(identity)
    if found is None:
        return None
    milliseconds = 0
    for letter in found[4][:10]:
        milliseconds = milliseconds * 32 + DIGITS.index(letter)
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError):
        return None
