"""Whatever a command meets, it ends with a documented exit code, one clear line, and one document under --json.

The table is the registry itself: each command is run as its first example says. What a service may do to it is below.
"""

from __future__ import annotations

import errno
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from cli.exit_codes import MEANINGS
from tests.cli.conftest import Place, Ran, Runner
from tests.cli.emulator import TOKEN, Emulator, Fault, problem
from tests.cli.every import LEAVES, Leaf

pytestmark = pytest.mark.integration

ON_THIS_MACHINE = frozenset({"up", "down", "db.migrate", "db.check"})
"""They start, stop and change what runs here."""

FOLLOWING = frozenset({"errors.tail"})
"""They go on as things happen, a document a line, until they are told to stop."""

CALLED = [leaf for leaf in LEAVES if not leaf.is_process and leaf.name not in ON_THIS_MACHINE | FOLLOWING]
"""Commands that a test may run and wait for."""

SERVED = [leaf for leaf in CALLED if leaf.asks_only_the_service]

every_command = pytest.mark.parametrize("leaf", CALLED, ids=lambda leaf: leaf.name)
every_served_command = pytest.mark.parametrize("leaf", SERVED, ids=lambda leaf: leaf.name)

PLAIN_ENGLISH = ("Traceback", "Error(", "Exception", "<class", "None\n", "unexpectedly")
"""Words of a program that was not expecting it."""


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """No platform is asked: where one would be, nothing listens."""
    for name in ("RAILWAY_API_URL", "GITHUB_API_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("RAILWAY_TOKEN", "RAILWAY_API_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "GIT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.fixture
def staging(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """The service as staging, with a token for it."""
    emulator = Emulator()
    emulator.environment = "staging"
    address(place, monkeypatch, emulator.url)
    yield emulator
    emulator.stop()


def address(place: Place, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Have staging be at an address."""
    place.write_project(f'[env.staging]\nurl = "{url}"\n[env.production]\nurl_from = "PRODUCTION_BASE_URL"\n')
    monkeypatch.setenv("NB_ENV", "staging")
    monkeypatch.setenv("NB_TOKEN_STAGING", TOKEN)


def ends_well(ran: Ran, leaf: Leaf) -> None:
    """One document on stdout, valid, of a documented end, and not a word on stderr."""
    document = ran.document
    assert ran.code in set(map(int, MEANINGS))
    assert document["command"] == leaf.name
    assert (document["error"] is None) is (ran.code == 0)
    if document["error"]:
        said = document["error"]["message"]
        assert "unexpectedly" not in said
        assert said.strip()
        assert "\n" not in said.strip()
    assert TOKEN not in ran.out + ran.err
    assert ran.err == ""


def is_one_line(ran: Ran) -> None:
    """People get one line that says what is wrong, and perhaps what to try, on stderr alone."""
    assert ran.out == ""
    first, *rest = ran.err.splitlines()
    assert first.startswith("✗ ")
    assert all(line.startswith(("  Try: ", "  Next: ")) for line in rest)
    assert not any(word in ran.err for word in PLAIN_ENGLISH)
    assert TOKEN not in ran.err


FAULTS: dict[str, tuple[Fault, int]] = {
    "an expired token": (Fault(401, problem(401, "token_expired", "the token ended on 2026-11-01")), 4),
    "a token without the scope": (Fault(403, problem(403, "missing_scope", "the token lacks the scope operate")), 4),
    "too many requests": (Fault(429, problem(429, "rate_limited", "slow down"), headers={"Retry-After": "7"}), 75),
    "too many requests until a date": (
        Fault(429, problem(429, "rate_limited", "slow down"), headers={"Retry-After": "Sun, 22 Nov 2026 12:00:00 GMT"}),
        75,
    ),
    "another shape": (Fault(200, b'{"items": "none", "ok": [1]}', "application/json"), 75),
    "a list instead of an object": (Fault(200, b"[]", "application/json"), 75),
    "a number instead of an object": (Fault(200, b"7", "application/json"), 75),
    "no JSON": (Fault(200, b"<html>Welcome!</html>", "text/html"), 75),
    "half of an answer": (Fault(200, b'{"items": [', "application/json", cut=True), 75),
    "JSON that is too deep": (Fault(200, b"[" * 100_000, "application/json"), 75),
    "a fault of its own": (Fault(500), 75),
    "a proxy's fault": (Fault(502, b"<html>Bad Gateway</html>", "text/html"), 75),
    "an address that it does not have": (Fault(404, b"Not Found", "text/plain"), 75),
    "a problem without its words": (Fault(500, b'{"code": null}'), 75),
    "a problem of strange types": (Fault(503, b'{"code": ["x"], "detail": {"a": 1}, "rule": 7, "near": 1}'), 75),
    "a conflict": (Fault(409, problem(409, "price_changed", "the price was changed to 0.14 since")), 7),
    "something too long": (Fault(413, problem(413, "too_large", "the request is larger than this service takes")), 2),
    "a redirect": (Fault(302, b"", "text/plain", headers={"Location": "https://elsewhere.invalid/"}), 75),
}


FOR_PEOPLE = frozenset({"an expired token", "too many requests", "another shape", "a fault of its own"})
"""What is tried without --json, too."""


class Everywhere(dict[str, Fault]):
    """The same fault at every address."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def get(self, key: str, default: Fault | None = None) -> Fault:  # type: ignore[override]  # one answer for all
        """The fault."""
        return self.fault


@every_command
def test_what_the_service_answers_is_told_as_what_it_is(nb: Runner, staging: Emulator, leaf: Leaf) -> None:
    for name, (fault, code) in FAULTS.items():
        staging.faults = Everywhere(fault)
        ran = nb(*leaf.called, "--timeout", "5s", "--json")
        ends_well(ran, leaf)
        if leaf.asks_only_the_service:
            assert (ran.code, ran.error["transient"]) == (code, code == 75), name
        if leaf.asks_only_the_service and name in FOR_PEOPLE:
            people = nb(*leaf.called)
            assert people.code == code, name
            is_one_line(people)


@contextmanager
def plain_server(answer: bytes | None) -> Iterator[int]:
    """A port that says these bytes to whoever calls, or nothing at all for None."""
    server = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            held.append(connection)
            if answer is not None:
                connection.sendall(answer)
                connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
        for connection in held:
            connection.close()


@pytest.fixture(params=["refused", "no such name", "no TLS", "silent", "closes at once"])
def no_network(
    request: pytest.FixtureRequest, place: Place, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, str]]:
    """A network that fails in one of the ways networks do, and the code that tells which."""
    kind: str = request.param
    if kind == "refused":
        address(place, monkeypatch, "http://127.0.0.1:9")
        yield kind, "unreachable"
    elif kind == "no such name":

        def unresolved(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        address(place, monkeypatch, "https://nobody.invalid")
        monkeypatch.setattr(socket, "getaddrinfo", unresolved)
        yield kind, "unreachable"
    else:
        answer = {"no TLS": b"HTTP/1.0 400 Bad Request\r\n\r\n", "silent": None, "closes at once": b""}[kind]
        scheme = "https" if kind == "no TLS" else "http"
        with plain_server(answer) as port:
            address(place, monkeypatch, f"{scheme}://127.0.0.1:{port}")
            yield kind, {"no TLS": "unreachable", "silent": "timeout", "closes at once": "broken_answer"}[kind]


@every_command
def test_without_a_network_every_command_ends_in_time(nb: Runner, no_network: tuple[str, str], leaf: Leaf) -> None:
    kind, code = no_network
    # Only who never answers is worth giving up on early: all others answer, on a busy machine a little later.
    limit = "5s" if leaf.asks_only_the_service and kind != "silent" else "150ms"
    ran = nb(*leaf.called, "--timeout", limit, "--json")
    ends_well(ran, leaf)
    assert ran.document["meta"]["duration_ms"] < 10_000
    if leaf.asks_only_the_service:
        assert (ran.code, ran.error["code"], ran.error["transient"]) == (75, code, True), kind
        people = nb(*leaf.called, "--timeout", limit)
        assert people.code == 75
        is_one_line(people)


@every_served_command
def test_a_lost_answer_of_a_change_names_the_key_that_repeats_it(nb: Runner, staging: Emulator, leaf: Leaf) -> None:
    if not leaf.changes or "--dry-run" in leaf.called:
        return
    staging.faults = Everywhere(Fault(200, b'{"items"', "application/json", cut=True))
    ran = nb(*leaf.called, "--json")
    keys = {request[2].get("Idempotency-Key") for request in staging.requests if request[0] != "GET"}
    if key := next(filter(None, keys), None):
        assert f"--key {key}" in ran.error["fix"]


@every_command
def test_a_project_file_that_is_none_is_a_usage_error(nb: Runner, place: Place, leaf: Leaf) -> None:
    for text in ("env = [", "env = 3", "[env]\nstaging = 1", "\x00", "[env.staging]\nurl = 7"):
        place.write_project(text)
        ran = nb(*leaf.called, "--env", "staging", "--timeout", "150ms", "--json")
        ends_well(ran, leaf)
        if leaf.asks_only_the_service:
            assert ran.code == 2
            assert "nb.toml" in ran.error["message"] or "staging" in ran.error["message"]


@every_command
def test_a_stored_context_that_is_none_is_a_usage_error(nb: Runner, place: Place, leaf: Leaf) -> None:
    for text in ("{", "[]", '{"env": "moon"}', "\udcff"):
        place.config.write_bytes(text.encode("utf-8", "surrogateescape"))
        ran = nb(*leaf.called, "--timeout", "150ms", "--json")
        ends_well(ran, leaf)
        if leaf.asks_only_the_service:
            assert ran.code == 2


@every_command
def test_credentials_that_are_none_are_told(nb: Runner, place: Place, leaf: Leaf) -> None:
    for text in ("{", "[]", '{"staging": 1, "local": []}', '{"local": {"url": 5, "token": {}}}'):
        place.write_credentials({})
        (place.home / "credentials.json").write_text(text)
        ends_well(nb(*leaf.called, "--timeout", "150ms", "--json"), leaf)


@every_command
def test_a_home_that_cannot_be_written_disturbs_no_command(
    nb: Runner, staging: Emulator, leaf: Leaf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    for home in (blocked, blocked / "below", Path("/proc/none")):
        monkeypatch.setenv("NB_HOME", str(home))
        ran = nb(*leaf.called, "--timeout", "150ms", "--json")
        ends_well(ran, leaf)


@every_command
def test_a_full_disk_keeps_no_command_from_answering(
    nb: Runner, staging: Emulator, leaf: Leaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.open", full)
    ends_well(nb(*leaf.called, "--timeout", "150ms", "--json"), leaf)


@every_command
def test_without_a_home_folder_nothing_breaks(
    nb: Runner, staging: Emulator, leaf: Leaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the system's list of accounts names one; else what is stored would land in that of whoever tests."""

    def unknown(number: int) -> NoReturn:
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", unknown)
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "NB_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    ends_well(nb(*leaf.called, "--timeout", "150ms", "--json"), leaf)


ODD = (
    "a" * 10_000,
    "control characters \x1b[2J\x07\r\x9b31m",
    "turned text \u202egpj.exe\u2066",
    "🦊",
    "half of a character \udcff",
    "../../etc/passwd",
    "a?b=c&d#e%00",
    " a  b ",
    "-1",
)
"""What nobody means and somebody types."""


@every_served_command
def test_a_strange_name_is_refused_and_steers_no_terminal(nb: Runner, staging: Emulator, leaf: Leaf) -> None:
    arguments = [parameter for parameter in leaf.own if parameter.param_type_name == "argument"]
    if not arguments:
        return
    depth = len(leaf.name.split("."))
    rest = leaf.called[depth:]
    start = next((index for index, word in enumerate(rest) if word.startswith("-")), len(rest))
    for odd in ODD:
        words = [*leaf.called[:depth], *rest[start:], "--", *([odd] * max(1, start))]
        ran = nb("--json", *words)
        ends_well(ran, leaf)
        people = nb(*words)
        assert people.code == ran.code
        assert not set(people.out + people.err) & set("\x1b\x07\r\x9b\u202e\u2066")
        assert not any(word in people.err for word in PLAIN_ENGLISH)


@every_served_command
def test_an_empty_name_is_a_usage_error(nb: Runner, staging: Emulator, leaf: Leaf) -> None:
    if not any(parameter.param_type_name == "argument" and parameter.required for parameter in leaf.own):
        return
    depth = len(leaf.name.split("."))
    rest = leaf.called[depth:]
    for empty in ("", " "):
        ran = nb(*leaf.called[:depth], empty, *rest[1:], "--json")
        assert (ran.code, ran.error["code"]) == (2, "usage")
    assert staging.requests == []


@every_command
def test_a_command_line_that_is_none_is_a_usage_error(nb: Runner, staging: Emulator, leaf: Leaf) -> None:
    for word in ("--no-such-option", "--json=yes", "--env", "--timeout=", "-Z", "--limit=x", "--verbose=\x00"):
        ran = nb("--json", *leaf.called, word)
        assert (ran.code, ran.error["code"]) == (2, "usage"), word
        assert ran.err == ""
        assert staging.requests == []


@every_served_command
def test_where_only_reading_is_allowed_nothing_is_sent(
    nb: Runner, staging: Emulator, leaf: Leaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_READONLY", "1")
    ran = nb(*leaf.called, "--json")
    ends_well(ran, leaf)
    changing = [request for request in staging.requests if request[0] != "GET" and "dry_run=true" not in request[1]]
    # A question may be asked in a body.
    assert all(request[1].endswith(("/pricing/quote", "/preview")) for request in changing)
    if leaf.changes and "--dry-run" not in leaf.called:
        assert (ran.code, ran.error["rule"]) == (5, "readonly")


@every_served_command
def test_a_change_in_production_is_named(
    nb: Runner, staging: Emulator, leaf: Leaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_ENV", "production")
    monkeypatch.setenv("PRODUCTION_BASE_URL", staging.url)
    monkeypatch.setenv("NB_TOKEN_PRODUCTION", TOKEN)
    ran = nb(*leaf.called, "--json")
    ends_well(ran, leaf)
    if leaf.changes:
        assert (ran.code, ran.error["fix"]) == (2, "add --env production")
        assert staging.requests == []
