"""Starts the web process. What it serves is put together in `core.http.application`.

Nothing heavy is imported here: `prometheus_client` must find its folder in the environment when it is imported, and the
parent of several workers only starts and stops them.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import socket
import tempfile
from typing import TYPE_CHECKING

from core import logs
from core.http.workers import Workers
from core.settings import Settings

if TYPE_CHECKING:
    from core.http.types import App

GRACE_AFTER_START = 0.1
MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def create_app(settings: Settings) -> App:
    """Return the web application; connections open when its server starts."""
    from core.http.application import build

    return build(settings)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the running requests and return.

    One worker runs in this very process, several in processes of their own.

    Raises:
        WorkerCouldNotStart: one of several workers did not start.
        core.db.UNAVAILABLE: the only worker could not reach the database.
    """
    logs.configure(settings, "web")
    if settings.web_workers == 1:
        os.environ.pop(MULTIPROCESS_FOLDER, None)
        serve(settings)
        return
    folder = tempfile.mkdtemp(prefix="nb-metrics-")
    os.environ[MULTIPROCESS_FOLDER] = folder
    try:
        Workers(settings, serve).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def serve(settings: Settings, shared: socket.socket | None = None) -> None:
    """Serve in this process, on HOST:PORT or on a socket that others share."""
    from sanic import Sanic

    logs.configure(settings, "web")
    app = create_app(settings)
    stopping = _Stopping()
    app.register_listener(stopping.take_signals, "after_server_start", priority=1000)
    app.register_listener(stopping.begin_to_serve, "after_server_start", priority=-1000)
    address = {"sock": shared} if shared is not None else {"host": settings.host, "port": settings.port}
    app.prepare(**address, single_process=True, access_log=False, motd=False, debug=False)
    Sanic.serve_single(primary=app)


class _Stopping:
    """Ends the server at a signal, whenever it comes.

    Sanic's own handler stops the loop, which is forgotten when the loop is just about to be left between the start and
    the serving. A signal that comes in between is therefore kept until the loop serves.
    """

    def __init__(self) -> None:
        self._is_serving = False
        self._is_asked_to_stop = False
        self._app: App | None = None

    async def take_signals(self, app: App) -> None:
        """Handle signals instead of Sanic."""
        self._app = app
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ask)

    async def begin_to_serve(self, _app: App) -> None:
        """Serve once the listeners are done, unless somebody wants an end by then."""
        # What is there now stays until the end: the garbage collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        asyncio.get_running_loop().call_later(GRACE_AFTER_START, self._serve)

    def _serve(self) -> None:
        self._is_serving = True
        self._stop_if_asked()

    def _ask(self) -> None:
        self._is_asked_to_stop = True
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self._is_serving and self._is_asked_to_stop and self._app is not None:
            self._app.stop(terminate=False)
