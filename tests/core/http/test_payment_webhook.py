"""`POST /api/payments/<gateway>/webhook`: who may tell us of money, in which form, and what is answered when."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from pydantic import SecretStr

from core import db
from core.http.payments import LARGEST_EVENT
from core.http.payments import blueprint as webhooks
from core.payments import PaymentStatus, events, gateways, get, orders
from core.payments.gateways.base import MalformedNotice
from core.payments.gateways.lava import LavaGateway
from core.payments.orders import Purchase
from core.settings import Settings
from tests.core.http.conftest import serving
from tests.core.payments.conftest import key
from tests.core.payments.gateways.front import SECRET, WEBHOOK, Front, opened
from tests.core.payments.gateways.harnesses import corner

pytestmark = pytest.mark.integration

CONTRACT = "7ea82675-4ded-4133-95a7-a6efbaf165cc"
EVENT: dict[str, Any] = {
    "eventType": "payment.success",
    "product": {"id": "d31384b8-e412-4be5-a2ec-297ae6666c8f", "title": "Tokens"},
    "contractId": CONTRACT,
    "buyer": {"email": "test@lava.top"},
    "amount": 40254.19,
    "currency": "RUB",
    "timestamp": "2024-02-05T09:38:27.33277Z",
    "status": "completed",
    "errorMessage": "",
}
"""The first example of Lava's own description."""


@pytest.fixture
async def front(settings: Settings) -> AsyncIterator[Front]:
    """The shop, whose worker does not work."""
    async with opened(settings) as shop:
        yield shop


async def send(front: Front, body: bytes, **headers: str) -> httpx.Response:
    """Send bytes to the webhook."""
    return await front.web.post(WEBHOOK, content=body, headers={"X-Api-Key": SECRET, **headers})


async def stored() -> list[tuple[str, str]]:
    """What the inbox holds: id and subject."""
    rows = await db.fetch("SELECT event_id, subject FROM botapp_inbox ORDER BY id")
    return [(row["event_id"], row["subject"]) for row in rows]


def basic(login: str) -> dict[str, str]:
    """A header of Basic authentication."""
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


async def test_an_event_is_stored_before_it_is_answered(front: Front) -> None:
    answer = await front.tell(EVENT)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert await stored() == [(f"payment.success:{CONTRACT}:", CONTRACT)]


async def test_an_event_is_known_by_type_contract_and_parent(front: Front) -> None:
    parent = str(uuid.uuid4())
    same = [EVENT, {**EVENT, "amount": 1}, {**EVENT, "timestamp": "2026-01-01T00:00:00Z"}]
    renewal = {**EVENT, "eventType": "subscription.recurring.payment.success", "parentContractId": parent}
    for event in (*same, {**EVENT, "eventType": "payment.failed"}, renewal, {**EVENT, "parentContractId": parent}):
        assert (await front.tell(event)).status_code == 200
    assert await stored() == [
        (f"payment.success:{CONTRACT}:", CONTRACT),
        (f"payment.failed:{CONTRACT}:", CONTRACT),
        (f"subscription.recurring.payment.success:{CONTRACT}:{parent}", parent),
        (f"payment.success:{CONTRACT}:{parent}", parent),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Api-Key": ""},
        {"X-Api-Key": "lava-api-key"},
        {"X-Api-Key": SECRET[:-1]},
        {"X-Api-Key": SECRET.upper()},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic 0J"},
        basic(f"lava:{SECRET}"),
        basic(":"),
    ],
    ids=lambda headers: str(headers)[:40],
)
async def test_nobody_else_may_tell(front: Front, headers: dict[str, str]) -> None:
    answer = await front.web.post(WEBHOOK, json=EVENT, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_secret")
    assert SECRET not in answer.text
    assert await stored() == []


async def test_a_key_in_no_alphabet_of_headers_is_only_wrong(front: Front) -> None:
    answer = await front.web.post(WEBHOOK, json=EVENT, headers=[(b"X-Api-Key", "ключ".encode())])
    assert answer.status_code == 401


async def test_a_login_is_taken_as_basic_authentication(settings: Settings) -> None:
    async with opened(settings, lava_webhook_secret=SecretStr("lava:pass:word")) as front:
        for headers, status in ((basic("lava:pass:word"), 200), (basic("lava:pass"), 401), ({}, 401)):
            assert (await front.web.post(WEBHOOK, json=EVENT, headers=headers)).status_code == status


async def test_a_login_is_sent_and_taken_from_end_to_end(settings: Settings) -> None:
    async with opened(settings, lava_webhook_secret=SecretStr("lava:password")) as front:
        front.emulator.login = "lava:password"
        await front.hand.post("/emulator/events", json={"event": EVENT})
        assert [delivery.status for delivery in front.emulator.deliveries] == [200]


async def test_a_secret_that_was_changed_makes_lava_try_nineteen_times_more(front: Front) -> None:
    front.emulator.login = "the old one"
    await front.hand.post("/emulator/events", json={"event": EVENT})
    deliveries = (await front.hand.get("/emulator/deliveries")).json()["deliveries"]
    assert [delivery["status"] for delivery in deliveries] == [401] * 20
    assert await stored() == []


async def test_there_is_no_webhook_while_lava_is_off(settings: Settings) -> None:
    async with serving(settings, [webhooks]) as client:
        for path in (WEBHOOK, "/api/payments/stars/webhook", "/api/payments/paypal/webhook"):
            answer = await client.post(path, json=EVENT, headers={"X-Api-Key": SECRET})
            assert answer.status_code == 404


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"contractId=7ea82675",
    "truncated": json.dumps(EVENT).encode()[:-20],
    "an array": b"[]",
    "null": b"null",
    "no UTF-8": b'{"eventType": "\xff"}',
    "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deep array": b"[" * 20000,
    "no type": json.dumps({key: value for key, value in EVENT.items() if key != "eventType"}).encode(),
    "a legacy body": b'{"order_id": 17, "status": "success", "amount": 100000}',
    "another type": json.dumps({**EVENT, "eventType": "payment.refunded"}).encode(),
    "type in other letters": json.dumps({**EVENT, "eventType": "Payment.Success"}).encode(),
    "no contract": json.dumps({**EVENT, "contractId": None}).encode(),
    "a number for a contract": json.dumps({**EVENT, "contractId": 42}).encode(),
    "a path for a contract": json.dumps({**EVENT, "contractId": "../../v1/subscriptions"}).encode(),
    "a long contract": json.dumps({**EVENT, "contractId": "a" * 65}).encode(),
    "text for an amount": json.dumps({**EVENT, "amount": "five"}).encode(),
    "a list for an amount": json.dumps({**EVENT, "amount": [5]}).encode(),
    "true for an amount": json.dumps({**EVENT, "amount": True}).encode(),
    "a negative amount": json.dumps({**EVENT, "amount": -5}).encode(),
    "NaN": json.dumps({**EVENT, "amount": float("nan")}).encode(),
    "infinity": b'{"eventType":"payment.success","contractId":"a","currency":"USD","amount":1e999}',
    "no amount": json.dumps({**EVENT, "amount": None}).encode(),
    "no currency": json.dumps({**EVENT, "currency": None}).encode(),
    "a long currency": json.dumps({**EVENT, "currency": "DOLLARS"}).encode(),
    "another UTM": json.dumps({**EVENT, "clientUtm": {"utm_content": {"a": 1}}}).encode(),
    "half a character": json.dumps(EVENT).encode().replace(b'""', b'"\\ud83e"'),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_not_an_event_is_refused(front: Front, body: bytes) -> None:
    answer = await send(front, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_event")
    assert await stored() == []


async def test_a_refusal_quotes_nothing(front: Front) -> None:
    answer = await send(front, json.dumps({**EVENT, "amount": "my-secret-words"}).encode())
    assert "amount" in answer.json()["detail"]
    assert "my-secret-words" not in answer.text
    assert "lava.top" not in answer.text.replace("Lava.top", "")


async def test_a_text_that_cannot_be_kept_costs_nobody_the_event(front: Front) -> None:
    event = {**EVENT, "errorMessage": "no\0money", "product": {"title": "\0"}, "clientUtm": {"utm_content": "a\0b"}}
    assert (await front.tell(event)).status_code == 200
    kept = json.loads(await db.fetch_value("SELECT payload FROM botapp_inbox"))
    assert (kept["errorMessage"], kept["clientUtm"]) == ("nomoney", {"utm_content": "ab"})


async def test_what_lava_may_add_one_day_is_passed_over(front: Front) -> None:
    assert (await front.tell({**EVENT, "buyerCountry": {"code": "RS"}, "v": 2})).status_code == 200


async def test_a_large_body_is_refused_after_its_sender_is_known(front: Front) -> None:
    large = json.dumps({**EVENT, "errorMessage": "x" * LARGEST_EVENT}).encode()
    assert (await send(front, large)).status_code == 413
    assert (await send(front, large, **{"X-Api-Key": "wrong"})).status_code == 401


async def test_while_it_cannot_be_kept_lava_is_asked_to_send_it_again(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_pool, db.DB.pool = db.DB.pool, await closed_pool(front.settings)
    try:
        answer = await front.tell(EVENT)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    finally:
        db.DB.pool = kept_pool
    assert (await front.tell(EVENT)).status_code == 200
    assert len(await stored()) == 1


async def closed_pool(settings: Settings) -> Any:
    """A pool whose server is gone."""
    pool = await asyncpg.create_pool(settings.database_url.get_secret_value(), min_size=1, max_size=1)
    await pool.close()
    return pool


async def test_every_event_of_lavas_own_description_is_taken(front: Front) -> None:
    examples = json.loads((Path(__file__).parents[2] / "emulators" / "lava_description.json").read_text())["events"]
    assert len(examples) == 7
    for example in examples:
        assert (await front.tell(example)).status_code == 200
    assert len(await stored()) == 7


async def test_an_event_is_acknowledged_fast(front: Front) -> None:
    await front.tell(EVENT)
    took = []
    for _ in range(50):
        began = time.perf_counter()
        await front.tell({**EVENT, "contractId": str(uuid.uuid4())})
        took.append(time.perf_counter() - began)
    assert sorted(took)[25] < 0.25


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from([*EVENT, "parentContractId", "clientUtm", "willExpireAt"]), VALUES).map(
        lambda changes: json.dumps({**EVENT, **changes}).encode()
    ),
    st.integers(0, 300).map(lambda length: json.dumps(EVENT).encode()[:length]),
)


@given(BODIES)
@budget(max_examples=400, deadline=None)
def test_whatever_is_sent_is_an_event_or_is_none(body: bytes) -> None:
    gateway = LavaGateway("key-of-lava", SECRET, base_url="http://127.0.0.1:1", pages_url="https://bot.example.org")
    try:
        notice = gateway.read_notice(body)
    except MalformedNotice as problem:
        assert len(str(problem)) < 300
        return
    again = gateway.read_notice(notice.payload)
    assert (again.key, again.subject, again.claim) == (notice.key, notice.subject, notice.claim)
    assert len(notice.key) <= 200
    assert len(notice.subject) <= 64
    assert b"\0" not in notice.payload
    assert b"@" not in json.dumps(json.loads(notice.payload).get("buyer", "")).encode()


@given(body=BODIES)
@budget(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_sent_is_answered_and_never_with_a_fault_of_ours(front: Front, body: bytes) -> None:
    answer = await send(front, body)
    assert answer.status_code in {200, 400}


async def test_another_gateway_has_its_webhook_by_being_there(front: Front, tmp_path: Path) -> None:
    async with corner(tmp_path) as shop:
        gateways.use(shop.gateway)
        payment = await orders.invoice(await orders.place(Purchase(front.buyer, "tokens-100", "corner", key())))
        await shop.pay(payment)
        body, headers = shop.notice(payment)
        path = "/api/payments/corner/webhook"
        assert (await front.web.post(path, content=body + b" ", headers=headers)).status_code == 401
        assert (await front.web.post(path, content=body, headers=headers)).status_code == 200
        worker = asyncio.create_task(events.inbox(shop.gateway).run(events.Handler(shop.gateway).handle))
        async with asyncio.timeout(20):
            while (await get(payment.code)).status is not PaymentStatus.PAID:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
