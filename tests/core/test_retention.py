"""What is too old goes, in parts and never what somebody works with."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from core import db, retention, storage, temporary, uploads
from core.generations import Order, repository, submit
from core.queue import outbox
from core.queue.beat import SHIPPED
from core.settings import Settings
from core.storage import FileNotStored, StorageUnavailable, StoredFile
from core.types import IdempotencyKey, TraceId
from core.users import User
from tests.core.test_uploads import announced, picture, state_of, stored

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def ninety_days(service: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Results are kept for ninety days, and nobody publishes what orders write to the outbox."""

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)
    retention.configure(results_kept_days=90)
    yield
    retention.configure(results_kept_days=0)


async def age(table: str, column: str, days: float) -> None:
    """Make everything in a table older."""
    await db.execute(f"UPDATE {table} SET {column} = {column} - interval '1 day' * $1", days)


async def ordered(user: User, *images: StoredFile) -> str:
    """A generation that is being made."""
    order = Order(
        user=user,
        model="nano-banana",
        prompt="a fox",
        key=IdempotencyKey(uuid.uuid4().hex),
        language="en",
        trace_id=TraceId("0" * 32),
        images=images,
    )
    # What was ordered before is no reason to wait here.
    await age("botapp_genrequest", "created_at", 1)
    return (await submit(order)).run_code


async def made(user: User, *results: str, inputs: Sequence[StoredFile] = (), days: float = 100) -> str:
    """A generation that ended so many days ago, with its files in storage."""
    run_code = await ordered(user)
    files = [StoredFile(key, "image/png", 6, 3, 2) for key in results]
    for file in files:
        await storage.storage().put(file.key, b"pixels", mime="image/png")
    await db.execute(
        """
        UPDATE botapp_genrequest SET status = 'done', stage = 'finished', results = $2, input_images = $3,
            completed_at = now() - interval '1 day' * $4 WHERE run_code = $1
        """,
        run_code,
        db.to_json([file.to_dict() for file in files]),
        db.to_json([file.to_dict() for file in inputs]),
        days,
    )
    return run_code


async def removed_at(run_code: str) -> Any:
    """When the files of a generation were removed."""
    return await db.fetch_value("SELECT files_removed_at FROM botapp_genrequest WHERE run_code = $1", run_code)


class TestUploads:
    """What users gave."""

    async def test_bytes_that_never_came_are_waited_for_a_day(self, user: User, service: Settings) -> None:
        old = await announced(user, picture())
        await age("botapp_upload", "created_at", 1.01)
        new = await announced(user, picture())
        assert (await retention.run()).unfinished == 1
        assert (await state_of(old.code), await state_of(new.code)) == ("removed", "expected")
        assert stored(service) == [new.key]

    async def test_a_file_that_no_order_named_for_a_month_goes(self, user: User, service: Settings) -> None:
        old = await uploads.keep(user.id, picture())
        await age("botapp_upload", "used_at", 31)
        new = await uploads.keep(user.id, picture(colour="blue"))
        assert (await retention.run()).unused == 1
        assert stored(service) == [new.key]
        with pytest.raises(FileNotStored):
            await storage.storage().read(old.key)

    async def test_one_that_was_named_since_stays(self, user: User) -> None:
        ready = await uploads.complete(user.id, (await announced(user, picture())).code)
        await age("botapp_upload", "used_at", 31)
        await uploads.of(user.id, ready.code)
        assert (await retention.run()).unused == 0
        assert await storage.storage().size(ready.key) == ready.size

    async def test_one_that_is_given_again_stays(self, user: User) -> None:
        await uploads.keep(user.id, picture())
        await age("botapp_upload", "used_at", 31)
        kept = await uploads.keep(user.id, picture())
        assert (await retention.run()).unused == 0
        assert await storage.storage().size(kept.key) == kept.size

    async def test_what_a_running_generation_works_from_stays(self, user: User) -> None:
        file = await uploads.keep(user.id, picture())
        run_code = await ordered(user, file)
        await age("botapp_upload", "used_at", 400)
        assert (await retention.run()).unused == 0
        await db.execute("UPDATE botapp_genrequest SET status = 'done' WHERE run_code = $1", run_code)
        assert (await retention.run()).unused == 1

    async def test_what_an_order_in_the_cart_waits_with_stays(self, user: User) -> None:
        file = await uploads.keep(user.id, picture())
        await db.execute(
            "INSERT INTO botapp_cart (user_id, code, model, images, price) VALUES ($1, 'c', 'nano-banana', $2, 1)",
            user.id,
            db.to_json([file.to_dict()]),
        )
        await age("botapp_upload", "used_at", 400)
        assert (await retention.run()).unused == 0
        assert await storage.storage().size(file.key) == file.size

    async def test_a_refused_one_is_forgotten(self, user: User) -> None:
        upload = await announced(user, b"MZ a program")
        with pytest.raises(uploads.UploadRefused):
            await uploads.complete(user.id, upload.code)
        await age("botapp_upload", "used_at", 31)
        assert (await retention.run()).unused == 1
        assert await state_of(upload.code) == "removed"


class TestResults:
    """What was made."""

    async def test_old_results_go_and_their_story_tells_it(self, user: User, service: Settings) -> None:
        old, new = await made(user, "results/1.png", "results/2.png"), await made(user, "results/3.png", days=89)
        assert (await retention.run()).results == 1
        assert stored(service) == ["results/3.png"]
        assert await removed_at(old) is not None and await removed_at(new) is None
        last = (await repository.story(old))[-1]
        assert (last.event, last.detail) == ("files_removed", {"files": 2, "after_days": 90})

    async def test_a_run_after_it_finds_nothing(self, user: User) -> None:
        old = await made(user, "results/1.png")
        await retention.run()
        assert (await retention.run()).results == 0
        assert [event.event for event in await repository.story(old)].count("files_removed") == 1

    async def test_they_may_be_kept_for_ever(self, user: User, service: Settings) -> None:
        retention.configure(results_kept_days=0)
        await made(user, "results/1.png", days=4000)
        assert (await retention.run()).results == 0
        assert stored(service) == ["results/1.png"]

    async def test_what_a_running_child_continues_stays(self, user: User) -> None:
        old = await made(user, "results/1.png")
        child = await made(user, "results/2.png", days=0)
        await db.execute(
            """UPDATE botapp_genrequest SET status = 'processing', completed_at = NULL,
            parent_request_id = (SELECT id FROM botapp_genrequest WHERE run_code = $2) WHERE run_code = $1""",
            child,
            old,
        )
        assert (await retention.run()).results == 0
        await db.execute("UPDATE botapp_genrequest SET status = 'error' WHERE run_code = $1", child)
        assert (await retention.run()).results == 1

    async def test_a_result_that_another_generation_works_from_stays(self, user: User) -> None:
        old = await made(user, "results/1.png")
        file = StoredFile("results/1.png", "image/png", 6, 3, 2)
        await ordered(user, file)
        assert (await retention.run()).results == 0
        assert await removed_at(old) is None

    async def test_a_result_in_the_cart_stays(self, user: User) -> None:
        old = await made(user, "results/1.png")
        await db.execute(
            "INSERT INTO botapp_cart (user_id, code, model, parent, price) VALUES ($1, 'c', 'nano-banana', $2, 1)",
            user.id,
            old,
        )
        assert (await retention.run()).results == 0

    async def test_its_own_inputs_go_too_and_those_of_its_user_do_not(self, user: User, service: Settings) -> None:
        given = await uploads.keep(user.id, picture())
        own = [StoredFile(key, "image/png", 1) for key in ("frames/2026/01/x.jpg", "references/x.png")]
        for file in own:
            await storage.storage().put(file.key, b"x", mime="image/png")
        await made(user, "results/1.png", inputs=[given, *own])
        await retention.run()
        assert stored(service) == [given.key]

    async def test_many_go_in_parts(self, user: User, service: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retention, "AT_ONCE", 2)
        for number in range(5):
            await made(user, f"results/{number}.png")
        assert (await retention.run()).results == 5
        assert stored(service) == []


class TestTrouble:
    """A storage that is away, and a run that is interrupted."""

    async def test_what_could_not_be_removed_is_removed_by_the_next_run(
        self, user: User, service: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = await made(user, "results/1.png")

        async def away(*_: object) -> None:
            raise StorageUnavailable("away")

        with monkeypatch.context() as patched:
            patched.setattr(type(storage.storage()), "delete_many", away)
            await retention.sweep()
        assert await removed_at(old) is None
        await retention.sweep()
        assert await removed_at(old) is not None and stored(service) == []

    async def test_who_died_after_the_files_were_gone_is_finished_by_the_next_run(
        self, user: User, service: Settings
    ) -> None:
        old = await made(user, "results/1.png")
        await storage.storage().delete("results/1.png")
        await retention.run()
        assert await removed_at(old) is not None

    async def test_files_of_crashed_processes_go_and_those_of_living_ones_stay(
        self, service: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
        incoming = service.media_path / ".incoming"
        for folder in (temporary.folder(), incoming):
            folder.mkdir(parents=True, exist_ok=True)
            for name, hours in (("old", 7), ("new", 1)):
                (folder / name).write_bytes(b"x")
                os.utime(folder / name, (time.time() - hours * 3600,) * 2)
        assert (await retention.run()).temporary == 2
        assert [path.name for folder in (temporary.folder(), incoming) for path in folder.iterdir()] == ["new", "new"]


async def test_beat_has_it_every_hour() -> None:
    [entry] = [entry for entry in SHIPPED if entry.task == "retention.sweep"]
    assert entry.every.total_seconds() == 3600
