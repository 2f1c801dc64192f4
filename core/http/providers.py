"""`POST /api/providers/<name>/webhook/<secret>`: keeps what a provider tells; a worker looks at the job after.

No adapter is loaded here: the body goes into the inbox as it is, and `core.generations.webhooks` reads it.
"""

from __future__ import annotations

from typing import Final

from sanic import Blueprint, HTTPResponse, Request

from core import db, providers
from core.generations import callbacks, webhooks
from core.http.problems import Problem
from core.http.types import App
from core.inbox import Inbox, InvalidEvent
from core.logs import current_trace, get_logger

logger = get_logger(__name__)

blueprint = Blueprint("providers")

LARGEST_WEBHOOK: Final = 256 * 1024
RETRY_AFTER: Final = 5

_OK: Final = b'{"ok":true}'


@blueprint.listener("before_server_start")
async def open_inbox(app: App) -> None:
    """Prepare what the route needs."""
    app.ctx.provider_inbox = webhooks.inbox()


@blueprint.post(r"/api/providers/<name:[a-z][a-z0-9-]{0,39}>/webhook/<secret:[A-Za-z0-9]{1,100}>")
async def receive(request: Request, name: str, secret: str) -> HTTPResponse:
    """Keep one webhook. Whether we know the job, or were told before, is nothing that the sender has to know."""
    if not callbacks.is_secret(name, secret) or name not in providers.names():
        raise Problem(404, "There is nothing at this address.")
    if len(request.body) > LARGEST_WEBHOOK:
        raise Problem(413, f"A webhook has at most {LARGEST_WEBHOOK} bytes.")
    try:
        body = request.body.decode()
    except UnicodeDecodeError:
        raise Problem(400, "This is not text.", code="malformed_event") from None
    inbox: Inbox = request.app.ctx.provider_inbox
    event_id, payload = webhooks.event_of(name, request.headers, body)
    try:
        is_new = await inbox.store(event_id, event_id, payload, current_trace())
    except InvalidEvent as error:
        raise Problem(400, "This cannot be kept.", code="malformed_event") from error
    except db.UNAVAILABLE as error:
        logger.warning("provider_webhook_not_stored", provider=name, error=type(error).__name__)
        headers = {"Retry-After": str(RETRY_AFTER)}
        raise Problem(503, "The webhook cannot be kept at the moment. Send it again.", headers=headers) from None
    logger.info("provider_webhook_stored", provider=name, is_new=is_new)
    return HTTPResponse(_OK, content_type="application/json")
