"""Gives money back: the tokens first, in one transaction, then the money, by a task that repeats until it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core import db, ledger
from core.alerts import alert
from core.ledger import Posting, PostingKind
from core.logs import get_logger
from core.payments import gateways, repository
from core.payments.gateways.base import GatewayRefused, GatewayUnavailable, RefundIsManual
from core.payments.states import Payment, PaymentStatus
from core.queue import outbox
from core.types import IdempotencyKey, Tokens

log = get_logger(__name__)

REPEATED_AFTER = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)


class RefundRefused(Exception):
    """The money stays; nothing was changed. `code` is stable."""

    code = "refund_refused"


class NotRefundable(RefundRefused):
    """The payment did not come, or its money went back by another way."""

    code = "not_refundable"

    def __init__(self, payment: Payment) -> None:
        super().__init__(f"Payment {payment.code} is {payment.status.value}: there is nothing to give back")
        self.payment = payment


class TokensSpent(RefundRefused):
    """The user has spent tokens of this payment; an operator may write the difference off."""

    code = "tokens_spent"

    def __init__(self, *, given: Tokens, balance: Tokens) -> None:
        super().__init__(
            f"The payment gave {given} tokens and the user has {balance} left: {given - balance} are spent"
        )
        self.given = given
        self.balance = balance

    @property
    def missing(self) -> Tokens:
        """How many tokens would have to be written off."""
        return self.given - self.balance


@dataclass(frozen=True, slots=True)
class Taken:
    """What a refund took from the balance, and how much an operator wrote off."""

    tokens: Tokens
    written_off: Tokens


async def refund(
    code: str, *, actor: str, reason: str, write_off: bool = False, is_done_outside: bool = False
) -> Payment:
    """Take the tokens back and have the money returned, in the caller's transaction.

    A payment that is being refunded or was refunded is returned as it is.

    Args:
        write_off: give the user the missing tokens first, as a posting of its own, so that all can be taken back.
        is_done_outside: the money went back already, in the gateway's cabinet.

    Raises:
        PaymentNotFound: there is none of that code.
        NotRefundable, TokensSpent: nothing was changed.
    """
    payment = await repository.lock((await repository.get(code)).id)
    if payment.status in {PaymentStatus.REFUNDED, PaymentStatus.REFUNDING} and not is_done_outside:
        return payment
    if payment.status is PaymentStatus.REFUNDED:
        return payment
    if payment.status is PaymentStatus.PAID:
        await take_back(payment, actor=actor, reason=reason, write_off=write_off)
    elif payment.status is PaymentStatus.QUARANTINED:
        await repository.move(payment, PaymentStatus.REFUNDING, problem=payment.problem)
    elif payment.status is not PaymentStatus.REFUNDING:
        raise NotRefundable(payment)
    payment = await repository.lock(payment.id)
    if is_done_outside:
        await _done(payment)
    else:
        await repository.check_later(payment, datetime.now(UTC) + REPEATED_AFTER)
        await outbox.publish_later("payments.refund", {"code": payment.code})
    log.info("payment.refund_begun", code=payment.code, actor=actor)
    return await repository.lock(payment.id)


async def take_back(payment: Payment, *, actor: str, reason: str, write_off: bool) -> Taken:
    """Reverse the deposit of a paid payment and the bonuses that came with it, and mark it as being refunded.

    Raises:
        TokensSpent: the balance is too low and nothing is to be written off.
    """
    assert payment.user_id is not None
    assert payment.transaction_id is not None
    # The balance is locked before it is read: nobody spends between the look and the reversal.
    balance = await db.fetch_value(
        "SELECT balance FROM botapp_userbalance WHERE user_id = $1 FOR UPDATE", payment.user_id
    )
    given = await given_with(payment)
    total = sum((posting.amount for posting in given), Decimal(0))
    missing = max(total - balance, Decimal(0))
    if missing and not write_off:
        raise TokensSpent(given=total, balance=balance)
    if missing:
        await ledger.post(
            payment.user_id,
            missing,
            PostingKind.ADMIN,
            key=IdempotencyKey(f"write-off:{payment.code}"),
            related=payment.transaction_id,
            actor=actor,
            reason=reason,
        )
    for posting in given:
        await ledger.reverse(posting, key=IdempotencyKey(f"reversal:{posting.id}"), actor=actor, reason=reason)
    await repository.move(payment, PaymentStatus.REFUNDING)
    return Taken(total, missing)


async def given_with(payment: Payment) -> list[Posting]:
    """Return the postings that gave the payer tokens for a payment: its deposit, then bonuses."""
    rows = await db.fetch(
        """
        SELECT id FROM botapp_transaction
        WHERE user_id = $2 AND (id = $1 OR related_transaction_id = $1 AND type = 'bonus') ORDER BY id
        """,
        payment.transaction_id,
        payment.user_id,
    )
    return [await ledger.get(row["id"]) for row in rows]


async def carry_out(code: str) -> Payment:
    """Have the gateway return the money of a payment that is being refunded; a fault leaves it for the next time."""
    payment = await repository.get(code)
    if payment.status is not PaymentStatus.REFUNDING:
        return payment
    try:
        await gateways.get(payment.gateway).refund(payment)
    except GatewayUnavailable as error:
        pause = min(REPEATED_AFTER * 2 ** min(payment.attempts, 10), LONGEST_PAUSE)
        await repository.check_later(payment, datetime.now(UTC) + pause, problem=str(error)[:500])
        log.warning("payment.refund_postponed", code=code, error=str(error), again_in=pause.total_seconds())
        return payment
    except (GatewayRefused, RefundIsManual, gateways.GatewayNotConfigured) as error:
        async with db.transaction():
            await repository.check_later(payment, None, problem=str(error)[:500])
            await alert(
                f"refund:{code}",
                f"The tokens of payment {code} are taken back, its money is not returned: {error}. "
                f'Return it by hand, then: nb payments refund {code} --done-outside --reason "…"',
                error=error,
            )
        await outbox.flush()
        return payment
    async with db.transaction():
        locked = await repository.lock(payment.id)
        if locked.status is PaymentStatus.REFUNDING:
            await _done(locked)
    await outbox.flush()
    log.info("payment.refunded", code=code, gateway=payment.gateway)
    return await repository.get(code)


async def _done(payment: Payment) -> None:
    """Record that the money is back; the user is told, and a subscription takes no more."""
    await repository.move(payment, PaymentStatus.REFUNDED)
    await outbox.publish_later("bot.tell_payment", {"code": payment.code})
    if payment.is_recurring:
        await outbox.publish_later("payments.end_subscription", {"code": payment.code})
