"""The service for one measurement: PostgreSQL with full durability, Redis, the schema, and processes of ours."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.local import postgres, redis
from cli.local.launch import Launch
from cli.local.ports import free_port
from tests.fixtures.servers import running

BOT_TOKEN = "4242:token-of-the-measurement"
WEBHOOK_SECRET = "webhook-secret-of-the-measurement"


@dataclass(frozen=True)
class Servers:
    """Where the servers are, and a folder for what else a measurement needs."""

    database_url: str
    redis_url: str
    folder: Path

    def environment(self, **overrides: str) -> dict[str, str]:
        """Environment variables of a process of the service. Names of `overrides` are those of variables."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **inherited,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
            "TG_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PUBLIC_BASE_URL": "http://127.0.0.1:8000",
            "HOST": "127.0.0.1",
            "NB_HOME": str(self.folder / "home"),
            "DEMO_PROVIDER": "1",
            "LOG_LEVEL": "INFO",
            **overrides,
        }


@contextmanager
def servers() -> Iterator[Servers]:
    """Start both, migrate, load the catalogue; stop them at the end."""
    folder = Path(tempfile.mkdtemp(prefix="nb-measure-"))
    folder.chmod(0o755)
    programs = postgres.find_programs()
    database = postgres.PostgresServer(folder / "postgres", free_port(), postgres.new_password(), postgres.SAFE)
    cache = redis.RedisServer(folder / "redis", free_port(), postgres.new_password(), redis.THROWAWAY)
    try:
        database.initialize(programs)
        with (
            running(database.launch(programs), folder / "postgres.log", database.is_answering),
            running(cache.launch(redis.find_program()), folder / "redis.log", cache.is_answering),
        ):
            ready = Servers(database.url(), cache.url(), folder)
            _prepare(ready)
            yield ready
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def process(argv: list[str], environment: dict[str, str], log: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server of ours until the block ends; the block begins when `url` answers."""
    launch = Launch(tuple(argv), environment)

    def is_answering() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    with running(launch, log, is_answering) as started:
        yield started


def nb(*arguments: str) -> list[str]:
    """The command line of nb in this environment."""
    return [sys.executable, "-c", "from cli.main import main; main()", *arguments]


def _prepare(ready: Servers) -> None:
    from core import catalog, db, migrations
    from core.settings import load

    settings = load({**ready.environment(), "DEMO_PROVIDER": ""})

    async def prepare() -> None:
        await migrations.migrate(settings)
        await db.connect(settings)
        await catalog.sync()
        await db.disconnect()

    asyncio.run(prepare())
