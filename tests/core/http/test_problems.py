"""Whatever goes wrong is a problem document with a stable code, and never more than that."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import BadRequest, ServerError

from core import logs
from core.http.problems import Problem
from core.settings import Settings
from tests.core.http.conftest import serving
from tests.core.logs.test_configuration import restored_logging  # noqa: F401  used by its name

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("restored_logging")]

FAILURES: dict[str, Exception] = {
    "bug": ValueError("password is hunter2-hunter2 and the table is botapp_tguser"),
    "file": FileNotFoundError("/srv/secret/place"),
    "refused": ConnectionRefusedError("10.0.0.7:5432"),
    "timeout": TimeoutError(),
    "name": socket.gaierror("Name or service not known"),
    "shutdown": asyncpg.AdminShutdownError("terminating connection"),
    "redis": RedisConnectionError("Error 111 connecting to cache:6379"),
    "sanic": ServerError("an internal detail"),
    "client": BadRequest("the header is odd"),
    "teapot": Problem(418, "Short and stout.", code="teapot", headers={"X-Spout": "left"}, extra={"near": ["kettle"]}),
}


def _failing() -> Blueprint:
    blueprint = Blueprint("failing")

    @blueprint.get("/fail/<how>")
    async def fail(request: Request, how: str) -> HTTPResponse:
        raise FAILURES[how]

    @blueprint.post("/fail/<how>")
    async def fail_to_change(request: Request, how: str) -> HTTPResponse:
        raise FAILURES[how]

    @blueprint.get("/wait")
    async def wait(request: Request) -> HTTPResponse:
        await asyncio.Event().wait()
        raise AssertionError

    @blueprint.post("/echo")
    async def echo(request: Request) -> HTTPResponse:
        return HTTPResponse(json.dumps(request.json), content_type="application/json")

    return blueprint


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server with routes that fail."""
    async with serving(settings, [_failing()]) as opened:
        yield opened


@pytest.fixture
def log(settings: Settings) -> Iterator[io.StringIO]:
    """What the server logs."""
    stream = io.StringIO()
    logs.configure(settings, "web", stream=stream)
    yield stream


def _assert_is_problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    body: dict[str, object] = response.json()
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert (body["type"], body["status"], body["code"]) == ("about:blank", status, code)
    assert body["title"]
    assert body["detail"]
    assert body["trace_id"] == response.headers["x-request-id"]
    return body


async def test_an_unknown_address_is_a_problem(client: httpx.AsyncClient) -> None:
    _assert_is_problem(await client.get("/nothing/here"), 404, "not_found")


async def test_a_wrong_method_names_the_right_ones(client: httpx.AsyncClient) -> None:
    response = await client.delete("/api/health")

    _assert_is_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD"


async def test_a_wrong_method_where_the_right_ones_are_not_known_is_told(client: httpx.AsyncClient) -> None:
    response = await client.delete("/fail/bug")

    body = _assert_is_problem(response, 405, "method_not_allowed")
    assert body["detail"] == "This address does not take that method."
    assert "allow" not in response.headers


@pytest.mark.parametrize("how", ["refused", "timeout", "name", "shutdown", "redis"])
async def test_a_backend_that_is_away_means_try_again(client: httpx.AsyncClient, log: io.StringIO, how: str) -> None:
    response = await client.get(f"/fail/{how}")

    _assert_is_problem(response, 503, "unavailable")
    assert response.headers["retry-after"] == "2"
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["event"] for line in lines if line["level"] == "warning"] == ["request_without_backend"]


async def test_whoever_hangs_up_is_no_fault_of_the_service(client: httpx.AsyncClient, log: io.StringIO) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/wait", timeout=0.2)
    async with asyncio.timeout(10):
        while "request_given_up" not in log.getvalue():  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)

    assert "request_failed" not in log.getvalue()


@pytest.mark.parametrize("how", ["bug", "file"])
async def test_a_bug_is_logged_once_and_answered_with_its_trace_only(
    client: httpx.AsyncClient, log: io.StringIO, how: str
) -> None:
    response = await client.get(f"/fail/{how}", headers={"X-Request-Id": "ab" * 16})

    body = _assert_is_problem(response, 500, "internal_error")
    assert body["trace_id"] == "ab" * 16
    for leak in ("hunter2", "botapp_", "/srv/secret", "Traceback", "ValueError", ".py"):
        assert leak not in response.text
    errors = [line for line in map(json.loads, log.getvalue().splitlines()) if line["level"] == "error"]
    assert len(errors) == 1
    assert errors[0]["trace_id"] == "ab" * 16
    assert "Traceback" in errors[0]["exception"]


async def test_an_error_of_the_server_library_keeps_its_details_to_itself(client: httpx.AsyncClient) -> None:
    response = await client.get("/fail/sanic")

    _assert_is_problem(response, 500, "internal_error")
    assert "internal detail" not in response.text


async def test_an_error_of_the_client_is_explained(client: httpx.AsyncClient) -> None:
    body = _assert_is_problem(await client.get("/fail/client"), 400, "bad_request")

    assert body["detail"] == "the header is odd"


async def test_a_problem_carries_its_headers_and_extras(client: httpx.AsyncClient) -> None:
    response = await client.get("/fail/teapot")

    body = _assert_is_problem(response, 418, "teapot")
    assert body["near"] == ["kettle"]
    assert response.headers["x-spout"] == "left"


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[1,", b"{'single': 1}"])
async def test_malformed_json_is_a_bad_request(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/echo", content=body, headers={"Content-Type": "application/json"})

    _assert_is_problem(response, 400, "bad_request")


async def test_a_body_above_one_megabyte_is_refused(client: httpx.AsyncClient) -> None:
    fits = await client.post("/echo", content=json.dumps("x" * 1_000_000))
    too_large = await client.post("/echo", content=json.dumps("x" * 1_100_000))

    assert fits.status_code == 200
    _assert_is_problem(too_large, 413, "payload_too_large")


async def _speak(client: httpx.AsyncClient, words: bytes) -> bytes:
    """Say something to the server that is not necessarily HTTP; return all that it answers."""
    address = urlsplit(str(client.base_url))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(words)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_chunked_body_above_the_limit_is_refused_too(client: httpx.AsyncClient) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answer = await _speak(client, head + b"FFFFFFF\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code": "payload_too_large"' in answer


@pytest.mark.parametrize(
    "words",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: minus\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_problem_without_a_stack(client: httpx.AsyncClient, words: bytes) -> None:
    answer = await _speak(client, words)

    assert answer[9:10] == b"4"
    assert b"application/problem+json" in answer
    assert b"Traceback" not in answer


async def test_a_trace_that_is_sent_comes_back(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/health", headers={"X-Request-Id": "0AF76519-16CD-43DD-8448-EB211C80319C"})

    assert response.headers["x-request-id"] == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("sent", ["", "1", "<script>", "g" * 32, "x" * 5000])
async def test_what_is_no_trace_is_replaced(client: httpx.AsyncClient, sent: str) -> None:
    response = await client.get("/api/health", headers={"X-Request-Id": sent})

    assert logs.parse_trace(response.headers["x-request-id"]) not in (None, sent)


async def test_two_requests_on_one_connection_have_two_traces(client: httpx.AsyncClient) -> None:
    first, second = await client.get("/api/health"), await client.get("/api/health")

    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_every_answer_is_careful_with_browsers(client: httpx.AsyncClient) -> None:
    for path in ("/api/health", "/nothing", "/metrics"):
        response = await client.get(path)
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "strict-transport-security" not in response.headers


async def test_outside_of_a_developers_machine_browsers_keep_to_https(settings: Settings) -> None:
    staging = settings.model_copy(update={"environment": type(settings.environment)("staging")})
    async with serving(staging) as client:
        response = await client.get("/api/health")

    assert response.headers["strict-transport-security"].startswith("max-age=")


async def test_a_request_is_one_line_with_its_trace(client: httpx.AsyncClient, log: io.StringIO) -> None:
    response = await client.get("/nothing/here?token=abc")
    await client.get("/api/health")

    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "GET", "/nothing/here", 404)
    assert line["trace_id"] == response.headers["x-request-id"]
    assert line["duration_ms"] >= 0
