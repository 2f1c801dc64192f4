"""How long `nb` takes to say something and how much memory it needs, against an interpreter that does nothing.

The service, Railway and GitHub are emulated on loopback and answer at once, so that what is measured is `nb`. Every
command is started as a person starts it: as a process of its own.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.table import Row
from tests.cli.emulator import TOKEN, Emulator
from tests.cli.logs.railway_logs import LoggingRailway
from tests.emulators import github, railway
from tests.emulators.github import GitHubEmulator
from tests.emulators.railway import PROJECT, SERVICES, STAGING, RailwayEmulator

ROUNDS = 20
WARM_UP = 3
"""Runs that are not counted: they write the bytecode and fill the page cache."""

COMMIT = "6a090cb1f2e3d4c5b6a7f8e9d0c1b2a3f4e5d6c7"

OF_PAGES = 5.0
"""Times the yardstick that a page of help may take."""

OF_READS = 30.0
"""Times the yardstick that a question over the network may take, the network aside."""

MEMORY = 80.0
"""Megabytes that a command may need at its peak."""

LOG_LINES = 200
"""Of each service, as many as `nb logs` shows."""

COMMANDS: dict[str, float] = {
    "--help": OF_PAGES,
    "--version": OF_PAGES,
    "health": OF_READS,
    "ready": OF_READS,
    "status": OF_READS,
    "gen list": OF_READS,
    "gen show g_000001": OF_READS,
    "pricing list": OF_READS,
    "models list": OF_READS,
    "users show 100200300": OF_READS,
    "payments list": OF_READS,
    "webhook info": OF_READS,
    "deploy status --env staging": OF_READS,
    "deploy why --env staging": OF_READS,
    "logs --env staging": OF_READS,
}
"""What is typed, and how many times the yardstick it may take."""


def run() -> list[Row]:
    """Each command in turns with `python -c pass`: its time, and the memory of the hungriest."""
    with _world() as environment:
        started = {"pass": [sys.executable, "-c", "pass"]}
        started |= {name: [_nb(), *name.split()] for name in COMMANDS}
        times, memory = _in_turns(started, environment)
    rows = [
        Row.of_ratio(
            f"nb {name}", times[name], "ms", yardstick="python -c pass", yardstick_value=times["pass"], at_most=most
        )
        for name, most in COMMANDS.items()
    ]
    hungriest = max(COMMANDS, key=lambda name: memory[name])
    return [*rows, Row.of_value(f"peak memory, nb {hungriest}", memory[hungriest], "MB", at_most=MEMORY)]


def _nb() -> str:
    """The installed console script, as people start it."""
    beside = Path(sys.executable).with_name("nb")
    found = str(beside) if beside.exists() else shutil.which("nb")
    if found is None:
        raise SystemExit("nb is not installed; run: ./run python -m benchmarks cli")
    return found


def _in_turns(
    commands: Mapping[str, Sequence[str]], environment: Mapping[str, str]
) -> tuple[dict[str, float], dict[str, float]]:
    """Median milliseconds and most megabytes of each. They take turns: a busy moment of the machine hits all."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, float] = dict.fromkeys(commands, 0.0)
    for number in range(WARM_UP + ROUNDS):
        for name, command in commands.items():
            milliseconds, megabytes = _once(name, command, environment)
            if number >= WARM_UP:
                times[name].append(milliseconds)
            memory[name] = max(memory[name], megabytes)
    return {name: statistics.median(values) for name, values in times.items()}, memory


def _once(name: str, command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    took = (time.perf_counter() - began) * 1000
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"nb {name} ended with {process.returncode}; a failure is not worth measuring")
    # Linux counts in kilobytes, macOS in bytes.
    return took, usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


@contextmanager
def _world() -> Iterator[dict[str, str]]:
    """A staging that is healthy and deployed; yields the environment in which `nb` turns to it."""
    app, platform, host = Emulator(), LoggingRailway(), GitHubEmulator(COMMIT)
    try:
        app.environment, app.commit = "staging", COMMIT
        for process in app.processes:
            process["commit"] = COMMIT
        for service in SERVICES:
            deployment = platform.deploy(service, COMMIT)
            for number in range(LOG_LINES):
                at = f"12:{number // 60:02d}:{number % 60:02d}.000000"
                platform.log(deployment, at, event="generation.delivered", run_code=f"g_{number:06d}")
        with tempfile.TemporaryDirectory() as folder:
            services = "\n".join(f'{name} = "{identity}"' for name, identity in SERVICES.items())
            project = Path(folder) / "nb.toml"
            project.write_text(
                f'[project]\nrepository = "fox/bot"\n[env.staging]\nurl = "{app.url}"\nbranch = "staging"\n'
                f'railway_env = "{STAGING}"\n[railway]\nproject = "{PROJECT}"\n[railway.services]\n{services}\n'
            )
            before = Path.cwd()
            os.chdir(folder)
            try:
                yield _environment(folder, platform, host)
            finally:
                os.chdir(before)
    finally:
        for emulator in (app, platform, host):
            emulator.stop()


def _environment(folder: str, platform: RailwayEmulator, host: GitHubEmulator) -> dict[str, str]:
    ours = ("PYTHONDONTWRITEBYTECODE", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NB_") and name not in ours}
    return {
        **kept,
        "NB_ENV": "staging",
        "NB_HOME": str(Path(folder) / "home"),
        "NB_CONFIG": str(Path(folder) / "config.json"),
        "NB_TOKEN_STAGING": TOKEN,
        "RAILWAY_API_URL": platform.url,
        "RAILWAY_TOKEN": railway.TOKEN,
        "GITHUB_API_URL": host.url,
        "GITHUB_TOKEN": github.TOKEN,
    }
