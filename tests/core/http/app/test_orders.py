"""Ordering tokens from the Mini App: the server knows what a package costs, and one key is one order."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest

from core import db, ledger, users
from core.payments import PaymentStatus, crediting, gateways, repository
from core.payments.gateways.base import GatewayRefused, GatewayUnavailable, Outcome, Receipt
from core.payments.gateways.lava import LavaGateway
from tests.bot.sandbox.conftest import Running
from tests.core.http.app.people import Visitor
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

STARS = {"package": "tokens-100", "gateway": "stars"}
BY_CARD = {"package": "tokens-100", "gateway": "till"}


@pytest.fixture
def till(client: httpx.AsyncClient) -> Till:
    """A gateway that takes dollars on a page of its own."""
    gateway = Till()
    gateways.use(gateway)
    return gateway


async def paid(code: str) -> None:
    """Have the money of an order come."""
    order = await repository.get(code)
    await crediting.receive(
        Receipt(order.gateway, f"ext-{code}", Outcome.PAID, order.amount, order.currency, order_code=code)
    )


async def test_packages_have_a_price_in_stars_and_the_bonus_of_the_first_deposit(mia: Visitor) -> None:
    items = (await mia.get("/packages")).json()["items"]

    assert [(item["code"], item["tokens"], item["bonus"]) for item in items] == [
        ("tokens-100", "100.00", "20.00"),
        ("tokens-200", "200.00", "40.00"),
        ("tokens-500", "500.00", "50.00"),
        ("tokens-1000", "1000.00", "50.00"),
    ]
    assert items[0]["prices"] == [{"gateway": "stars", "amount": "385", "currency": "XTR"}]


async def test_dollars_are_told_where_a_gateway_takes_them(mia: Visitor, till: Till) -> None:
    (first, *_) = (await mia.get("/packages")).json()["items"]

    assert {"gateway": "till", "amount": "5.00", "currency": "USD"} in first["prices"]


async def test_the_bonus_that_is_promised_is_the_bonus_that_comes(mia: Visitor, till: Till) -> None:
    promised = (await mia.get("/packages")).json()["items"][1]["bonus"]
    await paid((await mia.post("/orders", {**BY_CARD, "package": "tokens-200"})).json()["code"])

    assert Decimal((await mia.get("/me")).json()["balance"]) == 50 + 200 + Decimal(promised)
    assert {item["bonus"] for item in (await mia.get("/packages")).json()["items"]} == {"0.00"}


async def test_what_nobody_can_pay_for_is_not_on_sale(mia: Visitor) -> None:
    await db.execute("UPDATE token_packages SET stars_amount = 0 WHERE code = 'tokens-500'")
    await db.execute("UPDATE token_packages SET is_active = false WHERE code = 'tokens-200'")

    items = (await mia.get("/packages")).json()["items"]

    assert [item["code"] for item in items] == ["tokens-100", "tokens-1000"]
    for package in ("tokens-500", "tokens-200"):
        answer = await mia.post("/orders", {**STARS, "package": package})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_package")


async def test_an_order_for_stars_comes_with_a_link_that_telegram_knows(mia: Visitor, sandbox: Running) -> None:
    answer = await mia.post("/orders", STARS)

    body = answer.json()
    assert (answer.status_code, body["status"], body["opens"]) == (200, "pending", "invoice")
    assert (body["amount"], body["currency"], body["tokens"]) == ("385", "XTR", "100.00")
    assert body["payment_url"].startswith("http")
    calls = (await mia.http.get(f"{sandbox.address}/sandbox/v1/calls")).json()["calls"]
    (call,) = [call for call in calls if call["method"] == "createInvoiceLink"]
    assert body["code"] in str(call["params"]["payload"])


async def test_an_order_by_card_opens_a_page(mia: Visitor, till: Till) -> None:
    body = (await mia.post("/orders", BY_CARD)).json()

    assert (body["opens"], body["amount"], body["currency"]) == ("page", "5.00", "USD")
    assert body["payment_url"] == f"https://till.test/{body['code']}"


async def test_an_order_over_lava_opens_our_own_page_which_asks_for_the_address(mia: Visitor) -> None:
    gateways.use(LavaGateway("key", "secret", base_url="http://127.0.0.1:9", pages_url="http://127.0.0.1:8000"))
    await db.execute("""UPDATE token_packages SET offers = '{"lava": "836b9fc5-7ae9-4a27-9642-592bc44072b7"}'""")

    prices = (await mia.get("/packages")).json()["items"][0]["prices"]
    body = (await mia.post("/orders", {"package": "tokens-100", "gateway": "lava"})).json()

    assert {"gateway": "lava", "amount": "5.00", "currency": "USD"} in prices
    assert (body["opens"], body["payment_url"]) == ("page", f"http://127.0.0.1:8000/pay/{body['code']}")
    assert (await mia.get(f"/orders/{body['code']}")).json() == body


async def test_the_same_key_gives_the_same_order(mia: Visitor, till: Till) -> None:
    answers = [await mia.post("/orders", BY_CARD, key="one-and-only") for _ in range(3)]

    assert len({answer.text for answer in answers}) == 1
    assert len(till.invoiced) == 1


async def test_a_double_tap_makes_one_order(mia: Visitor, till: Till) -> None:
    answers = await asyncio.gather(*(mia.post("/orders", BY_CARD, key="double-tap") for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["code"] for answer in answers}) == 1
    assert len({answer.json()["payment_url"] for answer in answers}) == 1
    assert await db.fetch_value("SELECT count(*) FROM botapp_payment") == 1


@pytest.mark.parametrize("other", [{"package": "tokens-200"}, {"gateway": "stars"}, {"package": "no-such-package"}])
async def test_the_same_key_with_another_content_is_a_conflict(mia: Visitor, till: Till, other: dict[str, str]) -> None:
    await mia.post("/orders", BY_CARD, key="the-same-key")

    answer = await mia.post("/orders", {**BY_CARD, **other}, key="the-same-key")

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")


async def test_keys_of_two_people_never_meet(mia: Visitor, max_: Visitor, till: Till) -> None:
    first = await mia.post("/orders", BY_CARD, key="the-same-key")
    second = await max_.post("/orders", BY_CARD, key="the-same-key")

    assert first.status_code == second.status_code == 200
    assert first.json()["code"] != second.json()["code"]


@pytest.mark.parametrize("key", ["", "short", "x" * 101, "with space!", "ключ-ключ"])
async def test_a_change_needs_a_key(mia: Visitor, key: str) -> None:
    headers = [(b"Authorization", mia.signed()["Authorization"].encode())]
    headers += [(b"Idempotency-Key", key.encode())] if key else []

    answer = await mia.http.post("/api/app/v1/orders", json=STARS, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "missing_idempotency_key")
    assert await db.fetch_value("SELECT count(*) FROM botapp_payment") == 0


async def test_a_gateway_that_is_away_loses_no_order(mia: Visitor, till: Till) -> None:
    till.faults.append(GatewayUnavailable("till: ConnectError for token hunter2"))

    away = await mia.post("/orders", BY_CARD, key="try-again")
    later = await mia.post("/orders", BY_CARD, key="try-again")

    assert (away.status_code, away.json()["code"]) == (503, "gateway_unavailable")
    assert int(away.headers["retry-after"]) > 0
    assert "hunter2" not in away.text
    assert later.status_code == 200
    assert later.json()["code"] == away.json()["order"]
    assert later.json()["payment_url"]


async def test_stars_wait_for_a_telegram_that_is_away(mia: Visitor, sandbox: Running) -> None:
    await sandbox.stop()

    answer = await mia.post("/orders", STARS)

    assert (answer.status_code, answer.json()["code"]) == (503, "gateway_unavailable")
    assert (await mia.get(f"/orders/{answer.json()['order']}")).json()["payment_url"] is None


async def test_a_gateway_that_says_no_is_told_apart(mia: Visitor, till: Till) -> None:
    till.faults.append(GatewayRefused("till: the product is not published"))

    answer = await mia.post("/orders", BY_CARD)

    assert (answer.status_code, answer.json()["code"]) == (502, "gateway_refused")
    assert "published" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"package": "tokens-7", "gateway": "stars"}, 404, "unknown_package"),
        ({"package": "tokens-100", "gateway": "lava"}, 404, "unknown_gateway"),
        ({"package": "tokens-100"}, 422, "invalid_request"),
        ({**STARS, "amount": 1}, 422, "invalid_request"),
        ({**STARS, "tokens": "100000"}, 422, "invalid_request"),
        ({"package": 100, "gateway": "stars"}, 422, "invalid_request"),
        ("tokens-100", 400, "malformed_json"),
    ],
)
async def test_what_is_no_order_makes_none(mia: Visitor, body: Any, status: int, code: str) -> None:
    answer = await mia.post("/orders", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await db.fetch_value("SELECT count(*) FROM botapp_payment") == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"package":"a\\u0000","gateway":"stars"}',
        b'{"package":"\\ud800","gateway":"stars"}',
        b'{"package":"tokens-100","gateway":"\\udfff"}',
        b'{"package":"tokens-100","gateway":"stars","\\ud800":1}',
        b'{"package":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"package":"tokens-100","gateway":NaN}',
        b"[" * 100_000,
        b"\xff\xfe",
        b"",
    ],
)
async def test_a_broken_body_is_refused_and_breaks_nothing(mia: Visitor, body: bytes) -> None:
    headers = {**mia.signed(), "Idempotency-Key": "a-broken-body"}

    answer = await mia.http.post("/api/app/v1/orders", content=body, headers=headers)

    assert answer.status_code in {400, 422}
    assert answer.json()["code"] in {"malformed_json", "invalid_request"}


async def test_an_emoji_that_is_escaped_is_text(mia: Visitor) -> None:
    headers = {**mia.signed(), "Idempotency-Key": "an-emoji-in-two"}
    body = b'{"package":"\\ud83d\\ude00","gateway":"stars"}'

    answer = await mia.http.post("/api/app/v1/orders", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_package")
    assert "😀" in answer.json()["detail"]


async def test_an_order_shows_that_it_was_paid(mia: Visitor, till: Till) -> None:
    code = (await mia.post("/orders", BY_CARD, key="paid-order")).json()["code"]
    await paid(code)

    body = (await mia.get(f"/orders/{code}")).json()

    assert (body["status"], body["payment_url"]) == ("paid", None)
    assert body["paid_at"]
    assert (await mia.post("/orders", BY_CARD, key="paid-order")).json() == body, "a repetition sells nothing more"


async def test_orders_of_others_are_not_there(mia: Visitor, max_: Visitor, till: Till) -> None:
    code = (await mia.post("/orders", BY_CARD)).json()["code"]

    for other in (code, code.upper(), "0" * 32, "1", "..", "%27"):
        answer = await max_.get(f"/orders/{other}")
        assert answer.status_code == 404
        assert "till" not in answer.text
    assert (await max_.get("/orders")).json() == {"items": [], "next_cursor": None}
    assert (await mia.get(f"/orders/{code}")).status_code == 200


async def test_orders_come_in_pages_the_newest_first(mia: Visitor, till: Till) -> None:
    codes = [(await mia.post("/orders", BY_CARD)).json()["code"] for _ in range(5)]

    first = (await mia.get("/orders?limit=2")).json()
    second = (await mia.get(f"/orders?limit=2&cursor={first['next_cursor']}")).json()
    third = (await mia.get(f"/orders?limit=2&cursor={second['next_cursor']}")).json()

    seen = [item["code"] for page in (first, second, third) for item in page["items"]]
    assert seen == codes[::-1]
    assert third["next_cursor"] is None


async def test_money_of_another_amount_is_held_and_no_tokens_come(mia: Visitor, till: Till) -> None:
    code = (await mia.post("/orders", BY_CARD)).json()["code"]
    await crediting.receive(Receipt("till", "cheap", Outcome.PAID, Decimal("4.99"), "USD", order_code=code))

    (order,) = (await mia.get("/orders")).json()["items"]

    user = await users.get(mia.id)
    assert user is not None
    assert (order["code"], order["status"]) == (code, "pending")
    assert await ledger.balance_of(user.id) == 50


@pytest.mark.parametrize("status", list(PaymentStatus))
async def test_every_state_of_an_order_has_a_name_for_its_owner(
    mia: Visitor, till: Till, status: PaymentStatus
) -> None:
    code = (await mia.post("/orders", BY_CARD)).json()["code"]
    await db.execute("ALTER TABLE botapp_payment DISABLE TRIGGER USER")
    await db.execute("ALTER TABLE botapp_payment DROP CONSTRAINT payment_status_fits_its_content")
    await db.execute("UPDATE botapp_payment SET status = $1, problem = 'for operators'", status.value)

    answer = await mia.get(f"/orders/{code}")

    assert answer.status_code == 200
    assert "operators" not in answer.text
    assert (answer.json()["payment_url"] is not None) is (status is PaymentStatus.PENDING)
