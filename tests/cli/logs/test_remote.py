"""`nb logs --env staging`: lines from Railway in our form, page by page, of the deployments that ran then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from cli.logs import remote
from cli.platforms import railway_logs
from cli.platforms.graphql import Query
from cli.platforms.programs import is_allowed
from tests.cli.conftest import Place, Runner
from tests.cli.logs.conftest import RUN, TRACE, stack
from tests.cli.logs.railway_logs import SERVICES, LoggingRailway
from tests.emulators.graphql import Document, validate
from tests.emulators.programs import signed_in
from tests.emulators.railway import PROJECT, STAGING, TOKEN
from tests.emulators.threaded import Reply

pytestmark = pytest.mark.integration

OLD, NEW = "36a1d13" + "0" * 33, "6a090cb" + "0" * 33


@pytest.fixture
def railway(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoggingRailway]:
    """A staging where everything was deployed twice; web d-4, worker d-5 and beat d-6 run."""
    found = LoggingRailway()
    services = "\n".join(f'{name} = "{identity}"' for name, identity in SERVICES.items())
    place.write_project(
        f'[project]\nrepository = "fox/bot"\n[env.staging]\nurl = "https://x.invalid"\nbranch = "staging"\n'
        f'railway_env = "{STAGING}"\n[railway]\nproject = "{PROJECT}"\n[railway.services]\n{services}\n'
    )
    for name in ("RAILWAY_API_TOKEN", "RAILWAY_TOKEN_STAGING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAILWAY_API_URL", found.url)
    monkeypatch.setenv("RAILWAY_TOKEN", TOKEN)
    monkeypatch.setenv("NB_ENV", "staging")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("PATH", "")  # No program of Railway's own.
    monkeypatch.setattr("cli.platforms.http.uniform", lambda _low, _high: 0.0)
    for commit in (OLD, NEW):
        for name in SERVICES:
            found.deploy(name, commit)
    found.log("d-1", "12:01:30", event="old web", level="info", service="web")
    found.log("d-4", "12:10:01.123456789", event="inbox.stored", level="info", service="web", trace_id=TRACE, events=1)
    found.log("d-4", "12:10:04", "listening on 8000")
    found.log(
        "d-5",
        "12:10:02",
        "",
        "error",
        event="update_failed",
        level="error",
        at="2026-11-22T12:10:02.500000Z",
        trace_id=TRACE,
        run_code=RUN,
        exception=stack("ValueError: no"),
        chat=12345678901234567890123456789012,
    )
    found.log("d-6", "12:10:03", "", "warn", event="beat.late", level="warning", token="nbk_0123456789abcdef")
    yield found
    found.stop()


def test_lines_of_what_runs_now_are_merged_by_time(nb: Runner, railway: LoggingRailway) -> None:
    ran = nb("logs", "--json")
    assert ran.err == ""
    assert [(line["service"], line["event"], line["deployment"]) for line in ran.data["lines"]] == [
        ("web", "inbox.stored", "d-4"),
        ("worker", "update_failed", "d-5"),
        ("beat", "beat.late", "d-6"),
        ("web", "listening on 8000", "d-4"),
    ]
    assert (ran.document["env"], ran.data["source"], ran.data["truncated"]) == ("staging", "railway", False)


def test_a_structured_line_comes_as_it_was_written(nb: Runner, railway: LoggingRailway) -> None:
    line = nb("logs", "worker", "--json").data["lines"][0]
    assert (line["at"], line["level"], line["trace_id"]) == ("2026-11-22T12:10:02.500000Z", "error", TRACE)
    assert line["exception"] == stack("ValueError: no")
    assert line["fields"] == {"run_code": RUN, "chat": 12345678901234567890123456789012}


def test_a_moment_finer_than_ours_is_understood(nb: Runner, railway: LoggingRailway) -> None:
    assert nb("logs", "web", "--json").data["lines"][0]["at"] == "2026-11-22T12:10:01.123456Z"


def test_secrets_of_what_is_deployed_are_masked(nb: Runner, railway: LoggingRailway) -> None:
    assert "nbk_" not in nb("logs", "beat", "--json").out + nb("logs", "beat").out


def test_an_error_is_found_by_its_correlation_id_over_all_services(nb: Runner, railway: LoggingRailway) -> None:
    ran = nb("logs", "--trace", TRACE, "--json")
    assert [line["event"] for line in ran.data["lines"]] == ["inbox.stored", "update_failed"]
    assert {asked["filter"] for asked in railway.asked} == {f'@trace_id:{TRACE} OR "{TRACE}"'}


def test_a_short_correlation_id_is_looked_for_here(nb: Runner, railway: LoggingRailway) -> None:
    assert len(nb("logs", "--trace", TRACE[:8], "--json").data["lines"]) == 2
    assert {asked["filter"] for asked in railway.asked} == {None}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--gen", RUN), ["update_failed"]),
        (("--level", "warning"), ["update_failed", "beat.late"]),
        (("--level", "error", "--trace", TRACE), ["update_failed"]),
        (("--grep", "listen|late"), ["beat.late", "listening on 8000"]),
        (("--since", "2026-11-22T12:10:03Z"), ["beat.late", "listening on 8000"]),
        (("--until", "2026-11-22T12:10:02Z"), ["inbox.stored"]),
        (("-n", "1"), ["listening on 8000"]),
    ],
)
def test_filters_leave_what_was_asked_for(
    nb: Runner, railway: LoggingRailway, options: tuple[str, ...], expected: list[str]
) -> None:
    assert [line["event"] for line in nb("logs", *options, "--json").data["lines"]] == expected


def test_all_services_cost_two_requests(nb: Runner, railway: LoggingRailway) -> None:
    before = len(railway.requests)
    nb("logs")
    assert len(railway.requests) - before == 2


def test_a_time_before_the_deploy_reads_what_ran_then(nb: Runner, railway: LoggingRailway) -> None:
    found = nb("logs", "web", "--since", "2026-11-22T12:01:00Z", "--json").data["lines"]
    assert [line["deployment"] for line in found] == ["d-1", "d-4", "d-4"]


def test_one_deployment_can_be_named(nb: Runner, railway: LoggingRailway) -> None:
    found = nb("logs", "--deployment", "d-1", "--json").data["lines"]
    assert [(line["service"], line["event"]) for line in found] == [("web", "old web")]


def test_a_deploy_that_crashed_is_shown_beside_what_runs(nb: Runner, railway: LoggingRailway) -> None:
    crashed = railway.deploy("web", NEW, "CRASHED")
    for number, text in enumerate(stack("KeyError: 'DATABASE_URL'").splitlines()):
        railway.log(crashed, f"12:11:0{number}", text, "error")
    lines = nb("logs", "web", "--level", "error", "--json").data["lines"]
    assert [(line["deployment"], line["event"]) for line in lines] == [(crashed, "KeyError: 'DATABASE_URL'")]
    assert lines[0]["exception"] == stack("KeyError: 'DATABASE_URL'")


def test_the_log_of_a_build_is_read_from_its_own_place(nb: Runner, railway: LoggingRailway) -> None:
    railway.log("d-4", "12:09:00", "Step 1/9")
    railway.builds["d-4"] = [railway.lines["d-4"].pop()]
    assert [line["event"] for line in nb("logs", "web", "--build", "--json").data["lines"]] == ["Step 1/9"]


def test_more_lines_than_a_page_are_read_back_to_the_time_asked_for(
    nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PAGE", 10)
    for number in range(45):
        railway.log("d-4", f"12:20:{number:02}", f"line {number}")
    ran = nb("logs", "web", "--since", "2026-11-22T12:20:00Z", "--json")
    assert [line["event"] for line in ran.data["lines"]] == [f"line {number}" for number in range(45)]
    assert ran.data["truncated"] is False


def test_reading_back_has_an_end_and_says_so(
    nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PAGE", 5)
    monkeypatch.setattr(remote, "MOST_PAGES", 2)
    for number in range(45):
        railway.log("d-4", f"12:20:{number:02}", f"line {number}")
    ran = nb("logs", "web", "--since", "2026-11-22T12:20:00Z", "--json")
    assert ran.data["lines"][-1]["event"] == "line 44"
    assert ran.data["truncated"] is True
    assert ran.document["warnings"][0]["code"] == "older_lines_left_out"


def test_what_matches_rarely_is_looked_for_further_back(
    nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PAGE", 10)
    for number in range(45):
        railway.log("d-4", f"12:20:{number:02}", f"line {number}")
    assert [line["event"] for line in nb("logs", "web", "--grep", "line 2$", "--json").data["lines"]] == ["line 2"]


def test_bad_lines_fail_the_command(nb: Runner, railway: LoggingRailway) -> None:
    ran = nb("logs", "--fail-on", "error", "--json")
    assert (ran.code, ran.data["failing"]["count"]) == (1, 1)
    assert ran.error["fix"] == "nb logs --env staging --level error"
    assert nb("logs", "web", "--fail-on", "error").code == 0


def soon(seconds: float = 1) -> str:
    """A moment from now, as Railway writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("skew_s", [-3600, -40, 40, 3600])
def test_a_clock_that_is_off_loses_no_line_while_following(
    nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch, skew_s: int
) -> None:
    monkeypatch.setattr(remote, "PAUSE_S", 0.01)
    railway.headers = {"Date": format_datetime(datetime.now(UTC) + timedelta(seconds=skew_s), usegmt=True)}
    original, looks = railway._read, []

    def read(*arguments: object, **named: object) -> object:
        looks.append(named)
        if len(looks) == 6:
            railway.log("d-5", soon(skew_s), event="came later", level="info")
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(railway, "_read", read)
    ran = nb("logs", "-f", "-n", "1", "--wait", "1s", "--json")
    assert '"came later"' in ran.out
    began = datetime.fromisoformat(str(looks[-1]["startDate"]))
    assert abs(began - datetime.now(UTC) - timedelta(seconds=skew_s)) < timedelta(seconds=150), "it reads no day again"


def test_following_shows_each_line_once(nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAUSE_S", 0.01)
    monkeypatch.setattr(remote, "LOOKS_PER_SURVEY", 3)
    original, looks = railway._read, []

    def read(*arguments: object, **named: object) -> object:
        looks.append(named)
        if len(looks) == 6:
            railway.log("d-5", soon(), event="came later", level="info")
        if len(looks) == 12:
            railway.log(railway.deploy("beat", NEW), soon(), event="of a new deployment", level="info")
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(railway, "_read", read)
    ran = nb("logs", "-f", "--wait", "2s", "--json")
    *lines, last = [json.loads(line) for line in ran.out.splitlines()]
    assert [line["event"] for line in lines] == [
        "inbox.stored",
        "update_failed",
        "beat.late",
        "listening on 8000",
        "came later",
        "of a new deployment",
    ]
    assert (ran.code, last["data"]["counts"]) == (0, {"error": 1, "warning": 1, "info": 4})


def test_a_look_that_fails_while_following_is_made_up_for(
    nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PAUSE_S", 0.01)
    original, asked = railway.reply, []

    def reply(*arguments: object) -> Reply:
        asked.append(arguments)
        if len(asked) in (5, 6):
            return Reply(500, b"no")
        if len(asked) == 7:
            railway.log("d-5", soon(), event="came later", level="info")
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(railway, "reply", reply)
    ran = nb("logs", "-f", "-n", "1", "--wait", "1s", "--json")
    assert '"came later"' in ran.out
    assert ran.code == 0
    assert "asked again in" in ran.err


def printed(railway: LoggingRailway, deployment: str) -> str:
    """Lines as the program prints them: the attributes beside the message."""
    lines = [
        {
            "message": line["message"],
            "timestamp": line["timestamp"],
            "level": line["severity"],
            **{one["key"]: json.loads(one["value"]) for one in line["attributes"]},
        }
        for line in railway.lines.get(deployment, [])
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def test_without_a_token_railways_own_program_is_read(
    nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAILWAY_TOKEN")
    monkeypatch.setenv("PATH", str(tmp_path / "programs" / "bin"))
    program = signed_in(tmp_path / "programs", railway)
    for deployment in ("d-4", "d-5", "d-6"):
        program.answer(f"logs {deployment}", printed(railway, deployment))
    ran = nb("logs", "--since", "2026-11-22T12:10:00Z", "--level", "warning", "--json")
    assert [(line["service"], line["event"], line["deployment"]) for line in ran.data["lines"]] == [
        ("worker", "update_failed", "d-5"),
        ("beat", "beat.late", "d-6"),
    ]
    assert ran.data["source"] == "railway-cli"
    assert [warning["code"] for warning in ran.document["warnings"]] == ["CLI_FALLBACK"]
    asked = [run["argv"] for run in program.runs if run["argv"][0] == "logs"]
    assert all(is_allowed("railway", argv) for argv in asked)
    assert {argv[-3:-1] == ["-S", "2026-11-22T12:10:00.000Z"] for argv in asked} == {True}


def test_a_program_that_would_follow_for_ever_is_not_asked(
    nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAILWAY_TOKEN")
    monkeypatch.setenv("PATH", str(tmp_path / "programs" / "bin"))
    signed_in(tmp_path / "programs", railway, "4.11.0")
    ran = nb("logs", "--json")
    assert (ran.code, ran.error["code"]) == (1, "not_told_by_program")


def test_without_a_token_the_variable_is_named(
    nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAILWAY_TOKEN")
    ran = nb("logs", "--json")
    assert (ran.code, ran.error["code"]) == (4, "no_railway_token")
    assert "RAILWAY_TOKEN" in ran.error["fix"]


def test_a_token_that_is_refused_is_said(nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAILWAY_TOKEN", "another-token-0123456789")
    ran = nb("logs", "--json")
    assert (ran.code, ran.error["code"]) == (4, "railway_not_authorized")
    assert "another-token" not in ran.out


@pytest.mark.parametrize(
    ("answer", "code", "error"),
    [
        (Reply(500, b"no"), 75, "railway_failed"),
        (Reply(429, {"errors": [{"message": "rate limit"}]}, {"Retry-After": "60"}), 75, "railway_rate_limited"),
        (Reply(200, {"errors": [{"message": "Deployment not found"}]}), 3, "railway_not_found"),
        (Reply(200, {"errors": [{"message": 'Cannot query field "x"'}]}), 1, "schema_changed"),
        (Reply(200, {"data": None}), 75, "railway_unexpected_answer"),
        (Reply(200, {"data": {"deploymentLogs": [{"message": 1}]}}), 75, "railway_unexpected_answer"),
        (Reply(200, b"<html>"), 75, "railway_unexpected_answer"),
    ],
)
def test_a_sick_railway_is_one_document(
    nb: Runner, railway: LoggingRailway, monkeypatch: pytest.MonkeyPatch, answer: Reply, code: int, error: str
) -> None:
    monkeypatch.setattr(railway, "reply", lambda *_: answer)
    ran = nb("logs", "--json")
    assert (ran.code, ran.error["code"]) == (code, error)


def test_no_network_is_one_line(nb: Runner, railway: LoggingRailway) -> None:
    railway.stop()
    ran = nb("logs", "--json")
    assert (ran.code, ran.error["transient"]) == (75, True)


def test_an_environment_that_is_not_deployed_is_refused(nb: Runner, railway: LoggingRailway) -> None:
    ran = nb("logs", "--env", "production", "--json")
    assert (ran.code, ran.error["code"]) == (2, "not_deployed_here")


def test_a_service_that_is_not_ours_there_is_answered_with_those_that_are(nb: Runner, railway: LoggingRailway) -> None:
    ran = nb("logs", "postgres", "--json")
    assert (ran.code, ran.error["fix"]) == (3, "nb logs web|worker|beat|all")


def test_nothing_deployed_is_said(nb: Runner, railway: LoggingRailway) -> None:
    railway.deployed.clear()
    ran = nb("logs", "web", "--json")
    assert (ran.code, ran.error["code"]) == (3, "not_deployed")


@pytest.mark.parametrize(
    "query", railway_logs.ALL, ids=lambda query: f"{query.text.count('Id: $')}{query.text[-99:-98]}"
)
def test_railways_schema_knows_every_field_argument_and_variable(query: Query) -> None:
    validate(Document(query.text))
