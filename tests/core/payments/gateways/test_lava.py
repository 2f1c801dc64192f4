"""What Lava.top has of its own: no order ids, answers that get lost, pages of lists, subscriptions, words in errors."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from core import db
from core.payments import Payment, gateways, get, orders, packages
from core.payments.gateways.base import (
    GatewayRefused,
    GatewayUnavailable,
    Outcome,
    RefundIsManual,
    WebGateway,
)
from core.payments.gateways.lava import LavaGateway
from core.payments.gateways.lava_wire import LavaInvoice
from core.payments.orders import Purchase
from core.payments.packages import UnknownPackage
from core.settings import Settings
from core.users import User
from tests.core.payments.conftest import key, newcomer
from tests.core.payments.gateways.front import stock
from tests.core.payments.gateways.harnesses import EMAIL, OFFERS, PAGES, SUBSCRIPTION, LavaHarness, lava
from tests.emulators.lava_contracts import Offer

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
CREATE = "/api/v3/invoice"


@pytest.fixture
async def shop(database: Settings, tmp_path: Path) -> AsyncIterator[LavaHarness]:
    """Lava with packages that it sells."""
    async with lava(tmp_path) as harness:
        await stock()
        gateways.use(harness.gateway)
        yield harness


@pytest.fixture
async def user(database: Settings) -> User:
    """Somebody who buys."""
    return await newcomer()


async def place(user: User, package: str = "tokens-100", **details: Any) -> Payment:
    """Place an order with an address."""
    text = db.to_json({"email": EMAIL, **details})
    return await orders.place(Purchase(user, package, "lava", key(), text))


async def test_only_packages_with_an_offer_are_sold(shop: LavaHarness, user: User) -> None:
    assert shop.gateway.price(await packages.get("tokens-100")) == (Decimal(5), "USD")
    assert shop.gateway.price(await packages.get("tokens-1000")) is None
    with pytest.raises(UnknownPackage):
        await place(user, "tokens-1000")


async def test_an_invoice_carries_everything_that_lava_wants(shop: LavaHarness, user: User) -> None:
    payment = await place(user)
    await shop.gateway.create_invoice(payment)
    page = f"{PAGES}/pay/{payment.code}"
    assert shop.emulator.requests == [
        {
            "email": EMAIL,
            "offerId": OFFERS["tokens-100"],
            "currency": "USD",
            "periodicity": "ONE_TIME",
            "buyerLanguage": "RU",
            "clientUtm": {"utm_source": "telegram_bot", "utm_content": payment.code},
            "successful_return_url": f"{page}/success",
            "failure_return_url": f"{page}/failed",
            "cancel_return_url": f"{page}/cancelled",
        }
    ]


async def test_a_monthly_package_is_a_monthly_contract(shop: LavaHarness, user: User) -> None:
    await shop.gateway.create_invoice(await place(user, "monthly"))
    (wanted,) = shop.emulator.requests
    assert (wanted["periodicity"], wanted["offerId"]) == ("MONTHLY", SUBSCRIPTION)


async def test_an_order_keeps_its_offer_although_the_package_gets_another(shop: LavaHarness, user: User) -> None:
    payment = await place(user)
    await db.execute("""UPDATE token_packages SET offers = '{"lava": "another"}'""")
    await shop.gateway.create_invoice(payment)
    assert shop.emulator.requests[0]["offerId"] == OFFERS["tokens-100"]


async def test_without_an_address_or_an_offer_nothing_is_asked(shop: LavaHarness, user: User) -> None:
    without_email = await orders.place(Purchase(user, "tokens-100", "lava", key()))
    with pytest.raises(GatewayRefused, match="e-mail"):
        await shop.gateway.create_invoice(without_email)
    with pytest.raises(GatewayRefused, match="no offer"):
        await shop.gateway.create_invoice(dataclasses.replace(await place(user), details={"email": EMAIL}))
    assert shop.emulator.calls == []


@pytest.mark.parametrize("offer", [Offer(5.01), Offer(4.99), Offer(0.01)])
async def test_an_offer_of_another_price_is_not_sold(shop: LavaHarness, user: User, offer: Offer) -> None:
    shop.emulator.offers[OFFERS["tokens-100"]] = offer
    with pytest.raises(GatewayRefused, match=r"costs .* at Lava\.top, the order 5"):
        await shop.gateway.create_invoice(await place(user))


async def test_an_offer_that_lava_does_not_know_is_refused(shop: LavaHarness, user: User) -> None:
    shop.emulator.offers.clear()
    with pytest.raises(GatewayRefused, match="404 Product with offer id"):
        await shop.gateway.create_invoice(await place(user))


@pytest.mark.parametrize("address", ["javascript:alert(1)", "", "ftp://lava.top/pay"])
async def test_a_page_that_is_none_is_not_handed_out(shop: LavaHarness, user: User, address: str) -> None:
    shop.emulator.address = address
    with pytest.raises(GatewayRefused, match="no page"):
        await shop.gateway.create_invoice(await place(user))


@pytest.mark.parametrize("times", [1, 3])
async def test_an_answer_that_was_lost_makes_no_second_contract(shop: LavaHarness, user: User, times: int) -> None:
    payment = await place(user)
    await shop.spoil("lose", CREATE)
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.create_invoice(payment)
    for _ in range(times):
        invoice = await shop.gateway.create_invoice(payment)
        assert invoice.external_id in shop.emulator.contracts
        assert invoice.url.endswith(f"/pay/{invoice.external_id}")
    assert len(shop.emulator.contracts) == 1


async def test_a_contract_is_found_although_another_address_was_entered_meanwhile(
    shop: LavaHarness, user: User
) -> None:
    payment = await place(user)
    await shop.spoil("lose", CREATE)
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.create_invoice(payment)
    await db.execute(
        """UPDATE botapp_payment SET details = details || '{"email": "other@example.org", "asked_as":
        ["fox@example.org", "other@example.org"]}'"""
    )
    await orders.invoice(await orders_of(payment))
    assert len(shop.emulator.contracts) == 1


async def orders_of(payment: Payment) -> Payment:
    """The order as it stands now."""

    return await get(payment.code)


async def test_the_first_time_lava_is_asked_for_nothing_but_the_invoice(shop: LavaHarness, user: User) -> None:
    await shop.gateway.create_invoice(await place(user, asks=1))
    assert shop.emulator.calls == [("POST", CREATE)]


async def test_while_the_list_cannot_be_read_no_contract_is_made(shop: LavaHarness, user: User) -> None:
    await shop.spoil("status=500", "/api/v1/invoices")
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.create_invoice(await place(user))
    assert shop.emulator.contracts == {}


async def test_a_contract_of_another_order_of_the_same_person_is_not_taken(shop: LavaHarness, user: User) -> None:
    first = await shop.gateway.create_invoice(await place(user))
    second = await shop.gateway.create_invoice(await place(user))
    assert first.external_id != second.external_id


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status=400", GatewayRefused),
        ("status=401", GatewayRefused),
        ("status=403", GatewayRefused),
        ("status=404", GatewayRefused),
        ("status=408", GatewayUnavailable),
        ("status=429", GatewayUnavailable),
        ("status=500", GatewayUnavailable),
        ("status=503", GatewayUnavailable),
        ("status=302", GatewayUnavailable),
        ("drop", GatewayUnavailable),
        ("lose", GatewayUnavailable),
        ("garbage", GatewayUnavailable),
        ("odd", GatewayUnavailable),
        ("echo", GatewayRefused),
    ],
)
async def test_every_fault_has_its_kind_and_tells_no_secret(
    shop: LavaHarness, user: User, fault: str, error: type[Exception]
) -> None:
    await shop.spoil(fault, CREATE)
    with pytest.raises(error) as caught:
        await shop.gateway.create_invoice(await place(user))
    text = str(caught.value)
    assert "Lava.top" in text
    for secret in shop.secrets:
        assert secret not in text
    assert caught.value.__cause__ is None
    if fault == "echo":
        assert "[redacted] of [e-mail] is revoked" in text


async def test_a_look_goes_by_the_contract_where_it_is_known(shop: LavaHarness, user: User) -> None:
    payment = await orders.invoice(await place(user))
    shop.emulator.calls.clear()
    looked = await shop.gateway.look_up(payment)
    assert looked is not None
    assert (looked.outcome, looked.external_id) == (Outcome.PENDING, payment.external_id)
    assert shop.emulator.calls == [("GET", f"/api/v2/invoices/{payment.external_id}")]


async def test_a_look_at_an_order_that_nobody_began_to_pay_finds_nothing(shop: LavaHarness, user: User) -> None:
    payment = await orders.place(Purchase(user, "tokens-100", "lava", key()))
    assert await shop.gateway.look_up(payment) is None
    assert shop.emulator.calls == []


@pytest.mark.parametrize(("deed", "outcome"), [("pay", Outcome.PAID), ("fail", Outcome.FAILED)])
async def test_a_look_without_a_contract_searches_for_it(
    shop: LavaHarness, user: User, deed: str, outcome: Outcome
) -> None:
    payment = await place(user)
    await shop.spoil("lose", CREATE)
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.create_invoice(payment)
    (contract,) = shop.emulator.contracts
    await shop.do(contract, deed, webhook=False)
    looked = await shop.gateway.look_up(payment)
    assert looked is not None
    assert (looked.outcome, looked.external_id, looked.order_code) == (outcome, contract, payment.code)


async def test_after_a_failed_contract_a_new_one_is_made(shop: LavaHarness, user: User) -> None:
    payment = await place(user)
    first = await shop.gateway.create_invoice(payment)
    await shop.do(first.external_id, "fail", webhook=False)
    second = await shop.gateway.create_invoice(payment)
    assert second.external_id != first.external_id
    await shop.do(second.external_id, "pay", webhook=False)
    looked = await shop.gateway.look_up(payment)
    assert looked is not None
    assert (looked.outcome, looked.external_id) == (Outcome.PAID, second.external_id)


async def test_money_goes_back_in_the_cabinet_only(shop: LavaHarness, user: User) -> None:
    payment = await orders.invoice(await place(user))
    with pytest.raises(RefundIsManual, match=f"{payment.external_id}"):
        await shop.gateway.refund(payment)


async def test_a_long_list_is_read_to_its_end(shop: LavaHarness, user: User) -> None:
    payment = await place(user)
    for _ in range(230):
        invoice = await shop.gateway.create_invoice(payment)
        contract = shop.emulator.contracts.pop(str(invoice.external_id))
        contract.wanted = {**contract.wanted, "clientUtm": {}}
        contract.status = "COMPLETED"
        shop.emulator.contracts[contract.id] = contract
    listed = [receipt async for receipt in shop.gateway.receipts(datetime.now(UTC) - HOUR)]
    assert {receipt.external_id for receipt in listed} == set(shop.emulator.contracts)
    assert len(listed) == 230


async def test_renewals_are_listed_with_their_subscription(shop: LavaHarness, user: User) -> None:
    payment = await orders.invoice(await place(user, "monthly"))
    await shop.do(payment.external_id, "pay", webhook=False)
    renewal = await shop.do(payment.external_id, "renew", webhook=False)
    await shop.do(payment.external_id, "cancel", webhook=False)
    first, second = [receipt async for receipt in shop.gateway.receipts(datetime.now(UTC) - HOUR)]
    assert (first.external_id, first.subscription, first.outcome) == (payment.external_id, None, Outcome.PAID)
    assert (second.external_id, second.subscription, second.outcome) == (renewal, payment.external_id, Outcome.PAID)
    assert first.is_recurring
    assert second.is_recurring


async def test_a_list_that_is_shorter_than_it_says_is_not_complete(
    shop: LavaHarness, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = await orders.invoice(await place(user))
    await shop.do(payment.external_id, "pay", webhook=False)

    async def one_short(self: LavaGateway, *arguments: Any, **content: Any) -> Any:
        page = await original(self, *arguments, **content)
        return page.model_copy(update={"total": page.total + 1})

    original = LavaGateway._call
    monkeypatch.setattr(LavaGateway, "_call", one_short)
    with pytest.raises(GatewayUnavailable, match="has 2 invoices and shows 1"):
        [receipt async for receipt in shop.gateway.receipts(datetime.now(UTC) - HOUR)]


async def test_a_subscription_is_cancelled_once_and_says_when_it_ends(shop: LavaHarness, user: User) -> None:
    payment = await orders.invoice(await place(user, "monthly"))
    await shop.do(payment.external_id, "pay", webhook=False)
    for _ in range(2):
        receipt = await shop.gateway.cancel_subscription(payment)
        assert (receipt.outcome, receipt.external_id) == (Outcome.CANCELLED, payment.external_id)
        assert receipt.ends_at is not None
        assert timedelta(days=29) < receipt.ends_at - datetime.now(UTC) < timedelta(days=31)


async def test_a_subscription_that_lava_keeps_goes_on(shop: LavaHarness, user: User) -> None:
    payment = await orders.invoice(await place(user, "monthly"))
    await shop.do(payment.external_id, "pay", webhook=False)
    for fault, error in (("status=400", GatewayRefused), ("status=500", GatewayUnavailable)):
        await shop.spoil(fault, "/api/v1/subscriptions")
        with pytest.raises(error):
            await shop.gateway.cancel_subscription(payment)
    with pytest.raises(GatewayRefused, match="no contract"):
        await shop.gateway.cancel_subscription(await place(user, "monthly"))


async def test_money_is_read_to_the_cent() -> None:
    text = (
        '{"id": "a", "datetime": "2026-01-01T00:00:00", "status": "COMPLETED", '
        '"receipt": {"amount": %s, "currency": "RUB"}}'
    )
    for written in ("40254.19", "0.1", "990", "990.00", "9999999999.99", "1e2"):
        receipt = LavaInvoice.model_validate_json(text % written).receipt_of()
        assert receipt.amount == Decimal(written)
        assert receipt.at == datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_status_that_is_new_to_us_is_no_money() -> None:
    text = (
        '{"id": "a", "datetime": "2026-01-01T00:00:00Z", "status": "REFUNDED", '
        '"receipt": {"amount": 5, "currency": "USD"}}'
    )
    assert LavaInvoice.model_validate_json(text).receipt_of().outcome is Outcome.PENDING


@pytest.mark.parametrize(
    ("written", "outcome"),
    [("COMPLETED", Outcome.PAID), ("completed", Outcome.PAID), ("in-progress", Outcome.PENDING)],
)
async def test_what_an_invoice_does_not_say_is_unknown(written: str, outcome: Outcome) -> None:
    bare = f'{{"id": "a", "status": "{written}", "parentInvoice": {{}}, "clientUtm": null, "receipt": null}}'
    receipt = LavaInvoice.model_validate_json(bare).receipt_of()
    assert (receipt.outcome, receipt.amount, receipt.order_code, receipt.at) == (outcome, None, None, None)
    assert (receipt.subscription, receipt.is_recurring) == (None, False)


async def test_a_list_without_a_total_ends_with_a_page_that_is_not_full(
    shop: LavaHarness, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.payments.gateways.lava.PAGE", 2)
    for _ in range(5):
        await shop.pay(await orders.invoice(await place(user)))

    async def untold(self: LavaGateway, *arguments: Any, **content: Any) -> Any:
        return (await original(self, *arguments, **content)).model_copy(update={"total": None})

    original = LavaGateway._call
    monkeypatch.setattr(LavaGateway, "_call", untold)
    assert len([receipt async for receipt in shop.gateway.receipts(datetime.now(UTC) - HOUR)]) == 5


async def test_it_is_there_only_when_it_is_switched_on(settings: Settings) -> None:
    gateways.connect(settings)
    assert gateways.of_page("lava") is None
    assert gateways.of_the_web() == []
    on = {"lava_enabled": True, "lava_api_key": SecretStr("key"), "lava_webhook_secret": SecretStr("secret")}
    gateways.connect(settings.model_copy(update=on))
    assert isinstance(gateways.of_page("lava"), WebGateway)
    assert gateways.of_page("stars") is None
    await gateways.disconnect()


async def test_twenty_at_once_on_one_connection_pool(shop: LavaHarness, user: User) -> None:
    placed = [await place(user) for _ in range(20)]
    invoices = await asyncio.gather(*(shop.gateway.create_invoice(payment) for payment in placed))
    assert len({invoice.external_id for invoice in invoices}) == 20
