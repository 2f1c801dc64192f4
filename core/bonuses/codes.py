"""Promo codes as operators keep them: what a code gives, its limits, how it stands. Callers own the transaction."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core import db
from core.types import Tokens, in_tokens

LARGEST_UNLIMITED: Tokens = Decimal("20.00")
"""A code that gives more than this to everybody who makes an account needs a limit in total: $1 at 20 ⚡ per dollar."""

CODE_PATTERN = re.compile(r"[\w-]{3,50}")

# ruff: noqa: S608  The interpolated part is the constant _COLUMNS.

_COLUMNS = """promo.id, promo.code, promo.description, promo.is_percentage, promo.value, promo.min_deposit,
    promo.max_uses, promo.max_uses_per_user, promo.current_uses, promo.valid_from, promo.valid_until, promo.is_active,
    promo.max_bonus, promo.budget, promo.total_given, promo.created_at,
    (SELECT count(*) FROM botapp_promoredemption AS use WHERE use.promo_id = promo.id AND use.transaction_id IS NULL)
        AS waiting"""


class CodeNotFound(Exception):
    """There is no promo code of that name."""

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no promo code {code!r}")


class CodeExists(Exception):
    """A promo code of that name was made before."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Promo code {code} exists already")


class CodeRefused(Exception):
    """A rule forbids to make this code; `rule` names it."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(why)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class NewCode:
    """What an operator wants a code to give, and its limits.

    Attributes:
        value: tokens, or per cent of a deposit.
        min_deposit: tokens that a deposit has at least; a code with one waits for such a deposit.
        max_bonus: most tokens that one use of a percentage gives.
        budget: most tokens that all uses give together.
    """

    code: str
    value: Decimal
    is_percentage: bool = False
    description: str = ""
    min_deposit: Tokens = Decimal(0)
    max_uses: int | None = None
    max_uses_per_user: int = 1
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    max_bonus: Tokens | None = None
    budget: Tokens | None = None


class CodeState(StrEnum):
    """Whether a code can be used; `exhausted` is one whose budget covers no further use."""

    ACTIVE = "active"
    DISABLED = "disabled"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    USED_UP = "used_up"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class PromoCode:
    """A code as it stands. `waiting` counts the uses that wait for a deposit."""

    id: int
    code: str
    description: str
    is_percentage: bool
    value: Decimal
    min_deposit: Tokens
    max_uses: int | None
    max_uses_per_user: int
    current_uses: int
    valid_from: datetime
    valid_until: datetime | None
    is_active: bool
    max_bonus: Tokens | None
    budget: Tokens | None
    total_given: Tokens
    created_at: datetime
    waiting: int

    @property
    def is_promise(self) -> bool:
        """True when it gives nothing until a deposit comes."""
        return self.is_percentage or self.min_deposit > 0

    @property
    def most(self) -> Tokens | None:
        """Most tokens that one use gives; None when a deposit of any size decides that."""
        return self.max_bonus if self.is_percentage else self.value

    @property
    def left_of_budget(self) -> Tokens | None:
        """Tokens of the budget that are neither given nor promised; None without a budget."""
        if self.budget is None:
            return None
        return self.budget - self.total_given - self.waiting * (self.most or Decimal(0))

    def bonus_for(self, deposit: Tokens) -> Tokens:
        """Return what a use gives with a deposit, never more than the budget has left."""
        bonus = in_tokens(deposit * self.value / 100) if self.is_percentage else self.value
        limits = [self.max_bonus, None if self.budget is None else self.budget - self.total_given]
        return min([bonus, *(limit for limit in limits if limit is not None)])

    def is_over(self, now: datetime) -> bool:
        """Say whether its time has passed."""
        return self.valid_until is not None and now >= self.valid_until

    def state(self, now: datetime) -> CodeState:
        """Say whether somebody who never used it could use it now, and else why not."""
        if not self.is_active:
            return CodeState.DISABLED
        if now < self.valid_from:
            return CodeState.SCHEDULED
        if self.is_over(now):
            return CodeState.EXPIRED
        if self.max_uses is not None and self.current_uses >= self.max_uses:
            return CodeState.USED_UP
        left = self.left_of_budget
        if left is not None and (left <= 0 or left < (self.most or Decimal(0))):
            return CodeState.EXHAUSTED
        return CodeState.ACTIVE


@dataclass(frozen=True, slots=True)
class Use:
    """A use of a code by somebody. `tokens` is None while it waits for a deposit."""

    chat_id: int
    number: int
    at: datetime
    tokens: Tokens | None
    payment: str | None


def normalized(text: str) -> str:
    """Return a code as it is kept: case, width of the letters and surrounding spaces do not matter."""
    upper = unicodedata.normalize("NFKC", text).upper()
    return unicodedata.normalize("NFKC", upper).strip()


async def find(code: str, *, lock: bool = False) -> PromoCode | None:
    """Return a code as it stands. With `lock` nobody else uses it until the open transaction ends."""
    wanted = normalized(code)
    if not CODE_PATTERN.fullmatch(wanted):
        return None
    if lock:
        # Apart from the reading: what a statement reads beside the row that it waited for is as old as the statement.
        await db.execute("SELECT id FROM botapp_promocode WHERE code = $1 FOR UPDATE", wanted)
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM botapp_promocode AS promo WHERE promo.code = $1", wanted)
    return None if row is None else _from_row(row)


async def latest_names(most: int = 1000) -> list[str]:
    """Names of codes, the newest first: among them somebody looks for what was meant by a slip."""
    return [row["code"] for row in await db.fetch("SELECT code FROM botapp_promocode ORDER BY id DESC LIMIT $1", most)]


async def get(code: str) -> PromoCode:
    """Return a code as it stands.

    Raises:
        CodeNotFound: there is none of that name.
    """
    found = await find(code)
    if found is None:
        raise CodeNotFound(code)
    return found


async def newest(*, limit: int, before: int | None = None) -> list[PromoCode]:
    """Return codes, the newest first, older than code `before` where it is given."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM botapp_promocode AS promo WHERE promo.id < $1 ORDER BY promo.id DESC LIMIT $2",
        2**63 - 1 if before is None else before,
        limit,
    )
    return [_from_row(row) for row in rows]


async def create(new: NewCode) -> PromoCode:
    """Make a code.

    Raises:
        CodeExists: there is one of that name, switched off perhaps.
        CodeRefused: a rule forbids it.
    """
    _refuse_what_costs_without_limit(new)
    code = normalized(new.code)
    row = await db.fetch_one(
        """
        INSERT INTO botapp_promocode (
            code, description, is_percentage, value, min_deposit, max_uses, max_uses_per_user, valid_from, valid_until,
            max_bonus, budget
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, now()), $9, $10, $11)
        ON CONFLICT (code) DO NOTHING RETURNING id
        """,
        code,
        new.description,
        new.is_percentage,
        new.value,
        new.min_deposit,
        new.max_uses,
        new.max_uses_per_user,
        new.valid_from,
        new.valid_until,
        new.max_bonus,
        new.budget,
    )
    if row is None:
        raise CodeExists(code)
    return await get(code)


async def switch(code: str, *, is_active: bool) -> PromoCode:
    """Let a code be used, or not any more. What people activated before is kept either way.

    Raises:
        CodeNotFound: there is none of that name.
    """
    found = await find(code, lock=True)
    if found is None:
        raise CodeNotFound(code)
    await db.execute("UPDATE botapp_promocode SET is_active = $2 WHERE id = $1", found.id, is_active)
    return await get(code)


async def uses(promo: PromoCode, *, limit: int) -> list[Use]:
    """Return the latest uses of a code."""
    rows = await db.fetch(
        """
        SELECT person.chat_id, use.number, use.created_at, posting.amount, payment.code AS payment
        FROM botapp_promoredemption AS use JOIN botapp_tguser AS person ON person.id = use.user_id
        LEFT JOIN botapp_transaction AS posting ON posting.id = use.transaction_id
        LEFT JOIN botapp_payment AS payment ON payment.id = use.payment_id
        WHERE use.promo_id = $1 ORDER BY use.id DESC LIMIT $2
        """,
        promo.id,
        limit,
    )
    return [Use(row["chat_id"], row["number"], row["created_at"], row["amount"], row["payment"]) for row in rows]


def _refuse_what_costs_without_limit(new: NewCode) -> None:
    most = new.max_bonus if new.is_percentage else new.value
    if new.is_percentage and new.budget is not None and new.max_bonus is None:
        raise CodeRefused(
            "promo_budget_needs_max_bonus",
            "A percentage with a budget needs the most that one use gives (max_bonus): what is promised to people is "
            "set aside from the budget",
        )
    if new.budget is not None and most is not None and new.budget < most:
        raise CodeRefused("promo_budget_covers_a_use", f"The budget {new.budget} does not cover one use of {most}")
    if new.max_uses is None and new.budget is None and (most is None or most > LARGEST_UNLIMITED):
        worth = "any deposit's percentage" if most is None else f"{most} tokens"
        raise CodeRefused(
            "promo_needs_limit",
            f"A code that gives {worth} to every account needs max_uses or a budget; without them it may give at most "
            f"{LARGEST_UNLIMITED}",
        )


def _from_row(row: db.Row) -> PromoCode:
    return PromoCode(**{name: row[name] for name in PromoCode.__slots__})
