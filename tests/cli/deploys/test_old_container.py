"""The whole of it, with real processes: Railway says deployed, and the old container still answers.

Two web processes of the product on one database, one of each commit; the real `nb` as a process of its own; Railway
and GitHub are emulated. The predecessor's monitors asked for health, got a 200 from the version before, and were green.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from core import db, heartbeat, ops_tokens, redis
from core.settings import Settings
from tests.cli.deploys.conftest import NEW, OLD
from tests.emulators import github, railway
from tests.emulators.github import GitHubEmulator
from tests.emulators.railway import PROJECT, SERVICES, STAGING, RailwayEmulator
from tests.fixtures.ports import quiet_port

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]


@asynccontextmanager
async def _web(settings: Settings, commit: str, log: Path) -> AsyncIterator[str]:
    """Run `nb serve` of a commit as staging does; yield its address. It stops as a platform stops it."""
    port = quiet_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "TELEGRAM_BOT_TOKEN": settings.telegram_bot_token.get_secret_value(),
        "TG_WEBHOOK_SECRET": settings.telegram_webhook_secret.get_secret_value(),
        "TELEGRAM_UPDATES": "polling",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "NB_ENVIRONMENT": "staging",
        "RAILWAY_GIT_COMMIT_SHA": commit,
        "NB_HOME": str(settings.home),
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli.main", "serve", env=environment, stdout=output, stderr=output
        )
    try:
        address = f"http://127.0.0.1:{port}"
        await _until_it_answers(address, process, log)
        yield address
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 40)


async def _until_it_answers(address: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(60):
        while True:
            assert process.returncode is None, f"it ended: see {log}"
            try:
                if (await client.get(f"{address}/api/health")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)


class Operator:
    """Somebody with `nb`, a token, and a checkout with `nb.toml`."""

    def __init__(self, folder: Path, railway_url: str, github_url: str, token: str) -> None:
        self.folder = folder
        services = "\n".join(f'{name} = "{identity}"' for name, identity in SERVICES.items())
        (folder / "nb.toml").write_text(
            f'[project]\nrepository = "fox/bot"\n[env.staging]\nurl_from = "STAGING_URL"\nbranch = "staging"\n'
            f'railway_env = "{STAGING}"\n[railway]\nproject = "{PROJECT}"\n[railway.services]\n{services}\n'
        )
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "NB_HOME": str(folder / ".nb"),
            "NB_CONFIG": str(folder / "config.json"),
            "RAILWAY_API_URL": railway_url,
            "RAILWAY_TOKEN": railway.TOKEN,
            "GITHUB_API_URL": github_url,
            "GITHUB_TOKEN": github.TOKEN,
            "NB_TOKEN_STAGING": token,
        }

    async def nb(self, address: str, *arguments: str) -> dict[str, Any]:
        """Run a command against staging, whose address leads to this container now."""
        beating = asyncio.create_task(_beat())
        try:
            return await self._run(address, *arguments)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    async def _run(self, address: str, *arguments: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", *arguments, "--env", "staging", "--json"),
            cwd=self.folder,
            env={**self.environment, "STAGING_URL": address},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 90)
        assert err == b"", err.decode()
        document: dict[str, Any] = json.loads(out)
        assert document["exit_code"] == process.returncode
        return document


async def _beat() -> None:
    """Worker and beat of the new commit run all the time, however long a command takes."""
    while True:
        for kind in ("worker", "beat", "poller"):
            await heartbeat.beat(kind, "new:1", NEW, datetime.now(UTC))
        await asyncio.sleep(1)


@pytest.fixture
async def operator(settings: Settings, tmp_path: Path, platforms: tuple[str, str]) -> AsyncIterator[Operator]:
    """An operator with a token of the service."""
    await db.connect(settings)
    await redis.connect(settings)
    yield Operator(tmp_path, *platforms, str(await ops_tokens.create("tests", ["read"])))
    await redis.disconnect()
    await db.disconnect()


@pytest.fixture
def platforms() -> Iterator[tuple[str, str]]:
    """Railway, which has deployed the head of the branch, and GitHub, which names it."""
    deployed, repository = RailwayEmulator(), GitHubEmulator(NEW)
    for commit in (OLD, NEW):
        for service in SERVICES:
            deployed.deploy(service, commit)
    yield deployed.url, repository.url
    deployed.stop()
    repository.stop()


def _of_web(document: dict[str, Any]) -> tuple[str, str, list[str]]:
    web = document["data"]["environments"][0]["services"][0]
    return web["state"], web["code"], web["running"]


async def test_a_deploy_whose_old_container_still_answers_is_not_deployed_and_the_reason_is_told(
    settings: Settings, operator: Operator, tmp_path: Path
) -> None:
    nb = operator.nb
    async with _web(settings, NEW, tmp_path / "new.log") as new:
        async with _web(settings, OLD, tmp_path / "old.log") as old:
            # What the predecessor looked at: a 200, and ok.
            healthy = await nb(old, "health")
            assert (healthy["exit_code"], healthy["data"]["commit"]) == (0, OLD)

            status = await nb(old, "deploy", "status")
            assert (status["exit_code"], status["error"]["code"]) == (1, "not_deployed")
            state, code, running = _of_web(status)
            assert (state, code) == ("not_deployed", "old_container")
            assert OLD in running

            why = await nb(old, "deploy", "why")
            assert (why["exit_code"], why["error"]["code"]) == (1, "old_container")
            assert "the old container still answers" in why["error"]["message"]
            assert "remove the old deployment in Railway" in why["error"]["fix"]

            waited = await nb(old, "deploy", "wait", "--timeout", "5s")
            assert (waited["exit_code"], waited["error"]["code"]) == (9, "wait_deadline")
            verified = await nb(old, "deploy", "verify")
            assert (verified["exit_code"], verified["data"]["ok"]) == (1, False)

            health = await nb(old, "health", "--expect-commit", NEW)
            assert (health["exit_code"], health["error"]["code"]) == (1, "commit_mismatch")
            ready = await nb(old, "ready", "--expect-commit", NEW[:7])
            assert ready["exit_code"] == 1
            states = {check["id"]: check["state"] for check in ready["data"]["checks"]}
            assert (states["commit.web"], states["commit.worker"], states["commit.beat"]) == ("failed", "ok", "ok")

            # The address leads to the new one; the old one still runs beside it.
            beside = await nb(new, "deploy", "status")
            assert (beside["exit_code"], *_of_web(beside)[:2]) == (1, "not_deployed", "old_container")
            assert "beside the new one" in beside["error"]["message"]

        assert (await nb(new, "deploy", "wait", "--timeout", "30s"))["exit_code"] == 0
        verified = await nb(new, "deploy", "verify")
        assert (verified["exit_code"], verified["error"]) == (0, None)
        ready = await nb(new, "ready", "--expect-commit", NEW)
        assert (ready["exit_code"], ready["data"]["state"]) == (0, "ok")
        runs = [json.loads(line) for line in (operator.folder / ".nb" / "journal.ndjson").read_text().splitlines()]
        verdicts = [run["facts"]["verdict"] for run in runs if run["command"] == "deploy.verify"]
        assert verdicts == ["failed", "passed"]
