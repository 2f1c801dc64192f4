"""A storage that is away for a while costs time and nothing else."""

from __future__ import annotations

import pytest

from core import db, storage
from core.generations import Generation, execution, get
from core.generations.states import Stage, Status
from core.storage import StorageUnavailable, StoredFile
from tests.core.generations.conftest import Ordering
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration

KEY = "uploads/in.jpg"


class Away:
    """Takes the place of a method of the storage that cannot be reached."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, *_: object, **__: object) -> bytes:
        self.asked += 1
        raise StorageUnavailable("away")


async def step(generation: Generation) -> Generation:
    """What a worker does when the job is due."""
    await db.execute("UPDATE botapp_genrequest SET next_action_at = now() WHERE run_code = $1", generation.run_code)
    await execution.advance(generation.run_code)
    return await get(generation.run_code)


async def test_an_input_that_cannot_be_read_now_is_read_later(
    order: Ordering, first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.storage().put(KEY, b"jpeg bytes", mime="image/jpeg")
    generation = await order(images=(StoredFile(KEY, "image/jpeg", 10),))
    with monkeypatch.context() as patched:
        patched.setattr(type(storage.storage()), "read", away := Away())
        waiting = await step(generation)
    assert away.asked == 1
    assert (waiting.status, waiting.stage, first.jobs) == (Status.QUEUED, Stage.QUEUED, [])
    await step(generation)
    assert [job.images[0].data for job in first.jobs] == [b"jpeg bytes"]
