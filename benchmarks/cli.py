"""How long `nb` takes to say something, against an interpreter that does nothing.

`nb health` talks to a server on loopback that answers as `/api/health` does and does nothing else, so that what is
measured is `nb`.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.table import Row

ROUNDS = 20
WARM_UP = 3
"""Runs that are not counted: they write the bytecode and fill the page cache."""


def run() -> list[Row]:
    """`nb --help` and `nb health --env local`, in turns with `python -c pass`."""
    with _service() as home:
        commands = {
            "pass": [sys.executable, "-c", "pass"],
            "help": [_nb(), "--help"],
            "health": [_nb(), "health", "--env", "local"],
        }
        times = _in_turns(commands, home)
    rows = [("nb --help", "help", 5.0), ("nb health --env local", "health", 25.0)]
    return [
        Row.of_ratio(
            name,
            times[key],
            "ms",
            yardstick="python -c pass",
            yardstick_value=times["pass"],
            at_most=most,
        )
        for name, key, most in rows
    ]


def _nb() -> str:
    """The installed console script, as people start it."""
    beside = Path(sys.executable).with_name("nb")
    found = str(beside) if beside.exists() else shutil.which("nb")
    if found is None:
        raise SystemExit("nb is not installed; run: ./run python -m benchmarks cli")
    return found


def _in_turns(commands: Mapping[str, Sequence[str]], home: Path) -> dict[str, float]:
    """Median milliseconds of each command. They take turns, so that a busy moment of the machine hits all of them."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["NB_HOME"] = str(home)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for round_number in range(WARM_UP + ROUNDS):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment, timeout=30)
            if round_number >= WARM_UP:
                times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


class _Health(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    body = json.dumps({"ok": True, "version": "0", "commit": "unknown", "environment": "local"}).encode()

    def do_GET(self) -> None:
        """Answer as the service does."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  Named by the base class.
        """Be quiet."""


@contextmanager
def _service() -> Iterator[Path]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Health)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            credentials = Path(folder) / "credentials.json"
            credentials.touch(0o600)
            credentials.write_text(json.dumps({"local": {"url": f"http://127.0.0.1:{server.server_address[1]}"}}))
            yield Path(folder)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
