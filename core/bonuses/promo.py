"""Using a promo code: it gives tokens at once, or promises them for the next deposit that is large enough.

The code's row is locked while it is used, so that 200 people in one second are counted one after the other.
`core.bonuses.deposits` keeps the promises.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from core import db, ledger
from core.bonuses import codes, tries
from core.bonuses.codes import CodeState, PromoCode
from core.bonuses.person import lock_person
from core.ledger import Posting, PostingKind
from core.logs import get_logger
from core.types import IdempotencyKey, Tokens, UserId

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Given:
    """The code gave tokens."""

    code: str
    posting: Posting


@dataclass(frozen=True, slots=True)
class Activated:
    """The code gives something with the next deposit of at least `min_deposit` tokens, before `until`.

    Attributes:
        percent: of the deposit; None when it gives `tokens`.
        tokens: None when it gives `percent`.
        max_bonus: most tokens that it gives.
        is_new: False when the person had activated it before and it still waits.
    """

    code: str
    percent: Decimal | None
    tokens: Tokens | None
    min_deposit: Tokens
    max_bonus: Tokens | None
    until: datetime | None
    is_new: bool


class PromoRefused(Exception):
    """The code gave nothing. `code` is stable, for programs."""

    code: ClassVar[str]


class UnknownCode(PromoRefused):
    """There is no such code."""

    code = "promo_unknown"

    def __init__(self) -> None:
        super().__init__("There is no such promo code")


class NotYetValid(PromoRefused):
    """Its time has not come."""

    code = "promo_not_yet_valid"

    def __init__(self, since: datetime) -> None:
        super().__init__(f"The promo code is valid from {since.isoformat()}")
        self.since = since


class Expired(PromoRefused):
    """Its time has passed."""

    code = "promo_expired"

    def __init__(self) -> None:
        super().__init__("The promo code has expired")


class SwitchedOff(PromoRefused):
    """An operator switched it off."""

    code = "promo_switched_off"

    def __init__(self) -> None:
        super().__init__("The promo code is switched off")


class UsedUp(PromoRefused):
    """It was used as often as it may be, by everybody together."""

    code = "promo_used_up"

    def __init__(self) -> None:
        super().__init__("The promo code is used up")


class BudgetExhausted(PromoRefused):
    """Its budget does not cover another use."""

    code = "promo_budget_exhausted"

    def __init__(self) -> None:
        super().__init__("The promo code has given everything that it had")


class UsedByYou(PromoRefused):
    """This person used it as often as one may; `received` is what it gave them."""

    code = "promo_used_by_you"

    def __init__(self, received: Tokens) -> None:
        super().__init__(f"You have used this promo code; it gave you {received} tokens")
        self.received = received


class TooManyTries(PromoRefused):
    """This person typed too many wrong codes; `retry_in` tells when the next one is looked at."""

    code = "promo_too_many_tries"

    def __init__(self, retry_in: timedelta) -> None:
        super().__init__(f"Too many wrong promo codes; wait for {retry_in.total_seconds():.0f} s")
        self.retry_in = retry_in


async def redeem(user: UserId, text: str, now: datetime, *, key: IdempotencyKey | None = None) -> Given | Activated:
    """Use the code that somebody typed, in a transaction of its own.

    Args:
        key: names the wish; asking again with it gives the same answer, also for a code that one may use often.

    Raises:
        PromoRefused: nothing was given; see its subclasses.
    """
    attempt, pause = await tries.begin(user, now)
    if pause is not None:
        raise TooManyTries(pause)
    is_wrong = False
    try:
        async with db.transaction():
            outcome = await _redeem(user, text, now, key)
    except UnknownCode:
        is_wrong = True
        raise
    finally:
        if not is_wrong:
            await tries.forgive(user, attempt)
    log.info("promo.redeemed", code=outcome.code, user=user, outcome=type(outcome).__name__.lower())
    return outcome


async def _redeem(user: UserId, text: str, now: datetime, key: IdempotencyKey | None) -> Given | Activated:
    await lock_person(user)
    promo = await codes.find(text, lock=True)
    if promo is None:
        raise UnknownCode
    uses = await _uses_of(user, promo)
    number = len(uses) + 1
    posting_key = IdempotencyKey(f"promo:{promo.id}:{user}:{key or number}")
    repeated = next((use["transaction_id"] for use in uses if use["idempotency_key"] == posting_key), None)
    if repeated is not None:
        return Given(promo.code, await ledger.get(repeated))
    if any(use["transaction_id"] is None for use in uses) and not promo.is_over(now):
        return _promise(promo, is_new=False)
    if len(uses) >= promo.max_uses_per_user:
        raise UsedByYou(sum((use["amount"] or Decimal(0) for use in uses), Decimal(0)))
    _refuse_outside_limits(promo, now)
    if promo.is_promise:
        await _record(promo, user, number, None)
        return _promise(promo, is_new=True)
    posting = await ledger.post(user, promo.value, PostingKind.BONUS, key=posting_key, reason=f"promo:{promo.code}")
    await _record(promo, user, number, posting)
    return Given(promo.code, posting)


async def _uses_of(user: UserId, promo: PromoCode) -> list[db.Row]:
    return await db.fetch(
        """
        SELECT use.transaction_id, posting.amount, posting.idempotency_key
        FROM botapp_promoredemption AS use LEFT JOIN botapp_transaction AS posting ON posting.id = use.transaction_id
        WHERE use.promo_id = $1 AND use.user_id = $2
        """,
        promo.id,
        user,
    )


def _refuse_outside_limits(promo: PromoCode, now: datetime) -> None:
    match promo.state(now):
        case CodeState.DISABLED:
            raise SwitchedOff
        case CodeState.SCHEDULED:
            raise NotYetValid(promo.valid_from)
        case CodeState.EXPIRED:
            raise Expired
        case CodeState.USED_UP:
            raise UsedUp
        case CodeState.EXHAUSTED:
            raise BudgetExhausted


async def _record(promo: PromoCode, user: UserId, number: int, posting: Posting | None) -> None:
    """Write the use down; a trigger counts it and holds the limits."""
    await db.execute(
        "INSERT INTO botapp_promoredemption (promo_id, user_id, number, transaction_id) VALUES ($1, $2, $3, $4)",
        promo.id,
        user,
        number,
        posting.id if posting else None,
    )
    if posting:
        await count_given(promo.id, posting.amount)


async def count_given(promo_id: int, tokens: Tokens) -> None:
    """Count what a code gave against its budget, which a constraint holds."""
    await db.execute("UPDATE botapp_promocode SET total_given = total_given + $2 WHERE id = $1", promo_id, tokens)


def _promise(promo: PromoCode, *, is_new: bool) -> Activated:
    return Activated(
        code=promo.code,
        percent=promo.value if promo.is_percentage else None,
        tokens=None if promo.is_percentage else promo.value,
        min_deposit=promo.min_deposit,
        max_bonus=promo.max_bonus if promo.is_percentage else None,
        until=promo.valid_until,
        is_new=is_new,
    )
