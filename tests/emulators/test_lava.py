"""The emulator says what Lava.top's own description says, and refuses what Lava refuses."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator

from tests.core.payments.gateways.harnesses import OFFERS, SUBSCRIPTION
from tests.emulators.lava import RETRIES, LavaEmulator, serve
from tests.emulators.lava_contracts import Offer

pytestmark = pytest.mark.integration

DESCRIPTION = json.loads((Path(__file__).parent / "lava_description.json").read_text())
KEY = {"X-Api-Key": "lava-api-key"}
WANTED = {
    "email": "fox@example.org",
    "offerId": OFFERS["tokens-100"],
    "currency": "USD",
    "periodicity": "ONE_TIME",
    "buyerLanguage": "EN",
    "clientUtm": {"utm_source": "telegram_bot", "utm_content": "7"},
    "successful_return_url": "https://bot.example.org/pay/7/success",
    "failure_return_url": "https://bot.example.org/pay/7/failed",
    "cancel_return_url": "https://bot.example.org/pay/7/cancelled",
}


def check(document: object, schema: str) -> None:
    """Fail when a document is not what the description says."""
    validator = Draft202012Validator(DESCRIPTION["schemas"][schema], format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.fixture
async def told() -> AsyncIterator[list[dict[str, Any]]]:
    """What a receiver of webhooks was told."""
    yield []


@pytest.fixture
async def lava(told: list[dict[str, Any]]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the emulator, whose webhooks somebody takes."""

    async def take(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response()

    receiver = web.Application()
    receiver.router.add_post("/webhook", take)
    runner = web.AppRunner(receiver, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    offers = {OFFERS["tokens-100"]: Offer(5.0), SUBSCRIPTION: Offer(5.0, is_subscription=True)}
    emulator = LavaEmulator(offers=offers, webhook=f"http://127.0.0.1:{runner.addresses[0][1]}/webhook")
    async with (
        serve(emulator) as address,
        httpx.AsyncClient(base_url=address, headers=KEY, verify=False, timeout=20) as client,
    ):
        yield client
    await runner.cleanup()


async def create(lava: httpx.AsyncClient, **changes: Any) -> str:
    """Make a contract; return its id."""
    answer = await lava.post("/api/v3/invoice", json={**WANTED, **changes})
    assert answer.status_code == 201, answer.text
    check(answer.json(), "InvoicePaymentParamsResponse")
    return str(answer.json()["id"])


async def do(lava: httpx.AsyncClient, contract: str, deed: str, **how: Any) -> str:
    """Do something at Lava."""
    return str((await lava.post(f"/emulator/contracts/{contract}", json={"do": deed, **how})).json()["id"])


async def test_requests_and_answers_are_as_described(lava: httpx.AsyncClient) -> None:
    check(WANTED, "InvoiceRequestV3")
    contract = await create(lava)
    check((await lava.get("/api/v1/invoice", params={"id": contract})).json(), "InvoicePaymentParamsResponse")
    await do(lava, contract, "pay")
    subscription = await create(lava, offerId=SUBSCRIPTION, periodicity="MONTHLY")
    await do(lava, subscription, "pay")
    renewal = await do(lava, subscription, "renew")
    await do(lava, subscription, "cancel")
    for version, schema in (("v1", "V2"), ("v2", "V3")):
        for number in (contract, subscription, renewal):
            check((await lava.get(f"/api/{version}/invoices/{number}")).json(), f"InvoiceResponse{schema}")
        page = (await lava.get(f"/api/{version}/invoices")).json()
        check(page, f"Page{schema}")
        assert page["total"] == 3


async def test_events_are_as_described(lava: httpx.AsyncClient, told: list[dict[str, Any]]) -> None:
    contract = await create(lava)
    subscription = await create(lava, offerId=SUBSCRIPTION, periodicity="MONTHLY")
    for number, deed in (
        (contract, "fail"),
        (contract, "pay"),
        (subscription, "pay"),
        (subscription, "renew"),
        (subscription, "fail_renewal"),
        (subscription, "cancel"),
    ):
        await do(lava, number, deed)
    for event in [*told, *DESCRIPTION["events"]]:
        check(event, "PurchaseWebhookLog")
    assert [event["eventType"] for event in told] == [
        "payment.failed",
        "payment.success",
        "payment.success",
        "subscription.recurring.payment.success",
        "subscription.recurring.payment.failed",
        "subscription.cancelled",
    ]
    assert told[3]["parentContractId"] == subscription


async def test_what_the_product_asks_for_is_as_described(lava: httpx.AsyncClient) -> None:
    from core.payments.gateways.lava import LavaGateway

    asked: list[httpx.Request] = []

    async def note(request: httpx.Request) -> None:
        asked.append(request)

    client = httpx.AsyncClient(base_url=lava.base_url, verify=False, event_hooks={"request": [note]})
    gateway = LavaGateway("lava-api-key", "s", base_url=str(lava.base_url), pages_url="https://b.org", client=client)
    payment = an_order()
    await gateway.create_invoice(payment)
    assert await gateway.look_up(payment) is not None
    listed = [request for request in asked if request.url.path == "/api/v1/invoices"]
    (made,) = [request for request in asked if request.method == "POST"]
    check(json.loads(made.content), "InvoiceRequestV3")
    for request in listed:
        assert set(request.url.params) <= set(DESCRIPTION["list_parameters"])
        assert set(request.url.params.get_list("invoiceStatuses")) <= {"NEW", "IN_PROGRESS", "COMPLETED", "FAILED"}
        assert set(request.url.params.get_list("invoiceTypes")) <= {"ONE_TIME", "RECURRING"}
    await gateway.close()


def an_order() -> Any:
    """An order of 100 tokens, as the database would give it."""
    from datetime import UTC, datetime
    from decimal import Decimal
    from types import SimpleNamespace

    return SimpleNamespace(
        code="0" * 32,
        package="tokens-100",
        amount=Decimal("5.00"),
        currency="USD",
        language="en",
        is_recurring=False,
        external_id=None,
        created_at=datetime.now(UTC),
        details={"email": "fox@example.org", "offer": OFFERS["tokens-100"]},
    )


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"email": "nobody"}, 400, "email"),
        ({"email": None}, 400, "email"),
        ({"offerId": "3fa85f64-5717-4562-b3fc-2c963f66afa6"}, 404, "Product with offer id"),
        ({"currency": "RUB"}, 400, "currency"),
        ({"currency": "XTR"}, 400, "currency"),
        ({"periodicity": "MONTHLY"}, 400, "periodicity"),
        ({"buyerLanguage": "ru"}, 400, "RU"),
        ({"amount": 1}, 400, "invalid"),
    ],
)
async def test_a_wrong_request_is_refused_in_lavas_form(
    lava: httpx.AsyncClient, change: dict[str, Any], status: int, words: str
) -> None:
    answer = await lava.post("/api/v3/invoice", json={**WANTED, **change})
    assert answer.status_code == status
    check(answer.json(), "ErrorResponse")
    assert words in answer.text


async def test_a_wrong_key_and_an_unknown_contract_are_refused(lava: httpx.AsyncClient) -> None:
    assert (await lava.get("/api/v1/invoices", headers={"X-Api-Key": "wrong"})).status_code == 401
    assert (await lava.get("/api/v2/invoices/not-a-uuid")).status_code == 400
    unknown = await lava.get("/api/v2/invoices/3fa85f64-5717-4562-b3fc-2c963f66afa6")
    assert unknown.status_code == 404
    check(unknown.json(), "ErrorResponse")
    assert (await lava.post("/api/v3/invoice", content=b"[]")).status_code == 400
    assert (await lava.post("/api/v3/invoice", content=b"{")).status_code == 400


async def test_a_list_shows_paid_ones_only_unless_asked(lava: httpx.AsyncClient) -> None:
    paid, _ = await create(lava), await create(lava, email="other@example.org")
    await do(lava, paid, "pay")
    assert (await lava.get("/api/v1/invoices")).json()["total"] == 1
    everything = {"invoiceStatuses": ["NEW", "COMPLETED"]}
    assert (await lava.get("/api/v1/invoices", params=everything)).json()["total"] == 2
    mine = {**everything, "buyerEmail": "other@"}
    assert (await lava.get("/api/v1/invoices", params=mine)).json()["total"] == 1
    second = (await lava.get("/api/v1/invoices", params={**everything, "size": 1, "page": 2})).json()
    assert (len(second["items"]), second["total"], second["page"]) == (1, 2, 2)


async def test_a_subscription_ends_once_and_for_its_owner(lava: httpx.AsyncClient) -> None:
    contract = await create(lava, offerId=SUBSCRIPTION, periodicity="MONTHLY")
    path, query = "/api/v1/subscriptions", {"contractId": contract, "email": "other@example.org"}
    assert (await lava.delete(path, params=query)).status_code == 404
    query["email"] = "fox@example.org"
    assert (await lava.delete(path, params=query)).status_code == 204
    assert (await lava.delete(path, params=query)).status_code == 400


async def test_an_event_that_is_not_taken_is_sent_nineteen_times_more(lava: httpx.AsyncClient) -> None:
    assert list(RETRIES) == DESCRIPTION["retries"]
    assert len(RETRIES) == 19
    emulator = LavaEmulator(webhook=f"{lava.base_url}nowhere")
    async with serve(emulator) as address, httpx.AsyncClient(base_url=address, verify=False) as other:
        await other.post("/emulator/events", json={"event": {"eventType": "payment.success"}})
        deliveries = (await other.get("/emulator/deliveries")).json()["deliveries"]
    assert [delivery["attempt"] for delivery in deliveries] == list(range(1, 21))


@pytest.mark.parametrize(("deed", "back"), [("pay", "success"), ("fail", "failed"), ("leave", "cancelled")])
async def test_a_person_may_pay_by_hand(lava: httpx.AsyncClient, deed: str, back: str) -> None:
    contract = await create(lava)
    assert "5.0 USD" in (await lava.get(f"/pay/{contract}")).text
    answer = await lava.post(f"/pay/{contract}", data={"do": deed})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"https://bot.example.org/pay/7/{back}")


async def test_it_runs_as_a_process_of_its_own() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.emulators.lava", "--offer", "abc=5", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            address = (await process.stdout.readline()).decode().strip()
        async with httpx.AsyncClient(base_url=address, verify=False, headers=KEY) as client:
            answer = await client.post("/api/v3/invoice", json={**WANTED, "offerId": "abc"})
            assert answer.status_code == 201
    finally:
        process.terminate()
        await process.communicate()
