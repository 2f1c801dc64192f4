"""Help with payments: what was paid and what became of it, a way to ask for money back, and the terms."""

from __future__ import annotations

from typing import Final

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import keyboards_payments
from bot.buttons import Button, Pressed
from bot.payment_words import date_words, money_words, short_code, state_words
from bot.talk import Talk
from bot.texts import Html, Words, join, lines
from core import db, ledger, payments
from core.alerts import alert
from core.payments import Payment, PaymentStatus, refunds, repository
from core.queue import outbox
from core.types import Tokens

SHOWN: Final = 5
LOOKED_AT: Final = 20
HIDDEN: Final = frozenset({PaymentStatus.PENDING, PaymentStatus.EXPIRED, PaymentStatus.DISMISSED})
"""Orders that nobody paid, and what an operator has dealt with."""


def router() -> Router:
    """Return the router."""
    router = Router(name="paysupport")
    router.message.register(show, Command("paysupport", ignore_case=True))
    router.message.register(show_terms, Command("terms", ignore_case=True))
    router.callback_query.register(ask_for_refund, Pressed(Button.REFUND, 1))
    return router


async def show(_message: Message, talk: Talk, support_contact: str) -> None:
    """Show the latest payments with their states, and what can be done about them.

    Args:
        support_contact: whom people write to; empty where there is nobody.
    """
    known = await payments.of_user(talk.user.id, limit=LOOKED_AT)
    latest = [payment for payment in known if payment.status not in HIDDEN][:SHOWN]
    balance = await ledger.balance_of(talk.user.id)
    refundable = [payment for payment in latest if await _is_refundable(payment, balance)]
    text = join(
        talk.words("paysupport-title"),
        _list(talk.words, latest),
        _how(talk.words, support_contact),
        talk.words("paysupport-refunds") if refundable else "",
    )
    await talk.say(text, keyboard=keyboards_payments.refunds(talk.words, refundable))


async def show_terms(_message: Message, talk: Talk) -> None:
    """Say what tokens are, how they are paid and how money comes back."""
    await talk.say(talk.words("terms"))


async def ask_for_refund(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Note that the person wants the money back, once, and tell the operators, who decide."""
    payment = await payments.find(arguments[0])
    if payment is None or payment.user_id != talk.user.id or payment.status is not PaymentStatus.PAID:
        await talk.toast(query, talk.words.plain("paysupport-not-refundable"), is_alert=True)
        return
    async with db.transaction():
        is_new = await repository.request_refund(payment)
        if is_new:
            await alert(
                f"refund-request:{payment.code}",
                f"User {talk.user.chat_id} asks for {payment.amount} {payment.currency} back. "
                f"See: nb payments show {payment.code}",
            )
    await outbox.flush()
    if not is_new:
        await talk.toast(query, talk.words.plain("paysupport-asked-already"), is_alert=True)
        return
    await talk.toast(query)
    amount = money_words(talk.words, payment.amount, payment.currency)
    await talk.say(talk.words("paysupport-asked", amount=amount))


async def _is_refundable(payment: Payment, balance: Tokens) -> bool:
    """Say whether all that the payment gave is still there, and nobody has asked for its money yet."""
    if payment.status is not PaymentStatus.PAID or payment.refund_requested_at is not None:
        return False
    return sum(posting.amount for posting in await refunds.given_with(payment)) <= balance


def _list(words: Words, latest: list[Payment]) -> Html:
    if not latest:
        return words("paysupport-none")
    return lines(words("paysupport-latest"), *(_line(words, payment) for payment in latest))


def _line(words: Words, payment: Payment) -> Html:
    date = date_words(words, payment.paid_at or payment.created_at)
    amount = money_words(words, *payment.money)
    state, code = state_words(words, payment), short_code(payment)
    if not payment.tokens:
        return words("paysupport-line-held", date=date, amount=amount, state=state, code=code)
    return words("paysupport-line", date=date, tokens=payment.tokens, amount=amount, state=state, code=code)


def _how(words: Words, contact: str) -> Html:
    return words("paysupport-how", contact=contact) if contact else words("paysupport-how-alone")
