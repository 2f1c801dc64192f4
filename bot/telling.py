"""Tells a person what became of their payment: one message for each state that it reaches.

That a state was told is recorded after the message is sent. A worker that dies between the two leaves it unrecorded,
and then the person is told twice, never not at all. While Telegram is away, the payment waits for another attempt.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import InlineKeyboardMarkup

from bot.buttons import Button, button
from bot.client import LOST_ANSWER
from bot.payment_words import bonus_words, date_words, money_words
from bot.routers import cart
from bot.texts import Html, Words, join, lines
from core import cart as waiting_orders
from core import ledger, redis, users
from core.ledger import Posting
from core.logs import get_logger
from core.payments import Payment, PaymentStatus, refunds, repository
from core.types import Tokens

logger = get_logger(__name__)

LEASE: Final = 60
"""Seconds in which nobody else tells the same state: longer than a call to Telegram takes."""

FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
MOST_ATTEMPTS: Final = 50

BRINGS_TOKENS: Final = frozenset({"paid", "renewed"})
"""States that may make an order payable which there were too few tokens for."""

BUY_AGAIN: Final = frozenset({"failed"})
"""States after which a button for another attempt is shown."""


async def tell(bot: Bot, code: str) -> None:
    """Tell the state that a payment is in, unless it was told."""
    payment = await repository.get(code)
    state = state_of(payment)
    recipient = payment.chat_id or payment.details.get("payer")
    if state is None or recipient is None or state in payment.details.get("told", ()):
        return
    if not await _leased(payment, state):
        return
    user = await users.get(recipient)
    words = Words(user.language if user else payment.language)
    text, keyboard = await _text(words, payment, state), _keyboard(words, state)
    if user and state in BRINGS_TOKENS and (waiting := await cart.offer(words, user)) is not None:
        text, keyboard = join(text, waiting[0]), waiting[1]
    try:
        await bot.send_message(recipient, text, reply_markup=keyboard)
    except TelegramForbiddenError:
        logger.info("payment_not_told", code=code, state=state, reason="the user blocked the bot")
    except (*LOST_ANSWER, TelegramRetryAfter) as error:
        if user:
            await waiting_orders.offer_again(user.id)
        await _tell_later(payment, state, type(error).__name__)
        return
    except TelegramAPIError as error:
        logger.error("payment_not_told", code=code, state=state, reason=str(error)[:200])
    await repository.record_told(payment, state)


def state_of(payment: Payment) -> str | None:
    """Return what there is to tell; None while nothing is decided."""
    match payment.status:
        case PaymentStatus.PAID if payment.subscription_ends_at is not None:
            return "cancelled"
        case PaymentStatus.PAID:
            return "renewed" if payment.subscription_id is not None else "paid"
        case PaymentStatus.FAILED:
            return "failed"
        case PaymentStatus.REFUNDED:
            return "refunded" if payment.transaction_id is not None else "returned"
        case PaymentStatus.QUARANTINED:
            return "held"
    return None


async def _text(words: Words, payment: Payment, state: str) -> Html:
    amount = money_words(words, *payment.money)
    match state:
        case "paid" | "renewed":
            given = await refunds.given_with(payment)
            return join(
                lines(
                    words(f"payment-{state}", tokens=payment.tokens, amount=amount),
                    *(bonus_words(words, posting) for posting in given[1:]),
                ),
                words("payment-balance", balance=await _balance(payment)),
            )
        case "refunded":
            given = await refunds.given_with(payment)
            return join(
                words("payment-refunded", amount=amount, tokens=_sum(given)),
                words("payment-balance", balance=await _balance(payment)),
            )
        case "cancelled":
            assert payment.subscription_ends_at is not None
            return words("payment-cancelled", date=date_words(words, payment.subscription_ends_at))
    return words(f"payment-{state}", amount=amount)


def _keyboard(words: Words, state: str) -> InlineKeyboardMarkup | None:
    if state not in BUY_AGAIN:
        return None
    return InlineKeyboardMarkup(inline_keyboard=[[button(words.plain("button-top-up"), Button.TOP_UP)]])


async def _balance(payment: Payment) -> Tokens:
    assert payment.user_id is not None
    return await ledger.balance_of(payment.user_id)


def _sum(given: list[Posting]) -> Tokens:
    return sum((posting.amount for posting in given), Decimal(0))


def _key(payment: Payment, state: str) -> str:
    return f"nb:telling:{payment.code}:{state}"


async def _leased(payment: Payment, state: str) -> bool:
    """Have the state to oneself for a moment: two tasks about one payment may run side by side."""
    try:
        return bool(await redis.client().set(_key(payment, state), "1", nx=True, ex=LEASE))
    except redis.UNAVAILABLE:
        return True


async def _tell_later(payment: Payment, state: str, error: str) -> None:
    logger.warning("payment_told_later", code=payment.code, state=state, error=error)
    if payment.attempts < MOST_ATTEMPTS:
        pause: timedelta = min(FIRST_PAUSE * 2 ** min(payment.attempts, 10), LONGEST_PAUSE)
        await repository.check_later(payment, datetime.now(UTC) + pause)
    try:
        await redis.client().delete(_key(payment, state))
    except redis.UNAVAILABLE as away:
        logger.warning("lease_runs_out_by_itself", error=type(away).__name__)
