"""What is made for the test user of `nb smoke` is opened like any other result, and nobody is told of it."""

from __future__ import annotations

import pytest

from core import db, generations, ledger, smoke, storage
from core.audit import Change
from core.catalog import configure
from core.generations import Generation, Status
from core.settings import Settings
from core.types import IdempotencyKey
from providers.base import Finished
from tests.bot.people import World
from tests.bot.telegram import FakeTelegram
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration


async def begin(settings: Settings) -> Generation:
    configure({"demo"})
    async with db.transaction():
        return await smoke.begin(Change("token:ci", "smoke.generate", "", "a deploy", IdempotencyKey("k")), settings)


async def test_a_result_is_opened_and_sent_to_nobody(
    world: World, provider: ScriptedProvider, telegram: FakeTelegram, settings: Settings
) -> None:
    made = await begin(settings)
    await world.work()
    done = await generations.get(made.run_code)
    assert (done.status, done.charge_state, done.result_message_ids) == (Status.DONE, "settled", ())
    assert len(provider.jobs) == 1
    assert telegram.calls == []


async def test_a_result_whose_file_is_gone_is_not_taken_for_delivered(
    world: World,
    provider: ScriptedProvider,
    telegram: FakeTelegram,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def gone(key: str) -> bytes:
        raise storage.FileNotStored(key)

    made = await begin(settings)
    monkeypatch.setattr(storage.storage(), "read", gone)
    await world.work()
    ended = await generations.get(made.run_code)
    assert (ended.status, ended.charge_state) == (Status.ERROR, "refunded")
    assert telegram.calls == []


async def test_a_failure_is_told_to_nobody(
    world: World, provider: ScriptedProvider, telegram: FakeTelegram, settings: Settings
) -> None:
    provider.answers.append(Finished(()))
    made = await begin(settings)
    await world.work()
    assert (await generations.get(made.run_code)).status is Status.ERROR
    assert telegram.calls == []
    waits = await db.fetch_value("SELECT next_action_at FROM botapp_genrequest WHERE run_code = $1", made.run_code)
    assert waits is None
    assert (await ledger.verify()).ok
