"""The supervisor keeps processes running, says how they ended and stops them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cli.local.home import Home
from cli.local.identity import RUN_VARIABLE, ProcessIdentity
from cli.local.journal import Journal
from cli.local.launch import Launch, LocalError
from cli.local.supervisor import Service, Supervisor, describe_exit

RUN = "run-of-this-test"
STAYS = "import signal, pathlib, sys; pathlib.Path(sys.argv[1]).touch(); signal.sigwait({signal.SIGTERM})"
ENDS = "import sys; print('goodbye'); sys.exit(7)"
DEAF = (
    "import signal, pathlib, sys, time; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGTERM)];"
    "pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
)


class Stage:
    """A supervisor over small programs, and what was seen of it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.changes = 0
        self.journal = Journal(home.log("nb"), RUN)
        self.supervisor = Supervisor([], home, self.journal, self.changed)

    def changed(self) -> None:
        self.changes += 1

    def mark(self, name: str) -> Path:
        return self.home.run / f"{name}-is-there"

    def service(self, name: str, code: str, **options: Any) -> Service:
        def launch() -> Launch:
            self.mark(name).unlink(missing_ok=True)
            return Launch(
                argv=(sys.executable, "-S", "-c", code, str(self.mark(name))),
                environment={"PATH": os.environ["PATH"], RUN_VARIABLE: RUN},
            )

        return Service(name, launch, options.pop("is_ready", self.has_mark(name)), **options)

    def has_mark(self, name: str) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return self.mark(name).exists()

        return look

    def supervise(self, *services: Service) -> Supervisor:
        self.supervisor = Supervisor(services, self.home, self.journal, self.changed)
        return self.supervisor

    def journal_entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.home.log("nb").read_text().splitlines()]


@pytest.fixture
async def stage(home: Home) -> AsyncIterator[Stage]:
    home.create()
    stage = Stage(home)
    yield stage
    stage.supervisor.kill()
    await stage.supervisor.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  Another process brings it about.
            await asyncio.sleep(0.01)


def identity(supervisor: Supervisor, name: str) -> ProcessIdentity:
    found = supervisor.supervised[name].identity
    assert found is not None
    return found


async def test_starting_waits_until_the_process_is_ready(stage: Stage) -> None:
    supervisor = stage.supervise(stage.service("web", STAYS))

    await supervisor.start("web")

    assert stage.mark("web").exists()
    (record,) = supervisor.records()
    assert (record.name, record.state, record.restarts) == ("web", "running", 0)
    assert stage.changes >= 2


async def test_every_process_leads_a_session_of_its_own(stage: Stage) -> None:
    supervisor = stage.supervise(stage.service("web", STAYS))
    await supervisor.start("web")

    pid = identity(supervisor, "web").pid

    assert os.getsid(pid) == pid
    assert os.getpgid(pid) == pid


async def test_a_killed_process_is_started_again(stage: Stage) -> None:
    supervisor = stage.supervise(stage.service("web", STAYS))
    await supervisor.start("web")
    before = identity(supervisor, "web")

    os.kill(before.pid, signal.SIGKILL)
    await until(lambda: supervisor.supervised["web"].identity not in (None, before))

    (record,) = supervisor.records()
    assert record.restarts == 1
    (said,) = [entry for entry in stage.journal_entries() if entry["level"] == "warning"]
    assert said["service"] == "web"
    assert said["event"] == "was killed by SIGKILL; starting it again in 0.2 s"


async def test_a_process_that_crashes_again_and_again_is_started_ever_later(stage: Stage) -> None:
    supervisor = stage.supervise(stage.service("web", ENDS, patience=3))

    with pytest.raises(LocalError):
        await supervisor.start("web")

    said = [entry["event"] for entry in stage.journal_entries()]
    assert [text.rpartition(" in ")[2] for text in said] == ["0.2 s", "0.4 s", "0.8 s"]


async def test_a_process_that_ends_before_it_is_ready_is_a_failure_with_its_reason(stage: Stage) -> None:
    supervisor = stage.supervise(stage.service("web", ENDS))

    with pytest.raises(LocalError, match="web ended with exit code 7 before it was ready") as failure:
        await supervisor.start("web")

    assert failure.value.service == "web"
    assert stage.home.log("web").read_text() == "goodbye\n"


async def test_a_process_that_is_never_ready_is_given_up(stage: Stage) -> None:
    async def never() -> bool:
        return False

    supervisor = stage.supervise(stage.service("web", STAYS, is_ready=never, start_limit=0.1))

    with pytest.raises(LocalError, match="web was not ready within 0 s"):
        await supervisor.start("web")


async def test_a_program_that_does_not_exist_is_named(stage: Stage) -> None:
    missing = Service("web", lambda: Launch(argv=("/nowhere/program",)), stage.has_mark("web"))
    supervisor = stage.supervise(missing)

    with pytest.raises(LocalError, match=r"web cannot be started: .*/nowhere/program"):
        await supervisor.start("web")


async def test_a_launch_that_cannot_be_made_is_told_in_its_own_words(stage: Stage) -> None:
    def launch() -> Launch:
        raise LocalError("there is no such server", fix="Install one.", service="redis")

    supervisor = stage.supervise(Service("redis", launch, stage.has_mark("redis")))

    with pytest.raises(LocalError, match="there is no such server"):
        await supervisor.start("redis")


async def test_stopping_goes_through_the_services_in_order(stage: Stage) -> None:
    names = ("beat", "worker", "web")
    supervisor = stage.supervise(*(stage.service(name, STAYS) for name in names))
    await asyncio.gather(*(supervisor.start(name) for name in reversed(names)))
    identities = [identity(supervisor, name) for name in names]

    await supervisor.stop()

    assert not [one for one in identities if one.is_alive]
    assert [entry["service"] for entry in stage.journal_entries()] == list(names)
    assert {record.state for record in supervisor.records()} == {"stopped"}
    assert {record.identity for record in supervisor.records()} == {None}


async def test_a_process_that_does_not_listen_is_killed(stage: Stage) -> None:
    supervisor = stage.supervise(stage.service("worker", DEAF, stop_limit=0.1))
    await supervisor.start("worker")
    before = identity(supervisor, "worker")

    await supervisor.stop()

    assert not before.is_alive
    assert "did not stop in time" in stage.journal_entries()[0]["event"]


async def test_what_was_never_started_is_stopped_without_harm(stage: Stage) -> None:
    supervisor = stage.supervise(stage.service("web", STAYS))

    await supervisor.stop()

    assert supervisor.records()[0].state == "stopped"


async def test_a_process_that_waits_for_its_restart_can_be_stopped(stage: Stage) -> None:
    supervisor = stage.supervise(stage.service("web", STAYS))
    await supervisor.start("web")
    os.kill(identity(supervisor, "web").pid, signal.SIGKILL)
    await until(lambda: supervisor.records()[0].state == "restarting")

    await supervisor.stop()
    await asyncio.sleep(0)

    assert supervisor.records()[0].state == "stopped"


async def test_the_kernel_ends_a_process_whose_supervisor_is_gone(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        return
    parent = (
        "import sys, os; from pathlib import Path; from cli.local.launch import Launch\n"
        "code = 'import time; time.sleep(60)'\n"
        "launch = Launch(argv=(sys.executable, '-S', '-c', code), environment={})\n"
        "print(launch.start(Path(sys.argv[1])).pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent, str(tmp_path / "log"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    await process.wait()

    await until(lambda: ProcessIdentity.of(pid) is None)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-9, "was killed by SIGKILL"),
        (-250, "was killed by signal 250"),
    ],
)
def test_an_exit_is_told_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
