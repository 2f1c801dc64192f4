"""The proxy lets a program through to where the gate lets it, and to nowhere else."""

from __future__ import annotations

import asyncio
import base64
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from core.references import proxy
from core.references.gate import Gate
from tests.core.references.website import Names, Website, gate

pytestmark = pytest.mark.integration


class Program:
    """What speaks to the proxy."""

    def __init__(self, address: str) -> None:
        self._parts = urlsplit(address)
        secret = f"{self._parts.username}:{self._parts.password}".encode()
        self.welcome = "Basic " + base64.b64encode(secret).decode()

    async def say(self, *lines: str, welcome: str | None = None, after: bytes = b"") -> bytes:
        """Send one head, and bytes after it; return all that came until the end."""
        reader, writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        password = f"Proxy-Authorization: {self.welcome if welcome is None else welcome}"
        head = "\r\n".join([*lines, *([password] if welcome != "" else [])]) + "\r\n\r\n"
        writer.write(head.encode() + after)
        await writer.drain()
        try:
            async with asyncio.timeout(5):
                return await reader.read(1_000_000) if not after else await self._all(reader)
        finally:
            writer.close()

    async def ask(self, *lines: str, welcome: str | None = None) -> str:
        """Return the first line of the answer."""
        return (await self.say(*lines, welcome=welcome)).partition(b"\r\n")[0].decode()

    @staticmethod
    async def _all(reader: asyncio.StreamReader) -> bytes:
        said = b""
        while piece := await reader.read(65536):
            said += piece
        return said


async def opened(stack: AsyncExitStack, by: Gate, size: int = 100_000) -> Program:
    """A program with a proxy of its own."""
    return Program(await stack.enter_async_context(proxy.opened(by, size=size)))


async def test_a_tunnel_carries_bytes_both_ways(website: Website) -> None:
    """To a host that the gate lets through."""
    website.page("/a", b"picture")
    async with AsyncExitStack() as stack:
        program = await opened(stack, gate())
        said = await program.say(
            f"CONNECT site.test:{website.port} HTTP/1.1", after=b"GET /a HTTP/1.1\r\nHost: site.test\r\n\r\n"
        )
    assert said.startswith(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK")
    assert said.endswith(b"picture")


async def test_a_plain_request_is_passed_on_alone(website: Website) -> None:
    """Without the password, and without a second request behind it, which might be for another host."""
    website.page("/a?b", b"picture")
    website.page("/second", b"secret")
    async with AsyncExitStack() as stack:
        program = await opened(stack, gate())
        said = await program.say(
            f"GET {website.address('/a?b')} HTTP/1.1",
            "Host: other.test",
            "Accept: */*",
            "Connection: keep-alive",
            after=b"GET /second HTTP/1.1\r\n\r\n",
        )
    assert said.endswith(b"picture")
    [request] = website.requests
    assert request.target == "/a?b"
    assert request.headers == {"host": f"site.test:{website.port}", "accept": "*/*", "connection": "close"}


@pytest.mark.parametrize("welcome", ["", "Basic d3Jvbmc6d3Jvbmc=", "Bearer x"])
async def test_nobody_without_the_password_is_served(website: Website, welcome: str) -> None:
    """Other programs of the machine."""
    async with AsyncExitStack() as stack:
        program = await opened(stack, gate())
        first = await program.ask(f"CONNECT site.test:{website.port} HTTP/1.1", welcome=welcome)
    assert first == "HTTP/1.1 407 Proxy Authentication Required"
    assert website.requests == []


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT private.test:{port} HTTP/1.1",
        "CONNECT 127.0.0.2:{port} HTTP/1.1",
        "CONNECT 169.254.169.254:80 HTTP/1.1",
        "CONNECT [::1]:{port} HTTP/1.1",
        "CONNECT [::ffff:127.0.0.1]:{port} HTTP/1.1",
        "CONNECT 2130706433:{port} HTTP/1.1",
        "CONNECT localhost:{port} HTTP/1.1",
        "CONNECT mixed.test:{port} HTTP/1.1",
        "GET http://private.test:{port}/secret HTTP/1.1",
        "GET http://user@site.test:{port}/secret HTTP/1.1",
        "POST http://site.test:{port}/secret HTTP/1.1",
        "GET ftp://site.test/secret HTTP/1.1",
        "GET /secret HTTP/1.1",
        "TRACE http://site.test:{port}/secret HTTP/1.1",
    ],
)
async def test_what_the_gate_refuses_is_forbidden(website: Website, line: str) -> None:
    """However it is written."""
    names = Names(
        site_test=["127.0.0.1"], private_test=["10.0.0.1"], mixed_test=[["127.0.0.1", "10.0.0.1"]],
        **{"127_0_0_2": ["127.0.0.2"], "169_254_169_254": ["169.254.169.254"], "::1": ["::1"],
           "::ffff:7f00:1": ["::ffff:127.0.0.1"], "::ffff:127_0_0_1": ["::ffff:127.0.0.1"]},
    )  # fmt: skip
    website.page("/secret", b"secret")
    async with AsyncExitStack() as stack:
        program = await opened(stack, gate(names))
        assert await program.ask(line.format(port=website.port)) == "HTTP/1.1 403 Forbidden"
    assert website.requests == []


async def test_ports_of_other_services_are_forbidden(website: Website) -> None:
    """In production only the web's two are open."""
    async with AsyncExitStack() as stack:
        program = await opened(stack, gate(ports=[443]))
        assert await program.ask(f"CONNECT site.test:{website.port} HTTP/1.1") == "HTTP/1.1 403 Forbidden"
    async with AsyncExitStack() as stack:
        program = await opened(stack, Gate())
        assert await program.ask(f"CONNECT 127.0.0.1:{website.port} HTTP/1.1") == "HTTP/1.1 403 Forbidden"
        assert await program.ask("CONNECT 127.0.0.1:443 HTTP/1.1") == "HTTP/1.1 403 Forbidden"


async def test_a_name_that_changes_is_checked_for_every_connection(website: Website) -> None:
    """What was allowed a moment ago is not allowed for that."""
    names = Names(site_test=["127.0.0.1", "10.0.0.1"])
    website.page("/a", b"picture")
    async with AsyncExitStack() as stack:
        program = await opened(stack, gate(names))
        assert await program.ask(f"GET {website.address('/a')} HTTP/1.1") == "HTTP/1.1 200 OK"
        assert await program.ask(f"GET {website.address('/a')} HTTP/1.1") == "HTTP/1.1 403 Forbidden"
    assert len(website.requests) == 1


async def test_a_site_that_does_not_answer_is_a_bad_gateway() -> None:
    """And no defect."""
    async with AsyncExitStack() as stack:
        program = await opened(stack, gate())
        assert await program.ask("CONNECT site.test:9 HTTP/1.1") == "HTTP/1.1 502 Bad Gateway"
        assert await program.ask("CONNECT unknown.test:443 HTTP/1.1") == "HTTP/1.1 502 Bad Gateway"


async def test_bytes_are_counted_over_all_connections(website: Website) -> None:
    """A program that took its share gets no more."""
    website.page("/a", b"x" * 700)
    async with AsyncExitStack() as stack:
        program = await opened(stack, gate(), size=1500)
        line = f"GET {website.address('/a')} HTTP/1.1"
        assert (await program.say(line)).endswith(b"x" * 700)
        left = await program.say(line, after=b" ")
        assert len(left) < 700
        assert await program.say(line, after=b" ") == b""


@pytest.mark.parametrize("line", ["nonsense", "CONNECT site.test HTTP/1.1", "CONNECT site.test:x HTTP/1.1", "A B C D"])
async def test_nonsense_ends_the_connection(line: str) -> None:
    """And leaves the proxy working."""
    async with AsyncExitStack() as stack:
        program = await opened(stack, gate())
        assert await program.say(line) == b""
        assert await program.ask("CONNECT site.test:9 HTTP/1.1") == "HTTP/1.1 502 Bad Gateway"


async def test_a_head_without_an_end_is_not_kept() -> None:
    """Memory is bounded."""
    async with AsyncExitStack() as stack:
        program = await opened(stack, gate())
        assert await program.say("GET " + "x" * (proxy.LONGEST_HEAD + 1)) == b""


async def test_it_ends_with_the_fetch_and_takes_its_tunnels_along(website: Website) -> None:
    """Whoever still holds one finds it closed."""
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(proxy.opened(gate(), size=1000))
        parts = urlsplit(address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        program = Program(address)
        line = f"CONNECT site.test:{website.port} HTTP/1.1\r\nProxy-Authorization: {program.welcome}\r\n\r\n"
        writer.write(line.encode())
        assert b"200" in await reader.readuntil(b"\r\n\r\n")
        await stack.aclose()
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        with pytest.raises(OSError):
            await asyncio.open_connection(parts.hostname, parts.port)
