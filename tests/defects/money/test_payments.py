"""The predecessor's defects that credited what nobody had paid, twice, or to somebody else."""

from __future__ import annotations

import asyncio
import dataclasses
from decimal import Decimal

import asyncpg
import pytest

from core import audit, db, ledger
from core.audit import Change
from core.ledger import InsufficientTokens, PostingKind
from core.payments import PaymentStatus, crediting, gateways, get, orders
from core.payments.gateways.base import Outcome, Receipt
from core.payments.gateways.stars import StarsGateway
from core.types import IdempotencyKey
from core.users import User
from tests.core.ledger.conftest import quote_of
from tests.core.payments.conftest import (
    Buying,
    assert_books_agree,
    balance,
    key,
    newcomer,
    paid,
    payments,
    purchase,
    spend,
    statement,
)
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration


async def test_a04_what_is_credited_is_what_the_package_gives(order: Buying, buyer: User) -> None:
    """A4: the client named the amount: 100000 with a package of 100 gave 2 000 000 for an invoice of $5."""
    payment = await order()
    for amount in (Decimal(100000), Decimal("4.99"), Decimal("5.01")):
        await crediting.receive(paid(payment, f"charge-of-{amount}", amount=amount))
    assert await balance(buyer) == "0.00"
    await crediting.receive(paid(payment))
    assert await balance(buyer) == "100.00"


async def test_a05_a_replayed_webhook_credits_nothing(order: Buying, buyer: User) -> None:
    """A5: a webhook that came again credited again: 2 000 000 became 4 000 000."""
    receipt = paid(await order())
    await crediting.receive(receipt)
    await asyncio.gather(*(crediting.receive(receipt) for _ in range(8)))
    assert await balance(buyer) == "100.00"


async def test_a06_a_balance_is_the_sum_of_its_statement_in_one_unit(order: Buying, buyer: User) -> None:
    """A6: the ledger mixed dollars and tokens: after a purchase of $5 the balance was 100 and the ledger said 5."""
    await crediting.receive(paid(await order()))
    await spend(buyer, "12.34")
    total = await db.fetch_value("SELECT sum(amount) FROM botapp_transaction WHERE user_id = $1", buyer.id)
    assert (str(total), await balance(buyer)) == ("87.66", "87.66")
    await assert_books_agree()


async def test_a13_money_of_nobody_is_parked_and_its_currency_counts(order: Buying, buyer: User) -> None:
    """A13: unmatched payments went to one personal chat, 450 RUB as $450: 9000 tokens."""
    rich = await db.fetch_value("SELECT coalesce(sum(balance), 0) FROM botapp_userbalance")
    receipt = Receipt("till", "webhook-1", Outcome.PAID, Decimal(450), "RUB")
    held = await crediting.receive(receipt)
    assert held is not None
    assert (held.status, held.user_id, str(held.amount), held.currency) == (
        PaymentStatus.QUARANTINED,
        None,
        "450.00",
        "RUB",
    )
    await crediting.receive(paid(await order(), currency="RUB"))
    assert await db.fetch_value("SELECT coalesce(sum(balance), 0) FROM botapp_userbalance") == rich


async def test_a14_a_webhook_cannot_name_a_row_of_the_ledger(order: Buying, buyer: User) -> None:
    """A14: a webhook named any row by its number; "success" on a debit of 1.60 gave 66.40 wrongly."""
    await crediting.receive(paid(await order()))
    await spend(buyer, "1.60")
    before = await statement(buyer)
    for line in await ledger.statement(buyer.id):
        for name in (str(line.id), line.key):
            await crediting.receive(Receipt("till", f"x-{name}", Outcome.PAID, Decimal("1.60"), "USD", order_code=name))
    assert await statement(buyer) == before
    assert (await payments())[0][0] == "paid"
    assert {status for status, _ in (await payments())[1:]} == {"quarantined"}


async def test_a15_stars_are_credited_once_by_their_charge_for_an_order_of_ours(buyer: User, till: Till) -> None:
    """A15: the same successful_payment twice gave 550, then 1050; payload and currency were not looked at."""
    stars = StarsGateway("4242:token-of-the-tests", base_url="http://127.0.0.1:1")
    till.name = "stars"
    gateways.use(till)
    payment = await orders.place(purchase(buyer, gateway="stars"))
    payload = stars.payload(payment)
    assert stars.order_code(payload) == payment.code
    for forged in (payment.code, f"{payment.code}.", f"{payment.code}.AAAA", payload[:-1], f"0{payload[1:]}", ""):
        if forged != payload:
            assert stars.order_code(forged) is None
    await stars.close()
    receipt = paid(payment, "stx-1")
    await crediting.receive(dataclasses.replace(receipt, currency="USDT", external_id="stx-2"))
    for _ in range(2):
        await crediting.receive(receipt)
    assert await balance(buyer) == "100.00"


async def test_a16_a_failure_after_the_payment_changes_nothing(order: Buying, buyer: User) -> None:
    """A16: a failed event after success turned the row over and left the tokens; refunds did not exist."""
    payment = await order()
    await crediting.receive(paid(payment))
    await crediting.receive(paid(payment, outcome=Outcome.FAILED))
    assert (await get(payment.code)).status is PaymentStatus.PAID
    await crediting.receive(paid(payment, outcome=Outcome.REFUNDED))
    await crediting.receive(paid(payment))
    assert (await get(payment.code)).status is PaymentStatus.REFUNDED
    assert await balance(buyer) == "0.00"


async def test_a17_the_first_deposit_brings_its_bonus_over_every_gateway(till: Till, bank: Till) -> None:
    """A17: the first-deposit bonus came for Stars only; cards went past the service: 0 bonus rows."""
    for gateway in (till, bank):
        user = await newcomer()
        for _ in range(2):
            await crediting.receive(
                paid(await orders.invoice(await orders.place(purchase(user, gateway=gateway.name))))
            )
        assert await balance(user) == "220.00"


async def test_a18_tokens_are_frozen_when_they_are_ordered(order: Buying, buyer: User) -> None:
    """A18: tokens were worked out when the webhook came, at the rate of that moment."""
    payment = await order()
    await db.execute("UPDATE pricing_settings SET usd_to_token_rate = 1")
    await db.execute("UPDATE token_packages SET credits = 1, price_usd = 1")
    await crediting.receive(paid(payment))
    assert await balance(buyer) == "100.00"


async def test_a19_an_operator_moves_tokens_only_by_a_posting_with_actor_and_reason(buyer: User) -> None:
    """A19: operators edited balances and ledger rows with no trace, and "mark as completed" only flipped flags."""
    for statement_ in (
        "UPDATE botapp_userbalance SET balance = 1000",
        "UPDATE botapp_transaction SET amount = 1000",
        "DELETE FROM botapp_transaction",
        "INSERT INTO botapp_transaction (user_id, type, amount, idempotency_key) VALUES (1, 'admin', 5, 'no reason')",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await db.execute(statement_)
    change = Change("token:anna", "users.credit", str(buyer.chat_id), "lost picture", IdempotencyKey("credit-1"))

    async def perform() -> audit.Result:
        await ledger.post(
            buyer.id, Decimal(5), PostingKind.ADMIN, key=change.posting_key, actor=change.actor, reason=change.reason
        )
        return {}

    for _ in range(2):
        await audit.once(change, perform)
    [line] = await ledger.statement(buyer.id, limit=1)
    assert (line.actor, line.reason, str(line.balance_after)) == ("token:anna", "lost picture", "5.00")
    assert [event.actor for event in await audit.newest()] == ["token:anna"]


async def test_a23_no_balance_is_negative_and_large_amounts_fit(buyer: User) -> None:
    """A23: nothing kept a balance above zero, and a cost of 10 000 overflowed its column."""
    await ledger.post(buyer.id, Decimal("99999.99"), PostingKind.DEPOSIT, key=key())
    await ledger.charge(buyer.id, quote_of("12000"), key=key())
    with pytest.raises(InsufficientTokens):
        await ledger.charge(buyer.id, quote_of("88000"), key=key())
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(
            """INSERT INTO botapp_transaction (user_id, type, amount, idempotency_key, reason)
            VALUES ($1, 'admin', -88000, 'raw', 'raw')""",
            buyer.id,
        )
    assert await balance(buyer) == "87999.99"


async def test_w06_a_repeated_notification_credits_once(buyer: User, bank: Till) -> None:
    """W6: a repeated payment notification credited twice."""
    payment = await orders.invoice(await orders.place(purchase(buyer, gateway="bank")))
    for _ in range(3):
        await crediting.receive(paid(payment))
    assert [kind for kind, _, _ in await statement(buyer)].count("deposit") == 1


async def test_w08_who_pays_by_card_gets_the_first_deposit_bonus(bank: Till) -> None:
    """W8: the first-deposit bonus was never paid to people who paid by card."""
    user = await newcomer()
    await crediting.receive(paid(await orders.invoice(await orders.place(purchase(user, gateway="bank")))))
    assert await balance(user) == "120.00"
