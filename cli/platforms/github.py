"""GitHub's REST API, read only: the head of a branch, what CI says of a commit, its pull request and files."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol, TypedDict, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from cli.errors import CommandFailed, NotAuthenticated, NotFound, UpstreamFault
from cli.exchange import retry_after
from cli.platforms import programs
from cli.platforms.credentials import first_set, stored
from cli.platforms.http import Observed, Platform, PlatformAnswer
from cli.wire import UnexpectedShape, parse

ADDRESS = "https://api.github.com"
API_VERSION = "2022-11-28"
MOST_PAGES = 5
"""Pages of a hundred checks; a commit with more is not read to its end, and what was not read is unknown."""

PASSED = frozenset({"success", "neutral", "skipped"})
FAILED = frozenset({"failure", "timed_out", "cancelled", "action_required", "startup_failure", "stale", "error"})
RAILWAYS = re.compile(r"(^|\.)railway\.(app|com)$")
"""Railway reports its deployments as statuses of the commit: they are what is asked about, not what it waits for."""

Bucket = Literal["passed", "failed", "pending", "unknown"]
Shape = TypeVar("Shape")


class Checked(TypedDict):
    """One check of a commit."""

    name: str
    state: Bucket
    url: str | None


class Checks(TypedDict):
    """What CI says of a commit; `source` is where that was read."""

    state: Bucket
    source: Literal["check-runs", "actions", "none"]
    detail: str
    items: list[Checked]


class PullRequest(TypedDict):
    """The pull request that a commit belongs to."""

    number: int
    state: Literal["open", "closed", "merged"]
    url: str


class _Commit(TypedDict):
    sha: str


class _Branch(TypedDict):
    commit: _Commit


class _File(TypedDict):
    filename: str


class _CommitFiles(TypedDict):
    sha: str
    files: list[_File]


class _CheckRun(TypedDict):
    name: str
    status: str
    conclusion: str | None
    html_url: str | None


class _CheckRuns(TypedDict):
    total_count: int
    check_runs: list[_CheckRun]


class _Status(TypedDict):
    context: str
    state: str
    target_url: str | None


class _Statuses(TypedDict):
    statuses: list[_Status]


class _Run(TypedDict):
    name: str | None
    status: str | None
    conclusion: str | None
    html_url: str


class _Runs(TypedDict):
    total_count: int
    workflow_runs: list[_Run]


class _Pull(TypedDict):
    number: int
    state: str
    html_url: str
    merged_at: str | None


class Reader(Protocol):
    """What GitHub is read with: its API, or its program."""

    @property
    def source(self) -> str: ...

    @property
    def is_signed_in(self) -> bool: ...

    @property
    def seen(self) -> Observed: ...

    def read(self, path: str) -> PlatformAnswer: ...

    def fault(self, code: str, what: str, *, wait_s: float | None = None) -> UpstreamFault: ...

    def masked(self, text: str) -> str: ...


class GitHub:
    """One repository."""

    def __init__(self, platform: Reader, repository: str, *, now: Callable[[], float] = time.time) -> None:
        self.platform = platform
        self.repository = repository
        self._now = now

    def branch_head(self, branch: str) -> str:
        """The newest commit of a branch."""
        return self._read(f"/branches/{quote(branch, safe='')}", _Branch)["commit"]["sha"].lower()

    def changed_files(self, commit: str) -> list[str]:
        """The files of a commit; GitHub lists at most 300 here."""
        return [file["filename"] for file in self._read(f"/commits/{commit}", _CommitFiles)["files"]]

    def pull_request(self, commit: str) -> PullRequest | None:
        """The pull request that brought a commit, None where there is none."""
        pulls = self._read(f"/commits/{commit}/pulls", list[_Pull])
        if not pulls:
            return None
        state: Any = "merged" if pulls[0]["merged_at"] else pulls[0]["state"]
        return {"number": pulls[0]["number"], "state": state, "url": pulls[0]["html_url"]}

    def checks(self, commit: str) -> Checks:
        """What CI says of a commit. What may not be read is unknown; a commit without any check is pending.

        A fine-grained token has no permission for check runs; runs of Actions are read in their place.

        Raises:
            UpstreamFault: GitHub is away or limits the rate.
            NotFound: it does not know the commit.
        """
        try:
            runs, complete = self._check_runs(commit)
            source: Literal["check-runs", "actions"] = "check-runs"
        except NotAuthenticated as refusal:
            try:
                runs, complete = self._action_runs(commit)
            except NotAuthenticated:
                return {"state": "unknown", "source": "none", "detail": refusal.message, "items": []}
            source = "actions"
        try:
            statuses = self._statuses(commit)
        except NotAuthenticated as refusal:
            return {"state": "unknown", "source": source, "detail": refusal.message, "items": runs}
        items = [*runs, *statuses]
        state = _overall(items) if complete else "unknown"
        detail = _said(items, state) if complete else "GitHub lists more checks than nb reads"
        return {"state": state, "source": source, "detail": detail, "items": items}

    def _check_runs(self, commit: str) -> tuple[list[Checked], bool]:
        found: list[_CheckRun] = []
        for page in range(1, MOST_PAGES + 1):
            query = urlencode({"filter": "latest", "per_page": 100, "page": page})
            answer = self._read(f"/commits/{commit}/check-runs?{query}", _CheckRuns)
            found += answer["check_runs"]
            if len(found) >= answer["total_count"] or not answer["check_runs"]:
                break
        items = [_checked(run["name"], run["status"], run["conclusion"], run["html_url"]) for run in found]
        return items, len(found) >= answer["total_count"]

    def _action_runs(self, commit: str) -> tuple[list[Checked], bool]:
        answer = self._read(f"/actions/runs?{urlencode({'head_sha': commit, 'per_page': 100})}", _Runs)
        runs = answer["workflow_runs"]
        items = [
            _checked(run["name"] or "a workflow", run["status"] or "", run["conclusion"], run["html_url"])
            for run in runs
        ]
        return items, len(runs) >= answer["total_count"]

    def _statuses(self, commit: str) -> list[Checked]:
        answer = self._read(f"/commits/{commit}/status?per_page=100", _Statuses)
        return [
            _checked(
                status["context"], "pending" if status["state"] == "pending" else "completed", status["state"], url
            )
            for status in answer["statuses"]
            if not RAILWAYS.search(urlsplit(url := status["target_url"] or "").hostname or "")
        ]

    def _read(self, path: str, shape: type[Shape]) -> Shape:
        answer = self.platform.read(f"/repos/{self.repository}{path}")
        if answer.status != 200:
            raise self._refused(answer)
        try:
            return parse(shape, answer.content)
        except UnexpectedShape as error:
            raise self.platform.fault("unexpected_answer", f"answered what nb does not understand: {error}") from None

    def _refused(self, answer: PlatformAnswer) -> CommandFailed:
        content = answer.content if isinstance(answer.content, dict) else {}
        said = self.platform.masked(str(content.get("message") or f"HTTP {answer.status}"))
        limited = answer.headers.get("X-RateLimit-Remaining") == "0" or "rate limit" in said.lower()
        if answer.status == 429 or (answer.status == 403 and (limited or retry_after(answer.headers) is not None)):
            return self.platform.fault("rate_limited", f"limits the rate: {said}", wait_s=self._pause(answer))
        fix = "export GITHUB_TOKEN=... with read access to contents, checks and actions of the repository"
        if answer.status in (401, 403):
            return NotAuthenticated(f"GitHub refuses: {said}", code="github_not_authorized", fix=fix)
        if answer.status in (404, 422):
            without = "" if self.platform.is_signed_in else " without a token"
            return NotFound(
                f"GitHub does not show this of {self.repository}{without}: {said}", code="github_not_found", fix=fix
            )
        if 300 <= answer.status < 400:
            return self.platform.fault("redirected", "redirects: was the repository renamed? Correct nb.toml")
        return self.platform.fault("failed", f"answered HTTP {answer.status}: {said}")

    def _pause(self, answer: PlatformAnswer) -> float | None:
        reset = answer.headers.get("X-RateLimit-Reset", "")
        until_reset = max(0.0, float(reset) - self._now()) if reset.isdigit() else None
        wanted = retry_after(answer.headers)
        return wanted if wanted is not None else until_reset


def connect_github(repository: str, *, timeout: float) -> GitHub:
    """The client of a repository. Without a token the program `gh` is asked, else GitHub shows what is public.

    Raises:
        UsageMistake: GITHUB_API_URL is no address, or would carry the token unencrypted.
    """
    url = (os.environ.get("GITHUB_API_URL", "").strip() or ADDRESS).rstrip("/")
    token = first_set("NB_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN") or stored("github", "token")
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    platform = Platform("GitHub", url, headers, token, timeout)
    program = None if token else programs.found("gh", timeout=timeout)
    if program is None:
        return GitHub(platform, repository)
    from cli.platforms.github_program import ThroughProgram

    host = urlsplit(url).hostname or ""
    return GitHub(ThroughProgram(program, platform, "github.com" if host == "api.github.com" else host), repository)


def _checked(name: str, status: str, conclusion: str | None, url: str | None) -> Checked:
    state: Bucket = "pending"
    if status == "completed":
        state = "passed" if conclusion in PASSED else "failed" if conclusion in FAILED else "unknown"
    return {"name": name, "state": state, "url": url or None}


def _overall(items: list[Checked]) -> Bucket:
    states = {item["state"] for item in items}
    for state in ("failed", "unknown", "pending"):
        if state in states:
            return state
    # A commit that was pushed a moment ago has no check yet; that is no success.
    return "passed" if states else "pending"


def _said(items: list[Checked], state: Bucket) -> str:
    if not items:
        return "no check has begun"
    names = [item["name"] for item in items if item["state"] == state]
    return f"{len(items)} passed" if state == "passed" else f"{state}: {', '.join(names)}"
