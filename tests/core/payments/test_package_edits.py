"""Packages as operators edit them, and orders that no edit touches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from core import db
from core.payments import orders, package_edits, packages, repository
from core.payments.orders import Purchase
from core.payments.package_edits import InvalidPackage, NoSuchPackage, PackageExists, PackageWish
from core.payments.packages import UnknownPackage
from core.settings import Settings
from core.types import IdempotencyKey
from core.users import User
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

LAVA = "836b9fc5-7ae9-4a27-9642-592bc44072b7"
Result = TypeVar("Result")


async def transact(perform: Callable[[], Awaitable[Result]]) -> Result:
    """Run inside a transaction, as the ops API does."""
    async with db.transaction():
        return await perform()


async def edit(code: str, **wish: Any) -> package_edits.Edited:
    """Change a package."""
    return await transact(lambda: package_edits.edit(code, PackageWish(**wish)))


async def add(code: str, **wish: Any) -> package_edits.Edited:
    """Put a package on sale that has tokens and a price."""
    values: dict[str, Any] = {"tokens": Decimal(300), "price_usd": Decimal("14.50"), **wish}
    return await transact(lambda: package_edits.add(code, PackageWish(**values)))


async def codes() -> list[str]:
    """Codes of what is sold, in order."""
    return [package.code for package in await packages.everything()]


class TestEditing:
    """What is not named stays."""

    async def test_everything_can_be_changed_but_the_code(self, database: Settings) -> None:
        edited = await edit(
            "tokens-100",
            title="Starter",
            tokens=Decimal("110.50"),
            price_usd=Decimal("5.25"),
            stars=400,
            offers={"lava": LAVA},
            is_recurring=True,
            order=5,
        )
        assert edited.before is not None
        assert edited.before.title == "100 ⚡"
        assert await packages.get("tokens-100") == edited.after
        assert (edited.after.tokens, edited.after.price_usd, edited.after.stars) == (
            *(Decimal("110.50"), Decimal("5.25")),
            400,
        )
        assert dict(edited.after.offers) == {"lava": LAVA}

    async def test_what_is_not_named_stays(self, database: Settings) -> None:
        before = await packages.get("tokens-100")
        await edit("tokens-100", stars=0)
        after = await packages.get("tokens-100")
        assert (after.stars, after.price_usd, after.title) == (0, before.price_usd, before.title)

    async def test_offers_are_added_and_removed_one_by_one(self, database: Settings) -> None:
        await edit("tokens-100", offers={"lava": LAVA, "yookassa": "shop-1"})
        await edit("tokens-100", offers={"lava": ""})
        assert dict((await packages.get("tokens-100")).offers) == {"yookassa": "shop-1"}

    async def test_a_package_that_is_off_sale_can_be_edited_and_is_not_sold(self, database: Settings) -> None:
        await transact(lambda: package_edits.put_on_sale("tokens-100", is_active=False))
        await edit("tokens-100", price_usd=Decimal(6))
        with pytest.raises(UnknownPackage):
            await packages.get("tokens-100")
        await transact(lambda: package_edits.put_on_sale("tokens-100", is_active=True))
        assert (await packages.get("tokens-100")).price_usd == 6

    async def test_two_edits_at_once_lose_nothing(self, database: Settings) -> None:
        await asyncio.gather(edit("tokens-100", stars=1), edit("tokens-100", title="T"), edit("tokens-100", order=3))
        package = await packages.get("tokens-100")
        assert (package.stars, package.title, package.order) == (1, "T", 3)

    @pytest.mark.parametrize("typed", ["tokens-10", "token-100", "TOKENS-100"])
    async def test_an_unknown_code_is_refused_with_the_nearest(self, database: Settings, typed: str) -> None:
        for attempt in (
            lambda: package_edits.edit(typed, PackageWish(stars=1)),
            lambda: package_edits.put_on_sale(typed, is_active=False),
            lambda: package_edits.find(typed),
            lambda: package_edits.arrange(["tokens-100", typed]),
        ):
            with pytest.raises(NoSuchPackage) as refusal:
                await transact(attempt)
            if typed != "TOKENS-100":
                assert "tokens-100" in refusal.value.near


class TestAdding:
    """A new package comes last."""

    async def test_it_is_sold_with_a_title_made_of_its_tokens(self, database: Settings) -> None:
        added = await add("tokens-300", stars=1100)
        assert (added.before, added.after.title, added.after.stars) == (None, "300 ⚡", 1100)
        assert (await codes())[-1] == "tokens-300"
        assert await packages.get("tokens-300") == added.after

    async def test_a_code_is_taken_once_even_by_a_package_off_sale(self, database: Settings) -> None:
        await transact(lambda: package_edits.put_on_sale("tokens-100", is_active=False))
        with pytest.raises(PackageExists):
            await add("tokens-100")
        assert (await package_edits.find("tokens-100")).price_usd == 5

    async def test_added_by_five_at_once_it_is_there_once(self, database: Settings) -> None:
        results = await asyncio.gather(*(add("tokens-300") for _ in range(5)), return_exceptions=True)
        assert sum(isinstance(result, PackageExists) for result in results) == 4

    @pytest.mark.parametrize("missing", ["tokens", "price_usd"])
    async def test_tokens_and_price_are_needed(self, database: Settings, missing: str) -> None:
        with pytest.raises(InvalidPackage, match=f"{missing}: is missing"):
            await add("tokens-300", **{missing: None})

    @pytest.mark.parametrize("code", ["", "x", "Tokens", "a b", "-a", "a" * 51, "токены", "a_b", "a;b"])
    async def test_a_code_has_a_form(self, database: Settings, code: str) -> None:
        with pytest.raises(InvalidPackage, match="a code is"):
            await add(code)


class TestBadInput:
    """What no package has."""

    @pytest.mark.parametrize(
        ("wish", "said"),
        [
            ({"price_usd": Decimal(0)}, "price_usd: 0 is not above 0"),
            ({"price_usd": Decimal(-5)}, "is not above 0"),
            ({"price_usd": Decimal("4.999")}, "more than two decimals"),
            ({"price_usd": Decimal("10000.01")}, "is above 10000"),
            ({"price_usd": Decimal("NaN")}, "is not above 0"),
            ({"price_usd": Decimal("Infinity")}, "is not above 0"),
            ({"tokens": Decimal(0)}, "tokens: 0 is not above 0"),
            ({"tokens": Decimal("0.001")}, "more than two decimals"),
            ({"tokens": Decimal("1e9")}, "is above 1000000"),
            ({"stars": -1}, "is not between 0"),
            ({"stars": 100_001}, "is not between 0"),
            ({"title": " "}, "a title is"),
            ({"title": "a\nb"}, "a title is"),
            ({"title": "x" * 61}, "a title is"),
            ({"order": -1}, "order: -1"),
            ({"offers": {"lava": "not-an-id"}}, "no id of Lava|not an id of Lava"),
            ({"offers": {"La va": "x"}}, "no name of a gateway"),
            ({"offers": {"yookassa": "a b"}}, "is no id"),
        ],
    )
    async def test_it_is_refused_by_name_and_nothing_changes(
        self, database: Settings, wish: dict[str, Any], said: str
    ) -> None:
        before = await packages.get("tokens-100")
        with pytest.raises(InvalidPackage, match=said):
            await edit("tokens-100", **wish)
        with pytest.raises(InvalidPackage, match=said):
            await add("tokens-300", **wish)
        assert await packages.get("tokens-100") == before
        assert "tokens-300" not in await codes()

    async def test_every_problem_is_named_at_once(self, database: Settings) -> None:
        with pytest.raises(InvalidPackage) as refusal:
            await edit("tokens-100", stars=-1, price_usd=Decimal(0), tokens=Decimal("0.001"))
        assert [name for name, _ in refusal.value.problems] == ["tokens", "price_usd", "stars"]


class TestOrder:
    """What people see first."""

    async def test_the_named_come_first_and_the_others_follow(self, database: Settings) -> None:
        arranged = await transact(lambda: package_edits.arrange(["tokens-500", "tokens-200"]))
        assert [package.code for package in arranged] == ["tokens-500", "tokens-200", "tokens-100", "tokens-1000"]
        assert await codes() == [package.code for package in arranged]

    async def test_a_code_named_twice_is_refused(self, database: Settings) -> None:
        with pytest.raises(InvalidPackage, match="named twice"):
            await transact(lambda: package_edits.arrange(["tokens-500", "tokens-500"]))


class TestOrdersMadeBefore:
    """An order is what was agreed (predecessor's A18: tokens counted at the rate of the day of the webhook)."""

    async def test_no_edit_changes_them(self, buyer: User, till: Till) -> None:
        ordered = await orders.place(Purchase(buyer, "tokens-100", "till", IdempotencyKey("wish-1")))
        await edit("tokens-100", tokens=Decimal(1), price_usd=Decimal(99), stars=1, title="x", offers={"till": "y"})
        await transact(lambda: package_edits.put_on_sale("tokens-100", is_active=False))
        await db.execute("UPDATE pricing_settings SET usd_to_token_rate = 1")
        kept = await repository.by_id(ordered.id)
        assert (str(kept.tokens), str(kept.amount), kept.currency) == ("100.00", "5.00", "USD")
        again = await orders.place(Purchase(buyer, "tokens-100", "till", IdempotencyKey("wish-1")))
        assert (again.code, again.tokens, again.amount) == (ordered.code, ordered.tokens, ordered.amount)

    async def test_an_order_made_after_the_edit_is_the_new_one(self, buyer: User, till: Till) -> None:
        await edit("tokens-100", tokens=Decimal("90.50"), price_usd=Decimal("4.50"))
        ordered = await orders.place(Purchase(buyer, "tokens-100", "till", IdempotencyKey("wish-2")))
        assert (str(ordered.tokens), str(ordered.amount)) == ("90.50", "4.50")
