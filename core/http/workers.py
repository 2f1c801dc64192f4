"""Several web workers on one port: starts them, replaces one that dies, stops them all in order.

Sanic has a manager for this. It kills its whole process group when a worker cannot start, and spins for ever when it is
told to stop before its workers are ready; a service that is deployed does both sooner or later.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import TypeAlias

from core.logs import get_logger
from core.settings import Settings

BACKLOG = 1024
SHORTEST_LIFE = 10.0
"""A worker that ends sooner could not start; replacing it would repeat that for ever."""

STOP_LIMIT = 9.5
LOOK_EVERY = 0.2

Serve: TypeAlias = Callable[[Settings, socket.socket], None]

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Worker:
    process: SpawnProcess
    started: float


class WorkerCouldNotStart(Exception):
    """A web worker ended right after its start; its own log line says why."""


class Workers:
    """Processes that share one listening socket."""

    def __init__(self, settings: Settings, serve: Serve) -> None:
        self._settings = settings
        self._serve = serve
        self._socket = listen(settings.host, settings.port)
        self._workers: list[_Worker] = []
        self._is_stopping = threading.Event()

    def run(self) -> None:
        """Keep the workers running until SIGTERM or SIGINT.

        Raises:
            WorkerCouldNotStart: one of them did not; the others are stopped.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            for _ in range(self._settings.web_workers):
                self._start()
            while not self._is_stopping.is_set():
                wait([worker.process.sentinel for worker in self._workers], timeout=LOOK_EVERY)
                self._replace_the_dead()
        finally:
            self._end_all()
            self._socket.close()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_work, args=(self._serve, self._settings, self._socket), name="web")
        process.start()
        self._workers.append(_Worker(process, time.monotonic()))

    def _replace_the_dead(self) -> None:
        if self._is_stopping.is_set():
            return
        for worker in [worker for worker in self._workers if not worker.process.is_alive()]:
            self._workers.remove(worker)
            code = worker.process.exitcode
            if time.monotonic() - worker.started < SHORTEST_LIFE:
                raise WorkerCouldNotStart(f"a web worker ended with {code} right after its start")
            logger.error("web_worker_died", exit_code=code, process=worker.process.pid)
            self._start()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping.set()

    def _end_all(self) -> None:
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + STOP_LIMIT
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                logger.warning("web_worker_killed", process=worker.process.pid)
                worker.process.kill()
                worker.process.join()


def listen(host: str, port: int) -> socket.socket:
    """Open the port that workers share."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((host, port))
    opened.listen(BACKLOG)
    opened.setblocking(False)
    return opened


def _work(serve: Serve, settings: Settings, shared: socket.socket) -> None:
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    serve(settings, shared)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_LIMIT)
    os.kill(os.getpid(), signal.SIGKILL)
