"""The webhook route: who may push, what is kept, and what Telegram is told when it cannot be."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.webhook import LARGEST_UPDATE, SECRET_HEADER, MalformedUpdate, parse_update
from core import db
from core.http import application
from core.settings import Settings
from core.telegram_webhook import PATH
from tests.core.http.conftest import served

SECRET = {SECRET_HEADER: "webhook-secret-of-the-tests"}
UPDATE = {"update_id": 7, "message": {"chat": {"id": 42}, "text": "a fox"}}
SUBJECTS: list[tuple[dict[str, Any], str]] = [
    ({"message": {"chat": {"id": 42}, "from": {"id": 1}}}, "42"),
    ({"callback_query": {"from": {"id": 5}, "message": {"chat": {"id": 42}}}}, "42"),
    ({"callback_query": {"from": {"id": 5}}}, "5"),
    ({"pre_checkout_query": {"from": {"id": 5}}}, "5"),
    ({"pre_checkout_query": {"id": "q", "from": {"id": 5}}}, f"pre_checkout:{sha256(b'q').hexdigest()[:32]}"),
    (
        {"message": {"chat": {"id": 42}, "successful_payment": {"telegram_payment_charge_id": "c"}}},
        f"payment:{sha256(b'c').hexdigest()[:32]}",
    ),
    (
        {"message": {"chat": {"id": 42}, "refunded_payment": {"telegram_payment_charge_id": "c"}}},
        f"payment:{sha256(b'c').hexdigest()[:32]}",
    ),
    ({"message": {"chat": {"id": 42}, "successful_payment": "x"}}, "42"),
    ({"subscription": {"user": {"id": 5}, "invoice_payload": "p"}}, f"subscription:{sha256(b'p').hexdigest()[:32]}"),
    ({"my_chat_member": {"chat": {"id": -100}, "from": {"id": 5}}}, "-100"),
    ({"poll": {"id": "x"}}, ""),
    ({"message": "text"}, ""),
    ({"message": {"chat": "text", "from": {"id": "x"}}}, ""),
    ({}, ""),
]
WRONG_SECRETS = [{}, {SECRET_HEADER: ""}, {SECRET_HEADER: "wrong"}, {SECRET_HEADER: "секрет".encode()}]
_names = itertools.count(1)
MALFORMED = [
    b"",
    b"not json",
    b"[]",
    b'"text"',
    b"7",
    b"null",
    b"{}",
    b'{"update_id": "7"}',
    b'{"update_id": 7.5}',
    b'{"update_id": true}',
    b'{"update_id": -1}',
    b'{"update_id": 9223372036854775808}',
    b'{"update_id": ' + b"9" * 5000 + b"}",
    b'{"update_id": NaN}',
    b'{"update_id": 7, "x": Infinity}',
    b'{"update_id": 7',
    b"\xff\xfe{\x00}\x00",
    b'{"update_id": 7, "x": "\xff"}',
    b'{"update_id": 7, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]


@pytest.mark.parametrize(("content", "subject"), SUBJECTS)
def test_an_update_is_filed_under_its_chat_or_person(content: dict[str, Any], subject: str) -> None:
    body = json.dumps({"update_id": 7, **content}).encode()
    assert parse_update(body) == ("7", subject, body)


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_update_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedUpdate):
        parse_update(body)


def test_characters_that_postgresql_refuses_are_taken_out_and_others_stay() -> None:
    body = b'{"update_id":1,"message":{"text":"a\\u0000b \\ud83e\\udd8a c\\ud800d","chat":{"id":2}}}'
    _, subject, kept = parse_update(body)
    assert subject == "2" and json.loads(kept)["message"]["text"] == "ab 🦊 c?d"


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists), max_size=4))
def test_whatever_telegram_invents_is_kept_as_valid_text(content: dict[str, Any]) -> None:
    body = json.dumps({**content, "update_id": 7}).encode()
    event_id, _, kept = parse_update(body)
    assert event_id == "7" and "\0" not in json.dumps(json.loads(kept), ensure_ascii=False).replace("\\\\", "")
    assert json.loads(kept)["update_id"] == 7


def test_web_never_loads_the_bot() -> None:
    code = "import sys, bot.webhook; print([m for m in sys.modules if m.split('.')[0] in ('aiogram', 'aiohttp')])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


@pytest.fixture
async def web(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The application with the webhook on a port."""
    app = application.build(settings, name=f"webhook_test_{next(_names)}", blueprints=["bot.webhook:blueprint"])
    async with served(app) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
        yield client


@pytest.mark.integration
async def test_an_update_is_kept_and_acknowledged(web: httpx.AsyncClient) -> None:
    answer = await web.post(PATH, json=UPDATE, headers={**SECRET, "X-Request-Id": "ab" * 16})
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    [row] = await db.fetch("SELECT * FROM botapp_inbox")
    assert (row["source"], row["event_id"], row["subject"], row["handled_at"]) == ("telegram", "7", "42", None)
    assert json.loads(row["payload"]) == UPDATE and row["trace_id"] == "ab" * 16


@pytest.mark.integration
async def test_the_same_update_is_kept_once_and_acknowledged_each_time(web: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(web.post(PATH, json=UPDATE, headers=SECRET) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert await db.fetch_value("SELECT count(*) FROM botapp_inbox") == 1


@pytest.mark.integration
@pytest.mark.parametrize("headers", WRONG_SECRETS)
async def test_a_wrong_or_missing_secret_is_refused(web: httpx.AsyncClient, headers: dict[str, Any]) -> None:
    answer = await web.post(PATH, json=UPDATE, headers=headers)
    assert answer.status_code == 403 and answer.json()["code"] == "wrong_secret"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "webhook-secret" not in answer.text
    assert await db.fetch_value("SELECT count(*) FROM botapp_inbox") == 0


@pytest.mark.integration
async def test_a_malformed_body_is_a_problem(web: httpx.AsyncClient) -> None:
    for body in MALFORMED:
        answer = await web.post(PATH, content=body, headers=SECRET)
        assert answer.status_code == 400 and answer.json()["code"] == "malformed_update", body[:40]


@pytest.mark.integration
async def test_a_body_over_the_limit_is_refused(web: httpx.AsyncClient) -> None:
    body = json.dumps({"update_id": 1, "x": "y" * LARGEST_UPDATE}).encode()
    answer = await web.post(PATH, content=body, headers=SECRET)
    assert answer.status_code == 413 and answer.json()["code"] == "payload_too_large"


@pytest.mark.integration
async def test_other_methods_are_refused(web: httpx.AsyncClient) -> None:
    assert (await web.get(PATH)).status_code == 405


@pytest.mark.integration
async def test_an_update_while_the_database_is_away_is_asked_for_again(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> list[Any]:
        raise asyncpg.PostgresConnectionError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(db, "fetch", away)
        answer = await web.post(PATH, json=UPDATE, headers=SECRET)
    assert answer.status_code == 503 and answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "unavailable"
    assert (await web.post(PATH, json=UPDATE, headers=SECRET)).status_code == 200
    assert await db.fetch_value("SELECT count(*) FROM botapp_inbox") == 1


@pytest.mark.integration
async def test_text_that_postgresql_would_refuse_is_kept(web: httpx.AsyncClient) -> None:
    body = b'{"update_id":9,"message":{"text":"a\\u0000b\\ud800","chat":{"id":2}}}'
    assert (await web.post(PATH, content=body, headers=SECRET)).status_code == 200
    payload = await db.fetch_value("SELECT payload FROM botapp_inbox")
    assert json.loads(payload)["message"]["text"] == "ab?"
