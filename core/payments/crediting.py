"""Turns what gateways say into tokens: once, for the right user, for the right amount, or into quarantine.

`receive` is the only way in, whoever brings the news: an event, a look at an order, or the reconciliation. One
transaction holds the payment, its deposit, the bonuses that come with it and the message that tells the user.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core import bonuses, db, ledger, users
from core.alerts import alert
from core.ledger import PostingKind
from core.logs import get_logger
from core.payments import refunds, repository
from core.payments.gateways.base import Outcome, Receipt
from core.payments.repository import NewPayment
from core.payments.states import Payment, PaymentStatus
from core.queue import outbox
from core.types import IdempotencyKey, UserId, in_tokens

log = get_logger(__name__)

AWAITED = frozenset({PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.EXPIRED})
"""States of an order that money may still come for."""

LONGEST_PROBLEM = 500
LARGEST_AMOUNT = Decimal("9999999999.99")
REFUNDED_FIRST = "it was refunded before we heard that it was paid"


async def receive(receipt: Receipt) -> Payment | None:
    """Act upon what a gateway says, in a transaction of its own. Saying it again changes nothing.

    Returns the payment as it is then; None where a failure or a look concerns nothing that we know.
    """
    async with db.transaction():
        payment = await _apply(receipt)
    await outbox.flush()
    return None if payment is None else await repository.by_id(payment.id)


async def quarantine(receipt: Receipt, problem: str) -> Payment:
    """Keep money whose story does not hold together, in a transaction of its own. What is settled stays settled."""
    async with db.transaction():
        await repository.lock_external_id(receipt.gateway, receipt.external_id)
        known = await repository.by_external_id(receipt.gateway, receipt.external_id)
        payment = await repository.lock(known.id) if known is not None else None
        if payment is None or payment.status in AWAITED:
            payment = await _quarantine(receipt, problem, order=payment)
    await outbox.flush()
    return await repository.by_id(payment.id)


async def _apply(receipt: Receipt) -> Payment | None:
    await repository.lock_external_id(receipt.gateway, receipt.external_id)
    payment = await _find(receipt)
    match receipt.outcome:
        case Outcome.PAID:
            return await _paid(receipt, payment)
        case Outcome.FAILED:
            return await _failed(receipt, payment)
        case Outcome.REFUNDED:
            return await _refunded(receipt, payment)
        case Outcome.CANCELLED:
            return await _cancelled(receipt, payment)
        case Outcome.RESUMED:
            return await _resumed(payment)
    return payment


async def _find(receipt: Receipt) -> Payment | None:
    """Return the locked payment of that external id, else the order that the gateway carries back."""
    known = await repository.by_external_id(receipt.gateway, receipt.external_id)
    if known is None and receipt.order_code:
        known = await repository.find(receipt.order_code)
        if known is not None and known.gateway != receipt.gateway:
            known = None
    return None if known is None else await repository.lock(known.id)


async def _paid(receipt: Receipt, payment: Payment | None) -> Payment:
    if payment is not None and payment.external_id == receipt.external_id and payment.status not in AWAITED:
        return payment
    if receipt.subscription and (payment is None or payment.external_id != receipt.external_id):
        first = await repository.by_external_id(receipt.gateway, receipt.subscription)
        if first is None or first.user_id is None or first.package is None:
            return await _quarantine(receipt, "it renews a subscription that is not known")
        return await _renewed(receipt, await repository.lock(first.id))
    if payment is None:
        return await _quarantine(receipt, "there is no such order")
    if payment.status not in AWAITED:
        if payment.is_recurring and receipt.is_recurring:
            return await _renewed(receipt, payment)
        return await _quarantine(receipt, f"order {payment.code} is {payment.status.value} already")
    if payment.external_id not in {None, receipt.external_id}:
        return await _quarantine(receipt, f"order {payment.code} is paid under another id")
    mismatch = _mismatch(receipt, payment)
    if mismatch:
        return await _quarantine(receipt, mismatch, order=payment)
    return await _credit(receipt, payment)


async def _renewed(receipt: Receipt, order: Payment) -> Payment:
    """A further payment of a subscription gives what its order gave, at its price."""
    mismatch = _mismatch(receipt, order)
    if mismatch:
        return await _quarantine(receipt, mismatch)
    return await _credit(receipt, await _write_renewal(receipt, order))


async def _write_renewal(
    receipt: Receipt, order: Payment, *, status: PaymentStatus = PaymentStatus.PENDING, problem: str = ""
) -> Payment:
    renewal = await repository.insert(
        NewPayment(
            code=uuid.uuid4().hex,
            key=IdempotencyKey(f"renewal:{receipt.gateway}:{receipt.external_id}"),
            user_id=order.user_id,
            gateway=order.gateway,
            amount=order.amount,
            currency=order.currency,
            package=order.package,
            tokens=order.tokens,
            external_id=receipt.external_id,
            status=status,
            problem=problem,
            is_recurring=True,
            subscription_id=order.subscription_id or order.id,
            language=order.language,
        )
    )
    assert renewal is not None, "the advisory lock lets one renewal in at a time"
    return renewal


def _mismatch(receipt: Receipt, payment: Payment) -> str:
    if receipt.payer is not None and receipt.payer != payment.chat_id:
        return f"Telegram user {receipt.payer} paid order {payment.code} of {payment.chat_id}"
    if (receipt.amount, receipt.currency) != (payment.amount, payment.currency):
        return (
            f"{receipt.amount} {receipt.currency} came for order {payment.code} of {payment.amount} {payment.currency}"
        )
    return ""


async def _credit(receipt: Receipt, payment: Payment) -> Payment:
    assert payment.user_id is not None
    plan = await bonuses.plan(payment.user_id, payment.tokens)
    deposit = await ledger.post(
        payment.user_id,
        payment.tokens,
        PostingKind.DEPOSIT,
        key=deposit_key(payment.code),
        actor=f"gateway:{payment.gateway}",
        reason=f"payment {payment.code}",
    )
    await repository.mark_paid(payment, external_id=receipt.external_id, deposit=deposit.id, paid_at=receipt.at)
    await bonuses.give(plan, deposit, payment)
    await outbox.publish_later("bot.tell_payment", {"code": payment.code})
    log.info("payment.credited", code=payment.code, gateway=payment.gateway, tokens=str(payment.tokens))
    return payment


def deposit_key(code: str) -> IdempotencyKey:
    """Key of the deposit that a payment makes."""
    return IdempotencyKey(f"payment:{code}")


async def _quarantine(receipt: Receipt, problem: str, *, order: Payment | None = None) -> Payment:
    """Keep money that fits nothing where an operator sees it, and tell them. Nobody gets tokens for it."""
    log.warning("payment.quarantined", gateway=receipt.gateway, external_id=receipt.external_id, problem=problem)
    await alert(
        f"quarantine:{receipt.gateway}:{receipt.external_id}",
        f"A payment of {receipt.amount} {receipt.currency} over {receipt.gateway} is in quarantine: {problem}. "
        f"See: nb payments list --status quarantined",
    )
    if order is not None and order.external_id == receipt.external_id:
        await repository.move(order, PaymentStatus.QUARANTINED, problem=problem[:LONGEST_PROBLEM])
        if receipt.amount is not None:
            # The order keeps what was agreed; books and messages speak of the money that is there.
            await repository.note_what_came(order, *_kept(receipt))
        await outbox.publish_later("bot.tell_payment", {"code": order.code})
        return order
    return await _hold(receipt, problem)


def _kept(receipt: Receipt) -> tuple[Decimal, str]:
    """Amount and currency of any receipt as columns hold them: PostgreSQL has no number of a billion decimals."""
    amount = in_tokens(min(max(receipt.amount or Decimal(0), Decimal(0)), LARGEST_AMOUNT))
    return amount, (receipt.currency or "???")[:3]


async def _hold(receipt: Receipt, problem: str) -> Payment:
    """Write down money of nobody, whatever it looks like: an amount beyond the column is kept in the details."""
    code = uuid.uuid4().hex
    amount, currency = _kept(receipt)
    row = await repository.insert(
        NewPayment(
            code=code,
            # Not the gateway's id: one that was let go of may come again.
            key=IdempotencyKey(f"quarantine:{code}"),
            user_id=await _user_of(receipt),
            gateway=receipt.gateway,
            amount=amount,
            currency=currency,
            external_id=receipt.external_id,
            status=PaymentStatus.QUARANTINED,
            problem=problem[:LONGEST_PROBLEM],
            details=db.to_json(
                {
                    "order": receipt.order_code,
                    "payer": receipt.payer,
                    "amount": receipt.amount,
                    "currency": receipt.currency,
                }
            ),
        )
    )
    assert row is not None, "the advisory lock lets one event of a payment in at a time"
    return row


async def _user_of(receipt: Receipt) -> UserId | None:
    user = await users.get(receipt.payer) if receipt.payer is not None else None
    return user.id if user else None


async def free_from_quarantine(gateway: str, external_id: str) -> bool:
    """Let go of an id that came before the gateway had told us whose it is; True when one was held."""
    await repository.lock_external_id(gateway, external_id)
    held = await repository.by_external_id(gateway, external_id)
    if held is None or held.status is not PaymentStatus.QUARANTINED:
        return False
    await db.execute(
        """
        UPDATE botapp_payment SET status = 'dismissed', external_id = NULL, updated_at = now(),
            problem = 'its order became known'
        WHERE id = $1
        """,
        held.id,
    )
    return True


async def _failed(receipt: Receipt, payment: Payment | None) -> Payment | None:
    if receipt.subscription and (payment is None or payment.external_id != receipt.external_id):
        return await _renewal_failed(receipt)
    if payment is None or payment.status not in {PaymentStatus.PENDING, PaymentStatus.EXPIRED}:
        return payment
    if payment.external_id not in {None, receipt.external_id}:
        return payment
    await repository.move(payment, PaymentStatus.FAILED, problem=receipt.reason[:LONGEST_PROBLEM])
    await outbox.publish_later("bot.tell_payment", {"code": payment.code})
    log.info("payment.failed", code=payment.code, gateway=payment.gateway, reason=receipt.reason)
    return payment


async def _renewal_failed(receipt: Receipt) -> Payment | None:
    """A renewal that was not paid is written down, so that its user is told; it may still be paid later."""
    assert receipt.subscription is not None
    order = await repository.by_external_id(receipt.gateway, receipt.subscription)
    if order is None or order.user_id is None or order.package is None:
        return None
    problem = receipt.reason[:LONGEST_PROBLEM]
    renewal = await _write_renewal(receipt, order, status=PaymentStatus.FAILED, problem=problem)
    await outbox.publish_later("bot.tell_payment", {"code": renewal.code})
    log.info("payment.renewal_failed", code=renewal.code, gateway=renewal.gateway, reason=problem)
    return renewal


async def _refunded(receipt: Receipt, payment: Payment | None) -> Payment | None:
    if payment is None or payment.external_id != receipt.external_id:
        # The refund overtook its payment. Written down, it keeps the payment that is still to come from being credited.
        payment = await _hold(receipt, REFUNDED_FIRST)
    if payment.status in AWAITED:
        await repository.move(payment, PaymentStatus.QUARANTINED, problem=REFUNDED_FIRST)
        payment = await repository.lock(payment.id)
    if payment.status is PaymentStatus.PAID:
        await refunds.take_back(payment, actor=f"gateway:{payment.gateway}", reason="refunded there", write_off=True)
        payment = await repository.lock(payment.id)
    if payment.status in {PaymentStatus.REFUNDING, PaymentStatus.QUARANTINED}:
        await repository.move(payment, PaymentStatus.REFUNDED, problem=payment.problem)
        await outbox.publish_later("bot.tell_payment", {"code": payment.code})
    return payment


async def _cancelled(receipt: Receipt, payment: Payment | None) -> Payment | None:
    if payment is None or payment.subscription_ends_at is not None:
        return payment
    ends_at = receipt.ends_at or datetime.now(UTC)
    await db.execute(
        "UPDATE botapp_payment SET subscription_ends_at = $2, updated_at = now() WHERE id = $1", payment.id, ends_at
    )
    await outbox.publish_later("bot.tell_payment", {"code": payment.code})
    return payment


async def _resumed(payment: Payment | None) -> Payment | None:
    if payment is not None and payment.subscription_ends_at is not None:
        await db.execute(
            "UPDATE botapp_payment SET subscription_ends_at = NULL, updated_at = now() WHERE id = $1", payment.id
        )
    return payment


async def expire() -> int:
    """Close orders that were not paid in time; return how many."""
    return await db.execute(
        """
        UPDATE botapp_payment SET status = 'expired', updated_at = now(),
            next_check_at = CASE WHEN external_id IS NULL THEN NULL ELSE now() + $1::interval END
        WHERE status = 'pending' AND expires_at < now()
        """,
        timedelta(hours=12),
    )
