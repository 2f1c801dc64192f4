"""`nb errors`: what is asked for, what people read, where it leads next, and how following ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest

from cli import schema_files
from cli.commands.errors_tail import OVERLAP
from cli.moments import parse_moment
from tests.cli.answers_errors import KIND, TRACE, detailed, error
from tests.cli.conftest import Place, Runner, start_nb
from tests.cli.emulator import NOW, TOKEN, Emulator, Fault, problem

pytestmark = pytest.mark.integration

WHY = ("--reason", "the key was renewed")


def asked(service: Emulator, index: int = -1) -> dict[str, str]:
    """The query of a request, the last one."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(service.requests[index][1]).query).items()}


def test_a_list_is_a_table_of_eighty_columns(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = nb("errors", "list").out
    assert max(map(len, out.splitlines())) <= 80
    assert out.splitlines()[1].split()[:4] == ["e_7kq2m9xw4t", "11-22", "12:00", "critical"]
    assert "KeyReused" in out and "kling works again" in out
    rows = {line.split()[0]: line.split() for line in out.splitlines()[1:] if line.startswith("e_")}
    assert [rows[name][4] for name in ("e_7kq2m9xw4t", "e_23456789ab", "e_3456789abc")] == ["new", "resolved", "again"]


@pytest.mark.parametrize("columns", ["40", "80"])
def test_no_screen_is_too_narrow(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for command in (("list",), ("group",), ("show", "e_7kq2m9xw4t")):
        # A path or an id is never cut; everything else keeps to the screen.
        words = [line for line in nb("errors", *command).out.splitlines() if len(line) > int(columns)]
        assert all(len(line.strip().split()) == 1 for line in words), words


def test_an_empty_list_is_good_news(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "errors"] = {"items": [], "next_cursor": None}
    service.answers["GET", "errors/groups"] = {"items": [], "next_cursor": None}
    assert nb("errors", "list").out == nb("errors", "group").out == "✓ no errors match\n"
    assert nb("errors", "list", "--json").document["next"] == []


def test_every_filter_reaches_the_service(nb: Runner, service: Emulator) -> None:
    options = {
        "--status": "open",
        "--severity": "critical",
        "--origin": "payment",
        "--service": "worker",
        "--fingerprint": KIND,
        "--trace": "4bf92f35",
        "--generation": "g_000001",
        "--user": "4711",
        "--since": "2026-11-22T10:00:00Z",
        "--limit": "7",
        "--cursor": "9",
    }
    assert nb("errors", "list", *(part for pair in options.items() for part in pair)).code == 0
    assert asked(service) == {
        **{name.removeprefix("--"): value for name, value in options.items()},
        "since": "2026-11-22T10:00:00+00:00",
    }


def test_the_next_page_keeps_the_filters(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "errors"] = {"items": [error()], "next_cursor": "7"}
    steps = nb("errors", "list", "--severity", "critical", "--json").document["next"]
    assert [step["cmd"] for step in steps] == ["nb errors list --severity critical --limit 20 --cursor 7 --env local"]


@pytest.mark.parametrize(
    "options", [("--since", "someday"), ("--status", "odd"), ("--severity", "bad"), ("--user", "x")]
)
def test_what_makes_no_sense_is_not_sent(nb: Runner, service: Emulator, options: tuple[str, str]) -> None:
    assert nb("errors", "list", *options, "--json").code == 2
    assert service.requests == []


def test_one_error_shows_stack_trace_and_whom_it_hit(nb: Runner, service: Emulator) -> None:
    out = nb("errors", "show", "e_7kq2m9xw4t").out
    assert out.startswith("✗ e_7kq2m9xw4t  critical, new\n")
    for words in (
        TRACE,
        "core.ledger.errors.KeyReused",
        "bot.routers.prompts:order",
        "6a090cb",
        "g_000001",
        "100200300",
        'File "core/ledger/postings.py", line 7, in charge',
        "command /start",
        "f" * 32,
    ):
        assert words in out
    assert nb("errors", "show", "e_7kq2m9xw4t", "--json").data == detailed()


def test_an_error_leads_to_its_log_its_job_and_its_person(nb: Runner, service: Emulator) -> None:
    steps = [step["cmd"] for step in nb("errors", "show", "e_7kq2m9xw4t", "--json").document["next"]]
    assert steps == [
        f"nb logs --trace {TRACE} --env local",
        "nb gen show g_000001 --env local",
        "nb users show 100200300 --env local",
        f"nb errors list --fingerprint {KIND} --env local",
        f'nb errors resolve {KIND} --reason "…" --env local',
    ]


def test_a_resolved_error_says_who_did_what(nb: Runner, service: Emulator) -> None:
    closed = {"resolved_at": "2026-11-22T13:00:00Z", "resolved_by": "token:ann", "resolution": "fixed in 6a090cb"}
    service.answers["GET", "errors/e_7kq2m9xw4t"] = {**detailed(status="resolved"), **closed}
    ran = nb("errors", "show", "e_7kq2m9xw4t")
    assert ran.out.startswith("✓ e_7kq2m9xw4t  critical, resolved\n")
    assert "2026-11-22 13:00:00 by token:ann" in ran.out and "fixed in 6a090cb" in ran.out
    assert "resolve" not in ran.err


def test_kinds_are_told_with_their_counts(nb: Runner, service: Emulator) -> None:
    row = nb("errors", "group", "--since", "24h").out.splitlines()[1].split()
    assert row[:3] == [KIND, "41", "1"]
    assert "since" in asked(service)


def test_resolving_says_how_many(nb: Runner, service: Emulator) -> None:
    assert nb("errors", "resolve", KIND, *WHY).out == f"✓ {KIND}: 3 errors resolved\n"
    method, path, _, body = service.requests[-1]
    assert (method, path, json.loads(body)) == (
        "POST",
        f"/api/ops/v1/errors/{KIND}/resolve",
        {"reason": "the key was renewed"},
    )
    assert nb("errors", "take", "e_7kq2m9xw4t", *WHY).out == "✓ e_7kq2m9xw4t: 1 error in progress\n"
    assert "it is resolved already" in nb("errors", "resolve", "e_7kq2m9xw4t", *WHY).out


@pytest.mark.parametrize("verb", ["take", "resolve"])
def test_no_change_without_a_reason(nb: Runner, service: Emulator, verb: str) -> None:
    assert nb("errors", verb, "e_7kq2m9xw4t", "--json").code == 2
    assert service.requests == []


def test_a_rehearsal_is_marked(nb: Runner, service: Emulator) -> None:
    ran = nb("errors", "resolve", KIND, *WHY, "--dry-run", "--json")
    assert ran.data["dry_run"] is True
    assert service.requests[-1][1].endswith("?dry_run=true")


def test_production_is_named_for_a_change(
    nb: Runner, service: Emulator, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_ENV", "production")
    monkeypatch.setenv("PRODUCTION_BASE_URL", service.url)
    monkeypatch.setenv("NB_TOKEN_PRODUCTION", TOKEN)
    assert nb("errors", "resolve", KIND, *WHY, "--json").code == 2
    assert service.requests == []


def test_an_unknown_id_is_not_found(nb: Runner, service: Emulator) -> None:
    said = problem(404, "unknown_error", "There is no error 'e_x'.")
    service.faults["/api/ops/v1/errors/e_x"] = Fault(404, said)
    ran = nb("errors", "show", "e_x", "--json")
    assert (ran.code, ran.error["code"]) == (3, "unknown_error")


def test_an_id_cannot_reach_another_path(nb: Runner, service: Emulator) -> None:
    nb("errors", "show", "../users", "--json")
    assert service.requests[-1][1] == "/api/ops/v1/errors/..%2Fusers"


@pytest.mark.parametrize("trace", ["zz!!", "4bf92f3", "", "g" * 32, "a" * 33])
def test_what_is_no_correlation_id_is_said_before_anybody_is_asked(nb: Runner, service: Emulator, trace: str) -> None:
    ran = nb("errors", "list", "--trace", trace, "--json")
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert "no correlation id" in ran.error["message"]
    assert service.requests == []


def test_a_correlation_id_may_be_written_as_other_programs_do(nb: Runner, service: Emulator) -> None:
    nb("errors", "list", "--trace", " 4BF92F35-77B3-4DA6-A3CE-929D0E0E4736 ", "--json")
    assert asked(service)["trace"] == "4bf92f3577b34da6a3ce929d0e0e4736"


class TestFollowing:
    def test_each_error_is_a_line_and_the_last_one_the_document(self, nb: Runner, service: Emulator) -> None:
        ran = nb("errors", "tail", "--since", "1h", "--timeout", "2s", "--json")
        *lines, end = [json.loads(line) for line in ran.out.splitlines()]
        assert [line["id"] for line in lines] == ["e_3456789abc", "e_23456789ab", "e_7kq2m9xw4t"]
        assert (ran.code, end["data"], end["ok"]) == (0, {"lines": 3}, True)
        committed = schema_files.committed("errors.tail")
        assert committed is not None
        jsonschema.validate(end, committed)

    def test_without_a_moment_it_begins_now_by_the_clock_of_the_service(self, nb: Runner, service: Emulator) -> None:
        nb("errors", "tail", "--severity", "critical", "--timeout", "2s")
        query = asked(service)
        assert query["severity"] == "critical" and query["limit"] == "200"
        assert datetime.fromisoformat(query["since"]) == datetime.fromisoformat(NOW), "ours may be an hour ahead"

    def test_a_moment_of_any_zone_moves_on_with_what_was_met(self, service: Emulator) -> None:
        process = _tailing("--since", "2026-11-22T14:00:00+03:00")
        met = [parse_moment(_line(process)["last_at"]) for _ in range(3)]
        service.answers["GET", "errors"] = {"items": [error(times=57)], "next_cursor": None}
        _line(process)
        _interrupt(process)
        first, second = (datetime.fromisoformat(asked(service, index)["since"]) for index in (0, 1))
        assert first == datetime(2026, 11, 22, 11, tzinfo=UTC)
        assert second == max(first, max(met) - OVERLAP) > first

    def test_people_read_one_line_for_each(self, nb: Runner, service: Emulator) -> None:
        first, second, third = nb("errors", "tail", "--since", "1h", "--timeout", "2s").out.splitlines()
        assert "e_3456789abc warning" in first
        assert "kling works again ×40" in second
        assert third.startswith("✗ 2026-11-22 12:00:00 e_7kq2m9xw4t critical bot.routers.prompts:order KeyReused: Key")

    def test_a_service_that_goes_away_ends_it_with_one_line(self, nb: Runner, service: Emulator) -> None:
        service.faults["/api/ops/v1/errors"] = Fault(503, problem(503, "unavailable", "away"))
        ran = nb("errors", "tail", "--json", "--timeout", "1s")
        [end] = ran.out.splitlines()
        assert (ran.code, json.loads(end)["error"]["transient"]) == (75, True)

    def test_an_error_is_printed_again_when_its_count_grows_and_not_otherwise(self, service: Emulator) -> None:
        process = _tailing("--since", "1h")
        first = [_line(process)["times"] for _ in range(3)]
        service.answers["GET", "errors"] = {"items": [error(times=57)], "next_cursor": None}
        assert (first, _line(process)["times"]) == ([1, 40, 1], 57)
        _interrupt(process)

    def test_a_service_that_is_away_for_a_moment_is_asked_again(self, service: Emulator) -> None:
        process = _tailing("--since", "1h")
        for _ in range(3):
            _line(process)
        service.faults["/api/ops/v1/errors"] = Fault(503, problem(503, "unavailable", "away"))
        assert process.stderr is not None
        assert b"it is asked again" in process.stderr.readline()
        service.answers["GET", "errors"] = {"items": [error(times=57)], "next_cursor": None}
        service.faults.clear()
        assert _line(process)["times"] == 57
        _interrupt(process)

    def test_it_ends_when_nobody_reads_any_more(self, service: Emulator) -> None:
        process = _tailing("--since", "1h")
        _line(process)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        with process.stderr:
            assert process.wait(timeout=20) == 0

    def test_ctrl_c_ends_with_130_and_one_last_line(self, service: Emulator) -> None:
        process = _tailing("--since", "1h")
        for _ in range(3):
            _line(process)
        out = _interrupt(process)
        assert process.returncode == 130
        [end] = out.splitlines()
        assert json.loads(end)["error"]["code"] == "interrupted"


def _tailing(*options: str) -> subprocess.Popen[bytes]:
    return start_nb("errors", "tail", "--json", *options, **{name: os.environ[name] for name in ("NB_CONFIG",)})


def _line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    content: dict[str, Any] = json.loads(process.stdout.readline())
    return content


def _interrupt(process: subprocess.Popen[bytes]) -> str:
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    return out.decode()
