"""Edits of what is sold. Orders keep what they were made with: they hold their own tokens, amount and currency.

Everything here runs inside the caller's transaction. A package is never deleted, since orders name it; it is taken off
sale.
"""

from __future__ import annotations

import difflib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from core import db
from core.payments import packages
from core.payments.packages import Package

MOST_TOKENS = Decimal("1000000")
MOST_DOLLARS = Decimal("10000")
MOST_STARS = 100_000
"""Telegram's own limit of one invoice is of this order."""

STEP = 10
"""Distance between the places of two packages in the order."""

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,49}")
_GATEWAY = re.compile(r"[a-z][a-z0-9_]{1,19}")
_OFFER = re.compile(r"[!-~]{1,100}")


@dataclass(frozen=True, slots=True)
class PackageWish:
    """What a package shall have; None leaves it as it is. In `offers` an empty text removes the gateway's."""

    title: str | None = None
    tokens: Decimal | None = None
    price_usd: Decimal | None = None
    stars: int | None = None
    offers: Mapping[str, str] = field(default_factory=dict)
    is_recurring: bool | None = None
    order: int | None = None


class InvalidPackage(Exception):
    """A value cannot be; every problem is named."""

    code = "invalid_package"

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{name}: {message}" for name, message in problems))


class PackageExists(Exception):
    """The code is taken, by a package that may be off sale."""

    def __init__(self, code: str) -> None:
        super().__init__(f"There is a package {code!r} already")
        self.code = code


class NoSuchPackage(Exception):
    """There is no package of that code, on sale or off it."""

    def __init__(self, code: str, known: Sequence[str]) -> None:
        self.near = difflib.get_close_matches(code, known, n=3, cutoff=0.5)
        super().__init__(f"There is no package {code!r}" + (f"; near: {', '.join(self.near)}" if self.near else ""))
        self.code = code


@dataclass(frozen=True, slots=True)
class Edited:
    """A package before and after; None before it was added."""

    before: Package | None
    after: Package


async def find(code: str) -> Package:
    """Return a package, on sale or off it.

    Raises:
        NoSuchPackage: with the nearest codes.
    """
    return await _found(code, "")


async def add(code: str, wish: PackageWish) -> Edited:
    """Put a new package on sale.

    Raises:
        PackageExists: see there.
        InvalidPackage: a value cannot be, or tokens or price are missing.
    """
    problems = [] if _CODE.fullmatch(code) else [("code", f"{code[:60]!r}: a code is 2 to 50 of a-z, 0-9 and -")]
    problems += [(name, "is missing") for name in ("tokens", "price_usd") if getattr(wish, name) is None]
    problems += _problems(wish)
    if problems:
        raise InvalidPackage(problems)
    last = await db.fetch_value("SELECT coalesce(max(sort_order), 0) FROM token_packages")
    assert wish.tokens is not None
    assert wish.price_usd is not None
    blank = Package(
        code=code,
        title=f"{wish.tokens.normalize():f} ⚡",
        tokens=wish.tokens,
        price_usd=wish.price_usd,
        stars=0,
        offers={},
        is_recurring=False,
        is_active=True,
        order=last + STEP,
    )
    package = _merged(blank, wish)
    added = await db.execute(
        """
        INSERT INTO token_packages
            (code, title, credits, price_usd, stars_amount, offers, is_recurring, is_active, sort_order)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (code) DO NOTHING
        """,
        *_columns(package),
    )
    if not added:
        raise PackageExists(code)
    return Edited(None, package)


async def edit(code: str, wish: PackageWish) -> Edited:
    """Change a package.

    Raises:
        NoSuchPackage: with the nearest codes.
        InvalidPackage: a value cannot be.
    """
    before = await _found(code, "FOR UPDATE")
    if problems := _problems(wish):
        raise InvalidPackage(problems)
    return await _write(before, _merged(before, wish))


async def put_on_sale(code: str, *, is_active: bool) -> Edited:
    """Put a package on sale or take it off. An order that is made can be paid either way.

    Raises:
        NoSuchPackage: with the nearest codes.
    """
    before = await _found(code, "FOR UPDATE")
    return await _write(before, replace(before, is_active=is_active))


async def arrange(codes: Sequence[str]) -> list[Package]:
    """Show these packages first, in this order; the others follow as they did. Return all of them.

    Raises:
        NoSuchPackage: with the nearest codes.
        InvalidPackage: a code comes twice.
    """
    await db.execute("LOCK TABLE token_packages IN SHARE ROW EXCLUSIVE MODE")
    everything = {package.code: package for package in await packages.everything(only_active=False)}
    repeated = sorted({code for code in codes if codes.count(code) > 1})
    if repeated:
        raise InvalidPackage([("codes", f"{', '.join(repeated)} is named twice")])
    for code in codes:
        if code not in everything:
            raise NoSuchPackage(code, list(everything))
    arranged = [*codes, *(code for code in everything if code not in codes)]
    for place, code in enumerate(arranged, start=1):
        await db.execute(
            "UPDATE token_packages SET sort_order = $2, updated_at = now() WHERE code = $1", code, place * STEP
        )
    return await packages.everything(only_active=False)


async def _found(code: str, locking: str) -> Package:
    row = await db.fetch_one(f"SELECT * FROM token_packages WHERE code = $1 {locking}", code)  # noqa: S608  ours
    if row is None:
        raise NoSuchPackage(code, [package.code for package in await packages.everything(only_active=False)])
    return packages.from_row(row)


async def _write(before: Package, after: Package) -> Edited:
    if after != before:
        await db.execute(
            """
            UPDATE token_packages SET title = $2, credits = $3, price_usd = $4, stars_amount = $5, offers = $6,
                is_recurring = $7, is_active = $8, sort_order = $9, updated_at = now()
            WHERE code = $1
            """,
            *_columns(after),
        )
    return Edited(before, after)


def _columns(package: Package) -> tuple[Any, ...]:
    return (
        package.code,
        package.title,
        package.tokens,
        package.price_usd,
        package.stars,
        db.to_json(dict(package.offers)),
        package.is_recurring,
        package.is_active,
        package.order,
    )


def _merged(package: Package, wish: PackageWish) -> Package:
    offers = {name: offer for name, offer in {**package.offers, **wish.offers}.items() if offer}
    given = {
        name: value
        for name in ("title", "tokens", "price_usd", "stars", "is_recurring", "order")
        if (value := getattr(wish, name)) is not None
    }
    return replace(package, **given, offers=json.loads(json.dumps(offers)))


def _problems(wish: PackageWish) -> list[tuple[str, str]]:
    found = [
        *_amount("tokens", wish.tokens, MOST_TOKENS),
        *_amount("price_usd", wish.price_usd, MOST_DOLLARS),
        *(("offers", problem) for name, offer in wish.offers.items() if (problem := _offer_problem(name, offer))),
    ]
    if wish.stars is not None and not 0 <= wish.stars <= MOST_STARS:
        found.append(("stars", f"{wish.stars} is not between 0 (not sold for Stars) and {MOST_STARS}"))
    if wish.title is not None and (not wish.title.strip() or len(wish.title) > 60 or not wish.title.isprintable()):
        found.append(("title", "a title is one line of 1 to 60 characters"))
    if wish.order is not None and not 0 <= wish.order <= 100_000:
        found.append(("order", f"{wish.order} is not between 0 and 100000"))
    return found


def _amount(name: str, amount: Decimal | None, most: Decimal) -> list[tuple[str, str]]:
    if amount is None:
        return []
    if not amount.is_finite() or amount <= 0:
        return [(name, f"{amount} is not above 0")]
    if amount > most:
        return [(name, f"{amount:f} is above {most}")]
    if amount != amount.quantize(Decimal("0.01")):
        return [(name, f"{amount} has more than two decimals")]
    return []


def _offer_problem(gateway: str, offer: str) -> str:
    if not _GATEWAY.fullmatch(gateway):
        return f"{gateway[:40]!r} is no name of a gateway"
    if not offer:
        return ""
    if gateway == "lava" and not _is_uuid(offer):
        return f"{offer[:60]!r} is not an id of Lava.top, such as 836b9fc5-7ae9-4a27-9642-592bc44072b7"
    return "" if _OFFER.fullmatch(offer) else f"{offer[:60]!r} is no id: 1 to 100 characters without spaces"


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
