"""Starts the web process. What it serves is put together in `core.http.application`.

Nothing heavy is imported here: `prometheus_client` must find its folder in the environment when it is imported, and the
master of several workers only starts and stops them.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from functools import partial
from typing import TYPE_CHECKING

from core import logs
from core.settings import Settings

if TYPE_CHECKING:
    from core.http.types import App

MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def create_app(settings: Settings) -> App:
    """Return the web application; connections open when its server starts."""
    from core.http.application import build

    return build(settings)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the running requests and return.

    One worker runs in this very process. Several are started by a master of Sanic's, which kills its whole process
    group when a worker cannot start: whoever supervises `nb serve` gives it a session of its own.
    """
    from sanic import Sanic
    from sanic.worker.loader import AppLoader

    logs.configure(settings, "web")
    is_alone = settings.web_workers == 1
    metrics_folder = None if is_alone else tempfile.mkdtemp(prefix="nb-metrics-")
    if metrics_folder is not None:
        os.environ[MULTIPROCESS_FOLDER] = metrics_folder
    loader = AppLoader(factory=partial(_create_in_process, settings))
    try:
        app = loader.load()
        app.prepare(
            host=settings.host,
            port=settings.port,
            workers=settings.web_workers,
            single_process=is_alone,
            access_log=False,
            motd=False,
            debug=False,
        )
        if is_alone:
            Sanic.serve_single(primary=app)
        else:
            Sanic.serve(primary=app, app_loader=loader)
    finally:
        if metrics_folder is not None:
            shutil.rmtree(metrics_folder, ignore_errors=True)


def _create_in_process(settings: Settings) -> App:
    # A spawned worker begins with an empty interpreter, so each configures its own logs.
    logs.configure(settings, "web")
    app = create_app(settings)
    app.register_listener(_settle, "after_server_start")
    return app


async def _settle(_app: App) -> None:
    # What is there now stays until the end: the garbage collector need not look at it again and again.
    gc.collect()
    gc.freeze()
