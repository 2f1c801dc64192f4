"""Events are stored once before they are answered, and handled once after, in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from core import db, inbox, redis
from core.inbox import Event, Inbox, InvalidEvent
from core.settings import Settings
from core.types import TraceId

pytestmark = pytest.mark.integration

TRACE = TraceId("f" * 32)


@pytest.fixture
async def box(settings: Settings) -> AsyncIterator[Inbox]:
    """An empty inbox."""
    await db.connect(settings)
    await redis.connect(settings)
    yield Inbox("telegram")
    await redis.disconnect()
    await db.disconnect()


async def put(box: Inbox, number: int, subject: str = "chat") -> bool:
    """Store an event whose payload is its number."""
    return await box.store(str(number), subject, json.dumps({"update_id": number}).encode(), TRACE)


@asynccontextmanager
async def consuming(box: Inbox, handler: Callable[[Event], Awaitable[None]]) -> AsyncIterator[None]:
    """Handle events while the block runs."""
    consumer = asyncio.create_task(box.run(handler))
    try:
        yield
    finally:
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(15):
        while True:
            held = condition()
            if held is True or (not isinstance(held, bool) and await held):
                return
            await asyncio.sleep(0.01)


async def pending() -> int:
    """Events that are still to be handled."""
    return int(await db.fetch_value("SELECT count(*) FROM botapp_inbox WHERE handled_at IS NULL"))


async def nothing_pending() -> bool:
    """True when every event was handled."""
    return await pending() == 0


async def test_an_event_is_new_once(box: Inbox) -> None:
    assert await put(box, 1) is True
    assert await put(box, 1) is False


async def test_the_same_event_many_times_at_once_is_new_once(box: Inbox) -> None:
    outcomes = await asyncio.gather(*(put(box, 1) for _ in range(50)))
    assert outcomes.count(True) == 1


async def test_many_events_at_once_are_all_kept(box: Inbox) -> None:
    outcomes = await asyncio.gather(*(put(box, number) for number in range(600)))
    assert all(outcomes)
    assert await pending() == 600


async def test_an_event_that_cannot_be_kept_spoils_no_other(box: Inbox) -> None:
    outcomes = await asyncio.gather(
        put(box, 1),
        box.store("2", "chat", b'{"text": "\\u0000"}', TRACE),
        box.store("3", "half a \ud83d", b"{}", TRACE),
        put(box, 4),
        return_exceptions=True,
    )
    assert outcomes[0] is True
    assert isinstance(outcomes[1], InvalidEvent)
    assert isinstance(outcomes[2], InvalidEvent)
    assert outcomes[3] is True


@pytest.mark.parametrize("words", ["a\x00b", "half a \ud83d"])
async def test_a_failure_in_broken_words_ends_its_event_all_the_same(box: Inbox, words: str) -> None:
    async def handle(event: Event) -> None:
        raise ValueError(words)

    async with consuming(box, handle):
        await put(box, 1)
        await until(lambda: _kept_error("ValueError"))


async def _kept_error(beginning: str) -> bool:
    return bool(await db.fetch_value("SELECT error LIKE $1 || '%' AND attempts > 0 FROM botapp_inbox", beginning))


async def test_a_sender_that_stopped_waiting_keeps_no_other_waiting(box: Inbox) -> None:
    gone = asyncio.create_task(box.store("1", "chat", b'{"text": "\\u0000"}', TRACE))
    stays = [asyncio.create_task(put(box, number)) for number in range(2, 6)]
    await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(10):
        assert await asyncio.gather(*stays) == [True] * 4


async def test_a_stored_event_is_handled_once_with_its_trace(box: Inbox) -> None:
    seen: list[Event] = []

    async def handle(event: Event) -> None:
        seen.append(event)

    async with consuming(box, handle):
        await put(box, 5)
        await until(nothing_pending)
        await put(box, 5)
        await put(box, 6)
        await until(nothing_pending)
    assert [(event.event_id, event.payload, event.trace_id, event.attempts) for event in seen] == [
        ("5", {"update_id": 5}, TRACE, 1),
        ("6", {"update_id": 6}, TRACE, 1),
    ]


async def test_events_of_one_chat_are_handled_in_order_and_chats_side_by_side(box: Inbox) -> None:
    order: list[tuple[str, str]] = []
    release = asyncio.Event()

    async def handle(event: Event) -> None:
        if event.subject == "slow":
            await release.wait()
        order.append((event.subject, event.event_id))

    for number in range(4):
        await put(box, number, "slow" if number % 2 else "quick")
    async with consuming(box, handle):
        await until(lambda: len(order) == 2)
        assert order == [("quick", "0"), ("quick", "2")]
        release.set()
        await until(nothing_pending)
    assert order[2:] == [("slow", "1"), ("slow", "3")]


async def test_two_consumers_share_the_work_and_handle_nothing_twice(box: Inbox) -> None:
    seen: list[str] = []

    async def handle(event: Event) -> None:
        await asyncio.sleep(0)
        seen.append(event.event_id)

    for number in range(120):
        await put(box, number, f"chat {number % 17}")
    async with consuming(box, handle), consuming(Inbox("telegram"), handle):
        await until(nothing_pending)
    assert sorted(seen, key=int) == [str(number) for number in range(120)]


async def test_a_handler_that_fails_is_called_again_and_its_chat_waits(
    box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "IDLE_POLL", 0.05)
    seen: list[tuple[str, int]] = []

    async def handle(event: Event) -> None:
        seen.append((event.event_id, event.attempts))
        if event.event_id == "1" and event.attempts == 1:
            raise ValueError("not today")

    await put(box, 1)
    await put(box, 2)
    async with consuming(box, handle):
        await until(nothing_pending)
    assert seen == [("1", 1), ("1", 2), ("2", 1)]


async def test_a_handler_that_always_fails_is_given_up_and_recorded(
    box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MAX_ATTEMPTS", 1)

    async def handle(event: Event) -> None:
        raise ValueError("never")

    await put(box, 1)
    async with consuming(box, handle):
        await until(nothing_pending)
    assert await db.fetch_value("SELECT error FROM botapp_inbox") == "ValueError: never"


async def test_an_event_whose_handler_died_is_taken_over(box: Inbox) -> None:
    seen: list[int] = []

    async def handle(event: Event) -> None:
        seen.append(event.attempts)

    await put(box, 1)
    await db.execute("UPDATE botapp_inbox SET lease_until = now() - interval '1 second', attempts = 1")
    async with consuming(box, handle):
        await until(nothing_pending)
    assert seen == [2]


async def test_an_event_that_somebody_handles_is_left_to_them(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    async def handle(event: Event) -> None:
        seen.append(event.event_id)

    await put(box, 1, "a")
    await db.execute("UPDATE botapp_inbox SET lease_until = now() + interval '1 minute'")
    async with consuming(box, handle):
        await put(box, 2, "a")
        await put(box, 3, "b")
        await until(lambda: seen == ["3"])
    assert seen == ["3"]


async def test_a_consumer_that_stops_finishes_what_it_began(box: Inbox) -> None:
    began, finished = asyncio.Event(), asyncio.Event()

    async def handle(event: Event) -> None:
        began.set()
        await asyncio.sleep(0.1)
        finished.set()

    await put(box, 1)
    async with consuming(box, handle):
        await began.wait()
    assert finished.is_set()
    assert await pending() == 0


async def test_a_database_that_is_away_is_told_to_the_sender(box: Inbox) -> None:
    await db.disconnect()
    with pytest.raises(RuntimeError):
        await put(box, 1)


async def test_without_redis_events_are_stored_and_found_by_looking(
    box: Inbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "IDLE_POLL", 0.05)
    unreachable = settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")})
    await redis.connect(unreachable)
    seen: list[str] = []

    async def handle(event: Event) -> None:
        seen.append(event.event_id)

    async with consuming(box, handle):
        assert await put(box, 1) is True
        await until(lambda: seen == ["1"])


async def test_an_event_about_money_is_tried_until_it_works_and_operators_hear_of_it(
    box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "IDLE_POLL", 0.02)
    monkeypatch.setattr(inbox, "MAX_ATTEMPTS", 2)
    monkeypatch.setattr(inbox, "LONGEST_PAUSE", 0.01)
    attempts: list[int] = []

    async def handle(event: Event) -> None:
        attempts.append(event.attempts)
        if event.attempts < 6:
            raise ValueError("secret words of the payload")

    money = Inbox("telegram", lambda event: event.subject == "payment")
    await put(money, 1, "payment")
    await db.execute("UPDATE botapp_inbox SET attempts = 1")
    async with consuming(money, handle):
        await until(nothing_pending)
    assert attempts == [2, 3, 4, 5, 6]
    rows = await db.fetch("SELECT arguments FROM botapp_outbox WHERE task = 'bot.alert' ORDER BY id")
    told = [json.loads(row["arguments"]) for row in rows]
    assert {one["key"] for one in told} == {"inbox:telegram:1"} and len(told) == 4
    assert "ValueError" in told[0]["text"] and "secret" not in told[0]["text"]
    assert await db.fetch_value("SELECT error FROM botapp_inbox") == ""


async def test_pauses_between_attempts_at_money_grow_to_a_limit(box: Inbox) -> None:
    async def handle(event: Event) -> None:
        raise ValueError("never")

    money = Inbox("telegram", lambda event: True)
    pauses = []
    for attempts in (0, 3, 7, 20, 5000):
        await db.execute("TRUNCATE botapp_inbox")
        await put(money, 1)
        await db.execute("UPDATE botapp_inbox SET attempts = $1", attempts)
        async with consuming(money, handle):
            await until(lambda: _is_put_off(attempts))  # noqa: B023  Awaited within the round.
        left = await db.fetch_value("SELECT extract(epoch FROM lease_until - now()) FROM botapp_inbox")
        pauses.append(round(float(left)))
    assert pauses == [1, 8, 128, 600, 600]


async def _is_put_off(attempts: int) -> bool:
    return bool(
        await db.fetch_value(
            "SELECT error <> '' FROM botapp_inbox WHERE attempts > $1 AND handled_at IS NULL", attempts
        )
    )


async def test_an_event_says_when_it_came(box: Inbox) -> None:
    seen: list[Event] = []

    async def handle(event: Event) -> None:
        seen.append(event)

    await put(box, 1)
    async with consuming(box, handle):
        await until(nothing_pending)
    assert seen[0].received_at == await db.fetch_value("SELECT received_at FROM botapp_inbox")
