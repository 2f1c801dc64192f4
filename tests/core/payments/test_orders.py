"""An order says what is bought, for how much and by whom, before anybody pays."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from core import db
from core.payments import PaymentNotFound, PaymentStatus, crediting, find, gateways, get, of_user, orders, repository
from core.payments.gateways.base import GatewayRefused, GatewayUnavailable, Outcome
from core.payments.orders import BuyerBlocked, OrderKeyReused
from core.payments.packages import UnknownPackage
from core.users import User
from tests.core.payments.conftest import Buying, balance, key, newcomer, paid, payments, purchase, tasks
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration


async def test_an_order_holds_what_it_gives_and_costs(order: Buying, buyer: User) -> None:
    payment = await order(package="tokens-200")
    assert (payment.package, str(payment.tokens), str(payment.amount), payment.currency) == (
        "tokens-200",
        "200.00",
        "10.00",
        "USD",
    )
    assert (payment.user_id, payment.chat_id, payment.language) == (buyer.id, buyer.chat_id, "ru")
    assert (payment.status, payment.gateway, payment.external_id) == (PaymentStatus.PENDING, "till", None)
    assert payment.expires_at is not None
    assert timedelta(hours=23) < payment.expires_at - datetime.now(UTC) <= timedelta(hours=24)
    assert payment.next_check_at is not None
    assert timedelta(minutes=1) < payment.next_check_at - datetime.now(UTC) <= timedelta(minutes=2)
    assert await balance(buyer) == "0.00"


async def test_its_code_cannot_be_guessed_and_finds_it(order: Buying) -> None:
    first, second = await order(), await order()
    assert first.code != second.code
    assert len(first.code) == 32
    assert (await get(first.code)).id == first.id
    assert await find("0" * 32) is None
    with pytest.raises(PaymentNotFound, match="'nonsense'"):
        await get("nonsense")


async def test_a_repeated_key_returns_the_first_order(order: Buying) -> None:
    shared = key()
    assert await order(key=shared) == await order(key=shared)
    assert len(await payments()) == 1


async def test_a_key_at_once_makes_one_order(order: Buying) -> None:
    shared = key()
    made = await asyncio.gather(*(order(key=shared) for _ in range(20)))
    assert len({payment.id for payment in made}) == 1


async def test_a_repeated_key_returns_the_first_order_although_the_package_is_gone(order: Buying) -> None:
    shared = key()
    first = await order(key=shared)
    await db.execute("UPDATE token_packages SET is_active = false, price_usd = 99")
    assert await order(key=shared) == first


async def test_a_key_of_another_package_is_refused(order: Buying) -> None:
    shared = key()
    await order(key=shared)
    with pytest.raises(OrderKeyReused):
        await order(key=shared, package="tokens-200")


async def test_a_key_of_another_gateway_is_refused(order: Buying, bank: Till) -> None:
    shared = key()
    await order(key=shared)
    with pytest.raises(OrderKeyReused):
        await order(key=shared, gateway="bank")


async def test_a_key_of_somebody_else_is_refused_and_shows_nothing(order: Buying) -> None:
    shared, stranger = key(), await newcomer()
    await order(key=shared)
    with pytest.raises(OrderKeyReused):
        await orders.place(purchase(stranger, key=shared))
    assert await of_user(stranger.id) == []


async def test_an_edited_package_changes_no_order(order: Buying) -> None:
    payment = await order()
    await db.execute("UPDATE token_packages SET credits = 7, price_usd = 9, is_recurring = true")
    assert dataclasses.astuple(await get(payment.code)) == dataclasses.astuple(payment)
    newer = await order()
    assert (str(newer.tokens), str(newer.amount), newer.is_recurring) == ("7.00", "9.00", True)


async def test_what_an_order_is_about_cannot_be_changed_behind_its_back(order: Buying) -> None:
    payment = await order()
    for change in ("tokens = 100000", "amount = 0.01", "currency = 'XTR'", "user_id = NULL", "gateway = 'bank'"):
        with pytest.raises(asyncpg.CheckViolationError, match="does not change"):
            await db.execute(f"UPDATE botapp_payment SET {change} WHERE id = $1", payment.id)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="payments are kept"):
        await db.execute("DELETE FROM botapp_payment")


async def test_a_package_that_is_not_sold_is_refused(order: Buying) -> None:
    await db.execute("UPDATE token_packages SET is_active = false WHERE code = 'tokens-100'")
    for package in ("tokens-100", "tokens-100000", ""):
        with pytest.raises(UnknownPackage):
            await order(package=package)
    assert await payments() == []


async def test_a_package_that_the_gateway_does_not_sell_is_refused(order: Buying) -> None:
    await db.execute("INSERT INTO token_packages (code, credits, price_usd) VALUES ('cheap-not-here', 10, 1)")
    with pytest.raises(UnknownPackage, match="cheap-not-here"):
        await order(package="cheap-not-here")


async def test_a_gateway_that_is_not_configured_is_refused(order: Buying) -> None:
    with pytest.raises(gateways.GatewayNotConfigured, match="'elsewhere'"):
        await order(gateway="elsewhere")


async def test_nothing_is_sold_to_somebody_who_is_shut_out(till: Till, buyer: User) -> None:
    with pytest.raises(BuyerBlocked):
        await orders.place(purchase(dataclasses.replace(buyer, is_blocked=True)))
    assert await payments() == []


async def test_orders_of_a_user_are_listed_newest_first(order: Buying, buyer: User, till: Till) -> None:
    first, second = await order(), await order(package="tokens-200")
    await orders.place(purchase(await newcomer()))
    assert [payment.id for payment in await of_user(buyer.id)] == [second.id, first.id]
    assert [payment.id for payment in await of_user(buyer.id, limit=1)] == [second.id]


async def test_an_invoice_is_made_once_and_kept(order: Buying, till: Till) -> None:
    payment = await order(details='{"mail": "fox@example.org"}')
    invoiced = await orders.invoice(payment)
    assert invoiced.payment_url == f"https://till.test/{payment.code}"
    assert dict(invoiced.details) == {"mail": "fox@example.org", "number": 1}
    assert invoiced.next_check_at == payment.next_check_at
    assert await orders.invoice(invoiced) == invoiced
    assert len(till.invoiced) == 1


async def test_a_gateway_that_is_away_leaves_the_order_to_be_invoiced_again(order: Buying, till: Till) -> None:
    payment = await order()
    till.faults.append(GatewayUnavailable("timed out"))
    with pytest.raises(GatewayUnavailable):
        await orders.invoice(payment)
    assert (await get(payment.code)).status is PaymentStatus.PENDING
    assert (await orders.invoice(payment)).payment_url


async def test_no_invoice_is_made_for_an_order_that_is_paid(order: Buying, till: Till) -> None:
    payment = await order()
    settled = await crediting.receive(paid(payment))
    assert settled is not None
    assert await orders.invoice(settled) == settled
    assert till.invoiced == []


async def test_invoices_made_at_once_keep_one_address_and_one_id(buyer: User, bank: Till) -> None:
    payment = await orders.place(purchase(buyer, gateway="bank"))
    made = await asyncio.gather(*(orders.invoice(payment) for _ in range(5)))
    assert len({(invoiced.payment_url, invoiced.external_id) for invoiced in made}) == 1
    assert await payments() == [("pending", made[0].external_id)]


async def test_money_that_was_quicker_than_the_invoice_is_credited(buyer: User, bank: Till) -> None:
    payment = await orders.place(purchase(buyer, gateway="bank"))
    early = dataclasses.replace(paid(payment, "contract-early"), order_code=None, payer=None)
    held = await crediting.receive(early)
    assert held is not None
    assert (held.status, held.user_id) == (PaymentStatus.QUARANTINED, None)

    bank.next_ids.append("contract-early")
    freed = await orders.invoice(payment)
    assert freed.external_id == "contract-early"
    assert freed.next_check_at is not None
    assert freed.next_check_at <= datetime.now(UTC)
    assert (await repository.by_id(held.id)).status is PaymentStatus.DISMISSED

    await crediting.receive(early)
    assert await balance(buyer) == "100.00"
    assert [status for status, _ in await payments()] == ["paid", "dismissed"]


async def test_an_id_that_was_freed_may_come_to_quarantine_again(buyer: User, bank: Till) -> None:
    payment = await orders.place(purchase(buyer, gateway="bank"))
    stray = dataclasses.replace(paid(payment, "contract-twice"), order_code=None)
    await crediting.receive(stray)
    async with db.transaction():
        assert await crediting.free_from_quarantine("bank", "contract-twice")
    again = await crediting.receive(stray)
    assert again is not None
    assert again.status is PaymentStatus.QUARANTINED
    assert await balance(buyer) == "0.00"


async def test_only_what_is_in_quarantine_is_freed(order: Buying, buyer: User) -> None:
    payment = await order()
    await crediting.receive(paid(payment, "charge-1"))
    async with db.transaction():
        assert not await crediting.free_from_quarantine("till", "charge-1")
        assert not await crediting.free_from_quarantine("till", "nobody-knows-it")
    assert await payments() == [("paid", "charge-1")]


async def test_orders_close_when_their_time_is_over(order: Buying, buyer: User, bank: Till) -> None:
    late, fresh = await order(), await order()
    contracted = await orders.invoice(await orders.place(purchase(buyer, gateway="bank")))
    await db.execute(
        "UPDATE botapp_payment SET expires_at = now() - interval '1 second' WHERE id <> $1",
        fresh.id,
    )
    assert await crediting.expire() == 2
    assert await crediting.expire() == 0
    closed, open_one, asked = await get(late.code), await get(fresh.code), await get(contracted.code)
    assert (closed.status, closed.next_check_at) == (PaymentStatus.EXPIRED, None)
    assert open_one.status is PaymentStatus.PENDING
    assert asked.status is PaymentStatus.EXPIRED
    assert asked.next_check_at is not None
    assert timedelta(hours=11) < asked.next_check_at - datetime.now(UTC) <= timedelta(hours=12)
    assert await tasks() == []


async def test_a_paid_order_never_expires(order: Buying) -> None:
    payment = await order()
    await crediting.receive(paid(payment))
    await db.execute("UPDATE botapp_payment SET expires_at = now() - interval '1 day'")
    assert await crediting.expire() == 0


async def test_an_order_costs_and_gives_something_or_is_refused_by_the_database(order: Buying, buyer: User) -> None:
    payment = await order()
    new = repository.NewPayment(
        code="f" * 32,
        key=key(),
        user_id=buyer.id,
        gateway="till",
        amount=Decimal(0),
        currency="USD",
        package=payment.package,
        tokens=Decimal(100),
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await repository.insert(new)
    with pytest.raises(asyncpg.CheckViolationError):
        await repository.insert(dataclasses.replace(new, amount=Decimal(5), tokens=Decimal(0)))


async def test_money_for_an_invoice_of_an_order_that_was_paid_otherwise_stays_in_quarantine(
    buyer: User, bank: Till
) -> None:
    payment = await orders.place(purchase(buyer, gateway="bank"))
    bank.next_ids.append("contract-late")
    await crediting.receive(dataclasses.replace(paid(payment, "contract-late"), order_code=None))
    await crediting.receive(paid(payment, "contract-first"))
    await orders.invoice(payment)
    assert await payments() == [("paid", "contract-first"), ("quarantined", "contract-late")]


async def test_a_second_invoice_lets_nothing_go(buyer: User, bank: Till) -> None:
    payment = await orders.place(purchase(buyer, gateway="bank"))
    first = await orders.invoice(payment)
    bank.next_ids.append("contract-second")
    await crediting.receive(dataclasses.replace(paid(payment, "contract-second"), order_code=None))
    assert (await orders.invoice(payment)).external_id == first.external_id
    assert [status for status, _ in await payments()] == ["pending", "quarantined"]


async def test_an_invoice_whose_money_came_and_went_is_not_used_and_the_next_one_is(buyer: User, bank: Till) -> None:
    payment = await orders.place(purchase(buyer, gateway="bank"))
    bank.next_ids.append("contract-settled")
    receipt = dataclasses.replace(paid(payment, "contract-settled"), order_code=None)
    await crediting.receive(receipt)
    await crediting.receive(dataclasses.replace(receipt, outcome=Outcome.REFUNDED))
    with pytest.raises(GatewayRefused, match="contract-settled"):
        await orders.invoice(payment)
    second = await orders.invoice(payment)
    assert second.external_id is not None
    assert await payments() == [("pending", second.external_id), ("refunded", "contract-settled")]
