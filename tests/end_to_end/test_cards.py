"""Buying by card in the running product, with an emulated Lava.top behind it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.emulators.lava import LavaEmulator, serve
from tests.emulators.lava_contracts import Offer
from tests.end_to_end.people import Person, Sandbox, data_of
from tests.end_to_end.test_payments import listed
from tests.end_to_end.waiting import until
from tests.fixtures.ports import quiet_port
from tests.fixtures.product import Product, running_product

OFFER = "836b9fc5-7ae9-4a27-9642-592bc44072b7"
LOGIN = "lava:password-of-the-webhook"
TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')


@pytest.fixture(scope="module")
def lava_port() -> int:
    """Where Lava.top will be."""
    return quiet_port()


@pytest.fixture(scope="module")
def product(lava_port: int) -> Iterator[Product]:
    """A product that sells over Lava.top."""
    variables = {
        "PAYMENTS_LAVA_ENABLED": "true",
        "LAVA_API_KEY": "lava-api-key",
        "LAVA_WEBHOOK_SECRET": LOGIN,
        "LAVA_API_BASE_URL": f"http://127.0.0.1:{lava_port}",
    }
    with running_product(**variables) as running:
        running.nb("packages", "set", "tokens-100", "--offer", f"lava={OFFER}", "--reason", "sold by card")
        yield running


@pytest_asyncio.fixture(scope="module")
async def lava(product: Product, lava_port: int) -> AsyncIterator[LavaEmulator]:
    """Lava.top with the offer, which tells the product what happens."""
    webhook = f"{product.web}/api/payments/lava/webhook"
    emulator = LavaEmulator(offers={OFFER: Offer(5.0)}, webhook=webhook, login=LOGIN)
    async with serve(emulator, port=lava_port):
        yield emulator


async def page_of(person: Person) -> str:
    """Choose the card in the bot and return the address of the payment page."""
    await person.say("/topup")
    packages = await person.answer(lambda one: "t:lava" in str(one.get("reply_markup")))
    await person.press(packages, "t:lava")

    async def look() -> dict[str, Any] | None:
        shown = next(one for one in await person.messages(after=0) if one["message_id"] == packages["message_id"])
        return shown if "b:tokens-100:lava" in str(shown.get("reply_markup")) else None

    by_card = await until(look, "the packages with their prices by card")
    await person.forge(by_card["message_id"], data_of(by_card, "b:tokens-100"))
    handed = await person.answer(lambda one: "/pay/" in str(one.get("reply_markup")))
    return str(handed["reply_markup"]["inline_keyboard"][0][0]["url"])


async def sent_to_lava(page: str, http: httpx.AsyncClient) -> str:
    """Fill the page in; return where it leads to at Lava."""
    token = TOKEN.search((await http.get(page)).text)
    assert token is not None
    answer = await http.post(page, data={"token": token[1], "email": "fox@example.org"})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


async def test_a_person_pays_by_card_is_credited_told_and_refunded(sandbox: Sandbox, lava: LavaEmulator) -> None:
    mia = await sandbox.somebody()
    page = await page_of(mia)
    answer = await sandbox.http.post(await sent_to_lava(page, sandbox.http), data={"do": "pay"})
    assert answer.headers["Location"] == f"{page}/success"
    await mia.says("added 100 ⚡")
    assert await mia.balance() == Decimal("170.00")
    assert "are on your balance" in (await sandbox.http.get(answer.headers["Location"])).text

    [payment] = listed(sandbox, mia)
    assert (payment["status"], payment["gateway"], payment["amount"]) == ("paid", "lava", "5.00")
    [agreed] = [one for one in await reconciled(sandbox) if one["gateway"] == "lava"]
    assert agreed["findings"] == []
    sandbox.product.nb("payments", "refund", payment["code"], "--reason", "asked for it")
    assert await mia.balance() == Decimal("50.00")
    sandbox.product.nb("payments", "refund", payment["code"], "--reason", "in the cabinet", "--done-outside")
    assert "Your money is back" in (await sandbox.http.get(page)).text


async def reconciled(sandbox: Sandbox) -> list[dict[str, Any]]:
    """What `nb payments reconcile` says of every gateway. In a thread: Lava answers on this loop."""
    document = await asyncio.to_thread(sandbox.product.nb, "payments", "reconcile", "--since", "1d")
    reports: list[dict[str, Any]] = document["data"]["gateways"]
    return reports


async def test_repeated_and_forged_events_give_nothing_more(sandbox: Sandbox, lava: LavaEmulator) -> None:
    mia = await sandbox.somebody()
    at_lava = await sent_to_lava(await page_of(mia), sandbox.http)
    await asyncio.gather(*(sandbox.http.post(at_lava, data={"do": "pay"}) for _ in range(20)))
    await mia.says("added 100 ⚡")
    forged = {"eventType": "payment.success", "contractId": at_lava.rpartition("/")[2], "amount": 5, "currency": "USD"}
    for headers, status in (({}, 401), ({"X-Api-Key": "lava-api-key"}, 401), ({"X-Api-Key": LOGIN}, 200)):
        answer = await sandbox.http.post(lava.webhook, json=forged, headers=headers)
        assert answer.status_code == status
    assert await mia.balance() == Decimal("170.00")
    assert [one["status"] for one in listed(sandbox, mia)] == ["paid"]


async def test_who_fails_to_pay_is_told_and_keeps_nothing(sandbox: Sandbox, lava: LavaEmulator) -> None:
    mia = await sandbox.somebody()
    await sandbox.http.post(await sent_to_lava(await page_of(mia), sandbox.http), data={"do": "fail"})
    await mia.answer()
    assert [one["status"] for one in listed(sandbox, mia)] == ["failed"]
    assert await mia.balance() == Decimal("50.00")
