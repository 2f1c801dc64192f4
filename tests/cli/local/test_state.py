"""What is written about a run is read back as it was, and the lock tells whether somebody runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from cli.local.home import Home
from cli.local.identity import ProcessIdentity
from cli.local.state import Addresses, AlreadyRunning, Phase, ProcessRecord, RunState, holding, is_held
from cli.local.status import addresses_as_data, local_status
from tests.cli.local.conftest import wait_until

ADDRESSES = Addresses(
    web="http://127.0.0.1:8000",
    sandbox="http://127.0.0.1:8001",
    chat="http://127.0.0.1:8001/",
    console="http://127.0.0.1:8000/console/",
    database="postgresql://nanobanana@127.0.0.1:5433/nanobanana",
    redis="redis://127.0.0.1:6380/0",
)


def me() -> ProcessIdentity:
    identity = ProcessIdentity.of(os.getpid())
    assert identity is not None
    return identity


@pytest.fixture
def state() -> RunState:
    return RunState(
        phase=Phase.READY,
        run="abc",
        supervisor=me(),
        started_at=time.time() - 60,
        ports={"web": 8000},
        addresses=ADDRESSES,
        processes=(
            ProcessRecord("web", me(), time.time() - 30, 1, "running"),
            ProcessRecord("beat", ProcessIdentity(me().pid, "0:1"), time.time() - 50, 0, "running"),
            ProcessRecord("worker", None, 0.0, 0, "waiting"),
        ),
    )


def test_a_state_is_read_back_as_it_was(home: Home, state: RunState) -> None:
    home.create()
    state.save(home)

    assert RunState.load(home) == state


def test_a_home_without_a_run_has_no_state(home: Home) -> None:
    assert RunState.load(home) is None


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"schema": "nb-run/0"}', '{"schema": "nb-run/1"}', '{"schema": "nb-run/1", "phase": "dancing"}'],
)
def test_a_damaged_state_is_no_state(home: Home, content: str) -> None:
    home.create()
    (home.run / "state.json").write_text(content)

    assert RunState.load(home) is None


def test_a_state_of_a_later_version_is_no_state(home: Home, state: RunState) -> None:
    home.create()
    state.save(home)
    content = json.loads((home.run / "state.json").read_text())
    content["addresses"]["moon"] = "far"
    (home.run / "state.json").write_text(json.dumps(content))

    assert RunState.load(home) is None


def test_only_one_can_hold_a_home(home: Home) -> None:
    home.create()
    assert not is_held(home)

    with holding(home):
        assert is_held(home)
        with pytest.raises(AlreadyRunning), holding(home):
            pass

    assert not is_held(home)


def test_asking_does_not_take_the_lock_away(home: Home) -> None:
    home.create()

    with holding(home):
        assert is_held(home)
        assert is_held(home)


def test_the_lock_is_free_when_its_holder_is_killed(home: Home) -> None:
    home.create()
    code = (
        "import sys, time; from pathlib import Path\n"
        "from cli.local.home import Home; from cli.local.state import holding\n"
        "with holding(Home(Path(sys.argv[1]))):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(home.root)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert is_held(home)
        holder.kill()

    wait_until(lambda: not is_held(home))


def test_the_status_of_a_home_that_was_never_used(home: Home) -> None:
    status = local_status(home)

    assert status.phase is Phase.STOPPED
    assert not status.is_running
    assert status.processes == ()
    assert status.as_data()["addresses"] is None


def test_the_status_of_a_running_product(home: Home, state: RunState) -> None:
    home.create()
    state.save(home)

    with holding(home):
        status = local_status(home)

    web, beat, worker = status.processes
    assert status.phase is Phase.READY
    assert status.is_running
    assert status.supervisor_pid == os.getpid()
    assert (web.state, web.pid, web.restarts) == ("running", os.getpid(), 1)
    assert web.uptime_s is not None
    assert 25 < web.uptime_s < 60
    assert (beat.state, beat.pid, beat.uptime_s) == ("gone", None, None)
    assert (worker.state, worker.pid) == ("waiting", None)
    assert status.as_data()["addresses"] == addresses_as_data(ADDRESSES)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.READY, Phase.STOPPING])
def test_a_free_lock_means_that_the_supervisor_was_killed(home: Home, state: RunState, phase: Phase) -> None:
    home.create()
    replace(state, phase=phase).save(home)

    status = local_status(home)

    assert status.phase is Phase.DIED
    assert not status.is_running
    assert status.supervisor_pid is None
    assert [process.name for process in status.leftovers] == ["web"]


@pytest.mark.parametrize("phase", [Phase.STOPPED, Phase.FAILED])
def test_a_held_lock_means_that_a_new_run_begins(home: Home, state: RunState, phase: Phase) -> None:
    home.create()
    replace(state, phase=phase).save(home)

    assert local_status(home).phase is phase
    with holding(home):
        assert local_status(home).phase is Phase.STARTING


def test_the_addresses_carry_the_names_of_the_contract() -> None:
    data = addresses_as_data(ADDRESSES)

    assert {"web", "sandbox", "chat", "console", "database", "redis"} <= data.keys()
    assert data["health"] == "http://127.0.0.1:8000/api/health"
