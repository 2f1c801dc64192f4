"""A result that was sent by a process which did not live to write that down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import db, generations
from core.generations import Status, delivery
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram
from tests.core.generations.conftest import assert_books_agree
from tests.end_to_end.waiting import until

pytestmark = pytest.mark.integration


async def test_a_result_that_was_sent_but_not_recorded_is_recorded_and_not_sent_again(
    mia: Person, world: World, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def database_is_away(run_code: str, message_ids: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr(generations, "record_delivery", database_is_away)
        await mia.send("a red fox")
        with pytest.raises(ConnectionRefusedError):
            await world.work()
    [job] = await mia.jobs()
    assert job.status is Status.PROCESSING

    await db.execute("UPDATE botapp_genrequest SET lease_until = NULL WHERE id = $1", job.id)
    await world.runtime.deliver(job.run_code)

    [job] = await mia.jobs()
    assert job.status is Status.DONE
    assert len(telegram.named("sendPhoto")) == 1
    assert telegram.named("editMessageMedia") == []
    assert job.result_message_ids != ()
    await assert_books_agree()


async def test_an_upload_that_takes_longer_than_a_lease_keeps_it(
    mia: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RENEWED_EVERY", 0.01)
    monkeypatch.setattr(delivery, "LEASE", timedelta(seconds=1))
    await mia.send("a red fox")
    [job] = await mia.jobs()
    await db.execute(
        "UPDATE botapp_genrequest SET status = 'processing', stage = 'delivering', lease_until = NULL WHERE id = $1",
        job.id,
    )
    assert await generations.claim_delivery(job.run_code) is not None
    monkeypatch.setattr(delivery, "LEASE", timedelta(seconds=60))
    async with generations.delivering(job.run_code):
        await until(lambda: is_leased_for_long(job.id), "the lease is renewed", limit=5)
        assert await generations.claim_delivery(job.run_code) is None
    await generations.record_delivery(job.run_code, [1])


async def is_leased_for_long(generation_id: int) -> bool:
    """Say whether the lease was renewed since the test made renewals longer."""
    rows = await db.fetch(
        "SELECT 1 FROM botapp_genrequest WHERE id = $1 AND lease_until > now() + interval '30 seconds'", generation_id
    )
    return bool(rows)
