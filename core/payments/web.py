"""What the payment page does with an order: has its invoice made once, and asks the gateway when a payer comes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from core import db
from core.alerts import alert
from core.logs import get_logger
from core.payments import crediting, orders, repository
from core.payments.gateways.base import GatewayError, GatewayRefused, WebGateway
from core.payments.states import Payment, PaymentStatus
from core.queue import outbox
from core.types import UserId

log = get_logger(__name__)

ASKING: Final = timedelta(seconds=25)
"""How long one request has the gateway to itself: longer than its time-outs together."""

PAUSE: Final = timedelta(seconds=3)
"""After a fault, before the next try: what was lost on the way back should show in the gateway's list by then."""

LOOK_EVERY: Final = timedelta(seconds=4)
LOOK_LIMIT: Final = 4.0


class StillAsking(Exception):
    """Another request is having the invoice made; ask again in a moment."""


async def remembered_email(user: UserId, gateway: str) -> str | None:
    """Return the address that a user paid with the last time."""
    found = await db.fetch_value(
        """
        SELECT details ->> 'email' FROM botapp_payment
        WHERE user_id = $1 AND gateway = $2 AND details ? 'email' ORDER BY id DESC LIMIT 1
        """,
        user,
        gateway,
    )
    return None if found is None else str(found)


async def begin(payment: Payment, email: str | None) -> Payment:
    """Have the gateway make the invoice of a pending order, for a payer with this address; return the order with it.

    Raises:
        StillAsking: see there.
        core.payments.gateways.GatewayError: there is no invoice yet.
    """
    if not await _claim(payment, email):
        current = await repository.by_id(payment.id)
        if current.payment_url or current.status is not PaymentStatus.PENDING:
            return current
        raise StillAsking
    try:
        return await orders.invoice(await repository.by_id(payment.id))
    except GatewayError as error:
        log.warning("payment.no_invoice", code=payment.code, gateway=payment.gateway, error=str(error))
        await _release(payment)
        if isinstance(error, GatewayRefused):
            await _tell_operators(payment, error)
        raise


async def _claim(payment: Payment, email: str | None) -> bool:
    """Remember the address, and let one request at a time ask: asked twice at once, a gateway makes two invoices."""
    return bool(
        await db.execute(
            """
            UPDATE botapp_payment SET updated_at = now(), details = details
                || jsonb_build_object('asked_until', now() + $3::interval,
                    'asks', coalesce((details ->> 'asks')::int, 0) + 1)
                || CASE WHEN $2::text IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('email', $2::text, 'asked_as',
                    (coalesce(details -> 'asked_as', '[]'::jsonb) - $2::text) || to_jsonb($2::text)) END
            WHERE id = $1 AND status = 'pending' AND payment_url = ''
                AND coalesce((details ->> 'asked_until')::timestamptz, '-infinity') < now()
            """,
            payment.id,
            email,
            ASKING,
        )
    )


async def _release(payment: Payment) -> None:
    await db.execute(
        "UPDATE botapp_payment SET details = details || jsonb_build_object('asked_until', now() + $2::interval) "
        "WHERE id = $1",
        payment.id,
        PAUSE,
    )


async def _tell_operators(payment: Payment, error: GatewayRefused) -> None:
    async with db.transaction():
        await alert(
            f"invoice:{payment.gateway}", f"No invoice for order {payment.code}, nobody can pay: {error}", error=error
        )
    await outbox.flush()


async def look(payment: Payment, gateway: WebGateway) -> Payment:
    """Ask the gateway about an order that a payer came back from, not too often and not for long."""
    if payment.status not in crediting.AWAITED or not payment.external_id or not await _may_look(payment):
        return payment
    try:
        async with asyncio.timeout(LOOK_LIMIT):
            receipt = await gateway.look_up(payment)
    except (GatewayError, TimeoutError) as error:
        log.info("payment.page_not_looked_up", code=payment.code, error=type(error).__name__)
        return payment
    if receipt is not None:
        await crediting.receive(receipt)
    return await repository.by_id(payment.id)


async def _may_look(payment: Payment) -> bool:
    return bool(
        await db.execute(
            """
            UPDATE botapp_payment SET details = details || jsonb_build_object('looked_until', now() + $2::interval)
            WHERE id = $1 AND coalesce((details ->> 'looked_until')::timestamptz, '-infinity') < now()
            """,
            payment.id,
            LOOK_EVERY,
        )
    )
