"""What every gateway keeps. A new one writes a `Harness` for its emulator and puts it into `test_contract.py`."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pytest

from core import db, ledger
from core.ledger import PostingKind
from core.payments import Payment, PaymentStatus, crediting, gateways, get, orders, packages
from core.payments.gateways.base import (
    Gateway,
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
    Outcome,
    Receipt,
    RefundIsManual,
)
from core.payments.orders import Purchase
from core.types import IdempotencyKey
from core.users import User
from tests.core.payments.conftest import assert_books_agree, balance, key, newcomer, statement, tasks
from tests.core.payments.gateways.cable import FAULTS, Cable
from tests.core.payments.till import Till

HOUR = timedelta(hours=1)


class Harness(Protocol):
    """A gateway that talks to its emulator over a cable, and the people who pay there."""

    gateway: Gateway
    cable: Cable
    secrets: tuple[str, ...]
    """What must not stand in any error."""

    details: dict[str, Any]
    """What an order of this gateway is placed with."""

    async def prepare(self) -> None:
        """Give the packages what the gateway calls them."""

    async def pay(self, payment: Payment) -> Receipt:
        """Pay an order's invoice, as a person does; return what the gateway's own module makes of that."""

    def debts(self, payment: Payment) -> int:
        """How many invoices for an order people can be asked to pay."""


class GatewayContract:
    """The contract. `harness` is a fixture."""

    @pytest.fixture
    async def buyer(self, harness: Harness) -> User:
        """Somebody who has paid before, so that a deposit brings only itself."""
        await harness.prepare()
        gateways.use(harness.gateway)
        somebody = await newcomer()
        given = IdempotencyKey(f"first_deposit:{somebody.id}")
        await ledger.give_once(somebody.id, Decimal(1), PostingKind.BONUS, key=given, reason="test")
        return somebody

    @pytest.fixture
    def order(self, harness: Harness, buyer: User) -> Callable[[], Awaitable[Payment]]:
        """Place an order for 100 tokens."""

        async def place() -> Payment:
            details = db.to_json(harness.details)
            return await orders.place(Purchase(buyer, "tokens-100", harness.gateway.name, key(), details))

        return place

    async def test_it_has_a_price_for_what_it_sells(self, harness: Harness, buyer: User) -> None:
        price = harness.gateway.price(await packages.get("tokens-100"))
        assert price is not None
        amount, currency = price
        assert isinstance(amount, Decimal)
        assert amount > 0
        assert len(currency) == 3

    async def test_an_order_gets_an_invoice_once(self, harness: Harness, order: Any) -> None:
        payment = await orders.invoice(await order())
        assert payment.payment_url.startswith(("https://", "http://127.0.0.1"))
        assert (await orders.invoice(payment)).payment_url == payment.payment_url
        assert harness.debts(payment) == 1

    async def test_an_answer_that_was_lost_makes_no_second_debt(self, harness: Harness, order: Any) -> None:
        payment = await order()
        first = await harness.gateway.create_invoice(payment)
        again = await harness.gateway.create_invoice(payment)
        if first.external_id is None:
            # What is paid carries our code, and a second payment of one order goes to quarantine.
            assert again.external_id is None
            return
        assert (again.url, again.external_id) == (first.url, first.external_id)
        assert harness.debts(payment) == 1

    async def test_a_payment_is_what_was_ordered(self, harness: Harness, order: Any) -> None:
        payment = await orders.invoice(await order())
        receipt = await harness.pay(payment)
        assert (receipt.gateway, receipt.outcome) == (harness.gateway.name, Outcome.PAID)
        assert (receipt.amount, receipt.currency) == (payment.amount, payment.currency)
        assert receipt.order_code == payment.code
        assert receipt.external_id
        assert receipt.at is not None
        assert abs(receipt.at - datetime.now(UTC)) < HOUR

    async def test_a_payment_is_credited_once(self, harness: Harness, order: Any, buyer: User) -> None:
        payment = await orders.invoice(await order())
        receipt = await harness.pay(payment)
        settled = await asyncio.gather(*(crediting.receive(receipt) for _ in range(20)))
        assert {(one.code, one.status) for one in settled if one} == {(payment.code, PaymentStatus.PAID)}
        assert await balance(buyer) == "101.00"
        assert [kind for kind, _, _ in await statement(buyer)] == ["bonus", "deposit"]
        assert (await tasks()).count(("bot.tell_payment", payment.code)) == 1
        await assert_books_agree()

    @pytest.mark.parametrize(
        "wrong",
        [{"amount": Decimal("-0.01")}, {"currency": "EUR"}, {"amount": Decimal("0.01")}],
        ids=["a cent too little", "other currency", "a cent too much"],
    )
    async def test_other_money_goes_to_quarantine(
        self, harness: Harness, order: Any, buyer: User, wrong: dict[str, Any]
    ) -> None:
        payment = await orders.invoice(await order())
        receipt = await harness.pay(payment)
        assert receipt.amount is not None
        changed: dict[str, Any] = {"amount": receipt.amount + wrong["amount"]} if "amount" in wrong else wrong
        held = await crediting.receive(dataclasses.replace(receipt, **changed))
        assert held is not None
        assert held.status is PaymentStatus.QUARANTINED
        assert await balance(buyer) == "1.00"
        assert ("bot.alert", f"quarantine:{harness.gateway.name}:{receipt.external_id}") in await tasks()

    async def test_money_for_an_order_of_another_gateway_goes_to_quarantine(
        self, harness: Harness, order: Any, buyer: User
    ) -> None:
        till = Till()
        gateways.use(till)
        foreign = await orders.place(Purchase(buyer, "tokens-100", till.name, key()))
        receipt = await harness.pay(await orders.invoice(await order()))
        stray = dataclasses.replace(receipt, external_id="stray", order_code=foreign.code)
        held = await crediting.receive(stray)
        assert held is not None
        assert held.status is PaymentStatus.QUARANTINED
        assert (await get(foreign.code)).status is PaymentStatus.PENDING
        assert await balance(buyer) == "1.00"

    @pytest.mark.parametrize("code", [None, "0" * 32, "'; --", "", "я" * 300])
    async def test_money_for_no_order_goes_to_quarantine(
        self, harness: Harness, order: Any, buyer: User, code: str | None
    ) -> None:
        receipt = await harness.pay(await orders.invoice(await order()))
        held = await crediting.receive(dataclasses.replace(receipt, external_id="stray", order_code=code))
        assert held is not None
        assert (held.status, held.tokens) == (PaymentStatus.QUARANTINED, Decimal(0))
        assert await balance(buyer) == "1.00"

    async def test_a_failure_after_success_changes_nothing(self, harness: Harness, order: Any, buyer: User) -> None:
        payment = await orders.invoice(await order())
        receipt = await harness.pay(payment)
        await crediting.receive(receipt)
        await crediting.receive(dataclasses.replace(receipt, outcome=Outcome.FAILED, reason="late"))
        assert (await get(payment.code)).status is PaymentStatus.PAID
        assert await balance(buyer) == "101.00"

    async def test_success_after_a_failure_is_credited(self, harness: Harness, order: Any, buyer: User) -> None:
        payment = await orders.invoice(await order())
        receipt = await harness.pay(payment)
        await crediting.receive(dataclasses.replace(receipt, outcome=Outcome.FAILED, reason="no funds"))
        assert (await get(payment.code)).status is PaymentStatus.FAILED
        await crediting.receive(receipt)
        assert (await get(payment.code)).status is PaymentStatus.PAID
        assert await balance(buyer) == "101.00"

    async def test_money_goes_back_once_or_by_hand(self, harness: Harness, order: Any) -> None:
        receipt = await harness.pay(await orders.invoice(await order()))
        payment = await crediting.receive(receipt)
        assert payment is not None
        try:
            await harness.gateway.refund(payment)
        except RefundIsManual as error:
            assert receipt.external_id in str(error)
            return
        await harness.gateway.refund(payment)
        listed = [one.outcome async for one in harness.gateway.receipts(datetime.now(UTC) - HOUR)]
        assert listed.count(Outcome.REFUNDED) == 1

    @pytest.mark.parametrize("fault", FAULTS)
    async def test_a_fault_of_the_line_says_ask_again_and_no_secret(
        self, harness: Harness, order: Any, fault: str
    ) -> None:
        payment = await order()
        harness.cable.faults.append(fault)
        with pytest.raises(GatewayUnavailable) as caught:
            await orders.invoice(payment)
        assert_silent(harness, caught.value)
        assert (await get(payment.code)).status is PaymentStatus.PENDING
        assert (await orders.invoice(payment)).payment_url

    async def test_a_refusal_is_one_and_says_no_secret(self, harness: Harness, order: Any) -> None:
        harness.cable.faults.extend(["refusal"] * 3)
        with pytest.raises(GatewayRefused) as caught:
            await orders.invoice(await order())
        assert "not today" in str(caught.value)
        assert_silent(harness, caught.value)

    async def test_the_list_of_payments_is_complete_and_can_be_read_again(
        self, harness: Harness, order: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.modules[type(harness.gateway).__module__], "PAGE", 2)
        paid = [await harness.pay(await orders.invoice(await order())) for _ in range(5)]
        unpaid = await orders.invoice(await order())
        for _ in range(2):
            listed = [one async for one in harness.gateway.receipts(datetime.now(UTC) - HOUR)]
            assert sorted(one.external_id for one in listed) == sorted(one.external_id for one in paid)
            moments = [one.at for one in listed if one.at]
            assert moments == sorted(moments)
            assert {(one.outcome, one.amount, one.currency) for one in listed} == {
                (Outcome.PAID, unpaid.amount, unpaid.currency)
            }
            assert unpaid.code not in {one.order_code for one in listed}
        assert [one async for one in harness.gateway.receipts(datetime.now(UTC) + HOUR)] == []

    async def test_a_list_that_breaks_off_says_so_and_is_whole_the_next_time(
        self, harness: Harness, order: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.modules[type(harness.gateway).__module__], "PAGE", 2)
        for _ in range(3):
            await harness.pay(await orders.invoice(await order()))
        harness.cable.faults.extend(["", "failure"])
        with pytest.raises(GatewayUnavailable):
            [one async for one in harness.gateway.receipts(datetime.now(UTC) - HOUR)]
        harness.cable.faults.clear()
        assert len([one async for one in harness.gateway.receipts(datetime.now(UTC) - HOUR)]) == 3

    async def test_a_look_at_an_order_says_the_same_as_its_event(self, harness: Harness, order: Any) -> None:
        payment = await orders.invoice(await order())
        before = await harness.gateway.look_up(payment)
        assert before is None or before.outcome is Outcome.PENDING
        receipt = await harness.pay(payment)
        after = await harness.gateway.look_up(payment)
        assert after is None or (after.outcome, after.amount) == (Outcome.PAID, receipt.amount)


def assert_silent(harness: Harness, error: GatewayError) -> None:
    """Fail when an error, or what it came from, tells a secret."""
    chain: BaseException | None = error
    while chain is not None:
        for secret in harness.secrets:
            assert secret not in str(chain)
        chain = chain.__cause__
