"""The terminal, the locale and the descriptors that `nb` is started with, in real processes."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import Place, Runner, start_nb
from tests.cli.emulator import TOKEN, Emulator, Fault, generation
from tests.cli.every import LEAVES, Leaf
from tests.cli.test_contract import ASKING

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
SERVED = [leaf for leaf in LEAVES if leaf.asks_only_the_service]

OF_EACH_GROUP = list({leaf.path[0]: leaf for leaf in SERVED}.values())
"""One command of each group: a process is dearer than a call."""

SIGNS = set("✓✗·→–—…⚡×")
"""What we print of our own accord. Names and texts of people are printed as they are where the stream takes them."""

LONG = "nano-banana-pro-with-a-slug-that-somebody-made-much-too-long"


@pytest.fixture
def staging(place: Place, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The service as staging."""
    place.write_project(f'[env.staging]\nurl = "{service.url}"\n')
    service.environment = "staging"
    monkeypatch.setenv("NB_ENV", "staging")
    monkeypatch.setenv("NB_TOKEN_STAGING", TOKEN)
    return service


class Silent(dict[str, Fault]):
    """No address answers."""

    def get(self, key: str, default: Fault | None = None) -> Fault:  # type: ignore[override]  # one answer for all
        """Nothing, until the emulator stops."""
        return Fault(hang=True)


@pytest.mark.parametrize("leaf", OF_EACH_GROUP, ids=lambda leaf: leaf.name)
@pytest.mark.parametrize("form", [("--json",), ()], ids=["json", "people"])
def test_ctrl_c_in_the_middle_leaves_nothing_half_written(staging: Emulator, leaf: Leaf, form: tuple[str, ...]) -> None:
    staging.faults = Silent()
    process = start_nb(*leaf.called, "--timeout", "60s", *form)
    assert staging.asked.wait(30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    if form:
        document = json.loads(out)
        assert (document["exit_code"], document["error"]["code"]) == (130, "interrupted")
        assert err == b""
    else:
        assert out == b""
        assert err.decode().startswith("✗ interrupted")
        assert b"Traceback" not in err


def in_a_shell(redirections: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run `nb` with descriptors opened and closed as a shell does."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, "-m", "cli.main", *arguments],
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


CLOSED = {
    (): 0,
    ("--help",): 0,
    ("--version",): 0,
    ("help", "agent"): 0,
    ("gen", "list", "--help"): 0,
    ("health",): 0,
    ("health", "--json"): 0,
    ("gen", "list"): 0,
    ("gen", "list", "--json"): 0,
    ("gen", "ls"): 2,
    ("gen", "show", "nobody", "--json"): 3,
    ("pricing", "export"): 0,
}


@pytest.mark.parametrize("redirections", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("arguments", CLOSED, ids=" ".join)
def test_closed_descriptors_change_no_exit_code(
    staging: Emulator, redirections: str, arguments: tuple[str, ...]
) -> None:
    ran = in_a_shell(redirections, *arguments)
    assert ran.returncode == CLOSED[arguments]
    assert b"Traceback" not in ran.stderr
    assert b"Error" not in ran.stderr


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
def test_nothing_of_ours_is_wider_than_forty_columns(
    nb: Runner, staging: Emulator, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    if command == ("pricing", "export"):
        return  # A table for programs.
    staging.generations = [generation(number, model=LONG) for number in range(3)] + staging.generations
    for line in nb(*command).out.splitlines():
        # What has no spaces, such as an id or an address, is left whole.
        assert len(line) <= 40 or " " not in line.strip(), line


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
def test_a_plain_locale_gets_plain_text(
    nb: Runner, staging: Emulator, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    ran = nb(*command)
    assert ran.code == 0
    assert command == ("pricing", "export") or not set(ran.out) & SIGNS
    assert json.loads(nb(*command, "--json").out)["ok"] is True


@pytest.mark.parametrize("arguments", [("gen", "list"), ("models", "list"), ("doctor",), ("help", "agent"), ("nope",)])
@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"LANG": "POSIX"}, {"PYTHONIOENCODING": "ascii:strict"}])
def test_no_locale_breaks_a_process(staging: Emulator, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    staging.generations = [generation(1, model="модель-🦊")]
    ran = in_a_shell("", *arguments, **environment)
    assert b"UnicodeEncodeError" not in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert not set((ran.stdout + ran.stderr).decode()) & SIGNS


def at_a_terminal(arguments: Sequence[str], *, columns: int, **environment: str) -> tuple[int, str]:
    """Run `nb` with a terminal of its own; what it shows, signs of colour and all."""
    parent, child = pty.openpty()
    os.set_blocking(parent, False)
    names = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments],
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
        env={**names, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment},
    )
    import fcntl
    import struct
    import termios

    fcntl.ioctl(parent, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.close(child)
    shown = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        ready, _, _ = select.select([parent], [], [], 0.1)
        if ready:
            try:
                part = os.read(parent, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        elif process.poll() is not None:
            break
    os.close(parent)
    return process.wait(timeout=10), shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_list_at_a_terminal_fits_it_and_keeps_its_ids(staging: Emulator, columns: int) -> None:
    staging.generations = [generation(number, id=f"{number:032x}", model="kling-v2-6-pro") for number in range(3)]
    code, shown = at_a_terminal(["gen", "list"], columns=columns)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert code == 0
    assert max(map(len, plain.splitlines())) <= columns
    assert plain.count("kling-v2-6-pro") == 3
    assert f"{2:032x}" in plain


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours_gets_none(staging: Emulator, variable: dict[str, str]) -> None:
    staging.healthy = False
    coloured = at_a_terminal(["health"], columns=80)[1]
    assert "\x1b[31m" in coloured
    assert "\x1b" not in at_a_terminal(["health"], columns=80, **variable)[1]


def test_off_a_terminal_a_change_is_not_asked_about(staging: Emulator) -> None:
    ran = in_a_shell(
        "</dev/null", "pricing", "set", "nano-banana-pro", "--base-cost", "0.16", "--reason", "a test", "--json"
    )
    document = json.loads(ran.stdout)
    assert document["command"] == "pricing.set"
    assert ran.returncode in (0, 3, 6, 75)
