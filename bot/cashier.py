"""What Telegram says about money: the question before a payment, the payment, its refund, a subscription's end.

None of it goes through the dialogue's routers: a blocked person's money counts as well, and an error here is never
answered with an apology but raised, so that the inbox repeats the update until it works.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest

from bot import faults, pre_checkout
from bot.pre_checkout import PreCheckout
from core.inbox import Event
from core.logs import get_logger
from core.payments import PaymentStatus, checkout, crediting, gateways, repository
from core.payments.checkout import Decision, Question
from core.payments.gateways.base import Outcome, Receipt
from core.payments.gateways.stars import NAME, SUBSCRIPTION_SECONDS, StarsGateway
from core.queue import outbox

logger = get_logger(__name__)

LEAST_TIME: Final = 0.2
"""Seconds that a decision gets even where its time is over: the answer may still be in time."""


def stars() -> StarsGateway:
    """Return the gateway of Telegram Stars."""
    gateway = gateways.get(NAME)
    assert isinstance(gateway, StarsGateway)
    return gateway


class Cashier:
    """Handles updates about money."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def handle(self, event: Event) -> bool:
        """Handle an update if it is about money, and say whether it was.

        Raises:
            Whatever keeps a payment from being written down; the update must be handled again.
        """
        for kind, handler in self._handlers.items():
            if isinstance(content := event.payload.get(kind), dict):
                return await handler(content, event)
        return False

    @property
    def _handlers(self) -> Mapping[str, Callable[[dict[str, Any], Event], Awaitable[bool]]]:
        return {
            "pre_checkout_query": self._answer,
            "message": self._book,
            "subscription": self._note_subscription,
        }

    async def _answer(self, content: dict[str, Any], event: Event) -> bool:
        query = pre_checkout.parse(content)
        if query is None:
            logger.error("pre_checkout_not_understood", update_id=event.event_id)
            return True
        refusal = await _refusal(query, event)
        with suppress(TelegramBadRequest):
            # Refused where the question is no longer open: web has answered, or nobody did in time.
            await self._bot.answer_pre_checkout_query(query.id, ok=refusal is None, error_message=refusal)
        await pre_checkout.note_answer(query.id)
        logger.info("pre_checkout_answered", update_id=event.event_id, ok=refusal is None)
        return True

    async def _book(self, message: dict[str, Any], event: Event) -> bool:
        if "successful_payment" in message:
            receipt = stars().payment_receipt(message)
        elif "refunded_payment" in message:
            receipt = stars().refund_receipt(message)
        else:
            return False
        payment = await crediting.receive(receipt)
        if payment is not None and payment.status is PaymentStatus.QUARANTINED:
            # Somebody has paid and gets nothing for it yet: they are not left in silence.
            await outbox.publish_later("bot.tell_payment", {"code": payment.code})
            await outbox.flush()
        state = payment.status.value if payment else "unknown"
        logger.info("payment_booked", update_id=event.event_id, outcome=receipt.outcome.value, status=state)
        return True

    async def _note_subscription(self, change: dict[str, Any], event: Event) -> bool:
        receipt = stars().subscription_receipt(change)
        if receipt is None:
            logger.info("subscription_unchanged", update_id=event.event_id, state=change.get("state"))
            return True
        await crediting.receive(await _with_end(receipt))
        return True


async def _refusal(query: PreCheckout, event: Event) -> str | None:
    """Decide within the time that is left; return the words of a no."""
    deadline = event.received_at + timedelta(seconds=pre_checkout.ANSWERED_WITHIN)
    left = max((deadline - datetime.now(UTC)).total_seconds(), LEAST_TIME)
    # A task that is left behind: taking back a statement may take as long as the database itself.
    deciding = asyncio.create_task(_decide(query))
    await asyncio.wait({deciding}, timeout=left)
    if not deciding.done():
        deciding.cancel()
        logger.warning("pre_checkout_out_of_time", update_id=event.event_id)
        return pre_checkout.refusal_words(query.language, "busy")
    try:
        decision = deciding.result()
    except Exception as error:
        # Whatever it was, the person is told now, and nothing was paid.
        logger.exception("pre_checkout_not_decided", update_id=event.event_id)
        faults.note(event, error)
        return pre_checkout.refusal_words(query.language, "busy")
    if decision.refusal is None:
        return None
    return pre_checkout.refusal_words(decision.language or query.language, decision.refusal.value)


async def _decide(query: PreCheckout) -> Decision:
    code = stars().order_code(query.payload)
    return await checkout.decide(Question(NAME, code, query.payer, Decimal(query.amount), query.currency))


async def _with_end(receipt: Receipt) -> Receipt:
    """Say when a cancelled subscription ends: with the month that was paid last."""
    if receipt.outcome is not Outcome.CANCELLED or receipt.order_code is None:
        return receipt
    order = await repository.find(receipt.order_code)
    if order is None:
        return receipt
    paid_at = (await repository.newest_of_subscription(order)).paid_at
    ends_at = paid_at + timedelta(seconds=SUBSCRIPTION_SECONDS) if paid_at else None
    return replace(receipt, ends_at=ends_at)
