"""What holds for every change: a key, a reason, a rehearsal, and a failure that says whether to repeat it."""

from __future__ import annotations

import json

import pytest

from cli.client import OpsClient, connect
from cli.environments import Target
from cli.errors import ApprovalRequired, BlockedByRule, CommandFailed, Conflict, UpstreamFault, UsageMistake
from cli.invocation import Invocation, begin
from tests.cli.conftest import Place
from tests.cli.emulator import TOKEN, Emulator, Fault, problem

PATH = "/api/ops/v1/things/7"
DONE = Fault(200, b'{"done": true}', "application/json")

pytestmark = pytest.mark.integration


@pytest.fixture
def client(service: Emulator) -> OpsClient:
    """A client of a service that makes the change."""
    begin(Invocation())
    service.faults[PATH] = DONE
    return OpsClient(Target("local", service.url, TOKEN), timeout=5)


def refused(client: OpsClient, service: Emulator, fault: Fault, *, key: str | None = None) -> CommandFailed:
    """Make the change and return how it fails."""
    service.faults[PATH] = fault
    with pytest.raises(CommandFailed) as raised:
        client.change("POST", PATH, {"reason": "a test"}, key=key)
    return raised.value


def test_each_change_has_a_key_of_its_own(client: OpsClient, service: Emulator) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert client.change(method, PATH, {"reason": "a test"}).content == {"done": True}
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in service.requests]
    assert [request[0] for request in service.requests] == ["POST", "PUT", "DELETE"]
    assert len(set(keys)) == 3
    assert all(8 <= len(key) <= 100 for key in keys)
    assert json.loads(service.requests[0][3]) == {"reason": "a test"}


def test_a_key_that_is_given_is_the_one_that_is_sent(client: OpsClient, service: Emulator) -> None:
    client.change("POST", PATH, {"reason": "a test"}, key="ticket-4711")
    assert service.requests[0][2]["Idempotency-Key"] == "ticket-4711"


@pytest.mark.parametrize("key", ["", "short", "with space in it", "x" * 101, "ключ-ключ", "line\r\nbreak1"])
def test_a_key_of_another_form_is_refused_before_anything_is_sent(
    client: OpsClient, service: Emulator, key: str
) -> None:
    with pytest.raises(UsageMistake):
        client.change("POST", PATH, {"reason": "a test"}, key=key)
    assert service.requests == []


def test_a_rehearsal_asks_the_service_to_take_it_back(client: OpsClient, service: Emulator) -> None:
    begin(Invocation(dry_run=True))
    client.change("POST", PATH, {"reason": "a test"})
    assert service.requests[0][1] == f"{PATH}?dry_run=true"


@pytest.mark.parametrize("fault", [Fault(hang=True), Fault(200, b"{}", cut=True), Fault(500), Fault(502, b"", "x/y")])
def test_a_lost_answer_names_the_key_that_makes_repeating_safe(service: Emulator, fault: Fault) -> None:
    begin(Invocation())
    client = OpsClient(Target("local", service.url, TOKEN), timeout=0.2)
    failure = refused(client, service, fault)
    key = service.requests[0][2]["Idempotency-Key"]
    assert isinstance(failure, UpstreamFault)
    assert f"--key {key}" in failure.message
    assert failure.fix == f"repeat the command with --key {key}"


def test_a_lost_answer_to_a_rehearsal_leaves_nothing_open(service: Emulator) -> None:
    begin(Invocation(dry_run=True))
    client = OpsClient(Target("local", service.url, TOKEN), timeout=5)
    failure = refused(client, service, Fault(500))
    assert "may have been made" not in failure.message


@pytest.mark.usefixtures("nobody")
def test_a_service_that_was_not_reached_has_changed_nothing(place: Place) -> None:
    begin(Invocation())
    with pytest.raises(UpstreamFault) as raised:
        connect(writes=True).change("POST", PATH, {"reason": "a test"})
    assert (raised.value.code, "--key" in raised.value.message) == ("unreachable", False)


def test_a_rule_that_forbids_is_named(client: OpsClient, service: Emulator) -> None:
    body = json.dumps({"status": 409, "code": "tokens_spent", "detail": "spent", "rule": "never_below_zero"}).encode()
    failure = refused(client, service, Fault(409, body))
    assert isinstance(failure, BlockedByRule)
    assert (failure.exit_code, failure.code, failure.rule) == (5, "tokens_spent", "never_below_zero")


def test_what_somebody_else_has_to_agree_to_names_the_command_for_it(client: OpsClient, service: Emulator) -> None:
    content = {"status": 409, "code": "approval_required", "detail": "+300 %", "rule": "max_delta", "approval": "ap_7k"}
    failure = refused(client, service, Fault(409, json.dumps(content).encode()))
    assert isinstance(failure, ApprovalRequired)
    assert (failure.exit_code, failure.rule, failure.data) == (6, "max_delta", {"approval": "ap_7k"})
    assert failure.fix == "nb approve ap_7k --env local"
    assert failure.next_steps[0].cmd == failure.fix


def test_what_changed_underneath_is_a_conflict(client: OpsClient, service: Emulator) -> None:
    failure = refused(client, service, Fault(409, problem(409, "idempotency_key_reused", "another change")))
    assert isinstance(failure, Conflict)
    assert (failure.exit_code, failure.rule) == (7, None)


def test_a_missing_scope_is_a_matter_of_the_token(client: OpsClient, service: Emulator) -> None:
    assert refused(client, service, Fault(403, problem(403, "forbidden", "operate is missing"))).exit_code == 4


def test_where_only_reading_is_allowed_nothing_is_sent(
    client: OpsClient, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_READONLY", "1")
    for attempt in (lambda: connect(writes=True), lambda: client.change("POST", PATH, {"reason": "a test"})):
        with pytest.raises(BlockedByRule) as raised:
            attempt()
        assert (raised.value.exit_code, raised.value.rule) == (5, "readonly")
    assert service.requests == []
    connect()
    begin(Invocation(dry_run=True))
    assert client.change("POST", PATH, {"reason": "a test"}).status == 200


@pytest.mark.parametrize("value", ["", "0"])
def test_readonly_can_be_switched_off(
    client: OpsClient, service: Emulator, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("NB_READONLY", value)
    assert client.change("POST", PATH, {"reason": "a test"}).status == 200
