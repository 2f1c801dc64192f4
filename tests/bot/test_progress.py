"""The status message: what it says at each step, how often it is edited, and that the last state wins."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramNetworkError

from bot import progress
from bot.progress import bar, render
from core import db
from core.generations import Generation, Stage, Status
from providers.base import MediaKind, Submitted
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, visible
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
async def job(mia: Person) -> Generation:
    """A job that waits in the queue."""
    await mia.send("a red fox in the snow")
    return (await mia.jobs())[0]


async def shown(job: Generation, **changes: object) -> str:
    return visible((await render(replace(job, **changes), NOW)).text)  # type: ignore[arg-type]


async def test_a_job_says_how_far_it_is(job: Generation) -> None:
    working = {"status": Status.PROCESSING, "stage": Stage.SUBMITTED, "started_at": NOW - timedelta(seconds=4)}
    assert "⏳ Starting…" in await shown(job)
    assert "⏳ Drawing: 4 s so far, usually 15 s" in await shown(job, **working)
    assert "⏳ Filming: 4 s so far" in await shown(job, **working, kind=MediaKind.VIDEO)
    assert "▓▓▓▓▓▓▓▓░░ 75%" in await shown(job, **working, progress=75)
    late = {**working, "started_at": NOW - timedelta(seconds=100)}
    assert "⏳ 2 min so far. Longer than usual" in await shown(job, **late)
    assert "fetching the result" in await shown(job, **{**working, "stage": Stage.STORING})
    assert "sending it" in await shown(job, **{**working, "stage": Stage.DELIVERING})


async def test_a_job_tells_its_place_in_the_queue(job: Generation, masha: Person, world: World) -> None:
    await masha.send("лиса")
    [second] = await masha.jobs()
    assert "Вы следующий в очереди" in await shown(second)
    await masha.send("ещё лиса")
    third = (await masha.jobs())[1]
    assert "Вы 2-й в очереди, обычно готово через 15 с" in await shown(third)


async def test_cancel_is_offered_only_while_it_works(job: Generation) -> None:
    for stage in Stage:
        board = await render(replace(job, status=Status.PROCESSING, stage=stage), NOW)
        assert (board.keyboard is not None) == (stage in {Stage.QUEUED, Stage.SUBMITTED}), stage


async def test_an_unknown_failure_has_words_too(job: Generation) -> None:
    text = await shown(job, status=Status.ERROR, stage=Stage.FINISHED, error_code="never_heard_of")
    assert "that is our fault, not yours" in text


async def test_a_burst_of_changes_is_two_edits_and_shows_the_last_state(
    job: Generation, world: World, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EDIT_EVERY", 0.2)
    await db.execute("UPDATE botapp_genrequest SET status = 'processing', stage = 'submitted' WHERE id = $1", job.id)
    updates = []
    for percent in range(10, 100, 10):
        await db.execute("UPDATE botapp_genrequest SET progress = $2 WHERE id = $1", job.id, percent)
        updates.append(asyncio.create_task(world.runtime.show_status(job.run_code)))
        await asyncio.sleep(0)
    await asyncio.gather(*updates)
    assert len(telegram.named("editMessageText")) <= 2
    assert "90%" in telegram.posted[job.status_message_id or 0]["text"]


async def test_an_edit_that_changes_nothing_is_no_error(job: Generation, world: World) -> None:
    await world.runtime.show_status(job.run_code)
    await asyncio.sleep(0.02)
    await world.runtime.show_status(job.run_code)


async def test_an_edit_that_fails_is_left_to_the_next_one(
    job: Generation, world: World, telegram: FakeTelegram
) -> None:
    telegram.fail("editMessageText", *[lambda method: TelegramNetworkError(method, "lost")] * 4)
    telegram.fail("editMessageText", lambda method: TelegramBadRequest(method, "message to edit not found"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.client.ATTEMPTS", 1)
        await world.runtime.show_status(job.run_code)
    assert telegram.posted[job.status_message_id or 0]["text"]


async def test_a_late_update_does_not_cover_the_end(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(Submitted("job"))
    [status] = await mia.send("a red fox")
    await world.work()
    await mia.press("Cancel", status)
    await world.work()
    [job] = await mia.jobs()
    await world.runtime.show_status(job.run_code)
    assert "Cancelled" in telegram.posted[status["message_id"]]["text"]


async def test_a_job_quicker_than_its_status_message_leaves_none(
    mia: Person, world: World, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core import generations

    attach = generations.attach_status_message

    async def late(run_code: str, message_id: int) -> None:
        await world.work()
        await attach(run_code, message_id)

    monkeypatch.setattr(generations, "attach_status_message", late)
    await mia.send("a red fox")
    assert [bool(message.get("photo")) for message in telegram.now_shown[-2:]] == [False, True]
    assert "Hi, Mia" in telegram.now_shown[-2]["text"]


async def test_a_failure_for_somebody_who_blocked_the_bot_is_let_be(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    [status] = await mia.send("a red fox")
    await mia.press("Cancel", status)
    blocked = "Forbidden: bot was blocked by the user"
    telegram.fail("editMessageText", lambda method: TelegramForbiddenError(method, blocked))
    await world.work()
    assert await mia.balance() == "50.00"


def test_a_bar_is_always_ten_signs() -> None:
    assert [bar(percent) for percent in (-5, 0, 40, 100, 250)] == ["░" * 10, "░" * 10, "▓▓▓▓░░░░░░", "▓" * 10, "▓" * 10]
