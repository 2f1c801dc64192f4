"""Fills an entry from git, GitHub, Railway and the journal. What cannot be read stays unknown, with a warning; nothing
is guessed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from cli import journal
from cli.agent_log import words
from cli.agent_log.entry import (
    NO_PULL,
    Deployment,
    Entry,
    Kind,
    Pull,
    PullState,
    Status,
    Verdict,
    new_id,
)
from cli.agent_log.git import MOST_COMMITS, GitSilent, Repository
from cli.agent_log.pulls import PullRequest, Pulls, connect_pulls
from cli.commits import same_commit
from cli.deploys.judgement import deployment_of
from cli.errors import BlockedByRule, CommandFailed, NotFound, UpstreamFault
from cli.exit_codes import ExitCode
from cli.invocation import current, warn
from cli.platforms.railway import connect_railway
from cli.platforms.railway_documents import PROGRESS, DeploymentsAnswer
from cli.project import DeployedEnvironment, Project, load_project

Value = TypeVar("Value")

FAILED = frozenset({"failed", "skipped"})
VERDICTS = {
    ExitCode.OK: Verdict.PASSED,
    ExitCode.CHECK_FAILED: Verdict.FAILED,
    ExitCode.PENDING: Verdict.PENDING,
    ExitCode.DEADLINE: Verdict.PENDING,
}
"""What a run of `nb deploy verify` says by its exit code. One that could not look says nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked to be logged.

    Attributes:
        pull: `auto`, `none`, or a number.
        commits: hashes that were named instead of the branch's; the last of them was deployed.
    """

    title: str
    kind: Kind
    did: tuple[str, ...] = ()
    result: str = ""
    agent: str | None = None
    pull: str = "auto"
    commits: tuple[str, ...] = ()
    is_open: bool = False


@dataclass
class Collector:
    """Asks each source once and remembers what it said."""

    repository: Repository
    timeout: float
    _project: Project | None = None
    _pulls: Pulls | None = None
    _silence: UpstreamFault | None = None
    """Why GitHub did not answer; it is not asked again, since each silence takes as long as the time-out."""
    _deployments: dict[str, DeploymentsAnswer | None] = field(default_factory=dict)
    _verifications: list[journal.Run] | None = None

    def collect(self, wish: Wish, now: datetime) -> Entry:
        """An entry with everything that can be found out about it now."""
        identity = new_id(now)
        sources: dict[str, str] = {"date": "clock"}
        agent, sources["agent"] = self._agent(wish.agent)
        entry = Entry(
            id=identity,
            date=now.date(),
            kind=wish.kind,
            status=Status.OPEN,
            title=wish.title,
            agent=agent,
            did=wish.did,
            result=wish.result,
        )
        entry = self._with_branch(entry, wish, sources)
        return self.with_platforms(replace(entry, sources=sources), wish.pull, is_open=wish.is_open, must_exist=True)

    def with_platforms(
        self, entry: Entry, wanted_pull: str, *, is_open: bool = False, must_exist: bool = False
    ) -> Entry:
        """The entry with what GitHub, the platform and the journal say now.

        Raises:
            NotFound: a pull request was named, it must exist, and GitHub says that it does not.
        """
        sources = dict(entry.sources)
        entry = self._with_pull(entry, wanted_pull, sources, must_exist=must_exist)
        if entry.is_deploy:
            entry = self._with_deployments(entry, sources)
            verdict, runs = self._verdict(entry)
            sources["verdict"] = "journal"
            entry = replace(entry, verdict=verdict, runs=runs)
        return replace(entry, sources=sources, status=Status.OPEN if is_open else judged(entry))

    def _agent(self, given: str | None) -> tuple[str, str]:
        for value, source in ((given, "option"), (os.environ.get("NB_AGENT"), "NB_AGENT")):
            if value and (name := words.one_line(value)):
                return name[:100], source
        name = words.one_line(_known("agent", self.repository.user) or "")
        if not name:
            warn("fact_unknown", "agent: neither --agent, NB_AGENT nor git's user.name says who")
            return "", "unknown"
        return name[:100], "git"

    def _with_branch(self, entry: Entry, wish: Wish, sources: dict[str, str]) -> Entry:
        branch = _known("branch", self.repository.branch)
        head = _known("commit", self.repository.head) or ""
        sources["branch"] = "git" if branch else "unknown"
        if branch == "":
            warn("fact_unknown", "branch: HEAD is detached")
        if wish.commits:
            commits = tuple(map(self._full, wish.commits))
            sources["commits"] = sources["commit"] = "option"
            last = commits[-1]
        else:
            commits = self._commits(entry.kind, head)
            sources["commits"] = sources["commit"] = "git" if head else "unknown"
            last = head
        pushed = _known("push", lambda: self.repository.is_pushed(last)) if last else None
        sources["pushed"] = "unknown" if pushed is None else "git"
        return replace(entry, branch=branch or "", commits=commits, commit=last, is_pushed=pushed)

    def _full(self, commit: str) -> str:
        """The whole hash where git knows the commit; one that is only at GitHub stays as it was given."""
        try:
            return self.repository.commit(commit)
        except GitSilent:
            return commit

    def _commits(self, kind: Kind, head: str) -> tuple[str, ...]:
        if not head:
            return ()
        try:
            base = self._base_name(kind)
            if base is None:
                warn("fact_unknown", "commits: the branch to compare with is not known here; only HEAD is noted")
                return (head,)
            if self.repository.is_shallow():
                warn("fact_unknown", "commits: the clone is shallow; only HEAD is noted")
                return (head,)
            found = self.repository.commits_since(base, head)
        except GitSilent as silence:
            warn("fact_unknown", f"commits: {silence}; only HEAD is noted")
            return (head,)
        if len(found) > MOST_COMMITS:
            warn("commits_cut", f"the branch has more than {MOST_COMMITS} commits; the newest are noted")
        return tuple(found[:MOST_COMMITS]) or (head,)

    def _base_name(self, kind: Kind) -> str | None:
        environment = self._environment(kind)
        return self.repository.base(environment.branch if environment else "staging")

    def _with_pull(self, entry: Entry, wanted: str, sources: dict[str, str], *, must_exist: bool) -> Entry:
        if wanted == "none":
            sources["pr"] = "option"
            return replace(entry, pull=NO_PULL)
        try:
            found = self._pull_request(entry, wanted)
        except CommandFailed as failure:
            # Without a token GitHub hides what is private: that it shows nothing then says nothing.
            if (
                must_exist
                and isinstance(failure, NotFound)
                and wanted.isdigit()
                and self._github().platform.is_signed_in
            ):
                raise
            _warn_once(f"pull request: {failure.message}")
            self._silence = failure if isinstance(failure, UpstreamFault) else None
            if entry.pull.state not in (PullState.NONE, PullState.UNKNOWN):
                # What was read on an earlier day still holds.
                return entry
            sources["pr"] = "unknown"
            return replace(entry, pull=Pull(PullState.UNKNOWN, int(wanted) if wanted.isdigit() else entry.pull.number))
        sources["pr"] = "github"
        if found is None:
            return replace(entry, pull=NO_PULL)
        return self._told_by_pull(entry, found, sources)

    def _told_by_pull(self, entry: Entry, found: PullRequest, sources: dict[str, str]) -> Entry:
        """What a pull request says beside its own state: the branch of a detached HEAD, and what was merged."""
        had_before = entry.pull.how == "conflict" and entry.pull.number == found.number
        conflicts = had_before or (found.state is PullState.MERGED and self._had_conflicts(entry, found))
        entry = replace(entry, pull=found.as_fact(had_conflicts=conflicts))
        if not entry.branch:
            sources["branch"] = "github"
            entry = replace(entry, branch=found.branch)
        if found.state is PullState.MERGED and found.merge_commit and sources.get("commit") != "option":
            # What is deployed after a squash is a commit of its own, not the branch's last one.
            sources["commit"] = "github"
            entry = replace(entry, commit=found.merge_commit)
        if any(same_commit(found.head, commit) for commit in entry.commits) or found.state is PullState.MERGED:
            sources["pushed"] = "github"
            entry = replace(entry, is_pushed=True)
        return entry

    def _pull_request(self, entry: Entry, wanted: str) -> PullRequest | None:
        if self._silence is not None:
            raise self._silence
        pulls = self._github()
        if wanted.isdigit():
            return pulls.numbered(int(wanted))
        environment = self._environment(entry.kind)
        base = environment.branch if environment is not None and entry.is_deploy else None
        head = entry.commits[0] if entry.commits else entry.commit
        if entry.branch and entry.branch != base:
            return pulls.of_branch(entry.branch, base, head)
        # A detached HEAD, or the branch that others are merged into: there the commit says which one brought it.
        known = pulls.pull_request(head) if head else None
        return pulls.numbered(known["number"]) if known is not None else None

    def _had_conflicts(self, entry: Entry, found: PullRequest) -> bool | None:
        """Whether the branch holds a merge whose conflicts somebody resolved; None where git cannot tell any more."""
        heads = [head for head in (found.head, *entry.commits[:1]) if self._knows(head)]
        # The base as it was before this merge, since afterwards it may hold all of the branch.
        before = f"{found.merge_commit}^1"
        if not heads:
            return None
        try:
            base = before if self._knows(before) else self._base_name(entry.kind)
            if base is None or not self.repository.commits_since(base, heads[0]):
                return None
            return self.repository.resolved_conflicts(base, heads[0])
        except GitSilent:
            return None

    def _knows(self, commit: str) -> bool:
        try:
            return bool(self.repository.commit(commit))
        except GitSilent:
            return False

    def _with_deployments(self, entry: Entry, sources: dict[str, str]) -> Entry:
        environment = self._environment(entry.kind)
        answer = self._deployments_of(environment) if environment is not None and entry.commit else None
        if answer is None:
            if not entry.deployments:
                sources["deployments"] = "unknown"
            return entry
        sources["deployments"] = "railway"
        found = _states(self._known_project(), answer, entry.commit)
        # Railway lists its newest ones only: what was there on an earlier day is not absent for that.
        kept = {name: old for name, old in entry.deployments.items() if old.id and not found.get(name, old).id}
        return replace(entry, deployments={**found, **kept})

    def _deployments_of(self, environment: DeployedEnvironment) -> DeploymentsAnswer | None:
        if environment.name not in self._deployments:
            railway = self._known_project().railway_id
            self._deployments[environment.name] = _known(
                "deployments",
                lambda: connect_railway(
                    environment=environment.name,
                    railway_id=environment.railway_id,
                    project=railway,
                    timeout=self.timeout,
                ).deployments(),
            )
        return self._deployments[environment.name]

    def _verdict(self, entry: Entry) -> tuple[Verdict, tuple[str, ...]]:
        """The last word of `nb deploy verify` about this commit in this environment, and the run that said it."""
        verdict, runs = entry.verdict, entry.runs
        if not entry.commit:
            return Verdict.NONE, ()
        if self._verifications is None:
            self._verifications = [run for run in journal.read() if run.command == "deploy.verify"]
        for run in self._verifications:
            commit = run.facts.get("commit")
            if run.env != entry.kind.environment or not isinstance(commit, str):
                continue
            if same_commit(commit, entry.commit) and (said := _said(run)) is not None:
                verdict, runs = said, (run.run_id,)
        return verdict, runs

    def _environment(self, kind: Kind) -> DeployedEnvironment | None:
        try:
            return self._known_project().environments.get(kind.environment or "staging")
        except CommandFailed:
            return None

    def _github(self) -> Pulls:
        if self._pulls is None:
            self._pulls = connect_pulls(self._known_project().repository, timeout=self.timeout)
        return self._pulls

    def _known_project(self) -> Project:
        if self._project is None:
            self._project = load_project()
        return self._project


def judged(entry: Entry) -> Status:
    """What the facts say: the result is known, and good or bad, or it is still open."""
    if entry.pull.state is PullState.CLOSED or entry.result.startswith("❌"):
        return Status.FAILED
    if entry.is_deploy:
        if is_verified(entry):
            return Status.DONE
        return Status.FAILED if entry.verdict is Verdict.FAILED or has_failed(entry) else Status.OPEN
    if entry.pull.state in (PullState.OPEN, PullState.UNKNOWN):
        return Status.OPEN
    is_merged = entry.pull.state is PullState.MERGED and entry.kind is Kind.WORK
    return Status.DONE if entry.result or is_merged else Status.OPEN


def is_verified(entry: Entry) -> bool:
    """Whether success may be claimed: verify passed for this commit, and the platform does not say otherwise."""
    return entry.verdict is Verdict.PASSED and not has_failed(entry)


def has_failed(entry: Entry) -> bool:
    """Whether the platform says of a service that the deployment failed or was skipped."""
    return any(PROGRESS.get(found.state, "unknown") in FAILED for found in entry.deployments.values())


def check_success(entry: Entry) -> None:
    """Let no deployment be called a success that was not verified.

    Raises:
        BlockedByRule: the words do, and the facts do not.
    """
    if not entry.is_deploy or is_verified(entry):
        return
    if any(words.says_success(text) for text in (entry.title, entry.result, *entry.did)):
        environment = entry.kind.environment
        commit = f" --commit {entry.commit}" if entry.commit else ""
        why = "Railway says that it failed" if has_failed(entry) else f"nb deploy verify: {entry.verdict}"
        raise BlockedByRule(
            f"✅ is refused: {environment} was not verified for this commit ({why})",
            code="not_verified",
            rule="2.4.3",
            fix=f"nb deploy verify --env {environment}{commit}, or write what is the case with ❌ or ⏳",
        )


def _states(project: Project, answer: DeploymentsAnswer, commit: str) -> dict[str, Deployment]:
    known = [edge["node"] for edge in answer["deployments"]["edges"]]
    for edge in answer["environment"]["serviceInstances"]["edges"]:
        known += edge["node"]["activeDeployments"]
    found: dict[str, Deployment] = {}
    for name, identity in project.services.items():
        chosen = deployment_of(commit, [deployment for deployment in known if deployment["serviceId"] == identity])
        found[name] = Deployment(chosen["id"], chosen["status"]) if chosen is not None else Deployment("", "absent")
    return found


def _said(run: journal.Run) -> Verdict | None:
    """What a verification came to; None for one that could not look."""
    try:
        said = VERDICTS.get(ExitCode(run.exit_code))
    except ValueError:
        return None
    # A check that failed because something was unknown found nothing wrong, and nothing right.
    return Verdict.PENDING if said is Verdict.FAILED and run.facts.get("verdict") == "unknown" else said


def _known(what: str, ask: Callable[[], Value]) -> Value | None:
    """What a source says; where it says nothing, a warning and None."""
    try:
        return ask()
    except (GitSilent, CommandFailed) as silence:
        _warn_once(f"{what}: {silence}")
        return None


def _warn_once(message: str) -> None:
    """Say what is not known; of many entries the same is not said many times."""
    if all(notice.message != message for notice in current().warnings):
        warn("fact_unknown", message)
