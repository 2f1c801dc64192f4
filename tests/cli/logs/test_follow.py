"""`nb logs --follow` as a process: lines as they come, over rotation, and every way in which it ends."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import run_nb, start_nb
from tests.cli.logs.conftest import TRACE, Logs, entry, stack

pytestmark = pytest.mark.integration

PATIENCE_S = 20


class Following:
    """A running `nb logs -f`, and its lines as they come."""

    def __init__(self, *arguments: str) -> None:
        self.process = start_nb("logs", "-f", *arguments)
        assert self.process.stdout is not None
        self._out = self.process.stdout.fileno()
        self._rest = b""

    def line(self) -> str:
        """The next line."""
        while b"\n" not in self._rest:
            assert select.select([self._out], [], [], PATIENCE_S)[0], "no line came"
            read = os.read(self._out, 65536)
            assert read, "it ended"
            self._rest += read
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode()

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
        """End it; its exit code and what it said then."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, (self._rest + out).decode(), err.decode()


@pytest.fixture
def followed(logs: Logs) -> Iterator[Any]:
    """Starts following; what still runs at the end is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def follow(*arguments: str) -> Following:
        found = Following(*arguments)
        started.append(found.process)
        return found

    yield follow
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def test_the_last_lines_come_first_and_then_those_that_are_written(followed: Any, logs: Logs) -> None:
    run = followed("web", "-n", "1", "--json")
    assert json.loads(run.line())["fields"]["status"] == 503
    logs.append("web.log", entry("12:10:00", "new", trace_id=TRACE))
    line = json.loads(run.line())
    assert (line["event"], line["trace_id"], line["service"]) == ("new", TRACE, "web")


def test_ctrl_c_ends_it_with_a_document_that_counts(followed: Any, logs: Logs) -> None:
    run = followed("web", "-n", "2", "--json")
    run.line()
    run.line()
    code, out, err = run.end()
    (last,) = out.splitlines()
    document = json.loads(last)
    assert (code, document["exit_code"], document["error"]["code"]) == (130, 130, "interrupted")
    assert document["data"]["counts"] == {"warning": 1, "info": 1}
    assert err == ""


def test_people_see_no_traceback_of_ours_after_ctrl_c(followed: Any, logs: Logs) -> None:
    run = followed("web", "-n", "1")
    assert "status=503" in run.line()
    code, out, err = run.end()
    assert (code, out) == (130, "")
    assert "Traceback" not in err


def test_a_file_that_is_rotated_emptied_or_new_is_followed(followed: Any, logs: Logs) -> None:
    run = followed("web", "poller", "-n", "1", "--json")
    run.line()
    path = logs.folder / "web.log"
    path.rename(logs.folder / "web.log.1")
    logs.write("web.log", [entry("12:10:01", "after rotation")])
    assert json.loads(run.line())["event"] == "after rotation"
    path.write_text("")
    logs.append("web.log", entry("12:10:02", "short"))
    assert json.loads(run.line())["event"] == "short"
    logs.write("poller.log", [entry("12:10:03", "first words", service="poller")])
    assert json.loads(run.line())["event"] == "first words"


def test_only_what_is_asked_for_is_followed(followed: Any, logs: Logs) -> None:
    run = followed("web", "--level", "error", "--json")
    logs.append("worker.log", entry("12:10:00", "of another", level="error", service="worker"))
    logs.append("web.log", entry("12:10:01", "too mild"), entry("12:10:02", "bad", level="error"))
    assert json.loads(run.line())["event"] == "bad"


def test_a_traceback_that_is_written_in_pieces_is_one_entry(followed: Any, logs: Logs) -> None:
    run = followed("web", "--since", "2026-11-22T12:00:09Z", "--json")
    run.line()
    text = stack("KeyError: 'fox'")
    for line in text.splitlines():
        logs.append("web.log", line)
    line = json.loads(run.line())
    assert (line["event"], line["exception"]) == ("KeyError: 'fox'", text)


def test_a_secret_is_masked_while_following(followed: Any, logs: Logs) -> None:
    run = followed("web", "-n", "1")
    run.line()
    logs.append("web.log", entry("12:10:00", "token nbk_0123456789abcdef"))
    assert "nbk_" not in run.line()


def test_a_reader_that_leaves_ends_it_even_when_nothing_comes(followed: Any, logs: Logs) -> None:
    run = followed("web", "-n", "1")
    run.line()
    run.process.stdout.close()
    assert run.process.wait(timeout=PATIENCE_S) == 0
    assert run.process.stderr.read() == b""
    run.process.stdout = None


@pytest.mark.parametrize("option", ["--wait", "--timeout"])
def test_a_time_that_is_given_ends_it(logs: Logs, option: str) -> None:
    ran = run_nb("logs", "web", "-f", option, "300ms", "--json")
    *lines, last = ran.out.splitlines()
    assert (ran.code, len(lines), json.loads(last)["data"]["counts"]) == (0, 4, {"warning": 1, "info": 3})


def test_what_lies_in_the_past_is_not_waited_for(logs: Logs) -> None:
    ran = run_nb("logs", "web", "-f", "--until", "2026-11-22T12:00:02Z")
    assert (ran.code, ran.out.count("\n")) == (0, 2)


def test_bad_lines_that_came_fail_it_in_the_end(logs: Logs) -> None:
    ran = run_nb("logs", "worker", "-f", "--fail-on", "error", "--wait", "200ms", "--json")
    document = json.loads(ran.out.splitlines()[-1])
    assert (ran.code, document["error"]["code"], document["data"]["failing"]["count"]) == (1, "lines_found", 4)


def test_it_loads_nothing_heavy(logs: Logs) -> None:
    import sys

    from tests.cli.test_command_line import FORBIDDEN, ROOT

    script = (
        "import json, sys\nfrom cli.application import run\ncode = run(['logs', '--level', 'error'])\n"
        "print(json.dumps([code, sorted({name.split('.')[0] for name in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert not {*FORBIDDEN, "httpx", "structlog", "pydantic", "rich", "bot", "urllib3", "asyncio"} & {*modules}
