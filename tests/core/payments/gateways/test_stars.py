"""Telegram Stars beyond the contract: signed payloads, what Telegram tells, and a long list read from its middle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.payments import PaymentStatus
from core.payments.gateways.base import GatewayRefused, GatewayUnavailable, Outcome
from core.payments.gateways.stars import PAGE, MalformedPayment, StarsGateway
from core.payments.states import Payment
from tests.bot.sandbox.conftest import TOKEN, Running, start

pytestmark = pytest.mark.integration

CODE = "0123456789abcdef0123456789abcdef"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Running]:
    """A local Telegram with somebody in it."""
    running = await start(tmp_path / "sandbox")
    async with httpx.AsyncClient(base_url=f"{running.address}/sandbox/v1") as http:
        await http.post("/users", json={"id": 7, "first_name": "Mia"})
    yield running
    await running.stop()


@pytest.fixture
async def gateway(sandbox: Running) -> AsyncIterator[StarsGateway]:
    """The gateway that talks to it."""
    made = StarsGateway(TOKEN, base_url=sandbox.address)
    yield made
    await made.close()


def order(**changes: Any) -> Payment:
    """An order of 100 tokens."""
    values: dict[str, Any] = dict.fromkeys(Payment.__slots__)
    values |= {
        "id": 1,
        "code": CODE,
        "chat_id": 7,
        "gateway": "stars",
        "tokens": Decimal("100.00"),
        "amount": Decimal(385),
        "currency": "XTR",
        "status": PaymentStatus.PENDING,
        "problem": "",
        "payment_url": "",
        "is_recurring": False,
        "language": "ru",
        "details": {},
        "attempts": 0,
        "created_at": BEGINNING,
    }
    return Payment(**{**values, **changes})


def fill(sandbox: Running, gateway: StarsGateway, count: int, *, refunded: frozenset[int] = frozenset()) -> None:
    """Put a payment a minute into Telegram's list."""
    for number in range(count):
        at = int((BEGINNING + timedelta(minutes=number)).timestamp())
        payment = {"user_id": 7, "amount": 385, "payload": gateway.payload(order()), "date": at}
        if number in refunded:
            payment["refunded_at"] = at + 30
        sandbox.world.state.payments[f"stx{number:05d}"] = payment


def calls(sandbox: Running) -> int:
    return sum(call["method"] == "getStarTransactions" for call in sandbox.world.state.calls)


async def listed(gateway: StarsGateway, since: datetime) -> list[str]:
    return [receipt.external_id async for receipt in gateway.receipts(since)]


def test_a_payload_is_ours_only_with_our_signature() -> None:
    gateway, other = StarsGateway("1:a", base_url="http://x"), StarsGateway("1:b", base_url="http://x")
    payload = gateway.payload(order())
    assert gateway.order_code(payload) == CODE and len(payload.encode()) <= 128
    assert other.order_code(payload) is None
    for forged in ("", ".", CODE, f"{CODE}.", f"{CODE}.x", payload[:-1], payload + "x", payload.upper(), "é.é"):
        assert gateway.order_code(forged) is None, forged


def test_a_payload_of_another_order_does_not_fit() -> None:
    gateway = StarsGateway("1:a", base_url="http://x")
    signature = gateway.payload(order()).partition(".")[2]
    assert gateway.order_code(f"{CODE[::-1]}.{signature}") is None


async def test_a_long_list_is_read_from_where_it_matters(sandbox: Running, gateway: StarsGateway) -> None:
    fill(sandbox, gateway, 10_000)
    since = BEGINNING + timedelta(minutes=9_850)
    found = await listed(gateway, since)
    assert found == [f"stx{number:05d}" for number in range(9_850, 10_000)]
    assert calls(sandbox) <= 30, "the first 9,850 were not read"


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE])
@pytest.mark.parametrize("skipped", [0, 1, PAGE - 1, PAGE, PAGE + 1, 10 * PAGE])
async def test_nothing_is_missed_at_any_edge(sandbox: Running, gateway: StarsGateway, count: int, skipped: int) -> None:
    fill(sandbox, gateway, count)
    found = await listed(gateway, BEGINNING + timedelta(minutes=skipped))
    assert found == [f"stx{number:05d}" for number in range(min(skipped, count), count)]


async def test_payments_of_the_same_second_are_all_listed(sandbox: Running, gateway: StarsGateway) -> None:
    fill(sandbox, gateway, 300)
    for payment in sandbox.world.state.payments.values():
        payment["date"] = int(BEGINNING.timestamp())
    assert len(await listed(gateway, BEGINNING)) == 300


async def test_refunds_and_foreign_entries_are_told_apart(sandbox: Running, gateway: StarsGateway) -> None:
    fill(sandbox, gateway, 2, refunded=frozenset({1}))
    outcomes = [(one.external_id, one.outcome, one.order_code) async for one in gateway.receipts(BEGINNING)]
    assert outcomes == [
        ("stx00000", Outcome.PAID, CODE),
        ("stx00001", Outcome.PAID, CODE),
        ("stx00001", Outcome.REFUNDED, CODE),
    ]
    foreign = [
        {"id": "a", "amount": 5, "date": 1, "source": {"type": "fragment"}},
        {"id": "b", "amount": 5, "date": 1, "receiver": {"type": "user", "transaction_type": "gift_purchase"}},
        {"id": "c", "amount": 5, "date": 1, "receiver": {"type": "telegram_ads"}},
        {"id": "d", "amount": 5, "date": 1},
    ]
    assert [gateway._receipt(one) for one in foreign] == [None] * 4


async def test_telegram_away_in_the_middle_of_the_list_is_an_incomplete_list(
    sandbox: Running, gateway: StarsGateway
) -> None:
    fill(sandbox, gateway, 250)
    found = []
    with pytest.raises(GatewayUnavailable) as raised:
        async for receipt in gateway.receipts(BEGINNING):
            found.append(receipt)
            if len(found) == PAGE:
                fault = {"method": "getStarTransactions", "error_code": 502, "description": "Bad Gateway"}
                sandbox.world.state.faults.append({**fault, "retry_after": None, "times": 1, "takes_effect": False})
    assert len(found) == PAGE and TOKEN not in str(raised.value)


async def test_a_refund_of_nobodys_payment_is_refused(gateway: StarsGateway) -> None:
    with pytest.raises(GatewayRefused, match="CHARGE_ID_INVALID"):
        await gateway.refund(order(external_id="stx-nothing"))


async def test_money_in_quarantine_goes_back_to_who_paid_it(sandbox: Running, gateway: StarsGateway) -> None:
    fill(sandbox, gateway, 1)
    held = order(external_id="stx00000", chat_id=None, details={"payer": 7})
    await gateway.refund(held)
    await gateway.refund(held)
    assert sandbox.world.state.payments["stx00000"]["refunded_at"]


MESSAGE: dict[str, Any] = {
    "chat": {"id": 7},
    "date": 1_795_000_000,
    "successful_payment": {
        "currency": "XTR",
        "total_amount": 385,
        "invoice_payload": "x",
        "telegram_payment_charge_id": "stx1",
        "provider_payment_charge_id": "",
    },
}


async def test_what_telegram_tells_of_a_payment(gateway: StarsGateway) -> None:
    receipt = gateway.payment_receipt(MESSAGE)
    assert (receipt.external_id, receipt.amount, receipt.currency, receipt.payer) == ("stx1", Decimal(385), "XTR", 7)
    assert (receipt.outcome, receipt.order_code, receipt.is_recurring) == (Outcome.PAID, None, False)
    assert receipt.at == datetime.fromtimestamp(1_795_000_000, UTC)


@pytest.mark.parametrize(
    "change",
    [
        {"telegram_payment_charge_id": ""},
        {"telegram_payment_charge_id": None},
        {"total_amount": "many"},
        {"total_amount": None},
        {"currency": 7},
        {"invoice_payload": None},
    ],
)
async def test_a_payment_that_lacks_something_is_malformed(gateway: StarsGateway, change: dict[str, Any]) -> None:
    payment = {**MESSAGE["successful_payment"], **change}
    with pytest.raises(MalformedPayment):
        gateway.payment_receipt({**MESSAGE, "successful_payment": payment})


@pytest.mark.parametrize("missing", ["chat", "date", "successful_payment"])
async def test_a_message_that_lacks_something_is_malformed(gateway: StarsGateway, missing: str) -> None:
    with pytest.raises(MalformedPayment):
        gateway.payment_receipt({name: value for name, value in MESSAGE.items() if name != missing})


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("canceled", Outcome.CANCELLED), ("active", Outcome.RESUMED), ("failed", None), ("new", None)],
)
async def test_what_telegram_tells_of_a_subscription(
    gateway: StarsGateway, state: str, outcome: Outcome | None
) -> None:
    change = {"user": {"id": 7}, "invoice_payload": gateway.payload(order()), "state": state}
    receipt = gateway.subscription_receipt(change)
    assert (receipt.outcome if receipt else None) is outcome
    assert gateway.subscription_receipt({**change, "invoice_payload": "forged"}) is None
    with pytest.raises(MalformedPayment):
        gateway.subscription_receipt({"state": state})
