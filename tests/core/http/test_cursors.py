"""Cursors that nobody was given: each list of the operations API refuses them with a code, and none breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from core.http.ops.api import api
from tests.core.http.operators import ROOT, Operator, operator_with

pytestmark = pytest.mark.integration

PARTS = {"chat_id": "4242", "user": "4242"}

LISTS = sorted(
    path.removeprefix(ROOT)
    for path, methods in api.document("0")["paths"].items()
    if any(parameter["name"] == "cursor" for parameter in methods.get("get", {}).get("parameters", ()))
)

FORGED = [
    "",
    "0",
    "-1",
    "+1",
    "1 ",
    "1_0",
    "1.0",
    "١",
    "x",
    "null",
    "' OR 1=1 --",
    "\x00",
    "\x1b[31m",
    "🍌",
    "9" * 19,
    "9" * 99,
    "9" * 5000,
    "-1-1",
    "1-" + "9" * 19,
    "9" * 18 + "-1",
    "9" * 18 + ".1",
    "9" * 18 + "_1",
    "9" * 40 + "-1",
    "t" + "9" * 19,
    "p-1",
    "t١",
    "al_",
    "MTIzCg==",
    "eyJhIjoxfQ",
]


@pytest.fixture
async def admin(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """Somebody who may read every list."""
    async with operator_with(client, "chief", "admin") as opened:
        yield opened


def test_lists_are_found() -> None:
    assert {"/errors", "/errors/groups", "/audit", "/generations", "/price-revisions", "/tokens"} <= set(LISTS)


@pytest.mark.parametrize("path", LISTS)
async def test_a_forged_cursor_is_refused_with_a_code(admin: Operator, path: str) -> None:
    wrong = {}
    for cursor in FORGED:
        answer = await admin.get(path, query={"cursor": cursor}, **PARTS)
        found = (answer.status_code, answer.json().get("code"))
        if found not in {(400, "bad_cursor"), (422, "invalid_request")}:
            wrong[cursor[:30]] = found
    assert not wrong


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_of_another_list_breaks_nothing(admin: Operator, path: str) -> None:
    for cursor in ("1", str(2**63 - 1), "t" + "9" * 18, "p" + "9" * 18):
        answer = await admin.get(path, query={"cursor": cursor}, **PARTS)
        assert answer.status_code < 500, cursor
