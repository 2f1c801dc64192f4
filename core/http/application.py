"""Puts the web application together: limits, what every request goes through, and the blueprints of all layers."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from contextlib import AsyncExitStack
from importlib.metadata import version

from sanic import Blueprint, Sanic

from core import metrics, process
from core.http.observation import TracedRequest
from core.http.problems import ProblemHandler
from core.http.types import App
from core.settings import Environment, Settings

BLUEPRINTS = (
    "core.http.health:blueprint",
    "core.http.media:blueprint",
    "core.http.payments:blueprint",
    "core.http.providers:blueprint",
    "core.http.pay:blueprint",
    "core.http.ops:blueprint",
    "core.http.app:blueprint",
    "core.http.webapps:blueprint",
    "bot.webhook:blueprint",
)
"""Upper layers are named, never imported."""

NAME = "nanobanana"
MAXIMUM_BODY = 1024 * 1024
REQUEST_TIMEOUT = 15
RESPONSE_TIMEOUT = 30
KEEP_ALIVE_TIMEOUT = 75
"""Longer than proxies keep idle connections, so that it is never us who close one that is about to be used."""

SHUTDOWN_TIMEOUT = 8.0
"""Seconds for running requests after SIGTERM. A platform kills after ten."""


def build(settings: Settings, *, name: str = NAME, blueprints: Iterable[str] = BLUEPRINTS) -> App:
    """Return the application.

    Args:
        name: Sanic's name of it, unique among the applications of a process.
        blueprints: what to serve, each as `module:attribute`.
    """
    app = Sanic(
        name,
        request_class=TracedRequest,
        error_handler=ProblemHandler(),
        configure_logging=False,
        env_prefix=None,
    )
    app.config.update(
        AUTO_EXTEND=False,
        ACCESS_LOG=False,
        MOTD=False,
        REQUEST_MAX_SIZE=MAXIMUM_BODY,
        REQUEST_TIMEOUT=REQUEST_TIMEOUT,
        RESPONSE_TIMEOUT=RESPONSE_TIMEOUT,
        KEEP_ALIVE_TIMEOUT=KEEP_ALIVE_TIMEOUT,
        GRACEFUL_SHUTDOWN_TIMEOUT=SHUTDOWN_TIMEOUT,
    )
    app.ctx.settings = settings
    app.ctx.version = version("nanobanana")
    app.ctx.is_strict = settings.environment is not Environment.LOCAL
    app.register_listener(_open, "before_server_start")
    app.register_listener(_close, "after_server_stop")
    for blueprint in blueprints:
        app.blueprint(_import(blueprint))
    return app


async def _open(app: App) -> None:
    settings: Settings = app.ctx.settings
    app.ctx.opened = AsyncExitStack()
    await app.ctx.opened.enter_async_context(process.opened(settings))
    await app.ctx.opened.enter_async_context(process.alive(settings, "web"))


async def _close(app: App) -> None:
    if folder := os.environ.get(metrics.MULTIPROCESS_FOLDER):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(os.getpid(), folder)  # type: ignore[no-untyped-call]  # prometheus_client
    await app.ctx.opened.aclose()


def _import(path: str) -> Blueprint:
    module, _, attribute = path.partition(":")
    blueprint = getattr(importlib.import_module(module), attribute)
    assert isinstance(blueprint, Blueprint), path
    return blueprint
