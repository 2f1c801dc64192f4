"""The operations of `nb smoke`: whose token may, where they are off, and that they are in the audit."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from core import audit, catalog, db
from core.settings import Settings
from tests.core.http.conftest import serving
from tests.core.http.operators import Operator, operator_with

pytestmark = pytest.mark.integration


@pytest.fixture
async def ops(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """Somebody who may operate."""
    async with operator_with(client, "ci", "operate") as operator:
        yield operator


async def test_a_run_is_started_put_away_and_in_the_audit(ops: Operator) -> None:
    started = await ops.change("/smoke/generations", {})
    assert started.status_code == 200, started.text
    made = started.json()
    assert (made["model"], made["tokens"]) == ("nano-banana", "0.80")
    cleaned = (await ops.change("/smoke/clean", {"generation": made["id"]})).json()
    assert cleaned == {"ended": [made["id"]], "waiting": [], "files": 0, "tokens": "0.80", "balance": "0.00"}
    assert [event.action for event in await audit.newest()] == ["smoke.clean", "smoke.generate"]


async def test_the_same_key_starts_one(ops: Operator) -> None:
    first = await ops.change("/smoke/generations", {}, key="the-same-key")
    again = await ops.change("/smoke/generations", {}, key="the-same-key")
    assert first.json() == again.json()
    assert await db.fetch_value("SELECT count(*) FROM botapp_genrequest") == 1


async def test_a_rehearsal_leaves_nothing(ops: Operator) -> None:
    assert (await ops.change("/smoke/generations", {}, dry_run=True)).status_code == 200
    assert await db.fetch_value("SELECT count(*) FROM botapp_tguser") == 0


async def test_whoever_may_only_read_starts_none(client: httpx.AsyncClient) -> None:
    async with operator_with(client, "reader", "read") as reader:
        assert (await reader.change("/smoke/generations", {})).status_code == 403
        assert (await reader.change("/smoke/clean", {})).status_code == 403


async def test_where_they_are_off_a_rule_says_so(settings: Settings) -> None:
    off = settings.model_copy(update={"smoke_generations": False, "demo_provider": False})
    async with serving(off) as client, operator_with(client, "ci", "operate") as ops:
        await catalog.sync()
        refused = await ops.change("/smoke/generations", {})
        assert (refused.status_code, refused.json()["rule"]) == (403, "smoke_generations_off")


async def test_more_than_may_run_at_once_is_a_conflict(ops: Operator) -> None:
    for _ in range(3):
        await ops.change("/smoke/generations", {})
    refused = await ops.change("/smoke/generations", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_running")
