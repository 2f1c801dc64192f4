"""`nb deploy why`: one reason for each service, from facts, and what fixes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cli.deploys.patterns import touched
from tests.cli.conftest import Runner
from tests.cli.deploys.conftest import NEW, Staging
from tests.emulators.github import check
from tests.emulators.railway import SERVICES

pytestmark = pytest.mark.integration
NEXT = "f" * 40


def waits_for_ci(staging: Staging) -> None:
    for trigger in staging.railway.triggers.values():
        trigger["checkSuites"] = True


def red(staging: Staging, status: str = "SKIPPED") -> None:
    waits_for_ci(staging)
    staging.deploy(NEXT, status)
    staging.github.checks = [check("lint"), check("open-pr", "failure")]


def under_way(staging: Staging) -> None:
    waits_for_ci(staging)
    staging.deploy(NEXT, "WAITING")
    staging.github.checks = [check("lint", None, "in_progress")]


def unread(staging: Staging) -> None:
    under_way(staging)
    staging.github.forbidden = {"check-runs", "runs"}


def watched(staging: Staging) -> None:
    staging.deploy(NEXT, "SKIPPED")
    staging.railway.watch_patterns = {name: ["bot/**"] for name in SERVICES}


def failed(staging: Staging) -> None:
    payload = {"error": "relation exists", "reason": None, "detail": None}
    event = {"step": "PRE_DEPLOY_COMMAND", "createdAt": "", "completedAt": None, "payload": payload}
    for identity in staging.deploy(NEXT, "FAILED"):
        staging.railway.events[identity] = [event]


def switched_off(staging: Staging) -> None:
    staging.railway.auto_deploy = {
        name: {"enabled": False, "canEnable": True, "reason": "by hand"} for name in SERVICES
    }


def other_branch(staging: Staging) -> None:
    for trigger in staging.railway.triggers.values():
        trigger["branch"] = "main"


def incident(staging: Staging) -> None:
    said = {"status": "INVESTIGATING", "message": "builds are slow", "url": "https://status.railway.com/1"}
    staging.railway.platform = {"isStable": False, "incident": said, "maintenance": None}


CASES: list[tuple[Callable[[Staging], object], str, int, str]] = [
    (red, "ci_red", 1, "red: open-pr"),
    (under_way, "wait_for_ci", 8, "pending: lint"),
    (unread, "ci_unknown", 8, "not known"),
    (watched, "watch_paths", 1, "bot/**"),
    (lambda staging: staging.railway.triggers.clear(), "trigger_missing", 1, "no trigger"),
    (other_branch, "trigger_branch", 1, "follows main"),
    (switched_off, "auto_deploy_off", 1, "by hand"),
    (incident, "platform_incident", 1, "builds are slow"),
    (failed, "failed", 1, "at pre deploy command: relation exists"),
    (lambda staging: staging.deploy(NEXT, "CRASHED"), "crashed", 1, "crashed"),
    (lambda staging: staging.deploy(NEXT, "BUILDING"), "building", 8, "6a090cb still answers"),
    (lambda staging: staging.deploy(NEXT, "NEEDS_APPROVAL"), "needs_approval", 8, "approval"),
    (lambda staging: staging.deploy(NEXT, "SKIPPED"), "skipped", 1, "nothing that is known explains it"),
    (lambda staging: None, "not_started", 1, "nothing that is known explains it"),
]


@pytest.mark.parametrize(("happen", "code", "exit_code", "words"), CASES, ids=[case[1] for case in CASES])
def test_the_reason_is_found(
    nb: Runner, staging: Staging, happen: Callable[[Staging], object], code: str, exit_code: int, words: str
) -> None:
    staging.github.branches["staging"] = NEXT
    happen(staging)
    ran = nb("deploy", "why", "--json")
    assert (ran.code, ran.error["code"]) == (exit_code, code)
    assert words in ran.error["message"]
    assert {service["code"] for service in ran.data["services"]} == {code}
    assert ran.error["fix"]
    assert words in nb("deploy", "why").out


def test_what_runs_needs_no_reason(nb: Runner, staging: Staging) -> None:
    ran = nb("deploy", "why", NEW[:8], "--json")
    assert (ran.code, ran.data["state"], ran.data["platform"]) == (0, "deployed", "stable")


def test_runs_of_actions_stand_in_for_checks_that_may_not_be_read(nb: Runner, staging: Staging) -> None:
    staging.github.branches["staging"] = NEXT
    red(staging)
    staging.github.forbidden = {"check-runs"}
    staging.github.runs = [check("CI", "failure")]
    ran = nb("deploy", "why", "--json")
    assert (ran.error["code"], ran.data["checks"]["source"]) == ("ci_red", "actions")


def test_railways_own_status_is_no_check(nb: Runner, staging: Staging) -> None:
    staging.github.branches["staging"] = NEXT
    staging.github.statuses = [
        {"context": "bot - web", "state": "failure", "target_url": "https://railway.com/project/1"}
    ]
    assert nb("deploy", "why", "--json").data["checks"]["state"] == "passed"


def test_a_platform_that_says_nothing_of_itself_is_unknown(nb: Runner, staging: Staging) -> None:
    staging.railway.platform = {"isStable": None, "incident": None, "maintenance": None}
    ran = nb("deploy", "why", "--json")
    assert (ran.data["platform"], ran.document["warnings"][0]["code"]) == ("unknown", "not_known")


@pytest.mark.parametrize(
    ("patterns", "file", "expected"),
    [
        (["bot/**"], "bot/a/b.py", True),
        (["/bot/**"], "cli/bot/b.py", False),
        (["*.py"], "core/x.py", True),
        (["docs"], "docs/cli.md", True),
        (["**/*.md", "!docs/**"], "docs/cli.md", False),
        (["core/?.py"], "core/xy.py", False),
    ],
)
def test_watch_paths_are_read_as_in_gitignore(patterns: list[str], file: str, expected: bool) -> None:
    assert touched(patterns, [file]) is expected


def test_an_incident_is_told_where_something_else_is_the_reason_too(nb: Runner, staging: Staging) -> None:
    incident(staging)
    ran = nb("deploy", "why", "--json")
    said = "investigating: builds are slow (https://status.railway.com/1)"
    assert (ran.code, ran.data["platform"], ran.data["incident"]) == (0, "incident", said)
    assert "Railway has an incident: investigating: builds are slow" in nb("deploy", "why").out
