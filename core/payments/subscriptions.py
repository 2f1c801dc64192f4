"""The end of a subscription: asked for by who pays, or because a payment of it was refunded."""

from __future__ import annotations

from core import db
from core.alerts import alert
from core.logs import get_logger
from core.payments import crediting, gateways, repository
from core.payments.gateways.base import Gateway, GatewayError, Receipt
from core.payments.states import Payment, PaymentStatus
from core.queue import outbox

log = get_logger(__name__)


async def cancel(payment: Payment, gateway: Gateway) -> Receipt:
    """End the subscription that an order began; what was paid stays paid.

    Raises:
        core.payments.gateways.GatewayError: it goes on.
    """
    receipt = await gateway.cancel_subscription(payment)
    await crediting.receive(receipt)
    log.info("payment.subscription_cancelled", code=payment.code, gateway=payment.gateway)
    return receipt


async def end_refunded(code: str) -> None:
    """Have nothing more paid for a subscription of which a payment was refunded; operators hear where that fails."""
    payment = await repository.get(code)
    if not payment.is_recurring or payment.status is not PaymentStatus.REFUNDED:
        return
    first = await repository.by_id(payment.subscription_id) if payment.subscription_id else payment
    if first.subscription_ends_at is not None:
        return
    try:
        await cancel(first, gateways.get(first.gateway))
    except (GatewayError, gateways.GatewayNotConfigured) as error:
        async with db.transaction():
            await alert(
                f"subscription:{first.code}",
                f"Payment {code} is refunded, and its subscription {first.code} goes on: {error}. "
                f"End it at {first.gateway}, or ask its user to.",
                error=error,
            )
        await outbox.flush()
