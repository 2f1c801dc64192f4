"""What a person sees of themselves: balance, invitations, bonuses, and the history of their tokens."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from core import catalog, ledger, pricing, users
from core.bonuses import daily
from core.ledger import PostingKind
from core.payments import crediting, gateways, orders
from core.payments.gateways.base import Outcome, Receipt
from core.payments.orders import Purchase
from core.types import IdempotencyKey
from core.users import User
from tests.bot.sandbox.conftest import Running
from tests.core.http.app.people import Visitor
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration


async def account(visitor: Visitor) -> User:
    await visitor.get("/me")
    user = await users.get(visitor.id)
    assert user is not None
    return user


async def buy(user: User, package: str = "tokens-100") -> str:
    """Order a package and have its money come; return the order's code."""
    gateways.use(Till())
    order = await orders.place(Purchase(user, package, "till", IdempotencyKey(f"test:{user.id}:{package}")))
    await crediting.receive(
        Receipt("till", f"ext-{order.code}", Outcome.PAID, order.amount, order.currency, order_code=order.code)
    )
    return order.code


async def test_the_first_look_tells_everything(mia: Visitor) -> None:
    body = (await mia.get("/me")).json()

    assert (body["id"], body["name"], body["language"], body["balance"]) == (str(mia.id), "Mia", "en", "50.00")
    assert body["bonuses"] == {"first_deposit": {"percent": "20", "at_most": "50.00"}, "daily": "1.00"}
    referral = body["referral"]
    assert referral["link"].startswith("https://t.me/") and referral["link"].endswith(f"?start=ref_{referral['code']}")
    assert (referral["inviter_gets"], referral["friend_gets"]) == ("10.00", "5.00")
    assert (await mia.get("/me")).json()["referral"] == referral


async def test_without_telegram_there_is_a_code_and_no_link(mia: Visitor, sandbox: Running) -> None:
    await sandbox.stop()

    answer = await mia.get("/me")

    assert answer.status_code == 200
    assert answer.json()["referral"]["link"] is None
    assert answer.json()["referral"]["code"]


async def test_bonuses_that_were_had_are_not_promised_again(mia: Visitor) -> None:
    user = await account(mia)
    await daily.take(user, datetime.now(UTC))
    await buy(user)

    assert (await mia.get("/me")).json()["bonuses"] == {"first_deposit": None, "daily": None}


async def test_the_history_says_what_every_row_was_for(mia: Visitor) -> None:
    user = await account(mia)
    code = await buy(user)
    quote = pricing.quote(await catalog.get("nano-banana"))
    charge = await ledger.charge(user.id, quote, key=IdempotencyKey("test:charge"))
    await ledger.refund(charge.id, key=IdempotencyKey("test:refund"))
    await ledger.post(
        user.id,
        Decimal("-1"),
        PostingKind.ADMIN,
        key=IdempotencyKey("test:admin"),
        actor="token:ops",
        reason="abuse, see ticket 7",
    )

    answer = await mia.get("/history")

    rows = answer.json()["items"]
    assert [(row["kind"], row["amount"], row["balance_after"]) for row in rows] == [
        ("admin", "-1.00", "169.00"),
        ("refund", "0.80", "170.00"),
        ("generation", "-0.80", "169.20"),
        ("bonus", "20.00", "170.00"),
        ("deposit", "100.00", "150.00"),
        ("bonus", "50.00", "50.00"),
    ]
    what = [row["what"] for row in rows]
    assert (what[1]["model"], what[2]["model"]) == ("nano-banana", "nano-banana")
    assert (what[3]["bonus"], what[3]["order"], what[4]["order"]) == ("first_deposit", code, code)
    assert (what[4]["package"], what[5]["bonus"]) == ("100 ⚡", "welcome")
    assert "ticket" not in answer.text, "an operator's words are for operators"
    assert rows[0]["at"].endswith("Z")


async def test_the_history_comes_in_pages(mia: Visitor) -> None:
    user = await account(mia)
    for number in range(6):
        await ledger.post(user.id, Decimal(1), PostingKind.BONUS, key=IdempotencyKey(f"test:{number}"), reason="test")

    seen: list[str] = []
    query = "?limit=3"
    while query:
        page = (await mia.get(f"/history{query}")).json()
        seen += [row["id"] for row in page["items"]]
        query = f"?limit=3&cursor={page['next_cursor']}" if page["next_cursor"] else ""

    assert len(seen) == len(set(seen)) == 7
    assert [int(number) for number in seen] == sorted((int(number) for number in seen), reverse=True)


async def test_a_history_is_ones_own(mia: Visitor, max_: Visitor) -> None:
    await buy(await account(mia))
    await account(max_)

    assert [row["amount"] for row in (await max_.get("/history")).json()["items"]] == ["50.00"]


@pytest.mark.parametrize("path", ["/history", "/orders"])
@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("cursor=", 400, "bad_cursor"),
        ("cursor=-1", 400, "bad_cursor"),
        ("cursor=1%0A", 400, "bad_cursor"),
        ("cursor=%D9%A3", 400, "bad_cursor"),
        ("cursor=9999999999999999999", 400, "bad_cursor"),
        ("cursor=1%20OR%201", 400, "bad_cursor"),
        ("limit=0", 422, "invalid_request"),
        ("limit=101", 422, "invalid_request"),
        ("limit=x", 422, "invalid_request"),
        ("limit=1&limit=2", 422, "invalid_request"),
        ("user=8", 422, "invalid_request"),
    ],
)
async def test_questions_that_make_no_sense(mia: Visitor, path: str, query: str, status: int, code: str) -> None:
    answer = await mia.get(f"{path}?{query}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_it_is_described_for_everybody(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/app/v1/openapi.json")

    assert answer.status_code == 200
    own = ("me", "models", "quote", "history", "packages", "orders", "orders/{code}")
    made = ("generations", *(f"generations/{{run_code}}{then}" for then in ("", "/cancel", "/repeat")))
    assert {f"/api/app/v1/{path}" for path in (*own, *made)} <= set(answer.json()["paths"])


async def test_a_loop_is_told_when_to_come_back(mia: Visitor, max_: Visitor) -> None:
    await mia.get("/models")

    # More than two windows take, so that it makes no difference when one of them ends.
    answers = await asyncio.gather(*(mia.get("/models") for _ in range(130)))

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.json()["code"] for answer in refused} == {"too_many_requests"}
    assert all(1 <= int(answer.headers["retry-after"]) <= 10 for answer in refused)
    assert (await max_.get("/models")).status_code == 200
