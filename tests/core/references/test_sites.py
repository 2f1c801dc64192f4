"""yt-dlp itself reads an emulated site in its bounded process, and can do nothing that it is not allowed to.

`generic`, which reads any page, is let in by these tests only: production knows the extractors of two sites.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.references import parse, reader, sites
from core.references.errors import (
    LinkFailed,
    LinkGone,
    LinkNotSupported,
    LinkPrivate,
    LinkTooLarge,
    LinkTooLong,
    LinkUnavailable,
)
from core.references.limits import Limits
from tests.core.references.website import Names, Request, Website, gate
from tests.emulators import media

pytestmark = pytest.mark.integration
ANY_PAGE = ("generic",)
LIMITS = Limits(seconds=30.0)


def show(website: Website, film: str) -> None:
    """A page with a video, as many sites have it."""
    markup = f'<html><head><title>Fox</title><meta property="og:video" content="{film}"></head></html>'
    website.page("/watch", markup.encode(), Content_Type="text/html")


async def fetched(website: Website, folder: Path, *, limits: Limits = LIMITS, names: Names | None = None) -> Path:
    """What comes from the page."""
    link = parse(website.address("/watch"))
    return await sites.fetch(link, folder, gate=gate(names), limits=limits, extractors=ANY_PAGE)


async def test_a_video_comes_from_a_page(website: Website, tmp_path: Path) -> None:
    """Over the proxy, with nothing that identifies anybody."""
    film = await media.film("16:9")
    show(website, website.address("/film.mp4"))
    website.page("/film.mp4", film, Content_Type="video/mp4")
    path = await fetched(website, tmp_path)
    assert path.read_bytes() == film and path.parent == tmp_path
    assert {request.target for request in website.requests} == {"/watch", "/film.mp4"}
    assert all("cookie" not in request.headers for request in website.requests)


async def test_production_lets_no_page_in_but_those_of_its_sites(website: Website, tmp_path: Path) -> None:
    """The page is not even asked for."""
    show(website, website.address("/film.mp4"))
    with pytest.raises(LinkNotSupported):
        await sites.fetch(parse(website.address("/watch")), tmp_path, gate=gate(), limits=LIMITS)
    assert website.requests == []


def test_the_extractors_are_those_of_two_sites() -> None:
    """Each pattern matches names that yt-dlp has, and none that reads any page."""
    from yt_dlp.extractor import gen_extractor_classes  # type: ignore[import-untyped]

    names = [extractor.IE_NAME for extractor in gen_extractor_classes()]
    allowed = {name for name in names for pattern in sites.EXTRACTORS if re.fullmatch(pattern, name, re.IGNORECASE)}
    assert allowed == {"Instagram", "InstagramIOS", "TikTok", "vm.tiktok"}


@pytest.mark.parametrize("target", ["http://private.test:{port}/film.mp4", "http://127.0.0.2:{port}/film.mp4"])
async def test_a_page_that_leads_to_a_private_place_gets_nothing(website: Website, tmp_path: Path, target: str) -> None:
    """yt-dlp goes where pages send it; the proxy does not."""
    names = Names(site_test=["127.0.0.1"], private_test=["10.0.0.1"], **{"127_0_0_2": ["127.0.0.2"]})
    website.page("/film.mp4", b"secret", Content_Type="video/mp4")
    show(website, target.format(port=website.port))
    with pytest.raises(LinkFailed):
        await fetched(website, tmp_path, names=names)
    website.page("/watch", status="302 Found", Location=target.format(port=website.port))
    with pytest.raises(LinkFailed):
        await fetched(website, tmp_path, names=names)
    assert {request.target for request in website.requests} == {"/watch"}


async def test_a_page_that_names_a_file_of_ours_gets_nothing(website: Website, tmp_path: Path) -> None:
    """Only the web is read."""
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    show(website, f"file://{secret}")
    with pytest.raises(LinkFailed):
        await fetched(website, folder)
    assert list(folder.iterdir()) == []


async def test_a_video_above_the_cap_is_refused(website: Website, tmp_path: Path) -> None:
    """Whether its size is told or not."""
    show(website, website.address("/film.mp4"))
    limits = replace(LIMITS, size=200_000)
    website.page("/film.mp4", b"\0" * 300_000, Content_Type="video/mp4")
    with pytest.raises(LinkTooLarge):
        await fetched(website, tmp_path, limits=limits)

    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nConnection: close\r\n\r\n")
        while request.method != "HEAD" and not writer.is_closing():
            writer.write(b"\0" * 10_000)
            await writer.drain()

    website.pages["/film.mp4"] = endless
    with pytest.raises(LinkTooLarge):
        await fetched(website, tmp_path, limits=limits)
    assert _files_in(tmp_path) <= limits.size + reader.FILE_SLACK


async def test_a_site_that_hangs_is_left_and_the_program_is_gone(website: Website, tmp_path: Path) -> None:
    """With everything that it started."""

    async def never(_request: Request, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    website.pages["/watch"] = never
    with pytest.raises(LinkUnavailable, match="1 s"):
        await fetched(website, tmp_path, limits=replace(LIMITS, seconds=1.0))
    assert _readers() == []


async def test_a_cancelled_fetch_takes_its_program_along(website: Website, tmp_path: Path) -> None:
    """A worker that stops leaves nothing running."""
    asked = asyncio.Event()

    async def never(_request: Request, _writer: asyncio.StreamWriter) -> None:
        asked.set()
        await asyncio.Event().wait()

    website.pages["/watch"] = never
    task = asyncio.create_task(fetched(website, tmp_path))
    async with asyncio.timeout(20):
        await asked.wait()
    assert len(_readers()) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _readers() == []


async def test_a_program_without_enough_memory_is_the_sites_trouble(website: Website, tmp_path: Path) -> None:
    """It ends by itself, and nobody else notices."""
    show(website, website.address("/film.mp4"))
    with pytest.raises(LinkUnavailable):
        await fetched(website, tmp_path, limits=replace(LIMITS, memory=48 * 1024 * 1024))


async def test_a_program_that_lost_its_parent_ends(tmp_path: Path) -> None:
    """It was told whose child it is, and is somebody else's."""
    order = {"parent": 1, "processor": 5, "memory": 2**30, "size": 1000}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        reader.__file__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=tmp_path,
    )
    said, complaint = await process.communicate(json.dumps(order).encode())
    assert process.returncode == 1
    assert (said, complaint.strip()) == (b"", b"the parent is gone")


@pytest.mark.parametrize(
    ("reason", "detail", "failure"),
    [
        ("too_long", "", LinkTooLong),
        ("too_large", "", LinkTooLarge),
        ("nothing", "", LinkNotSupported),
        ("error", "ERROR: unable to write data: [Errno 27] File too large", LinkTooLarge),
        ("error", "ERROR: No suitable extractor found for URL http://x", LinkNotSupported),
        ("error", "ERROR: Unsupported URL: http://x", LinkNotSupported),
        ("error", "ERROR: [Instagram] abc: There is no video in this post", LinkNotSupported),
        ("error", "ERROR: [Instagram] a: Requested content is not available, login required", LinkPrivate),
        ("error", "ERROR: [Instagram] a: only available for registered users who follow this account", LinkPrivate),
        ("error", "ERROR: [TikTok] 1: may not be comfortable for some. Log in for access", LinkPrivate),
        ("error", "ERROR: [TikTok] 1: Your IP address is blocked from accessing this post", LinkUnavailable),
        ("error", "ERROR: [TikTok] 1: You do not have permission to view this post", LinkPrivate),
        ("error", "ERROR: [TikTok] 1: Video not available, status code 10204", LinkGone),
        ("error", "ERROR: Unable to download webpage: HTTP Error 404: Not Found", LinkGone),
        ("error", "ERROR: Unable to download webpage: HTTP Error 429: Too Many Requests", LinkUnavailable),
        ("error", "ERROR: Unable to download webpage: timed out", LinkUnavailable),
        ("error", "ERROR: ('Tunnel connection failed: 502 Bad Gateway')", LinkUnavailable),
        ("", "", LinkUnavailable),
    ],
)  # fmt: skip
def test_what_the_program_says_is_read_for_what_a_person_has_to_know(
    reason: str, detail: str, failure: type[LinkFailed]
) -> None:
    """Its own words go to the log."""
    assert type(sites.failure_of(reason, detail)) is failure


async def test_a_long_video_is_refused_before_it_is_downloaded(website: Website, tmp_path: Path) -> None:
    """By the length that the page tells."""
    data = {"@context": "https://schema.org", "@type": "VideoObject", "name": "Fox", "duration": "PT10M",
            "contentUrl": website.address("/film.mp4"), "thumbnailUrl": website.address("/t.jpg"),
            "uploadDate": "2026-01-01"}  # fmt: skip
    markup = f'<html><head><script type="application/ld+json">{json.dumps(data)}</script></head></html>'
    website.page("/watch", markup.encode(), Content_Type="text/html")
    website.page("/film.mp4", await media.film("16:9"), Content_Type="video/mp4")
    with pytest.raises(LinkTooLong):
        await fetched(website, tmp_path)
    assert _files_in(tmp_path) == 0


def _files_in(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())


def _readers() -> list[int]:
    """Processes of ours that run the program."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if reader.__file__.encode() in command and parent == os.getpid():
            found.append(int(entry.name))
    return found
