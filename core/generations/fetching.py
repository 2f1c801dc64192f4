"""Downloads a result from a provider's link into a file, however large it is, and no further than the link may lead."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import httpx

from providers.base import Media
from providers.errors import ProviderUnavailable

MOST_BYTES: Final = 500 * 1024 * 1024
LONGEST_SECONDS: Final = 600.0
MOST_REDIRECTS: Final = 5
TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)


async def fetch(media: Media, path: Path) -> None:
    """Write what is behind a result's link to `path`.

    Raises:
        ProviderUnavailable: it cannot be had, or is larger than anything that we ordered.
    """
    assert media.url is not None
    try:
        async with (
            asyncio.timeout(LONGEST_SECONDS),
            httpx.AsyncClient(timeout=TIMEOUT, verify=_certificates()) as client,
        ):
            await _follow(client, _checked(httpx.URL(media.url)), media.headers, path)
    except TimeoutError:
        raise ProviderUnavailable(f"the result did not come within {LONGEST_SECONDS:.0f} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Not its text: links to results are as good as the results.
        raise ProviderUnavailable(f"the result cannot be fetched: {type(error).__name__}") from None


async def _follow(client: httpx.AsyncClient, url: httpx.URL, headers: Mapping[str, str], path: Path) -> None:
    for _ in range(MOST_REDIRECTS + 1):
        async with client.stream("GET", url, headers={"Accept-Encoding": "identity", **headers}) as response:
            following = response.next_request
            if following is None:
                if not response.is_success:
                    raise ProviderUnavailable(f"the result cannot be fetched: HTTP {response.status_code}")
                await _write(response, path)
                return
        target = _checked(following.url)
        if url.scheme == "https" and target.scheme != "https":
            raise ProviderUnavailable("the result's link leads from https to http")
        if _origin(target) != _origin(url):
            # What proves who we are is for the provider, not for whom it sends us to.
            headers = {}
        url = target
    raise ProviderUnavailable(f"the result's link leads through more than {MOST_REDIRECTS} others")


async def _write(response: httpx.Response, path: Path) -> None:
    told = response.headers.get("content-length", "")
    if told.isdecimal() and int(told) > MOST_BYTES:
        raise ProviderUnavailable(f"the result has {told} bytes")
    size = 0
    with await asyncio.to_thread(path.open, "wb") as file:
        async for piece in response.aiter_bytes(256 * 1024):
            size += len(piece)
            if size > MOST_BYTES:
                raise ProviderUnavailable(f"the result has more than {MOST_BYTES} bytes")
            await asyncio.to_thread(file.write, piece)


def _checked(url: httpx.URL) -> httpx.URL:
    if url.scheme not in {"http", "https"} or not url.host:
        raise ProviderUnavailable(f"the result's link is none of the web: {url.scheme}")
    return url


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes 20 ms and a megabyte each time."""
    return httpx.create_ssl_context()
