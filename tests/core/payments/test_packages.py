"""What is sold: four packages from the start, then whatever operators make of them."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import asyncpg
import pytest

from core import db
from core.payments import packages
from core.payments.packages import CENTS_PER_STAR, UnknownPackage
from core.settings import Settings

pytestmark = pytest.mark.integration


async def test_four_packages_are_sold_from_the_start(database: Settings) -> None:
    assert [
        (package.code, package.title, str(package.tokens), str(package.price_usd), package.stars)
        for package in await packages.everything()
    ] == [
        ("tokens-100", "100 ⚡", "100.00", "5.00", 385),
        ("tokens-200", "200 ⚡", "200.00", "10.00", 770),
        ("tokens-500", "500 ⚡", "500.00", "25.00", 1925),
        ("tokens-1000", "1000 ⚡", "1000.00", "50.00", 3850),
    ]
    first = await packages.get("tokens-100")
    assert (first.is_active, first.is_recurring, dict(first.offers), first.order) == (True, False, {}, 10)


async def test_stars_bring_the_price_in_dollars(database: Settings) -> None:
    for package in await packages.everything():
        dollars = package.stars * CENTS_PER_STAR / 100
        assert abs(dollars - package.price_usd) < package.price_usd / 500


async def test_an_empty_table_is_filled_once(database: Settings) -> None:
    assert await packages.seed() == []
    await db.execute("DELETE FROM token_packages")
    seeded = await asyncio.gather(*(packages.seed() for _ in range(6)))
    assert sorted(seeded) == [[]] * 5 + [["tokens-100", "tokens-200", "tokens-500", "tokens-1000"]]
    assert len(await packages.everything()) == 4


async def test_a_table_that_an_operator_edited_is_left_alone(database: Settings) -> None:
    await db.execute("DELETE FROM token_packages WHERE code <> 'tokens-500'")
    await db.execute("UPDATE token_packages SET price_usd = 26")
    assert await packages.seed() == []
    assert [(package.code, str(package.price_usd)) for package in await packages.everything()] == [
        ("tokens-500", "26.00")
    ]


async def test_packages_come_in_their_order_then_by_price(database: Settings) -> None:
    await db.execute("UPDATE token_packages SET sort_order = 5 WHERE code IN ('tokens-1000', 'tokens-200')")
    assert [package.code for package in await packages.everything()] == [
        "tokens-200",
        "tokens-1000",
        "tokens-100",
        "tokens-500",
    ]


async def test_a_package_out_of_sale_is_seen_by_operators_only(database: Settings) -> None:
    await db.execute("UPDATE token_packages SET is_active = false WHERE code = 'tokens-200'")
    assert "tokens-200" not in {package.code for package in await packages.everything()}
    assert "tokens-200" in {package.code for package in await packages.everything(only_active=False)}
    with pytest.raises(UnknownPackage, match="There is no package 'tokens-200' on sale") as caught:
        await packages.get("tokens-200")
    assert caught.value.code == "tokens-200"
    assert not (await packages.get("tokens-200", only_active=False)).is_active
    with pytest.raises(UnknownPackage):
        await packages.get("tokens-300", only_active=False)


async def test_a_package_knows_what_gateways_call_it(database: Settings) -> None:
    await db.execute("""UPDATE token_packages SET offers = '{"lava": "836b"}', is_recurring = true, stars_amount = 0""")
    package = await packages.get("tokens-100")
    assert (dict(package.offers), package.is_recurring, package.stars) == ({"lava": "836b"}, True, 0)


@pytest.mark.parametrize("change", ["credits = 0", "price_usd = 0", "stars_amount = -1", "credits = -5"])
async def test_a_package_that_gives_or_costs_nothing_is_refused(database: Settings, change: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(f"UPDATE token_packages SET {change}")
    assert (await packages.get("tokens-100")).tokens == Decimal(100)
