"""A repository with a remote, on a branch with a commit, and all that its log is filled from."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli import journal
from cli.agent_log.files import Log
from tests.cli.agent_log.github import Repository
from tests.cli.conftest import Place
from tests.cli.emulator import TOKEN, Emulator
from tests.emulators import github, railway
from tests.emulators.railway import PROJECT, SERVICES, STAGING, RailwayEmulator

BRANCH = "feature/fox"
MERGED = "6a090cb100000000000000000000000000000000"
"""The commit that a squash of the branch makes."""

LAST_RUN = "f" * 32

Git = Callable[..., str]


def git_in(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it prints."""
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class World:
    """The repository and the three that are asked about it."""

    place: Place
    github: Repository
    railway: RailwayEmulator
    app: Emulator

    @property
    def root(self) -> Path:
        """Folder of the repository."""
        return self.place.project

    @property
    def log(self) -> Log:
        """Its log."""
        return Log(self.root)

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        return git_in(self.root, *arguments)

    def commit(self, name: str, text: str = "x\n", subject: str = "feat: fox") -> str:
        """Commit a file."""
        (self.root / name).write_text(text, "utf-8")
        self.git("add", "--", name)
        self.git("commit", "-q", "-m", subject)
        return self.head

    def open_pull(self, number: int = 464, branch: str = BRANCH) -> None:
        """Push the branch and open its pull request."""
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        self.github.request(number, branch, self.head)

    def merge_pull(self, number: int = 464, *, by: str = "fox-bot[bot]") -> None:
        """Merge it, as the commit MERGED."""
        self.github.merge(number, MERGED, by=by)

    def deploy(self, commit: str = MERGED, status: str = "SUCCESS", *services: str) -> None:
        """Railway deploys a commit to these services, or to all."""
        for service in services or SERVICES:
            self.railway.deploy(service, commit, status)

    def verified(self, commit: str = MERGED, exit_code: int = 0, *, env: str = "staging", verdict: str = "") -> None:
        """The journal has a run of `nb deploy verify`."""
        word = verdict or {0: "passed", 1: "failed"}.get(exit_code, "unknown")
        facts = {"commit": commit, "verdict": word, "deployments": {}}
        journal.append(
            journal.Run(
                LAST_RUN, datetime.now(UTC), "deploy.verify", ("deploy", "verify"), exit_code, 1.0, env, facts=facts
            )
        )

    def files(self) -> list[Path]:
        """Every file of an entry."""
        return sorted(self.log.entries.rglob("*.md"))


@pytest.fixture
def world(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    """On a branch with one commit that is not pushed; nothing is deployed, no pull request is there."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "NB_GITHUB_TOKEN", "GH_TOKEN", "RAILWAY_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    app = Emulator()
    app.environment = "staging"
    app.answers[("GET", "agent-log")] = {"items": [], "next_cursor": None}
    found = World(place, Repository("0" * 40), RailwayEmulator(), app)
    services = "\n".join(f'{name} = "{identity}"' for name, identity in SERVICES.items())
    place.write_project(
        f'[project]\nrepository = "fox/bot"\n[env.staging]\nurl = "{app.url}"\nbranch = "staging"\n'
        f'railway_env = "{STAGING}"\n[env.production]\nurl = "{app.url}"\nbranch = "main"\nrailway_env = "{STAGING}"\n'
        f'[railway]\nproject = "{PROJECT}"\n[railway.services]\n{services}\n'
    )
    for name, value in {
        "RAILWAY_API_URL": found.railway.url,
        "RAILWAY_TOKEN": railway.TOKEN,
        "GITHUB_API_URL": found.github.url,
        "GITHUB_TOKEN": github.TOKEN,
        "NB_TOKEN_STAGING": TOKEN,
        "NB_TOKEN_PRODUCTION": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("cli.platforms.http.uniform", lambda _low, _high: 0.0)
    git_in(tmp_path, "init", "-q", "--bare", "-b", "staging", str(tmp_path / "origin.git"))
    found.git("init", "-q", "-b", "staging", ".")
    found.git("config", "user.name", "Лиса")
    found.git("config", "user.email", "fox@example.invalid")
    found.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    (place.project / ".gitignore").write_text(".nb/\n")
    found.git("add", "nb.toml", ".gitignore")
    found.git("commit", "-q", "-m", "begin")
    found.git("push", "-q", "-u", "origin", "staging")
    found.git("push", "-q", "origin", "staging:main")
    found.git("fetch", "-q")
    found.git("checkout", "-q", "-b", BRANCH)
    found.commit("fox.txt")
    yield found
    for emulator in (found.github, found.railway, found.app):
        emulator.stop()


@pytest.fixture
def deployed(world: World) -> World:
    """The branch was merged by the bot, its commit is deployed, and verify passed."""
    world.open_pull()
    world.merge_pull()
    world.deploy()
    world.verified()
    return world
