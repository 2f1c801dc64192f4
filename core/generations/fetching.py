"""Downloads a result from a provider's link into a file, however large it is, and no further than the link may lead.

A link leads to the public web, or to a host that our settings name as a provider's address: whoever answers in a
provider's name must not have us open what is inside of our own network.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpcore
import httpx

from core import providers
from core.references import LinkFailed
from core.references.gate import CONNECT_SECONDS, Gate, pool
from core.storage.streams import opened
from providers.base import Media
from providers.errors import ProviderUnavailable

MOST_BYTES: Final = 500 * 1024 * 1024
LONGEST_SECONDS: Final = 600.0
MOST_REDIRECTS: Final = 5
IDLE_SECONDS: Final = 60.0
TIMEOUTS: Final = {"connect": CONNECT_SECONDS, "read": IDLE_SECONDS, "write": IDLE_SECONDS, "pool": IDLE_SECONDS}

_FAILED: Final = (
    LinkFailed,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    ssl.SSLError,
    httpx.HTTPError,
    httpx.InvalidURL,
)


async def fetch(media: Media, path: Path) -> None:
    """Write what is behind a result's link to `path`.

    Raises:
        ProviderUnavailable: it cannot be had, leads where it must not, or is larger than anything that we ordered.
    """
    assert media.url is not None
    gate = Gate(ports=None, trusted=providers.hosts())
    try:
        async with asyncio.timeout(LONGEST_SECONDS), pool(gate) as connections:
            await _follow(connections, _checked(httpx.URL(media.url)), media.headers, path)
    except TimeoutError:
        raise ProviderUnavailable(f"the result did not come within {LONGEST_SECONDS:.0f} s") from None
    except _FAILED as error:
        # Not its text: links to results are as good as the results.
        raise ProviderUnavailable(f"the result cannot be fetched: {type(error).__name__}") from None


async def _follow(
    connections: httpcore.AsyncConnectionPool, url: httpx.URL, headers: Mapping[str, str], path: Path
) -> None:
    for _ in range(MOST_REDIRECTS + 1):
        request = httpx.Request("GET", url, headers={"Accept": "*/*", "Accept-Encoding": "identity", **headers})
        address = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        async with connections.stream(
            "GET", address, headers=request.headers.raw, extensions={"timeout": TIMEOUTS}
        ) as response:
            answer = httpx.Response(
                response.status, headers=response.headers, content=response.aiter_stream(), request=request
            )
            if not answer.has_redirect_location:
                if not answer.is_success:
                    raise ProviderUnavailable(f"the result cannot be fetched: HTTP {answer.status_code}")
                await _write(answer, path)
                return
        target = _checked(url.join(answer.headers["location"]))
        if url.scheme == "https" and target.scheme != "https":
            raise ProviderUnavailable("the result's link leads from https to http")
        if _origin(target) != _origin(url):
            # What proves who we are is for the provider, not for whom it sends us to.
            headers = {}
        url = target
    raise ProviderUnavailable(f"the result's link leads through more than {MOST_REDIRECTS} others")


async def _write(answer: httpx.Response, path: Path) -> None:
    told = answer.headers.get("content-length", "")
    if told.isdecimal() and int(told) > MOST_BYTES:
        raise ProviderUnavailable(f"the result has {told} bytes")
    size = 0
    async with opened(lambda: path.open("wb")) as file:
        async for piece in answer.aiter_bytes(256 * 1024):
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
