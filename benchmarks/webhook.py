"""The web process: how fast it acknowledges updates, what its routes cost over bare Sanic, how much memory it takes.

The load comes from a process of its own over loopback. Short rounds alternate between what is measured and its
yardstick, and the median of each counts, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks import load
from benchmarks.service import WEBHOOK_SECRET, Servers, nb, process, servers
from benchmarks.table import Row
from cli.local.ports import free_port

CONNECTIONS = 64
HEALTH_ROUNDS = 11
HEALTH_REQUESTS = 4_000
UPDATE_ROUNDS = 5
UPDATES = 4_000
LOAD_LIMIT = 30.0

UPDATE = (
    '{"update_id":%d,"poll":{"id":"%d","question":"Which fox is redder than the others in this picture?",'
    '"options":[{"text":"the left one","voter_count":1},{"text":"the right one","voter_count":2}],'
    '"total_voter_count":3,"is_closed":false,"is_anonymous":true,"type":"regular","allows_multiple_answers":false}}'
)


def run() -> list[Row]:
    """Measure one web worker."""
    with servers() as started, _web(started) as (web_port, web_pid), _bare(started.folder) as bare_port:
        health, bare = _in_turns(web_port, bare_port)
        acknowledged = _updates(web_port)
        memory = _resident_megabytes(web_pid)
    return [
        Row.of_value("webhook: updates acknowledged", acknowledged.per_second, "/s", at_least=1500),
        Row.of_value("webhook: p99 at 64 connections", acknowledged.p99_ms, "ms", at_most=50),
        Row.of_ratio("GET /api/health", health, "/s", yardstick="bare Sanic route", yardstick_value=bare, at_least=0.6),
        Row.of_value("web worker: resident memory", memory, "MB", at_most=200),
    ]


@contextmanager
def _web(started: Servers) -> Iterator[tuple[int, int]]:
    port = free_port()
    environment = started.environment(PORT=str(port), TELEGRAM_API_BASE_URL="http://127.0.0.1:9", WEB_WORKERS="1")
    url = f"http://127.0.0.1:{port}/api/health"
    with process(nb("serve"), environment, started.folder / "web.log", url) as running:
        yield port, running.pid


@contextmanager
def _bare(folder: Path) -> Iterator[int]:
    port = free_port()
    argv = [sys.executable, "-m", "benchmarks.bare", str(port)]
    with process(argv, {"PATH": ""}, folder / "bare.log", f"http://127.0.0.1:{port}/"):
        yield port


def _in_turns(web_port: int, bare_port: int) -> tuple[float, float]:
    web = load.Job(web_port, "/api/health", CONNECTIONS, HEALTH_REQUESTS, LOAD_LIMIT)
    bare = load.Job(bare_port, "/", CONNECTIONS, HEALTH_REQUESTS, LOAD_LIMIT)
    pairs = [(_answered(load.run(web)), _answered(load.run(bare))) for _ in range(HEALTH_ROUNDS)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def _answered(figures: load.Figures) -> float:
    assert set(figures.statuses) == {"200"}, figures
    return figures.per_second


def _updates(port: int) -> load.Figures:
    rounds = [
        load.run(
            load.Job(
                port,
                "/api/telegram/webhook",
                CONNECTIONS,
                UPDATES,
                LOAD_LIMIT,
                body=UPDATE,
                headers={"X-Telegram-Bot-Api-Secret-Token": WEBHOOK_SECRET},
                first_number=1 + number * 1_000_000,
            )
        )
        for number in range(UPDATE_ROUNDS)
    ]
    for figures in rounds:
        _answered(figures)
    return sorted(rounds, key=lambda figures: figures.per_second)[len(rounds) // 2]


def _resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():  # macOS
        import subprocess

        kilobytes = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
        return int(kilobytes.stdout) / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
