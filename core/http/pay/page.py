"""The payment page as HTML: what is bought, how its order stands, and what the payer can do about it. No scripts."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from sanic import HTTPResponse

from core.http.pay import words
from core.payments import Payment, PaymentStatus
from core.types import Language

CLOSED: Final = {
    PaymentStatus.FAILED: "failed",
    PaymentStatus.EXPIRED: "expired",
    PaymentStatus.PAID: "paid",
    PaymentStatus.REFUNDING: "refunding",
    PaymentStatus.REFUNDED: "refunded",
    PaymentStatus.QUARANTINED: "held",
    PaymentStatus.DISMISSED: "closed",
}
"""What is said of an order that is not waiting for money."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every page of this service says, and what its browser may do."""

    language: Language
    bot_name: str | None = None
    support: str = ""
    is_secure: bool = True


@dataclass(frozen=True, slots=True)
class Checkout:
    """What the form of an order needs.

    Attributes:
        email: the address of the last time, masked.
        typed: what was entered; with `mistake`, why the form is shown again.
    """

    gateway: str
    needs_email: bool
    token: str
    email: str = ""
    typed: str = ""
    mistake: bool = False


@cache
def _template() -> Template:
    return Template(files("core.http.pay").joinpath("page.html").read_text(encoding="utf-8"))


@cache
def _style() -> tuple[str, str]:
    """The style sheet, and what allows exactly it."""
    style = files("core.http.pay").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, f"'sha256-{digest}'"


def respond(
    around: Surroundings,
    heading: str,
    *blocks: str,
    title: str = "",
    status: int = 200,
    refresh: str = "",
    is_over: bool = False,
) -> HTTPResponse:
    """Return a page.

    Args:
        heading: text; blocks are HTML.
        refresh: where the browser goes by itself, and when.
        is_over: there is nothing left to do here but to go back.
    """
    style, allowed = _style()
    brand = words.say(around.language, "brand")
    html = _template().substitute(
        language=around.language,
        title=escape(f"{title or heading} · {brand}"),
        style=style,
        brand=escape(brand),
        heading=escape(heading),
        body="\n".join(block for block in (*blocks, _footer(around, is_over=is_over)) if block),
    )
    # A form that is answered with a redirect to the gateway needs its address to be allowed, too.
    goes_to = "'self' https:" if around.is_secure else "'self' https: http:"
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src {allowed}; form-action {goes_to}; "
        "base-uri 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
    }
    if refresh:
        headers["Refresh"] = refresh
    return HTTPResponse(html, status, headers=headers, content_type="text/html; charset=utf-8")


def _footer(around: Surroundings, *, is_over: bool) -> str:
    say = words.say
    parts = []
    if around.bot_name:
        label = escape(say(around.language, "to-bot"))
        kind = "button" if is_over else "button second"
        parts.append(f'<a class="{kind}" href="https://t.me/{escape(around.bot_name)}">{label}</a>')
    if around.support:
        parts.append(f'<p class="quiet">{escape(say(around.language, "help", contact=around.support))}</p>')
    return f"<footer>{''.join(parts)}</footer>" if parts else ""


def paragraph(text: str, *, kind: str = "", role: str = "") -> str:
    """A paragraph of text."""
    attributes = f' class="{kind}"' if kind else ""
    attributes += f' role="{role}"' if role else ""
    return f"<p{attributes}>{escape(text)}</p>"


def link(text: str, address: str, *, kind: str = "button") -> str:
    """A link that looks like a button."""
    return f'<a class="{kind}" href="{escape(address)}">{escape(text)}</a>'


def order_lines(payment: Payment) -> str:
    """What is bought, for how much, under which number."""
    language, amount = payment.language, words.price(payment.language, payment.amount, payment.currency)
    suffix = {"tokens": words.tokens(payment.tokens)}
    rows = (
        ("what", words.say(language, "every-month" if payment.is_recurring else "tokens", **suffix)),
        ("price", words.say(language, "price-every-month", price=amount) if payment.is_recurring else amount),
        ("order", payment.code[:8]),
    )
    lines = "".join(
        f"<div><dt>{escape(words.say(language, key))}</dt><dd>{escape(value)}</dd></div>" for key, value in rows
    )
    return f"<dl>{lines}</dl>"


def payment_form(payment: Payment, checkout: Checkout) -> str:
    """The form that has the invoice made, or the way on where there is one."""
    language = payment.language
    price = words.price(language, payment.amount, payment.currency)
    if payment.payment_url:
        return link(words.say(language, "continue", price=price), payment.payment_url)
    field = _email_field(language, checkout) if checkout.needs_email else ""
    button = escape(words.say(language, "pay", price=price))
    return (
        f'<form method="post" action="/pay/{payment.code}">{_token(checkout.token)}{field}'
        f'<button class="button">{button}</button></form>'
    )


def _email_field(language: Language, checkout: Checkout) -> str:
    why = (
        words.say(language, "email-known", email=checkout.email)
        if checkout.email
        else words.say(language, "email-why", gateway=checkout.gateway)
    )
    mistake = '<p class="wrong" id="mistake" role="alert">{}</p>'.format(escape(words.say(language, "email-wrong")))
    described = "why mistake" if checkout.mistake else "why"
    return (
        f'<div><label for="email">{escape(words.say(language, "email"))}</label>'
        f"{mistake if checkout.mistake else ''}"
        f'<input id="email" name="email" type="email" inputmode="email" autocomplete="email" maxlength="254" '
        f'aria-describedby="{described}" value="{escape(checkout.typed)}" placeholder="{escape(checkout.email)}"'
        f"{' aria-invalid=true' if checkout.mistake else ''}{'' if checkout.email else ' required'}></div>"
        f'<p class="quiet" id="why">{escape(why)}</p>'
    )


def subscription_form(payment: Payment, token: str) -> str:
    """How a paid subscription is ended, or when it ends."""
    language = payment.language
    if not payment.is_recurring or payment.status is not PaymentStatus.PAID or payment.subscription_id is not None:
        return ""
    if payment.subscription_ends_at is not None:
        ends = words.date(language, payment.subscription_ends_at)
        return paragraph(words.say(language, "subscription-ends", date=ends), kind="quiet")
    return (
        f'<form method="post" action="/pay/{payment.code}/cancel">{_token(token)}'
        f"{paragraph(words.say(language, 'cancel-why'), kind='quiet')}"
        f'<button class="button second">{escape(words.say(language, "cancel"))}</button></form>'
    )


def _token(token: str) -> str:
    return f'<input type="hidden" name="token" value="{escape(token)}">'


def is_payable(payment: Payment) -> bool:
    """Say whether an order still waits for its money, and may be paid."""
    is_late = payment.expires_at is not None and payment.expires_at <= datetime.now(UTC)
    return payment.status is PaymentStatus.PENDING and not is_late


def closed_state(payment: Payment) -> str:
    """The word for the state of an order that cannot be paid any more."""
    return CLOSED.get(payment.status, "expired")
