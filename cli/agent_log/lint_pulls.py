"""Compares the entries with the pull requests at GitHub: merged ones that nobody wrote about, entries left behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cli.agent_log.entry import PullState, Status
from cli.agent_log.files import Stored
from cli.agent_log.lint import Read
from cli.agent_log.pulls import PullRequest, Pulls
from cli.agent_log.shapes import Finding
from cli.errors import NotFound
from cli.project import Project

MOST_ASKED = 20
"""Pull requests that are asked for one by one, since no listing held them."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What the comparison found, and whether everything could be read."""

    findings: list[Finding]
    is_complete: bool


def compare(read: Read, pulls: Pulls, project: Project, since: datetime) -> Compared:
    """Entries against pull requests into the branches that are deployed.

    Raises:
        CommandFailed: GitHub did not say.
    """
    closed: dict[int, PullRequest] = {}
    is_complete = True
    for environment in project.environments.values():
        found, is_all = pulls.closed_since(environment.branch, since)
        closed |= {pull.number: pull for pull in found}
        is_complete = is_complete and is_all
    left = [one for one in read.stored if one.entry.status is Status.OPEN]
    unseen = {one.entry.pull.number for one in left if one.entry.pull.number is not None} - set(closed)
    missing: set[int] = set()
    for number in sorted(unseen)[:MOST_ASKED]:
        try:
            closed[number] = pulls.numbered(number)
        except NotFound:
            missing.add(number)
    found_here = [
        *_without_entry(read, closed.values(), since),
        *_left_open(read, left, closed),
        *_not_found(read, left, missing),
    ]
    return Compared(found_here, is_complete and len(unseen) <= MOST_ASKED)


def _without_entry(read: Read, pulls: Iterable[PullRequest], since: datetime) -> Iterator[Finding]:
    written_about = {one.entry.pull.number for one in read.stored}
    for pull in sorted(pulls, key=lambda pull: pull.number):
        if pull.state is not PullState.MERGED or pull.merged_at is None or pull.merged_at < since:
            continue
        if pull.number in written_about:
            continue
        hidden = [one for one in read.stored if one.entry.pull.number is None and one.entry.branch == pull.branch]
        if hidden:
            path, fix = hidden[0].path, f"nb agent-log sync {hidden[0].entry.id}"
            yield read.finding("pr_not_noted", path, f"names no PR, and its branch has #{pull.number}", line=8, fix=fix)
            continue
        message = f"#{pull.number} was merged into {pull.base} and has no entry"
        fix = f'nb agent-log add "…" --pr {pull.number}'
        yield read.finding("pr_without_entry", read.log.entries, message, fix=fix)


def _left_open(read: Read, left: Sequence[Stored], known: dict[int, PullRequest]) -> Iterator[Finding]:
    for one in left:
        number = one.entry.pull.number
        pull = known.get(number) if number is not None else None
        if pull is not None and pull.state is not PullState.OPEN:
            word = "merged" if pull.state is PullState.MERGED else "closed"
            fix = f"nb agent-log sync {one.entry.id}"
            yield read.finding("left_open", one.path, f"is open, and #{number} was {word}", line=5, fix=fix)


def _not_found(read: Read, left: Sequence[Stored], missing: set[int]) -> Iterator[Finding]:
    for one in left:
        if one.entry.pull.number in missing:
            message = f"GitHub shows no pull request #{one.entry.pull.number}"
            yield read.finding("pr_not_found", one.path, message, line=8, fix="correct pr, or the token's rights")
