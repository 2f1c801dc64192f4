"""What answers of the service become: typed failures with the right exit code and no token in them."""

from __future__ import annotations

import pytest

from cli.client import OpsClient
from cli.environments import Target
from cli.errors import CommandFailed
from core import logs
from tests.cli.conftest import Runner
from tests.cli.emulator import TOKEN, Emulator, Fault, problem

PATH = "/api/ops/v1/ledger/verify"
pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("status", "exit_code", "transient"),
    [
        (400, 2, False),
        (401, 4, False),
        (403, 4, False),
        (404, 3, False),
        (409, 7, False),
        (422, 2, False),
        (429, 75, True),
        (500, 75, True),
        (502, 75, True),
        (503, 75, True),
        (504, 75, True),
    ],
)
def test_a_problem_keeps_its_code_and_gets_its_exit_code(
    nb: Runner, service: Emulator, status: int, exit_code: int, transient: bool
) -> None:
    service.faults[PATH] = Fault(status, problem(status, "some_code", "what was wrong"))
    ran = nb("ledger", "verify", "--json")
    assert (ran.code, ran.error["code"], ran.error["transient"]) == (exit_code, "some_code", transient)
    assert "what was wrong" in ran.error["message"]


def test_a_fault_of_the_service_names_the_trace_to_look_for(nb: Runner, service: Emulator) -> None:
    body = b'{"status":500,"detail":"Something went wrong","code":"internal_error","trace_id":"f9bff8a2"}'
    service.faults[PATH] = Fault(500, body)
    assert "trace id f9bff8a2" in nb("ledger", "verify", "--json").error["message"]


def test_how_long_to_wait_is_passed_on(nb: Runner, service: Emulator) -> None:
    service.faults[PATH] = Fault(429, problem(429, "rate_limited", "slow down"), headers={"Retry-After": "7"})
    assert nb("ledger", "verify", "--json").document["meta"]["retry_after_s"] == 7


def test_a_date_as_retry_after_is_left_out(nb: Runner, service: Emulator) -> None:
    service.faults[PATH] = Fault(503, problem(503, "busy", "busy"), headers={"Retry-After": "Sun, 22 Nov 2026"})
    assert "retry_after_s" not in nb("ledger", "verify", "--json").document["meta"]


def test_a_service_that_repeats_the_token_does_not_make_us_print_it(nb: Runner, service: Emulator) -> None:
    service.faults[PATH] = Fault(403, problem(403, "forbidden", f"{TOKEN} lacks the scope read"))
    for ran in (nb("ledger", "verify", "--json"), nb("ledger", "verify", "-v")):
        assert TOKEN not in ran.out + ran.err
        assert "[token] lacks the scope read" in ran.out + ran.err


def test_the_token_is_sent_once_and_does_not_follow_a_redirect(nb: Runner, service: Emulator) -> None:
    service.faults[PATH] = Fault(307, b"", "text/plain", headers={"Location": f"{service.url}/elsewhere"})
    assert nb("ledger", "verify", "--json").code == 75
    assert [request[1] for request in service.requests] == [PATH]


def test_an_answer_without_end_is_refused(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.exchange.MOST_BYTES", 1000)
    service.faults[PATH] = Fault(200, b" " * 5000, "application/json")
    ran = nb("ledger", "verify", "--json")
    assert (ran.code, ran.error["code"]) == (75, "broken_answer")


def test_the_loopback_is_never_asked_through_a_proxy(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert nb("ledger", "verify").code == 0


def test_a_name_that_does_not_resolve_is_said(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB_TOKEN_STAGING", "nbk_staging")
    ran = nb("ledger", "verify", "--env", "staging", "--json")
    assert (ran.code, ran.error["code"]) == (75, "unreachable")
    assert "staging.invalid" in ran.error["message"]


def test_every_request_names_itself(nb: Runner, service: Emulator) -> None:
    nb("ledger", "verify")
    headers = service.requests[0][2]
    assert headers["User-Agent"].startswith("nb/")
    assert headers["Authorization"] == f"Bearer {TOKEN}"


def test_the_service_logs_a_request_under_the_id_of_the_run(nb: Runner, service: Emulator) -> None:
    document = nb("ledger", "verify", "--json").document
    sent = service.requests[0][2]["X-Request-Id"]
    assert sent == document["meta"]["run_id"]
    assert logs.parse_trace(sent) == sent, "what is no trace is replaced by the service"


def test_a_broken_status_line_is_an_upstream_fault(service: Emulator) -> None:
    client = OpsClient(Target("local", service.url, TOKEN), timeout=5)
    service.faults["/x"] = Fault(200, b"{}", "application/json", headers={"Transfer-Encoding": "chunked"})
    with pytest.raises(CommandFailed) as raised:
        client.get("/x")
    assert raised.value.exit_code == 75
