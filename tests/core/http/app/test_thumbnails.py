"""Small pictures for lists: made after somebody looked, once, and gone with what they show."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from core import db, retention, thumbnails
from core.generations import repository
from core.storage import FileNotStored, StorageUnavailable, StoredFile, storage
from tests.core.clips import clip, main_colour
from tests.core.http.app.people import Visitor
from tests.core.http.app.test_contract import check
from tests.core.http.app.test_generations import FOX, made

pytestmark = pytest.mark.integration

WISHES = "SELECT count(*) FROM botapp_outbox WHERE task = 'media.thumbnails'"


@pytest.fixture(autouse=True)
async def unpublished(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wished for stays in the outbox, to be seen there."""

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr("core.thumbnails.outbox.flush", publish_nothing)


async def finished(visitor: Visitor, *files: tuple[str, str, bytes]) -> str:
    """A generation that is done with these results: key, type, content."""
    code: str = (await visitor.post("/generations", FOX)).json()["run_code"]
    await made(code)
    if files:
        results = [StoredFile(key, mime, len(content), 640, 480) for key, mime, content in files]
        for key, mime, content in files:
            await storage().put(key, content, mime=mime)
        await db.execute(
            "UPDATE botapp_genrequest SET results = $2 WHERE run_code = $1",
            code,
            db.to_json([file.to_dict() for file in results]),
        )
    return code


async def preview(visitor: Visitor) -> Any:
    """The newest generation's picture as a list shows it."""
    answer = await visitor.get("/generations")
    check("/generations", "get", answer)
    return answer.json()["items"][0]["preview"]


async def test_the_first_look_at_a_list_has_it_made_and_the_next_one_shows_it(mia: Visitor) -> None:
    code = await finished(mia)
    assert (await preview(mia))["thumbnail_url"] is None
    assert await db.fetch_value(WISHES) == 1

    await thumbnails.make(code)

    link = (await preview(mia))["thumbnail_url"]
    async with httpx.AsyncClient(base_url=mia.http.base_url, trust_env=False) as stranger:
        picture = await stranger.get(httpx.URL(link).raw_path.decode())
    image = Image.open(io.BytesIO(picture.content))
    assert (picture.headers["content-type"], image.format, max(image.size)) == ("image/webp", "WEBP", 320)


async def test_it_is_wished_for_once_however_often_somebody_looks(mia: Visitor) -> None:
    code = await finished(mia)
    for _ in range(3):
        await preview(mia)
    await thumbnails.make(code)
    await preview(mia)
    assert await db.fetch_value(WISHES) == 1


async def test_a_list_is_shown_while_redis_is_away(mia: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    await finished(mia)

    def away() -> Any:
        raise OSError

    monkeypatch.setattr("core.thumbnails.redis.client", away)
    assert (await preview(mia))["url"]
    assert await db.fetch_value(WISHES) == 0


async def test_what_is_not_done_has_none(mia: Visitor) -> None:
    await mia.post("/generations", FOX)
    assert await preview(mia) is None
    assert await db.fetch_value(WISHES) == 0


async def test_a_film_is_shown_by_one_of_its_frames(mia: Visitor, tmp_path: Path) -> None:
    code = await finished(mia, ("results/film.mp4", "video/mp4", clip("lime", size=(1280, 720), seconds=1.0)))

    await thumbnails.make(code)

    [film] = (await repository.get(code)).results
    assert film.thumbnail == "results/film-small.webp"
    content = await storage().read(film.thumbnail)
    assert Image.open(io.BytesIO(content)).size == (320, 180)
    (tmp_path / "frame").write_bytes(content)
    assert main_colour(tmp_path / "frame") == "green"


async def test_a_film_shorter_than_the_moment_that_is_shown_has_one(mia: Visitor) -> None:
    code = await finished(mia, ("results/short.mp4", "video/mp4", clip("red", seconds=0.2)))
    await thumbnails.make(code)
    assert (await repository.get(code)).results[0].thumbnail


async def test_what_cannot_be_decoded_is_tried_once(mia: Visitor) -> None:
    code = await finished(
        mia, ("results/broken.png", "image/png", b"no picture"), ("results/a.txt", "text/plain", b"a")
    )

    await thumbnails.make(code)
    await preview(mia)

    broken, text = (await repository.get(code)).results
    assert (broken.thumbnail, text.thumbnail) == ("", None)
    assert await db.fetch_value(WISHES) == 0


async def test_one_bad_result_does_not_take_the_others_along(mia: Visitor) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (800, 400), (255, 0, 0, 128)).save(buffer, "PNG")
    code = await finished(
        mia, ("results/broken.png", "image/png", b"no picture"), ("results/fine.png", "image/png", buffer.getvalue())
    )
    await thumbnails.make(code)
    broken, fine = (await repository.get(code)).results
    assert (broken.thumbnail, fine.thumbnail) == ("", "results/fine-small.webp")
    assert Image.open(io.BytesIO(await storage().read("results/fine-small.webp"))).mode == "RGBA"


async def test_without_storage_it_stays_to_be_made(mia: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    code = await finished(mia)

    async def away(*_: Any, **__: Any) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr(type(storage()), "put", away)
    with pytest.raises(StorageUnavailable):
        await thumbnails.make(code)
    assert thumbnails.is_missing((await repository.get(code)).results[0])


async def test_it_is_removed_with_the_result(mia: Visitor) -> None:
    code = await finished(mia)
    await thumbnails.make(code)
    [file] = (await repository.get(code)).results
    assert file.thumbnail
    await db.execute("UPDATE botapp_genrequest SET completed_at = now() - interval '100 days'")
    retention.configure(results_kept_days=90)
    try:
        await retention.run()
    finally:
        retention.configure(results_kept_days=0)
    for key in (file.key, file.thumbnail):
        with pytest.raises(FileNotStored):
            await storage().read(key)


async def test_one_that_is_made_too_late_is_not_left_behind(mia: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    code = await finished(mia)
    before = await repository.get(code)
    await db.execute("UPDATE botapp_genrequest SET files_removed_at = now()")

    async def as_it_was(_run_code: str) -> Any:
        return before

    monkeypatch.setattr("core.thumbnails.repository.get", as_it_was)
    await thumbnails.make(code)
    with pytest.raises(FileNotStored):
        await storage().read(f"{before.results[0].key.rpartition('.')[0]}-small.webp")


def test_a_file_of_a_newer_version_is_read_without_what_is_not_known_here() -> None:
    values = {**StoredFile("a.png", "image/png", 1).to_dict(), "colour": "red"}
    assert StoredFile.from_dict(values) == StoredFile("a.png", "image/png", 1)
