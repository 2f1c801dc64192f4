"""Walks through money for as long as one likes: `just soak --minutes 60 --workers 4`.

Every worker has a database of its own and seeds of its own, which grow. A line every ten seconds says how many steps
were made, how fast, what was checked, and how much memory that takes: a number that must not grow.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import asyncpg
import structlog

from cli.local import postgres, redis
from cli.local.ports import free_port
from core import migrations
from tests.core.money.machine import Tally
from tests.core.money.walking import walk
from tests.fixtures.servers import make_settings, memory, running

SEEDS_OF_A_WORKER = 1_000_000
TOLD_EVERY = 10.0


@dataclass(frozen=True)
class Servers:
    """Where PostgreSQL and Redis are."""

    postgres: postgres.PostgresServer
    redis: redis.RedisServer


@dataclass(frozen=True)
class Task:
    """What a worker has to do."""

    database_url: str
    redis_url: str
    seed: int
    seconds: float


@contextmanager
def servers() -> Iterator[Servers]:
    """Start PostgreSQL and Redis, and forget them at the end."""
    folder = Path(tempfile.mkdtemp(prefix="nb-soak-", dir=memory()))
    try:
        programs = postgres.find_programs()
        database = postgres.PostgresServer(
            folder / "postgres", free_port(), postgres.new_password(), postgres.THROWAWAY
        )
        cache = redis.RedisServer(folder / "redis", free_port(), postgres.new_password(), redis.THROWAWAY)
        database.initialize(programs)
        with (
            running(database.launch(programs), folder / "postgres.log", database.is_answering),
            running(cache.launch(redis.find_program()), folder / "redis.log", cache.is_answering),
        ):
            yield Servers(database, cache)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def prepare(there: Servers, name: str, redis_url: str) -> str:
    """Make a migrated database and return its address."""
    connection = await asyncpg.connect(there.postgres.url())
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    url = there.postgres.url(name)
    await migrations.migrate(make_settings(url, redis_url))
    return url


def _work(task: Task, told: Connection) -> None:
    """Walk until the time is over, and tell now and then how far it is; a failure is told with its traceback."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    end, last = time.monotonic() + task.seconds, [0.0]

    def is_enough(tally: Tally) -> bool:
        if time.monotonic() - last[0] > 1:
            last[0] = time.monotonic()
            told.send(astuple(tally))
        return time.monotonic() > end

    try:
        tally = walk(make_settings(task.database_url, task.redis_url), task.seed, is_enough)
    except BaseException:  # noqa: BLE001  whatever it is, the one who watches is told
        told.send(traceback.format_exc())
    else:
        told.send(astuple(tally))
    told.close()


def memory_of(processes: Sequence[int]) -> float:
    """Megabytes that these processes hold."""
    kilobytes = 0
    for process in processes:
        try:
            status = Path(f"/proc/{process}/status").read_text()
        except OSError:
            continue
        kilobytes += next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return kilobytes / 1024


class Soak:
    """Workers, and what they told."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        context = multiprocessing.get_context("spawn")
        self.begun = time.monotonic()
        self.tallies = [Tally() for _ in tasks]
        self.failures: list[str] = []
        self.ears: dict[Connection, int] = {}
        self.workers = []
        for number, task in enumerate(tasks):
            ear, mouth = context.Pipe(duplex=False)
            worker = context.Process(target=_work, args=(task, mouth))
            worker.start()
            mouth.close()
            self.workers.append(worker)
            self.ears[ear] = number

    def watch(self) -> None:
        """Listen until every worker has ended."""
        told_at = self.begun
        while self.ears:
            for ear in multiprocessing.connection.wait(list(self.ears), timeout=1.0):
                assert isinstance(ear, Connection)
                self._hear(ear)
            if time.monotonic() - told_at >= TOLD_EVERY:
                told_at = time.monotonic()
                print(self, flush=True)
        for worker in self.workers:
            worker.join()

    def _hear(self, ear: Connection) -> None:
        try:
            news = ear.recv()
        except EOFError:
            del self.ears[ear]
            return
        if isinstance(news, str):
            self.failures.append(news)
        else:
            self.tallies[self.ears[ear]] = Tally(*news)

    def __str__(self) -> str:
        total = Tally(*map(sum, zip(*map(astuple, self.tallies), strict=True)))
        seconds = time.monotonic() - self.begun
        processes = [worker.pid for worker in self.workers if worker.pid is not None]
        return (
            f"{seconds:6.0f} s  {total}, {total.steps / seconds:.0f} steps/s, "
            f"{memory_of([os.getpid(), *processes]):.0f} MB, {len(self.failures)} failures"
        )


def main() -> int:
    """Soak, say what came of it, and return 1 when a walk failed."""
    parser = argparse.ArgumentParser(prog="just soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000_000))
    chosen = parser.parse_args()
    print(f"{chosen.workers} workers for {chosen.minutes:g} minutes from seed {chosen.seed}", flush=True)
    with servers() as there:
        tasks = []
        for number in range(chosen.workers):
            redis_url = there.redis.url(number % 16)
            url = asyncio.run(prepare(there, f"soak_{number}", redis_url))
            tasks.append(Task(url, redis_url, chosen.seed + number * SEEDS_OF_A_WORKER, chosen.minutes * 60))
        soak = Soak(tasks)
        soak.watch()
    print(soak, *soak.failures, sep="\n", flush=True)
    return 1 if soak.failures else 0


if __name__ == "__main__":
    sys.exit(main())
