"""Many jobs on one worker process: videos that are polled by the thousand, and pictures that are ordered all at once.

The worker and beat are real processes over real PostgreSQL and Redis; providers and Telegram are emulated in a process
of their own (`benchmarks.vendor`). How late a poll comes is what the worker itself writes to its log at the end of each
tick: half of a tick's polls count as late as its median, nine twentieths as its 95th percentile, the rest as the last
one, so what is shown is an upper bound.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from benchmarks.service import Servers, nb, process, servers
from benchmarks.table import Row
from benchmarks.vendor import SLOTS
from cli.local.launch import Launch
from cli.local.ports import free_port
from core import catalog, db, ledger, pricing
from core.generations import Order, submit
from core.process import opened
from core.settings import load
from core.types import IdempotencyKey, TraceId
from core.users import Profile, upsert
from providers.base import MediaKind
from providers.demo import film as demo_film
from tests.fixtures.servers import running

JOBS = (100, 1_000, 10_000)
PICTURES = 500
WARM_UP = 20.0
STEADY = 45.0
ENDING = {100: 10.0, 1_000: 60.0, 10_000: 420.0}
"""Seconds over which the videos end, so that they end as fast as a worker stores and sends them."""

USUAL_SECONDS = 180
LATEST_P95 = 2.0
LATE_WHILE_ENDING = 4.0
"""The same percentile while the worker also stores and sends as many videos as it can."""

MOST_MEMORY = 300.0
PICTURES_PER_SECOND = 5.0
LIMIT = 900.0
TICK = "generations.polled"
IMAGE_MODEL = "nano-banana"


@dataclass(frozen=True)
class World:
    """What runs beside the worker."""

    ready: Servers
    vendor: str

    def environment(self, **more: str) -> dict[str, str]:
        """Variables of a process of the service whose world is emulated."""
        return self.ready.environment(
            DEMO_PROVIDER="",
            TELEGRAM_API_BASE_URL=self.vendor,
            TELEGRAM_UPDATES="polling",
            KLING_API_KEY="access-key-of-the-measurement",
            KLING_API_SECRET="secret-key-of-the-measurement",
            KLING_API_BASE_URL=self.vendor,
            GEMINI_API_KEY="key-of-the-measurement",
            GEMINI_BASE_URL=self.vendor,
            MODERATION_ENABLED="false",
            PROVIDER_LIMITS=f"gemini={SLOTS}",
            **more,
        )

    def ask(self, path: str, **body: float) -> dict[str, Any]:
        """Ask the emulated world something, or tell it."""
        with httpx.Client(base_url=self.vendor, timeout=30, trust_env=False) as client:
            answer = client.post(path, json=body) if body else client.get(path)
        document: dict[str, Any] = answer.json()
        return document


@dataclass(frozen=True)
class Videos:
    """What was seen of so many videos under way at once."""

    jobs: int
    late_p50: float
    late_p95: float
    polls_per_second: float
    memory: float
    cpu: float
    done: int
    ended_in: float
    late_while_ending: float


def run() -> list[Row]:
    """Measure polls at three sizes, then pictures."""
    rows: list[Row] = []
    seen = [_measure_videos(count) for count in JOBS]
    for one in seen:
        name = f"{one.jobs:,} videos"
        rows += [
            Row.of_value(f"{name}: poll late, p50", one.late_p50, "s", at_most=LATEST_P95),
            Row.of_value(f"{name}: poll late, p95", one.late_p95, "s", at_most=LATEST_P95),
            Row.of_value(f"{name}: polls", one.polls_per_second, "/s", at_least=0),
            Row.of_value(f"{name}: late while they end", one.late_while_ending, "s", at_most=LATE_WHILE_ENDING),
            Row.of_value(f"{name}: worker's memory", one.memory, "MB", at_most=MOST_MEMORY),
            Row.of_value(f"{name}: worker's CPU", one.cpu * 100, "%", at_most=100),
            Row.of_value(f"{name}: lost", one.jobs - one.done, "jobs", at_most=0),
            Row.of_value(f"{name}: all handed over in", one.ended_in, "s", at_most=LIMIT),
        ]
    growth = (seen[-1].memory - seen[0].memory) * 1024 / (seen[-1].jobs - seen[0].jobs)
    rows.append(Row.of_value("memory for one more video", growth, "KB", at_most=20))
    return rows + _measure_pictures()


def _measure_videos(count: int) -> Videos:
    with _world() as world:
        asyncio.run(_with_database(world, lambda: _seed(world, count)))
        log = world.ready.folder / "worker.log"
        with _worker(world, log) as pid:
            time.sleep(WARM_UP)
            polls, cpu, began, offset = (
                world.ask("/figures")["polls"],
                _cpu_seconds(pid),
                time.time(),
                log.stat().st_size,
            )
            time.sleep(STEADY)
            took = time.time() - began
            per_second = (world.ask("/figures")["polls"] - polls) / took
            used, memory = (_cpu_seconds(pid) - cpu) / took, _resident_megabytes(pid)
            p50, p95 = _lateness(log, offset)
            world.ask("/end", within=ENDING[count])
            ending, offset = time.time(), log.stat().st_size
            done = asyncio.run(_with_database(world, lambda: _all_done(count)))
            ended_in = time.time() - ending
            memory, late = max(memory, _resident_megabytes(pid)), _lateness(log, offset)[1]
            return Videos(count, p50, p95, per_second, memory, used, done, ended_in, late)


def _measure_pictures() -> list[Row]:
    with _world() as world, _worker(world, world.ready.folder / "worker.log"):
        asyncio.run(_with_database(world, lambda: _order_pictures()))
        asyncio.run(_with_database(world, lambda: _all_done(PICTURES)))
        figures = world.ask("/figures")
    pictures = sorted(figures["pictures"])
    # The last wave is left out: there is nothing more to keep the provider busy with.
    whole = len(pictures) - SLOTS
    per_second = whole / (pictures[whole - 1] - min(figures["asked"]))
    return [
        Row.of_ratio(
            "500 pictures at once",
            per_second,
            "/s",
            yardstick=f"provider: {SLOTS} at once, 4 s each",
            yardstick_value=PICTURES_PER_SECOND,
            at_least=0.9,
        ),
        Row.of_value("500 pictures: refused as too many", figures["refused"], "", at_most=0),
        Row.of_value("500 pictures: lost", PICTURES - len(pictures), "jobs", at_most=0),
    ]


@contextmanager
def _world() -> Iterator[World]:
    with servers() as ready:
        film = ready.folder / "film.mp4"
        film.write_bytes(asyncio.run(_film()))
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        argv = [sys.executable, "-m", "benchmarks.vendor", str(port), str(film)]
        environment = {"PATH": os.environ["PATH"]}
        with process(argv, environment, ready.folder / "vendor.log", f"{address}/figures"):
            yield World(ready, address)


@contextmanager
def _worker(world: World, log: Path) -> Iterator[int]:
    """Run beat and one worker; yield the worker's process id."""
    environment = world.environment()

    def works() -> bool:
        return log.exists() and b"bot_started" in log.read_bytes()

    beat = Launch(tuple(nb("beat")), environment)
    worker = Launch(tuple(nb("worker")), environment)
    with running(beat, world.ready.folder / "beat.log", lambda: True), running(worker, log, works) as started:
        yield started.pid


async def _with_database(world: World, work: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401
    async with opened(load(world.environment())):
        return await work()


async def _film() -> bytes:
    from PIL import Image

    return await demo_film.shoot(Image.new("RGB", (320, 180), "teal"), Image.new("RGBA", (320, 180)), 1.0)


async def _seed(world: World, count: int) -> None:
    """Have so many videos under way at the provider, each somebody's only one, as if they had been submitted."""
    await catalog.sync()
    models = await catalog.models(kind=MediaKind.VIDEO, only_available=False)
    model = next(model for model in models if any(route.provider == "kling" for route in model.routes))
    quote = pricing.quote(model)
    connection = await asyncpg.connect(world.ready.database_url)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            for statement in _STATEMENTS:
                arguments = (count, quote.tokens, db.to_json(quote.to_dict()), model.id, float(USUAL_SECONDS))
                used = max((n for n in range(1, 6) if f"${n}" in statement), default=0)
                await connection.execute(statement, *arguments[:used])
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


_STATEMENTS = (
    """
    INSERT INTO botapp_tguser (id, chat_id, first_name, created_at)
    SELECT n, 100000000 + n, 'Measure', now() FROM generate_series(1, $1::int) AS n
    """,
    "INSERT INTO botapp_usersettings (user_id) SELECT n FROM generate_series(1, $1::int) AS n",
    """
    INSERT INTO botapp_userbalance (user_id, balance, total_spent)
    SELECT n, 0, $2::numeric FROM generate_series(1, $1::int) AS n
    """,
    """
    INSERT INTO botapp_transaction (id, user_id, type, amount, balance_after, idempotency_key, quote, actor, reason)
    SELECT n, n, 'generation', -$2::numeric, 0, 'measured:' || n, $3::jsonb, 'system', ''
    FROM generate_series(1, $1::int) AS n
    """,
    """
    INSERT INTO botapp_charge (transaction_id, amount, refunded, state)
    SELECT n, $2::numeric, 0, 'open' FROM generate_series(1, $1::int) AS n
    """,
    """
    INSERT INTO botapp_genrequest (run_code, idempotency_key, user_id, chat_id, ai_model_id, transaction_id,
        generation_type, cost, prompt, status, stage, provider, provider_job_id, attempts, deadline_at, started_at,
        submitted_at, next_action_at, typical_seconds)
    SELECT md5('run' || n), 'run:' || n, n, 100000000 + n, $4::bigint, n, 'text2video', $2::numeric, $3::text,
        'processing', 'submitted', 'kling', 'text2video/' || n, 1, now() + interval '1 hour', now(),
        now() - random() * $5::float * interval '1 second',
        now() + random() * greatest(15, $1::int / 250) * interval '1 second', $5::float::int
    FROM generate_series(1, $1::int) AS n
    """,
)


async def _order_pictures() -> None:
    """Order all of them as people do, each somebody's only one."""
    await catalog.sync()

    async def order(number: int) -> None:
        user = await upsert(Profile(200_000_000 + number, f"m{number}", "Measure", "", "en"))
        await ledger.give_welcome_bonus(user.id)
        key = IdempotencyKey(f"picture-{number}")
        await submit(Order(user, IMAGE_MODEL, "a red fox in the snow", key, "en", TraceId(f"{number:032d}")))

    places = asyncio.Semaphore(20)

    async def in_turn(number: int) -> None:
        async with places:
            await order(number)

    await asyncio.gather(*(in_turn(number) for number in range(PICTURES)))


async def _all_done(count: int) -> int:
    """Wait until nothing is under way any more; return how many were done."""
    until = time.time() + LIMIT
    while time.time() < until:
        rows = await db.fetch("SELECT status, count(*) AS jobs FROM botapp_genrequest GROUP BY status")
        jobs = {row["status"]: int(row["jobs"]) for row in rows}
        if jobs.get("done", 0) + jobs.get("error", 0) >= count:
            return jobs.get("done", 0)
        await asyncio.sleep(2)
    return jobs.get("done", 0)


def _lateness(log: Path, offset: int) -> tuple[float, float]:
    """Return the median and the 95th percentile over all ticks that the log tells of after `offset`."""
    weights: list[tuple[float, float]] = []
    with log.open("rb") as file:
        file.seek(offset)
        for line in file:
            if TICK.encode() not in line:
                continue
            tick = json.loads(line)
            for share, name in ((0.5, "late_p50_s"), (0.45, "late_p95_s"), (0.05, "late_max_s")):
                weights.append((tick[name], tick["polls"] * share))
    if not weights:
        raise RuntimeError("the worker polled nothing")
    return _percentile(weights, 0.5), _percentile(weights, 0.95)


def _percentile(weights: list[tuple[float, float]], share: float) -> float:
    wanted, seen = share * sum(weight for _, weight in weights), 0.0
    for value, weight in sorted(weights):
        seen += weight
        if seen >= wanted - 1e-9:
            return value
    return max(value for value, _ in weights)


def _resident_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
