"""What strikes a product at work: workers killed, Redis and PostgreSQL ended; somebody starts each again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import BinaryIO

import psutil

from tests.fixtures.product import Product

WORKER = [sys.executable, "-m", "cli.main", "worker"]
LOOK_EVERY = 0.2
ENDINGS = {
    "redis": (signal.SIGKILL, signal.SIGTERM),
    # Killed, told to end at once, told to end its sessions: what a crash, a panic and a maintenance look like.
    "postgres": (signal.SIGKILL, signal.SIGQUIT, signal.SIGINT),
}


@dataclass(frozen=True)
class Weather:
    """Seconds between two strikes at the same kind of process, at least and at most."""

    workers: tuple[float, float] = (4.0, 12.0)
    redis: tuple[float, float] = (35.0, 60.0)
    postgres: tuple[float, float] = (35.0, 60.0)


@dataclass
class Storm:
    """Strikes at a product and at the second worker, and counts what it did."""

    product: Product
    chance: Random
    weather: Weather
    strikes: Counter[str] = field(default_factory=Counter)
    _second: subprocess.Popen[bytes] | None = None

    async def rage(self) -> None:
        """Strike until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kill_workers())
            group.create_task(self._end("redis", self.weather.redis))
            group.create_task(self._end("postgres", self.weather.postgres))

    @asynccontextmanager
    async def second_worker(self) -> AsyncIterator[None]:
        """Run a worker beside the supervised one, with the same environment; start it again whenever it dies."""
        environment = psutil.Process(self.product.pid("worker")).environ()
        keeper = asyncio.create_task(self._keep(environment))
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            if self._second is not None and self._second.poll() is None:
                self._second.terminate()
                await asyncio.to_thread(self._second.wait, 30)

    async def _keep(self, environment: dict[str, str]) -> None:
        with (self.product.home / "logs" / "worker-2.log").open("ab") as log:
            while True:
                if self._second is None or self._second.poll() is not None:
                    self._second = await asyncio.to_thread(_start, environment, log)
                await asyncio.sleep(LOOK_EVERY)

    async def _kill_workers(self) -> None:
        while True:
            await self._pause(self.weather.workers)
            if self.chance.random() < 0.5 and self._second is not None:
                if self._second.poll() is None:
                    self._second.kill()
                    self.strikes["second worker"] += 1
            else:
                self._strike("worker", signal.SIGKILL)

    async def _end(self, service: str, between: tuple[float, float]) -> None:
        while True:
            await self._pause(between)
            self._strike(service, self.chance.choice(ENDINGS[service]))

    def _strike(self, service: str, how: signal.Signals) -> None:
        pid = self.product.pid_now(service)
        if pid is None:
            return
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return
        self.strikes[f"{service} {how.name}"] += 1

    async def _pause(self, between: tuple[float, float]) -> None:
        await asyncio.sleep(self.chance.uniform(*between))


def _start(environment: dict[str, str], log: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        WORKER, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
