"""A gateway in front of an emulated service that changes one place of its answers, as a vendor's bad day would.

Everything is passed on as it is, except the answer that is aimed at: a document with one part replaced, or other bytes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from providers.base import Json

Path = tuple[str | int, ...]
Request = tuple[str, str]

_MARK = "\ue000here\ue000"
DEEP = "[" * 20_000 + "]" * 20_000
VALUES = (
    "null",
    '""',
    '"fox"',
    '"\\u0000"',
    '"../../accounts?x=1"',
    '"99999999999999999999999s"',
    f'"{"9" * 5000}"',
    json.dumps("[" * 20_000),
    "true",
    "-1",
    "0",
    "1.5",
    "9e999999",
    "NaN",
    "-Infinity",
    "1" * 4000,
    "[]",
    "{}",
    "[null]",
    '[{"fox": []}]',
    '{"message": {"fox": null}}',
    DEEP,
)
"""What stands in place of a part of a document, as it is written in JSON or nearly so."""

BODIES = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"fox"',
    b"5",
    b"[null]",
    b'{"code": 200, "data": [',
    b"<!doctype html><title>502 Bad Gateway</title>",
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b"\x00",
    DEEP.encode(),
    json.dumps({"error": {"message": "x" * 100_000}}).encode(),
)
"""Whole answers that are none."""


def paths(document: Json, here: Path = ()) -> Iterator[Path]:
    """Where a document has parts, itself left out; of a list the first only."""
    if isinstance(document, dict):
        for name, part in document.items():
            yield (*here, name)
            yield from paths(part, (*here, name))
    elif isinstance(document, list) and document:
        yield (*here, 0)
        yield from paths(document[0], (*here, 0))


def replaced(document: Json, path: Path, value: str) -> bytes:
    """Return the document with one part written as `value`."""
    copy = json.loads(json.dumps(document))
    at = copy
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = _MARK
    return json.dumps(copy).replace(json.dumps(_MARK), value).encode()


@dataclass
class Meddler:
    """What stands between. `instead` is what the next answers are, `status` what they come with.

    Attributes:
        spares: parts of paths that are passed on whatever is aimed at, such as uploads before an order.
        answers: what the service itself said of late.
    """

    behind: str
    spares: tuple[str, ...] = ()
    instead: bytes | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[Request, bytes]] = field(default_factory=list)
    address: str = ""

    def honest(self) -> None:
        """Pass everything on again."""
        self.instead, self.status, self.headers = None, None, {}

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and hang up."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.pop("content-length", "0")))
            status, answer = await self._answer(method, path, headers, body)
            told = {"Content-Type": "application/json", "Content-Length": str(len(answer)), "Connection": "close"}
            told |= self.headers
            lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in told.items()), "", ""]
            writer.write("\r\n".join(lines).encode("latin-1") + answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        kept = {name: value for name, value in headers.items() if name not in ("host", "connection", "accept-encoding")}
        if self.instead is not None and self.status is not None and not self._is_spared(path):
            return self.status, self.instead
        async with httpx.AsyncClient(trust_env=False) as client:
            reply = await client.request(method, f"{self.behind}{path}", headers=kept, content=body)
        if self._is_spared(path):
            return reply.status_code, reply.content
        self.answers.append(((method, path), reply.content))
        return reply.status_code, reply.content if self.instead is None else self.instead

    def _is_spared(self, path: str) -> bool:
        return any(part in path for part in self.spares)


@asynccontextmanager
async def meddling(behind: str, *spares: str) -> AsyncIterator[Meddler]:
    """Stand before a service."""
    meddler = Meddler(behind, spares)
    server = await asyncio.start_server(meddler.talk, "127.0.0.1", 0, limit=2**20)
    async with server:
        meddler.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield meddler
