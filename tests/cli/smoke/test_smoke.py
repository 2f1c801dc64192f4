"""`nb smoke` against a service that is well, sick in one place, silent, or another one than it should be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.smoke import generation
from cli.smoke.shapes import SmokeStep
from cli.smoke.trial import Trial
from tests.cli.answers_statistics import CLEANED
from tests.cli.conftest import Place, Ran, Runner
from tests.cli.emulator import COMMIT, TOKEN, Emulator, Fault, check, problem
from tests.cli.smoke.conftest import MADE, made

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("staging")]

START = "/api/ops/v1/smoke/generations"
CLEAN = "/api/ops/v1/smoke/clean"
EVERY_STEP = [
    "health",
    "ready",
    "webhook",
    "catalogue",
    "prices",
    "quote.demo-image",
    "generation",
    "cleanup",
    "ledger",
]


def states(ran: Ran) -> dict[str, str]:
    return {step["id"]: step["state"] for step in ran.data["steps"]}


def step(ran: Ran, identity: str) -> SmokeStep:
    found: SmokeStep = next(step for step in ran.data["steps"] if step["id"] == identity)
    return found


def changes(service: Emulator) -> list[str]:
    """What the service was asked to change."""
    return [path for method, path, *_ in service.requests if method == "POST" and "/smoke/" in path]


def test_a_service_that_is_well_passes_every_step(nb: Runner, service: Emulator) -> None:
    ran = nb("smoke", "--expect-commit", COMMIT[:7], "--json")
    assert (ran.code, states(ran)) == (0, dict.fromkeys(EVERY_STEP, "ok"))
    assert (ran.data["generation"], ran.data["cleaned"], ran.data["commit"]) == ("g_000001", CLEANED, COMMIT)
    assert ran.data["counts"]["ok"] == len(EVERY_STEP)
    assert changes(service) == [START.replace("?", ""), CLEAN]


def test_a_person_reads_a_line_for_each_step(nb: Runner) -> None:
    ran = nb("smoke")
    assert ran.code == 0
    assert "✓ staging: 9 ok" in ran.out
    assert "1 of 1 are the listed price" in ran.out
    assert ran.err == ""


@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_small_screen_is_not_overrun_by_words(nb: Runner, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    out = nb("smoke").out
    assert max(len(line) for line in out.splitlines() if "http://" not in line) <= int(columns)


@pytest.mark.parametrize(
    ("path", "content", "bad"),
    [
        ("webhook", {"checks": [{"id": "url", "state": "unknown", "detail": "away", "fix": None}]}, "webhook"),
        ("catalogue/check", {"ok": False, "models": 3, "days": 30, "findings": []}, "catalogue"),
        ("prices", {"items": []}, "prices"),
    ],
)
def test_one_thing_that_is_wrong_fails_its_step_and_no_other(
    nb: Runner, service: Emulator, path: str, content: dict[str, Any], bad: str
) -> None:
    known = service.answers.get(("GET", path), {})
    service.answers["GET", path] = {**known, **content}
    ran = nb("smoke", "--json")
    assert (ran.code, ran.error["code"]) == (1, "smoke_failed")
    assert [identity for identity, state in states(ran).items() if state != "ok"] == [bad]


def test_a_quote_that_is_not_the_listed_price_fails(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "prices"]["items"][0]["orders"][0]["tokens"] = "7.99"
    ran = nb("smoke", "--json")
    assert (ran.code, step(ran, "quote.demo-image")["detail"]) == (1, "quoted at 8.00 ⚡, listed at 7.99 ⚡")


def test_a_quote_that_its_own_parts_do_not_make_fails(nb: Runner, service: Emulator) -> None:
    quote = {
        "model": "demo-image",
        "params": {},
        "tokens": "8.00",
        "usd": "0.10",
        "units": "1",
        "unit": "image",
        "unit_cost_usd": "0.10",
        "rate": "20",
        "markup": "2",
        "factors": [],
    }
    service.faults["/api/ops/v1/pricing/quote"] = Fault(200, json.dumps(quote).encode(), "application/json")
    assert "4.00 ⚡" in step(nb("smoke", "--json"), "quote.demo-image")["detail"]


def test_books_that_do_not_agree_fail_and_money_in_quarantine_does_not(nb: Runner, service: Emulator) -> None:
    held = {"kind": "unmatched_payment", "subject": "p", "detail": "held"}
    service.ledger |= {"ok": False, "problems": [held]}
    assert nb("smoke").code == 0
    service.ledger["problems"] = [held, {"kind": "balance_differs_from_statement", "subject": "7", "detail": "1"}]
    ran = nb("smoke", "--json")
    assert (ran.code, step(ran, "ledger")["state"]) == (1, "failed")


def test_another_commit_is_pending_and_nothing_is_tried(nb: Runner, service: Emulator) -> None:
    ran = nb("smoke", "--expect-commit", "1234567", "--json")
    assert (ran.code, ran.error["code"], ran.error["transient"]) == (8, "smoke_pending", True)
    assert states(ran)["health"] == "pending"
    assert {state for identity, state in states(ran).items() if identity != "health"} == {"skipped"}
    assert changes(service) == []


def test_another_environment_fails_and_nothing_is_tried(nb: Runner, service: Emulator) -> None:
    service.environment = "production"
    ran = nb("smoke", "--json")
    assert (ran.code, step(ran, "health")["fix"]) == (1, "correct the address in nb.toml")
    assert changes(service) == []


def test_a_service_that_is_not_ready_is_given_no_picture_to_make(nb: Runner, service: Emulator) -> None:
    service.checks = [check("worker", "failed", "no worker was seen", "start one: nb worker")]
    ran = nb("smoke", "--json")
    assert (ran.code, step(ran, "ready")["fix"]) == (1, "see why none runs: nb deploy status --env staging")
    assert (states(ran)["generation"], states(ran)["webhook"]) == ("skipped", "ok")
    assert changes(service) == []


def test_unknown_is_not_ready_and_what_is_only_noted_is(nb: Runner, service: Emulator) -> None:
    service.checks = [check("redis", "unknown", "no answer")]
    assert nb("smoke").code == 1
    service.checks = [check("database"), {**check("provider.kling", "failed", "parked"), "level": "noted", "facts": {}}]
    service.faults["/api/ready"] = Fault(
        200, json.dumps({"ok": True, "checks": service.checks}).encode(), "application/json"
    )
    assert nb("smoke").code == 0


def test_readiness_is_waited_for(nb: Runner, service: Emulator) -> None:
    service.ready_after = 3
    assert nb("smoke", "--wait", "20s").code == 0


def test_a_service_that_cannot_be_reached_is_75(nb: Runner, place: Place) -> None:
    place.write_project('[env.staging]\nurl = "http://127.0.0.1:9"\n')
    ran = nb("smoke", "--json")
    assert (ran.code, ran.error["code"], ran.error["transient"]) == (75, "smoke_error", True)
    assert "connection refused" in step(ran, "health")["detail"]


def test_a_failure_outweighs_a_missing_answer(nb: Runner, service: Emulator) -> None:
    service.faults["/api/ops/v1/webhook"] = Fault(500)
    assert nb("smoke").code == 75
    service.ledger |= {"ok": False, "problems": []}
    ran = nb("smoke", "--json")
    assert (ran.code, states(ran)["webhook"], states(ran)["ledger"]) == (1, "error", "failed")


def test_without_a_token_nothing_is_asked(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NB_TOKEN_STAGING")
    ran = nb("smoke", "--json")
    assert (ran.code, ran.error["fix"]) == (4, "export NB_TOKEN_STAGING=nbk_...")
    assert service.requests == []


@pytest.mark.parametrize(
    ("arguments", "environment", "reason"),
    [
        (["--no-generation"], {}, "--no-generation"),
        (["--dry-run"], {}, "--dry-run"),
        ([], {"NB_READONLY": "1"}, "NB_READONLY is set"),
    ],
)
def test_what_may_change_nothing_makes_no_picture_and_says_why(
    nb: Runner,
    service: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environment: dict[str, str],
    reason: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ran = nb("smoke", *arguments, "--json")
    assert (ran.code, step(ran, "generation")["state"], step(ran, "generation")["detail"]) == (0, "skipped", reason)
    assert changes(service) == []


def test_production_has_to_be_named(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODUCTION_BASE_URL", service.url)
    monkeypatch.setenv("NB_TOKEN_PRODUCTION", TOKEN)
    monkeypatch.setenv("NB_ENV", "production")
    service.environment = "production"
    assert nb("smoke").code == 2
    assert nb("smoke", "--no-generation").code == 0
    assert nb("smoke", "--env", "production").code == 0


def test_where_the_service_makes_none_the_step_is_skipped_with_its_words(nb: Runner, service: Emulator) -> None:
    body = json.loads(problem(403, "smoke_generations_off", "Smoke generations are off here."))
    service.faults[START] = Fault(403, json.dumps({**body, "rule": "smoke_generations_off"}).encode())
    ran = nb("smoke", "--json")
    assert (ran.code, step(ran, "generation")["state"]) == (0, "skipped")
    assert "off here" in step(ran, "generation")["detail"]
    assert step(ran, "cleanup")["state"] == "skipped"
    assert "skipped: staging: Smoke generations are off here" in nb("smoke").out


def test_a_token_that_may_not_is_a_failure_and_not_a_skip(nb: Runner, service: Emulator) -> None:
    service.faults[START] = Fault(403, problem(403, "forbidden", "the scope operate is missing"))
    ran = nb("smoke", "--json")
    assert (ran.code, step(ran, "generation")["state"]) == (1, "failed")
    assert "--no-generation" in (step(ran, "generation")["fix"] or "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "error", "error_code": "timed_out"}, "ended as error: timed_out"),
        ({"route": "gemini"}, "was made by gemini"),
        ({"events": []}, "its story lacks submitting, stored, delivered"),
        ({"results": []}, "nothing was stored"),
        ({"charge": {"id": "1", "tokens": "8.00", "state": "open", "refunded": "0.00"}}, "its charge is open"),
        ({"delivery": {"attempts": 1, "messages": [77]}}, "somebody was sent a message"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_picture_that_did_not_go_all_the_way_fails_and_is_put_away(
    nb: Runner, service: Emulator, changes: dict[str, Any], words: str
) -> None:
    service.faults[MADE] = made(**changes)
    ran = nb("smoke", "--json")
    assert (ran.code, states(ran)["cleanup"]) == (1, "ok")
    assert words in step(ran, "generation")["detail"]


def test_a_picture_that_never_comes_is_given_up_and_put_away(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "PATIENCE", 0.05)
    service.faults[MADE] = made(status="processing", stage="submitted")
    ran = nb("smoke", "--json")
    assert (ran.code, step(ran, "generation")["detail"]) == (1, "g_000001 is submitted after 50 ms")
    assert changes(service) == [START, CLEAN]


def test_a_lost_answer_is_asked_for_again_with_the_same_key(nb: Runner, service: Emulator) -> None:
    service.faults[START] = Fault(502, b"Bad Gateway", "text/plain")
    ran = nb("smoke", "--json")
    assert (ran.code, states(ran)["generation"], states(ran)["cleanup"]) == (75, "error", "ok")
    keys = {headers["Idempotency-Key"] for _, path, headers, _ in service.requests if path == START}
    assert (len(keys), changes(service).count(START)) == (1, generation.TRIES)


def test_a_worker_that_holds_the_job_is_waited_for(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "CLEAN_PATIENCE", 0.05)
    service.answers["POST", "smoke/clean"] = {**CLEANED, "waiting": ["g_000001"]}
    ran = nb("smoke", "--json")
    assert (ran.code, step(ran, "cleanup")["state"]) == (1, "failed")
    assert changes(service).count(CLEAN) > 1


def test_tokens_that_stay_are_a_failure(nb: Runner, service: Emulator) -> None:
    service.answers["POST", "smoke/clean"] = {**CLEANED, "balance": "8.00"}
    ran = nb("smoke", "--json")
    assert (ran.code, step(ran, "cleanup")["detail"]) == (1, "the test user keeps 8.00 ⚡")


def test_ctrl_c_puts_the_picture_away_and_writes_what_is_known(
    nb: Runner, service: Emulator, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.faults[MADE] = made(status="processing", stage="submitted")

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.smoke.generation.time.sleep", interrupt)
    report = place.project / "smoke.xml"
    ran = nb("smoke", "--junit", str(report), "--json")
    assert (ran.code, ran.error["code"]) == (130, "interrupted")
    assert changes(service) == [START, CLEAN]
    assert '<testcase classname="nb.smoke" name="generation"' in report.read_text("utf-8")


def test_ctrl_c_says_when_the_picture_could_not_be_put_away(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.faults |= {MADE: made(status="queued"), CLEAN: Fault(503)}

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.smoke.generation.time.sleep", interrupt)
    ran = nb("smoke", "--json")
    assert (ran.code, [notice["code"] for notice in ran.document["warnings"]]) == (130, ["not_put_away"])


def test_a_workflow_is_told_of_every_step(
    nb: Runner, service: Emulator, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = place.project / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    service.ledger |= {"ok": False, "problems": []}
    ran = nb("smoke", "--no-generation", "--format", "github")
    assert (ran.code, "::error title=ledger failed::" in ran.err) == (1, True)
    page = summary.read_text("utf-8")
    assert "| ✅ ok | health |" in page
    assert "| ⏭️ skipped | generation |" in page


def test_a_commit_that_is_none_is_a_mistake(nb: Runner, service: Emulator) -> None:
    assert (nb("smoke", "--expect-commit", "main").code, service.requests) == (2, [])


def test_a_step_that_was_interrupted_is_remembered() -> None:
    trial = Trial()

    def act() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trial.attempt("generation", act)
    assert [(step["id"], step["state"]) for step in trial.steps] == [("generation", "error")]
