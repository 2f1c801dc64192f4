"""Storage at Supabase: private buckets through the official SDK, large files resumably, downloads as streams.

The SDK has no resumable uploads and no streams; those go over the same HTTP client. Facts:
https://supabase.com/docs/guides/storage and the server's source, https://github.com/supabase/storage.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
from storage3 import AsyncStorageClient
from storage3.types import CreateSignedUploadUrlOptions

from core.logs import get_logger
from core.storage.base import (
    Source,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    UploadTicket,
    checked,
    checked_lifetime,
)
from core.storage.downloads import Download
from core.storage.streams import opened, pieces_of, write_pieces
from core.storage.supabase_errors import Sleep, again, translated
from core.storage.tus import Uploader
from core.temporary import temporary_file

logger = get_logger(__name__)

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
CONNECTIONS: Final = httpx.Limits(max_connections=50, max_keepalive_connections=20)
PREPARE_LIMIT: Final = 5.0
"""Seconds that a starting process waits for Supabase. It starts without it, and is not ready."""

SMALL: Final = 6 * 1024 * 1024
"""Up to here a file goes up in one request; above it resumably, as Supabase recommends."""

IN_MEMORY: Final = 1024 * 1024
"""Up to here bytes go up as they are. A request lives on until Python's collector comes, with all that it holds."""

AT_ONCE: Final = 1000
"""Files that one request removes."""

GOOD_FOR: Final = 15.0
"""Seconds for which a check that went well is believed: readiness is asked often, and a check is five requests."""

CACHED_SECONDS: Final = "3600"
"""Digits only: the server takes anything else for no caching at all."""

_VIDEOS: Final = (".mp4", ".mov", ".webm")
_HOSTED: Final = re.compile(r"(https://[a-z0-9]+)(\.supabase\.co)")


class SupabaseStorage:
    """Keeps pictures in one bucket and videos in another or the same; the extension of a key says which."""

    def __init__(
        self, url: str, key: str, *, bucket: str, video_bucket: str | None = None, sleep: Sleep = asyncio.sleep
    ) -> None:
        # A new secret key is opaque and swapped at the gateway, which looks into both headers.
        credentials = {"apikey": key, "Authorization": f"Bearer {key}"}
        self._client = httpx.AsyncClient(headers=credentials, timeout=TIMEOUT, limits=CONNECTIONS)
        self._address = f"{url}/storage/v1"
        self._storage = AsyncStorageClient(f"{self._address}/", credentials, http_client=self._client)
        # The host for large files has no such gateway: it takes the old keys, which are tokens by themselves.
        direct = url if key.startswith("sb_") else _HOSTED.sub(r"\1.storage\2", url)
        self._uploader = Uploader(self._client, f"{direct}/storage/v1/upload/resumable", sleep=sleep)
        self._bucket = bucket
        self._video_bucket = video_bucket or bucket
        self._sleep = sleep
        self._good_until = 0.0

    async def put(self, key: str, data: Source, *, mime: str) -> int:
        """See `Storage.put`. A stream goes through a temporary file: where it breaks, it can be sent again."""
        checked(key)
        if isinstance(data, bytes) and len(data) <= IN_MEMORY:
            await again(lambda: self._upload(key, data, mime), sleep=self._sleep)
            return len(data)
        if isinstance(data, Path):
            return await self._put_file(key, data, mime)
        async with temporary_file() as path, aclosing(pieces_of(data)) as pieces:
            await write_pieces(path, pieces)
            return await self._put_file(key, path, mime)

    async def read(self, key: str) -> bytes:
        """See `Storage.read`."""
        return b"".join([piece async for piece in self.stream(key)])

    async def stream(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """See `Storage.stream`. After a broken connection it goes on where it was."""
        if length == 0:
            await self.size(key)
        end = None if length is None else start + length
        url = f"{self._address}/object/{self._bucket_of(key)}/{quote(key)}"
        async with aclosing(Download(self._client, url, start, end).pieces(sleep=self._sleep)) as pieces:
            async for piece in pieces:
                yield piece

    async def fetch_to(self, key: str, path: Path) -> int:
        """See `Storage.fetch_to`."""
        await self.size(key)
        return await write_pieces(path, self.stream(key))

    async def size(self, key: str) -> int:
        """See `Storage.size`."""
        bucket = self._storage.from_(self._bucket_of(key))

        async def ask() -> int:
            return int((await bucket.info(key))["size"])

        return await again(ask, sleep=self._sleep)

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        await self.delete_many([key])

    async def delete_many(self, keys: Iterable[str]) -> None:
        """See `Storage.delete_many`."""
        by_bucket: dict[str, list[str]] = {}
        for key in keys:
            by_bucket.setdefault(self._bucket_of(key), []).append(key)
        for name, found in by_bucket.items():
            for start in range(0, len(found), AT_ONCE):
                await self._remove(name, found[start : start + AT_ONCE])

    async def link(self, key: str, *, lifetime: timedelta) -> str:
        """See `Storage.link`."""
        seconds = max(1, round(checked_lifetime(lifetime).total_seconds()))
        bucket = self._storage.from_(self._bucket_of(key))
        signed = await again(lambda: bucket.create_signed_url(key, seconds), sleep=self._sleep)
        if not signed["signedURL"]:
            raise StorageUnavailable("Supabase signed no link")
        return signed["signedURL"]

    async def upload_ticket(self, key: str, *, mime: str, most_bytes: int, lifetime: timedelta) -> UploadTicket:
        """See `Storage.upload_ticket`. Size and time are limited by the bucket and the server, not by the ticket."""
        del most_bytes
        latest = datetime.now(UTC) + checked_lifetime(lifetime)
        bucket, options = self._storage.from_(self._bucket_of(key)), CreateSignedUploadUrlOptions(upsert="true")
        signed = await again(lambda: bucket.create_signed_upload_url(key, options), sleep=self._sleep)
        expires = _expiry(signed["token"])
        headers = {"Content-Type": mime, "x-upsert": "true"}
        return UploadTicket(signed["signed_url"], "PUT", min(latest, expires or latest), headers)

    async def check(self) -> None:
        """See `Storage.check`. A public bucket is a failure: whoever guesses a key would see somebody's photo."""
        if time.monotonic() < self._good_until:
            return
        with translated():
            await self._verify_buckets()
            key = f"check/{secrets.token_hex(8)}.txt"
            await self._upload(key, b"ok", "text/plain")
            bucket = self._storage.from_(self._bucket)
            if await bucket.download(key) != b"ok":
                raise StorageUnavailable("Supabase gives back other bytes than were written")
            await bucket.remove([key])
        self._good_until = time.monotonic() + GOOD_FOR

    async def prepare(self) -> None:
        """Create the buckets that are missing, as private ones. What goes wrong is for `check` to tell again."""
        try:
            async with asyncio.timeout(PREPARE_LIMIT):
                with translated():
                    await self._verify_buckets()
        except (StorageError, TimeoutError) as error:
            logger.error("storage_not_ready", error=str(error) or type(error).__name__)

    async def close(self) -> None:
        """See `Storage.close`."""
        await self._client.aclose()

    def _bucket_of(self, key: str) -> str:
        return self._video_bucket if checked(key).endswith(_VIDEOS) else self._bucket

    async def _put_file(self, key: str, path: Path, mime: str) -> int:
        size = (await asyncio.to_thread(path.stat)).st_size
        if size <= SMALL:
            await again(lambda: self._upload_file(key, path, mime), sleep=self._sleep)
        else:
            names = {"bucketName": self._bucket_of(key), "objectName": key, "contentType": mime}
            await self._uploader.upload(path, {**names, "cacheControl": CACHED_SECONDS})
        return size

    async def _upload_file(self, key: str, path: Path, mime: str) -> None:
        async with opened(lambda: path.open("rb")) as file:
            await self._upload(key, file, mime)

    async def _upload(self, key: str, data: bytes | BufferedReader, mime: str) -> None:
        bucket = self._storage.from_(self._bucket_of(key))
        await bucket.upload(key, data, {"content-type": mime, "cache-control": CACHED_SECONDS, "upsert": "true"})

    async def _remove(self, bucket: str, keys: list[str]) -> None:
        await again(lambda: self._storage.from_(bucket).remove(keys), sleep=self._sleep)

    async def _verify_buckets(self) -> None:
        for name in dict.fromkeys((self._bucket, self._video_bucket)):
            await self._verify(name)

    async def _verify(self, name: str) -> None:
        try:
            with translated():
                found = await self._storage.get_bucket(name)
        except StorageRefused as error:
            if error.code != "NoSuchBucket":
                raise
            await self._create(name)
            return
        if found.public:
            raise StorageRefused("PublicBucket", f"the bucket {name} is public; make it private at Supabase")

    async def _create(self, name: str) -> None:
        try:
            with translated():
                await self._storage.create_bucket(name, options={"public": False})
        except StorageRefused as error:
            # Another process was faster.
            if error.code != "AlreadyExists":
                raise
        logger.info("bucket_created", bucket=name)


def _expiry(token: str) -> datetime | None:
    """Return when a signed token ends, as it says itself."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError):
        return None
