"""What every storage does, whether it is a folder or Supabase."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.storage import LONGEST_LINK, FileNotStored, Source, Storage
from core.storage.base import PIECE

pytestmark = pytest.mark.integration

KEY = "results/2026/11/fox-0.png"
FILM = "results/2026/11/fox-0.mp4"
MEBIBYTE = 1024 * 1024
LARGE = bytes(range(251)) * (13 * MEBIBYTE // 251) + b"the end"
"""Three chunks of a resumable upload, and no repetition that would hide a chunk in the wrong place."""

HOUR = timedelta(hours=1)


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    """A stream of these."""
    for piece in data:
        yield piece


async def streamed(files: Storage, key: str, **part: Any) -> bytes:
    """What `stream` yields, in one piece."""
    return b"".join([piece async for piece in files.stream(key, **part)])


def as_bytes(data: bytes, folder: Path) -> Source:
    """The file in memory."""
    del folder
    return data


def as_file(data: bytes, folder: Path) -> Source:
    """The file on disk."""
    path = folder / "source"
    path.write_bytes(data)
    return path


def as_stream(data: bytes, folder: Path) -> Source:
    """The file on its way."""
    del folder
    return pieces(*(data[start : start + 1_000_003] for start in range(0, len(data), 1_000_003)))


@pytest.mark.parametrize("form", [as_bytes, as_file, as_stream])
@pytest.mark.parametrize("data", [b"", b"pixels", LARGE], ids=["empty", "small", "large"])
async def test_what_is_put_is_read(
    either: Storage, data: bytes, form: Callable[[bytes, Path], Source], tmp_path: Path
) -> None:
    assert await either.put(KEY, form(data, tmp_path), mime="image/png") == len(data)
    assert await either.size(KEY) == len(data)
    assert await streamed(either, KEY) == data
    assert await either.read(KEY) == data


@pytest.mark.parametrize("data", [b"new", LARGE], ids=["small", "large"])
async def test_putting_again_replaces_the_file(either: Storage, data: bytes) -> None:
    await either.put(FILM, b"a first version", mime="video/mp4")
    await either.put(FILM, data, mime="video/mp4")
    assert await either.read(FILM) == data


async def test_a_file_is_fetched_to_a_path(either: Storage, tmp_path: Path) -> None:
    await either.put(FILM, LARGE, mime="video/mp4")
    assert await either.fetch_to(FILM, tmp_path / "film") == len(LARGE)
    assert await asyncio.to_thread((tmp_path / "film").read_bytes) == LARGE


async def test_a_file_that_is_not_there_is_not_fetched(either: Storage, tmp_path: Path) -> None:
    with pytest.raises(FileNotStored):
        await either.fetch_to(FILM, tmp_path / "film")
    assert not await asyncio.to_thread((tmp_path / "film").exists)


async def test_a_large_file_comes_in_pieces(either: Storage) -> None:
    await either.put(FILM, LARGE, mime="video/mp4")
    assert max([len(piece) async for piece in either.stream(FILM)]) <= PIECE


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 1), (0, PIECE + 1), (PIECE - 1, 2), (5, 0), (len(LARGE) - 1, 1), (100, None), (len(LARGE), None)],
)
async def test_a_range_is_exactly_that(either: Storage, start: int, length: int | None) -> None:
    await either.put(FILM, LARGE, mime="video/mp4")
    end = len(LARGE) if length is None else start + length
    assert await streamed(either, FILM, start=start, length=length) == LARGE[start:end]


@pytest.mark.parametrize(("start", "length"), [(0, len(LARGE) * 2), (len(LARGE) + 5, None), (len(LARGE) + 5, 10)])
async def test_a_range_beyond_the_end_stops_there(either: Storage, start: int, length: int | None) -> None:
    await either.put(FILM, LARGE, mime="video/mp4")
    assert await streamed(either, FILM, start=start, length=length) == LARGE[start:]


async def test_what_is_not_there_is_not_stored(either: Storage) -> None:
    for key in (KEY, FILM):
        with pytest.raises(FileNotStored):
            await either.read(key)
        with pytest.raises(FileNotStored):
            await either.size(key)
        with pytest.raises(FileNotStored):
            await either.link(key, lifetime=HOUR)
        for part in ({}, {"start": 1}, {"length": 5}, {"length": 0}):
            with pytest.raises(FileNotStored):
                await streamed(either, key, **part)


async def test_deleting_removes_that_file_and_may_be_repeated(either: Storage) -> None:
    await either.put("a/1.png", b"1", mime="image/png")
    await either.put("a/2.png", b"2", mime="image/png")
    await either.delete("a/1.png")
    await either.delete("a/1.png")
    with pytest.raises(FileNotStored):
        await either.size("a/1.png")
    assert await either.read("a/2.png") == b"2"


async def test_many_are_deleted_at_once_and_missing_ones_are_no_error(either: Storage) -> None:
    kept = "a/kept.png"
    keys = [f"a/{number}.{kind}" for number in range(5) for kind in ("png", "mp4")]
    for key in (*keys, kept):
        await either.put(key, b"x", mime="image/png")
    await either.delete_many([*keys, "a/missing.png"])
    for key in keys:
        with pytest.raises(FileNotStored):
            await either.size(key)
    assert await either.size(kept) == 1
    await either.delete_many([])


async def test_a_link_may_not_live_too_long(either: Storage) -> None:
    await either.put(KEY, b"x", mime="image/png")
    with pytest.raises(ValueError, match="lives at most"):
        await either.link(KEY, lifetime=LONGEST_LINK + timedelta(seconds=1))
    with pytest.raises(ValueError, match="lives at most"):
        await either.upload_ticket(KEY, mime="image/png", most_bytes=1, lifetime=LONGEST_LINK + HOUR)


async def test_a_ticket_says_how_and_until_when(either: Storage) -> None:
    ticket = await either.upload_ticket(KEY, mime="image/png", most_bytes=100, lifetime=timedelta(minutes=10))
    assert ticket.method == "PUT" and ticket.headers["Content-Type"] == "image/png"
    assert timedelta(minutes=8) < ticket.expires - datetime.now(UTC) <= timedelta(minutes=10)


async def test_a_stream_that_fails_leaves_the_old_file(either: Storage) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"half of the new "
        raise ConnectionResetError

    await either.put(KEY, b"old", mime="image/png")
    with pytest.raises(ConnectionResetError):
        await either.put(KEY, failing(), mime="image/png")
    assert await either.read(KEY) == b"old"


async def test_checking_proves_that_it_works(either: Storage) -> None:
    await either.check()
    await either.check()


@pytest.mark.parametrize(
    "key", ["", ".", "../secret", "a/../b", "/etc/passwd", "a//b", "a b", "лиса.png", "a%2e%2e/b", "a?b"]
)
async def test_an_odd_key_is_refused_everywhere(either: Storage, key: str) -> None:
    with pytest.raises(FileNotStored):
        await either.put(key, b"x", mime="text/plain")
    with pytest.raises(FileNotStored):
        await either.read(key)
    with pytest.raises(FileNotStored):
        await either.link(key, lifetime=HOUR)
    with pytest.raises(FileNotStored):
        await either.upload_ticket(key, mime="text/plain", most_bytes=1, lifetime=HOUR)
    with pytest.raises(FileNotStored):
        await either.delete_many([key])
    with pytest.raises(FileNotStored):
        await streamed(either, key)
