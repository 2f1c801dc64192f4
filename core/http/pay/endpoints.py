"""`/pay/<order>`: the page outside of Telegram where an order is paid by card, and the pages that payers come back to.

The order's code is the key to its page: 128 random bits that only the buyer is given. The page shows nothing of the
buyer but what was bought; an address it knows is shown masked.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sanic import Blueprint, HTTPResponse, Request

from core.http import bot_name, throttle
from core.http.pay import page, words
from core.http.pay.page import Checkout, Surroundings
from core.http.problems import UNAVAILABLE
from core.http.throttle import Limit
from core.logs import get_logger
from core.payments import Payment, PaymentStatus, emails, gateways, repository, subscriptions, web
from core.payments.gateways.base import GatewayError, GatewayRefused, GatewayUnavailable, WebGateway
from core.settings import Settings
from core.types import Language

logger = get_logger(__name__)

blueprint = Blueprint("pay", url_prefix="/pay")

LOOKS: Final = Limit("pay-page", 90, 60)
TRIES: Final = Limit("pay", 10, 60)

REFRESHES: Final = (2, 2, 3, 3, 5, 5, 5, 10, 10, 15, 15, 30, 30, 30)
"""Seconds after which a page that waits for the money is loaded again; then the payer is told to leave it to us."""

RETRY_AFTER: Final = 5


class Closed(Exception):
    """The page cannot be shown; `key` names what is said instead."""

    def __init__(self, key: str, status: int) -> None:
        super().__init__(key)
        self.key = key
        self.status = status


@dataclass(frozen=True, slots=True)
class Desk:
    """An order, where it is paid, and what its pages look like."""

    payment: Payment
    gateway: WebGateway
    around: Surroundings
    token: str

    def say(self, key: str, **values: str) -> str:
        """Return a text in the order's language."""
        return words.say(self.payment.language, key, **values)

    async def checkout(self, *, typed: str = "", mistake: bool = False) -> Checkout:
        """What the form needs."""
        known = await self.known_email()
        masked = emails.masked(known) if known else ""
        return Checkout(self.gateway.title, self.gateway.needs_email, self.token, masked, typed, mistake)

    async def known_email(self) -> str | None:
        """The address that this order or the buyer's last one has."""
        if self.payment.user_id is None or not self.gateway.needs_email:
            return None
        return await web.remembered_email(self.payment.user_id, self.gateway.name)


async def _desk(request: Request, code: str, limit: Limit) -> Desk:
    """Open the page of an order.

    Raises:
        Closed: there is no such page, or it is asked for too often.
    """
    payment = await repository.find(code)
    gateway = gateways.of_page(payment.gateway) if payment is not None else None
    if payment is None or gateway is None or payment.user_id is None:
        raise Closed("unknown", 404)
    if await throttle.seconds_to_wait(limit, payment.user_id):
        raise Closed("often", 429)
    around = await _surroundings(request, payment.language)
    return Desk(payment, gateway, around, _token(request.app.ctx.settings, code))


async def _surroundings(request: Request, language: Language) -> Surroundings:
    settings: Settings = request.app.ctx.settings
    is_secure = settings.public_base_url.startswith("https://")
    return Surroundings(language, await bot_name.of(request.app), settings.support_contact, is_secure)


def _token(settings: Settings, code: str) -> str:
    """What a form of ours carries. It needs no session: whoever may see an order's page may press its buttons."""
    key = settings.telegram_bot_token.get_secret_value().encode()
    return hmac.new(key, f"nanobanana payment page {code}".encode(), hashlib.sha256).hexdigest()[:40]


def _is_from_our_page(request: Request, desk: Desk) -> bool:
    """Say whether a form was sent from our page: by its token, and by what browsers tell of where it came from."""
    typed = _field(request, "token").encode(errors="replace")
    came_from = str(request.headers.get("Sec-Fetch-Site", "none"))
    origin = urlsplit(str(request.headers.get("Origin", ""))).netloc
    is_ours = origin in {"", request.host, urlsplit(request.app.ctx.settings.public_base_url).netloc}
    return hmac.compare_digest(typed, desk.token.encode()) and came_from in {"none", "same-origin"} and is_ours


def _field(request: Request, name: str) -> str:
    form = request.form
    return str(form.get(name) or "") if form else ""


def _page(handler: Callable[..., Awaitable[HTTPResponse]]) -> Callable[..., Awaitable[HTTPResponse]]:
    """Have a handler's `Closed`, and a database that is away, said on a page of its own."""

    @functools.wraps(handler)
    async def answer(request: Request, **arguments: str) -> HTTPResponse:
        try:
            return await handler(request, **arguments)
        except Closed as closed:
            return await _instead(request, closed.key, closed.status)
        except UNAVAILABLE as error:
            logger.warning("payment_page_without_backend", error=type(error).__name__)
            return await _instead(request, "down", 503)

    return answer


async def _instead(request: Request, key: str, status: int) -> HTTPResponse:
    """Return a page that says why the one that was asked for is not shown."""
    language = words.language_of(str(request.headers.get("Accept-Language", "")))
    around = await _surroundings(request, language)
    text = page.paragraph(words.say(language, key))
    return page.respond(around, words.say(language, f"{key}-heading"), text, status=status, is_over=True)


@blueprint.get("/<code:str>")
@_page
async def show(request: Request, code: str) -> HTTPResponse:
    """Show an order: what it costs and how it is paid, or how it stands."""
    desk = await _desk(request, code, LOOKS)
    if not page.is_payable(desk.payment):
        return _closed(desk)
    return await _form(desk)


async def _form(desk: Desk, *, typed: str = "", mistake: bool = False) -> HTTPResponse:
    payment = desk.payment
    checkout = await desk.checkout(typed=typed, mistake=mistake)
    return page.respond(
        desk.around,
        desk.say("pay-heading"),
        page.order_lines(payment),
        page.paragraph(desk.say("renews")) if payment.is_recurring else "",
        page.payment_form(payment, checkout),
        page.paragraph(desk.say("pay-lead", gateway=desk.gateway.title), kind="quiet"),
        title=desk.say("page-title", tokens=words.tokens(payment.tokens)),
        status=422 if mistake else 200,
    )


def _closed(desk: Desk) -> HTTPResponse:
    """Say how an order stands that is not waiting to be paid."""
    payment, state = desk.payment, page.closed_state(desk.payment)
    values = {"tokens": words.tokens(payment.tokens)} if state == "paid" else {}
    return page.respond(
        desk.around,
        desk.say(f"{state}-heading"),
        page.paragraph(desk.say(state, **values), kind="good" if state == "paid" else "", role="status"),
        page.order_lines(payment),
        page.subscription_form(payment, desk.token),
        is_over=True,
    )


@blueprint.post("/<code:str>")
@_page
async def pay(request: Request, code: str) -> HTTPResponse:
    """Have the invoice made and send the payer to the gateway's page."""
    desk = await _desk(request, code, TRIES)
    if not _is_from_our_page(request, desk):
        raise Closed("stale", 403)
    if not page.is_payable(desk.payment):
        return _closed(desk)
    email, typed = None, _field(request, "email")
    if desk.gateway.needs_email:
        try:
            email = emails.clean(typed) if typed.strip() else await desk.known_email()
        except emails.NotAnEmail:
            return await _form(desk, typed=typed[: emails.LONGEST], mistake=True)
        if email is None:
            return await _form(desk, mistake=True)
    return await _begin(desk, email)


async def _begin(desk: Desk, email: str | None) -> HTTPResponse:
    here = f"/pay/{desk.payment.code}"
    title = desk.gateway.title
    again = page.link(desk.say("again"), here)
    try:
        begun = await web.begin(desk.payment, email)
    except web.StillAsking:
        text = page.paragraph(desk.say("busy"), role="status")
        return page.respond(desk.around, desk.say("busy-heading"), text, refresh=f"2; url={here}")
    except GatewayUnavailable:
        heading, text = desk.say("away-heading", gateway=title), page.paragraph(desk.say("away"), role="status")
        response = page.respond(desk.around, heading, text, again, status=503)
        response.headers["Retry-After"] = str(RETRY_AFTER)
        return response
    except GatewayError:
        text = page.paragraph(desk.say("refused", gateway=title), role="status")
        return page.respond(desk.around, desk.say("refused-heading"), text, status=502, is_over=True)
    if begun.status is PaymentStatus.PENDING and begun.payment_url:
        return HTTPResponse(status=303, headers={"Location": begun.payment_url})
    return HTTPResponse(status=303, headers={"Location": here})


@blueprint.get("/<code:str>/<came:success|failed|cancelled>")
@_page
async def come_back(request: Request, code: str, came: str) -> HTTPResponse:
    """Show how the order really stands, whichever way the gateway sent its payer back."""
    desk = await _desk(request, code, LOOKS)
    desk = Desk(await web.look(desk.payment, desk.gateway), desk.gateway, desk.around, desk.token)
    if desk.payment.status is not PaymentStatus.PENDING:
        return _closed(desk)
    if came == "success":
        return _waiting(desk, request)
    key = "not-paid" if came == "failed" else "left"
    checkout = await desk.checkout()
    return page.respond(
        desk.around,
        desk.say(f"{key}-heading"),
        page.paragraph(desk.say(key), role="status"),
        page.order_lines(desk.payment),
        page.payment_form(desk.payment, checkout) if page.is_payable(desk.payment) else "",
    )


def _waiting(desk: Desk, request: Request) -> HTTPResponse:
    """The payer says that it is paid; the money has still to say so."""
    here = f"/pay/{desk.payment.code}/success"
    typed = str(request.args.get("look", "0"))
    look = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 0
    is_over = look >= len(REFRESHES)
    return page.respond(
        desk.around,
        desk.say("waiting-heading"),
        page.paragraph(desk.say("waiting-long" if is_over else "waiting"), role="status"),
        page.order_lines(desk.payment),
        page.link(desk.say("check-again"), here, kind="button second"),
        refresh="" if is_over else f"{REFRESHES[look]}; url={here}?look={look + 1}",
    )


@blueprint.post("/<code:str>/cancel")
@_page
async def cancel(request: Request, code: str) -> HTTPResponse:
    """End the subscription that the order began."""
    desk = await _desk(request, code, TRIES)
    if not _is_from_our_page(request, desk):
        raise Closed("stale", 403)
    here = f"/pay/{code}"
    if page.subscription_form(desk.payment, desk.token) and desk.payment.subscription_ends_at is None:
        try:
            await subscriptions.cancel(desk.payment, desk.gateway)
        except GatewayError as error:
            is_refusal = isinstance(error, GatewayRefused)
            logger.warning("subscription_not_cancelled", code=code, error=str(error))
            text = page.paragraph(desk.say("cancel-failed", gateway=desk.gateway.title), role="status")
            again = page.link(desk.say("again"), here)
            return page.respond(desk.around, desk.say("cancel"), text, again, status=502 if is_refusal else 503)
    return HTTPResponse(status=303, headers={"Location": here})
