"""The container's own check: it knows what it runs, and says no when that does not live."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from core import healthcheck, heartbeat, redis
from core.healthcheck import kind_of, problem_of
from core.settings import Settings

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (b"/opt/nanobanana/bin/python\0/opt/nanobanana/bin/nb\0serve\0", "web"),
        (b"nb\0worker\0", "worker"),
        (b"/sbin/docker-init\0--\0nb\0beat\0", "beat"),
        (b"nb\0bot\0poll\0", "poller"),
        (b"nb\0db\0migrate\0", None),
        (b"\xff\0", None),
    ],
)
def test_a_process_is_known_by_its_command(command: bytes, kind: str | None) -> None:
    assert kind_of(command) == kind


@pytest.fixture
def answering() -> Iterator[HTTPServer]:
    """Something that answers /api/health and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_web_lives_while_it_answers(answering: HTTPServer) -> None:
    assert problem_of("web", {"PORT": str(answering.server_port)}) is None


def test_a_web_that_does_not_answer_is_a_problem() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        problem = problem_of("web", {"PORT": str(taken.getsockname()[1])})
    assert problem is not None and problem.startswith("web could not be asked")


async def test_a_worker_lives_while_it_leaves_heartbeats_of_this_host(settings: Settings) -> None:
    environment = {"REDIS_URL": settings.redis_url.get_secret_value()}
    await redis.connect(settings)
    try:
        for instance in (f"{socket.gethostname()}:17", "elsewhere:17"):
            await heartbeat.forget("worker", instance)
        moment = datetime.now(UTC)
        await heartbeat.beat("worker", "elsewhere:17", "abc", moment)
        assert "no worker of this container" in str(problem_of("worker", environment))
        await heartbeat.beat("worker", f"{socket.gethostname()}:17", "abc", moment)
        assert problem_of("worker", environment) is None
        assert problem_of("beat", environment) is not None
        await redis.client().delete(f"{heartbeat.PREFIX}worker:{socket.gethostname()}:17")
        assert problem_of("worker", environment) is not None
    finally:
        await redis.disconnect()


def test_without_redis_the_answer_is_no_and_names_no_password() -> None:
    problem = problem_of("worker", {"REDIS_URL": "redis://:hush-hush@127.0.0.1:9/0"})
    assert problem is not None and "hush" not in problem


def test_what_is_neither_is_no_and_not_yes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(healthcheck, "kind_of", lambda command: None)
    assert healthcheck.main() == 1
    assert "none of web, worker, beat" in capsys.readouterr().err
