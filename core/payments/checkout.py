"""Says whether an order may be paid now, right before the money moves: a gateway that asks gets its answer here.

What is refused here costs nobody anything. What is paid all the same goes through `crediting`, which is the one that
holds: this is a courtesy to people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from core import users
from core.payments import repository
from core.payments.crediting import AWAITED
from core.payments.states import PaymentStatus
from core.types import Language


class Refusal(StrEnum):
    """Why an order may not be paid. The value names the words for it."""

    UNKNOWN = "unknown"
    NOT_YOURS = "not_yours"
    PAID = "paid"
    EXPIRED = "expired"
    OTHER_PRICE = "other_price"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody is about to pay. `code` is None where the gateway carries nothing of ours."""

    gateway: str
    code: str | None
    payer: int
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Decision:
    """None as refusal: go on. `language` is the payer's, where we know them."""

    refusal: Refusal | None
    language: Language | None


async def decide(question: Question) -> Decision:
    """Look the order and its buyer up."""
    buyer = await users.get(question.payer)
    refusal = await _refusal(question, is_blocked=buyer is not None and buyer.is_blocked)
    return Decision(refusal, buyer.language if buyer else None)


async def _refusal(question: Question, *, is_blocked: bool) -> Refusal | None:
    if is_blocked:
        return Refusal.BLOCKED
    order = await repository.find(question.code) if question.code else None
    if order is None or order.gateway != question.gateway:
        return Refusal.UNKNOWN
    if order.chat_id != question.payer:
        return Refusal.NOT_YOURS
    if order.status not in AWAITED:
        return Refusal.PAID
    is_late = order.expires_at is not None and order.expires_at <= datetime.now(UTC)
    if order.status is PaymentStatus.EXPIRED or is_late:
        return Refusal.EXPIRED
    if (question.amount, question.currency) != (order.amount, order.currency):
        return Refusal.OTHER_PRICE
    return None
