"""`nb logs` on this machine: what is shown, found, counted and refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Place, Runner
from tests.cli.logs.conftest import RUN, TRACE, Logs, entry, stack


def events(ran_out: str) -> list[str]:
    return [line["event"] for line in json.loads(ran_out)["data"]["lines"]]


def test_the_lines_of_all_services_come_in_order_of_time(nb: Runner, logs: Logs) -> None:
    ran = nb("logs", "--json")
    found = ran.data["lines"]
    assert [line["at"] for line in found] == sorted(line["at"] for line in found)
    assert {line["service"] for line in found} == {"web", "worker", "postgres", "redis"}
    assert found[0]["fields"] == {"path": "/old", "status": 200}  # of the run before
    assert (ran.code, ran.data["truncated"], ran.data["source"]) == (0, False, "files")


def test_people_read_columns(nb: Runner, logs: Logs) -> None:
    shown = [re.sub(r"^2026-11-22 ", "", line) for line in nb("logs", "web", "-n", "2").out.splitlines()]
    assert shown == [
        f"12:00:05 web      info    request trace_id={'a' * 32} path=/api/health status=200",
        f"12:00:09 web      warning request trace_id={'b' * 32} path=/api/ops/v1/users status=503",
    ]


def test_only_the_newest_lines_are_shown(nb: Runner, logs: Logs) -> None:
    ran = nb("logs", "web", "-n", "1", "--json")
    assert [line["fields"]["status"] for line in ran.data["lines"]] == [503]
    assert ran.data["truncated"] is True


def test_an_error_is_found_by_its_correlation_id_in_every_service(nb: Runner, logs: Logs) -> None:
    ran = nb("logs", "--trace", TRACE, "--json")
    assert [(line["service"], line["event"]) for line in ran.data["lines"]] == [
        ("web", "inbox.stored"),
        ("worker", "generation.ordered"),
        ("worker", "Task generations.advance raised unexpected"),
    ]
    assert ran.data["lines"][2]["exception"] == stack("ValueError: no")


@pytest.mark.parametrize("code", [TRACE[:8], TRACE.upper(), f"{TRACE[:8]}-{TRACE[8:12]}-{TRACE[12:16]}"])
def test_a_correlation_id_may_be_short_or_have_dashes(nb: Runner, logs: Logs, code: str) -> None:
    assert len(nb("logs", "--trace", code, "--json").data["lines"]) == 3


def test_the_middle_of_an_id_is_not_it(nb: Runner, logs: Logs) -> None:
    assert nb("logs", "--trace", TRACE[4:12], "--json").data["lines"] == []


def test_a_generation_is_followed_by_its_code(nb: Runner, logs: Logs) -> None:
    assert events(nb("logs", "--gen", RUN, "--json").out) == [
        "generation.ordered",
        "Task generations.advance raised unexpected",
    ]


def test_a_repeated_traceback_is_shown_once_with_its_count(nb: Runner, logs: Logs) -> None:
    ran = nb("logs", "worker", "--level", "error", "--json")
    (line,) = ran.data["lines"]
    assert (line["count"], line["last_at"]) == (4, "2026-11-22T12:00:08.000000Z")
    assert ran.data["counts"] == {"error": 4}
    shown = nb("logs", "worker", "--level", "error").out
    assert shown.count("Traceback") == 1
    assert "seen 4 times, last 12:00:08" in shown


def test_what_celery_repeats_of_a_traceback_is_left_out(nb: Runner, logs: Logs) -> None:
    assert "E: 1" not in nb("logs", "worker").out


def test_what_postgres_adds_belongs_to_its_error(nb: Runner, logs: Logs) -> None:
    (line,) = nb("logs", "postgres", "--level", "error", "--json").data["lines"]
    assert line["event"].startswith('relation "foxes"')
    assert line["exception"] == "STATEMENT: SELECT *\n\tFROM foxes"


def test_what_the_supervisor_says_of_a_service_is_among_its_lines(nb: Runner, logs: Logs) -> None:
    assert "was killed by SIGKILL" in nb("logs", "worker").out
    assert "was killed by SIGKILL" not in nb("logs", "web").out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--level", "warning"), ["request"]),
        (("--level", "WARN"), ["request"]),
        (("--grep", r"status=5\d\d"), ["request"]),
        (("--grep", "INBOX"), []),
        (("--grep", "INBOX", "-i"), ["inbox.stored"]),
        (("--grep", "telegram|nothing"), ["inbox.stored"]),
        (("--since", "2026-11-22T12:00:05Z", "--until", "2026-11-22T12:00:06Z"), ["request"]),
        (("--until", "2026-11-22T09:30Z"), ["request"]),
        (("--since", "2026-11-23T00:00Z"), []),
        (("--level", "warning", "--grep", "health"), []),
    ],
)
def test_a_filter_leaves_what_was_asked_for(
    nb: Runner, logs: Logs, options: tuple[str, ...], expected: list[str]
) -> None:
    assert events(nb("logs", "web", *options, "--json").out) == expected


def test_no_line_is_said_to_people(nb: Runner, logs: Logs) -> None:
    ran = nb("logs", "--grep", "nobody said this")
    assert (ran.code, ran.out) == (0, "· no such lines\n")


def test_secrets_are_masked_everywhere(nb: Runner, logs: Logs, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.home.joinpath("secrets.json").write_text(json.dumps({"postgres_password": "Zq81-fox-trot"}))
    monkeypatch.setenv("SOME_API_KEY", "plain-looking-key")
    token = "123456789:" + "A" * 35
    logs.append(
        "web.log",
        entry(
            "12:01:00",
            f"asked https://api.telegram.org/bot{token}/getMe",
            url="postgresql://nb:hidden1@db/nb",
            headers={"Authorization": "Bearer abcdefghijklmnopqrstuv", "list": ["nbk_0123456789abcdef"]},
            note="Zq81-fox-trot and plain-looking-key",
            exception=stack(f"InvalidToken: {token}"),
        ),
    )
    for ran in (nb("logs", "web"), nb("logs", "web", "--json")):
        for secret in (token, "A" * 35, "hidden1", "abcdefghijklmnopqrstuv", "nbk_0123", "Zq81", "plain-looking-key"):
            assert secret not in ran.out, secret


def test_a_line_cannot_steer_the_terminal(nb: Runner, logs: Logs) -> None:
    logs.append("web.log", entry("12:01:00", "\x1b[2Jboo\x07", key="\x1b]0;title\x07"), "\x1b[31mplain")
    ran = nb("logs", "web", "-n", "2")
    assert "boo" in ran.out
    assert not {"\x1b", "\x07"} & {*ran.out}


@pytest.mark.parametrize("width", [40, 80])
def test_lines_fit_the_screen(nb: Runner, logs: Logs, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    logs.append(
        "web.log", entry("12:01:00", "several words " * 9, key="value " * 20, exception=stack("E: " + "x " * 60))
    )
    assert max(map(len, nb("logs").out.splitlines())) <= width


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("wrker",), 3, "Did you mean 'worker'"),
        (("--level", "eror"), 2, "Did you mean 'error'?"),
        (("--fail-on", "bad"), 2, "is no level"),
        (("--grep", "("), 2, "is no regular expression"),
        (("--since", "soon"), 2, "15m, 2h, 3d, 12:30, today, yesterday, 2026-11-22"),
        (("--since", "1h", "--until", "2h"), 2, "--until 2h is before --since 1h"),
        (("--trace", "nothex"), 2, "no correlation id"),
        (("--trace", "abc"), 2, "no correlation id"),
        (("--gen", "a b"), 2, "is no generation"),
        (("-n", "0"), 2, "between 1 and 10000"),
        (("-n", "many"), 2, "many"),
        (("--deployment", "d-1"), 2, "--deployment is for what Railway runs"),
        (("--build",), 2, "--build is for what Railway runs"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(
    nb: Runner, logs: Logs, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = nb("logs", *arguments, "--json")
    assert ran.code == code
    assert said in ran.error["message"]
    assert ran.error["fix"]


def test_lines_that_are_bad_enough_fail_the_command(nb: Runner, logs: Logs) -> None:
    ran = nb("logs", "--fail-on", "error", "-n", "1", "--json")
    assert (ran.code, ran.error["code"]) == (1, "lines_found")
    assert ran.error["message"] == "5 lines of level error or worse since 2026-11-22T12:00:02.500000Z"
    assert ran.data["failing"] == {"level": "error", "count": 5, "since": "2026-11-22T12:00:02.500000Z"}


def test_without_such_lines_the_command_passes(nb: Runner, logs: Logs) -> None:
    ran = nb("logs", "--fail-on", "critical", "--json")
    assert (ran.code, ran.data["failing"]) == (0, None)
    assert nb("logs", "web", "--fail-on", "error").code == 0
    assert nb("logs", "--fail-on", "error", "--since", "2026-11-22T13:00Z").code == 0


def test_the_newest_error_is_one_command_away(nb: Runner, logs: Logs) -> None:
    logs.append("web.log", entry("12:02:00", "update_failed", level="error", trace_id="c" * 32))
    assert f"Next: nb logs --trace {'c' * 32}" in " ".join(nb("logs").err.split())


def test_a_machine_without_logs_says_how_to_get_some(nb: Runner, place: Place) -> None:
    ran = nb("logs", "--json")
    assert (ran.code, ran.error["code"], ran.error["fix"]) == (3, "no_logs", "nb up")


def test_lines_without_a_time_stand_where_they_were_written(nb: Runner, logs: Logs, tmp_path: Path) -> None:
    found = nb("logs", "worker", "--json").data["lines"]
    assert [line["event"] for line in found][:2] == ["generation.ordered", " -------------- celery@vm v5.7.0"]
    assert found[1]["at"] == found[0]["at"]


def test_a_process_that_dies_with_a_bare_traceback_is_an_error(nb: Runner, logs: Logs) -> None:
    logs.append("web.log", *stack("KeyError: 'DATABASE_URL'").splitlines())
    line = nb("logs", "web", "--level", "error", "--json").data["lines"][-1]
    assert (line["event"], line["level"]) == ("KeyError: 'DATABASE_URL'", "error")
    assert line["exception"] == stack("KeyError: 'DATABASE_URL'")


def test_a_log_that_cannot_be_read_is_said_and_the_others_are_shown(
    nb: Runner, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refused(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "worker.log":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", refused)
    ran = nb("logs", "--json")
    assert ran.document["warnings"][0]["code"] == "log_unreadable"
    assert {line["service"] for line in ran.data["lines"]} >= {"web", "postgres"}


def test_what_is_no_json_in_a_line_does_not_break_the_document(nb: Runner, logs: Logs) -> None:
    logs.append("web.log", '{"at":"2026-11-22T12:09:00Z","event":"odd","share":NaN,"text":"\\ud800"}')
    ran = nb("logs", "web", "-n", "1", "--json")
    assert "NaN" not in ran.out.replace('"NaN"', "")
    assert ran.data["lines"][0]["fields"]["share"] == "NaN"
