"""Staging as `nb smoke` finds it when all is well; a test breaks what it is about."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.smoke import checks, generation
from tests.cli import answers_prices, answers_webhook
from tests.cli.conftest import Place
from tests.cli.emulator import COMMIT, NOW, TOKEN, Emulator, Fault, check, detailed
from tests.cli.emulator import generation as listed

MADE = "/api/ops/v1/generations/g_000001"
STORY = ("ordered", "submitting", "made", "stored", "delivered")


def made(**changes: Any) -> Fault:
    """The generation of the run, as the service tells of it."""
    found = detailed(listed(1))
    found["events"] = [{"at": NOW, "event": event, "detail": {}} for event in STORY]
    found["delivery"] = {"attempts": 1, "messages": []}
    return Fault(200, json.dumps({**found, **changes}).encode(), "application/json")


@pytest.fixture
def staging(place: Place, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """A service where every step goes well, and a machine that loses no time."""
    place.write_project(f'[env.staging]\nurl = "{service.url}"\n[env.production]\nurl_from = "PRODUCTION_BASE_URL"\n')
    service.environment = "staging"
    monkeypatch.setenv("NB_ENV", "staging")
    monkeypatch.setenv("NB_TOKEN_STAGING", TOKEN)
    monkeypatch.setattr(checks, "INTERVAL", 0.01)
    monkeypatch.setattr(generation, "INTERVAL", 0.01)
    price = answers_prices.PRICE
    order = {**price["orders"][0], "tokens": "8.00"}
    service.answers["GET", "prices"] = {"items": [{**price, "slug": "demo-image", "orders": [order]}]}
    service.answers["GET", "webhook"] = answers_webhook.webhook()
    service.checks = [check("database"), check("worker")]
    service.faults[MADE] = made()
    assert service.commit == COMMIT
    return service
