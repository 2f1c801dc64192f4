"""Files and streams on this machine, read and written piece by piece outside of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import BinaryIO

from core.storage.base import PIECE, Source, StorageUnavailable


async def pieces_of(data: Source) -> AsyncGenerator[bytes, None]:
    """Yield what a file is made from."""
    if isinstance(data, bytes):
        yield data
    elif isinstance(data, Path):
        async with aclosing(read_pieces(data)) as pieces:
            async for piece in pieces:
                yield piece
    else:
        async for piece in data:
            yield piece


async def read_pieces(path: Path, *, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
    """Yield a file, or `length` bytes of it from `start`. A file that is replaced meanwhile is read to its end."""
    with await asyncio.to_thread(path.open, "rb") as file:
        await asyncio.to_thread(file.seek, start)
        left = length
        while left is None or left > 0:
            piece = await asyncio.to_thread(file.read, PIECE if left is None else min(PIECE, left))
            if not piece:
                return
            if left is not None:
                left -= len(piece)
            yield piece


async def write_pieces(path: Path, data: AsyncIterator[bytes]) -> int:
    """Write a stream to a file and return its size. What the stream raises passes through.

    Raises:
        StorageUnavailable: the disk is full, or cannot be written.
    """
    with disk_errors(path.parent):
        file: BinaryIO = await asyncio.to_thread(path.open, "wb")
    size = 0
    with file:
        async for piece in data:
            with disk_errors(path.parent):
                size += await asyncio.to_thread(file.write, piece)
        with disk_errors(path.parent):
            await asyncio.to_thread(file.flush)
    return size


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Tell of a full, read-only or missing disk in the words of a storage."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(f"{folder}: {error.strerror}") from error
