"""Pull requests as the log needs them: the one of a branch, and those that were merged since a day."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from cli.agent_log.entry import Pull, PullState
from cli.agent_log.wire import DetailedPull, ListedPull, WorkflowRuns
from cli.errors import CommandFailed
from cli.moments import parse_moment
from cli.platforms.github import GitHub, connect_github

MERGES = re.compile(r"auto[-_ ]?merge", re.IGNORECASE)
"""Name or path of a workflow that merges."""

LATEST = "9999-12-31"
"""Of what does not say when it was updated, it is assumed that it was just now: it is looked at."""

PAGE = 100
MOST_PAGES = 10
"""Pages of a listing; what lies behind a thousand pull requests is not read, and that is said."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request. What only its own page says, how it was merged, is "" in a listing."""

    number: int
    state: PullState
    title: str
    branch: str
    base: str
    head: str
    merge_commit: str
    updated_at: datetime
    merged_at: datetime | None
    how: str = ""

    def as_fact(self, *, had_conflicts: bool | None = None) -> Pull:
        """What an entry keeps of it; conflicts that were resolved in the branch are git's word."""
        is_resolved = self.state is PullState.MERGED and had_conflicts is True
        return Pull(self.state, self.number, "conflict" if is_resolved else self.how)


class Pulls(GitHub):
    """The pull requests of one repository."""

    def numbered(self, number: int) -> PullRequest:
        """One pull request.

        Raises:
            NotFound: there is none of this number, or the token may not see it.
            UpstreamFault: GitHub is away or limits the rate.
        """
        found = self._told(self._read(f"/pulls/{number}", DetailedPull))
        if found.state is PullState.MERGED and found.how != "auto" and self._was_merged_by_workflow(found.head):
            return replace(found, how="auto")
        return found

    def of_branch(self, branch: str, base: str | None, head: str) -> PullRequest | None:
        """The pull request of a branch: that of this very commit, else an open one, else the newest; None for none."""
        owner = self.repository.partition("/")[0]
        query = {"state": "all", "head": f"{owner}:{branch}", "per_page": PAGE, "sort": "created", "direction": "desc"}
        if base is not None:
            query["base"] = base
        listed = self._read(f"/pulls?{urlencode(query, quote_via=quote)}", list[ListedPull])
        ranked = sorted(listed, key=lambda pull: (pull["head"]["sha"] != head, pull["state"] != "open"))
        mine = [pull for pull in ranked if pull["head"]["ref"] == branch]
        return self.numbered(mine[0]["number"]) if mine else None

    def closed_since(self, base: str, since: datetime) -> tuple[list[PullRequest], bool]:
        """Pull requests into a branch that were closed or merged since, and whether these are all of them."""
        found: list[PullRequest] = []
        for page in range(1, MOST_PAGES + 1):
            query = {"state": "closed", "base": base, "sort": "updated", "direction": "desc", "per_page": PAGE}
            listed = self._read(f"/pulls?{urlencode({**query, 'page': page})}", list[ListedPull])
            # What was merged since was updated since; behind the first older one there is nothing new.
            told = [self._told(pull) for pull in listed]
            recent = [pull for pull in told if pull.updated_at >= since]
            found += recent
            if len(listed) < PAGE or len(recent) < len(listed):
                return found, True
        return found, False

    def _was_merged_by_workflow(self, head: str) -> bool:
        """Whether a workflow that merges succeeded on the commit: with somebody's token it looks like that person."""
        try:
            runs = self._read(f"/actions/runs?{urlencode({'head_sha': head, 'per_page': PAGE})}", WorkflowRuns)[
                "workflow_runs"
            ]
        except CommandFailed:
            # Without rights to see runs the login that GitHub names is what is known.
            return False
        return any(run["conclusion"] == "success" and MERGES.search(f"{run['name']} {run.get('path')}") for run in runs)

    def _told(self, found: ListedPull | DetailedPull) -> PullRequest:
        try:
            return _pull(found)
        except ValueError as error:
            raise self.platform.fault("unexpected_answer", f"answered what nb does not understand: {error}") from None


def connect_pulls(repository: str, *, timeout: float) -> Pulls:
    """The client of a repository; without a token GitHub shows what is public."""
    github = connect_github(repository, timeout=timeout)
    return Pulls(github.platform, github.repository)


def _pull(found: ListedPull | DetailedPull) -> PullRequest:
    state = PullState.MERGED if found["merged_at"] else PullState(found["state"].upper())
    return PullRequest(
        number=found["number"],
        state=state,
        title=found.get("title", ""),
        branch=found["head"]["ref"],
        base=found["base"]["ref"],
        head=found["head"]["sha"].lower(),
        merge_commit=(found["merge_commit_sha"] or "").lower() if state is PullState.MERGED else "",
        updated_at=parse_moment(found.get("updated_at") or found["merged_at"] or LATEST),
        merged_at=parse_moment(found["merged_at"]) if found["merged_at"] else None,
        how=_how(found, state),
    )


def _how(found: ListedPull | DetailedPull, state: PullState) -> str:
    by = found.get("merged_by")
    if state is PullState.MERGED:
        if found.get("auto_merge") or (isinstance(by, dict) and by.get("type") == "Bot"):
            return "auto"
        return f"by:{by['login']}" if isinstance(by, dict) else ""
    words = {True: "mergeable", False: "conflicting"}
    mergeable = found.get("mergeable")
    return words[mergeable] if isinstance(mergeable, bool) and state is PullState.OPEN else ""
