"""Downloads a picture or video from a link that leads to it directly. Every hop is parsed and checked anew."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Final

import httpcore

from core.references import links
from core.references.errors import LinkFailed, LinkGone, LinkNotSupported, LinkPrivate, LinkTooLarge, LinkUnavailable
from core.references.gate import CONNECT_SECONDS, Gate, pool
from core.references.limits import Limits
from core.references.links import Link

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
USER_AGENT: Final = "Mozilla/5.0 (compatible; NanoBanana)"
MARKUP: Final = b"<"


async def download(link: Link, folder: Path, *, gate: Gate, limits: Limits) -> Path:
    """Return the file behind a link, in a folder. What it is, its bytes have to say later.

    Raises:
        LinkFailed: the subclass says why; nothing is left in the folder that matters.
    """
    path = folder / "downloaded"
    try:
        async with asyncio.timeout(limits.seconds):
            await _follow(link, path, gate, limits)
    except TimeoutError:
        raise LinkUnavailable(f"{link.host} did not finish in {limits.seconds:g} s") from None
    return path


async def _follow(link: Link, path: Path, gate: Gate, limits: Limits) -> None:
    async with pool(gate) as connections:
        for _ in range(limits.redirects + 1):
            try:
                following = await _fetch(connections, link, path, limits)
            except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
                raise LinkUnavailable(f"{link.host}: {type(error).__name__} {error}"[:300]) from None
            if following is None:
                return
            link = following
    raise LinkNotSupported(f"more than {limits.redirects} redirects")


async def _fetch(connections: httpcore.AsyncConnectionPool, link: Link, path: Path, limits: Limits) -> Link | None:
    """Write the file and return None, or return where the site sends us on."""
    address = httpcore.URL(scheme=link.scheme, host=link.host, port=link.port, target=link.target)
    host = str(link).partition("://")[2].partition("/")[0]
    headers: list[tuple[bytes | str, bytes | str]] = [
        ("Host", host),
        ("User-Agent", USER_AGENT),
        ("Accept", "image/*, video/*"),
        ("Accept-Encoding", "identity"),
    ]
    timeouts = {"connect": CONNECT_SECONDS, "read": limits.idle, "write": limits.idle, "pool": limits.idle}
    async with connections.stream("GET", address, headers=headers, extensions={"timeout": timeouts}) as response:
        told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        if response.status in REDIRECTS and told.get("location"):
            return links.parse(told["location"], base=link)
        _check_answer(response.status, told, limits)
        await _write(response, path, limits)
    return None


async def _write(response: httpcore.Response, path: Path, limits: Limits) -> None:
    size = 0
    with path.open("wb") as file:
        async for piece in response.aiter_stream():
            if not size and piece.lstrip()[:1] == MARKUP:
                raise LinkNotSupported("the link leads to a page, and not to a picture or video")
            size += len(piece)
            if size > limits.size:
                raise LinkTooLarge(f"more than {limits.size} bytes")
            file.write(piece)
    if not size:
        raise LinkNotSupported("the file is empty")


def _check_answer(status: int, told: dict[str, str], limits: Limits) -> None:
    if not 200 <= status < 300:
        raise _failure(status)
    if told.get("content-encoding", "identity").lower() != "identity":
        raise LinkNotSupported("the file is packed although we did not ask for that")
    length = told.get("content-length", "")
    if length.isdecimal() and int(length) > limits.size:
        raise LinkTooLarge(f"{length} bytes")


def _failure(status: int) -> LinkFailed:
    if status in {401, 402, 403, 407}:
        return LinkPrivate(f"the site answered {status}")
    if status in {404, 410, 451}:
        return LinkGone(f"the site answered {status}")
    if status in {408, 425, 429} or status >= 500:
        return LinkUnavailable(f"the site answered {status}")
    return LinkNotSupported(f"the site answered {status}")
