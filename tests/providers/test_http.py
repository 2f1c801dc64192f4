"""The client that the adapters share: what is lost, what is unreadable, what is never repeated, what is never told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from providers import connections, errors, http
from providers.errors import ProviderError
from providers.http import Answer, HttpApi, Reply

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
KEY = "key-0123456789"


class Word(Answer):
    """A document with one word."""

    word: str


@asynccontextmanager
async def listening(answer: bytes, requests: list[bytes] | None = None) -> AsyncIterator[str]:
    """Answer every request with these bytes and hang up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if requests is not None:
            requests.append(head)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def said(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def api(address: str, timeout: float = 5) -> HttpApi:
    def classify(reply: Reply) -> ProviderError | None:
        return None if reply.is_success else errors.InvalidRequest(reply.said)

    return HttpApi(address, classify=classify, headers=lambda: {"x-key": KEY}, secrets=[KEY], timeout=timeout)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said(b'{"word": "fox", "more": 1}'), None),
        (said(b'{"word": 5}'), None),
        (said(b'{"word": null}'), errors.Ambiguous),
        (said(b"fox"), errors.Ambiguous),
        (said(b""), errors.Ambiguous),
        (said(b"no", "400 Bad Request"), errors.InvalidRequest),
        (said(b"no", "408 Request Timeout"), errors.Ambiguous),
        (said(b"no", "504 Gateway Timeout"), errors.Ambiguous),
        (said(b"no", "524 A Timeout Occurred"), errors.Ambiguous),
        (said(b"no", "302 Found", "Location: http://127.0.0.1:1/"), errors.InvalidRequest),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", errors.Ambiguous),
        (b"", errors.Ambiguous),
        (b"SSH-2.0-OpenSSH_9.9\r\n", errors.Ambiguous),
    ],
)
async def test_an_order_without_a_clear_answer_is_ambiguous(
    answer: bytes, expected: type[ProviderError] | None
) -> None:
    requests: list[bytes] = []
    async with listening(answer, requests) as address:
        client = api(address)
        if expected is None:
            assert (await client.order("/x", Word, json={})).word in {"fox", "5"}
        else:
            with pytest.raises(ProviderError) as caught:
                await client.order("/x", Word, json={})
            assert type(caught.value) is expected
        await client.close()
    assert len(requests) == 1


@pytest.mark.integration
@pytest.mark.parametrize("answer", [said(b"fox"), said(b"no", "504 Gateway Timeout"), b""])
async def test_a_question_without_a_clear_answer_can_be_asked_again(answer: bytes) -> None:
    async with listening(answer) as address:
        client = api(address)
        with pytest.raises(errors.ProviderUnavailable):
            await client.ask("/x", Word)
        await client.close()


@pytest.mark.integration
async def test_an_answer_that_does_not_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER", 1000)
    async with listening(said(b"x" * 5000)) as address:
        client = api(address)
        with pytest.raises(errors.Ambiguous, match="longer than 1000"):
            await client.order("/x", Word)
        await client.close()


@pytest.mark.integration
async def test_an_answer_that_trickles_is_cut_at_the_limit_of_the_whole_call() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    async with server:
        client = api(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=0.3)
        with pytest.raises(errors.Ambiguous, match=r"no answer within 0\.3 s"):
            await client.order("/x", Word)
        await client.close()


@pytest.mark.integration
async def test_our_key_and_the_secret_of_the_order_are_struck_out() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJrZXkifQ.c2lnbmF0dXJlLW9mLWl0"
    words = f"{KEY} ({token}) may not call https://bot.example/hooks/hush-hush or /hush-hush".encode()
    async with listening(said(words, "400 Bad Request")) as address:
        client = api(address)
        with pytest.raises(errors.InvalidRequest) as caught:
            await client.order("/x", Word, hidden="https://bot.example/hooks/hush-hush")
        await client.close()
    assert caught.value.detail == "400: [key] ([token]) may not call [key] or /[key]"
    assert str(caught.value) == caught.value.detail
    assert caught.value.__suppress_context__


@pytest.mark.integration
async def test_who_waits_for_a_connection_has_ordered_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LANES", 1)
    monkeypatch.setattr(connections, "CONNECTIONS_OF_A_LANE", 1)
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 0.1)
    silent = asyncio.Event()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    async with server:
        client = api(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=1)
        outcomes = await asyncio.gather(*(client.order("/x", Word) for _ in range(2)), return_exceptions=True)
        silent.set()
        await client.close()
    assert {type(outcome) for outcome in outcomes} == {errors.Ambiguous, errors.ProviderUnavailable}


@pytest.mark.integration
async def test_few_requests_share_few_connections_and_many_have_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LANES", 3)
    opened: set[object] = set()
    everybody = asyncio.Barrier(6)
    is_crowded = False

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.add(writer)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if is_crowded:
                    await everybody.wait()
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"word": "fox"}')
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        client = api(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for _ in range(5):
            await client.ask("/x", Word)
        assert len(opened) == 1
        is_crowded = True
        await asyncio.gather(*(client.ask("/x", Word) for _ in range(6)))
        assert len(opened) == 6
        await client.close()


@pytest.mark.integration
async def test_a_long_complaint_is_cut() -> None:
    async with listening(said(b"x" * 90_000, "400 Bad Request")) as address:
        client = api(address)
        with pytest.raises(errors.InvalidRequest) as caught:
            await client.ask("/x", Word)
        await client.close()
    assert len(caught.value.detail) == http.LONGEST_DETAIL


@pytest.mark.parametrize("address", ["ftp://files.example", "http://127.0.0.1:1", "nowhere"])
@pytest.mark.integration
async def test_an_address_that_cannot_be_reached_is_unavailable(address: str) -> None:
    client = api(address)
    with pytest.raises(errors.ProviderUnavailable, match="not connected"):
        await client.order("/x", Word)
    await client.close()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("17", timedelta(seconds=17)), (" 3 ", timedelta(seconds=3)), ("9" * 40, timedelta(hours=1)), ("0", timedelta(0))],
)
def test_a_pause_in_seconds_is_read(value: str, expected: timedelta) -> None:
    assert Reply(429, {"retry-after": value}, b"").retry_after == expected


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "Wed, 99 Nov"])
def test_a_pause_that_cannot_be_read_is_none(value: str) -> None:
    assert Reply(429, {"retry-after": value}, b"").retry_after is None


def test_a_pause_until_a_date_is_counted_from_now() -> None:
    def pause(seconds: int) -> timedelta:
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        found = Reply(429, {"retry-after": date}, b"").retry_after
        assert found is not None
        return found

    assert timedelta(seconds=25) < pause(30) <= timedelta(seconds=30)
    assert pause(-30) == timedelta(0)


def test_nothing_is_left_out_but_nothing() -> None:
    assert http.without_nothing(a=None, b=0, c="", d=False) == {"b": 0, "c": "", "d": False}
