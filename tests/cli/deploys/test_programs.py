"""Without a token: Railway and GitHub through their own programs, which can only be made to read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cli.platforms import programs
from cli.platforms.programs import NotAllowed, Program, is_allowed
from tests.cli.conftest import Runner
from tests.cli.deploys.conftest import NEW, OLD, Staging
from tests.cli.emulator import TOKEN
from tests.emulators.programs import FakeProgram, http, signed_in
from tests.emulators.railway import PROJECT, SERVICES, STAGING

pytestmark = pytest.mark.integration

WEB = SERVICES["web"]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path, staging: Staging, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose `bin` is all of PATH, and no token for either platform."""
    monkeypatch.setenv("PATH", str(tmp_path / "programs" / "bin"))
    monkeypatch.delenv("RAILWAY_TOKEN")
    return tmp_path / "programs"


def _warned(document: dict[str, object]) -> list[str]:
    warnings = document["warnings"]
    assert isinstance(warnings, list)
    return [warning["code"] for warning in warnings]


def test_the_program_shows_what_is_deployed_and_says_that_it_was_asked(
    nb: Runner, staging: Staging, folder: Path
) -> None:
    railway = signed_in(folder, staging.railway)
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.data["ok"]) == (0, True)
    assert _warned(ran.document) == ["CLI_FALLBACK"]
    assert ran.document["meta"]["source"] == {"railway": "cli", "github": "rest"}
    assert [run["argv"] for run in railway.runs][:2] == [
        ["--version"],
        ["status", "-p", PROJECT, "-e", STAGING, "--json"],
    ]
    assert all(is_allowed("railway", run["argv"]) for run in railway.runs)
    assert staging.railway.requests == []


def test_it_gets_no_input_and_none_of_our_tokens(
    nb: Runner, staging: Staging, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456789:" + "A" * 35)
    railway = signed_in(folder, staging.railway)
    assert nb("deploy", "status", "--json").code == 0
    for run in railway.runs:
        assert run["stdin_closed"]
        assert not {"NB_TOKEN_STAGING", "GITHUB_TOKEN", "TELEGRAM_BOT_TOKEN"} & {*run["env"]}
        assert TOKEN not in str(run)
        assert (run["env"]["RAILWAY_NO_TELEMETRY"], run["env"]["CI"]) == ("1", "1")


def test_an_old_container_is_found_through_the_program_too(nb: Runner, staging: Staging, folder: Path) -> None:
    signed_in(folder, staging.railway)
    staging.runs(OLD)
    ran = nb("deploy", "status", "--env", "staging", "--json")
    assert (ran.code, ran.error["code"]) == (1, "not_deployed")
    assert "the old container still answers" in ran.error["message"]


def test_the_shape_before_version_five_is_read_as_well(nb: Runner, staging: Staging, folder: Path) -> None:
    railway = signed_in(folder, staging.railway, "4.11.0")
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.data["ok"]) == (0, True)
    status = next(run for run in railway.runs if run["argv"][0] == "status")
    assert status["argv"] == ["status", "--json"]
    assert (status["env"]["RAILWAY_PROJECT_ID"], status["env"]["RAILWAY_ENVIRONMENT_ID"]) == (PROJECT, STAGING)


def test_verify_reads_the_log_through_the_program(nb: Runner, staging: Staging, folder: Path) -> None:
    line = {"timestamp": "2026-11-22T12:10:00Z", "severity": "info", "message": "Traceback (most recent call last)"}
    staging.railway.logs["d-5"] = [line, {**line, "message": "fine"}]
    railway = signed_in(folder, staging.railway)
    ran = nb("deploy", "verify", "--json")
    assert (ran.code, [error["service"] for error in ran.data["errors"]]) == (1, ["worker"])
    logs = [run["argv"] for run in railway.runs if run["argv"][0] == "logs"]
    assert logs[0][:4] == ["logs", "d-4", "-s", WEB]
    assert "-n" in logs[0]


def test_logs_that_an_old_program_would_follow_for_ever_are_unknown(nb: Runner, staging: Staging, folder: Path) -> None:
    railway = signed_in(folder, staging.railway, "4.11.0")
    ran = nb("deploy", "verify", "--json")
    assert (ran.code, ran.error["code"]) == (1, "not_verified")
    assert "logs.web unknown" in ran.error["message"]
    assert not [run for run in railway.runs if run["argv"][0] == "logs"]


def test_why_names_what_the_program_does_not_tell(nb: Runner, staging: Staging, folder: Path) -> None:
    staging.railway.deploy("web", NEW, "SKIPPED")
    signed_in(folder, staging.railway)
    ran = nb("deploy", "why", "--json")
    assert (ran.code, ran.data["platform"]) == (1, "unknown")
    assert _warned(ran.document).count("not_known") >= 2
    assert "not known: the triggers" in ran.error["message"]


@pytest.mark.parametrize(
    ("answer", "err", "exit_code", "code"),
    [
        ("", "Unauthorized. Please login with `railway login`", 4, "no_railway_token"),
        ("", "Project not found. Run `railway link`", 3, "railway_not_found"),
        ("", "Failed to fetch: error sending request", 75, "railway_program_failed"),
        ("<html>", "", 75, "railway_program_failed"),
        ({"id": "another"}, "", 3, "railway_not_found"),
        ({"id": PROJECT, "environments": {"edges": []}, "services": {"edges": []}}, "", 3, "railway_not_found"),
        ({"id": PROJECT, "environments": [], "services": 5}, "", 75, "railway_unexpected_answer"),
        ({"id": PROJECT}, "", 75, "railway_unexpected_answer"),
    ],
)
def test_a_program_that_does_not_answer_has_the_exit_code_of_its_reason(
    nb: Runner, staging: Staging, folder: Path, answer: object, err: str, exit_code: int, code: str
) -> None:
    program = FakeProgram(folder, "railway")
    program.answer("--version", "railway 5.43.1")
    # Exit codes say nothing: the failures end with 0 here.
    program.answer("status", answer, err=err)
    ran = nb("deploy", "status", "--env", "staging", "--json")
    assert (ran.code, ran.error["code"]) == (exit_code, code)


def test_a_program_that_hangs_is_killed(nb: Runner, staging: Staging, folder: Path) -> None:
    FakeProgram(folder, "railway").hangs()
    ran = nb("deploy", "status", "--env", "staging", "--timeout", "300ms", "--json")
    assert (ran.code, ran.error["code"]) == (75, "railway_program_timeout")


def test_ctrl_c_ends_it_at_once_with_all_that_runs(staging: Staging, folder: Path) -> None:
    railway = signed_in(folder, staging.railway)
    railway.hangs("deployment list")
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "deploy", "status", "--env", "staging", "--timeout", "90s", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while len(railway.runs) < 5:
        assert time.monotonic() < deadline, railway.runs
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=40)
    assert (process.returncode, json.loads(out)["error"]["code"]) == (130, "interrupted")
    left = [one for one in psutil.process_iter(["cmdline"]) if str(railway.bin) in " ".join(one.info["cmdline"] or ())]
    assert left == []


def test_without_token_and_program_the_variable_is_named(nb: Runner, staging: Staging, folder: Path) -> None:
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.error["code"]) == (4, "no_railway_token")
    assert "RAILWAY_TOKEN" in ran.error["fix"]


def test_a_token_is_used_though_the_program_is_there(
    nb: Runner, staging: Staging, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    railway = signed_in(folder, staging.railway)
    monkeypatch.setenv("RAILWAY_TOKEN", staging.railway.token)
    ran = nb("deploy", "status", "--json")
    assert (ran.code, railway.runs, ran.document["warnings"]) == (0, [], [])
    assert ran.document["meta"]["source"] == {"railway": "graphql", "github": "rest"}


@pytest.fixture
def gh(staging: Staging, folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeProgram:
    """A `gh`, and no token for GitHub."""
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("RAILWAY_TOKEN", staging.railway.token)
    return FakeProgram(folder, "gh")


BRANCH = "repos/fox/bot/branches/staging"


def _asked(gh: FakeProgram) -> list[str]:
    return [run["argv"][-1] for run in gh.runs]


def _api(gh: FakeProgram, path: str, status: int, body: object, **headers: str) -> None:
    accept, version = "Accept: application/vnd.github+json", "X-GitHub-Api-Version: 2022-11-28"
    start = f"api --method GET --include --hostname 127.0.0.1 -H {accept} -H {version} {path}"
    gh.answer(start, http(status, body, **headers), code=1)


def test_gh_reads_the_branch_where_there_is_no_token(nb: Runner, staging: Staging, gh: FakeProgram) -> None:
    _api(gh, BRANCH, 200, {"commit": {"sha": NEW}}, X_RateLimit_Remaining="4711")
    ran = nb("deploy", "status", "--json")
    assert (ran.code, _warned(ran.document)) == (0, ["CLI_FALLBACK"])
    assert ran.document["meta"]["source"]["github"] == "cli"
    assert ran.document["meta"]["rate_limit"]["github"]["remaining"] == 4711
    assert staging.github.requests == []
    assert all(is_allowed("gh", run["argv"]) for run in gh.runs)
    assert "GH_TOKEN" not in gh.runs[0]["env"]


def test_gh_that_nobody_signed_in_with_leaves_what_is_public(nb: Runner, staging: Staging, gh: FakeProgram) -> None:
    gh.answer("api", "", err="To get started with GitHub CLI, please run:  gh auth login", code=4)
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.document["warnings"]) == (0, [])
    assert ran.document["meta"]["source"]["github"] == "rest"
    assert len(gh.runs) == 1
    assert not any("auth" in run["argv"] for run in gh.runs)


def test_a_refusal_through_gh_has_its_exit_code_and_words(nb: Runner, staging: Staging, gh: FakeProgram) -> None:
    _api(gh, BRANCH, 403, {"message": "Resource not accessible by personal access token"})
    ran = nb("deploy", "wait", "--json")
    assert (ran.code, ran.error["code"]) == (4, "github_not_authorized")
    _api(gh, BRANCH, 403, {"message": "API rate limit exceeded"}, X_RateLimit_Remaining="0")
    ran = nb("deploy", "wait", "--json")
    assert (ran.code, ran.error["code"]) == (75, "github_rate_limited")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("railway", "up"),
        ("railway", "redeploy -s web -y"),
        ("railway", "variable set A=b"),
        ("railway", "variables --json"),
        ("railway", "login"),
        ("railway", "api mutation{a} --json"),
        ("railway", "status --json extra"),
        ("railway", "status -p --help -e x --json"),
        ("railway", "logs -d -s a -e b -p c -n 5 --json"),
        ("railway", ""),
        ("gh", "auth login"),
        ("gh", "auth token"),
        ("gh", "pr merge 7 --admin"),
        ("gh", "api --method POST --include --hostname github.com -H a: b -H c: d repos/a/b"),
        ("gh", "api repos/a/b -f a=b"),
        ("git", "push --force"),
    ],
)
def test_what_does_more_than_read_is_not_run(tmp_path: Path, name: str, line: str) -> None:
    fake = FakeProgram(tmp_path, name)
    program = Program(name, str(fake.bin / name), 5)
    with pytest.raises(NotAllowed):
        program.run(*line.split())
    assert fake.runs == []


@pytest.mark.parametrize(
    "path",
    [
        "repos/a/b/../../user",
        "/repos/a/b",
        "user",
        "graphql",
        "repos/{owner}/{repo}",
        "repos/a/b/branches/x --method=DELETE",
        "repos/a/b\n",
        "-X",
    ],
)
def test_only_paths_of_a_repository_are_asked_for(path: str) -> None:
    headers = ("-H", "Accept: a/b", "-H", "X-GitHub-Api-Version: 2022-11-28")
    arguments = ["api", "--method", "GET", "--include", "--hostname", "github.com", *headers]
    assert is_allowed("gh", [*arguments, "repos/a/b/branches/feature%2Fx"])
    assert not is_allowed("gh", [*arguments, path])


def test_a_program_that_is_not_there_is_not_found(folder: Path) -> None:
    assert programs.found("railway", timeout=1) is None
    assert str(folder) in os.environ["PATH"]
