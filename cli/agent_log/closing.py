"""Brings open entries up to date: what became of the pull request, of the deployment, and what verify said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from cli.agent_log import document
from cli.agent_log.entry import Entry, PullState, Status
from cli.agent_log.facts import Collector, check_success
from cli.agent_log.files import Log, Stored

SECOND_CHANCE = timedelta(days=7)
"""For so long after a failure a later verification of the same commit makes it a success."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """An entry before and after; they are equal where nothing new is known."""

    stored: Stored
    entry: Entry

    @property
    def text(self) -> str:
        """The file as it should be."""
        return document.written(self.entry)

    @property
    def is_changed(self) -> bool:
        """Whether the file is not as it should be."""
        return self.text != self.stored.text

    @property
    def is_closed(self) -> bool:
        """Whether the entry was open before and is not any more."""
        return self.stored.entry.status is Status.OPEN and self.entry.status is not Status.OPEN


def can_change(entry: Entry, today: date) -> bool:
    """Whether facts may still change the entry: it is open, or failed lately and may yet be verified."""
    if entry.status is Status.OPEN:
        return True
    is_recent = today - entry.date <= SECOND_CHANCE
    return is_recent and entry.is_deploy and entry.status is Status.FAILED and entry.pull.state is not PullState.CLOSED


def renew(collector: Collector, stored: Stored, result: str = "") -> Renewed:
    """What the entry should be now, with this result where one is given.

    Raises:
        BlockedByRule: the result claims a success that was not verified.
    """
    entry = stored.entry
    wanted = "none" if entry.sources.get("pr") == "option" and entry.pull.number is None else "auto"
    if entry.pull.number is not None:
        wanted = str(entry.pull.number)
    fresh = collector.with_platforms(replace(entry, result=result) if result else entry, wanted)
    if result:
        check_success(fresh)
    return Renewed(stored, fresh)


def renew_all(collector: Collector, stored: Sequence[Stored], today: date) -> list[Renewed]:
    """Every entry that facts may still change, the newest first."""
    return [renew(collector, one) for one in stored if can_change(one.entry, today)]


def keep(log: Log, renewed: Sequence[Renewed]) -> None:
    """Write what changed.

    Raises:
        CommandFailed: the folder cannot be written.
    """
    for one in renewed:
        if one.is_changed:
            log.write(one.stored.path, one.text)
