"""Objects in Cloud Storage, through its JSON API: what a job left behind, and links to it for whoever streams them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from pydantic import Field

from providers.base import Media
from providers.errors import InvalidRequest, ProviderError
from providers.google import failures
from providers.google.account import ServiceAccount
from providers.http import TIMEOUT_SECONDS, Answer, HttpApi, Reply

BASE_URL = "https://storage.googleapis.com"
MOST_OBJECTS = 100
_URI = re.compile(r"gs://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:/(.*))?", re.DOTALL)


class _Object(Answer):
    name: str


class _Objects(Answer):
    items: tuple[_Object, ...] = ()


class _ErrorBody(Answer):
    message: str = ""
    status: str | None = None


class _Error(Answer):
    error: _ErrorBody = Field(default_factory=_ErrorBody)


class Bucket:
    """A folder in a bucket, and every other object that our account may read."""

    def __init__(
        self, account: ServiceAccount, uri: str, *, base_url: str | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        """`uri` is ``gs://bucket/folder``; `timeout` is in seconds and for one call.

        Raises:
            ValueError: the address names no bucket.
        """
        found = _URI.fullmatch(uri)
        if found is None:
            raise ValueError(f"{uri!r} is no folder in a bucket, such as gs://bucket/folder")
        self.name = found[1]
        self.folder = f"{found[2].strip('/')}/" if found[2] and found[2].strip("/") else ""
        self._account = account
        self._api = HttpApi(base_url or BASE_URL, classify=_failure, headers=dict, secrets=(), timeout=timeout)

    def uri(self, path: str) -> str:
        """Return the address of something in the folder as Google's services write it."""
        return f"gs://{self.name}/{self.folder}{path}"

    async def films(self, path: str) -> tuple[str, ...]:
        """Return the addresses of the videos below a path in the folder, in the order of their names.

        Raises:
            ProviderError: what Google or the network answered.
        """
        params = {"prefix": f"{self.folder}{path}", "fields": "items(name)", "maxResults": str(MOST_OBJECTS)}
        headers = await self._headers()
        with self._secretly():
            found = await self._api.ask(f"/storage/v1/b/{self.name}/o", _Objects, params=params, headers=headers)
        return tuple(f"gs://{self.name}/{item.name}" for item in found.items if item.name.endswith(".mp4"))

    async def media(self, uri: str, mime: str) -> Media:
        """Return a link to an object, with the authorization that it demands: it is streamed, never read here.

        Raises:
            ProviderError: there is no token for it.
        """
        found = _URI.fullmatch(uri)
        if found is None or not found[2]:
            raise InvalidRequest(f"{uri[:200]!r} is no object in a bucket")
        url = f"{self._api.base_url}/storage/v1/b/{found[1]}/o/{quote(found[2], safe='')}?alt=media"
        return Media(mime, url=url, headers=await self._headers())

    async def put(self, path: str, data: bytes, mime: str) -> str:
        """Put something into the folder and return its address.

        Raises:
            ProviderError: what Google or the network answered.
        """
        params = {"uploadType": "media", "name": f"{self.folder}{path}"}
        headers = await self._headers() | {"Content-Type": mime}
        with self._secretly():
            target = f"/upload/storage/v1/b/{self.name}/o"
            await self._api.ask(target, _Object, method="POST", params=params, content=data, headers=headers)
        return self.uri(path)

    async def remove(self, path: str) -> None:
        """Take something out of the folder; it may be gone already.

        Raises:
            ProviderError: what Google or the network answered.
        """
        headers = await self._headers()
        with self._secretly():
            name = quote(f"{self.folder}{path}", safe="")
            await self._api.tell("DELETE", f"/storage/v1/b/{self.name}/o/{name}", headers=headers)

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._api.close()

    @contextmanager
    def _secretly(self) -> Iterator[None]:
        """Strike our tokens out of what goes wrong."""
        try:
            yield
        except ProviderError as failure:
            raise failures.without(failure, self._account.secrets) from None

    async def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self._account.token()}"}


def _failure(reply: Reply) -> ProviderError | None:
    if reply.is_success:
        return None
    told = reply.try_to_read(_Error)
    error = told.error if told else _ErrorBody()
    return failures.from_status(reply.status, error.status, error.message or reply.said, None)
