"""Parsing: the same options everywhere, one document whatever happens, suggestions for slips."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer

from cli import application, registry
from cli.application import _with_wait_times
from cli.envelope import Outcome
from cli.errors import BlockedByRule
from cli.invocation import current
from tests.cli.conftest import Place, Runner, run_nb, start_nb
from tests.cli.emulator import Emulator, check
from tests.cli.every import LEAVES as EVERY

ROOT = str(Path(__file__).resolve().parents[2])
FORBIDDEN = ("aiogram", "sanic", "celery", "piccolo", "asyncpg", "redis", "supabase", "google")
"""Top-level modules that a command which only asks the service must not load."""


LEAVES = [leaf.path for leaf in EVERY]


def test_root_help_lists_every_command_and_fits_eighty_columns(nb: Runner) -> None:
    page = registry.root_help(80)
    for name in registry.visible():
        assert f"  {name} " in page
    assert max(map(len, page.splitlines())) <= 80


@pytest.mark.parametrize("width", [30, 40, 60])
def test_root_help_degrades_on_a_narrow_screen(width: int) -> None:
    assert max(map(len, registry.root_help(width).splitlines())) <= max(width, 40)


def test_hidden_commands_are_callable_but_not_listed() -> None:
    assert "sandbox" in registry.entries()
    assert "sandbox" not in registry.root_help(80)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("path", [*LEAVES, ("gen",), ("db",)], ids=".".join)
def test_help_fits_the_screen(nb: Runner, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    page = nb(*path, "--help").out.partition("Examples:")[0]
    assert "--json" in page
    assert max(map(len, page.splitlines())) <= min(width, 80)


@pytest.mark.parametrize("path", LEAVES, ids=".".join)
def test_help_in_json_is_one_document(nb: Runner, path: tuple[str, ...]) -> None:
    ran = nb(*path, "--help", "--json")
    assert json.loads(ran.out)["data"]["text"].startswith(f"Usage: nb {' '.join(path)}")


@pytest.mark.parametrize(
    "arguments",
    [("--json",), ("--json", "--help"), ("-h", "--json"), ("--json", "--env", "staging", "--help")],
)
def test_the_root_in_json_lists_the_commands(nb: Runner, arguments: tuple[str, ...]) -> None:
    ran = nb(*arguments)
    assert ran.code == 0
    assert [command["name"] for command in ran.data["commands"]] == registry.visible()


def test_the_version_in_json(nb: Runner) -> None:
    assert nb("--version", "--json").data == {"version": "0.1.0"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("helth",), "No such command 'helth'. Did you mean 'health'?"),
        (("qqqq",), "No such command 'qqqq'."),
        (("gen", "lst"), "No such command 'lst'. Did you mean 'list'?"),
        (("health", "--jsno"), "No such option: --jsno. Did you mean '--json'?"),
        (("gen",), "nb gen needs a command: list, show, stuck, retry, cancel, refund."),
        (("health", "extra"), "Got unexpected extra argument(s) (extra)."),
        (("gen", "list", "--limit="), "Invalid value for '--limit': '' is not a valid int range."),
        (("--qqqq",), "No such option: --qqqq."),
    ],
)
def test_a_slip_is_a_usage_error_in_both_forms(nb: Runner, arguments: tuple[str, ...], message: str) -> None:
    people = nb(*arguments)
    assert (people.code, people.out) == (2, "")
    assert message in people.err
    machines = nb(*arguments, "--json")
    assert (machines.code, machines.error["code"], machines.error["message"]) == (2, "usage", message)
    assert machines.err == ""


SEEN: list[dict[str, object]] = []


def spy(value: Annotated[str, typer.Argument()] = "") -> Outcome:
    """Note what the options of every command came to.

    Examples:
        nb spy
        nb spy --json
    """
    now = current()
    SEEN.append(
        {
            "env": now.requested_environment,
            "timeout": now.timeout,
            "wait": now.wait,
            "flags": (now.json, now.dry_run, now.yes, now.no_input, now.no_color, now.verbose),
        }
    )
    if value == "crash":
        raise RuntimeError("token nbk_secret in an exception")
    if value == "interrupt":
        raise KeyboardInterrupt
    if value == "blocked":
        raise BlockedByRule("not on main", rule="2.5.1", fix="open a pull request")
    if value == "print":
        print("a library prints")
    return Outcome(data={"value": value}, show=lambda screen: screen.line(value))


@pytest.fixture
def with_spy(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """A command that tells what it was given."""
    SEEN.clear()
    section = ("Spy", (("spy", f"{__name__}:spy", "Note the options."),))
    monkeypatch.setattr(registry, "SECTIONS", (*registry.SECTIONS, section))
    return SEEN


OPTIONS = (
    "--env",
    "staging",
    "--timeout",
    "3s",
    "--wait",
    "2m",
    "--dry-run",
    "--yes",
    "--no-input",
    "--no-color",
    "-v",
)


@pytest.mark.parametrize("before", [0, 2, 4, 6, 8, len(OPTIONS)])
def test_options_mean_the_same_before_and_after_the_command(
    nb: Runner, with_spy: list[dict[str, object]], before: int
) -> None:
    assert nb(*OPTIONS[:before], "--json", "spy", *OPTIONS[before:]).code == 0
    assert with_spy == [{"env": "staging", "timeout": 3.0, "wait": 120.0, "flags": (True,) * 6}]


def test_the_option_nearer_to_the_command_wins(nb: Runner, with_spy: list[dict[str, object]]) -> None:
    nb("--env", "staging", "spy", "--env", "production")
    assert with_spy[0]["env"] == "production"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["ready", "--wait"], ["ready", "--wait=5m"]),
        (["ready", "--wait", "--json"], ["ready", "--wait=5m", "--json"]),
        (["ready", "--wait", "3m"], ["ready", "--wait", "3m"]),
        (["--wait", "ready"], ["--wait=5m", "ready"]),
        (["ready", "--wait=10s"], ["ready", "--wait=10s"]),
    ],
)
def test_wait_may_stand_alone(given: list[str], taken: list[str]) -> None:
    assert _with_wait_times(given) == taken


@pytest.mark.parametrize(
    ("option", "value"), [("--timeout", "soon"), ("--wait=", ""), ("--timeout", "-1"), ("--timeout", "25h")]
)
def test_a_strange_time_is_a_usage_error(
    nb: Runner, with_spy: list[dict[str, object]], option: str, value: str
) -> None:
    ran = nb("spy", "--json", *([option, value] if value else [f"{option}later"]))
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert with_spy == []


def test_json_can_be_asked_for_by_the_environment(
    nb: Runner, with_spy: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_JSON", "1")
    assert nb("spy", "x").data == {"value": "x"}
    monkeypatch.setenv("NB_JSON", "0")
    assert nb("spy", "x").out == "x\n"


def test_an_unexpected_failure_is_one_document_with_a_correlation_id(
    nb: Runner, with_spy: list[dict[str, object]]
) -> None:
    ran = nb("spy", "crash", "--json")
    assert (ran.code, ran.error["code"]) == (1, "internal")
    assert ran.document["meta"]["run_id"] in ran.error["message"]
    assert "nbk_secret" not in ran.out + ran.err
    assert "Traceback" not in ran.err


def test_the_trace_of_an_unexpected_failure_is_on_stderr_when_asked_for(
    nb: Runner, with_spy: list[dict[str, object]]
) -> None:
    ran = nb("spy", "crash", "--json", "-v")
    assert "Traceback" in ran.err
    assert ran.document["meta"]["run_id"] in ran.err


def test_an_unattended_process_leaves_its_trace_in_its_log(
    nb: Runner, with_spy: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "PROCESSES", frozenset({"spy"}))
    assert "RuntimeError" in nb("spy", "crash").err


def test_a_rule_is_named_with_its_exit_code(nb: Runner, with_spy: list[dict[str, object]]) -> None:
    ran = nb("spy", "blocked", "--json")
    assert (ran.code, ran.error["rule"], ran.error["fix"]) == (5, "2.5.1", "open a pull request")


def test_an_interruption_is_one_document(nb: Runner, with_spy: list[dict[str, object]]) -> None:
    ran = nb("spy", "interrupt", "--json")
    assert (ran.code, ran.error["code"]) == (130, "interrupted")


def test_what_a_library_prints_does_not_spoil_the_document(nb: Runner, with_spy: list[dict[str, object]]) -> None:
    ran = nb("spy", "print", "--json")
    assert ran.data == {"value": "print"}
    assert "a library prints" in ran.err


def test_an_agent_names_itself(nb: Runner, with_spy: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB_AGENT", "codex")
    assert nb("spy", "--json").document["meta"]["agent"] == "codex"


def test_the_document_keeps_the_order_of_its_keys(nb: Runner, with_spy: list[dict[str, object]]) -> None:
    expected = ["schema", "command", "env", "ok", "exit_code", "data", "warnings", "error", "next", "meta"]
    assert list(json.loads(nb("spy", "--json").out)) == expected
    assert list(json.loads(nb("qqqq", "--json").out)) == expected


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), (), ("health", "--json"), ("health",), ("nonsense",)]
)
def test_a_command_that_only_asks_loads_none_of_the_product(place: Place, arguments: tuple[str, ...]) -> None:
    code = (
        "import sys; sys.argv = ['nb', *sys.argv[1:]]\n"
        "from cli.main import main\n"
        "main()\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    loaded = set(done.stderr.splitlines()[-1].split())
    assert not loaded & {*FORBIDDEN, "rich", "httpx", "pydantic", "core", "bot", "providers"}
    if arguments in (("--help",), ("--version",), ()):
        assert not loaded & {"typer", "json", "dataclasses"}


@pytest.mark.parametrize("arguments", [("--help",), ("gen", "list", "--help"), ("schema", "gen.list"), ("nope",)])
def test_a_reader_that_leaves_early_causes_no_noise(place: Place, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start_nb_into(writer, *arguments)
    _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err
    assert b"Broken pipe" not in err
    assert process.returncode == (2 if arguments == ("nope",) else 0)


def start_nb_into(descriptor: int, *arguments: str) -> subprocess.Popen[bytes]:
    """Start `nb` with stdout on a descriptor, which is closed here."""
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            stdout=descriptor,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": ROOT},
        )
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("arguments", [("--help",), ("help", "agent"), ("help", "agent", "--json")])
def test_a_full_disk_is_said_without_a_trace(place: Place, arguments: tuple[str, ...]) -> None:
    device = Path("/dev/full")
    if not device.exists():
        return  # Only Linux has it.
    process = start_nb_into(os.open(device, os.O_WRONLY), *arguments)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75
    assert b"cannot be written" in err
    assert b"Traceback" not in err


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_a_plain_locale_gets_plain_signs(place: Place, locale: str) -> None:
    ran = run_nb("doctor", LC_ALL=locale)
    assert "[ok]" in ran.out
    assert "✓" not in ran.out
    assert "Error" not in ran.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1251"])
def test_an_encoding_without_our_signs_gets_plain_ones(place: Place, encoding: str) -> None:
    ran = run_nb("doctor", PYTHONIOENCODING=encoding)
    assert "[ok]" in ran.out
    assert "UnicodeEncodeError" not in ran.err


def test_bytes_that_are_no_text_still_give_one_document(place: Place) -> None:
    process = start_nb(os.fsdecode(b"\xff"), "--json")
    out, _ = process.communicate(timeout=60)
    assert json.loads(out)["error"]["code"] == "usage"


@pytest.mark.integration
@pytest.mark.parametrize("form", [("--json",), ()])
def test_ctrl_c_ends_with_130_and_one_document(service: Emulator, form: tuple[str, ...]) -> None:
    service.checks = [check("worker", "failed")]
    process = start_nb("ready", "--wait", "60s", *form)
    assert service.asked.wait(30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err
    if form:
        assert json.loads(out)["error"]["code"] == "interrupted"
    else:
        assert out == b""
        assert b"interrupted" in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("nb hea", {"health"}),
        ("nb gen ", {"list", "show"}),
        ("nb gen list --js", {"--json"}),
        ("nb --ver", {"--version"}),
    ],
)
def test_completion_offers_commands_and_options(place: Place, words: str, expected: set[str]) -> None:
    count = len(words.split(" ")) - 1
    ran = run_nb(_NB_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(count))
    assert expected <= set(ran.out.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(place: Place, shell: str) -> None:
    ran = run_nb(_NB_COMPLETE=f"source_{shell}")
    assert ran.code == 0
    assert "_NB_COMPLETE" in ran.out
