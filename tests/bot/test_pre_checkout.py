"""The question before a payment: who may pay what, and a no in time whatever the database does."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic
from typing import Any

import asyncpg
import httpx
import pytest
from sanic import Sanic

from bot import pre_checkout, webhook
from bot.webhook import SECRET_HEADER
from core import db, redis
from core.http.problems import ProblemHandler
from core.settings import Settings
from core.telegram_webhook import PATH
from tests.bot.buying import ask, buy, order, paid, question
from tests.bot.people import Person, World
from tests.core.http.conftest import served

pytestmark = pytest.mark.integration

SECRET = {SECRET_HEADER: "webhook-secret-of-the-tests"}
TELEGRAM_WAITS = 10.0
_names = itertools.count(1)


@asynccontextmanager
async def locked(settings: Settings, table: str) -> AsyncIterator[None]:
    """A database that does not answer about a table, as behind a migration or a runaway query."""
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def test_an_order_may_be_paid_by_who_made_it(mia: Person) -> None:
    assert await ask(mia, question(mia, await order(mia))) == (True, "")


async def test_nobody_else_pays_it(mia: Person, masha: Person) -> None:
    placed = await order(mia)
    ok, why = await ask(masha, question(masha, placed))
    assert not ok and why == "Этот счёт выставлен другому человеку. Откройте свой: /topup"


async def test_an_order_is_paid_once(mia: Person) -> None:
    ok, why = await ask(mia, question(mia, await buy(mia)))
    assert not ok and why.startswith("This order is paid already")


@pytest.mark.parametrize("change", [{"total_amount": 1}, {"total_amount": 386}, {"currency": "USD"}])
async def test_another_price_is_not_taken(mia: Person, change: dict[str, Any]) -> None:
    ok, why = await ask(mia, question(mia, await order(mia), **change))
    assert not ok and "price of this invoice has changed" in why


@pytest.mark.parametrize(
    "payload", ["", "nonsense", "a.b", "{code}", "{code}.", "{code}.forged", "0" * 32 + ".x", "é.ñ"]
)
async def test_a_forged_payload_is_no_order(mia: Person, payload: str) -> None:
    placed = await order(mia)
    ok, why = await ask(mia, question(mia, placed, invoice_payload=payload.replace("{code}", placed.code)))
    assert not ok and "no such order" in why


async def test_an_invoice_that_is_a_day_old_is_out_of_date(mia: Person) -> None:
    placed = await order(mia)
    await db.execute("UPDATE botapp_payment SET expires_at = now() WHERE id = $1", placed.id)
    ok, why = await ask(mia, question(mia, placed))
    assert not ok and "out of date" in why
    await db.execute("UPDATE botapp_payment SET status = 'expired' WHERE id = $1", placed.id)
    assert (await ask(mia, question(mia, placed)))[1] == why


async def test_who_was_shut_out_pays_nothing(mia: Person) -> None:
    placed = await order(mia)
    await db.execute("UPDATE botapp_tguser SET is_blocked = true WHERE chat_id = $1", mia.id)
    ok, why = await ask(mia, question(mia, placed))
    assert not ok and "closed to you" in why


async def test_the_language_that_was_chosen_is_spoken(mia: Person) -> None:
    await mia.send("/language")
    await mia.press("Русский")
    ok, why = await ask(mia, question(mia, await order(mia), invoice_payload="x"))
    assert not ok and why.startswith("Такого заказа нет")


async def test_every_no_fits_into_telegrams_window() -> None:
    for language in ("ru", "en"):
        for reason in ("busy", "unknown", "not_yours", "paid", "expired", "other_price", "blocked"):
            assert 0 < len(pre_checkout.refusal_words(language, reason)) < pre_checkout.LONGEST_MESSAGE


async def test_the_question_waits_for_nothing_that_was_said_in_the_chat(mia: Person, world: World) -> None:
    placed = await order(mia)
    talk = await world.store({"update_id": 920_001, "message": mia.message(text="hi")}, mia.id)
    asked = await world.store({"update_id": 920_002, "pre_checkout_query": question(mia, placed)}, mia.id)
    told = await world.store({"update_id": 920_003, "message": paid(mia, placed)}, mia.id)
    assert len({talk.subject, asked.subject, told.subject}) == 3


@pytest.mark.parametrize("table", ["botapp_payment", "botapp_tguser"])
async def test_a_database_that_hangs_gets_a_no_in_time(
    mia: Person, world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    monkeypatch.setattr(pre_checkout, "ANSWERED_WITHIN", 0.6)
    placed = await order(mia)
    event = await world.store({"update_id": 930_001, "pre_checkout_query": question(mia, placed)}, mia.id)
    async with locked(settings, table):
        began = monotonic()
        await world.runtime.handle(event)
        assert monotonic() - began < TELEGRAM_WAITS
    answer = mia.telegram.named("answerPreCheckoutQuery")[-1]
    assert not answer.ok and "Nothing was taken" in answer.error_message
    assert await ask(mia, question(mia, placed)) == (True, ""), "it is answered properly once the database is back"


async def test_a_question_that_waited_too_long_already_is_answered_at_once(
    mia: Person, world: World, settings: Settings
) -> None:
    placed = await order(mia)
    event = await world.store({"update_id": 930_101, "pre_checkout_query": question(mia, placed)}, mia.id)
    await db.execute("UPDATE botapp_inbox SET received_at = received_at - $1::interval", timedelta(seconds=9))
    row = await db.fetch_one("SELECT received_at FROM botapp_inbox WHERE id = $1", event.id)
    assert row is not None
    late = type(event)(
        **{**{name: getattr(event, name) for name in event.__slots__}, "received_at": row["received_at"]}
    )
    async with locked(settings, "botapp_payment"):
        began = monotonic()
        await world.runtime.handle(late)
        assert monotonic() - began < pre_checkout.ANSWERED_WITHIN
    assert not mia.telegram.named("answerPreCheckoutQuery")[-1].ok


async def test_a_malformed_question_is_let_be(mia: Person) -> None:
    await mia.update(pre_checkout_query={"id": "q", "from": {"id": "x"}})
    assert mia.telegram.named("answerPreCheckoutQuery") == []


@pytest.fixture
async def web(world: World, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The webhook on a port, beside the worker's world."""
    # Only the route: the database and Redis are those of the world.
    app: Any = Sanic(f"checkout_test_{next(_names)}", error_handler=ProblemHandler(), configure_logging=False)
    app.ctx.settings = settings
    app.blueprint(webhook.blueprint)
    async with served(app) as address, httpx.AsyncClient(base_url=address, trust_env=False, timeout=20) as client:
        yield client


def update(person: Person, number: int) -> dict[str, Any]:
    """A pre-checkout query as Telegram pushes it."""
    about = {"currency": "XTR", "total_amount": 385, "invoice_payload": "x"}
    return {"update_id": number, "pre_checkout_query": {"id": f"q{number}", "from": person.profile, **about}}


async def test_web_says_no_itself_when_the_database_hangs(
    masha: Person, web: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pre_checkout, "STORED_WITHIN", 0.4)
    async with locked(settings, "botapp_inbox"):
        began = monotonic()
        answer = await web.post(PATH, json=update(masha, 940_001), headers=SECRET)
        assert monotonic() - began < TELEGRAM_WAITS
    assert answer.status_code == 200
    assert answer.json() == {
        "method": "answerPreCheckoutQuery",
        "pre_checkout_query_id": "q940001",
        "ok": False,
        "error_message": "Сейчас не успеваю проверить заказ. Ничего не списано: попробуйте ещё раз через минуту.",
    }
    async with asyncio.timeout(10):
        while not await db.fetch_value("SELECT count(*) FROM botapp_inbox WHERE event_id = '940001'"):
            await asyncio.wait([asyncio.create_task(asyncio.sleep(0.02))])


async def test_web_says_no_itself_when_no_worker_answers(
    mia: Person, web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pre_checkout, "SAID_NO_AFTER", 0.5)
    answer = await web.post(PATH, json=update(mia, 940_101), headers=SECRET)
    assert answer.json()["ok"] is False and answer.json()["method"] == "answerPreCheckoutQuery"
    assert await db.fetch_value("SELECT count(*) FROM botapp_inbox WHERE event_id = '940101'") == 1


async def test_web_is_quiet_when_the_worker_has_answered(mia: Person, web: httpx.AsyncClient, world: World) -> None:
    world.runtime.start()
    placed = await order(mia)
    asked = {"update_id": 940_201, "pre_checkout_query": question(mia, placed)}
    began = monotonic()
    answer = await web.post(PATH, json=asked, headers=SECRET)
    assert answer.json() == {"ok": True} and monotonic() - began < TELEGRAM_WAITS
    assert mia.telegram.named("answerPreCheckoutQuery")[-1].ok is True
    again = await web.post(PATH, json=asked, headers=SECRET)
    assert again.json() == {"ok": True} and len(mia.telegram.named("answerPreCheckoutQuery")) == 1


async def test_without_redis_web_leaves_the_answer_to_the_worker(
    mia: Person, web: httpx.AsyncClient, settings: Settings
) -> None:
    unreachable = settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")})
    await redis.connect(unreachable)
    answer = await web.post(PATH, json=update(mia, 940_301), headers=SECRET)
    assert answer.json() == {"ok": True}
    assert json.loads(await db.fetch_value("SELECT payload FROM botapp_inbox WHERE event_id = '940301'"))
