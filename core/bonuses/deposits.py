"""What comes with a deposit: the first one's bonus, what a promo code promised, the reward of who invited.

Runs inside the transaction that credits the payment, for every gateway alike. `expected` tells the same beforehand, so
that a screen promises what is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from core import db, ledger
from core.bonuses import codes, promo, referrals
from core.bonuses.person import has_paid, lock_person
from core.ledger import Posting, PostingKind
from core.logs import get_logger
from core.types import IdempotencyKey, Tokens, UserId, in_tokens

if TYPE_CHECKING:
    from core.payments.states import Payment

log = get_logger(__name__)

FIRST_DEPOSIT_SHARE = Decimal("0.20")
FIRST_DEPOSIT_MOST: Tokens = Decimal("50.00")
NOTHING: Tokens = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Promise:
    """A promo code that was activated and not used yet, and what it gives with the deposit at hand."""

    redemption: int
    promo_id: int
    code: str
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deposit brings the person who pays, beside its own tokens."""

    user: UserId
    first_deposit: Tokens = NOTHING
    promise: Promise | None = None

    @property
    def tokens(self) -> Tokens:
        """Everything that comes on top of the deposit."""
        return self.first_deposit + (self.promise.tokens if self.promise else NOTHING)


async def plan(user: UserId, tokens: Tokens) -> Plan:
    """Work out what a deposit of `tokens` brings, and lock what it takes it from.

    It comes before anything is posted: see `core.bonuses.person` for the order.
    """
    await lock_person(user)
    return Plan(user, await first_deposit_bonus(user, tokens), await _oldest_promise(user, tokens, lock=True))


async def expected(user: UserId, tokens: Tokens) -> Plan:
    """Say what a deposit of `tokens` would bring now, for a screen that offers it; nothing is locked."""
    return Plan(user, await first_deposit_bonus(user, tokens), await _oldest_promise(user, tokens, lock=False))


async def first_deposit_bonus(user: UserId, tokens: Tokens) -> Tokens:
    """Return what comes with the first deposit of a lifetime; nothing for a later one, whatever became of the first."""
    given = "SELECT EXISTS (SELECT FROM botapp_transaction WHERE idempotency_key = $1)"
    if await has_paid(user) or await db.fetch_value(given, _first_deposit_key(user)):
        return NOTHING
    return min(in_tokens(tokens * FIRST_DEPOSIT_SHARE), FIRST_DEPOSIT_MOST)


async def give(agreed: Plan, deposit: Posting, payment: Payment) -> list[Posting]:
    """Post what the plan says. The payer's postings name the deposit, so that a refund takes them back with it."""
    given = [await _first_deposit(agreed, deposit), await _keep(agreed.promise, deposit, payment)]
    # Last, since it locks somebody else's balance.
    await referrals.reward(agreed.user, deposit)
    return [posting for posting in given if posting is not None]


async def _first_deposit(agreed: Plan, deposit: Posting) -> Posting | None:
    if not agreed.first_deposit:
        return None
    return await ledger.give_once(
        agreed.user,
        agreed.first_deposit,
        PostingKind.BONUS,
        key=_first_deposit_key(agreed.user),
        related=deposit.id,
        reason="first_deposit",
    )


def _first_deposit_key(user: UserId) -> IdempotencyKey:
    return IdempotencyKey(f"first_deposit:{user}")


async def _keep(promise: Promise | None, deposit: Posting, payment: Payment) -> Posting | None:
    """Give what a promo code promised. The constraints of its table hold that this happens once."""
    if promise is None:
        return None
    posting = await ledger.post(
        deposit.user_id,
        promise.tokens,
        PostingKind.BONUS,
        key=IdempotencyKey(f"promo:use:{promise.redemption}"),
        related=deposit.id,
        reason=f"promo:{promise.code}",
    )
    await db.execute(
        "UPDATE botapp_promoredemption SET payment_id = $2, transaction_id = $3 WHERE id = $1",
        promise.redemption,
        payment.id,
        posting.id,
    )
    await promo.count_given(promise.promo_id, promise.tokens)
    await db.execute("UPDATE botapp_payment SET promo_code = $2 WHERE id = $1", payment.id, promise.code)
    log.info("promo.promise_kept", code=promise.code, payment=payment.code, tokens=str(promise.tokens))
    return posting


async def _oldest_promise(user: UserId, tokens: Tokens, *, lock: bool) -> Promise | None:
    """Return what was activated first of what this deposit is large enough for.

    A code that was switched off or used up since keeps its promises; one whose time has passed does not.
    """
    rows = await db.fetch(
        """
        SELECT use.id, promo.code
        FROM botapp_promoredemption AS use JOIN botapp_promocode AS promo ON promo.id = use.promo_id
        WHERE use.user_id = $1 AND use.transaction_id IS NULL AND promo.min_deposit <= $2
            AND (promo.valid_until IS NULL OR promo.valid_until > now())
        ORDER BY use.id
        """,
        user,
        tokens,
    )
    for row in rows:
        found = await codes.get(row["code"])
        if found.bonus_for(tokens) > 0:
            # One code is locked at the most; two deposits that lock two codes in turn would wait for each other.
            locked = await codes.find(found.code, lock=True) if lock else found
            assert locked is not None, "codes are kept"
            bonus = locked.bonus_for(tokens)
            return Promise(row["id"], locked.id, locked.code, bonus) if bonus > 0 else None
    return None
