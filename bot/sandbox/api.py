"""The Bot API over HTTP: `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import unquote

from sanic import Blueprint, HTTPResponse, Request, response
from sanic.exceptions import SanicException

from bot.sandbox.files import sent
from bot.sandbox.methods import execute
from bot.sandbox.multipart import read_form
from bot.sandbox.parameters import Parameters, Upload
from bot.sandbox.refusals import Refused, bad_request
from bot.sandbox.world import World

logger = logging.getLogger(__name__)


def read_parameters(request: Request) -> Parameters:
    """Parameters from the query string and from the body in any of the accepted types."""
    values = {name: items[0] for name, items in request.args.items()}
    uploads: dict[str, Upload] = {}
    kind = (request.content_type or "").split(";")[0].strip().lower()
    if kind == "application/json" and request.body:
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise bad_request("can't parse JSON object") from error
        if not isinstance(body, dict):
            raise bad_request("object expected")
        values |= body
    elif kind == "multipart/form-data":
        form = read_form(request.content_type, request.body)
        values |= form.texts
        for name, upload in form.files:
            uploads.setdefault(name, upload)
    elif kind == "application/x-www-form-urlencoded":
        for name, items in (request.form or {}).items():
            values[name] = items[0]
    return Parameters(values, uploads)


def _answer(status: int, body: object) -> HTTPResponse:
    return response.json(body, status=status, dumps=lambda value: json.dumps(value, ensure_ascii=False))


def blueprint(world: World) -> Blueprint:
    """The two routes, for one bot."""
    api = Blueprint("bot_api")

    def is_ours(credential: str) -> bool:
        return hmac.compare_digest(unquote(credential).removeprefix("bot").encode(), world.token.encode())

    async def call(request: Request, credential: str, method: str) -> HTTPResponse:
        if not is_ours(credential):
            return _answer(401, Refused(401, "Unauthorized").envelope())
        try:
            parameters = read_parameters(request)
        except Refused as refused:
            return _answer(refused.error_code, refused.envelope())
        except SanicException as error:
            return _answer(400, bad_request(f"can't read the request: {error}").envelope())
        outcome = await execute(world, method, parameters)
        return _answer(outcome.status, outcome.body)

    async def download(_request: Request, credential: str, path: str) -> HTTPResponse:
        found = world.media.path(unquote(path)) if is_ours(credential) else None
        if found is None:
            return _answer(404, Refused(404, "Not Found").envelope())
        return await sent(found, "application/octet-stream", no_store())

    @api.exception(Exception)
    async def show_failure(_request: Request, error: Exception) -> HTTPResponse:
        # The outermost boundary of a call: the bot gets Telegram's form of an answer whatever happened.
        status = error.status_code if isinstance(error, SanicException) else 500
        if status == 500:
            logger.exception("a Bot API call failed inside the sandbox", exc_info=error)
        return _answer(status, Refused(status, HTTPStatus(status).phrase).envelope())

    routes: list[tuple[Callable[..., object], str, list[str]]] = [
        (call, "/<credential:bot[^/]+>/<method:str>", ["GET", "POST"]),
        (download, "/file/<credential:bot[^/]+>/<path:path>", ["GET", "HEAD"]),
    ]
    for handler, uri, methods in routes:
        api.add_route(handler, uri, methods=methods)  # type: ignore[arg-type]
    return api


def no_store() -> dict[str, str]:
    """Files are behind the token: nobody keeps them."""
    return {"Cache-Control": "no-store"}
