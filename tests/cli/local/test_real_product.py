"""The real processes under the supervisor: they start green, come back after a kill and log no secret."""

from __future__ import annotations

import json
import os
import signal
import stat

import httpx
import pytest

from tests.cli.local.conftest import wait_until
from tests.fixtures.product import Product, run_nb

pytestmark = pytest.mark.end_to_end


def _is_at_work(product: Product, service: str) -> bool:
    """Whether the service answers and, where it sends heartbeats, whether they are those of its process now."""
    try:
        answer = httpx.get(
            f"{product.web}/api/ops/v1/status", headers={"Authorization": f"Bearer {product.token}"}, timeout=5
        )
    except httpx.TransportError:
        return False
    if answer.status_code != 200 or service not in ("web", "worker", "beat"):
        return answer.status_code == 200
    mark = f":{product.pid_now(service)}"
    return any(entry["instance"].endswith(mark) for entry in answer.json()["processes"])


def test_everything_that_the_service_needs_is_green(product: Product) -> None:
    answer = httpx.get(f"{product.web}/api/ready", headers={"Authorization": f"Bearer {product.token}"})

    assert answer.status_code == 200
    states = {check["id"]: check["state"] for check in answer.json()["checks"] if check["level"] == "needed"}
    assert states == dict.fromkeys(("database", "migrations", "redis", "worker", "beat", "storage", "webhook"), "ok")


def test_it_listens_on_loopback_only(product: Product) -> None:
    for address in (product.web, product.sandbox, product.data["database"], product.data["redis"]):
        assert "127.0.0.1" in address


def test_the_token_is_private_and_belongs_to_this_address(product: Product) -> None:
    path = product.home / "credentials.json"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["local"]["url"] == product.web
    assert product.token.startswith("nbk_")


def test_a_second_start_finds_it_running(product: Product) -> None:
    document = product.nb("up")

    assert document["data"]["already_running"] is True
    assert document["data"]["web"] == product.web


def test_a_person_is_told_where_it_runs_already(product: Product) -> None:
    ran = run_nb(product.home, "up")

    assert ran.returncode == 0
    assert "It runs already." in ran.stdout
    assert product.chat in ran.stdout


@pytest.mark.parametrize("service", ["web", "worker", "beat", "sandbox", "redis", "postgres"])
def test_a_killed_process_comes_back_and_the_service_is_ready_again(product: Product, service: str) -> None:
    before = product.pid(service)

    os.kill(before, signal.SIGKILL)

    wait_until(lambda: product.pid_now(service) not in (None, before), 30)
    wait_until(lambda: _is_at_work(product, service), 60)
    entry = next(entry for entry in product.nb("status")["data"]["local"]["processes"] if entry["name"] == service)
    assert entry["restarts"] >= 1
    assert entry["state"] == "running"


def test_the_logs_hold_no_secret(product: Product) -> None:
    secrets = [*json.loads((product.home / "secrets.json").read_text()).values(), product.token]

    for log in (product.home / "logs").iterdir():
        content = log.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in content], log.name
