"""Reads a file over HTTP as a stream that survives broken connections: it goes on where it was, in the same version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import httpx

from core.storage.base import PIECE, StorageUnavailable
from core.storage.supabase_errors import PAUSES, Sleep, error_in, pause

BEYOND_THE_END: Final = 416


class Download:
    """One file, from `start` to before `end` or to where it ends."""

    def __init__(self, client: httpx.AsyncClient, url: str, start: int, end: int | None) -> None:
        self._client = client
        self._url = url
        self._position = start
        self._end = end
        self._version: str | None = None

    async def pieces(self, *, sleep: Sleep = asyncio.sleep) -> AsyncGenerator[bytes, None]:
        """Yield the bytes.

        Raises:
            FileNotStored, StorageRefused: there is none, or we may not.
            StorageUnavailable: it cannot be read on, or was replaced by another one meanwhile.
        """
        tries = 0
        while self._end is None or self._position < self._end:
            try:
                async with aclosing(self._connection()) as pieces:
                    async for piece in pieces:
                        self._position, tries = self._position + len(piece), 0
                        yield piece
                return
            except (httpx.HTTPError, _Busy) as error:
                if tries == len(PAUSES):
                    raise StorageUnavailable(f"the file cannot be read: {type(error).__name__}") from None
                await pause(PAUSES[tries], sleep)
                tries += 1

    async def _connection(self) -> AsyncGenerator[bytes, None]:
        """Yield what comes over one connection."""
        async with self._client.stream("GET", self._url, headers=self._range()) as response:
            if response.status_code == BEYOND_THE_END:
                return
            if not response.is_success:
                error = await error_in(response)
                raise _Busy if isinstance(error, StorageUnavailable) else error
            self._check_version(response)
            # Who does not know ranges sends everything.
            skipped = self._position if response.status_code == httpx.codes.OK else 0
            left = None if self._end is None else self._end - self._position
            async for piece in response.aiter_bytes(PIECE):
                wanted = piece[skipped:] if skipped < len(piece) else b""
                skipped = max(0, skipped - len(piece))
                if left is not None:
                    wanted = wanted[:left]
                    left -= len(wanted)
                if wanted:
                    yield wanted
                if left == 0:
                    return

    def _range(self) -> dict[str, str]:
        # Compressed bytes have no places that one could go on from.
        headers = {"Accept-Encoding": "identity"}
        if self._position or self._end is not None:
            headers["Range"] = f"bytes={self._position}-{'' if self._end is None else self._end - 1}"
        return headers

    def _check_version(self, response: httpx.Response) -> None:
        version = response.headers.get("etag", "")
        if self._version is not None and version != self._version:
            raise StorageUnavailable("the file was replaced while it was read")
        self._version = version


class _Busy(Exception):
    """The server asks to come back."""
