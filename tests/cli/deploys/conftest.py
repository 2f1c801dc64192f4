"""A staging that is deployed: Railway, GitHub and the service itself, each an emulator that a test changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cli.commands import deploy
from tests.cli.conftest import Place
from tests.cli.emulator import TOKEN, Emulator
from tests.emulators import github, railway
from tests.emulators.github import GitHubEmulator
from tests.emulators.railway import PROJECT, SERVICES, STAGING, RailwayEmulator

OLD = "36a1d13000000000000000000000000000000000"
NEW = "6a090cb100000000000000000000000000000000"


@dataclass
class Staging:
    """The three that `nb deploy` asks."""

    railway: RailwayEmulator
    github: GitHubEmulator
    app: Emulator

    def deploy(self, commit: str, status: str = "SUCCESS") -> list[str]:
        """Railway deploys a commit to every service. The processes are not changed by that."""
        return [self.railway.deploy(name, commit, status) for name in SERVICES]

    def runs(self, commit: str, *kinds: str) -> None:
        """The processes of these kinds, or all, run a commit."""
        for process in self.app.processes:
            if not kinds or process["kind"] in kinds:
                process["commit"] = commit
        if not kinds or "web" in kinds:
            self.app.commit = commit


@pytest.fixture
def staging(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Staging]:
    """Everything runs the head of the branch."""
    app = Emulator()
    app.environment = "staging"
    found = Staging(RailwayEmulator(), GitHubEmulator(NEW), app)
    services = "\n".join(f'{name} = "{identity}"' for name, identity in SERVICES.items())
    place.write_project(
        f'[project]\nrepository = "fox/bot"\n[env.staging]\nurl = "{app.url}"\nbranch = "staging"\n'
        f'railway_env = "{STAGING}"\n[railway]\nproject = "{PROJECT}"\n[railway.services]\n{services}\n'
    )
    for name in ("RAILWAY_API_TOKEN", "RAILWAY_TOKEN_STAGING", "NB_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "RAILWAY_API_URL": found.railway.url,
        "RAILWAY_TOKEN": railway.TOKEN,
        "GITHUB_API_URL": found.github.url,
        "GITHUB_TOKEN": github.TOKEN,
        "NB_TOKEN_STAGING": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(deploy, "INTERVAL", 0.01)
    monkeypatch.setattr("cli.platforms.http.uniform", lambda _low, _high: 0.0)
    found.deploy(OLD)
    found.deploy(NEW)
    found.runs(NEW)
    yield found
    for emulator in (found.railway, found.github, found.app):
        emulator.stop()
