"""How long `nb logs` takes to filter 100 MB of local log, beside `grep` in the same run, and how much memory.

The times are of whole processes, start included. Most of the lines are requests; a few are the errors, the generation
and the words that are looked for.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.table import Row

SIZE = 100 * 2**20
ROUNDS = 5
MOST_SECONDS = 2.0
MOST_MEGABYTES = 100.0
START = datetime(2026, 11, 20, tzinfo=UTC)
TRACE = "f4e7c80c649bd3b6022aa3663ef036fc"

FILTERS: Mapping[str, Sequence[str]] = {
    "newest 200": (),
    "--level error": ("--level", "error", "-n", "10000"),
    "--trace": ("--trace", TRACE),
    "--grep, a word": ("--grep", "refused by peer"),
    "--grep, a pattern": ("--grep", r"status=5\d\d.*provider=kling"),
    "--grep, two letters": ("--grep", "zz"),
    "--grep, a class": ("--grep", r"\b59\d\b.*kling"),
    "--grep, nothing sure": ("--grep", r"\s\s\s"),
    "--grep, in each time": ("--grep", r"\d\d:\d\d"),
    "--grep, in each logger": ("--grep", "http"),
    "--grep, two letters apart": ("--grep", "^q.z"),
    "--grep, anything before": ("--grep", ".*q.z$"),
    "--grep -i": ("--grep", "REFUSED by peer", "-i"),
    "--since, --until": ("--since", "2026-11-20T05:00Z", "--until", "2026-11-20T05:01Z"),
    "--fail-on critical": ("-n", "1", "--fail-on", "critical"),
}


def run() -> list[Row]:
    """Each filter in turns with grep for the same id; the slowest memory of all is a row of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        log = _write(home / "logs")
        grep = [shutil.which("grep") or "grep", "-c", TRACE, str(log)]
        nb = [sys.executable, "-m", "cli.main", "logs", "--env", "local"]
        commands = {"grep": grep, **{name: [*nb, *options] for name, options in FILTERS.items()}}
        times, memory = _in_turns(commands, home)
    yardstick = times.pop("grep")
    rows = [
        Row(
            f"nb logs {name}",
            seconds,
            "s",
            "grep -c of the same file",
            yardstick,
            seconds / yardstick,
            f"<= {MOST_SECONDS:g} s",
            seconds <= MOST_SECONDS,
        )
        for name, seconds in times.items()
    ]
    return [*rows, Row.of_value("nb logs, memory at most", memory, "MB", at_most=MOST_MEGABYTES)]


def _write(folder: Path) -> Path:
    """100 MB of web's log with one trace, some refusals and one critical line in it."""
    folder.mkdir(parents=True)
    path = folder / "web.log"
    chance, at, written = random.Random(5), START, 0
    with path.open("w") as file:
        while written < SIZE:
            at += timedelta(milliseconds=chance.randint(1, 80))
            line = json.dumps(_entry(chance, at), separators=(",", ":")) + "\n"
            written += file.write(line)
    return path


def _entry(chance: random.Random, at: datetime) -> dict[str, object]:
    dice = chance.random()
    level = "error" if dice < 0.002 else "warning" if dice < 0.01 else "info"
    entry: dict[str, object] = {
        "at": at.isoformat().replace("+00:00", "Z"),
        "level": level,
        "service": "web",
        "logger": "http",
        "event": "request" if level == "info" else "connection refused by peer" if dice < 0.0001 else "slow",
        "trace_id": TRACE if dice > 0.99999 else f"{chance.getrandbits(128):032x}",
        "method": "GET",
        "path": "/api/app/v1/models",
        "status": 500 if dice < 0.002 else 200,
        "duration_ms": round(chance.random() * 100, 2),
    }
    return {**entry, "provider": "kling"} if dice < 0.00005 else entry


def _in_turns(commands: Mapping[str, Sequence[str]], home: Path) -> tuple[dict[str, float], float]:
    """Median seconds of each command, and the most megabytes that one of nb took."""
    environment = {**os.environ, "NB_HOME": str(home), "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for round_number in range(ROUNDS + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(
                command,
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                timeout=60,
            )
            if round_number:
                # The first round fills the page cache and writes the bytecode.
                times[name].append(time.perf_counter() - started)
    kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {name: statistics.median(values) for name, values in times.items()}, kilobytes / 1024
