"""What comes with a deposit: the first one's bonus, the percentage of a promo code, the reward of who invited.

Runs inside the transaction that credits the payment, for every gateway alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from core import ledger
from core.ledger import Posting, PostingKind
from core.types import IdempotencyKey, Tokens, UserId, in_tokens

if TYPE_CHECKING:
    from core.payments.states import Payment

FIRST_DEPOSIT_SHARE = Decimal("0.20")
FIRST_DEPOSIT_MOST: Tokens = Decimal("50.00")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deposit will bring, worked out and locked before the balance is."""

    user: UserId


async def plan(user: UserId, tokens: Tokens) -> Plan:
    """Work out what a deposit of `tokens` brings, and lock what it takes it from.

    Locks come before the deposit's own: a redemption locks its code and then the balance, and so does this.
    """
    del tokens
    return Plan(user)


async def give(agreed: Plan, deposit: Posting, payment: Payment) -> list[Posting]:
    """Post what the plan says; each posting names the deposit, so that a refund takes it back too."""
    del payment
    given = [await _first_deposit(agreed.user, deposit)]
    return [posting for posting in given if posting is not None]


async def _first_deposit(user: UserId, deposit: Posting) -> Posting | None:
    amount = min(in_tokens(deposit.amount * FIRST_DEPOSIT_SHARE), FIRST_DEPOSIT_MOST)
    return await ledger.give_once(
        user,
        amount,
        PostingKind.BONUS,
        key=IdempotencyKey(f"first_deposit:{user}"),
        related=deposit.id,
        reason="first_deposit",
    )
