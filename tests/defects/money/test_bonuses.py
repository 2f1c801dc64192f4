"""The predecessor's defects that gave bonuses more than once, to anybody, or to nobody."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core import db, ledger, users
from core.bonuses import codes, daily, promo, referrals
from core.bonuses.codes import CodeRefused, NewCode
from core.payments import crediting, orders
from core.users import User
from tests.core.payments.conftest import Buying, assert_books_agree, balance, newcomer, paid, purchase, statement

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("counted")]

MORNING = datetime(2026, 11, 22, 6, tzinfo=UTC)


async def test_a10_the_welcome_bonus_is_given_once(buyer: User) -> None:
    """A10: eight arrivals at once gave eight welcome bonuses: 400."""
    newcomers = await asyncio.gather(*(users.upsert(users.Profile(990, "fox")) for _ in range(8)))
    given = await asyncio.gather(*(ledger.give_welcome_bonus(somebody.id) for somebody in newcomers))
    assert sum(posting is not None for posting in given) == 1
    assert str(await ledger.balance_of(newcomers[0].id)) == "50.00"


async def test_a11_a_promo_code_gives_once_however_many_use_it_at_once(buyer: User) -> None:
    """A11: eight uses at once of a code of 1000 gave 8000, and counted one."""
    await codes.create(NewCode("FOX", Decimal(1000), max_uses=3))
    people = [await newcomer() for _ in range(6)]
    crowd = [person for person in people for _ in range(3)]
    now = datetime.now(UTC)
    outcomes = await asyncio.gather(*(promo.redeem(one.id, "fox", now) for one in crowd), return_exceptions=True)
    assert sum(isinstance(outcome, promo.Given) for outcome in outcomes) == 3
    balances = [await balance(person) for person in people]
    assert sorted(balances) == ["0.00"] * 3 + ["1000.00"] * 3
    stands = await codes.get("FOX")
    assert (stands.current_uses, str(stands.total_given)) == (3, "3000.00")
    await assert_books_agree()


async def test_a12_no_code_is_there_from_the_start_and_a_generous_one_needs_a_limit(buyer: User) -> None:
    """A12: migrations brought codes of 1000 for everybody for 50 years: each new account could take 2200."""
    assert await db.fetch_value("SELECT count(*) FROM botapp_promocode") == 0
    for code in ("AIS2025", "INT1000", "INT200"):
        with pytest.raises(promo.UnknownCode):
            await promo.redeem(buyer.id, code, datetime.now(UTC))
    with pytest.raises(CodeRefused):
        await codes.create(NewCode("INT1000", Decimal(1000)))
    assert await balance(buyer) == "0.00"


async def test_a20_the_daily_reward_is_given_once_a_day_and_the_next_day_continues_the_ladder(buyer: User) -> None:
    """A20: eight claims at once gave eight rewards, and 25 hours between two days broke the ladder."""
    claims = await asyncio.gather(*(daily.take(buyer, MORNING) for _ in range(8)))
    assert sum(claim.posting is not None for claim in claims) == 1
    late_tomorrow = await daily.take(buyer, MORNING + timedelta(hours=25))
    assert (late_tomorrow.streak, await balance(buyer)) == (2, "2.50")
    after_a_gap = await daily.take(buyer, MORNING + timedelta(days=3))
    assert after_a_gap.streak == 1


async def test_a22_an_invitation_is_rewarded_once_with_the_first_deposit(order: Buying, buyer: User) -> None:
    """A22: nobody could use a referral code, and nothing kept the reward from being given again."""
    friend, now = await newcomer(), datetime.now(UTC)
    code = await referrals.code_of(buyer.id)
    accepted = await asyncio.gather(*(referrals.accept(friend.id, f"ref_{code}", now) for _ in range(5)))
    assert sum(isinstance(one, referrals.Accepted) for one in accepted) == 1
    assert isinstance(await referrals.accept(buyer.id, code, now), referrals.Declined)
    for _ in range(2):
        await crediting.receive(paid(await orders.place(purchase(friend))))
    assert (await balance(buyer), await balance(friend)) == ("10.00", "225.00")


async def test_w12_a_percentage_code_adds_its_share_to_the_next_deposit(order: Buying, buyer: User) -> None:
    """W12: percentage codes were answered "no such code"."""
    await codes.create(NewCode("SHARE25", Decimal(25), is_percentage=True, max_uses=10))
    outcome = await promo.redeem(buyer.id, "share25", datetime.now(UTC))
    assert isinstance(outcome, promo.Activated)
    for _ in range(2):
        await crediting.receive(paid(await order()))
    assert await balance(buyer) == "225.00"
    assert [amount for kind, amount, _ in await statement(buyer)][-3:] == ["100.00", "25.00", "100.00"]
