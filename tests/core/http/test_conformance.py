"""Requests that other programs would read otherwise, written to the socket byte by byte."""

from __future__ import annotations

import asyncio
import io
import itertools

import httpx
import pytest

from core import logs
from core.http.application import build
from core.settings import Settings
from tests.core.http.conftest import CORE_BLUEPRINTS, served
from tests.core.logs.test_configuration import restored_logging  # noqa: F401  used by its name

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("restored_logging")]

_names = itertools.count(1)
GET = b"GET /api/health HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/ops/v1/nothing HTTP/1.1\r\nHost: x\r\n"


async def answered(client: httpx.AsyncClient, sent: bytes) -> bytes:
    """Everything that the server says until it closes the connection."""
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    try:
        writer.write(sent)
        await writer.drain()
        return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(POST + b"Content-Length : 5\r\n\r\nabcde", id="a space before the colon"),
        pytest.param(POST + "Content-Length: ٢\r\n\r\n{}".encode(), id="a length in other digits"),
        pytest.param(POST + b"Content-Length: 2 0\r\n\r\n{}", id="two lengths in one"),
        pytest.param(POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="two ways to end"),
        pytest.param(GET + b": x\r\n\r\n", id="a header without a name"),
        pytest.param(GET + b"A b: x\r\n\r\n", id="a name of two words"),
        pytest.param(GET + b"A: b\0c\r\n\r\n", id="a NUL"),
        pytest.param(GET + b"A: b\rTransfer-Encoding: chunked\r\n\r\n", id="a line that ends by half"),
        pytest.param(GET + b"A: b\nTransfer-Encoding: chunked\r\n\r\n", id="a line that ends by the other half"),
        pytest.param(GET + b"A: b\r\n c\r\n\r\n", id="a folded line"),
        pytest.param(b"GET /api/health HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(GET + b"Host: y\r\n\r\n", id="two hosts"),
    ],
)
async def test_a_head_that_can_be_read_in_two_ways_is_refused_and_nothing_after_it_is_read(
    client: httpx.AsyncClient, sent: bytes
) -> None:
    said = await answered(client, sent + GET + b"Connection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
    assert b'"code": "bad_request"' in said


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(GET + b"Connection: close\r\n\r\n", id="plain"),
        pytest.param(b"GET /api/health HTTP/1.0\r\n\r\n", id="an old probe without a host"),
        pytest.param(
            GET + b"Connection: close\r\nA:\r\nB:\tc \xff\r\n!#$%&'*+-.^_`|~9: d\r\n\r\n", id="odd, and right"
        ),
        pytest.param(GET + b"Content-Length: 0 \r\nConnection: close\r\n\r\n", id="a length and a space after it"),
    ],
)
async def test_what_the_standard_allows_is_answered(client: httpx.AsyncClient, sent: bytes) -> None:
    assert (await answered(client, sent)).startswith(b"HTTP/1.1 200 ")


async def test_requests_that_do_not_wait_for_each_other_are_all_answered(client: httpx.AsyncClient) -> None:
    said = await answered(client, (GET + b"\r\n") * 20 + GET + b"Connection: close\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 ") == 21


@pytest.mark.parametrize("address", [b"a:443", b"http://x:y/"])
async def test_an_address_that_is_none_is_answered(
    client: httpx.AsyncClient, settings: Settings, address: bytes
) -> None:
    written = io.StringIO()
    logs.configure(settings, "web", stream=written)
    said = await answered(client, b"CONNECT " + address + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b'"code": "bad_request"' in said
    assert "Traceback" not in written.getvalue()


@pytest.mark.parametrize(
    "body", [b"Content-Length: 9\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc"], ids=["length", "chunks"]
)
async def test_who_stops_in_the_middle_of_a_body_is_let_go(settings: Settings, body: bytes) -> None:
    app = build(
        settings, name=f"test_conformance_{next(_names)}", blueprints=(*CORE_BLUEPRINTS, "bot.webhook:blueprint")
    )
    app.config.RESPONSE_TIMEOUT = 1
    async with served(app) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
        said = await answered(client, b"POST /api/telegram/webhook HTTP/1.1\r\nHost: x\r\n" + body)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b'"code": "request_timeout"' in said
