"""Resumable uploads over TUS 1.0, as Supabase speaks it (https://tus.io/protocols/resumable-upload).

A file goes up in chunks. After a broken connection the server is asked how far it got, and the rest follows.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

import httpx

from core.storage.base import StorageUnavailable
from core.storage.streams import read_pieces
from core.storage.supabase_errors import Sleep, error_of, pause

CHUNK: Final = 6 * 1024 * 1024
"""Supabase takes chunks of exactly this size, but for the last one."""

VERSION: Final = {"Tus-Resumable": "1.0.0"}
STARTS: Final = 3
"""How often an upload that the server has forgotten begins anew."""

PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between tries that bring nothing."""

_BUSY: Final = frozenset({408, 409, 423, 425, 429})
"""The chunk before is still being written, or the offset is another one: both are seen by asking."""


class _Forgotten(Exception):
    """The server does not know this upload any more."""


class Uploader:
    """Uploads files to one endpoint. The client brings the credentials."""

    def __init__(self, client: httpx.AsyncClient, endpoint: str, *, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._endpoint = endpoint
        self._sleep = sleep

    async def upload(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Upload a file in place of the one that may be there.

        Raises:
            StorageRefused: it is too large, or we may not.
            StorageUnavailable: the server cannot be reached or keeps forgetting.
        """
        size = (await asyncio.to_thread(path.stat)).st_size
        for _ in range(STARTS):
            try:
                await self._send(await self._create(size, metadata), path, size)
            except _Forgotten:
                continue
            return
        raise StorageUnavailable("the upload was forgotten again and again")

    async def _create(self, size: int, metadata: Mapping[str, str]) -> str:
        pairs = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in metadata.items())
        headers = {**VERSION, "Upload-Length": str(size), "Upload-Metadata": pairs, "x-upsert": "true"}
        for seconds in (*PAUSES, None):
            response = await self._ask("POST", self._endpoint, headers)
            if response is not None and response.status_code == httpx.codes.CREATED:
                # Behind a proxy the server names itself by another scheme or host: only the id is taken, so that our
                # key goes nowhere else.
                return f"{self._endpoint}/{response.headers.get('location', '').rstrip('/').rpartition('/')[2]}"
            await self._pause(seconds, response)
        raise AssertionError("the last pause raises")

    async def _send(self, url: str, path: Path, size: int) -> None:
        offset, tries = 0, 0
        while offset < size:
            reached = await self._patch(url, path, offset, min(CHUNK, size - offset))
            if reached is None:
                await self._pause(PAUSES[tries] if tries < len(PAUSES) else None, None)
                reached = await self._offset(url)
            tries = 0 if reached is not None and reached > offset else tries + 1
            offset = offset if reached is None else reached

    async def _patch(self, url: str, path: Path, offset: int, length: int) -> int | None:
        """Send a chunk and return the new offset; None when it is not known what became of it.

        The chunk is read while it is sent: a request, and all that it holds, outlives its answer for a while.
        """
        headers = {
            **VERSION,
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(length),
            "Upload-Offset": str(offset),
        }
        response = await self._ask("PATCH", url, headers, read_pieces(path, start=offset, length=length))
        return None if response is None else _offset_in(response)

    async def _offset(self, url: str) -> int | None:
        """Return how far the server got; None when it does not say now."""
        response = await self._ask("HEAD", url, VERSION)
        return None if response is None else _offset_in(response)

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], content: AsyncIterator[bytes] | None = None
    ) -> httpx.Response | None:
        """Return an answer that is one, None for one that may be better in a moment.

        Raises:
            _Forgotten, StorageRefused: it will not be better.
        """
        try:
            response = await self._client.request(method, url, headers=dict(headers), content=content)
        except httpx.HTTPError:
            return None
        if response.is_success:
            return response
        if response.status_code in _BUSY or response.is_server_error:
            return None
        if response.status_code in {404, 410} and method != "POST":
            raise _Forgotten
        raise error_of(response.status_code)

    async def _pause(self, seconds: float | None, response: httpx.Response | None) -> None:
        if seconds is None:
            reason = "does not answer" if response is None else f"answers {response.status_code}"
            raise StorageUnavailable(f"the upload gets no further: the storage {reason}")
        await pause(seconds, self._sleep)


def _offset_in(response: httpx.Response) -> int | None:
    offset = response.headers.get("upload-offset", "")
    return int(offset) if offset.isdigit() else None
