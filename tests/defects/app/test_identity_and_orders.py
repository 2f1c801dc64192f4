"""The predecessor's defects behind its Mini App: whoever sent a number was believed."""

from __future__ import annotations

import httpx
import pytest

from core import catalog, db, ledger, ops_tokens, pricing, users
from core.http.ops.api import api
from core.payments import PaymentStatus, crediting, repository
from core.payments.gateways.base import Outcome, Receipt
from tests.core.http.app.people import Visitor

pytestmark = pytest.mark.integration

PATHS = ("/me", "/history", "/orders", "/models", "/packages")


async def balance_of(visitor: Visitor) -> str:
    """What somebody has, 0.00 before the first visit."""
    user = await users.get(visitor.id)
    return "0.00" if user is None else str(await ledger.balance_of(user.id))


async def test_a07_nobody_acts_for_somebody_else(mia: Visitor, max_: Visitor, client: httpx.AsyncClient) -> None:
    """A7: nine routes believed a user_id in the body: two anonymous requests, two charges."""
    await max_.get("/me")
    before = await balance_of(max_)
    body = {"package": "tokens-100", "gateway": "stars", "user_id": max_.id, "chat_id": max_.id}
    anonymous = await client.post("/api/app/v1/orders", json=body, headers={"Idempotency-Key": "anonymous-1"})
    assert anonymous.status_code == 401
    await mia.post("/orders", body)
    assert (
        await db.fetch_value(
            """SELECT count(*) FROM botapp_payment AS payment
            JOIN botapp_tguser AS person ON person.id = payment.user_id WHERE person.chat_id = $1""",
            max_.id,
        )
        == 0
    )
    assert await balance_of(max_) == before


async def test_a04_a_client_that_names_amounts_changes_nothing(mia: Visitor) -> None:
    """A4: the client named what is credited: amount=100000 with a package of 100 tokens."""
    forged = {"package": "tokens-100", "gateway": "stars", "amount": 1, "credits": 100000, "tokens": "100000"}
    answer = await mia.post("/orders", forged)
    if answer.status_code < 300:
        order = await repository.get(answer.json()["code"])
        assert (str(order.tokens), str(order.amount), order.currency) == ("100.00", "385.00", "XTR")
    else:
        assert 400 <= answer.status_code < 500
        assert await db.fetch_value("SELECT count(*) FROM botapp_payment") == 0


async def test_w04_an_order_has_an_owner_or_is_not_taken(mia: Visitor, client: httpx.AsyncClient) -> None:
    """W4: the page of the main keyboard had no identity; its payments landed on one fallback account."""
    body = {"package": "tokens-100", "gateway": "stars"}
    for header in ({}, {"Authorization": "tma x"}, {"Authorization": f"tma user={mia.id}"}):
        headers = {**header, "Idempotency-Key": "nobody-000001"}
        answer = await client.post("/api/app/v1/orders", json=body, headers=headers)
        assert answer.status_code == 401
    placed = await mia.post("/orders", body)
    order = await repository.get(placed.json()["code"])
    assert order.chat_id == mia.id
    paid = Receipt("stars", "stx-1", Outcome.PAID, order.amount, order.currency, order_code=order.code, payer=mia.id)
    settled = await crediting.receive(paid)
    assert settled is not None
    assert (settled.status, settled.chat_id) == (PaymentStatus.PAID, mia.id)


@pytest.mark.parametrize("path", PATHS)
async def test_w05_a_number_is_no_identity(mia: Visitor, max_: Visitor, client: httpx.AsyncClient, path: str) -> None:
    """W5: identity was a number in the body; somebody else's was accepted."""
    stolen = max_.signed()["Authorization"].replace(str(max_.id), str(mia.id))
    for headers in ({"Authorization": stolen}, {"Authorization": f"tma id={mia.id}"}, {"X-User-Id": str(mia.id)}):
        answer = await client.get(f"/api/app/v1{path}", params={"user_id": mia.id}, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_d14_the_mini_app_quotes_what_the_bot_charges(mia: Visitor) -> None:
    """D14: two implementations of every kind of job disagreed on seconds and prices."""
    for model in await catalog.models(only_available=False):
        answer = await mia.post("/quote", {"model": model.slug, "params": {}})
        if answer.status_code == 200:
            assert answer.json()["tokens"] == str(pricing.quote(model).tokens)
        else:
            assert answer.status_code == 409
            assert not model.is_available


async def test_d07_every_report_for_operators_answers(mia: Visitor, client: httpx.AsyncClient) -> None:
    """D7: all five queries of the analytics failed with a FieldError, and nothing called them."""
    await mia.post("/orders", {"package": "tokens-100", "gateway": "stars"})
    headers = {"Authorization": f"Bearer {await ops_tokens.create('reports', ['admin'])}"}
    asked = [one.path for one in api.operations if one.method == "GET" and "{" not in one.path and "<" not in one.path]
    assert len(asked) > 5
    for path in asked:
        asked_for = {"since": "2026-11-01T00:00:00Z"} if path == "/statistics" else {}
        answer = await client.get(f"/api/ops/v1{path}", headers=headers, params=asked_for)
        assert answer.status_code < 300, (path, answer.text)
