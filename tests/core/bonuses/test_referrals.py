"""Inviting friends: who counts as one, what both get and when, and that nobody invites themselves in a circle."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from core import db, ledger, users
from core.bonuses import referrals
from core.bonuses.referrals import Accepted, Declined, Invitations
from core.ledger import PostingKind
from core.payments import crediting, orders, refunds
from core.payments.gateways.base import Outcome, Receipt
from core.users import User
from tests.core.bonuses.conftest import deposit, gifts, told
from tests.core.payments.conftest import assert_books_agree, balance, newcomer, paid, purchase
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration


def now() -> datetime:
    """Accounts are made by the database's clock."""
    return datetime.now(UTC)


async def invite(inviter: User, friend: User) -> Accepted | Declined:
    """Have a friend open somebody's link."""
    return await referrals.accept(friend.id, f"ref_{await referrals.code_of(inviter.id)}", now())


async def test_everybody_has_one_code_that_stays(fox: User) -> None:
    codes = await asyncio.gather(*(referrals.code_of(fox.id) for _ in range(8)))
    assert len(set(codes)) == 1 and re.fullmatch(r"REF[0-9A-F]{8}", codes[0])
    assert await referrals.code_of((await newcomer()).id) != codes[0]


async def test_a_code_that_somebody_has_is_made_again(fox: User, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["aaaaaaaa", "aaaaaaaa", "bbbbbbbb"])
    monkeypatch.setattr("core.bonuses.referrals.secrets.token_hex", lambda _: next(drawn))
    assert await referrals.code_of(fox.id) == "REFAAAAAAAA"
    assert await referrals.code_of((await newcomer()).id) == "REFBBBBBBBB"


def test_a_link_opens_the_bot() -> None:
    assert referrals.link("nano_bot", "REF1A2B3C4D") == "https://t.me/nano_bot?start=ref_REF1A2B3C4D"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("ref_REF1A2B3C4D", "REF1A2B3C4D"),
        ("REF_ref1a2b3c4d", "REF1A2B3C4D"),
        ("REF1A2B3C4D", "REF1A2B3C4D"),
        ("ref_REF1A2B3C4", None),
        ("ref_REF1A2B3C4G", None),
        ("ref_ref_REF1A2B3C4D", None),
        ("ref_", None),
        ("", None),
        ("topup", None),
        ("ref_REF1A2B3C4D'--", None),
        ("\x00", None),
    ],
)
def test_only_our_codes_are_read_from_a_link(payload: str, code: str | None) -> None:
    assert referrals.code_in(payload) == code


async def test_a_friend_gets_tokens_at_once_and_the_inviter_is_told(fox: User) -> None:
    friend = await newcomer()
    outcome = await invite(fox, friend)
    assert isinstance(outcome, Accepted)
    assert (outcome.inviter, outcome.inviter_name) == (fox.id, "Buyer")
    assert await gifts(friend) == [("5.00", "invited")]
    assert await balance(fox) == "0.00"
    assert [news for _, news in await told()] == ["joined"]
    assert await referrals.invitations(fox.id) == Invitations(1, 0, Decimal(0))


async def test_the_friends_first_deposit_rewards_the_inviter_once(fox: User) -> None:
    friend = await newcomer()
    await invite(fox, friend)
    payment = await deposit(friend)
    await deposit(friend)
    [reward] = await ledger.statement(fox.id)
    assert (reward.amount, reward.kind, reward.related) == (
        Decimal(10),
        PostingKind.REFERRAL,
        payment.transaction_id,
    )
    assert [news for _, news in await told()] == ["joined", "paid"]
    assert await referrals.invitations(fox.id) == Invitations(1, 1, Decimal(10))


async def test_deposits_of_the_friend_at_once_reward_once(fox: User, bank: Till) -> None:
    friend = await newcomer()
    await invite(fox, friend)
    placed = [await orders.place(purchase(friend, gateway=name)) for name in ("till", "bank") * 3]
    await asyncio.gather(*(crediting.receive(paid(payment)) for payment in placed))
    assert await balance(fox) == "10.00"
    await assert_books_agree()


async def test_a_failed_payment_rewards_nobody(fox: User) -> None:
    friend = await newcomer()
    await invite(fox, friend)
    payment = await orders.place(purchase(friend))
    await crediting.receive(Receipt("till", "failed-1", Outcome.FAILED, order_code=payment.code))
    assert await balance(fox) == "0.00"


async def test_a_refund_of_the_friends_deposit_leaves_the_reward(fox: User) -> None:
    friend = await newcomer()
    await invite(fox, friend)
    payment = await deposit(friend)
    async with db.transaction():
        await refunds.refund(payment.code, actor="token:test", reason="unhappy")
    assert await balance(friend) == "5.00"
    assert await balance(fox) == "10.00"
    await deposit(friend)
    assert await balance(fox) == "10.00"


async def test_nobody_invites_themselves(fox: User) -> None:
    assert await invite(fox, fox) is Declined.OWN
    await db.execute("UPDATE botapp_tguser SET created_at = created_at - interval '9 days'")
    assert await invite(fox, fox) is Declined.OWN
    assert await balance(fox) == "0.00"


@pytest.mark.parametrize("payload", ["ref_REF00000000", "ref_123", "ref_", "hello", "", "я" * 64])
async def test_a_link_of_nobody_is_harmless(fox: User, payload: str) -> None:
    assert await referrals.accept(fox.id, payload, now()) is Declined.UNKNOWN


async def test_a_link_of_somebody_shut_out_brings_nothing(fox: User) -> None:
    await db.execute("UPDATE botapp_tguser SET is_blocked = true WHERE id = $1", fox.id)
    assert await invite(fox, await newcomer()) is Declined.UNKNOWN


async def test_the_first_link_counts(fox: User) -> None:
    other, friend = await newcomer(), await newcomer()
    await invite(fox, friend)
    assert await invite(other, friend) is Declined.INVITED_BEFORE
    assert await invite(fox, friend) is Declined.INVITED_BEFORE
    await deposit(friend)
    assert (await balance(fox), await balance(other), await balance(friend)) == ("10.00", "0.00", "125.00")


async def test_one_link_opened_eight_times_at_once_counts_once(fox: User) -> None:
    friend = await newcomer()
    await referrals.code_of(fox.id)
    outcomes = await asyncio.gather(*(invite(fox, friend) for _ in range(8)))
    assert Counter(type(outcome) for outcome in outcomes) == {Accepted: 1, Declined: 7}
    assert await balance(friend) == "5.00"


async def test_links_of_many_opened_at_once_bring_one_inviter(fox: User) -> None:
    inviters = [await newcomer() for _ in range(6)]
    outcomes = await asyncio.gather(*(invite(inviter, fox) for inviter in inviters))
    assert Counter(type(outcome) for outcome in outcomes) == {Accepted: 1, Declined: 5}
    assert await balance(fox) == "5.00"


async def test_only_an_account_of_the_last_day_is_a_newcomer(fox: User) -> None:
    friend = await newcomer()
    code = await referrals.code_of(fox.id)
    made = await db.fetch_value("SELECT created_at FROM botapp_tguser WHERE id = $1", friend.id)
    assert await referrals.accept(friend.id, code, made + timedelta(hours=24)) is Declined.NOT_NEW
    late = await referrals.accept(friend.id, code, made + timedelta(hours=24) - timedelta(seconds=1))
    assert isinstance(late, Accepted)


async def test_who_has_paid_is_no_newcomer_even_after_a_refund(fox: User) -> None:
    friend = await newcomer()
    payment = await deposit(friend)
    assert await invite(fox, friend) is Declined.NOT_NEW
    async with db.transaction():
        await refunds.refund(payment.code, actor="token:test", reason="unhappy")
    assert await invite(fox, friend) is Declined.NOT_NEW


async def test_a_link_and_a_deposit_at_once_reward_only_for_a_first_deposit(fox: User) -> None:
    for _ in range(5):
        friend = await newcomer()
        before = await ledger.balance_of(fox.id)
        outcome, _ = await asyncio.gather(invite(fox, friend), deposit(friend))
        await deposit(friend)
        earned = await ledger.balance_of(fox.id) - before
        assert earned == (10 if isinstance(outcome, Accepted) else 0)


async def test_a_circle_is_no_invitation(fox: User) -> None:
    second, third = await newcomer(), await newcomer()
    assert isinstance(await invite(fox, second), Accepted)
    assert isinstance(await invite(second, third), Accepted)
    assert await invite(third, fox) is Declined.LOOP
    assert await invite(second, fox) is Declined.LOOP
    assert await balance(fox) == "0.00"


async def test_two_who_invite_each_other_at_the_same_moment_make_one_pair(fox: User) -> None:
    for _ in range(5):
        one, two = await newcomer(), await newcomer()
        outcomes = await asyncio.gather(invite(one, two), invite(two, one))
        assert Counter(type(outcome) for outcome in outcomes) == {Accepted: 1, Declined: 1}


async def test_the_database_refuses_a_circle_and_a_second_inviter_by_itself(fox: User) -> None:
    friend = await newcomer()
    await invite(fox, friend)
    insert = "INSERT INTO botapp_referral (inviter_id, invitee_id) VALUES ($1, $2)"
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(insert, friend.id, fox.id)
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(insert, fox.id, fox.id)
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(insert, (await newcomer()).id, friend.id)


async def test_a_chain_of_friends_paying_at_once_does_not_wait_in_a_circle(fox: User) -> None:
    chain = [fox, *[await newcomer() for _ in range(9)]]
    for inviter, friend in itertools.pairwise(chain):
        assert isinstance(await invite(inviter, friend), Accepted)
    await asyncio.gather(*(deposit(person) for person in reversed(chain)))
    assert [await balance(person) for person in chain] == ["130.00", *["135.00"] * 8, "125.00"]
    await assert_books_agree()


async def test_the_inviters_news_name_the_friend_and_speak_the_inviters_language(fox: User) -> None:
    friend = await newcomer()
    await users.set_language(fox.id, "en")
    await invite(fox, friend)
    [(row, _)] = await told()
    joined = await referrals.friendship(row)
    assert joined is not None
    assert (joined.inviter_chat_id, joined.language, joined.friend_name, joined.reward) == (
        fox.chat_id,
        "en",
        "Buyer",
        None,
    )
    await deposit(friend)
    rewarded = await referrals.friendship(row)
    assert rewarded is not None and rewarded.reward is not None and rewarded.reward.amount == 10
    assert await referrals.friendship(row + 1) is None
