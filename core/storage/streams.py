"""Files and streams on this machine, read and written piece by piece outside of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, TypeVar

from core.storage.base import PIECE, Source, StorageUnavailable

File = TypeVar("File", bound=IO[bytes])


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


@asynccontextmanager
async def opened(make: Callable[[], File]) -> AsyncIterator[File]:
    """Open a file in a thread, and close it. Whoever is cancelled meanwhile leaves none open.

    Raises:
        OSError: it cannot be opened.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(make))
    try:
        file = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close)
        raise
    with file:
        yield file


async def read_pieces(path: Path, *, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
    """Yield a file, or `length` bytes of it from `start`. A file that is replaced meanwhile is read to its end."""
    async with opened(lambda: path.open("rb")) as file:
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
    size = 0
    async with AsyncExitStack() as stack:
        with disk_errors(path.parent):
            file = await stack.enter_async_context(opened(lambda: path.open("wb")))
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


def _close(opening: asyncio.Future[File]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
