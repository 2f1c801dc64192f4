"""What users give: looked at, made clean, kept once, limited, and nobody else's."""

from __future__ import annotations

import asyncio
import io
import uuid
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core import db, storage, uploads, users
from core.media import HeicImage, NotAnImage, NotAVideo
from core.settings import Settings
from core.storage import StoredFile
from core.types import IdempotencyKey, UserId
from core.uploads import (
    TooManyUploads,
    UnknownUpload,
    Upload,
    UploadInUse,
    UploadKeyReused,
    UploadNotReady,
    UploadRefused,
    rows,
)
from core.users import User
from tests.core.media.films import PLACE, contents, film

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]


def picture(size: tuple[int, int] = (64, 48), colour: str = "red", kind: str = "JPEG", **options: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind, **options)
    return buffer.getvalue()


def a_key() -> IdempotencyKey:
    """A new idempotency key."""
    return IdempotencyKey(uuid.uuid4().hex)


async def announced(user: User, data: bytes, mime: str = "image/jpeg") -> Upload:
    """An upload whose bytes have arrived."""
    upload = await uploads.expect(user.id, mime, len(data), a_key())
    await storage.storage().put(upload.key, data, mime=mime)
    return upload


async def state_of(code: str) -> str:
    """How an upload stands in its row."""
    return str(await db.fetch_value("SELECT state FROM botapp_upload WHERE code = $1", code))


def stored(settings: Settings) -> list[str]:
    """Keys of everything that is in storage."""
    folder = settings.media_path
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
async def stranger(database: Settings) -> User:
    """Somebody else."""
    return await users.upsert(users.Profile(777, "wolf", "Wolf", "", "en"))


class TestKeeping:
    """Files that come by chat."""

    async def test_a_picture_is_kept_clean_with_its_size(self, user: User) -> None:
        kept = await uploads.keep(user.id, picture(comment=b"secret"))
        assert (kept.mime, kept.width, kept.height) == ("image/jpeg", 64, 48)
        data = await storage.storage().read(kept.key)
        assert len(data) == kept.size and b"secret" not in data

    async def test_a_video_is_kept_clean_with_its_length(self, user: User, tmp_path: Path) -> None:
        path = film(tmp_path / "film.mov", "-c:v", "libx264", "-metadata", f"location={PLACE}", seconds=2)
        kept = await uploads.keep(user.id, path)
        assert (kept.mime, kept.width, kept.height) == ("video/mp4", 64, 48)
        assert kept.seconds == pytest.approx(2, abs=0.1)
        assert PLACE.encode() not in await storage.storage().read(kept.key)
        assert contents(path)

    async def test_the_same_file_of_the_same_person_is_kept_once(self, user: User, service: Settings) -> None:
        first = await uploads.keep(user.id, picture())
        assert await uploads.keep(user.id, picture()) == first
        assert stored(service) == [first.key]

    async def test_the_same_video_of_the_same_person_is_kept_once(
        self, user: User, tmp_path: Path, service: Settings
    ) -> None:
        path = film(tmp_path / "film.mp4", sound=True)
        first = await uploads.keep(user.id, path)
        assert await uploads.keep(user.id, contents(path)) == first
        assert stored(service) == [first.key]

    async def test_the_same_file_sent_many_times_at_once_is_kept_once(self, user: User, service: Settings) -> None:
        kept = await asyncio.gather(*(uploads.keep(user.id, picture()) for _ in range(6)))
        assert len(set(kept)) == 1
        assert stored(service) == [kept[0].key]

    async def test_the_same_file_of_two_people_is_kept_for_each(self, user: User, stranger: User) -> None:
        first, second = await uploads.keep(user.id, picture()), await uploads.keep(stranger.id, picture())
        assert first.key != second.key
        await uploads.remove(user.id, Path(first.key).stem)
        assert await storage.storage().size(second.key) == second.size

    async def test_a_file_that_was_removed_is_kept_anew(self, user: User) -> None:
        first = await uploads.keep(user.id, picture())
        await uploads.remove(user.id, Path(first.key).stem)
        again = await uploads.keep(user.id, picture())
        assert await storage.storage().size(again.key) == first.size

    @pytest.mark.parametrize(
        ("data", "error"),
        [
            (b"MZ a program", NotAnImage),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NotAnImage),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", HeicImage),
            (b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(100), NotAVideo),
        ],
    )
    async def test_what_is_nothing_for_us_leaves_nothing(
        self, user: User, service: Settings, data: bytes, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            await uploads.keep(user.id, data)
        assert stored(service) == []
        assert await db.fetch_value("SELECT count(*) FROM botapp_upload") == 0

    async def test_where_a_picture_is_asked_for_a_video_is_none_and_the_other_way_round(
        self, user: User, tmp_path: Path, service: Settings
    ) -> None:
        with pytest.raises(NotAnImage):
            await uploads.keep(user.id, film(tmp_path / "film.mp4"), only="image")
        with pytest.raises(NotAVideo):
            await uploads.keep(user.id, picture(), only="video")
        assert stored(service) == []

    async def test_no_bytes_of_a_file_are_in_the_table(self, user: User) -> None:
        kept = await uploads.keep(user.id, picture((500, 400)))
        row = await db.fetch_one("SELECT * FROM botapp_upload")
        assert row is not None
        assert max(len(str(value)) for value in dict(row).values()) < 100 < kept.size


class TestAnnouncing:
    """Files that will be put into storage."""

    async def test_it_gets_a_ticket(self, user: User) -> None:
        upload = await uploads.expect(user.id, "image/png", 1000, a_key())
        ticket = await uploads.ticket(upload)
        assert upload.state == "expected" and upload.key in ticket.url
        assert ticket.headers == {"Content-Type": "image/png"}

    async def test_the_same_key_is_the_same_upload(self, user: User) -> None:
        key = a_key()
        first = await uploads.expect(user.id, "image/png", 1000, key)
        assert await uploads.expect(user.id, "image/png", 1000, key) == first

    @pytest.mark.parametrize(("mime", "size"), [("image/png", 1001), ("image/jpeg", 1000)])
    async def test_the_same_key_for_another_file_is_refused(self, user: User, mime: str, size: int) -> None:
        key = a_key()
        await uploads.expect(user.id, "image/png", 1000, key)
        with pytest.raises(UploadKeyReused):
            await uploads.expect(user.id, mime, size, key)

    @pytest.mark.parametrize(
        ("mime", "size", "code"),
        [
            ("image/svg+xml", 10, "kind_not_supported"),
            ("text/html", 10, "kind_not_supported"),
            ("application/x-msdownload", 10, "kind_not_supported"),
            ("image/heic", 10, "heic_not_supported"),
            ("image/jpeg", 20 * 1024 * 1024 + 1, "image_too_large"),
            ("video/mp4", 100 * 1024 * 1024 + 1, "video_too_large"),
        ],
    )
    async def test_what_would_be_refused_later_is_refused_now(
        self, user: User, mime: str, size: int, code: str
    ) -> None:
        with pytest.raises(UploadRefused) as refusal:
            await uploads.expect(user.id, mime, size, a_key())
        assert refusal.value.code == code

    async def test_so_many_in_an_hour_and_no_more(
        self, user: User, stranger: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rows, "MOST_AN_HOUR", 3)
        tries = (uploads.expect(user.id, "image/png", 10, a_key()) for _ in range(8))
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(result, Upload) for result in results) == 3
        [refusal, *_] = [result for result in results if isinstance(result, TooManyUploads)]
        assert 3500 < refusal.seconds <= 3600
        await uploads.expect(stranger.id, "image/png", 10, a_key())

    async def test_an_hour_later_there_may_be_more(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rows, "MOST_AN_HOUR", 1)
        await uploads.expect(user.id, "image/png", 10, a_key())
        await db.execute("UPDATE botapp_upload SET created_at = now() - interval '61 minutes'")
        await uploads.expect(user.id, "image/png", 10, a_key())

    async def test_so_many_bytes_a_day_and_no_more(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rows, "MOST_BYTES_A_DAY", 2000)
        await uploads.expect(user.id, "image/png", 1500, a_key())
        with pytest.raises(TooManyUploads):
            await uploads.expect(user.id, "image/png", 501, a_key())
        await uploads.expect(user.id, "image/png", 500, a_key())


class TestCompleting:
    """Files that were put into storage, looked at."""

    async def test_a_picture_becomes_ready_and_clean(self, user: User, service: Settings) -> None:
        upload = await announced(user, picture(comment=b"secret"))
        ready = await uploads.complete(user.id, upload.code)
        assert (ready.state, ready.mime, ready.width, ready.height) == ("ready", "image/jpeg", 64, 48)
        assert b"secret" not in await storage.storage().read(ready.key)
        assert stored(service) == [ready.key]
        assert await uploads.of(user.id, upload.code) == ready.file

    async def test_a_video_becomes_ready_with_its_length(self, user: User, tmp_path: Path) -> None:
        upload = await announced(user, contents(film(tmp_path / "film.mov", seconds=1)), "video/quicktime")
        ready = await uploads.complete(user.id, upload.code)
        assert (ready.mime, ready.width) == ("video/mp4", 64)
        assert ready.seconds == pytest.approx(1, abs=0.1)

    async def test_completing_again_changes_nothing(self, user: User) -> None:
        upload = await announced(user, picture())
        first = await uploads.complete(user.id, upload.code)
        assert await uploads.complete(user.id, upload.code) == first

    async def test_completing_many_times_at_once_is_completing_once(self, user: User, service: Settings) -> None:
        upload = await announced(user, picture())
        ready = await asyncio.gather(*(uploads.complete(user.id, upload.code) for _ in range(5)))
        assert {(one.state, one.key) for one in ready} == {("ready", ready[0].key)}
        assert stored(service) == [ready[0].key]

    async def test_what_has_not_arrived_is_not_ready(self, user: User) -> None:
        upload = await uploads.expect(user.id, "image/png", 10, a_key())
        for attempt in (uploads.complete, uploads.of):
            with pytest.raises(UploadNotReady):
                await attempt(user.id, upload.code)
        assert await state_of(upload.code) == "expected"

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"MZ a program named fox.jpg", "not_an_image"),
            (b"<script>alert(1)</script>", "not_an_image"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic_not_supported"),
            (b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(100), "not_a_video"),
        ],
    )
    async def test_what_is_nothing_for_us_is_refused_and_removed(
        self, user: User, service: Settings, data: bytes, code: str
    ) -> None:
        upload = await announced(user, data)
        for attempt in (uploads.complete, uploads.complete, uploads.of, uploads.find):
            with pytest.raises(UploadRefused) as refusal:
                await attempt(user.id, upload.code)
            assert refusal.value.code == code
        assert stored(service) == []

    async def test_more_than_was_announced_is_refused(self, user: User, service: Settings) -> None:
        upload = await uploads.expect(user.id, "image/jpeg", 10, a_key())
        await storage.storage().put(upload.key, picture(), mime="image/jpeg")
        with pytest.raises(UploadRefused) as refusal:
            await uploads.complete(user.id, upload.code)
        assert refusal.value.code == "larger_than_announced"
        assert stored(service) == []

    async def test_a_picture_announced_as_a_video_is_a_picture(self, user: User) -> None:
        upload = await announced(user, picture(kind="PNG"), "video/mp4")
        assert (await uploads.complete(user.id, upload.code)).mime == "image/jpeg"


class TestOwning:
    """Nobody else's."""

    async def test_another_persons_upload_is_one_that_is_not_there(self, user: User, stranger: User) -> None:
        upload = await announced(user, picture())
        for attempt in (uploads.complete, uploads.find, uploads.of):
            with pytest.raises(UnknownUpload):
                await attempt(stranger.id, upload.code)
        await uploads.remove(stranger.id, upload.code)
        assert (await uploads.complete(user.id, upload.code)).state == "ready"

    async def test_the_same_key_of_two_people_is_two_uploads(self, user: User, stranger: User) -> None:
        """The gate of the API puts who asks in front of the key."""
        first = await uploads.expect(user.id, "image/png", 10, IdempotencyKey("app:1:key"))
        second = await uploads.expect(stranger.id, "image/png", 10, IdempotencyKey("app:2:key"))
        assert first.code != second.code


class TestRemoving:
    """Taking a file back."""

    async def test_it_takes_everything_away(self, user: User, service: Settings) -> None:
        ready = await uploads.complete(user.id, (await announced(user, picture())).code)
        waiting = await announced(user, picture(colour="blue"))
        for upload in (ready, waiting):
            await uploads.remove(user.id, upload.code)
            await uploads.remove(user.id, upload.code)
            with pytest.raises(UnknownUpload):
                await uploads.of(user.id, upload.code)
        assert stored(service) == []

    async def test_what_an_order_waits_with_stays(self, user: User) -> None:
        ready = await uploads.complete(user.id, (await announced(user, picture())).code)
        await put_into_cart(user.id, ready.file)
        with pytest.raises(UploadInUse):
            await uploads.remove(user.id, ready.code)
        assert await storage.storage().size(ready.key) == ready.size


async def put_into_cart(user: UserId, file: StoredFile) -> None:
    """Let an order of that file wait for tokens."""
    await db.execute(
        "INSERT INTO botapp_cart (user_id, code, model, images, price) VALUES ($1, 'c1', 'nano-banana', $2, 1)",
        user,
        db.to_json([file.to_dict()]),
    )
