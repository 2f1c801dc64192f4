"""What comes with deposits: the first one's bonus on every gateway, kept promises, and that screens say the same."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core import bonuses, db, ledger
from core.bonuses import codes, promo
from core.ledger import PostingKind
from core.payments import PaymentStatus, crediting, get, orders, refunds
from core.users import User
from tests.core.bonuses.conftest import code, deposit, gifts, percent
from tests.core.payments.conftest import assert_books_agree, balance, key, newcomer, paid, purchase, spend
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration


def now() -> datetime:
    """The database's own clock decides whether a promise still holds, and so does this one."""
    return datetime.now(UTC)


async def refund(code_of_payment: str, *, write_off: bool = False) -> None:
    """Refund as an operator's command does."""
    async with db.transaction():
        await refunds.refund(code_of_payment, actor="token:test", reason="unhappy", write_off=write_off)


@pytest.mark.parametrize(
    ("package", "bonus"),
    [("tokens-100", "20.00"), ("tokens-200", "40.00"), ("tokens-500", "50.00"), ("tokens-1000", "50.00")],
)
@pytest.mark.parametrize("gateway", ["till", "bank"])
async def test_the_first_deposit_brings_a_fifth_on_every_gateway(
    fox: User, bank: Till, gateway: str, package: str, bonus: str
) -> None:
    payment = await deposit(fox, package, gateway=gateway)
    assert await gifts(fox) == [(bonus, "first_deposit")]
    assert await balance(fox) == str(payment.tokens + Decimal(bonus))


async def test_the_second_deposit_brings_only_itself(fox: User) -> None:
    for _ in range(3):
        await deposit(fox)
    assert await gifts(fox) == [("20.00", "first_deposit")]
    assert await balance(fox) == "320.00"


async def test_two_gateways_at_once_bring_one_bonus(fox: User, bank: Till) -> None:
    placed = [await orders.place(purchase(fox, gateway=name)) for name in ("till", "bank") * 4]
    await asyncio.gather(*(crediting.receive(paid(payment)) for payment in placed))
    assert await gifts(fox) == [("20.00", "first_deposit")]
    assert await balance(fox) == "820.00"
    await assert_books_agree()


async def test_a_replayed_payment_brings_nothing_more(fox: User) -> None:
    payment = await orders.place(purchase(fox))
    await asyncio.gather(*(crediting.receive(paid(payment)) for _ in range(8)))
    assert await balance(fox) == "120.00"


async def test_after_a_refund_the_next_deposit_is_not_the_first(fox: User) -> None:
    payment = await deposit(fox)
    await refund(payment.code)
    assert await balance(fox) == "0.00"
    assert await bonuses.first_deposit_bonus(fox.id, Decimal(100)) == 0
    await deposit(fox)
    assert await balance(fox) == "100.00"


async def test_tokens_from_an_operator_are_no_deposit(fox: User) -> None:
    await ledger.post(fox.id, Decimal(30), PostingKind.ADMIN, key=key(), reason="sorry")
    assert await bonuses.first_deposit_bonus(fox.id, Decimal(100)) == 20


async def test_an_order_that_is_not_paid_is_no_deposit(fox: User) -> None:
    await orders.place(purchase(fox))
    assert await bonuses.first_deposit_bonus(fox.id, Decimal(100)) == 20


@pytest.mark.parametrize(
    ("tokens", "bonus"), [("0.01", "0.00"), ("0.02", "0.00"), ("0.03", "0.01"), ("250", "50.00"), ("250.03", "50.00")]
)
async def test_the_bonus_is_a_fifth_rounded_half_up_and_at_most_fifty(fox: User, tokens: str, bonus: str) -> None:
    assert str(await bonuses.first_deposit_bonus(fox.id, Decimal(tokens))) == bonus


async def test_a_deposit_too_small_for_a_bonus_is_credited_all_the_same(fox: User) -> None:
    await db.execute("UPDATE token_packages SET credits = 0.02 WHERE code = 'tokens-100'")
    await deposit(fox)
    assert await balance(fox) == "0.02"


async def test_the_promised_percentage_comes_with_the_next_deposit(fox: User) -> None:
    await percent("HALF", "50")
    await promo.redeem(fox.id, "HALF", now())
    payment = await get((await deposit(fox)).code)
    assert await gifts(fox) == [("20.00", "first_deposit"), ("50.00", "promo:HALF")]
    assert payment.promo_code == "HALF"
    stands = await codes.get("HALF")
    assert (stands.total_given, stands.waiting, stands.current_uses) == (Decimal(50), 0, 1)
    await deposit(fox)
    assert await balance(fox) == "270.00"
    await assert_books_agree()


async def test_both_bonuses_are_related_to_the_deposit(fox: User) -> None:
    await percent("HALF", "50")
    await promo.redeem(fox.id, "HALF", now())
    payment = await deposit(fox)
    lines = await ledger.statement(fox.id)
    assert [line.related for line in lines if line.kind is PostingKind.BONUS] == [payment.transaction_id] * 2


async def test_a_refund_takes_the_promo_bonus_back_too(fox: User) -> None:
    await percent("HALF", "50")
    await promo.redeem(fox.id, "HALF", now())
    payment = await deposit(fox)
    await refund(payment.code)
    assert await balance(fox) == "0.00"
    assert (await codes.get("HALF")).current_uses == 1
    await deposit(fox)
    assert await balance(fox) == "100.00"
    await assert_books_agree()


async def test_a_refund_of_spent_bonus_tokens_is_refused_until_written_off(fox: User) -> None:
    await percent("HALF", "50")
    await promo.redeem(fox.id, "HALF", now())
    payment = await deposit(fox)
    await spend(fox, "1")
    with pytest.raises(refunds.TokensSpent) as refused:
        await refund(payment.code)
    assert (refused.value.given, refused.value.missing) == (Decimal(170), Decimal(1))
    await refund(payment.code, write_off=True)
    assert (await get(payment.code)).status is PaymentStatus.REFUNDING
    assert await balance(fox) == "0.00"


async def test_a_deposit_below_the_least_leaves_the_promise_waiting(fox: User) -> None:
    await percent("BIG", "50", min_deposit="200")
    await promo.redeem(fox.id, "BIG", now())
    await deposit(fox)
    assert (await codes.get("BIG")).waiting == 1
    await deposit(fox, "tokens-200")
    assert (await gifts(fox))[-1] == ("100.00", "promo:BIG")


async def test_the_most_of_one_use_caps_the_percentage(fox: User) -> None:
    await percent("HALF", "50", max_bonus="30.50")
    await promo.redeem(fox.id, "HALF", now())
    await deposit(fox, "tokens-1000")
    assert (await gifts(fox))[-1] == ("30.50", "promo:HALF")


async def test_a_fixed_code_with_a_least_deposit_waits_for_it(fox: User) -> None:
    await code("LATER", "15", min_deposit="200")
    outcome = await promo.redeem(fox.id, "LATER", now())
    assert isinstance(outcome, promo.Activated)
    assert (outcome.tokens, outcome.percent, outcome.min_deposit) == (Decimal(15), None, Decimal(200))
    await deposit(fox)
    await deposit(fox, "tokens-500")
    assert await gifts(fox) == [("20.00", "first_deposit"), ("15.00", "promo:LATER")]


async def test_the_oldest_promise_that_fits_comes_first_and_one_at_a_time(fox: User) -> None:
    for name, share, least in (("BIG", "100", "500"), ("OLD", "10", "0"), ("NEW", "20", "0")):
        await percent(name, share, min_deposit=least)
        await promo.redeem(fox.id, name, now())
    for package in ("tokens-100", "tokens-100", "tokens-100", "tokens-500"):
        await deposit(fox, package)
    assert (await gifts(fox))[1:] == [("10.00", "promo:OLD"), ("20.00", "promo:NEW"), ("500.00", "promo:BIG")]


async def test_a_code_that_was_switched_off_or_used_up_since_keeps_its_promises(fox: User) -> None:
    await percent("HALF", "50", max_uses=1)
    await promo.redeem(fox.id, "HALF", now())
    await codes.switch("HALF", is_active=False)
    await deposit(fox)
    assert (await gifts(fox))[-1] == ("50.00", "promo:HALF")


async def test_a_promise_ends_with_its_code(fox: User) -> None:
    await percent("HALF", "50", valid_until=now() + timedelta(days=1))
    await promo.redeem(fox.id, "HALF", now())
    await db.execute("UPDATE botapp_promocode SET valid_from = now() - interval '9 d', valid_until = now()")
    assert (await bonuses.expected(fox.id, Decimal(100))).promise is None
    await deposit(fox)
    assert await gifts(fox) == [("20.00", "first_deposit")]


async def test_a_budget_that_an_operator_cut_gives_what_is_left_and_blocks_no_payment(fox: User) -> None:
    await percent("HALF", "50", max_bonus="50", budget="50")
    await promo.redeem(fox.id, "HALF", now())
    await db.execute("UPDATE botapp_promocode SET budget = 7.50")
    await deposit(fox)
    assert (await gifts(fox))[-1] == ("7.50", "promo:HALF")
    await percent("NONE", "50", max_bonus="50", budget="50")
    await promo.redeem(fox.id, "NONE", now())
    await db.execute("UPDATE botapp_promocode SET budget = 0.01, total_given = 0.01 WHERE code = 'NONE'")
    await deposit(fox)
    assert await balance(fox) == "227.50"


async def test_one_promise_is_kept_once_by_deposits_at_once(fox: User, bank: Till) -> None:
    for name in ("ONE", "TWO"):
        await percent(name, "50")
        await promo.redeem(fox.id, name, now())
    placed = [await orders.place(purchase(fox, gateway=name)) for name in ("till", "bank") * 3]
    await asyncio.gather(*(crediting.receive(paid(payment)) for payment in placed))
    assert sorted(await gifts(fox)) == [("20.00", "first_deposit"), ("50.00", "promo:ONE"), ("50.00", "promo:TWO")]
    assert await balance(fox) == "720.00"
    await assert_books_agree()


async def test_redemptions_deposits_and_refunds_of_a_crowd_never_wait_in_a_circle(fox: User, bank: Till) -> None:
    """Everybody uses the same codes in another order, while deposits keep promises and refunds take them back."""
    names = ("ONE", "TWO", "THREE")
    for name in names:
        await percent(name, "10", max_bonus="50", budget="5000")
        await code(f"GIFT{name}", "5", budget="1000")
    people = [await newcomer() for _ in range(12)]

    async def live(person: User, turn: int) -> None:
        order = names[turn % 3 :] + names[: turn % 3]
        payment = await orders.place(purchase(person, gateway=("till", "bank")[turn % 2]))
        await asyncio.gather(
            *(promo.redeem(person.id, name, now()) for name in order),
            *(promo.redeem(person.id, f"GIFT{name}", now()) for name in reversed(order)),
            crediting.receive(paid(payment)),
        )
        await asyncio.gather(*(deposit(person) for _ in range(3)), refund(payment.code, write_off=True))

    await asyncio.gather(*(live(person, turn) for turn, person in enumerate(people)))
    await assert_books_agree()
    for name in names:
        stands = await codes.get(name)
        assert (stands.current_uses, stands.waiting, stands.total_given) == (12, 0, Decimal(120))
        assert (await codes.get(f"GIFT{name}")).total_given == Decimal(60)


@pytest.mark.parametrize("package", ["tokens-100", "tokens-1000"])
async def test_what_a_screen_expects_is_what_comes(fox: User, package: str) -> None:
    await percent("HALF", "33", max_bonus="90")
    await promo.redeem(fox.id, "HALF", now())
    for _ in range(2):
        tokens = (await orders.place(purchase(fox, package=package))).tokens
        expected = await bonuses.expected(fox.id, tokens)
        before = await ledger.balance_of(fox.id)
        await deposit(fox, package)
        assert await ledger.balance_of(fox.id) - before == tokens + expected.tokens
