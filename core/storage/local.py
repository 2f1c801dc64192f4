"""Storage in a folder, for one machine."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from core.storage.base import (
    FileNotStored,
    Source,
    StorageUnavailable,
    UploadTicket,
    checked,
    checked_lifetime,
)
from core.storage.links import Links
from core.storage.streams import disk_errors, pieces_of, read_pieces, write_pieces

INCOMING: Final = ".incoming"
"""Where files grow until they are whole. No key leads there."""

_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class LocalStorage:
    """Keeps every file under its key in a folder; a file appears by rename, so nobody reads half of one."""

    def __init__(self, folder: Path, links: Links) -> None:
        self._folder = folder
        self._links = links

    @property
    def incoming(self) -> Path:
        """Folder of the files that are not whole yet, and of those that a process left when it was killed."""
        return self._folder / INCOMING

    async def put(self, key: str, data: Source, *, mime: str) -> int:
        """See `Storage.put`. A folder needs no `mime`."""
        del mime
        target = self._path(key)
        temporary = self.incoming / f"{target.name[-100:]}.{secrets.token_hex(6)}"
        try:
            with disk_errors(self._folder):
                for folder in (self.incoming, target.parent):
                    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            async with aclosing(pieces_of(data)) as pieces:
                size = await write_pieces(temporary, pieces)
            with disk_errors(self._folder):
                await asyncio.to_thread(os.replace, temporary, target)
        finally:
            with suppress(NotADirectoryError):
                await asyncio.to_thread(temporary.unlink, missing_ok=True)
        return size

    async def read(self, key: str) -> bytes:
        """See `Storage.read`."""
        try:
            return await asyncio.to_thread(self._path(key).read_bytes)
        except _NO_FILE:
            raise FileNotStored(key) from None

    async def stream(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """See `Storage.stream`."""
        await self.size(key)
        async with aclosing(read_pieces(self._path(key), start=start, length=length)) as pieces:
            async for piece in pieces:
                yield piece

    async def fetch_to(self, key: str, path: Path) -> int:
        """See `Storage.fetch_to`."""
        await self.size(key)
        return await write_pieces(path, self.stream(key))

    async def size(self, key: str) -> int:
        """See `Storage.size`."""
        path = self._path(key)
        if not await asyncio.to_thread(path.is_file):
            raise FileNotStored(key)
        return (await asyncio.to_thread(path.stat)).st_size

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        with disk_errors(self._folder), suppress(*_NO_FILE):
            await asyncio.to_thread(self._path(key).unlink)

    async def delete_many(self, keys: Iterable[str]) -> None:
        """See `Storage.delete_many`."""
        for key in keys:
            await self.delete(key)

    async def link(self, key: str, *, lifetime: timedelta) -> str:
        """See `Storage.link`."""
        await self.size(key)
        return self._links.make(key, checked_lifetime(lifetime))

    async def upload_ticket(self, key: str, *, mime: str, most_bytes: int, lifetime: timedelta) -> UploadTicket:
        """See `Storage.upload_ticket`. Our own web takes the file, and holds it to its size and type."""
        url, expires = self._links.ticket(checked(key), mime, most_bytes, checked_lifetime(lifetime))
        return UploadTicket(url, "PUT", expires, {"Content-Type": mime})

    async def check(self) -> None:
        """See `Storage.check`."""
        key = f"check/{secrets.token_hex(8)}"
        await self.put(key, b"ok", mime="text/plain")
        try:
            if await self.read(key) != b"ok":
                raise StorageUnavailable(f"{self._folder} gives back other bytes than were written")
        finally:
            await self.delete(key)

    async def close(self) -> None:
        """See `Storage.close`."""

    def _path(self, key: str) -> Path:
        return self._folder / checked(key)
