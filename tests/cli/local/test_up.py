"""`nb up` and `nb down` with everything real but the product's own processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess

import asyncpg
import pytest

from cli.local.state import is_held
from tests.cli.local.conftest import FakeNb, wait_until

pytestmark = pytest.mark.integration

STEPS = (
    "data folder",
    "PostgreSQL",
    "Redis",
    "migrations",
    "catalogue",
    "sandbox Telegram",
    "Mini App",
    "web",
    "worker",
    "beat",
    "ready",
)


def test_a_first_start_goes_through_the_numbered_steps_and_says_where_everything_is(fake_nb: FakeNb) -> None:
    finished = fake_nb.run("up", "--detach")

    assert finished.returncode == 0, finished.stderr
    for number, title in enumerate(STEPS, 1):
        assert f"{number:>2}/{len(STEPS)}  {title}" in finished.stderr
    web = f"http://127.0.0.1:{fake_nb.environment['NB_WEB_PORT']}"
    assert f"web       {web}\n" in finished.stdout
    assert "a red fox in the snow" in finished.stdout
    assert max(map(len, finished.stdout.splitlines())) <= 100


def test_json_gives_one_document_with_the_addresses_and_no_password(fake_nb: FakeNb) -> None:
    finished = fake_nb.run("up", "--detach", "--json")
    document = json.loads(finished.stdout)

    assert document["ok"] is True
    assert document["env"] == "local"
    assert {"web", "sandbox", "chat", "console", "database", "redis"} <= document["data"].keys()
    secrets = json.loads(fake_nb.home.secrets_file.read_text())
    written = finished.stdout + finished.stderr + (fake_nb.home.run / "state.json").read_text()
    written += "".join(log.read_text() for log in fake_nb.home.logs.iterdir())
    assert not [name for name, secret in secrets.items() if secret in written]


def test_secrets_are_not_on_any_command_line(fake_nb: FakeNb) -> None:
    fake_nb.run("up", "--detach")
    secrets = json.loads(fake_nb.home.secrets_file.read_text()).values()

    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout

    assert not [secret for secret in secrets if secret in lines]


def test_a_second_start_says_that_it_runs_already(fake_nb: FakeNb) -> None:
    first = fake_nb.document("up")
    before = fake_nb.identities()

    again = fake_nb.run("up", "--detach")

    assert again.returncode == 0
    assert "It runs already" in again.stdout
    assert first["data"]["web"] in again.stdout
    assert fake_nb.document("up")["data"]["already_running"] is True
    assert fake_nb.identities() == before


def test_a_second_start_waits_for_the_first_one(fake_nb: FakeNb) -> None:
    with fake_nb.start("up", "--detach", "--json") as first, fake_nb.start("up", "--detach", "--json") as second:
        documents = [json.loads(process.communicate(timeout=60)[0]) for process in (first, second)]

    assert all(document["ok"] for document in documents), documents
    assert sorted(document["data"]["already_running"] for document in documents) == [False, True]


def test_down_stops_everything_and_the_data_stays(fake_nb: FakeNb) -> None:
    fake_nb.run("up", "--detach")
    identities = fake_nb.identities()
    assert len(identities) == 6

    finished = fake_nb.run("down")

    assert finished.returncode == 0
    assert "Everything has stopped." in finished.stdout
    assert not [identity for identity in identities if identity.is_alive]
    assert fake_nb.home.postgres_data.is_dir()


def test_the_last_line_names_the_command_that_was_typed(fake_nb: FakeNb) -> None:
    fake_nb.environment["NB_PROGRAM"] = "./run nb"
    with fake_nb.start("up") as process:
        wait_until(fake_nb.is_ready)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    after_down = fake_nb.run("down").stdout

    assert "; ./run nb up continues with it." in err
    assert "; ./run nb up continues with it." in after_down


def test_down_without_anything_running_is_fine(fake_nb: FakeNb) -> None:
    finished = fake_nb.run("down")

    assert finished.returncode == 0
    assert "Nothing was running." in finished.stdout


def test_ports_and_passwords_stay_the_same_across_restarts(fake_nb: FakeNb) -> None:
    asked_for = dict(fake_nb.environment)
    first = fake_nb.document("up")["data"]
    fake_nb.run("down")
    secrets = fake_nb.home.secrets_file.read_text()
    fake_nb.environment.clear()

    second = fake_nb.document("up")["data"]

    assert second["web"] == first["web"] == f"http://127.0.0.1:{asked_for['NB_WEB_PORT']}"
    assert second["database"] == first["database"]
    assert fake_nb.home.secrets_file.read_text() == secrets


def test_services_are_stopped_in_order(fake_nb: FakeNb) -> None:
    fake_nb.run("up", "--detach")
    fake_nb.run("down")

    entries = [json.loads(line) for line in fake_nb.home.log("nb").read_text().splitlines()]
    stopped = [entry["service"] for entry in entries if entry["event"].startswith("stopped")]

    assert stopped == ["beat", "worker", "web", "sandbox", "redis", "postgres"]


def test_what_outlives_a_killed_supervisor_is_ended_by_down(fake_nb: FakeNb) -> None:
    fake_nb.environment["FAKE_DEAF"] = "worker"
    fake_nb.run("up", "--detach")
    worker, supervisor = fake_nb.identity("worker"), fake_nb.state()["supervisor"]["pid"]

    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not is_held(fake_nb.home))
    assert worker.is_alive

    finished = fake_nb.run("down")

    assert "1 process left from before" in finished.stdout
    assert not worker.is_alive


def test_a_start_after_a_killed_supervisor_recovers(fake_nb: FakeNb) -> None:
    fake_nb.environment["FAKE_DEAF"] = "beat"
    fake_nb.run("up", "--detach")
    before = fake_nb.identities()
    os.kill(fake_nb.state()["supervisor"]["pid"], signal.SIGKILL)
    del fake_nb.environment["FAKE_DEAF"]

    finished = fake_nb.run("up", "--detach")

    assert finished.returncode == 0, finished.stderr
    assert "left from before" in finished.stderr
    assert not [identity for identity in before if identity.is_alive]


def test_a_killed_process_is_started_again(fake_nb: FakeNb) -> None:
    fake_nb.run("up", "--detach")
    for service in ("worker", "postgres", "redis", "web"):
        _kill_and_wait(fake_nb, service)

    restarts = {record["name"]: record["restarts"] for record in fake_nb.state()["processes"]}

    assert restarts == {"beat": 0, "worker": 1, "web": 1, "sandbox": 0, "redis": 1, "postgres": 1}


def _kill_and_wait(nb: FakeNb, service: str) -> None:
    before = nb.identity(service)

    def is_replaced() -> bool:
        record = next(record for record in nb.state()["processes"] if record["name"] == service)
        identity = record["identity"]
        return record["state"] == "running" and identity is not None and bool(identity["pid"] != before.pid)

    os.kill(before.pid, signal.SIGKILL)
    wait_until(is_replaced)


async def test_what_was_committed_survives_a_kill_of_the_database(fake_nb: FakeNb) -> None:
    fake_nb.run("up", "--detach")
    password = json.loads(fake_nb.home.secrets_file.read_text())["postgres_password"]
    url = f"postgresql://nanobanana:{password}@127.0.0.1:{fake_nb.environment['NB_POSTGRES_PORT']}/nanobanana"
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('fox')")
    await connection.close()

    _kill_and_wait(fake_nb, "postgres")

    async def word() -> str | None:
        try:
            connection = await asyncpg.connect(url)
        except (OSError, asyncpg.PostgresError):
            return None
        try:
            return str(await connection.fetchval("SELECT word FROM kept"))
        finally:
            await connection.close()

    found = None
    while found is None:
        found = await word()
    assert found == "fox"


@pytest.mark.parametrize("service", ["prepare", "sandbox", "web", "worker"])
def test_a_step_that_fails_says_why_and_stops_what_was_started(fake_nb: FakeNb, service: str) -> None:
    fake_nb.environment["FAKE_FAILURE"] = service

    finished = fake_nb.run("up", "--detach")

    assert finished.returncode == 1
    if service == "prepare":
        assert "the fake database is upside down" in finished.stderr
    else:
        assert f"{service} ended with exit code 3 before it was ready" in finished.stderr
        assert "the fake is broken on purpose" in finished.stderr
    assert fake_nb.state()["phase"] == "failed"
    assert fake_nb.identities() == []
    assert not is_held(fake_nb.home)


def test_a_failed_start_can_be_repeated(fake_nb: FakeNb) -> None:
    fake_nb.environment["FAKE_FAILURE"] = "web"
    assert fake_nb.document("up")["exit_code"] == 1
    fake_nb.environment.pop("FAKE_FAILURE")

    assert fake_nb.document("up")["ok"] is True


def test_a_taken_port_is_named(fake_nb: FakeNb) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        document = fake_nb.document("up", "--web-port", str(port))

    assert document["exit_code"] == 1
    assert f"Port {port}, asked for web, is taken" in document["error"]["message"]
    assert "--web-port" in document["error"]["fix"]


def test_a_port_that_is_no_port_is_a_usage_mistake(fake_nb: FakeNb) -> None:
    assert fake_nb.run("up", "--web-port", "70000").returncode == 2


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_in_the_foreground_stops_everything(fake_nb: FakeNb, asked: signal.Signals) -> None:
    with fake_nb.start("up") as process:
        wait_until(fake_nb.is_ready)
        identities = fake_nb.identities()
        process.send_signal(asked)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert "Logs follow" in out
    assert "Everything has stopped" in err
    assert not [identity for identity in identities if identity.is_alive]


def test_a_second_ctrl_c_ends_everything_at_once(fake_nb: FakeNb) -> None:
    fake_nb.environment["FAKE_DEAF"] = "worker"
    with fake_nb.start("up") as process:
        wait_until(fake_nb.is_ready)
        identities = fake_nb.identities()
        process.send_signal(signal.SIGINT)
        wait_until(lambda: fake_nb.state()["phase"] == "stopping")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Everything was ended at once" in err
    wait_until(lambda: not [identity for identity in identities if identity.is_alive])
    del fake_nb.environment["FAKE_DEAF"]
    assert fake_nb.document("up")["ok"] is True


def test_a_reader_that_leaves_does_not_stop_the_services(fake_nb: FakeNb) -> None:
    with fake_nb.start("up") as process:
        assert process.stdout is not None
        wait_until(fake_nb.is_ready)
        process.stdout.close()
        _kill_and_wait(fake_nb, "worker")
        assert fake_nb.is_ready()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_ctrl_c_during_the_start_stops_everything(fake_nb: FakeNb) -> None:
    fake_nb.environment["FAKE_SLOW"] = "prepare"
    with fake_nb.start("up") as process:
        wait_until(lambda: fake_nb.home.log("prepare").exists())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Stopped before it was ready" in err
    assert fake_nb.identities() == []


def test_the_foreground_shows_the_logs_of_all_services(fake_nb: FakeNb) -> None:
    with fake_nb.start("up") as process:
        wait_until(fake_nb.is_ready)
        _kill_and_wait(fake_nb, "worker")
        wait_until(lambda: fake_nb.home.log("worker").read_text().count("started") == 2)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)

    assert "worker   warning was killed by SIGKILL; starting it again in 0.2 s" in out
    assert "worker   info    started kind=worker" in out


def test_wipe_needs_yes_where_nobody_can_be_asked(fake_nb: FakeNb) -> None:
    fake_nb.run("up", "--detach")

    refused = fake_nb.run("down", "--wipe", "--no-input")

    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert is_held(fake_nb.home)


def test_wipe_deletes_the_data_and_keeps_the_tokens_of_other_environments(fake_nb: FakeNb) -> None:
    fake_nb.run("up", "--detach")
    credentials = fake_nb.home.credentials_file
    credentials.write_text(json.dumps({"local": {"token": "a"}, "staging": {"token": "b"}}))

    finished = fake_nb.run("down", "--wipe", "--yes")

    assert finished.returncode == 0, finished.stderr
    # The line of this very run is written when it has ended.
    assert {path.name for path in fake_nb.home.root.iterdir()} == {"credentials.json", "journal.ndjson"}
    assert json.loads(credentials.read_text()) == {"staging": {"token": "b"}}


def test_wipe_refuses_a_folder_that_is_no_home(fake_nb: FakeNb) -> None:
    fake_nb.home.root.mkdir()
    precious = fake_nb.home.root / "thesis.tex"
    precious.write_text("years of work")

    finished = fake_nb.run("down", "--wipe", "--yes")

    assert finished.returncode == 1
    assert "was not made by `nb up`" in finished.stderr
    assert precious.exists()


def test_a_dry_run_of_down_stops_nothing(fake_nb: FakeNb) -> None:
    fake_nb.run("up", "--detach")

    document = fake_nb.document("down", "--wipe", "--dry-run")

    assert document["data"]["was_running"] is True
    assert is_held(fake_nb.home)


def test_servers_of_the_persons_own_win(
    fake_nb: FakeNb, postgres_server: object, database_url: str, redis_url: str
) -> None:
    fake_nb.environment |= {"DATABASE_URL": database_url, "REDIS_URL": redis_url}

    document = fake_nb.document("up")

    assert document["ok"] is True, document
    assert [record["name"] for record in fake_nb.state()["processes"]] == ["beat", "worker", "web", "sandbox"]
    assert document["data"]["database"].endswith(database_url.rpartition("@")[2])
    assert not fake_nb.home.postgres_data.exists()


def test_a_bot_of_the_persons_own_is_polled_instead_of_the_sandbox(fake_nb: FakeNb) -> None:
    fake_nb.environment["TELEGRAM_BOT_TOKEN"] = "42:a-real-looking-token"

    document = fake_nb.document("up")

    assert document["ok"] is True, document
    assert document["data"]["chat"] is None
    assert [record["name"] for record in fake_nb.state()["processes"]][:4] == ["beat", "worker", "poller", "web"]


def test_everything_private_is_private(fake_nb: FakeNb) -> None:
    fake_nb.run("up", "--detach")

    for path in (fake_nb.home.secrets_file, fake_nb.home.run / "state.json", *fake_nb.home.logs.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
