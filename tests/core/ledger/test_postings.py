"""What moves tokens, what is refused, and what repeating does."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import db, ledger
from core.ledger import AlreadyResolved, InsufficientTokens, KeyReused, PostingKind
from core.settings import Settings
from core.types import IdempotencyKey, UserId
from tests.core.ledger.conftest import assert_books_agree, charged, found, key, quote_of, somebody

pytestmark = pytest.mark.integration


@pytest.fixture
async def anna(database: Settings) -> UserId:
    """Somebody with 10 tokens."""
    return await somebody("10.00")


async def state_of(posting: int) -> tuple[str, str]:
    """How a charge stands, and how much of it was given back."""
    row = await db.fetch_one("SELECT state, refunded FROM botapp_charge WHERE transaction_id = $1", posting)
    assert row is not None
    return row["state"], str(row["refunded"])


class TestCharge:
    """Tokens taken for a generation."""

    async def test_it_takes_the_quoted_price_and_keeps_the_quote(self, anna: UserId) -> None:
        posting = await ledger.charge(anna, quote_of("0.80"), key=key())
        assert (posting.kind, str(posting.amount), str(posting.balance_after)) == (
            PostingKind.GENERATION,
            "-0.80",
            "9.20",
        )
        assert posting.quote == quote_of("0.80").to_dict()
        assert str(await ledger.balance_of(anna)) == "9.20"
        assert await state_of(posting.id) == ("open", "0.00")
        await assert_books_agree()

    async def test_the_last_token_can_be_spent(self, anna: UserId) -> None:
        assert str((await charged(anna, "10.00")).balance_after) == "0.00"

    async def test_too_few_tokens_say_how_many_there_are_and_are_needed(self, anna: UserId) -> None:
        with pytest.raises(InsufficientTokens) as refusal:
            await charged(anna, "10.01")
        assert (refusal.value.balance, refusal.value.needed, refusal.value.missing) == (
            Decimal("10.00"),
            Decimal("10.01"),
            Decimal("0.01"),
        )
        assert str(await ledger.balance_of(anna)) == "10.00"
        assert len(await ledger.statement(anna)) == 1

    async def test_a_refused_charge_leaves_its_key_free(self, anna: UserId) -> None:
        again = key()
        with pytest.raises(InsufficientTokens):
            await ledger.charge(anna, quote_of("12"), key=again)
        await ledger.post(anna, Decimal(5), PostingKind.DEPOSIT, key=key())
        assert str((await ledger.charge(anna, quote_of("12"), key=again)).balance_after) == "3.00"

    async def test_repeating_it_returns_the_first_posting_and_takes_nothing_more(self, anna: UserId) -> None:
        again = key()
        first = await ledger.charge(anna, quote_of("4"), key=again)
        assert await ledger.charge(anna, quote_of("4"), key=again) == first
        assert str(await ledger.balance_of(anna)) == "6.00"
        await assert_books_agree()

    async def test_repeating_it_works_when_the_balance_is_too_low_by_now(self, anna: UserId) -> None:
        again = key()
        first = await ledger.charge(anna, quote_of("9"), key=again)
        assert await ledger.charge(anna, quote_of("9"), key=again) == first
        assert str(await ledger.balance_of(anna)) == "1.00"

    async def test_repeating_it_works_when_it_was_refunded_by_now(self, anna: UserId) -> None:
        again = key()
        first = await ledger.charge(anna, quote_of("9"), key=again)
        await ledger.refund(first.id, key=key())
        assert await ledger.charge(anna, quote_of("9"), key=again) == first
        assert str(await ledger.balance_of(anna)) == "10.00"

    async def test_it_is_undone_with_the_transaction_around_it(self, anna: UserId) -> None:
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                await charged(anna, "4")
                raise ZeroDivisionError
        assert str(await ledger.balance_of(anna)) == "10.00"
        assert await db.fetch_value("SELECT count(*) FROM botapp_charge") == 0
        await assert_books_agree()

    async def test_somebody_without_a_balance_cannot_be_charged(self, database: Settings) -> None:
        with pytest.raises(Exception, match="has no balance"):
            await charged(UserId(404), "1")

    async def test_the_balance_of_nobody_is_nothing(self, database: Settings) -> None:
        assert await ledger.balance_of(UserId(404)) == 0


class TestKeys:
    """The same key with other content."""

    @pytest.mark.parametrize("tokens", ["3.99", "4.01", "0.01", "10000.00"])
    async def test_another_amount_is_refused(self, anna: UserId, tokens: str) -> None:
        again = key()
        await ledger.charge(anna, quote_of("4.00"), key=again)
        with pytest.raises(KeyReused, match=again):
            await ledger.charge(anna, quote_of(tokens), key=again)
        assert str(await ledger.balance_of(anna)) == "6.00"
        await assert_books_agree()

    async def test_another_user_is_refused_and_keeps_the_tokens(self, anna: UserId) -> None:
        boris, again = await somebody("10"), key()
        await ledger.charge(anna, quote_of("4"), key=again)
        with pytest.raises(KeyReused):
            await ledger.charge(boris, quote_of("4"), key=again)
        assert str(await ledger.balance_of(boris)) == "10.00"
        await assert_books_agree()

    async def test_another_kind_is_refused(self, anna: UserId) -> None:
        again = key()
        await ledger.post(anna, Decimal(5), PostingKind.DEPOSIT, key=again)
        with pytest.raises(KeyReused):
            await ledger.post(anna, Decimal(5), PostingKind.BONUS, key=again)
        assert str(await ledger.balance_of(anna)) == "15.00"

    async def test_a_refund_with_the_key_of_its_charge_is_refused(self, anna: UserId) -> None:
        again = key()
        charge = await ledger.charge(anna, quote_of("4"), key=again)
        with pytest.raises(KeyReused):
            await ledger.refund(charge.id, key=again)
        assert await state_of(charge.id) == ("open", "0.00")

    async def test_a_refund_with_the_key_of_another_charges_refund_is_refused(self, anna: UserId) -> None:
        first, second, again = await charged(anna, "4"), await charged(anna, "4"), key()
        await ledger.refund(first.id, key=again)
        with pytest.raises(KeyReused):
            await ledger.refund(second.id, key=again)
        assert await state_of(second.id) == ("open", "0.00")
        await assert_books_agree()

    async def test_keys_may_have_two_hundred_characters_and_no_more(self, anna: UserId) -> None:
        longest = IdempotencyKey("k" * 200)
        assert (await ledger.charge(anna, quote_of("1"), key=longest)).key == longest
        with pytest.raises(Exception, match="too long"):
            await ledger.charge(anna, quote_of("1"), key=IdempotencyKey("k" * 201))


class TestRefund:
    """Tokens given back."""

    async def test_it_returns_the_whole_charge_and_resolves_it(self, anna: UserId) -> None:
        charge = await charged(anna, "4")
        back = await ledger.refund(charge.id, key=key(), reason="the provider failed")
        assert (back.kind, str(back.amount), back.related, back.reason) == (
            PostingKind.REFUND,
            "4.00",
            charge.id,
            "the provider failed",
        )
        assert str(await ledger.balance_of(anna)) == "10.00"
        assert await state_of(charge.id) == ("refunded", "4.00")
        await assert_books_agree()

    async def test_parts_add_up_to_the_charge_and_not_beyond(self, anna: UserId) -> None:
        charge = await charged(anna, "4")
        await ledger.refund(charge.id, key=key(), amount=Decimal("1.50"))
        assert await state_of(charge.id) == ("open", "1.50")
        with pytest.raises(AlreadyResolved):
            await ledger.refund(charge.id, key=key(), amount=Decimal("2.51"))
        await ledger.refund(charge.id, key=key(), amount=Decimal("2.50"))
        assert await state_of(charge.id) == ("refunded", "4.00")
        with pytest.raises(AlreadyResolved):
            await ledger.refund(charge.id, key=key(), amount=Decimal("0.01"))
        assert str(await ledger.balance_of(anna)) == "10.00"
        await assert_books_agree()

    async def test_the_rest_is_what_parts_have_left(self, anna: UserId) -> None:
        charge = await charged(anna, "4")
        await ledger.refund(charge.id, key=key(), amount=Decimal("1.50"))
        assert str((await ledger.refund(charge.id, key=key())).amount) == "2.50"

    @pytest.mark.parametrize("amount", ["0", "-1", "-0.01"])
    async def test_nothing_and_less_is_refused(self, anna: UserId, amount: str) -> None:
        charge = await charged(anna, "4")
        with pytest.raises(AlreadyResolved):
            await ledger.refund(charge.id, key=key(), amount=Decimal(amount))
        assert str(await ledger.balance_of(anna)) == "6.00"

    async def test_repeating_it_returns_the_first_and_gives_nothing_more(self, anna: UserId) -> None:
        charge, again = await charged(anna, "4"), key()
        first = await ledger.refund(charge.id, key=again)
        assert await ledger.refund(charge.id, key=again) == first
        assert await ledger.refund(charge.id, key=again, amount=Decimal(4)) == first
        assert str(await ledger.balance_of(anna)) == "10.00"

    async def test_repeating_a_part_with_another_amount_is_refused(self, anna: UserId) -> None:
        charge, again = await charged(anna, "4"), key()
        await ledger.refund(charge.id, key=again, amount=Decimal(1))
        with pytest.raises(KeyReused):
            await ledger.refund(charge.id, key=again, amount=Decimal(2))

    async def test_repeating_it_works_after_the_charge_was_settled(self, anna: UserId) -> None:
        charge, again = await charged(anna, "4"), key()
        first = await ledger.refund(charge.id, key=again, amount=Decimal(1))
        await ledger.settle(charge.id)
        assert await ledger.refund(charge.id, key=again, amount=Decimal(1)) == first

    async def test_a_second_one_is_refused(self, anna: UserId) -> None:
        charge = await charged(anna, "4")
        await ledger.refund(charge.id, key=key())
        with pytest.raises(AlreadyResolved):
            await ledger.refund(charge.id, key=key())
        assert str(await ledger.balance_of(anna)) == "10.00"

    async def test_a_settled_charge_is_kept(self, anna: UserId) -> None:
        charge = await charged(anna, "4")
        await ledger.settle(charge.id)
        with pytest.raises(AlreadyResolved):
            await ledger.refund(charge.id, key=key())
        assert str(await ledger.balance_of(anna)) == "6.00"

    async def test_its_refusal_leaves_the_transaction_around_it_usable(self, anna: UserId) -> None:
        charge = await charged(anna, "4")
        await ledger.settle(charge.id)
        async with db.transaction():
            with pytest.raises(AlreadyResolved):
                await ledger.refund(charge.id, key=key())
            assert await db.fetch_value("SELECT 1") == 1

    async def test_it_goes_to_whoever_was_charged(self, anna: UserId) -> None:
        boris = await somebody("10")
        charge = await charged(boris, "4")
        assert (await ledger.refund(charge.id, key=key())).user_id == boris
        assert str(await ledger.balance_of(anna)) == "10.00"

    async def test_a_deposit_cannot_be_refunded_as_a_charge(self, anna: UserId) -> None:
        deposit = (await ledger.statement(anna))[0]
        with pytest.raises(AlreadyResolved):
            await ledger.refund(deposit.id, key=key())

    async def test_a_posting_that_does_not_exist_cannot_be_refunded(self, anna: UserId) -> None:
        with pytest.raises(AlreadyResolved):
            await ledger.refund(404, key=key())


class TestReverse:
    """What a deposit or a bonus gave, taken back."""

    async def test_it_happens_once_whatever_the_key(self, anna: UserId) -> None:
        bonus = await ledger.post(anna, Decimal("5.00"), PostingKind.BONUS, key=key())
        wish = key()
        taken = await ledger.reverse(bonus, key=wish)
        assert (taken.kind, taken.amount, taken.related) == (PostingKind.REVERSAL, -bonus.amount, bonus.id)
        assert await ledger.reverse(bonus, key=wish) == taken
        with pytest.raises(AlreadyResolved):
            await ledger.reverse(bonus, key=key())
        assert str(await ledger.balance_of(anna)) == "10.00"
        await assert_books_agree()

    async def test_spent_tokens_are_not_taken_back(self, anna: UserId) -> None:
        bonus = await ledger.post(anna, Decimal("5.00"), PostingKind.BONUS, key=key())
        await charged(anna, "10.01")
        with pytest.raises(InsufficientTokens):
            await ledger.reverse(bonus, key=key())
        assert str(await ledger.balance_of(anna)) == "4.99"

    async def test_a_posting_that_does_not_exist_is_named(self, database: Settings) -> None:
        with pytest.raises(LookupError, match="no posting 4711"):
            await ledger.get(4711)


class TestSettle:
    """Tokens kept, because the result was delivered."""

    async def test_twice_changes_nothing(self, anna: UserId) -> None:
        charge = await charged(anna, "4")
        await ledger.settle(charge.id)
        await ledger.settle(charge.id)
        assert await state_of(charge.id) == ("settled", "0.00")
        assert str(await ledger.balance_of(anna)) == "6.00"

    async def test_a_refunded_charge_cannot_be_settled(self, anna: UserId) -> None:
        charge = await charged(anna, "4")
        await ledger.refund(charge.id, key=key())
        with pytest.raises(AlreadyResolved):
            await ledger.settle(charge.id)
        assert await state_of(charge.id) == ("refunded", "4.00")

    async def test_what_is_left_after_a_partial_refund_is_settled(self, anna: UserId) -> None:
        charge = await charged(anna, "4")
        await ledger.refund(charge.id, key=key(), amount=Decimal(1))
        await ledger.settle(charge.id)
        assert await state_of(charge.id) == ("settled", "1.00")
        assert str(await ledger.balance_of(anna)) == "7.00"
        await assert_books_agree()

    async def test_a_posting_that_is_no_charge_cannot_be_settled(self, anna: UserId) -> None:
        with pytest.raises(AlreadyResolved):
            await ledger.settle((await ledger.statement(anna))[0].id)


class TestWelcomeBonus:
    """Tokens to start with."""

    async def test_it_is_fifty_tokens_once_in_a_lifetime(self, database: Settings) -> None:
        user = await somebody()
        bonus = await ledger.give_welcome_bonus(user)
        assert bonus is not None
        assert (bonus.kind, str(bonus.amount), str(bonus.balance_after)) == (PostingKind.BONUS, "50.00", "50.00")
        assert await ledger.give_welcome_bonus(user) is None
        assert str(await ledger.balance_of(user)) == "50.00"

    async def test_it_is_not_given_again_after_it_was_spent(self, database: Settings) -> None:
        user = await somebody()
        await ledger.give_welcome_bonus(user)
        await charged(user, "50")
        assert await ledger.give_welcome_bonus(user) is None
        assert str(await ledger.balance_of(user)) == "0.00"


class TestStatement:
    """What a user sees of it."""

    async def test_it_is_newest_first_with_the_running_balance(self, anna: UserId) -> None:
        charge = await charged(anna, "4")
        await ledger.refund(charge.id, key=key(), amount=Decimal(1))
        await charged(anna, "2.50")
        assert [(str(line.amount), str(line.balance_after)) for line in await ledger.statement(anna)] == [
            ("-2.50", "4.50"),
            ("1.00", "7.00"),
            ("-4.00", "6.00"),
            ("10.00", "10.00"),
        ]

    async def test_pages_show_every_posting_once(self, anna: UserId) -> None:
        for _ in range(9):
            await charged(anna, "0.10")
        pages, before = [], None
        while page := await ledger.statement(anna, limit=4, before=before):
            pages.append([line.id for line in page])
            before = page[-1].id
        assert [len(page) for page in pages] == [4, 4, 2]
        everything = [number for page in pages for number in page]
        assert everything == sorted(set(everything), reverse=True)

    async def test_a_posting_that_comes_between_two_pages_shifts_nothing(self, anna: UserId) -> None:
        for _ in range(5):
            await charged(anna, "0.10")
        first = await ledger.statement(anna, limit=3)
        await charged(anna, "0.10")
        second = await ledger.statement(anna, limit=3, before=first[-1].id)
        assert len({line.id for line in first + second}) == 6

    async def test_it_shows_nobody_elses_postings(self, anna: UserId) -> None:
        boris = await somebody("3")
        await charged(boris, "1")
        assert {line.user_id for line in await ledger.statement(anna)} == {anna}

    async def test_somebody_without_postings_has_an_empty_one(self, database: Settings) -> None:
        assert await ledger.statement(await somebody()) == []


class TestTotals:
    """Sums that support sees beside the balance."""

    async def test_they_follow_every_kind_of_posting(self, anna: UserId) -> None:
        await ledger.give_welcome_bonus(anna)
        await ledger.post(anna, Decimal(10), PostingKind.DEPOSIT, key=key())
        await ledger.post(anna, Decimal(3), PostingKind.REFERRAL, key=key())
        await ledger.post(anna, Decimal("-1"), PostingKind.ADMIN, key=key(), actor="olga", reason="a mistake")
        charge = await charged(anna, "4")
        await ledger.refund(charge.id, key=key(), amount=Decimal("1.50"))
        row = await db.fetch_one("SELECT * FROM botapp_userbalance WHERE user_id = $1", anna)
        assert row is not None
        assert [str(row[name]) for name in ("balance", "total_spent", "total_deposited", "bonus_balance")] == [
            "69.50",
            "2.50",
            "10.00",
            "53.00",
        ]
        # Nobody paid, invited or generated anything here; what matters is that no total differs.
        assert set(await found()) == {
            "charge_without_generation",
            "deposit_without_payment",
            "referral_differs_from_posting",
        }

    async def test_the_running_balance_is_counted_whatever_the_statement_says(self, anna: UserId) -> None:
        balance_after = await db.fetch_value(
            """INSERT INTO botapp_transaction (user_id, type, amount, balance_after, idempotency_key, reason)
            VALUES ($1, 'admin', 1, 999999, $2, 'test') RETURNING balance_after""",
            anna,
            key(),
        )
        assert str(balance_after) == "11.00"
        await assert_books_agree()
