"""A database that does not let the processes in is one line that names DATABASE_URL, and never its password."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Place, Ran
from tests.cli.conftest import run_nb as start

pytestmark = pytest.mark.integration

COMMANDS = [("db", "check"), ("db", "migrate"), ("serve",), ("worker",), ("beat",)]


def run(database_url: str, redis_url: str, *command: str, port: int = 1) -> Ran:
    """Run a process of the product with this database."""
    return start(
        *command,
        DATABASE_URL=database_url,
        REDIS_URL=redis_url,
        TELEGRAM_BOT_TOKEN="42:a-token-of-botfather",
        TG_WEBHOOK_SECRET="a-webhook-secret",
        PUBLIC_BASE_URL="http://127.0.0.1:8000",
        PORT=str(port),
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_wrong_password_is_one_line(
    place: Place, database_url: str, redis_url: str, command: tuple[str, ...]
) -> None:
    parts = urlsplit(database_url)
    wrong = parts._replace(netloc=f"nobody:wrong-password@{parts.hostname}:{parts.port}").geturl()
    ran = run(wrong, redis_url, *command)
    last = [line for line in ran.err.splitlines() if not line.startswith("{")][-2:]
    assert ran.code == 4
    assert last[0].startswith("✗ the database refuses the user or password of DATABASE_URL")
    assert last[1] == "  Try: correct DATABASE_URL"
    assert "wrong-password" not in ran.out + ran.err
    assert "unexpectedly" not in ran.err


def test_a_database_that_is_not_there_is_named(place: Place, database_url: str, redis_url: str) -> None:
    ran = run(urlsplit(database_url)._replace(path="/nowhere").geturl(), redis_url, "db", "check", "--json")
    assert (ran.code, ran.error["code"]) == (3, "no_database")
    assert 'database "nowhere" does not exist' in ran.error["message"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_server_that_is_away_may_come_back(place: Place, redis_url: str, command: tuple[str, ...]) -> None:
    ran = run("postgresql://me:secret-word@127.0.0.1:9/x", redis_url, *command, "--json")
    assert (ran.code, ran.error["code"], ran.error["transient"]) == (75, "database_away", True)
    assert "secret-word" not in ran.out + ran.err


def test_a_port_that_is_taken_is_no_fault_of_the_database(place: Place, database_url: str, redis_url: str) -> None:
    with socket.create_server(("0.0.0.0", 0)) as other:
        ran = run(database_url, redis_url, "serve", "--json", port=other.getsockname()[1])
    assert (ran.code, ran.error["code"], ran.error["fix"]) == (7, "port_taken", "see PORT")
