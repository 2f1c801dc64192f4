"""A proxy of our own for a program whose connections we do not make: it lets through what the gate lets through.

It lives as long as one fetch, on loopback, behind a password of its own. Tunnels (CONNECT) carry TLS and are not looked
into; a plain request is passed on alone on its connection, so that no second one can follow it to another host.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from core.logs import get_logger
from core.references import links
from core.references.errors import LinkFailed, LinkNotSupported
from core.references.gate import Gate

logger = get_logger(__name__)

LONGEST_HEAD: Final = 32 * 1024
HEAD_SECONDS: Final = 10.0
MOST_CONNECTIONS: Final = 16
PIECE: Final = 64 * 1024
PLAIN_METHODS: Final = frozenset({"GET", "HEAD"})
_DROPPED: Final = ("proxy-", "connection:", "keep-alive:", "expect:", "content-length:", "transfer-encoding:", "host:")


class _Spent(Exception):
    """The bytes of this fetch are used up."""


class _Proxy:
    def __init__(self, gate: Gate, size: int) -> None:
        self._gate = gate
        self._left = size
        self._open = 0
        self.password = secrets.token_urlsafe(18)
        self._welcome = "Basic " + base64.b64encode(f"fetch:{self.password}".encode()).decode()
        self.tasks: set[asyncio.Task[None]] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the program."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self._open += 1
        try:
            if self._open <= MOST_CONNECTIONS:
                await self._serve(reader, writer)
        except (OSError, EOFError, ValueError, _Spent, asyncio.LimitOverrunError):
            pass  # The program or the site went away, talks nonsense, or took its share: the connection ends.
        finally:
            self._open -= 1
            self.tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *fields = head.rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        if not any(_is_password(field, self._welcome) for field in fields):
            await _answer(writer, "407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=fetch\r\n")
            return
        try:
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                link = links.parse(f"https://{host}:{int(port)}/")
            elif method in PLAIN_METHODS and target.startswith("http://"):
                link = links.parse(target)
            else:
                raise LinkNotSupported(f"{method} is not passed on without TLS")
            upstream = await self._gate.connect(link.host, link.port)
        except LinkFailed as error:
            logger.warning("reference_proxy_refused", reason=error.detail[:200])
            await _answer(writer, "403 Forbidden" if isinstance(error, LinkNotSupported) else "502 Bad Gateway")
            return
        try:
            if method == "CONNECT":
                await _send(writer, b"HTTP/1.1 200 Connection established\r\n\r\n")
                await self._join((reader, writer), upstream)
            else:
                await _send(upstream[1], _plain_head(method, link, fields))
                await self._pass(upstream[0], writer)
        finally:
            upstream[1].close()

    async def _join(
        self,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        both = [asyncio.create_task(self._pass(near[0], far[1])), asyncio.create_task(self._pass(far[0], near[1]))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while piece := await source.read(PIECE):
            self._left -= len(piece)
            if self._left < 0:
                raise _Spent
            await _send(sink, piece)


@asynccontextmanager
async def opened(gate: Gate, *, size: int) -> AsyncIterator[str]:
    """Run a proxy that passes on so many bytes, and yield its address with the password."""
    proxy = _Proxy(gate, size)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0, limit=LONGEST_HEAD)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://fetch:{proxy.password}@127.0.0.1:{port}"
    finally:
        server.close()
        tasks = list(proxy.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(OSError):
            await server.wait_closed()


def _is_password(field: str, welcome: str) -> bool:
    name, _, value = field.partition(":")
    return name.lower() == "proxy-authorization" and secrets.compare_digest(
        value.strip().encode("latin-1"), welcome.encode("latin-1")
    )


def _plain_head(method: str, link: links.Link, fields: list[str]) -> bytes:
    kept = [field for field in fields if not field.lower().startswith(_DROPPED)]
    host = str(link).partition("://")[2].partition("/")[0]
    rows = [f"{method} {link.target} HTTP/1.1", f"Host: {host}", *kept, "Connection: close"]
    return ("\r\n".join(rows) + "\r\n\r\n").encode("latin-1")


async def _answer(writer: asyncio.StreamWriter, status: str, field: str = "") -> None:
    await _send(writer, f"HTTP/1.1 {status}\r\n{field}Content-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1"))


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
