"""What was said is kept for support, once, and never at the expense of the conversation."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from aiogram.types import Message

from bot import chat_log
from core import db
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram

pytestmark = pytest.mark.integration


async def written(world: World, person: Person) -> list[dict[str, Any]]:
    """The rows of a person's chat, in order."""
    await world.runtime._chat_log.flush()
    rows = await db.fetch(
        """SELECT message.*, message.id FROM botapp_chatmessage AS message
        JOIN botapp_chatthread AS thread ON thread.id = message.thread_id
        JOIN botapp_tguser AS person ON person.id = thread.user_id
        WHERE person.chat_id = $1 ORDER BY message.id""",
        person.id,
    )
    return [dict(row) for row in rows]


async def thread(person: Person) -> dict[str, Any]:
    row = await db.fetch_one("SELECT * FROM botapp_chatthread WHERE user_id = $1", (await person.account()).id)
    assert row is not None
    return dict(row)


async def test_both_sides_are_kept_in_order_with_their_trace(mia: Person, world: World) -> None:
    await mia.send("/balance")
    rows = await written(world, mia)
    assert [(row["direction"], row["message_type"]) for row in rows] == [
        ("incoming", "text"), ("outgoing", "text"), ("incoming", "text"), ("outgoing", "text"),
    ]  # fmt: skip
    assert rows[2]["text"] == "/balance" and "Your balance is 50 ⚡" in rows[3]["text"]
    assert len(rows[2]["trace_id"]) == 32 and rows[2]["trace_id"] == rows[3]["trace_id"]


async def test_photos_keep_their_file_and_buttons_their_data(mia: Person, world: World) -> None:
    await mia.send(message=mia.photo())
    await mia.press("Cartoon")
    rows = await written(world, mia)
    photo = next(row for row in rows if row["message_type"] == "photo")
    button = next(row for row in rows if row["message_type"] == "button")
    assert photo["media_file_id"].startswith("photo") and button["text"] == "e:cartoon:80"
    assert button["telegram_id"].startswith("cb")


async def test_an_edited_message_shows_its_newest_text_and_stays_one_row(mia: Person, world: World) -> None:
    [status] = await mia.send("a red fox")
    await written(world, mia)
    await mia.press("Cancel", status)
    await world.work()
    rows = await written(world, mia)
    [row] = [row for row in rows if row["telegram_id"] == str(status["message_id"])]
    assert "Cancelled" in row["text"]


async def test_an_update_handled_twice_is_logged_and_counted_once(mia: Person, world: World) -> None:
    event = await world.store({"update_id": 600_001, "message": mia.message(text="/help")}, mia.id)
    await world.runtime.handle(event)
    await written(world, mia)
    await world.handle(event)
    rows = await written(world, mia)
    assert [row["text"] for row in rows if row["direction"] == "incoming"] == ["/start", "/help"]
    assert (await thread(mia))["unread_count"] == 2


async def test_the_thread_shows_the_latest_word(mia: Person, world: World) -> None:
    await mia.send("x" * 500)
    await written(world, mia)
    latest = await thread(mia)
    assert latest["last_message_direction"] == "outgoing" and len(latest["last_message_text"]) <= 160


async def test_nul_characters_are_left_out(mia: Person, world: World, telegram: FakeTelegram) -> None:
    log = world.runtime._chat_log
    log.heard(Message.model_validate(mia.message(text="a\0b")))
    rows = await written(world, mia)
    assert rows[-1]["text"] == "ab"


async def test_a_database_that_is_away_costs_the_log_and_nothing_else(
    mia: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise asyncpg.PostgresConnectionError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(chat_log, "_store", away)
        await mia.send("/help")
        await world.runtime._chat_log.flush()
    await mia.send("/balance")
    assert any("Your balance" in row["text"] for row in await written(world, mia))


async def test_entries_are_written_by_themselves_after_a_moment(mia: Person, world: World) -> None:
    log = chat_log.ChatLog(pause=0.01)
    log.heard(Message.model_validate(mia.message(text="by itself")))
    assert log._writer is not None
    await log._writer
    assert "by itself" in {row["text"] for row in await written(world, mia)}
    await log.close()
