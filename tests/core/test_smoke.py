"""A smoke generation: made by the demonstration for nobody, paid by nobody, and gone without a trace but its story."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from core import catalog, db, ledger, provider_health, providers, redis, smoke, storage, users
from core.audit import Change
from core.generations import Generation, OrderRefused, Stage, Status, execution, get, record_delivery, story
from core.queue import outbox
from core.settings import Environment, Settings
from core.smoke import NOTHING, Cleaned, SmokeNotAllowed
from core.types import IdempotencyKey
from core.users import FIRST_TEST_ID
from tests.core.generations.conftest import assert_books_agree

pytestmark = pytest.mark.integration

_numbers = itertools.count(1)


@pytest.fixture
async def staging(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Settings]:
    """A service whose people are not offered the demonstration."""
    staging = settings.model_copy(update={"environment": Environment.STAGING, "demo_provider": False})
    await db.connect(staging)
    await redis.connect(staging)
    await storage.connect(staging)
    provider_health.connect(staging)
    providers.connect(staging)
    catalog.configure(providers.names())
    await catalog.sync()

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)
    yield staging
    catalog.configure(())
    await providers.disconnect()
    await storage.disconnect()
    await redis.disconnect()
    await db.disconnect()


def a_change() -> Change:
    """Somebody's wish to see whether it works."""
    key = IdempotencyKey(f"smoke-{next(_numbers)}")
    return Change("token:ci", "smoke.generate", "", "a deploy", key)


async def begin(settings: Settings) -> Generation:
    async with db.transaction():
        return await smoke.begin(a_change(), settings)


async def clean(run_code: str | None = None) -> Cleaned:
    async with db.transaction():
        return await smoke.clean(a_change(), run_code)


async def balance() -> Decimal:
    user = await users.get(FIRST_TEST_ID)
    assert user is not None
    return await ledger.balance_of(user.id)


async def free(run_code: str) -> None:
    """Let the lease of whoever worked on it be over."""
    await db.execute(
        "UPDATE botapp_genrequest SET lease_until = now() - interval '1 second', next_action_at = now()"
        " WHERE run_code = $1",
        run_code,
    )


async def test_a_picture_goes_through_every_stage_and_nobody_is_charged(staging: Settings) -> None:
    made = await begin(staging)
    assert (made.chat_id, made.model) == (FIRST_TEST_ID, "nano-banana")
    assert await balance() == 0
    await execution.advance(made.run_code)
    stored = await get(made.run_code)
    assert (stored.stage, stored.provider, len(stored.results)) == (Stage.DELIVERING, "demo", 1)
    await record_delivery(made.run_code, ())
    assert (await get(made.run_code)).status is Status.DONE
    assert await storage.storage().size(stored.results[0].key) > 1000

    cleaned = await clean(made.run_code)
    assert (cleaned.ended, cleaned.waiting, cleaned.files, cleaned.balance) == ((), (), 1, NOTHING)
    with pytest.raises(storage.FileNotStored):
        await storage.storage().size(stored.results[0].key)
    assert [event.event for event in await story(made.run_code)][-2:] == ["delivered", "files_removed"]
    assert await balance() == 0
    await assert_books_agree()


async def test_the_user_is_no_person_and_is_made_once(staging: Settings) -> None:
    await begin(staging)
    await begin(staging)
    rows = await db.fetch("SELECT chat_id, is_test FROM botapp_tguser")
    assert [tuple(row) for row in rows] == [(FIRST_TEST_ID, True)]
    assert users.is_test(FIRST_TEST_ID)
    assert not users.is_test(7_999_999_999)


async def test_its_tokens_are_a_posting_of_who_wanted_it(staging: Settings) -> None:
    made = await begin(staging)
    given = await db.fetch_one("SELECT type, amount, actor, reason FROM botapp_transaction ORDER BY id LIMIT 1")
    assert given is not None
    assert tuple(given) == ("admin", made.tokens, "token:ci", "a deploy")


async def test_what_a_failed_run_left_is_taken_back(staging: Settings) -> None:
    made = await begin(staging)
    await db.execute("UPDATE botapp_genrequest SET deadline_at = now() - interval '1 minute'")
    await execution.advance(made.run_code)
    assert (await get(made.run_code)).status is Status.ERROR
    assert await balance() == made.tokens
    cleaned = await clean(made.run_code)
    assert (cleaned.tokens, cleaned.balance) == (made.tokens, NOTHING)
    assert (await clean(made.run_code)).tokens == 0
    await assert_books_agree()


async def test_a_run_that_is_given_up_is_ended_with_its_tokens_taken_back(staging: Settings) -> None:
    made = await begin(staging)
    cleaned = await clean(made.run_code)
    assert (cleaned.ended, cleaned.tokens, cleaned.balance) == ((made.run_code,), made.tokens, NOTHING)
    assert (await get(made.run_code)).status is Status.ERROR
    await assert_books_agree()


async def test_a_job_that_a_worker_is_at_is_left_until_the_next_time(staging: Settings) -> None:
    made = await begin(staging)
    await db.execute("UPDATE botapp_genrequest SET lease_owner = 'w', lease_until = now() + interval '15 seconds'")
    assert (await clean(made.run_code)).waiting == (made.run_code,)
    await free(made.run_code)
    assert (await clean(made.run_code)).ended == (made.run_code,)


async def test_the_next_run_puts_away_what_was_abandoned_and_nothing_younger(staging: Settings) -> None:
    abandoned, young = await begin(staging), await begin(staging)
    await db.execute(
        "UPDATE botapp_genrequest SET created_at = now() - interval '11 minutes' WHERE run_code = $1",
        abandoned.run_code,
    )
    assert (await clean("another")).ended == (abandoned.run_code,)
    assert (await get(young.run_code)).status is Status.QUEUED
    await assert_books_agree()


async def test_cleaning_where_nothing_ever_ran_does_nothing(staging: Settings) -> None:
    assert await clean() == Cleaned((), (), 0, NOTHING, NOTHING)
    assert await db.fetch_value("SELECT count(*) FROM botapp_tguser") == 0


async def test_too_many_at_once_are_refused_and_cost_nothing(staging: Settings) -> None:
    for _ in range(3):
        await begin(staging)
    with pytest.raises(OrderRefused):
        await begin(staging)
    assert await balance() == 0
    await assert_books_agree()


async def test_production_makes_none_unless_it_is_told_to(staging: Settings) -> None:
    production = staging.model_copy(update={"environment": Environment.PRODUCTION})
    with pytest.raises(SmokeNotAllowed) as refused:
        await begin(production)
    assert refused.value.rule == "smoke_generations_off"
    told = production.model_copy(update={"smoke_generations": True})
    assert (await begin(told)).status is Status.QUEUED


async def test_staging_can_be_told_to_make_none(staging: Settings) -> None:
    with pytest.raises(SmokeNotAllowed):
        await begin(staging.model_copy(update={"smoke_generations": False}))


async def test_people_are_not_offered_what_makes_them(staging: Settings) -> None:
    assert "demo" not in providers.names()
    assert (await catalog.get("nano-banana")).routes == ()
    assert providers.get("demo") is not None


@pytest.mark.parametrize("update", [{"environment": Environment.PRODUCTION}, {"smoke_generations": False}], ids=str)
async def test_where_it_is_off_the_demonstration_is_not_there_at_all(staging: Settings, update: dict[str, Any]) -> None:
    providers.connect(staging.model_copy(update=update))
    with pytest.raises(providers.ProviderNotConfigured):
        providers.get("demo")


async def test_a_catalogue_without_a_demonstration_says_so(staging: Settings) -> None:
    await db.execute("UPDATE botapp_aimodel SET is_active = false WHERE routes::text LIKE '%demo%'")
    with pytest.raises(SmokeNotAllowed) as refused:
        await begin(staging)
    assert refused.value.rule == "no_demo_route"


async def test_a_model_without_a_pause_and_a_limit_is_preferred(staging: Settings) -> None:
    await db.execute("UPDATE botapp_aimodel SET cooldown_seconds = 60 WHERE slug = 'nano-banana'")
    assert (await begin(staging)).model == "nano-banana-pro"
