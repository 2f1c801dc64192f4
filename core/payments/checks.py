"""Asks gateways about what they have not told: orders whose event is late, refunds that are not done.

What could not be told to a user, since Telegram was away, is due here as well.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from core.logs import get_logger
from core.payments import crediting, gateways, refunds, repository
from core.payments.gateways.base import GatewayError
from core.payments.states import Payment, PaymentStatus
from core.queue import outbox

log = get_logger(__name__)

FIRST_PAUSE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(days=3)
"""Age of an order that no gateway is asked about any more; the reconciliation still finds its money."""


async def check_due() -> int:
    """Ask about every payment whose time has come; return how many there were.

    Raises:
        Whatever the first of them raised that nobody expected, once all of them were asked about.
    """
    await crediting.expire()
    due = await repository.due()
    ends = await asyncio.gather(*(_check(payment) for payment in due), return_exceptions=True)
    for end in ends:
        if end is not None:
            raise end
    return len(due)


async def _check(payment: Payment) -> None:
    if payment.status is PaymentStatus.REFUNDING:
        await refunds.carry_out(payment.code)
    elif payment.status in crediting.AWAITED:
        await look(payment)
    else:
        await repository.check_later(payment, None)
        await outbox.publish_later("bot.tell_payment", {"code": payment.code})
        await outbox.flush()


async def look(payment: Payment) -> Payment:
    """Ask the gateway how an order stands and act upon it; a fault leaves it for the next time."""
    try:
        receipt = await gateways.get(payment.gateway).look_up(payment)
    except (GatewayError, gateways.GatewayNotConfigured) as error:
        log.warning("payment.not_looked_up", code=payment.code, error=str(error))
        await repository.check_later(payment, _next(payment))
        return payment
    if receipt is not None:
        await crediting.receive(receipt)
    current = await repository.by_id(payment.id)
    if current.status is not PaymentStatus.REFUNDING:
        await repository.check_later(current, _next(current) if current.status in crediting.AWAITED else None)
    return current


def _next(payment: Payment) -> datetime | None:
    now = datetime.now(UTC)
    if now - payment.created_at > GIVEN_UP_AFTER:
        return None
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(payment.attempts, 10), LONGEST_PAUSE)
    return now + pause
