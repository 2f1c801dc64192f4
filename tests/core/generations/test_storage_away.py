"""A storage that is away for a while costs time and nothing else."""

from __future__ import annotations

import pytest

from core import db, ledger, storage, users
from core.generations import Generation, execution, get
from core.generations.states import Stage, Status
from core.storage import StorageRefused, StorageUnavailable, StoredFile
from providers.base import Finished, Submitted
from tests.core.generations.conftest import Ordering
from tests.core.generations.scripted import ScriptedProvider, picture

pytestmark = pytest.mark.integration

KEY = "uploads/in.jpg"


class Away:
    """Takes the place of a method of the storage that cannot be reached."""

    def __init__(self, trouble: Exception) -> None:
        self.asked = 0
        self.trouble = trouble

    async def __call__(self, *_: object, **__: object) -> bytes:
        self.asked += 1
        raise self.trouble


async def step(generation: Generation) -> Generation:
    """What a worker does when the job is due."""
    await db.execute("UPDATE botapp_genrequest SET next_action_at = now() WHERE run_code = $1", generation.run_code)
    await execution.advance(generation.run_code)
    return await get(generation.run_code)


@pytest.mark.parametrize("trouble", [StorageUnavailable("away"), StorageRefused("AccessDenied")])
async def test_an_input_that_cannot_be_read_now_is_read_later(
    order: Ordering, first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    await storage.storage().put(KEY, b"jpeg bytes", mime="image/jpeg")
    generation = await order(images=(StoredFile(KEY, "image/jpeg", 10),))
    with monkeypatch.context() as patched:
        patched.setattr(type(storage.storage()), "read", away := Away(trouble))
        waiting = await step(generation)
    assert away.asked == 1
    assert (waiting.status, waiting.stage, first.jobs) == (Status.QUEUED, Stage.QUEUED, [])
    await step(generation)
    assert [job.images[0].data for job in first.jobs] == [b"jpeg bytes"]


@pytest.mark.parametrize("trouble", [StorageUnavailable("away"), StorageRefused("AccessDenied")])
async def test_a_result_that_cannot_be_kept_now_is_kept_later(
    order: Ordering, first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    first.answers.append(Submitted("job-1"))
    generation = await step(await order())
    with monkeypatch.context() as patched:
        patched.setattr(type(storage.storage()), "put", Away(trouble))
        with pytest.raises(type(trouble)):
            await step(generation)
    assert not (await get(generation.run_code)).status.is_final
    made = await step(generation)
    assert await storage.storage().size(made.results[0].key) == made.results[0].size


async def test_a_result_that_the_storage_is_too_small_for_is_refunded(
    order: Ordering, first: ScriptedProvider, user: users.User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first.answers.append(Finished((picture(),)))
    monkeypatch.setattr(type(storage.storage()), "put", Away(StorageRefused("EntityTooLarge")))
    failed = await step(await order())
    assert failed.status is Status.ERROR
    assert f"{await ledger.balance_of(user.id):.2f}" == "50.00"
