"""Signed links: only whoever has one gets the file, whole or in parts, and never something that runs in a browser."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from core import storage
from core.http.media import Part, requested_part
from core.http.problems import Problem

BYTES = bytes(range(256)) * 4


def _path(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


async def _stored(key: str, data: bytes = BYTES, *, lifetime: timedelta = timedelta(minutes=5)) -> str:
    await storage.storage().put(key, data, mime="image/png")
    return _path(await storage.storage().link(key, lifetime=lifetime))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Part(0, 100, 100, was_asked_for=False)),
        ("", Part(0, 100, 100, was_asked_for=False)),
        ("bytes=0-", Part(0, 100, 100)),
        ("bytes=0-0", Part(0, 1, 100)),
        ("bytes=10-19", Part(10, 10, 100)),
        ("bytes=90-", Part(90, 10, 100)),
        ("bytes=90-5000", Part(90, 10, 100)),
        ("bytes=-10", Part(90, 10, 100)),
        ("bytes=-5000", Part(0, 100, 100)),
        ("bytes=20-10", Part(0, 100, 100, was_asked_for=False)),
        ("bytes=0-1,5-6", Part(0, 100, 100, was_asked_for=False)),
        ("bytes=-", Part(0, 100, 100, was_asked_for=False)),
        ("lines=1-2", Part(0, 100, 100, was_asked_for=False)),
        ("bytes=" + "9" * 40 + "-", Part(0, 100, 100, was_asked_for=False)),
    ],
)
def test_a_range_is_read_as_the_standard_says(header: str | None, expected: Part) -> None:
    assert requested_part(header, 100) == expected


@pytest.mark.parametrize(
    ("header", "total"), [("bytes=100-", 100), ("bytes=500-600", 100), ("bytes=-0", 100), ("bytes=0-", 0)]
)
def test_a_range_outside_of_the_file_cannot_be_satisfied(header: str, total: int) -> None:
    with pytest.raises(Problem) as refused:
        requested_part(header, total)

    assert refused.value.status == 416
    assert refused.value.headers == {"Content-Range": f"bytes */{total}"}


@pytest.mark.integration
async def test_whoever_has_the_link_gets_the_file(client: httpx.AsyncClient) -> None:
    response = await client.get(await _stored("results/ab/fox.png"))

    assert response.status_code == 200
    assert response.content == BYTES
    assert response.headers["content-type"] == "image/png"
    assert response.headers["content-length"] == str(len(BYTES))
    assert response.headers["content-disposition"] == 'inline; filename="fox.png"'
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["accept-ranges"] == "bytes"


@pytest.mark.integration
async def test_a_large_file_arrives_whole(client: httpx.AsyncClient) -> None:
    data = BYTES * 3000

    response = await client.get(await _stored("results/large.mp4", data))

    assert response.content == data
    assert response.headers["content-type"] == "video/mp4"


@pytest.mark.integration
async def test_a_player_gets_the_part_that_it_asks_for(client: httpx.AsyncClient) -> None:
    link = await _stored("results/clip.mp4")

    response = await client.get(link, headers={"Range": "bytes=256-511"})

    assert response.status_code == 206
    assert response.content == bytes(range(256))
    assert response.headers["content-range"] == "bytes 256-511/1024"
    assert response.headers["content-length"] == "256"


@pytest.mark.integration
async def test_a_part_outside_of_the_file_is_a_problem(client: httpx.AsyncClient) -> None:
    response = await client.get(await _stored("results/clip.mp4"), headers={"Range": "bytes=5000-"})

    assert response.status_code == 416
    assert response.json()["code"] == "range_not_satisfiable"
    assert response.headers["content-range"] == "bytes */1024"


@pytest.mark.integration
async def test_head_tells_the_size_and_sends_nothing(client: httpx.AsyncClient) -> None:
    response = await client.head(await _stored("results/fox.png"))

    assert response.status_code == 200
    assert response.headers["content-length"] == "1024"
    assert response.content == b""


@pytest.mark.integration
@pytest.mark.parametrize("key", ["page.html", "drawing.svg", "script.js", "data.xml", "unknown", "archive.zip"])
async def test_what_could_run_in_a_browser_is_only_ever_downloaded(client: httpx.AsyncClient, key: str) -> None:
    response = await client.get(await _stored(f"results/{key}", b"<script>alert(1)</script>"))

    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment;")
    assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("change", "to"),
    [
        ("signature=", "signature=0"),
        ("expires=", "expires=9"),
        ("fox", "cat"),
        ("signature=", "signature=%C3%BF"),
        ("expires=", "x="),
    ],
)
async def test_a_changed_link_opens_nothing(client: httpx.AsyncClient, change: str, to: str) -> None:
    await _stored("results/cat.png")
    link = await _stored("results/fox.png")

    response = await client.get(link.replace(change, to))

    assert response.status_code == 403
    assert response.json()["code"] == "link_not_valid"


@pytest.mark.integration
async def test_a_link_ends(client: httpx.AsyncClient) -> None:
    response = await client.get(await _stored("results/fox.png", lifetime=timedelta(seconds=-1)))

    assert response.status_code == 403


@pytest.mark.integration
async def test_without_a_link_there_is_no_difference_between_a_file_and_none(client: httpx.AsyncClient) -> None:
    await _stored("results/fox.png")

    there, not_there = await client.get("/media/results/fox.png"), await client.get("/media/results/cat.png")

    assert there.status_code == not_there.status_code == 403
    assert there.json()["code"] == not_there.json()["code"]


@pytest.mark.integration
async def test_a_file_that_was_removed_is_not_found(client: httpx.AsyncClient) -> None:
    link = await _stored("results/fox.png")
    await storage.storage().delete("results/fox.png")

    assert (await client.get(link)).status_code == 404


@pytest.mark.integration
@pytest.mark.parametrize(
    "key", ["../secrets.json", "..%2f..%2fetc%2fpasswd", "%2e%2e/secrets.json", "/etc/passwd", "a/../../b"]
)
async def test_no_path_leads_out_of_the_folder(client: httpx.AsyncClient, key: str) -> None:
    response = await client.get(f"/media/{key}?expires=99999999999&signature=0")

    assert response.status_code in (403, 404)
