"""The web process as it is deployed: alone and with several workers, through its signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from core.settings import Settings
from tests.fixtures.ports import quiet_port

pytestmark = pytest.mark.integration

START = "from core.settings import load\nfrom core.http import server\nserver.run(load())"


def _environment(settings: Settings, **overrides: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "TELEGRAM_BOT_TOKEN": settings.telegram_bot_token.get_secret_value(),
        "TG_WEBHOOK_SECRET": settings.telegram_webhook_secret.get_secret_value(),
        "TELEGRAM_API_BASE_URL": "http://127.0.0.1:9",
        "PUBLIC_BASE_URL": settings.public_base_url,
        "HOST": "127.0.0.1",
        "NB_HOME": str(settings.home),
        **overrides,
    }


@contextmanager
def _web(settings: Settings, log: Path, **overrides: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run `nb serve`'s process and whatever it starts; nothing of it is left at the end."""
    port = quiet_port()
    environment = _environment(settings, PORT=str(port), **overrides)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", START], env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        for left in _family(process):
            left.kill()
        process.kill()
        process.wait()


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return list(psutil.Process(process.pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _is_over(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _until(condition: Callable[[], Any], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.05)


def _is_healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/api/health", trust_env=False, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _workers_seen(address: str) -> int:
    text = httpx.get(f"{address}/metrics", trust_env=False, timeout=5).text
    line = next((line for line in text.splitlines() if line.startswith('nb_processes{kind="web"}')), "x 0")
    return int(float(line.split()[-1]))


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_ends_it_in_order_and_in_time(settings: Settings, tmp_path: Path, workers: int) -> None:
    log = tmp_path / "web.log"
    with _web(settings, log, WEB_WORKERS=str(workers)) as (process, address):
        _until(lambda: _is_healthy(address), "health")
        _until(lambda: _workers_seen(address) == workers, "a heartbeat of each worker")
        family = _family(process)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - started < 10
        _until(lambda: all(map(_is_over, family)), "the end of every process", 5)

    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_that_runs_when_sigterm_comes_is_answered(settings: Settings, tmp_path: Path, workers: int) -> None:
    """Readiness waits two seconds for a Telegram that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        telegram = f"http://127.0.0.1:{silent.getsockname()[1]}"
        log = tmp_path / "web.log"
        with _web(settings, log, WEB_WORKERS=str(workers), TELEGRAM_API_BASE_URL=telegram) as (process, address):
            _until(lambda: _is_healthy(address), "health")
            answer = pool.submit(httpx.get, f"{address}/api/ready", trust_env=False, timeout=10)
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGTERM)

                assert answer.result(10).json() == {"ok": False}
                assert process.wait(10) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_during_the_start_ends_it_too(settings: Settings, tmp_path: Path, workers: int) -> None:
    with _web(settings, tmp_path / "web.log", WEB_WORKERS=str(workers)) as (process, _):
        _until(lambda: workers == 1 or len(_family(process)) >= workers, "the workers' start")
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert _family(process) == []


def test_workers_share_their_metrics(settings: Settings, tmp_path: Path) -> None:
    with _web(settings, tmp_path / "web.log", WEB_WORKERS="2") as (_, address):
        _until(lambda: _is_healthy(address), "health")
        _until(lambda: _workers_seen(address) == 2, "a heartbeat of each worker")
        for _ in range(20):
            assert httpx.get(f"{address}/counted", trust_env=False).status_code == 404
        for _ in range(4):
            text = httpx.get(f"{address}/metrics", trust_env=False).text
            assert 'nb_http_request_duration_seconds_count{method="GET",route="none",status="404"} 20.0' in text


def test_a_worker_that_is_killed_soon_after_its_start_ends_the_whole_in_order(
    settings: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "web.log"
    with _web(settings, log, WEB_WORKERS="2") as (process, address):
        _until(lambda: _is_healthy(address), "health")
        victim = next(child for child in _family(process) if "spawn_main" in " ".join(child.cmdline()))
        victim.kill()
        assert process.wait(15) == 1

    assert "WorkerCouldNotStart" in log.read_text()


def test_workers_do_not_outlive_a_killed_parent(settings: Settings, tmp_path: Path) -> None:
    with _web(settings, tmp_path / "web.log", WEB_WORKERS="2") as (process, address):
        _until(lambda: _is_healthy(address), "health")
        family = _family(process)
        process.kill()
        _until(lambda: all(map(_is_over, family)), "the end of the workers", 12)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_database_that_is_away_at_the_start_ends_it_with_an_error(
    settings: Settings, tmp_path: Path, workers: str
) -> None:
    log = tmp_path / "web.log"
    nowhere = "postgresql://nobody:secret-password@127.0.0.1:9/none"
    with _web(settings, log, WEB_WORKERS=workers, DATABASE_URL=nowhere) as (process, _):
        assert process.wait(20) != 0

    assert "secret-password" not in log.read_text()


def test_the_web_process_fits_into_its_memory(settings: Settings, tmp_path: Path) -> None:
    with _web(settings, tmp_path / "web.log") as (process, address):
        _until(lambda: _is_healthy(address), "health")

        assert psutil.Process(process.pid).memory_info().rss < 200 * 1024 * 1024
