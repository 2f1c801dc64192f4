"""Payments over the ops API: everything is found, money goes back once, quarantine is looked at, lists are compared."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from core import audit, db, ledger, ops_tokens, users
from core.http.ops.api import api
from core.payments import Payment, crediting, gateways, orders, packages, refunds, repository
from core.payments.gateways.base import GatewayUnavailable, Outcome, Receipt
from core.payments.orders import Purchase
from core.types import IdempotencyKey
from core.users import User
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

ROOT = "/api/ops/v1"
_keys = itertools.count(1)


@pytest.fixture
async def cashier(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may change things."""
    token = await ops_tokens.create("cashier", ["read", "operate"])
    headers = {"Authorization": f"Bearer {token}"}
    await packages.seed()
    async with httpx.AsyncClient(base_url=client.base_url, headers=headers, trust_env=False, timeout=20) as opened:
        yield opened


@pytest.fixture
def till(cashier: httpx.AsyncClient) -> Till:
    """A gateway of the service."""
    gateways._gateways.clear()
    gateway = Till()
    gateways.use(gateway)
    return gateway


@pytest.fixture
async def fox(cashier: httpx.AsyncClient) -> User:
    """Somebody without tokens."""
    return await users.upsert(users.Profile(4242, "fox", "Fox", "", "en"))


async def bought(fox: User, external_id: str = "") -> Payment:
    """A payment of 100 tokens, and 20 as the bonus of a first one."""
    key = IdempotencyKey(f"ops-test:{next(_keys)}")
    placed = await orders.place(Purchase(fox, "tokens-100", "till", key))
    payment = await crediting.receive(receipt(placed, external_id or f"ext-{placed.code}"))
    assert payment is not None
    return payment


def receipt(placed: Payment, external_id: str, **changes: Any) -> Receipt:
    values: dict[str, Any] = {
        "gateway": "till",
        "external_id": external_id,
        "outcome": Outcome.PAID,
        "amount": placed.amount,
        "currency": placed.currency,
        "order_code": placed.code,
        "payer": placed.chat_id,
        "at": datetime.now(UTC) - timedelta(hours=1),
    }
    return Receipt(**{**values, **changes})


async def change(cashier: httpx.AsyncClient, path: str, key: str = "", **body: Any) -> httpx.Response:
    """Ask for a change with a reason."""
    query = {"dry_run": "true"} if body.pop("rehearse", False) else {}
    headers = {"Idempotency-Key": key or f"key-{next(_keys):08}"}
    return await cashier.post(
        f"{ROOT}/payments/{path}", json={"reason": "a test", **body}, params=query, headers=headers
    )


def declared(response: httpx.Response, path: str, method: str = "get") -> Any:
    """The answer, checked against the description."""
    document = api.document("0")
    content = document["paths"][ROOT + path][method]["responses"][str(response.status_code)]["content"]
    schema = content[response.headers["content-type"]]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(response.json())
    return response.json()


async def balance(user: User) -> str:
    return str(await ledger.balance_of(user.id))


async def test_everything_is_listed_the_newest_first_in_pages(
    cashier: httpx.AsyncClient, till: Till, fox: User
) -> None:
    codes = [(await bought(fox)).code for _ in range(3)]
    await crediting.receive(receipt(await bought(fox), "second", payer=99))
    first = declared(await cashier.get(f"{ROOT}/payments", params={"limit": 2}), "/payments")
    assert [item["status"] for item in first["items"]] == ["quarantined", "paid"]
    assert first["items"][0]["user"] == "99" and "paid already" in first["items"][0]["problem"]
    rest = (await cashier.get(f"{ROOT}/payments", params={"cursor": first["next_cursor"]})).json()
    assert [item["code"] for item in rest["items"]] == codes[::-1] and rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"status": "paid"}, 2),
        ({"status": "refunded"}, 0),
        ({"user": 4242}, 2),
        ({"user": 1}, 0),
        ({"gateway": "till"}, 2),
        ({"gateway": "stars"}, 0),
        ({"refund_requested": "true"}, 1),
    ],
)
async def test_lists_are_filtered(
    cashier: httpx.AsyncClient, till: Till, fox: User, query: dict[str, Any], count: int
) -> None:
    await bought(fox)
    asked = await bought(fox)
    await db.execute("UPDATE botapp_payment SET refund_requested_at = now() WHERE id = $1", asked.id)
    assert len((await cashier.get(f"{ROOT}/payments", params=query)).json()["items"]) == count


@pytest.mark.parametrize("query", [{"status": "gone"}, {"user": "x"}, {"gateway": "a\0b"}, {"limit": 0}, {"colour": 1}])
async def test_a_filter_that_makes_no_sense_is_refused(cashier: httpx.AsyncClient, query: dict[str, Any]) -> None:
    assert (await cashier.get(f"{ROOT}/payments", params=query)).status_code == 422


async def test_one_payment_shows_its_postings_and_its_story(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    payment = await bought(fox)
    await change(cashier, f"{payment.code}/refund")
    for name in (payment.code, payment.code[:8], payment.external_id):
        body = declared(await cashier.get(f"{ROOT}/payments/{name}"), "/payments/{code}")
        assert body["code"] == payment.code
    assert [(line["kind"], line["amount"]) for line in body["postings"]] == [
        ("deposit", "100.00"),
        ("bonus", "20.00"),
        ("reversal", "-100.00"),
        ("reversal", "-20.00"),
    ]
    assert body["given"] == "120.00"
    assert {event["event"] for event in body["events"]} == {"ordered", "paid", "payments.refund"}
    assert any(event["detail"] == "token:cashier: a test" for event in body["events"])


@pytest.mark.parametrize("name", ["0" * 32, "nothing", "abc", "a%00b", "%25", "%F0%9F%A6%8A", "a" * 500, "________"])
async def test_no_payment_is_not_found(cashier: httpx.AsyncClient, till: Till, fox: User, name: str) -> None:
    await bought(fox)
    response = await cashier.get(f"{ROOT}/payments/{name}")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_payment")


async def test_a_beginning_that_several_payments_share_is_ambiguous(
    cashier: httpx.AsyncClient, till: Till, fox: User
) -> None:
    await bought(fox, "one")
    await bought(fox, "two")
    await db.execute("ALTER TABLE botapp_payment DISABLE TRIGGER payment_moves_forward")
    await db.execute("UPDATE botapp_payment SET code = 'abcdef00' || substr(code, 9)")
    response = await cashier.get(f"{ROOT}/payments/abcdef00")
    assert (response.status_code, response.json()["code"]) == (409, "ambiguous_payment")


async def test_a_refund_takes_tokens_at_once_and_money_later(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    payment = await bought(fox)
    body = declared(await change(cashier, f"{payment.code}/refund"), "/payments/{code}/refund", "post")
    assert body == {"code": payment.code, "status": "refunding", "taken": "120.00", "written_off": "0.00"}
    assert await balance(fox) == "0.00" and till.refunded == []
    await refunds.carry_out(payment.code)
    again = (await change(cashier, f"{payment.code}/refund")).json()
    assert again["status"] == "refunded" and len(till.refunded) == 1
    [event] = await audit.newest(subject=payment.code, limit=1)
    assert (event.actor, event.action) == ("token:cashier", "payments.refund")


async def test_the_same_key_refunds_once(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    payment = await bought(fox)
    answers = [(await change(cashier, f"{payment.code}/refund", "key-of-one-refund")).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert await db.fetch_value("SELECT count(*) FROM botapp_transaction WHERE type = 'reversal'") == 2


async def test_a_rehearsed_refund_changes_nothing(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    payment = await bought(fox)
    assert (await change(cashier, f"{payment.code}/refund", rehearse=True)).json()["status"] == "refunding"
    assert await balance(fox) == "120.00" and await audit.newest(subject=payment.code) == []


async def test_spent_tokens_hold_a_refund_up_and_say_how_many(
    cashier: httpx.AsyncClient, till: Till, fox: User
) -> None:
    payment = await bought(fox)
    await cashier.post(
        f"{ROOT}/users/4242/debit", json={"reason": "spent", "tokens": "50"}, headers={"Idempotency-Key": "debit-001"}
    )
    assert (await cashier.get(f"{ROOT}/payments/{payment.code}")).json()["spent"] == "50.00"
    refused = await change(cashier, f"{payment.code}/refund")
    body = declared(refused, "/payments/{code}/refund", "post")
    assert (refused.status_code, body["code"], body["missing"]) == (409, "tokens_spent", "50.00")
    assert body["rule"] == "refund_takes_all_tokens_back" and await balance(fox) == "70.00"
    done = (await change(cashier, f"{payment.code}/refund", write_off=True)).json()
    assert (done["taken"], done["written_off"]) == ("120.00", "50.00") and await balance(fox) == "0.00"


async def test_what_never_came_is_not_refunded(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    placed = await orders.place(Purchase(fox, "tokens-100", "till", IdempotencyKey("never-paid")))
    refused = await change(cashier, f"{placed.code}/refund")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_refundable")
    assert (await change(cashier, f"{'0' * 32}/refund")).status_code == 404
    assert (await change(cashier, f"{placed.code}/dismiss")).json()["code"] == "not_in_quarantine"


async def test_money_that_went_back_by_hand_is_noted(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    payment = await bought(fox)
    body = (await change(cashier, f"{payment.code}/refund", done_outside=True)).json()
    assert body["status"] == "refunded" and till.refunded == []


async def test_money_of_another_amount_is_shown_as_it_came(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    ordered = await bought(fox)
    await repository.note_what_came(ordered, Decimal("4.99"), "EUR")
    shown = declared(await cashier.get(f"{ROOT}/payments/{ordered.code}"), "/payments/{code}")
    assert (shown["amount"], shown["currency"]) == ("4.99", "EUR")


async def test_quarantine_is_dismissed_once_and_refunded_otherwise(
    cashier: httpx.AsyncClient, till: Till, fox: User
) -> None:
    placed = await bought(fox)
    held = await crediting.receive(receipt(placed, "second"))
    other = await crediting.receive(receipt(placed, "third"))
    assert held is not None and other is not None
    for _ in range(2):
        body = declared(await change(cashier, f"{held.code}/dismiss"), "/payments/{code}/dismiss", "post")
        assert body["status"] == "dismissed"
    assert (await change(cashier, f"{held.code}/refund")).json()["code"] == "not_refundable"
    assert (await change(cashier, f"{other.code}/refund")).json()["status"] == "refunding"
    await refunds.carry_out(other.code)
    assert [one.external_id for one in till.refunded] == ["third"] and await balance(fox) == "120.00"


async def reconcile(cashier: httpx.AsyncClient, **body: Any) -> Any:
    since = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    answer = await cashier.post(f"{ROOT}/payments/reconcile", json={"reason": "a test", "since": since, **body})
    return declared(answer, "/payments/reconcile", "post")


async def test_what_a_gateway_lists_is_compared_and_recorded(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    placed = await orders.place(Purchase(fox, "tokens-100", "till", IdempotencyKey("missed")))
    till.listed = [receipt(placed, "missed")]
    rehearsal = await reconcile(cashier, dry_run=True)
    assert rehearsal["dry_run"] and await balance(fox) == "0.00" and await audit.newest() == []
    body = await reconcile(cashier, gateway="till")
    assert body["ok"] and body["gateways"][0]["findings"][0]["kind"] == "credited"
    assert await balance(fox) == "120.00"
    [event] = await audit.newest()
    assert (event.action, event.subject, event.actor) == ("payments.reconcile", "till", "token:cashier")


async def test_what_disagrees_is_not_ok(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    payment = await bought(fox)
    body = await reconcile(cashier)
    assert not body["ok"] and body["gateways"][0]["findings"][0]["code"] == payment.code


async def test_a_gateway_that_is_away_is_named_and_not_ok(
    cashier: httpx.AsyncClient, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(since: datetime) -> AsyncIterator[Receipt]:
        raise GatewayUnavailable("list: 502")
        yield

    monkeypatch.setattr(till, "receipts", away)
    body = await reconcile(cashier)
    assert not body["ok"] and body["gateways"][0]["error"] == "list: 502"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"gateway": "nothing"}, 404),
        ({"since": "yesterday"}, 422),
        ({"since": "0001-01-01T00:00:00+14:00"}, 422),
        ({"since": "9999-12-31T23:59:59-14:00"}, 422),
        ({"since": "2026-01-01T00:00:00"}, 422),
        ({"reason": ""}, 422),
    ],
)
async def test_a_comparison_that_makes_no_sense_is_refused(
    cashier: httpx.AsyncClient, till: Till, body: dict[str, Any], status: int
) -> None:
    wanted = {"reason": "a test", "since": datetime.now(UTC).isoformat(), **body}
    assert (await cashier.post(f"{ROOT}/payments/reconcile", json=wanted)).status_code == status


async def test_an_operator_orders_a_test_and_gets_its_link(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    made = declared(await change(cashier, "test", user=4242, gateway="till"), "/payments/test", "post")
    assert (made["package"], made["status"], made["user"]) == ("tokens-100", "pending", "4242")
    for _ in range(2):
        answer = await cashier.post(f"{ROOT}/payments/{made['code']}/invoice")
        assert (
            declared(answer, "/payments/{code}/invoice", "post")["payment_url"] == f"https://till.test/{made['code']}"
        )
    assert len(till.invoiced) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "no_user"),
        ({"user": 1}, 404, "unknown_user"),
        ({"user": 4242, "package": "nothing"}, 404, "unknown_package"),
        ({"user": 4242, "gateway": "nothing"}, 404, "unknown_gateway"),
        ({"user": 4242, "package": "a\0b"}, 422, "invalid_request"),
    ],
)
async def test_a_test_that_cannot_be_paid_is_not_ordered(
    cashier: httpx.AsyncClient, till: Till, fox: User, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await change(cashier, "test", **{"gateway": "till", **body})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await db.fetch_value("SELECT count(*) FROM botapp_payment") == 0


async def test_an_invoice_that_the_gateway_does_not_make_is_told(
    cashier: httpx.AsyncClient, till: Till, fox: User
) -> None:
    made = (await change(cashier, "test", user=4242, gateway="till")).json()
    till.faults.append(GatewayUnavailable("createInvoice: 502"))
    assert (await cashier.post(f"{ROOT}/payments/{made['code']}/invoice")).status_code == 503
    paid = await bought(fox)
    assert (await cashier.post(f"{ROOT}/payments/{paid.code}/invoice")).json()["code"] == "no_invoice"


async def test_a_blocked_user_orders_nothing(cashier: httpx.AsyncClient, till: Till, fox: User) -> None:
    await db.execute("UPDATE botapp_tguser SET is_blocked = true WHERE id = $1", fox.id)
    answer = await change(cashier, "test", user=4242, gateway="till")
    assert (answer.status_code, answer.json()["code"]) == (409, "user_blocked")


async def test_reading_alone_refunds_nothing(
    operator: httpx.AsyncClient, cashier: httpx.AsyncClient, till: Till, fox: User
) -> None:
    payment = await bought(fox)
    for path in (f"{payment.code}/refund", f"{payment.code}/dismiss", "test"):
        assert (await change(operator, path)).status_code == 403
    assert (await operator.post(f"{ROOT}/payments/{payment.code}/invoice")).status_code == 403
    assert (await operator.get(f"{ROOT}/payments/{payment.code}")).status_code == 200
