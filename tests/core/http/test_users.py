"""People over the ops API: shown, credited, debited, blocked; every change once, with actor, reason and a record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from core import db, ledger, moderation, ops_tokens, users
from core.http.ops.api import api
from core.payments import Payment, packages, repository
from core.types import IdempotencyKey

pytestmark = pytest.mark.integration

ROOT = "/api/ops/v1"
FOX = 4242


@pytest.fixture
async def manager(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may change things, and somebody with 50 tokens."""
    token = await ops_tokens.create("manager", ["read", "operate"])
    fox = await users.upsert(users.Profile(FOX, "Fox_1", "Fox", "Red", "en", is_premium=True))
    await ledger.give_welcome_bonus(fox.id)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=client.base_url, headers=headers, trust_env=False) as opened:
        yield opened


async def change(
    manager: httpx.AsyncClient, path: str, body: Mapping[str, Any], *, key: str = "key-0001", **query: Any
) -> httpx.Response:
    """Ask for a change with a reason."""
    return await manager.post(
        f"{ROOT}/users/{path}", json={"reason": "a test", **body}, params=query, headers={"Idempotency-Key": key}
    )


async def balance() -> Decimal:
    """What the fox has."""
    fox = await users.get(FOX)
    assert fox is not None
    return await ledger.balance_of(fox.id)


def declared(response: httpx.Response, path: str, method: str = "get") -> Any:
    """The answer, checked against the description."""
    document = api.document("0")
    content = document["paths"][ROOT + path][method]["responses"][str(response.status_code)]["content"]
    schema = content[response.headers["content-type"]]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(response.json())
    return response.json()


@pytest.mark.parametrize("name", ["4242", "@Fox_1", "@fox_1", "fox_1"])
async def test_a_person_is_found_by_id_and_by_name(manager: httpx.AsyncClient, name: str) -> None:
    body = declared(await manager.get(f"{ROOT}/users/{name}"), "/users/{user}")
    assert (body["id"], body["username"], body["is_premium"]) == ("4242", "Fox_1", True)
    assert body["balance"] == {
        "tokens": "50.00",
        "held": "0.00",
        "spent": "0.00",
        "deposited": "0.00",
        "bonuses": "50.00",
    }
    assert [(line["amount"], line["what"]) for line in body["postings"]] == [("50.00", "welcome")]


@pytest.mark.parametrize(
    "name", ["1", "@nobody", "-4242", "4242.0", "99999999999999999999", "0x10", "@", "%F0%9F%A6%8A", "a%00b", "a" * 200]
)
async def test_nobody_is_not_found(manager: httpx.AsyncClient, name: str) -> None:
    response = await manager.get(f"{ROOT}/users/{name}")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_user")


async def test_a_slip_in_a_username_names_the_nearest(manager: httpx.AsyncClient) -> None:
    await users.upsert(users.Profile(4242, "fox_1", "Fox"))
    answer = (await manager.get(f"{ROOT}/users/@Fox_l")).json()
    assert answer["near"] == ["@fox_1"]
    assert "near: @fox_1." in answer["detail"]


async def test_a_name_that_moved_on_is_ambiguous_and_names_the_ids(manager: httpx.AsyncClient) -> None:
    await users.upsert(users.Profile(77, "FOX_1", "New owner"))
    response = await manager.get(f"{ROOT}/users/@fox_1")
    assert (response.status_code, response.json()["code"]) == (409, "ambiguous_user")
    assert response.json()["near"] == ["77", "4242"]


async def test_payments_and_friends_of_a_person_are_shown(manager: httpx.AsyncClient) -> None:
    payment = await bought()
    friend = await users.upsert(users.Profile(77, "hare", "Hare"))
    await db.execute(
        "INSERT INTO botapp_referral (inviter_id, invitee_id) SELECT id, $1 FROM botapp_tguser WHERE chat_id = $2",
        friend.id,
        FOX,
    )
    body = declared(await manager.get(f"{ROOT}/users/4242"), "/users/{user}")
    assert body["payments"][0] | {"created_at": ""} == {
        "code": payment.code,
        "gateway": "stars",
        "status": "pending",
        "package": "tokens-100",
        "tokens": "100.00",
        "amount": f"{payment.amount:.2f}",
        "currency": "XTR",
        "created_at": "",
        "paid_at": None,
        "refunded_at": None,
    }
    assert body["referral"]["invited"] == 1
    assert (await manager.get(f"{ROOT}/users/77")).json()["referral"]["invited_by"] == "4242"


async def bought() -> Payment:
    """An order of the fox for 100 tokens over Stars, written as `orders` does."""
    await packages.seed()
    fox = await users.get(FOX)
    assert fox is not None
    package = await packages.get("tokens-100")
    new = repository.NewPayment(
        code="ab" * 16,
        key=IdempotencyKey("order"),
        user_id=fox.id,
        gateway="stars",
        amount=Decimal(385),
        currency="XTR",
        package=package.code,
        tokens=package.tokens,
    )
    payment = await repository.insert(new)
    assert payment is not None
    return payment


async def test_a_credit_is_a_posting_with_actor_and_reason(manager: httpx.AsyncClient) -> None:
    response = await change(manager, "4242/credit", {"tokens": "25.50", "reason": "ticket 4711"})
    body = declared(response, "/users/{user}/credit", "post")
    assert (body["amount"], body["balance"]) == ("25.50", "75.50")
    fox = await users.get(FOX)
    assert fox is not None
    newest = (await ledger.statement(fox.id))[0]
    assert (newest.kind.value, str(newest.amount), newest.actor, newest.reason, str(newest.id)) == (
        "admin",
        "25.50",
        "token:manager",
        "ticket 4711",
        body["posting"],
    )


async def test_the_same_key_credits_once_and_answers_the_same(manager: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(change(manager, "4242/credit", {"tokens": "10"}) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json() for answer in answers] == [answers[0].json()] * 8
    assert await balance() == 60


@pytest.mark.parametrize("body", [{"tokens": "11"}, {"tokens": "10", "reason": "another"}])
async def test_a_key_reused_for_something_else_is_a_conflict(
    manager: httpx.AsyncClient, body: Mapping[str, str]
) -> None:
    await change(manager, "4242/credit", {"tokens": "10"})
    response = await change(manager, "4242/credit", body)
    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")
    assert await balance() == 60


async def test_a_debit_below_zero_is_refused_by_a_rule_and_leaves_the_balance(manager: httpx.AsyncClient) -> None:
    response = await change(manager, "4242/debit", {"tokens": "50.01"})
    problem = declared(response, "/users/{user}/debit", "post")
    assert (response.status_code, problem["code"], problem["rule"]) == (
        409,
        "insufficient_tokens",
        "balance_is_never_negative",
    )
    assert "has 50.00 tokens" in problem["detail"]
    assert await balance() == 50
    assert (await manager.get(f"{ROOT}/audit")).json()["items"] == []


async def test_a_debit_takes_all_that_there_is(manager: httpx.AsyncClient) -> None:
    assert (await change(manager, "4242/debit", {"tokens": "50"})).json()["balance"] == "0.00"
    assert await balance() == 0


async def test_debits_at_once_never_take_more_than_there_is(manager: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(change(manager, "4242/debit", {"tokens": "20"}, key=f"debit-00{number}") for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409, 409, 409]
    assert await balance() == 10


@pytest.mark.parametrize(
    "tokens",
    [
        *("0", "-5", "0.001", "1.005", "100000.01", "1e9", "1e999999999", "1e-999999999", "NaN", "Infinity"),
        *("", "ten", None, [], {"a": 1}, "1,5"),
    ],
)
@pytest.mark.parametrize("verb", ["credit", "debit"])
async def test_an_amount_that_cannot_be_posted_is_refused(
    manager: httpx.AsyncClient, verb: str, tokens: object
) -> None:
    response = await change(manager, f"4242/{verb}", {"tokens": tokens})
    assert response.status_code == 422
    assert response.json()["errors"][0]["param"] == "tokens"
    assert await balance() == 50


@pytest.mark.parametrize("reason", ["", " ", "x", "a" * 501, "two\nlines", "turned \u202eround", "a \x1b[31mcolour"])
async def test_a_change_without_a_reason_is_refused(manager: httpx.AsyncClient, reason: str) -> None:
    response = await change(manager, "4242/credit", {"tokens": "5", "reason": reason})
    assert (response.status_code, response.json()["errors"][0]["param"]) == (422, "reason")


async def test_a_change_without_a_key_is_refused(manager: httpx.AsyncClient) -> None:
    response = await manager.post(f"{ROOT}/users/4242/credit", json={"tokens": "5", "reason": "a test"})
    assert (response.status_code, response.json()["code"]) == (400, "missing_idempotency_key")
    assert await balance() == 50


@pytest.mark.parametrize("name", ["@fox_1", "77", "fox_1"])
async def test_a_change_names_a_known_telegram_id(manager: httpx.AsyncClient, name: str) -> None:
    response = await change(manager, f"{name}/credit", {"tokens": "5"})
    assert (response.status_code, response.json()["code"]) == (404, "unknown_user")


async def test_a_rehearsal_says_what_would_be_and_changes_nothing(manager: httpx.AsyncClient) -> None:
    response = await change(manager, "4242/credit", {"tokens": "5"}, dry_run="true")
    assert response.json()["balance"] == "55.00"
    assert await balance() == 50
    assert (await manager.get(f"{ROOT}/audit")).json()["items"] == []
    assert (await change(manager, "4242/credit", {"tokens": "5"})).json()["balance"] == "55.00"


async def test_a_token_that_only_reads_changes_nothing(manager: httpx.AsyncClient, operator: httpx.AsyncClient) -> None:
    for path in ("credit", "debit", "block", "unblock"):
        response = await change(operator, f"4242/{path}", {"tokens": "5"})
        assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
    assert await balance() == 50


async def test_blocking_shuts_out_and_unblocking_lets_in(manager: httpx.AsyncClient) -> None:
    seen = []
    for number, (verb, expected) in enumerate([("block", True), ("block", True), ("unblock", False)]):
        body = declared(
            await change(manager, f"4242/{verb}", {}, key=f"block-00{number}"), f"/users/{{user}}/{verb}", "post"
        )
        fox = await users.get(FOX)
        assert fox is not None
        assert fox.is_blocked is expected
        seen.append((body["state"], body["changed"]))
    assert seen == [("blocked", True), ("blocked", False), ("open", True)]
    assert await balance() == 50


async def test_every_change_is_recorded_with_who_what_and_why(manager: httpx.AsyncClient) -> None:
    await change(manager, "4242/credit", {"tokens": "5", "reason": "ticket 1"}, key="change-1")
    await change(manager, "4242/block", {"reason": "ticket 2"}, key="change-2")
    body = declared(await manager.get(f"{ROOT}/audit"), "/audit")
    assert [(event["action"], event["subject"], event["actor"], event["reason"]) for event in body["items"]] == [
        ("users.block", "4242", "token:manager", "ticket 2"),
        ("users.credit", "4242", "token:manager", "ticket 1"),
    ]
    assert body["items"][1]["request"] == {"tokens": "5"}
    assert body["items"][1]["result"]["balance"] == "55.00"


async def test_the_record_is_filtered_and_paged(manager: httpx.AsyncClient) -> None:
    for number in range(5):
        await change(manager, "4242/credit", {"tokens": "1"}, key=f"change-{number}")
    await change(manager, "4242/block", {}, key="the-block")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2", "action": "users.credit", **({"cursor": cursor} if cursor else {})}
        body = (await manager.get(f"{ROOT}/audit", params=query)).json()
        seen += [event["result"]["balance"] for event in body["items"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert seen == ["55.00", "54.00", "53.00", "52.00", "51.00"]
    for query in ({"actor": "token:manager"}, {"subject": "4242"}):
        assert len((await manager.get(f"{ROOT}/audit", params=query)).json()["items"]) == 6
    assert (await manager.get(f"{ROOT}/audit", params={"actor": "token:nobody"})).json()["items"] == []


@pytest.mark.parametrize("cursor", ["", "0", "-1", "x", "1 ", "9" * 19, "9" * 99, "١"])
@pytest.mark.parametrize("path", ["/audit", "/ledger/statement/4242"])
async def test_a_cursor_that_is_none_of_ours_is_refused(manager: httpx.AsyncClient, path: str, cursor: str) -> None:
    response = await manager.get(ROOT + path, params={"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (400, "bad_cursor")


async def test_a_statement_is_every_posting_once(manager: httpx.AsyncClient) -> None:
    for number in range(7):
        await change(manager, "4242/credit", {"tokens": "1"}, key=f"change-{number}")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        response = await manager.get(f"{ROOT}/ledger/statement/@fox_1", params=query)
        body = declared(response, "/ledger/statement/{user}")
        seen += [line["balance_after"] for line in body["items"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert seen == ["57.00", "56.00", "55.00", "54.00", "53.00", "52.00", "51.00", "50.00"]
    assert (body["user"], body["balance"]) == ("4242", "57.00")


async def test_refusals_of_a_person_are_told_with_the_pause_that_follows(manager: httpx.AsyncClient) -> None:
    """So that whoever is asked why nothing works any more can say it."""
    before = (await manager.get(f"{ROOT}/users/{FOX}")).json()["refusals"]
    assert before == {"count": 0, "latest": None, "latest_at": None, "paused_until": None}
    user = await users.get(FOX)
    assert user is not None
    for number in range(3):
        await moderation.note(user.id, "words", "sexual", f"words {number}")
    told = (await manager.get(f"{ROOT}/users/{FOX}")).json()["refusals"]
    assert (told["count"], told["latest"]) == (3, "words sexual")
    assert told["paused_until"] > told["latest_at"]


async def test_notes_are_shown_newest_first_with_who_and_when(manager: httpx.AsyncClient) -> None:
    await change(manager, f"{FOX}/note", {"reason": "asked twice for a refund"}, key="note-0001")
    made = await change(manager, f"{FOX}/note", {"reason": "it was returned"}, key="note-0002")
    assert declared(made, "/users/{user}/note", "post") == {"user": str(FOX), "text": "it was returned", "notes": 2}
    shown = declared(await manager.get(f"{ROOT}/users/{FOX}"), "/users/{user}")
    assert [note["text"] for note in shown["notes"]] == ["it was returned", "asked twice for a refund"]
    assert shown["notes"][0]["by"] == "token:manager"
    assert shown["notes"][0]["at"] >= shown["notes"][1]["at"]


async def test_a_note_is_written_once_per_key_and_not_by_a_rehearsal(manager: httpx.AsyncClient) -> None:
    await change(manager, f"{FOX}/note", {"reason": "a rehearsal"}, key="note-0001", dry_run="true")
    for _ in range(2):
        await change(manager, f"{FOX}/note", {"reason": "asked twice"}, key="note-0002")
    shown = (await manager.get(f"{ROOT}/users/{FOX}")).json()
    assert [note["text"] for note in shown["notes"]] == ["asked twice"]


@pytest.mark.parametrize("text", ["", "ab", "x" * 501, "two\nlines", "\x1b[31mred", "right\u202eleft", "nul\x00"])
async def test_a_note_that_is_no_line_of_text_is_refused(manager: httpx.AsyncClient, text: str) -> None:
    assert (await change(manager, f"{FOX}/note", {"reason": text})).status_code == 422
    assert (await manager.get(f"{ROOT}/users/{FOX}")).json()["notes"] == []


async def test_a_note_is_about_somebody(manager: httpx.AsyncClient) -> None:
    assert (await change(manager, "999/note", {"reason": "a ghost"})).status_code == 404
