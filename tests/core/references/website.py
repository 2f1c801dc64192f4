"""A website on loopback that does as told, and a gate that leads test names to it and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, ip_address
from ssl import SSLContext
from typing import Any

from core.references import Gate
from core.references.gate import Address

Handler = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]
HOME = IPv4Address("127.0.0.1")


class Request:
    """One request as it arrived."""

    def __init__(self, head: str) -> None:
        first, *fields = head.rstrip("\r\n").split("\r\n")
        self.method, self.target, _ = first.split(" ")
        self.headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}


class Website:
    """Answers paths with what `pages` holds; remembers what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Handler] = {}
        self.requests: list[Request] = []
        self.port = 0

    def page(self, path: str, body: bytes = b"", status: str = "200 OK", **headers: str) -> None:
        """Answer a path with bytes."""

        async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
            fields = {"Content-Length": str(len(body)), **{name.replace("_", "-"): v for name, v in headers.items()}}
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
            writer.write(f"HTTP/1.1 {status}\r\n{head}Connection: close\r\n\r\n".encode("latin-1"))
            if request.method != "HEAD":
                writer.write(body)
            await writer.drain()

        self.pages[path] = answer

    def address(self, path: str = "/", host: str = "site.test", scheme: str = "http") -> str:
        """The link to a path."""
        return f"{scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            request = Request((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            self.requests.append(request)
            handler = self.pages.get(request.target)
            if handler is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                await handler(request, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def opened(tls: SSLContext | None = None) -> AsyncIterator[Website]:
    """Run a website."""
    website = Website()
    tasks: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await website.serve(reader, writer)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    website.port = server.sockets[0].getsockname()[1]
    try:
        yield website
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Names:
    """A resolver: each name has answers in order, of which the last one stays. Unknown names have none."""

    def __init__(self, **answers: Sequence[str | Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[Address]:
        self.asked.append(host)
        answers = self._answers.get(host)
        if answers is None:
            raise OSError(f"{host} is not known here")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ip_address(found)] if isinstance(found, str) else [ip_address(address) for address in found]


def gate(names: Names | None = None, *, ports: Sequence[int] | None = None) -> Gate:
    """A gate that takes one loopback address for the public web; every other address is private."""
    return Gate(
        resolve=names or Names(site_test=["127.0.0.1"]), is_allowed=lambda address: address == HOME, ports=ports
    )
