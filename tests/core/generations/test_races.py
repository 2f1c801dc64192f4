"""What happens at the same moment: waits and wake-ups, cancels and acceptances, links and the ways that carry them."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from core import catalog, db, generations, provider_health, references, storage, users
from core.generations import Stage, Status, routing, slots
from core.storage import StorageRefused, StorageUnavailable, StoredFile
from providers.base import Submitted
from providers.errors import ProviderUnavailable
from tests.core.generations.conftest import Ordering, advance, balance, make_due
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration

T = TypeVar("T")

ONE_ROUTE = '[{"provider": "first", "model": "one"}]'


@pytest.fixture(autouse=True)
async def nothing_known(first: ScriptedProvider) -> None:
    """What another test noted of the providers is forgotten."""
    provider_health.forget()


async def set_routes(routes: str) -> None:
    """Have an operator edit the model's routes."""
    await db.execute("UPDATE botapp_aimodel SET routes = $1 WHERE slug = 'nano-banana'", routes)
    catalog.configure({"first", "second"})


def _outside(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start work outside of the transaction of a test."""
    return asyncio.get_running_loop().create_task(work, context=contextvars.Context())


async def _is_waited_for() -> bool:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return bool(await db.fetch_value(sql))


async def test_who_waits_for_a_probe_that_is_just_over_is_not_left_waiting(
    order: Ordering, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_routes(ONE_ROUTE)
    await db.execute(
        "INSERT INTO botapp_provider (name, parked_until, failures) VALUES ('first', now() - interval '1 second', 5)"
    )
    provider_health.forget()
    begin = provider_health.begin_probe

    async def begin_after_the_probe(name: str) -> bool:
        # Another worker's probe is accepted and wakes everybody, just before this job is written down as waiting.
        await provider_health.unpark(name)
        await slots.look_again(name)
        return await begin(name)

    monkeypatch.setattr(provider_health, "begin_probe", begin_after_the_probe)
    waiting = await advance(await order())
    assert waiting.status is Status.QUEUED
    pause = await db.fetch_value("SELECT next_action_at - now() FROM botapp_genrequest WHERE id = $1", waiting.id)
    assert pause <= routing.PATIENCE


async def test_a_job_that_is_accepted_while_it_is_cancelled_is_stopped_at_the_provider(
    order: Ordering, user: users.User, first: ScriptedProvider
) -> None:
    generation = await order()
    async with db.transaction():
        await db.execute(
            """UPDATE botapp_genrequest SET status = 'processing', stage = 'submitted', provider = 'first',
            provider_job_id = 'ext-1' WHERE id = $1""",
            generation.id,
        )
        cancelling = _outside(generations.cancel(generation.run_code, user.id))
        while not await _outside(_is_waited_for()):  # noqa: ASYNC110  What waits is a backend of PostgreSQL.
            await asyncio.sleep(0.01)
    assert (await cancelling).status is Status.CANCELLED
    assert first.cancelled == ["ext-1"]
    assert await balance(user) == "50.00"


async def test_what_a_link_leads_to_goes_a_way_that_carries_it(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_routes('[{"provider": "first", "model": "one", "takes": []}, {"provider": "second", "model": "two"}]')
    key = "references/a.jpg"
    await storage.storage().put(key, b"jpeg bytes", mime="image/jpeg")

    async def fetched(*_: object, **__: object) -> StoredFile:
        return StoredFile(key, "image/jpeg", 10, 8, 8)

    monkeypatch.setattr(references, "fetch_input", fetched)
    made = await advance(await order(source_url="https://example.com/a.jpg"), times=2)
    assert first.jobs == []
    assert [len(job.images) for job in second.jobs] == [1]
    assert made.stage is Stage.DELIVERING


async def test_a_link_beside_a_continuation_is_refused_before_money_moves(order: Ordering, user: users.User) -> None:
    await db.execute(
        """UPDATE botapp_aimodel SET follow_ups = '[{"kind": "vary", "model": "nano-banana"}]'
        WHERE slug = 'nano-banana'"""
    )
    catalog.configure({"first", "second"})
    made = await advance(await order())
    before = await balance(user)
    wanted = generations.Continuation(catalog.FollowUpKind.VARY, 1)
    with pytest.raises(generations.OrderRefused):
        await order(parent=made.run_code, continuation=wanted, source_url="https://example.com/a.jpg")
    assert await balance(user) == before


async def test_a_storage_that_was_away_uses_up_no_attempts_at_the_provider(
    order: Ordering, first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_routes(ONE_ROUTE)
    key = "uploads/in.jpg"
    await storage.storage().put(key, b"jpeg bytes", mime="image/jpeg")
    generation = await order(images=(StoredFile(key, "image/jpeg", 10),))

    async def away(*_: object) -> bytes:
        raise StorageUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(type(storage.storage()), "read", away)
        await advance(generation, times=5)
    first.answers += [ProviderUnavailable("502"), Submitted("job-1")]
    assert (await advance(generation)).status is not Status.ERROR
    await make_due(generation)
    assert (await advance(generation)).external_id == "job-1"


async def test_a_result_that_is_removed_before_it_is_continued_is_not_called_a_retired_model(
    order: Ordering, user: users.User, first: ScriptedProvider
) -> None:
    await db.execute(
        """UPDATE botapp_aimodel SET follow_ups = '[{"kind": "vary", "model": "nano-banana"}]',
        inputs = '[{"role": "image", "most": 1}]' WHERE slug = 'nano-banana'"""
    )
    catalog.configure({"first", "second"})
    made = await advance(await order())
    before = await balance(user)
    wanted = generations.Continuation(catalog.FollowUpKind.VARY, 1)
    child = await order(parent=made.run_code, continuation=wanted)
    await db.execute("UPDATE botapp_genrequest SET files_removed_at = now() WHERE id = $1", made.id)
    child = await advance(child)
    assert (child.status, child.error_code) == (Status.ERROR, "invalid_request")
    assert len(first.jobs) == 1
    assert await balance(user) == before


async def test_a_result_that_our_storage_never_took_does_not_speak_against_the_provider(
    order: Ordering, user: users.User, first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    first.answers.append(Submitted("job-1"))
    generation = await advance(await order())

    async def refused(*_: object, **__: object) -> int:
        raise StorageRefused("AccessDenied")

    monkeypatch.setattr(type(storage.storage()), "put", refused)
    with pytest.raises(StorageRefused):
        await advance(generation)
    await db.execute("UPDATE botapp_genrequest SET deadline_at = now() - interval '1 second'")
    failed = await advance(generation)
    assert (failed.status, failed.error_code, await balance(user)) == (Status.ERROR, "timed_out", "50.00")
    provider_health.forget()
    assert (await provider_health.of("first")).failures == 0
