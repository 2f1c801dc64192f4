"""Files of this machine, opened and closed whatever happens to those who read them."""

from __future__ import annotations

import asyncio
import threading
from io import BufferedReader, FileIO
from pathlib import Path

import pytest

from core.storage.streams import opened


async def test_who_is_cancelled_while_a_file_is_opened_leaves_it_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"bytes")
    may_open, is_asked, is_closed = threading.Event(), threading.Event(), threading.Event()
    kept: list[BufferedReader] = []

    class Noted(BufferedReader):
        def close(self) -> None:
            super().close()
            is_closed.set()

    def slowly() -> BufferedReader:
        is_asked.set()
        may_open.wait()
        kept.append(Noted(FileIO(path)))
        return kept[0]

    async def read() -> None:
        async with opened(slowly):
            pytest.fail("nobody waits for the file any more")

    reading = asyncio.create_task(read())
    await asyncio.to_thread(is_asked.wait)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    may_open.set()
    assert await asyncio.to_thread(is_closed.wait, 30)


async def test_a_file_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with opened(lambda: (tmp_path / "none").open("rb")):
            pytest.fail("there is no file")
