"""How media reach the model: inside of the request while they are small, else as a file that is taken away again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import uuid4

from providers.base import InputMedia
from providers.errors import InvalidRequest, ProviderError, ProviderUnavailable
from providers.google.sdk import Sdk

if TYPE_CHECKING:
    from google.genai import types
    from google.genai.client import AsyncClient

    from providers.google.bucket import Bucket

LARGEST_INLINE = 18 * 1024 * 1024
LARGEST_BY_CHOICE = 14 * 1024 * 1024
"""Above this the Files API is used: base64 makes a third more of it, and a request of 20 MB may be refused."""

READY_WITHIN = 120.0
LOOK_EVERY = 2.0


class Inline:
    """Puts media into the request, which is the only way on Vertex without a bucket."""

    @asynccontextmanager
    async def parts(self, media: Sequence[InputMedia]) -> AsyncIterator[list[types.Part]]:
        """Lend the parts of a request that are these media.

        Raises:
            InvalidRequest: they are too large.
        """
        if size_of(media) > LARGEST_INLINE:
            raise InvalidRequest(f"{size_of(media)} bytes of media are more than {LARGEST_INLINE}")
        yield inline(media)

    async def close(self) -> None:
        """Close what was opened for the media."""


class Files(Inline):
    """Puts large media into the Files API of the Developer API and takes them away again."""

    def __init__(self, sdk: Sdk, *, look_every: float = LOOK_EVERY, ready_within: float = READY_WITHIN) -> None:
        """Times are in seconds: between two looks, and until a video that is not ready is given up."""
        self._sdk = sdk
        self._look_every = look_every
        self._ready_within = ready_within

    @asynccontextmanager
    async def parts(self, media: Sequence[InputMedia]) -> AsyncIterator[list[types.Part]]:
        """Lend the parts of a request that are these media; what was uploaded is deleted afterwards.

        Raises:
            ProviderError: a file could not be uploaded, or did not become ready.
        """
        if size_of(media) <= LARGEST_BY_CHOICE:
            yield inline(media)
            return
        uploaded: list[str] = []
        try:
            yield [await self._upload(item, uploaded) for item in media]
        finally:
            for name in uploaded:
                await self._delete(name)

    async def _upload(self, media: InputMedia, uploaded: list[str]) -> types.Part:
        from google.genai import types

        async def send(client: AsyncClient) -> types.File:
            config = types.UploadFileConfig(mime_type=media.mime, display_name="reference")
            return await client.files.upload(file=BytesIO(media.data), config=config)

        file = await self._sdk.ask(send)
        uploaded.append(file.name or "")
        ready = await self._ready(file)
        return types.Part.from_uri(file_uri=ready.uri or "", mime_type=media.mime)

    async def _ready(self, file: types.File) -> types.File:
        from google.genai import types

        async def send(client: AsyncClient) -> types.File:
            return await client.files.get(name=file.name or "")

        try:
            async with asyncio.timeout(self._ready_within):
                while file.state is types.FileState.PROCESSING:
                    await asyncio.sleep(self._look_every)
                    file = await self._sdk.ask(send)
        except TimeoutError:
            raise ProviderUnavailable(f"the file was not ready within {self._ready_within:g} s") from None
        if file.state is not types.FileState.ACTIVE:
            raise InvalidRequest(f"Google cannot read the file: {file.error}")
        return file

    async def _delete(self, name: str) -> None:
        """Delete a file. One that stays is deleted by Google after 48 hours, so a failure here is no failure."""

        async def send(client: AsyncClient) -> types.DeleteFileResponse:
            return await client.files.delete(name=name)

        try:
            await self._sdk.ask(send)
        except ProviderError:
            return


class Staged(Inline):
    """Puts large media into a bucket, where Vertex reads them, and takes them away again."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @asynccontextmanager
    async def parts(self, media: Sequence[InputMedia]) -> AsyncIterator[list[types.Part]]:
        """Lend the parts of a request that are these media; what was put into the bucket is removed afterwards.

        Raises:
            ProviderError: the bucket does not take them.
        """
        if size_of(media) <= LARGEST_BY_CHOICE:
            yield inline(media)
            return
        paths = [f"references/{uuid4().hex}" for _ in media]
        try:
            yield [await self._put(path, item) for path, item in zip(paths, media, strict=True)]
        finally:
            for path in paths:
                await self._remove(path)

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._bucket.close()

    async def _put(self, path: str, media: InputMedia) -> types.Part:
        from google.genai import types

        uri = await self._bucket.put(path, media.data, media.mime)
        return types.Part.from_uri(file_uri=uri, mime_type=media.mime)

    async def _remove(self, path: str) -> None:
        """Remove an object. One that stays goes by the bucket's lifecycle rule, so a failure here is no failure."""
        try:
            await self._bucket.remove(path)
        except ProviderError:
            return


def size_of(media: Sequence[InputMedia]) -> int:
    """Return how many bytes the media have together."""
    return sum(len(item.data) for item in media)


def inline(media: Sequence[InputMedia]) -> list[types.Part]:
    """Return media as parts of the request itself."""
    from google.genai import types

    return [types.Part.from_bytes(data=item.data, mime_type=item.mime) for item in media]
