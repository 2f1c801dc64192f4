"""Takes an order for tokens: what it gives and costs is written down before anybody pays."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core import db
from core.logs import get_logger
from core.payments import crediting, gateways, packages, repository
from core.payments.gateways.base import GatewayRefused, Invoice
from core.payments.packages import UnknownPackage
from core.payments.repository import NewPayment
from core.payments.states import Payment, PaymentStatus
from core.types import IdempotencyKey
from core.users import User

log = get_logger(__name__)

LIFETIME = timedelta(hours=24)
"""An order that is not paid by then is closed. Money that comes later is credited all the same."""

FIRST_LOOK = timedelta(minutes=2)
"""When the gateway is first asked about an order whose event has not come."""


class OrderKeyReused(Exception):
    """The idempotency key belongs to an order of somebody else or of another package."""


class BuyerBlocked(Exception):
    """An operator shut this user out; nothing is sold to them."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a user wants to buy."""

    user: User
    package: str
    gateway: str
    key: IdempotencyKey
    details: str = "{}"


async def place(purchase: Purchase) -> Payment:
    """Write an order down, in a transaction of its own. The same key returns the first order.

    Raises:
        UnknownPackage: the package is not sold, or not over this gateway.
        OrderKeyReused: the key belongs to another order.
        BuyerBlocked: see there.
        core.payments.gateways.GatewayNotConfigured: there is no such gateway here.
    """
    if purchase.user.is_blocked:
        raise BuyerBlocked
    gateway = gateways.get(purchase.gateway)
    first = await repository.by_key(purchase.key)
    if first is None:
        package = await packages.get(purchase.package)
        price = gateway.price(package)
        if price is None:
            raise UnknownPackage(purchase.package)
        amount, currency = price
        now = datetime.now(UTC)
        new = NewPayment(
            code=uuid.uuid4().hex,
            key=purchase.key,
            user_id=purchase.user.id,
            gateway=gateway.name,
            amount=amount,
            currency=currency,
            package=package.code,
            tokens=package.tokens,
            is_recurring=package.is_recurring,
            language=purchase.user.language,
            details=_details(purchase, package.offers.get(gateway.name)),
            expires_at=now + LIFETIME,
            next_check_at=now + FIRST_LOOK,
        )
        payment = await repository.insert(new)
        if payment is not None:
            log.info("payment.ordered", code=payment.code, package=package.code, gateway=gateway.name)
            return payment
        first = await repository.by_key(purchase.key)
        assert first is not None, "a conflicting key belongs to a committed order"
    if (first.user_id, first.package, first.gateway) != (purchase.user.id, purchase.package, purchase.gateway):
        raise OrderKeyReused(purchase.key)
    return first


def _details(purchase: Purchase, offer: str | None) -> str:
    """What the gateway calls the package is frozen with the order: an edit sells nobody something else."""
    return db.to_json({**json.loads(purchase.details), "offer": offer}) if offer else purchase.details


async def invoice(payment: Payment) -> Payment:
    """Have the gateway make an invoice for a pending order, unless it has one, and return the order with its address.

    Raises:
        core.payments.gateways.GatewayError: there is no invoice; the order stays pending.
    """
    if payment.payment_url or payment.status is not PaymentStatus.PENDING:
        return payment
    made = await gateways.get(payment.gateway).create_invoice(payment)
    async with db.transaction():
        if made.external_id is not None:
            await repository.lock_external_id(payment.gateway, made.external_id)
        locked = await repository.lock(payment.id)
        if not locked.payment_url:
            await repository.attach_invoice(locked, made, check_now=await _was_quicker(locked, made))
    return await repository.by_id(payment.id)


async def _was_quicker(order: Payment, made: Invoice) -> bool:
    """Say whether the money came before the gateway's answer, and let go of it: the order is looked up at once.

    Raises:
        GatewayRefused: that money has gone back already. The next invoice of the order is another one.
    """
    if made.external_id is None or order.external_id is not None:
        return False
    if await crediting.free_from_quarantine(order.gateway, made.external_id):
        return True
    if await repository.by_external_id(order.gateway, made.external_id) is not None:
        raise GatewayRefused(f"Invoice {made.external_id} was settled before it was known whose it is")
    return False
