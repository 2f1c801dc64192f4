"""`--format github`: annotations that GitHub reads as they were meant, and a page in the job's summary."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.workflows import Row, annotation, rows, summary
from tests.cli.conftest import Runner
from tests.cli.deploys.conftest import NEW, OLD, Staging
from tests.cli.emulator import check
from tests.emulators.railway import SERVICES

pytestmark = pytest.mark.integration

COMMAND = re.compile(r"^::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)$")
"""A line as GitHub's runner takes it for a command."""


def unescaped(text: str) -> str:
    """What GitHub shows for it."""
    for code, sign in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def told_of(text: str) -> list[tuple[str, str, str]]:
    """Kind, title and message of each command among the lines."""
    found = [COMMAND.match(line) for line in text.splitlines() if line.startswith("::")]
    assert all(found), text
    return [(one[1], unescaped(one[2]), unescaped(one[3])) for one in found if one]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The job's summary, in which a step before has written."""
    path = tmp_path / "summary.md"
    path.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


@pytest.mark.parametrize(
    "text", ["plain", "100% done", "two\nlines", "a\r\nb", "x::y", "a,b: c", "%0A", "::error::no", "ключ ✗", "%25"]
)
def test_what_is_annotated_arrives_as_it_was(text: str) -> None:
    line = annotation("error", text, text)
    assert "\n" not in line
    assert "\r" not in line
    assert told_of(line) == [("error", text, text)]


@pytest.mark.parametrize(
    ("command", "looked_at"),
    [
        (("health",), ("http", "environment")),
        (("ready",), ("http", "environment", "database", "webhook")),
        (("deploy", "status"), ("staging.web", "staging.worker", "staging.beat")),
        (("deploy", "wait"), ("web", "worker", "beat")),
        (("deploy", "verify"), ("web", "ready.database", "logs.beat")),
    ],
    ids=lambda value: value[-1],
)
def test_a_success_is_a_notice_and_a_page_with_every_check(
    nb: Runner, staging: Staging, page: Path, command: tuple[str, ...], looked_at: tuple[str, ...]
) -> None:
    ran = nb(*command, "--env", "staging", "--format", "github")
    assert ran.code == 0, ran.err
    kinds = [kind for kind, _, _ in told_of(ran.err)]
    assert kinds == ["notice"]
    written = page.read_text()
    assert written.startswith("# before\n### ✅ `nb ")
    listed = set(re.findall(r"^\| \S+ ok \| ([\w.\\]+) \|", written, re.MULTILINE))
    assert {*looked_at} <= {name.replace("\\", "") for name in listed}


def test_a_failure_is_an_error_for_the_whole_and_one_for_each_that_failed(
    nb: Runner, staging: Staging, page: Path
) -> None:
    staging.runs(OLD, "worker")
    ran = nb("deploy", "verify", "--env", "staging", "--format", "github")
    assert ran.code == 1
    found = told_of(ran.err.partition("✗")[0])
    assert found[0][:2] == ("error", "nb deploy verify --env staging")
    assert "fix: nb deploy why 6a090cb --env staging" in found[0][2]
    assert [(kind, title) for kind, title, _ in found[1:]] == [("error", "worker failed")]
    assert "the old container still answers" in page.read_text()


def test_a_command_that_could_not_run_is_an_error_too(nb: Runner, staging: Staging, page: Path) -> None:
    staging.app.stop()
    ran = nb("ready", "--env", "staging", "--format", "github", "--json")
    assert ran.code == 75
    assert json.loads(ran.out)["error"]["code"] == "unreachable"
    assert told_of(ran.err)[0][0] == "error"
    assert "### ❌ `nb ready --env staging`" in page.read_text()


def test_a_deadline_tells_what_was_found_last(nb: Runner, staging: Staging, page: Path) -> None:
    staging.railway.deploy("web", NEW, "BUILDING")
    ran = nb("deploy", "wait", "--timeout", "2s", "--format", "github")
    assert ran.code == 9
    assert "⏳ pending | web" in page.read_text()


def test_json_stays_one_document_on_stdout(nb: Runner, staging: Staging, page: Path) -> None:
    ran = nb("deploy", "status", "--env", "staging", "--format", "github", "--json")
    assert ran.document["ok"]
    assert told_of(ran.err)


def test_outside_a_workflow_there_is_no_page_and_no_complaint(nb: Runner, staging: Staging) -> None:
    ran = nb("ready", "--env", "staging", "--format", "github", "--json")
    assert (ran.code, ran.document["warnings"]) == (0, [])


def test_a_page_that_cannot_be_written_changes_no_outcome(
    nb: Runner, staging: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "summary.md"))
    ran = nb("ready", "--env", "staging", "--format", "github", "--json")
    assert (ran.code, ran.document["warnings"][0]["code"]) == (0, "summary_not_written")


def test_a_full_page_is_left_as_it_is(nb: Runner, staging: Staging, page: Path) -> None:
    page.write_text("x" * 900_000)
    ran = nb("ready", "--env", "staging", "--format", "github", "--json")
    assert (ran.code, ran.document["warnings"][0]["code"]) == (0, "summary_full")
    assert page.read_text() == "x" * 900_000


def test_words_of_others_are_no_commands(nb: Runner, staging: Staging, page: Path) -> None:
    """A log line is written by whoever can make the service write one."""
    evil = "::add-path::/tmp/evil\n::error::x | <img src=x> [click](http://evil)"
    line = {"timestamp": "2026-11-22T12:10:00Z", "severity": "error", "message": evil}
    staging.railway.logs["d-4"] = [line]
    staging.app.checks[0] = check("database", "failed", evil)
    ran = nb("deploy", "verify", "--env", "staging", "--format", "github")
    assert ran.code == 1
    assert not any(line.startswith("::add-path") for line in ran.err.splitlines())
    lines = ran.out.splitlines()
    word = lines[0].removeprefix("::stop-commands::")
    assert len(word) == 32
    assert lines[-1] == f"::{word}::"
    written = page.read_text()
    assert "<img" not in written
    assert "[click]" not in written
    row = next(line for line in written.splitlines() if "database" in line and line.startswith("| ❌"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 4


def test_a_secret_in_words_of_others_is_in_neither(nb: Runner, staging: Staging, page: Path) -> None:
    token = "123456789:" + "A" * 35
    staging.app.checks[0] = check("database", "failed", f"POST /bot{token} failed")
    ran = nb("ready", "--env", "staging", "--format", "github")
    assert token not in page.read_text()
    assert token not in "".join(line for line in ran.err.splitlines() if line.startswith("::"))


def test_an_unknown_form_is_a_slip(nb: Runner, staging: Staging) -> None:
    ran = nb("ready", "--format", "gitlab", "--json")
    assert ran.code == 2
    assert "github" in ran.error["message"]


def test_a_long_list_is_cut_with_its_number() -> None:
    text = summary("nb ready", None, [Row(f"c{number}", "ok", "") for number in range(230)], ())
    assert "30 more" in text
    assert "c199" in text
    assert "c200" not in text


def test_a_step_that_was_not_tried_is_no_warning() -> None:
    steps = [
        {"id": "health", "state": "error", "detail": "no answer", "fix": None},
        {"id": "ready", "state": "skipped", "detail": "not tried", "fix": None},
    ]

    page = summary("nb smoke", None, rows({"steps": steps}), ())

    assert "| ❔ unknown | health | no answer |" in page
    assert "| ⏭️ skipped | ready | not tried |" in page


def test_every_service_of_every_environment_is_a_row() -> None:
    service = {"service": "web", "state": "not_deployed", "reason": "skipped"}
    data = {"environments": [{"env": "staging", "services": [service]}, {"env": "production", "services": [service]}]}
    assert [(row.id, row.state) for row in rows(data)] == [("staging.web", "failed"), ("production.web", "failed")]
    assert list(SERVICES) == ["web", "worker", "beat"]
