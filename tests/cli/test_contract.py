"""What holds for every command that asks the service: one valid document and the right exit code, whatever it meets."""

from __future__ import annotations

import json

import pytest

from cli import registry, schema_files
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import TOKEN, Emulator, Fault, problem

pytestmark = pytest.mark.integration

ASKING: dict[tuple[str, ...], str] = {
    ("health",): "/api/health",
    ("ready",): "/api/ready",
    ("status",): "/api/ops/v1/status",
    ("gen", "list"): "/api/ops/v1/generations",
    ("gen", "show", "g_000001"): "/api/ops/v1/generations/g_000001",
    ("stats",): "/api/ops/v1/statistics",
    ("webhook", "info"): "/api/ops/v1/webhook",
    ("webhook", "check"): "/api/ops/v1/webhook",
    ("providers", "list"): "/api/ops/v1/providers",
    ("providers", "show", "kling"): "/api/ops/v1/providers/kling",
    ("pricing", "quote", "demo-image"): "/api/ops/v1/pricing/quote",
    ("pricing", "list"): "/api/ops/v1/models",
    ("pricing", "show", "nano-banana-pro"): "/api/ops/v1/prices/nano-banana-pro",
    ("pricing", "preview", "nano-banana-pro", "--base-cost", "0.16"): "/api/ops/v1/prices/nano-banana-pro/preview",
    ("pricing", "history"): "/api/ops/v1/price-revisions",
    ("pricing", "check"): "/api/ops/v1/pricing/check",
    ("pricing", "export"): "/api/ops/v1/prices",
    ("models", "list"): "/api/ops/v1/models",
    ("models", "show", "kling-v2-6"): "/api/ops/v1/models/kling-v2-6",
    ("catalog", "check"): "/api/ops/v1/catalogue/check",
    ("packages", "list"): "/api/ops/v1/packages",
    ("packages", "show", "tokens-100"): "/api/ops/v1/packages/tokens-100",
    ("approve", "list"): "/api/ops/v1/approvals",
    ("approve", "show", "NDF9W8V2XP"): "/api/ops/v1/approvals/NDF9W8V2XP",
    ("ledger", "verify"): "/api/ops/v1/ledger/verify",
    ("ledger", "statement", "100200300"): "/api/ops/v1/ledger/statement/100200300",
    ("users", "show", "100200300"): "/api/ops/v1/users/100200300",
    ("users", "show", "@fox"): "/api/ops/v1/users/@fox",
    ("errors", "list"): "/api/ops/v1/errors",
    ("errors", "group"): "/api/ops/v1/errors/groups",
    ("errors", "show", "e_23456789ab"): "/api/ops/v1/errors/e_23456789ab",
    ("schedule", "list"): "/api/ops/v1/schedule",
    ("audit", "list"): "/api/ops/v1/audit",
    ("token", "list"): "/api/ops/v1/tokens",
    ("promo", "list"): "/api/ops/v1/promo-codes",
    ("promo", "show", "FOX"): "/api/ops/v1/promo-codes/FOX",
    ("payments", "list"): "/api/ops/v1/payments",
    ("payments", "show", "7f3a91c0"): "/api/ops/v1/payments/7f3a91c0",
}
"""Command and the path that it asks."""

every_command = pytest.mark.parametrize("command", ASKING, ids=" ".join)


@pytest.fixture(autouse=True)
def as_staging(place: Place, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service is staging, which has no part on this machine."""
    place.write_project(f'[env.staging]\nurl = "{service.url}"\n[env.production]\nurl_from = "PRODUCTION_BASE_URL"\n')
    service.environment = "staging"
    monkeypatch.setenv("NB_ENV", "staging")
    monkeypatch.setenv("NB_TOKEN_STAGING", TOKEN)


@every_command
def test_success_passes_the_committed_schema(nb: Runner, service: Emulator, command: tuple[str, ...]) -> None:
    ran = nb(*command, "--json")
    document = ran.document
    assert (ran.code, document["ok"], document["error"], document["env"]) == (0, True, None, "staging")
    assert schema_files.committed(document["command"]) is not None
    assert ran.err == ""


@every_command
def test_people_get_the_answer_on_stdout_and_nothing_else(
    nb: Runner, service: Emulator, command: tuple[str, ...]
) -> None:
    ran = nb(*command)
    assert ran.code == 0
    assert ran.out.strip()
    assert "\x1b" not in ran.out
    assert ran.err == ""


@every_command
@pytest.mark.parametrize(
    ("fault", "exit_code"),
    [
        (Fault(401, problem(401, "unauthorized", "the token is not valid")), 4),
        (Fault(403, problem(403, "forbidden", "a scope is missing")), 4),
        (Fault(429, problem(429, "rate_limited", "slow down"), headers={"Retry-After": "3"}), 75),
        (Fault(500), 75),
        (Fault(503, problem(503, "database_away", "the database is away")), 75),
        (Fault(502, b"Bad Gateway", "text/plain"), 75),
        (Fault(200, b"", "application/json"), 75),
        (Fault(200, b"null", "application/json"), 75),
        (Fault(200, b"{}", "application/json"), 75),
        (Fault(200, b'{"items": {}, "ok": 1}', "application/json"), 75),
        (Fault(200, b"\xff\xfe", "application/json"), 75),
        (Fault(204, b"", "application/json"), 75),
        (Fault(301, b"", "text/plain", headers={"Location": "/"}), 75),
    ],
    ids=lambda value: f"{value.status}-{value.body[:12]!r}" if isinstance(value, Fault) else None,
)
def test_a_sick_service_is_one_document(
    nb: Runner, service: Emulator, command: tuple[str, ...], fault: Fault, exit_code: int
) -> None:
    service.faults[ASKING[command]] = fault
    ran = nb(*command, "--json")
    assert ran.code == exit_code
    assert ran.document["error"]["transient"] is (exit_code == 75)
    assert ran.err == ""
    assert TOKEN not in ran.out


@every_command
def test_a_sick_service_is_said_to_people_on_stderr(nb: Runner, service: Emulator, command: tuple[str, ...]) -> None:
    service.faults[ASKING[command]] = Fault(500)
    ran = nb(*command)
    assert (ran.code, ran.out) == (75, "")
    assert ran.err.startswith("✗ staging: Internal Server Error")


@every_command
def test_a_silent_service_is_given_up_on_in_time(nb: Runner, service: Emulator, command: tuple[str, ...]) -> None:
    service.faults[ASKING[command]] = Fault(hang=True)
    ran = nb(*command, "--timeout", "100ms", "--json")
    assert (ran.code, ran.error["code"]) == (75, "timeout")
    assert ran.document["meta"]["duration_ms"] < 5000


@every_command
def test_without_a_token_only_health_and_readiness_are_asked(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("NB_TOKEN_STAGING")
    ran = nb(*command, "--json")
    if command in (("health",), ("ready",)):
        assert ran.code == 0
    else:
        assert (ran.code, ran.error["fix"]) == (4, "export NB_TOKEN_STAGING=nbk_...")
        assert service.requests == []


@every_command
def test_production_is_read_when_it_is_named(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PRODUCTION_BASE_URL", service.url)
    ran = nb(*command, "--env", "production", "--json")
    open_to_all = {"health": (1, "wrong_environment"), "ready": (1, "wrong_environment")}
    expected = open_to_all.get(command[0], (4, "no_token"))
    assert (ran.code, (ran.document["error"] or {"code": None})["code"]) == expected
    assert ran.document["env"] == "production"
    assert not service.requests or "Authorization" not in service.requests[0][2]


@every_command
def test_the_order_of_options_does_not_matter(nb: Runner, service: Emulator, command: tuple[str, ...]) -> None:
    before = json.loads(nb("--json", "--timeout", "5s", *command).out)
    after = json.loads(nb(*command, "--timeout", "5s", "--json").out)
    assert list(before["data"]) == list(after["data"])
    assert before["command"] == after["command"]


def test_every_listed_command_of_the_service_is_covered_here() -> None:
    asking = {path[0] for path in ASKING}
    on_this_machine = {
        "up",
        "down",
        "doctor",
        "serve",
        "worker",
        "beat",
        "bot",
        "db",
        "context",
        "journal",
        "schema",
        "help",
    }
    of_the_platforms = {"deploy", "logs", "agent-log"}  # They ask others: tests/cli/{deploys,logs,agent_log}.
    in_many_steps = {"smoke"}  # One question that fails is a step of it: tests/cli/smoke.
    assert asking | on_this_machine | of_the_platforms | in_many_steps == set(registry.visible())
