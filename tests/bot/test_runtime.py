"""The bot in its worker: updates of one person in order, of many side by side; its tasks; a clean stop."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from bot import runtime as runtime_module
from bot import tasks
from bot.webhook import parse_update
from core import db
from core.generations import Status, execution
from core.logs import new_trace
from core.settings import Settings
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram
from tests.core.generations.conftest import assert_books_agree

pytestmark = pytest.mark.integration


async def push(world: World, number: int, **content: Any) -> None:
    """Keep an update as the webhook does, and leave it to the running bot."""
    event_id, subject, payload = parse_update(json.dumps({"update_id": number, **content}).encode())
    await world.inbox.store(event_id, subject, payload, new_trace())


async def until_all_is_handled(telegram: FakeTelegram) -> None:
    async with asyncio.timeout(15):
        while await db.fetch_value("SELECT count(*) FROM botapp_inbox WHERE handled_at IS NULL"):
            await asyncio.wait([asyncio.create_task(asyncio.sleep(0.02))])


async def test_people_are_served_side_by_side_and_each_in_order(
    world: World, somebody: Callable[..., Person], telegram: FakeTelegram
) -> None:
    people = [somebody(name=f"P{n}") for n in range(8)]
    number = 500_000
    for text in ("/start", "a red fox", "/balance"):
        for person in people:
            number += 1
            await push(world, number, message=person.message(text=text))
    world.runtime.start()
    await until_all_is_handled(telegram)
    for person in people:
        texts = [message["text"] for message in telegram.now_shown if message["chat"]["id"] == person.id]
        assert [text[:10] for text in texts] == [f"Hi, {person.name}!\n\nI"[:10], "🍌 Nano Ban", "Your balan"]
        assert await person.balance() == "49.20"
    await assert_books_agree()


async def test_updates_that_came_before_the_bot_are_handled_when_it_starts(
    world: World, mia: Person, telegram: FakeTelegram
) -> None:
    await push(world, 510_000, message=mia.message(text="/help"))
    world.runtime.start()
    await until_all_is_handled(telegram)
    assert "To get a picture" in telegram.last["text"]
    assert telegram.named("setWebhook")


async def test_a_stop_lets_running_handlers_finish(
    world: World, mia: Person, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()
    handle = world.runtime.handle

    async def slow(event: Any) -> None:
        begun.set()
        await may_go_on.wait()
        await handle(event)

    monkeypatch.setattr(world.runtime, "handle", slow)
    await push(world, 520_000, message=mia.message(text="/help"))
    world.runtime.start()
    await begun.wait()
    stopping = asyncio.create_task(world.runtime.stop())
    await asyncio.wait([stopping], timeout=0.05)
    may_go_on.set()
    await stopping
    assert "To get a picture" in telegram.last["text"]


async def test_a_handler_that_takes_too_long_does_not_hold_up_the_stop(
    world: World, mia: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow(event: Any) -> None:
        begun.set()
        await may_go_on.wait()

    monkeypatch.setattr(world.runtime, "handle", slow)
    monkeypatch.setattr(runtime_module, "STOP_LIMIT", 0.05)
    await push(world, 530_000, message=mia.message(text="/help"))
    world.runtime.start()
    await begun.wait()
    consumer = world.runtime._running[0]
    await world.runtime.stop()
    assert not consumer.done()
    assert await db.fetch_value("SELECT count(*) FROM botapp_inbox WHERE event_id = '530000' AND handled_at IS NULL")
    may_go_on.set()
    await asyncio.wait([consumer])


async def test_a_bot_task_that_dies_is_reported_and_its_process_ends(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = asyncio.Event()
    monkeypatch.setattr(runtime_module, "end_process", ended.set)

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("a defect of ours")

    monkeypatch.setattr(runtime_module, "keep_subscribed", broken)
    world.runtime.start()
    await asyncio.wait(world.runtime._running, return_when=asyncio.FIRST_COMPLETED)
    async with asyncio.timeout(20):
        await ended.wait()
    assert "bot_task_died" in capsys.readouterr().out


async def test_the_tasks_of_a_worker_use_its_bot(
    world: World, mia: Person, settings: Settings, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "Runtime", lambda _: world.runtime)
    monkeypatch.setattr(world.runtime, "start", lambda: None)
    await mia.send("a red fox")
    [job] = await mia.jobs()
    async with tasks.telegram(settings):
        await tasks.show_status(job.run_code)
        while row := await db.fetch_one("DELETE FROM botapp_outbox RETURNING task"):
            assert row["task"] == "generations.advance"
            await execution.advance(job.run_code)
            await db.execute("DELETE FROM botapp_outbox")
        await tasks.deliver(job.run_code)
        await tasks.tell_failure(job.run_code)
    assert (await mia.jobs())[0].status is Status.DONE and len(telegram.named("sendPhoto")) == 1


async def test_a_task_outside_a_worker_says_where_it_belongs() -> None:
    with pytest.raises(RuntimeError, match="nb worker"):
        await tasks.deliver("x" * 32)


async def test_no_answer_of_the_bot_shows_its_token_in_the_log(
    world: World, mia: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await mia.send(message=mia.photo(caption="a hat"))
    await world.work()
    assert "token-of-the-tests" not in caplog.text
