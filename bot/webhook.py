"""`POST /api/telegram/webhook`: keeps every update before it is answered; a worker handles it after.

The route parses no more than it needs to file an update: its id and whose it is. Web never loads the bot itself, which
takes seconds to import and a hundred megabytes to hold. Somebody who is about to pay waits ten seconds for the bot, so
that one question is answered here when storing it, or the worker, takes too long.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Coroutine
from typing import Any, Final

from sanic import Blueprint, HTTPResponse, Request

from bot import pre_checkout
from bot.pre_checkout import PreCheckout
from core import db
from core.http.problems import Problem
from core.http.types import App
from core.inbox import Event, Inbox, InvalidEvent
from core.logs import current_trace, get_logger
from core.settings import Settings
from core.telegram_webhook import PATH

logger = get_logger(__name__)

blueprint = Blueprint("telegram")

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  The name of a header.
SOURCE: Final = "telegram"

LARGEST_UPDATE: Final = 512 * 1024
"""Bytes. Texts of an update have 4096 characters at the most; media are not in it."""

MONEY: Final = ("successful_payment", "refunded_payment")
"""What makes a message one about money."""

RETRY_AFTER: Final = 2
LARGEST_ID: Final = 2**63 - 1

_OK: Final = b'{"ok":true}'
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class MalformedUpdate(Exception):
    """The body is not an update of Telegram."""


@blueprint.listener("before_server_start")
async def open_inbox(app: App) -> None:
    """Prepare what the route needs."""
    settings: Settings = app.ctx.settings
    app.ctx.webhook_secret = settings.telegram_webhook_secret.get_secret_value().encode()
    app.ctx.inbox = Inbox(SOURCE)


@blueprint.post(PATH)
async def receive(request: Request) -> HTTPResponse:
    """Keep one update. Anything but 2xx makes Telegram send it again."""
    context = request.app.ctx
    secret = request.headers.get(SECRET_HEADER, "").encode(errors="replace")
    if not hmac.compare_digest(secret, context.webhook_secret):
        raise Problem(403, "The secret token is missing or wrong.", code="wrong_secret")
    if len(request.body) > LARGEST_UPDATE:
        raise Problem(413, f"An update has at most {LARGEST_UPDATE} bytes.")
    try:
        event_id, subject, payload = parse_update(request.body)
        query = pre_checkout.read(payload) if subject.startswith(pre_checkout.SUBJECT) else None
        storing = context.inbox.store(event_id, subject, payload, current_trace())
        if query is not None:
            return await _answer_buyer(query, storing)
        await storing
    except (MalformedUpdate, InvalidEvent) as error:
        raise Problem(400, str(error) or "This is not an update.", code="malformed_update") from None
    except db.UNAVAILABLE as error:
        logger.warning("update_not_stored", error=type(error).__name__)
        headers = {"Retry-After": str(RETRY_AFTER)}
        raise Problem(503, "The update cannot be kept at the moment. Send it again.", headers=headers) from None
    return HTTPResponse(_OK, content_type="application/json")


async def _answer_buyer(query: PreCheckout, storing: Coroutine[Any, Any, bool]) -> HTTPResponse:
    """Leave a question about a payment to the worker, and say no in its place where it does not answer in time."""
    if await pre_checkout.is_left_to_worker(query, storing):
        return HTTPResponse(_OK, content_type="application/json")
    logger.warning("pre_checkout_refused_by_web", query=query.id)
    return HTTPResponse(json.dumps(pre_checkout.refusal_call(query)), content_type="application/json")


def is_money(event: Event) -> bool:
    """Say whether an update tells of money that moved, so that it may never be given up."""
    message = event.payload.get("message")
    is_payment = isinstance(message, dict) and any(kind in message for kind in MONEY)
    return is_payment or "subscription" in event.payload


def parse_update(body: bytes) -> tuple[str, str, bytes]:
    """Return the update's id, whose it is, and the bytes to keep.

    Raises:
        MalformedUpdate: it is no JSON object with an `update_id`.
    """
    try:
        update = _decoder.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedUpdate("The body is not JSON.") from None
    if not isinstance(update, dict):
        raise MalformedUpdate("An update is a JSON object.")
    number = update.get("update_id")
    if type(number) is not int or not 0 <= number <= LARGEST_ID:
        raise MalformedUpdate("update_id is missing or not a positive integer.")
    if b"\\u0000" in body or _SURROGATE.search(body):
        # PostgreSQL keeps neither NUL nor half a character; a whole one outside the basic plane passes unchanged.
        body = json.dumps(_cleaned(update), ensure_ascii=False).encode()
    return str(number), _subject(update), body


def _subject(update: dict[str, Any]) -> str:
    """Return the chat or person that an update is about: updates of one are handled in order.

    What is about money goes beside the chat: it waits for nothing that was said there, and nothing waits for it.
    """
    return _money_subject(update) or _chat_of(update)


def _money_subject(update: dict[str, Any]) -> str:
    query, message = update.get("pre_checkout_query"), update.get("message")
    if isinstance(query, dict) and isinstance(query.get("id"), str):
        return f"{pre_checkout.SUBJECT}{_digest(query['id'])}"
    for kind in MONEY:
        payment = message.get(kind) if isinstance(message, dict) else None
        if isinstance(payment, dict):
            # A payment and its refund in their order.
            return f"payment:{_digest(str(payment.get('telegram_payment_charge_id')))}"
    change = update.get("subscription")
    if isinstance(change, dict):
        return f"subscription:{_digest(str(change.get('invoice_payload')))}"
    return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _chat_of(update: dict[str, Any]) -> str:
    for kind, content in update.items():
        if kind != "update_id" and isinstance(content, dict):
            message = content.get("message")
            for holder in (content, message if isinstance(message, dict) else {}):
                chat = holder.get("chat")
                if isinstance(chat, dict) and isinstance(chat.get("id"), int):
                    return str(chat["id"])
            sender = content.get("from")
            if isinstance(sender, dict) and isinstance(sender.get("id"), int):
                return str(sender["id"])
    return ""


def _cleaned(value: Any) -> Any:  # noqa: ANN401  JSON is any of its types.
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_decoder: Final = json.JSONDecoder(parse_constant=_refuse_constant)
