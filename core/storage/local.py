"""Storage in a folder, for one machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from core.storage.base import FileNotStored
from core.storage.links import Links

PIECE = 256 * 1024
ALLOWED_KEY = re.compile(r"(?!\.)[A-Za-z0-9_.-]+(/(?!\.)[A-Za-z0-9_.-]+)*")


class LocalStorage:
    """Keeps every file under its key in a folder; a file appears by rename, so nobody reads half of one."""

    def __init__(self, folder: Path, links: Links) -> None:
        self._folder = folder
        self._links = links

    async def put(self, key: str, data: bytes | AsyncIterator[bytes], *, mime: str) -> int:
        """See `Storage.put`. A folder needs no `mime`."""
        del mime
        target = self._path(key)
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
        try:
            if isinstance(data, bytes):
                await asyncio.to_thread(temporary.write_bytes, data)
            else:
                await _write_stream(temporary, data)
            await asyncio.to_thread(os.replace, temporary, target)
        finally:
            await asyncio.to_thread(temporary.unlink, missing_ok=True)
        return await self.size(key)

    async def read(self, key: str) -> bytes:
        """See `Storage.read`."""
        try:
            return await asyncio.to_thread(self._path(key).read_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise FileNotStored(key) from None

    async def stream(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """See `Storage.stream`."""
        size = await self.size(key)
        left = size - start if length is None else length
        with await asyncio.to_thread(self._path(key).open, "rb") as file:
            await asyncio.to_thread(file.seek, start)
            while left > 0 and (piece := await asyncio.to_thread(file.read, min(PIECE, left))):
                left -= len(piece)
                yield piece

    async def size(self, key: str) -> int:
        """See `Storage.size`."""
        path = self._path(key)
        if not await asyncio.to_thread(path.is_file):
            raise FileNotStored(key)
        return (await asyncio.to_thread(path.stat)).st_size

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        with contextlib.suppress(IsADirectoryError, NotADirectoryError):
            await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    def link(self, key: str, *, lifetime: timedelta) -> str:
        """See `Storage.link`."""
        return self._links.make(key, lifetime)

    def is_valid_link(self, key: str, expires: str, signature: str) -> bool:
        """See `Storage.is_valid_link`."""
        return self._links.is_valid(key, expires, signature)

    async def check(self) -> None:
        """See `Storage.check`."""
        key = f"check/{secrets.token_hex(8)}"
        await self.put(key, b"ok", mime="text/plain")
        try:
            if await self.read(key) != b"ok":
                raise OSError(f"{self._folder} gives back other bytes than were written")
        finally:
            await self.delete(key)

    def _path(self, key: str) -> Path:
        if not ALLOWED_KEY.fullmatch(key):
            raise FileNotStored(f"{key!r} is not a key of a file")
        return self._folder / key


async def _write_stream(path: Path, data: AsyncIterator[bytes]) -> None:
    file: BinaryIO = await asyncio.to_thread(path.open, "wb")
    with file:
        async for piece in data:
            await asyncio.to_thread(file.write, piece)
