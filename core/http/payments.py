"""`POST /api/payments/<gateway>/webhook`: keeps every event before it is answered; a worker handles it after.

The gateway's own module says who may call and reads the body; see `core.payments.events` for what happens then.
"""

from __future__ import annotations

from typing import Final

from sanic import Blueprint, HTTPResponse, Request

from core import db
from core.http.problems import Problem
from core.http.types import App
from core.inbox import Inbox, InvalidEvent
from core.logs import current_trace, get_logger
from core.payments import gateways
from core.payments.gateways.base import MalformedNotice, WebGateway

logger = get_logger(__name__)

blueprint = Blueprint("payments")

LARGEST_EVENT: Final = 64 * 1024
"""Bytes. An event of a payment has a few hundred."""

RETRY_AFTER: Final = 5

_OK: Final = b'{"ok":true}'


@blueprint.listener("before_server_start")
async def open_inboxes(app: App) -> None:
    """Prepare what the route needs."""
    app.ctx.payment_inboxes = {}


@blueprint.post(r"/api/payments/<name:[a-z]{1,20}>/webhook")
async def receive(request: Request, name: str) -> HTTPResponse:
    """Keep one event. Anything but 2xx makes the gateway send it again."""
    gateway = gateways.of_page(name)
    if gateway is None:
        raise Problem(404, "There is nothing at this address.")
    if not gateway.is_authentic(request.headers, request.body):
        logger.warning("payment_event_refused", gateway=name)
        challenge = {"WWW-Authenticate": f'Basic realm="{name}"'}
        raise Problem(401, "The key or login is missing or wrong.", code="wrong_secret", headers=challenge)
    if len(request.body) > LARGEST_EVENT:
        raise Problem(413, f"An event has at most {LARGEST_EVENT} bytes.")
    inboxes: dict[str, Inbox] = request.app.ctx.payment_inboxes
    await _store(gateway, request.body, inboxes.setdefault(name, Inbox(name)))
    return HTTPResponse(_OK, content_type="application/json")


async def _store(gateway: WebGateway, body: bytes, inbox: Inbox) -> None:
    try:
        notice = gateway.read_notice(body)
        is_new = await inbox.store(notice.key, notice.subject, notice.payload, current_trace())
    except (MalformedNotice, InvalidEvent) as error:
        logger.warning("payment_event_malformed", gateway=gateway.name, problem=str(error))
        raise Problem(400, str(error) or "This is not an event.", code="malformed_event") from None
    except db.UNAVAILABLE as error:
        logger.warning("payment_event_not_stored", gateway=gateway.name, error=type(error).__name__)
        headers = {"Retry-After": str(RETRY_AFTER)}
        raise Problem(503, "The event cannot be kept at the moment. Send it again.", headers=headers) from None
    logger.info("payment_event_stored", gateway=gateway.name, event_id=notice.key, is_new=is_new)
