"""Puts the sandbox on a port: one process, one worker, nothing outside its data folder."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias

from sanic import HTTPResponse, Sanic, response
from sanic.config import Config
from sanic.exceptions import PayloadTooLarge

from bot.sandbox import api, driver, page
from bot.sandbox.documents import JsonObject
from bot.sandbox.limits import FloodLimits
from bot.sandbox.methods import execute
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import Refused
from bot.sandbox.webhooks import WebhookPusher
from bot.sandbox.world import World, create_world

Application: TypeAlias = Sanic[Config, SimpleNamespace]
# Requests may be a little larger than the largest upload, so that the method itself answers 413 in Telegram's words.
LARGEST_REQUEST_BYTES = 120 * 1024 * 1024
LONGEST_ANSWER_SECONDS = 24 * 3600


def create_app(
    data_folder: Path,
    token: str,
    *,
    flood: FloodLimits | None = None,
    clock: Callable[[], float] = time.time,
) -> Application:
    """The sandbox as a Sanic application; `app.ctx.world` gives tests a look inside."""
    app = Sanic(f"sandbox-{secrets.token_hex(4)}", configure_logging=False)
    app.config.AUTO_EXTEND = False
    # Touching up rewrites Sanic's classes, which a second application in the same process does not survive.
    app.config.TOUCHUP = False
    app.config.ACCESS_LOG = False
    app.config.REQUEST_MAX_SIZE = LARGEST_REQUEST_BYTES
    app.config.RESPONSE_TIMEOUT = LONGEST_ANSWER_SECONDS
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.2
    app.config.FALLBACK_ERROR_FORMAT = "json"
    world = create_world(data_folder, token, flood=flood, clock=clock)
    app.ctx.world = world
    for part in (api, driver, page):
        app.blueprint(part.blueprint(world))
    _attach_webhooks(app, world)

    @app.exception(PayloadTooLarge)
    async def refuse_large_request(_request: object, _error: PayloadTooLarge) -> HTTPResponse:
        # Raised before there is a route, so that the Bot API's own form has to be given here.
        return response.json(Refused(413, "Request Entity Too Large").envelope(), status=413)

    return app


def _attach_webhooks(app: Application, world: World) -> None:
    async def run(method: str, values: JsonObject) -> object:
        return await execute(world, method, Parameters(values))

    pusher = WebhookPusher(world.state, world.updates, run)
    world.updates.on_arrival = pusher.wake
    world.updates.on_webhook_change = pusher.restart

    @app.after_server_start
    async def start(_app: Application) -> None:
        pusher.restart()

    @app.before_server_stop
    async def stop(_app: Application) -> None:
        world.updates.end_polling()
        await pusher.close()

    @app.after_server_stop
    async def close(_app: Application) -> None:
        world.state.close()


def run(host: str, port: int, data_folder: Path, token: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    app = create_app(data_folder, token)
    app.run(host=host, port=port, single_process=True, access_log=False, motd=False)
