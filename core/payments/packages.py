"""What is sold: tokens at a price. Packages are rows that operators edit; four are there from the start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from core import db
from core.types import Tokens

CENTS_PER_STAR = Decimal("1.3")
"""What Telegram pays for a Star, in US cents. The shipped packages cost as many Stars as bring the price in dollars."""

SHIPPED = (
    ("tokens-100", Decimal(100), Decimal(5), 385),
    ("tokens-200", Decimal(200), Decimal(10), 770),
    ("tokens-500", Decimal(500), Decimal(25), 1925),
    ("tokens-1000", Decimal(1000), Decimal(50), 3850),
)
"""Code, tokens, US dollars, Stars."""


class UnknownPackage(Exception):
    """There is no package of that code, or it is not sold."""

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no package {code!r} on sale")
        self.code = code


@dataclass(frozen=True, slots=True)
class Package:
    """Tokens at a price. `offers` holds what gateways call it."""

    code: str
    title: str
    tokens: Tokens
    price_usd: Decimal
    stars: int
    offers: Mapping[str, str]
    is_recurring: bool
    is_active: bool
    order: int


async def seed() -> list[str]:
    """Add the shipped packages to an empty table and return their codes; an operator's table is left alone."""
    async with db.transaction():
        await db.execute("LOCK TABLE token_packages IN SHARE ROW EXCLUSIVE MODE")
        if await db.fetch_value("SELECT EXISTS (SELECT FROM token_packages)"):
            return []
        for order, (code, tokens, dollars, stars) in enumerate(SHIPPED, start=1):
            await db.execute(
                """
                INSERT INTO token_packages (code, title, credits, price_usd, stars_amount, sort_order)
                VALUES ($1, $2, $3, $4, $5, $6)
                """,
                code,
                f"{tokens:.0f} ⚡",
                tokens,
                dollars,
                stars,
                order * 10,
            )
    return [code for code, *_ in SHIPPED]


async def everything(*, only_active: bool = True) -> list[Package]:
    """Return the packages in their order."""
    rows = await db.fetch(
        "SELECT * FROM token_packages WHERE is_active OR NOT $1 ORDER BY sort_order, price_usd, code", only_active
    )
    return [from_row(row) for row in rows]


async def get(code: str, *, only_active: bool = True) -> Package:
    """Return a package.

    Raises:
        UnknownPackage: there is none of that code, or it is not sold.
    """
    row = await db.fetch_one(
        "SELECT * FROM token_packages WHERE code = $1 AND (is_active OR NOT $2)", code, only_active
    )
    if row is None:
        raise UnknownPackage(code)
    return from_row(row)


def from_row(row: db.Row) -> Package:
    """Return the package of a row."""
    return Package(
        code=row["code"],
        title=row["title"],
        tokens=row["credits"],
        price_usd=row["price_usd"],
        stars=row["stars_amount"],
        offers=json.loads(row["offers"]),
        is_recurring=row["is_recurring"],
        is_active=row["is_active"],
        order=row["sort_order"],
    )
