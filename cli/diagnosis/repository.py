"""The repository: git, the branch, whether `origin` is what nb.toml says, and whether nb.toml says everything."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
import urllib.request
from email.utils import parsedate_to_datetime
from pathlib import Path

from cli.diagnosis.checks import check
from cli.environments import LOCAL, address, project_facts, project_root
from cli.errors import CommandFailed, UsageMistake
from cli.exchange import CLOCK_TOLERANCE_S, NoAnswer, exchange, opener_for
from cli.project import load_project
from cli.shapes import DoctorCheck, DoctorState

GIT_TIMEOUT_S = 10
REMOTE = re.compile(r"(?:[/:])([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


def facts_checks(name: str) -> list[DoctorCheck]:
    """`nb.toml`: readable, and complete for an environment that is deployed."""
    path = project_root() / "nb.toml"
    try:
        project_facts()
    except UsageMistake as mistake:
        return [check("repository.nb_toml", "failed", mistake.message, mistake.fix)]
    try:
        project = load_project()
        if name != LOCAL:
            project.environment(name)
    except UsageMistake as mistake:
        state = check("repository.facts", "skipped" if name == LOCAL else "failed", mistake.message, mistake.fix)
        return [check("repository.nb_toml", "ok", str(path)), state]
    known = f"{project.repository}, {', '.join(project.environments)}"
    return [check("repository.nb_toml", "ok", str(path)), check("repository.facts", "ok", known)]


def git_checks(name: str) -> list[DoctorCheck]:
    """The work tree: branch or detached HEAD, what is not committed, and where `origin` points."""
    root = project_root()
    if shutil.which("git") is None:
        return [check("repository.git", "failed", "git is not installed", "install git")]
    try:
        said = _git(root, "status", "--porcelain=v1", "--branch")
        if said is None:
            return [check("repository.git", "skipped", f"{root} is no git repository")]
        head, *changes = said.splitlines() or ["## unknown"]
        branch = head.removeprefix("## ").partition("...")[0].removeprefix("No commits yet on ")
        work = f"{len(changes)} uncommitted changes" if changes else "nothing uncommitted"
        if branch.startswith("HEAD (no branch)"):
            fix = "git switch BRANCH, where work goes on"
            return [check("repository.git", "ok", f"detached HEAD, {work}", fix), *_remote(root, name)]
        return [check("repository.git", "ok", f"{branch}, {work}"), *_remote(root, name)]
    except subprocess.TimeoutExpired:
        words = f"git did not answer within {GIT_TIMEOUT_S} s"
        return [check("repository.git", "unknown", words, f"git -C {root} status")]


def clock_checks(name: str, timeout: float) -> list[DoctorCheck]:
    """This machine's clock against the service's: tokens, signatures and --since are compared by it."""
    if name == LOCAL:
        return []
    try:
        url = address(name)
        request = urllib.request.Request(f"{url}/api/health", method="GET")  # noqa: S310  http(s) only, checked
        before = time.time()
        _, headers, _ = exchange(opener_for(url), request, timeout=timeout)
        theirs = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (CommandFailed, NoAnswer):
        return [check("repository.clock", "unknown", f"{name} did not answer", f"nb health --env {name}")]
    except (ValueError, TypeError):
        return [check("repository.clock", "unknown", f"{name} does not say what time it is", None)]
    skew = theirs - (before + time.time()) / 2
    if abs(skew) <= CLOCK_TOLERANCE_S:
        return [check("repository.clock", "ok", "agrees with the service")]
    words = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the service"
    return [check("repository.clock", "failed", words, "set this machine's clock: timedatectl set-ntp true")]


def _remote(root: Path, name: str) -> list[DoctorCheck]:
    try:
        expected = load_project().repository
    except UsageMistake:
        return []
    # Whoever only tries the product here need not have come by way of GitHub.
    wrong: DoctorState = "skipped" if name == LOCAL else "failed"
    url = (_git(root, "remote", "get-url", "origin") or "").strip()
    if not url:
        fix = f"git remote add origin https://github.com/{expected}.git"
        return [check("repository.remote", wrong, "there is no remote called origin", fix)]
    found = REMOTE.search(url)
    if found is None or found[1].lower() != expected.lower():
        # An address may hold a password: only the repository's name is repeated.
        said = found[1] if found else "something else"
        fix = f"git remote set-url origin https://github.com/{expected}.git, or correct nb.toml"
        return [check("repository.remote", wrong, f"origin is {said}, nb.toml says {expected}", fix)]
    return [check("repository.remote", "ok", expected)]


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints, None where it refuses."""
    answer = subprocess.run(
        ["git", "-C", str(root), *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
        timeout=GIT_TIMEOUT_S,
        check=False,
    )
    return answer.stdout if answer.returncode == 0 else None
