"""Files go from the browser straight into storage, are looked at, and belong to one person."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from PIL import Image

from core import db, storage
from core.uploads import rows
from tests.core.http.app.people import Visitor
from tests.core.http.app.test_contract import check
from tests.core.media.films import contents, film

pytestmark = pytest.mark.integration


def photo(colour: str = "red") -> bytes:
    """A photo with a note in it."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, "JPEG", comment=b"secret")
    return buffer.getvalue()


async def announce(visitor: Visitor, data: bytes, mime: str = "image/jpeg", **options: Any) -> dict[str, Any]:
    """Announce a file and return the upload."""
    answer = await visitor.post("/uploads", {"mime": mime, "size": len(data)}, **options)
    check("/uploads", "post", answer)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def put(visitor: Visitor, upload: dict[str, Any], content: Any, **headers: str) -> httpx.Response:
    """Put bytes where the ticket says, without saying who does."""
    parts = urlsplit(upload["put"]["url"])
    url = f"{parts.path}?{parts.query}"
    return await visitor.http.request(
        upload["put"]["method"], url, content=content, headers={**upload["put"]["headers"], **headers}
    )


async def complete(visitor: Visitor, code: str) -> httpx.Response:
    """Have an upload looked at."""
    answer = await visitor.http.post(f"/api/app/v1/uploads/{code}/complete", headers=visitor.signed())
    check("/uploads/{code}/complete", "post", answer)
    return answer


async def remove(visitor: Visitor, code: str) -> httpx.Response:
    """Remove an upload."""
    answer = await visitor.http.delete(f"/api/app/v1/uploads/{code}", headers=visitor.signed())
    check("/uploads/{code}", "delete", answer)
    return answer


async def test_a_photo_goes_all_the_way(mia: Visitor) -> None:
    upload = await announce(mia, photo())
    assert (upload["state"], upload["url"]) == ("expected", None)
    assert (await put(mia, upload, photo())).status_code == 200
    ready = (await complete(mia, upload["code"])).json()
    assert (ready["state"], ready["mime"], ready["width"], ready["height"]) == ("ready", "image/jpeg", 64, 48)
    assert ready["put"] is None
    parts = urlsplit(ready["url"])
    shown = await mia.http.get(f"{parts.path}?{parts.query}")
    assert shown.headers["content-type"] == "image/jpeg" and b"secret" not in shown.content
    read = await mia.get(f"/uploads/{upload['code']}")
    check("/uploads/{code}", "get", read)
    assert read.json()["state"] == "ready"


async def test_a_video_larger_than_any_json_goes_all_the_way(mia: Visitor, tmp_path: Path) -> None:
    data = contents(film(tmp_path / "film.mp4", "-c:v", "libx264", "-qp", "0", size="640x480", seconds=3))
    data += (5 * 1024 * 1024).to_bytes(4, "big") + b"free" + bytes(5 * 1024 * 1024 - 8)
    upload = await announce(mia, data, "video/mp4")
    assert (await put(mia, upload, data)).status_code == 200
    ready = (await complete(mia, upload["code"])).json()
    assert (ready["mime"], ready["width"], ready["height"]) == ("video/mp4", 640, 480)
    assert ready["seconds"] == pytest.approx(3, abs=0.1)


async def test_the_same_key_gives_the_same_upload(mia: Visitor) -> None:
    first = await announce(mia, photo(), key="the-same-key")
    assert (await announce(mia, photo(), key="the-same-key"))["code"] == first["code"]
    other = await mia.post("/uploads", {"mime": "image/png", "size": 5}, key="the-same-key")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_a_key_of_an_upload_that_is_over_brings_no_new_one(mia: Visitor) -> None:
    upload = await announce(mia, photo(), key="the-same-key")
    await remove(mia, upload["code"])
    again = await mia.post("/uploads", {"mime": "image/jpeg", "size": len(photo())}, key="the-same-key")
    check("/uploads", "post", again)
    assert (again.status_code, again.json()["code"]) == (409, "upload_over")


@pytest.mark.parametrize(
    ("mime", "size", "code"),
    [
        ("image/svg+xml", 10, "kind_not_supported"),
        ("image/heic", 10, "heic_not_supported"),
        ("image/jpeg", 10**9, "image_too_large"),
        ("image/jpeg", 0, "invalid_request"),
        ("image/jpeg", 10**13, "invalid_request"),
    ],
)
async def test_what_is_not_taken_is_refused_when_it_is_announced(mia: Visitor, mime: str, size: int, code: str) -> None:
    answer = await mia.post("/uploads", {"mime": mime, "size": size})
    check("/uploads", "post", answer)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"MZ a program named fox.jpg", "not_an_image"), (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic_not_supported")],
)
async def test_what_is_nothing_for_us_is_refused_with_words(mia: Visitor, data: bytes, code: str) -> None:
    upload = await announce(mia, data)
    await put(mia, upload, data)
    for answer in (await complete(mia, upload["code"]), await mia.get(f"/uploads/{upload['code']}")):
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert "JPEG" in answer.json()["detail"]


async def test_what_has_not_arrived_is_not_completed(mia: Visitor) -> None:
    answer = await complete(mia, (await announce(mia, photo()))["code"])
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_missing")


async def test_another_persons_upload_is_not_there(mia: Visitor, max_: Visitor) -> None:
    upload = await announce(mia, photo())
    await put(mia, upload, photo())
    for answer in (await complete(max_, upload["code"]), await max_.get(f"/uploads/{upload['code']}")):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_upload")
    assert (await remove(max_, upload["code"])).status_code == 200
    assert (await complete(mia, upload["code"])).status_code == 200


async def test_nobody_is_told_of_uploads_without_init_data(client: httpx.AsyncClient) -> None:
    for method, path in (("POST", ""), ("GET", "/x"), ("DELETE", "/x"), ("POST", "/x/complete")):
        assert (await client.request(method, f"/api/app/v1/uploads{path}")).status_code == 401


async def test_too_many_are_told_when_to_come_back(mia: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_AN_HOUR", 1)
    await announce(mia, photo())
    answer = await mia.post("/uploads", {"mime": "image/png", "size": 5})
    check("/uploads", "post", answer)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_uploads")
    assert 3500 < int(answer.headers["retry-after"]) <= 3600


async def test_a_storage_that_is_away_is_said_so(mia: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = await announce(mia, photo())

    async def away(*_: object, **__: object) -> int:
        raise storage.StorageUnavailable("the disk is full")

    monkeypatch.setattr(type(storage.storage()), "size", away)
    answer = await complete(mia, upload["code"])
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert "disk" not in answer.text


class TestPutting:
    """What a ticket allows, and what it does not."""

    @pytest.fixture
    async def upload(self, mia: Visitor) -> dict[str, Any]:
        """An upload that waits for a photo."""
        return await announce(mia, photo())

    async def test_it_is_needed(self, mia: Visitor, upload: dict[str, Any]) -> None:
        parts = urlsplit(upload["put"]["url"])
        for query in ("", "mime=image/jpeg&most=99&expires=99999999999&signature=0"):
            answer = await mia.http.put(f"{parts.path}?{query}", content=b"x", headers={"Content-Type": "image/jpeg"})
            assert (answer.status_code, answer.json()["code"]) == (403, "link_not_valid")

    @pytest.mark.parametrize(("name", "value"), [("most", "99999999"), ("expires", "99999999999"), ("mime", "a/b")])
    async def test_it_cannot_be_changed(self, mia: Visitor, upload: dict[str, Any], name: str, value: str) -> None:
        parts = urlsplit(upload["put"]["url"])
        query = {key: values[0] for key, values in parse_qs(parts.query).items()} | {name: value}
        answer = await mia.http.put(
            f"{parts.path}?{urlencode(query)}", content=b"x", headers={"Content-Type": query["mime"]}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "link_not_valid")

    async def test_it_is_for_one_key(self, mia: Visitor, upload: dict[str, Any]) -> None:
        elsewhere = {**upload, "put": {**upload["put"], "url": upload["put"]["url"].replace("incoming/", "results/")}}
        assert (await put(mia, elsewhere, photo())).status_code == 403

    async def test_it_is_for_one_type(self, mia: Visitor, upload: dict[str, Any]) -> None:
        answer = await put(mia, upload, photo(), **{"Content-Type": "text/html"})
        assert (answer.status_code, answer.json()["code"]) == (415, "type_not_announced")

    async def test_a_link_for_reading_puts_nothing(self, mia: Visitor, upload: dict[str, Any]) -> None:
        await put(mia, upload, photo())
        ready = (await complete(mia, upload["code"])).json()
        parts = urlsplit(ready["url"])
        answer = await mia.http.put(f"{parts.path}?{parts.query}", content=b"evil")
        assert answer.status_code == 403

    async def test_a_ticket_reads_nothing(self, mia: Visitor, upload: dict[str, Any]) -> None:
        await put(mia, upload, photo())
        parts = urlsplit(upload["put"]["url"])
        assert (await mia.http.get(f"{parts.path}?{parts.query}")).status_code == 403

    async def test_more_bytes_than_announced_are_refused_before_they_are_sent(
        self, mia: Visitor, upload: dict[str, Any]
    ) -> None:
        answer = await put(mia, upload, photo() + b"x")
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
        assert (await complete(mia, upload["code"])).json()["code"] == "upload_missing"

    async def test_more_bytes_than_announced_are_refused_while_they_are_sent(
        self, mia: Visitor, upload: dict[str, Any]
    ) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield photo()
            for _ in range(40):
                yield bytes(65536)
                await asyncio.sleep(0)

        # The connection may be closed while the bytes are still coming, which is as good.
        with suppress(httpx.TransportError):
            assert (await put(mia, upload, chunks())).status_code == 413
        assert (await complete(mia, upload["code"])).json()["code"] == "upload_missing"

    async def test_bytes_may_be_put_again_until_they_were_looked_at(self, mia: Visitor, upload: dict[str, Any]) -> None:
        assert (await put(mia, upload, b"torn")).status_code == 200
        assert (await put(mia, upload, photo())).status_code == 200
        assert (await complete(mia, upload["code"])).status_code == 200
        late = await put(mia, upload, photo())
        assert (late.status_code, late.json()["code"]) == (409, "upload_over")

    async def test_what_is_put_is_not_served_before_it_was_looked_at(
        self, mia: Visitor, upload: dict[str, Any]
    ) -> None:
        await put(mia, upload, b"<script>")
        assert (await mia.get(f"/uploads/{upload['code']}")).json()["url"] is None


async def test_a_removed_upload_is_gone(mia: Visitor) -> None:
    upload = await announce(mia, photo())
    await put(mia, upload, photo())
    ready = (await complete(mia, upload["code"])).json()
    assert (await remove(mia, upload["code"])).json()["state"] == "removed"
    assert (await mia.get(f"/uploads/{upload['code']}")).status_code == 404
    parts = urlsplit(ready["url"])
    gone = await mia.http.get(f"{parts.path}?{parts.query}")
    assert gone.status_code == 404 and "kept for a while" in gone.json()["detail"]


async def test_an_upload_that_an_order_waits_with_is_not_removed(mia: Visitor) -> None:
    upload = await announce(mia, photo())
    await put(mia, upload, photo())
    await complete(mia, upload["code"])
    await db.execute(
        """INSERT INTO botapp_cart (user_id, code, model, images, price)
        SELECT user_id, 'c1', 'nano-banana', jsonb_build_array(jsonb_build_object('key', key)), 1 FROM botapp_upload"""
    )
    answer = await remove(mia, upload["code"])
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_in_use")
