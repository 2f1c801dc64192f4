"""Where results lie: a web server that answers as a vendor's storage may, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Page:
    """What is sent. `is_cut` closes the connection before all that was told is sent."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False


class Site:
    """Pages by path; of several for one path the first is sent first, the last one for ever."""

    def __init__(self) -> None:
        self.pages: dict[str, deque[Page]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.address = ""

    def put(self, path: str, *pages: Page) -> str:
        """Have a path answered; return its link."""
        self.pages[path] = deque(pages)
        return self.address + path

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        self.asked.append(
            (path, {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])})
        )
        known = self.pages.get(path, deque([Page(404)]))
        page = known.popleft() if len(known) > 1 else known[0]
        headers = dict(page.headers)
        if isinstance(page.body, bytes):
            length = len(page.body) * (2 if page.is_cut else 1)
            headers.setdefault("Content-Length", str(length))
        lines = [
            f"HTTP/1.1 {page.status} x",
            "Connection: close",
            *(f"{name}: {text}" for name, text in headers.items()),
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        try:
            for piece in [page.body] if isinstance(page.body, bytes) else page.body:
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """Yield a running site."""
    opened = Site()
    server = await asyncio.start_server(opened.serve, "127.0.0.1", 0)
    opened.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield opened
