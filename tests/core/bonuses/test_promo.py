"""Promo codes: what they give, every reason why they do not, and crowds that type one at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from core import db, ledger
from core.bonuses import codes, promo, tries
from core.bonuses.promo import (
    Activated,
    BudgetExhausted,
    Expired,
    Given,
    NotYetValid,
    PromoRefused,
    SwitchedOff,
    TooManyTries,
    UnknownCode,
    UsedByYou,
    UsedUp,
)
from core.settings import Settings
from core.types import IdempotencyKey
from core.users import User
from tests.core.bonuses.conftest import NOW, code, deposit, gifts, percent
from tests.core.payments.conftest import assert_books_agree, balance, newcomer
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

LATER = NOW + timedelta(days=400)
"""A moment by which every code made without dates is valid."""


async def refusal(user: User, text: str = "FOX") -> PromoRefused:
    """Type a code that is refused and return why; nothing was given."""
    before = await balance(user)
    with pytest.raises(PromoRefused) as refused:
        await promo.redeem(user.id, text, LATER)
    assert await balance(user) == before
    return refused.value


async def test_a_fixed_code_gives_its_tokens_at_once(fox: User) -> None:
    await code("FOX", "10")
    outcome = await promo.redeem(fox.id, "FOX", LATER)
    assert isinstance(outcome, Given)
    assert (outcome.code, outcome.posting.amount, outcome.posting.reason) == ("FOX", Decimal(10), "promo:FOX")
    assert await balance(fox) == "10.00"
    stands = await codes.get("FOX")
    assert (stands.current_uses, stands.total_given, stands.waiting) == (1, Decimal(10), 0)


@pytest.mark.parametrize("typed", ["fox", " FOX ", "\tFox\n", "fOx\u00a0", "ＦＯＸ"])
async def test_case_width_and_surrounding_spaces_do_not_matter(fox: User, typed: str) -> None:
    await code("FOX")
    assert isinstance(await promo.redeem(fox.id, typed, LATER), Given)


async def test_a_cyrillic_code_is_as_good(fox: User) -> None:
    assert (await code("лето-2026")).code == "ЛЕТО-2026"
    assert isinstance(await promo.redeem(fox.id, "Лето-2026", LATER), Given)


@pytest.mark.parametrize(
    "typed", ["", " ", "F O X", "FO", "a\x00b", "FOX'; --", "🦊🦊🦊", "F" * 51, "лиса " * 900, "%", "FO_"]
)
async def test_what_is_no_code_is_unknown(fox: User, typed: str) -> None:
    await code("FOX")
    assert isinstance(await refusal(fox, typed), UnknownCode)


async def test_a_second_use_is_told_what_the_first_one_gave(fox: User) -> None:
    await code("FOX", "12.50")
    await promo.redeem(fox.id, "FOX", LATER)
    refused = await refusal(fox, "fox")
    assert isinstance(refused, UsedByYou) and refused.received == Decimal("12.50")


async def test_that_you_used_it_is_said_even_when_it_is_over(fox: User) -> None:
    await code("FOX", valid_until=LATER + timedelta(days=1))
    await promo.redeem(fox.id, "FOX", LATER)
    await codes.switch("FOX", is_active=False)
    assert isinstance(await refusal(fox), UsedByYou)


async def test_the_same_wish_gives_the_same_answer(fox: User) -> None:
    await code("FOX", max_uses_per_user=3)
    wish = IdempotencyKey("tg:17")
    first = await promo.redeem(fox.id, "FOX", LATER, key=wish)
    assert await promo.redeem(fox.id, "FOX", LATER, key=wish) == first
    assert await balance(fox) == "10.00"


async def test_a_code_may_be_used_as_often_as_it_says(fox: User) -> None:
    await code("FOX", max_uses_per_user=3)
    for _ in range(3):
        await promo.redeem(fox.id, "FOX", LATER)
    refused = await refusal(fox)
    assert isinstance(refused, UsedByYou) and refused.received == Decimal(30)
    assert await balance(fox) == "30.00"


async def test_before_its_time_it_says_when(fox: User) -> None:
    await code("FOX", valid_from=LATER + timedelta(seconds=1))
    refused = await refusal(fox)
    assert isinstance(refused, NotYetValid) and refused.since == LATER + timedelta(seconds=1)


async def test_the_first_moment_counts_and_the_last_does_not(fox: User) -> None:
    await code("FOX", valid_from=LATER - timedelta(hours=1), valid_until=LATER)
    assert isinstance(await refusal(fox), Expired)
    assert isinstance(await promo.redeem(fox.id, "FOX", LATER - timedelta(hours=1)), Given)


async def test_a_code_that_is_switched_off_says_so_until_it_is_on_again(fox: User) -> None:
    await code("FOX")
    await codes.switch("FOX", is_active=False)
    assert isinstance(await refusal(fox), SwitchedOff)
    await codes.switch("FOX", is_active=True)
    assert isinstance(await promo.redeem(fox.id, "FOX", LATER), Given)


async def test_a_code_is_used_up_for_the_next_one(fox: User) -> None:
    await code("FOX", max_uses=1)
    await promo.redeem((await newcomer()).id, "FOX", LATER)
    assert isinstance(await refusal(fox), UsedUp)


async def test_a_budget_gives_nobody_less_than_promised(fox: User) -> None:
    await code("FOX", "10", budget="25")
    for _ in range(2):
        await promo.redeem((await newcomer()).id, "FOX", LATER)
    assert isinstance(await refusal(fox), BudgetExhausted)
    assert (await codes.get("FOX")).total_given == Decimal(20)


async def test_two_hundred_people_share_the_last_fifty_uses(counting: Settings) -> None:
    await code("RUSH", "5", max_uses=50)
    people = [await newcomer() for _ in range(200)]
    outcomes = await asyncio.gather(
        *(promo.redeem(person.id, "rush", LATER) for person in people), return_exceptions=True
    )
    assert Counter(type(outcome) for outcome in outcomes) == {Given: 50, UsedUp: 150}
    stands = await codes.get("RUSH")
    assert (stands.current_uses, stands.total_given) == (50, Decimal(250))
    assert await db.fetch_value("SELECT sum(balance) FROM botapp_userbalance") == Decimal(250)
    await assert_books_agree()


async def test_eight_at_once_of_one_person_are_one(fox: User) -> None:
    await code("FOX")
    outcomes = await asyncio.gather(*(promo.redeem(fox.id, "FOX", LATER) for _ in range(8)), return_exceptions=True)
    assert Counter(type(outcome) for outcome in outcomes) == {Given: 1, UsedByYou: 7}
    assert await balance(fox) == "10.00"


async def test_the_budget_holds_in_a_crowd(counting: Settings) -> None:
    await code("RUSH", "3", budget="20")
    people = [await newcomer() for _ in range(30)]
    outcomes = await asyncio.gather(
        *(promo.redeem(person.id, "RUSH", LATER) for person in people), return_exceptions=True
    )
    assert Counter(type(outcome) for outcome in outcomes) == {Given: 6, BudgetExhausted: 24}


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE botapp_promocode SET current_uses = 3", "promocode_stays_within_its_limit"),
        ("UPDATE botapp_promocode SET total_given = 31", "promocode_stays_within_its_budget"),
        ("UPDATE botapp_promocode SET code = 'fox'", "promocode_is_upper_case"),
        ("UPDATE botapp_promocode SET value = 0", "promocode_gives_something"),
        (
            "INSERT INTO botapp_promoredemption (promo_id, user_id, number) "
            "SELECT promo_id, user_id, 2 FROM botapp_promoredemption",
            "promo_stays_within_its_limit_per_user",
        ),
    ],
)
async def test_the_database_holds_the_limits_by_itself(fox: User, statement: str, constraint: str) -> None:
    await code("FOX", max_uses=2, budget="30")
    await promo.redeem(fox.id, "FOX", LATER)
    with pytest.raises(asyncpg.CheckViolationError) as violation:
        await db.execute(statement)
    assert violation.value.constraint_name == constraint


async def test_ten_wrong_codes_are_followed_by_a_pause_for_a_right_one_too(fox: User) -> None:
    await code("FOX")
    for number in range(tries.MOST):
        assert isinstance(await refusal(fox, f"GUESS{number}"), UnknownCode)
    refused = await refusal(fox, "FOX")
    assert isinstance(refused, TooManyTries) and refused.retry_in == tries.WINDOW
    assert isinstance(await promo.redeem(fox.id, "FOX", LATER + tries.WINDOW), Given)


async def test_trying_during_the_pause_does_not_prolong_it(fox: User) -> None:
    for number in range(tries.MOST):
        with pytest.raises(UnknownCode):
            await promo.redeem(fox.id, f"GUESS{number}", LATER + timedelta(seconds=number))
    for minute in range(1, 10):
        with pytest.raises(TooManyTries) as refused:
            await promo.redeem(fox.id, "AGAIN", LATER + timedelta(minutes=minute))
        assert refused.value.retry_in == tries.WINDOW - timedelta(minutes=minute)
    with pytest.raises(UnknownCode):
        await promo.redeem(fox.id, "AGAIN", LATER + tries.WINDOW)


async def test_a_hundred_guesses_at_once_are_counted_too(fox: User) -> None:
    outcomes = await asyncio.gather(
        *(promo.redeem(fox.id, f"GUESS{number}", LATER) for number in range(100)), return_exceptions=True
    )
    seen = Counter(type(outcome) for outcome in outcomes)
    assert seen[UnknownCode] <= tries.MOST and seen[TooManyTries] >= 100 - tries.MOST


async def test_real_codes_are_no_guesses_and_others_are_not_held_up(fox: User) -> None:
    await code("FOX")
    await promo.redeem(fox.id, "FOX", LATER)
    for _ in range(tries.MOST + 5):
        assert isinstance(await refusal(fox), UsedByYou)
    other = await newcomer()
    for number in range(tries.MOST + 1):
        await refusal(other, f"GUESS{number}")
    assert isinstance(await refusal(other), TooManyTries)
    assert isinstance(await refusal(fox), UsedByYou)


async def test_without_redis_codes_work_all_the_same(fox: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise ConnectionRefusedError

    await code("FOX")
    monkeypatch.setattr("core.redis.client", away)
    assert isinstance(await promo.redeem(fox.id, "FOX", LATER), Given)
    assert isinstance(await refusal(fox, "GUESS"), UnknownCode)


async def test_a_percentage_is_a_promise_first(fox: User) -> None:
    await percent("HALF", "50", min_deposit="100", max_bonus="40", valid_until=LATER + timedelta(days=1))
    outcome = await promo.redeem(fox.id, "half", LATER)
    assert outcome == Activated(
        "HALF", Decimal(50), None, Decimal(100), Decimal(40), LATER + timedelta(days=1), is_new=True
    )
    assert await gifts(fox) == []
    stands = await codes.get("HALF")
    assert (stands.current_uses, stands.waiting, stands.total_given) == (1, 1, Decimal(0))


async def test_typing_it_again_reminds_of_the_promise(fox: User) -> None:
    await percent(max_uses_per_user=2)
    await promo.redeem(fox.id, "HALF", LATER)
    again = await promo.redeem(fox.id, "HALF", LATER)
    assert isinstance(again, Activated) and not again.is_new
    assert (await codes.get("HALF")).current_uses == 1


async def test_a_promise_whose_time_has_passed_was_a_use(fox: User) -> None:
    await percent(valid_until=LATER)
    await promo.redeem(fox.id, "HALF", LATER - timedelta(seconds=1))
    refused = await refusal(fox, "HALF")
    assert isinstance(refused, UsedByYou) and refused.received == 0


async def test_activations_are_counted_against_the_limit(fox: User) -> None:
    await percent(max_uses=1)
    await promo.redeem((await newcomer()).id, "HALF", LATER)
    assert isinstance(await refusal(fox, "HALF"), UsedUp)


async def test_promises_are_set_aside_from_the_budget(fox: User) -> None:
    await percent(max_bonus="20", budget="50")
    first, second = await newcomer(), await newcomer()
    for person in (first, second):
        await promo.redeem(person.id, "HALF", LATER)
    assert isinstance(await refusal(fox, "HALF"), BudgetExhausted)
    await deposit(first)
    assert isinstance(await refusal(fox, "HALF"), BudgetExhausted)
    await deposit(second)
    assert (await codes.get("HALF")).left_of_budget == Decimal(10)


async def test_an_unforeseen_failure_gives_nothing_and_counts_nothing(
    fox: User, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ConnectionResetError

    await code("FOX")
    with monkeypatch.context() as broken:
        broken.setattr(promo, "_record", fail)
        for _ in range(tries.MOST + 1):
            with pytest.raises(ConnectionResetError):
                await promo.redeem(fox.id, "FOX", LATER)
    assert await balance(fox) == "0.00"
    assert isinstance(await promo.redeem(fox.id, "FOX", LATER), Given)
    assert len(await ledger.statement(fox.id)) == 1
