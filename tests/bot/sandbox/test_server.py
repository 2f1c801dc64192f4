"""The sandbox as a process: quick to start, quick to stop, light."""

from __future__ import annotations

import inspect
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import aiogram.methods
import httpx
import psutil
import pytest

from bot.sandbox.methods import names

STARTS_WITHIN_SECONDS = 1.5
STOPS_WITHIN_SECONDS = 10.0
"""Alone it takes a moment; Sanic by itself waits fifteen for open connections."""
CODE = """
import sys
from pathlib import Path
from bot.sandbox.server import run
run("127.0.0.1", int(sys.argv[1]), Path(sys.argv[2]), "42:process")
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until_healthy(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/sandbox/v1/health", timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError(f"the sandbox ended with {process.returncode}")


@pytest.mark.integration
def test_the_process_starts_and_stops_quickly_even_with_open_connections(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", CODE, str(port), str(tmp_path)])
    try:
        wait_until_healthy(port, process)
        # In time of its own, and twice the budget: the test machine is shared. Alone it takes about 0.6 s.
        spent = psutil.Process(process.pid).cpu_times()
        assert spent.user + spent.system < 2 * STARTS_WITHIN_SECONDS
        base = f"http://127.0.0.1:{port}"
        httpx.post(f"{base}/sandbox/v1/users", json={"id": 7, "first_name": "A"}).raise_for_status()
        with httpx.stream("GET", f"{base}/sandbox/v1/chats/7/events") as events:
            assert events.status_code == 200
            process.send_signal(signal.SIGTERM)
            process.wait(STOPS_WITHIN_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0


def test_the_server_does_not_load_aiogram() -> None:
    code = "import sys, bot.sandbox.server; print('aiogram' in sys.modules, 'PIL' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]


def test_every_method_has_the_name_that_the_bot_api_gives_it() -> None:
    real = {
        str(getattr(method, "__api_method__", "")) for _, method in inspect.getmembers(aiogram.methods, inspect.isclass)
    }
    assert set(names()) <= real


def test_no_product_code_knows_of_the_sandbox() -> None:
    root = Path(__file__).parents[3]
    allowed = {root / "cli", root / "bot" / "sandbox"}
    knowing = [
        path
        for package in ("bot", "core", "providers")
        for path in (root / package).rglob("*.py")
        if not any(path.is_relative_to(folder) for folder in allowed)
        and "bot.sandbox" in path.read_text(encoding="utf-8")
    ]
    assert knowing == []
