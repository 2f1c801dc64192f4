"""Every operation of the ops API, with every kind of token: who may ask is said before anything else is looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest

from core import audit, db, ops_tokens, token_form
from core.http.openapi import Operation
from core.http.ops.api import api
from core.ops_tokens import Scope

pytestmark = pytest.mark.integration

ROOT = "/api/ops/v1"
ORDER = list(Scope)
EVERY = sorted(api.operations, key=lambda operation: (operation.path, operation.method))

READING_BY_POST = {"/pricing/quote", "/prices/{subject}/preview"}
"""What takes more than fits into an address, and changes nothing."""


async def tokens() -> dict[str, str]:
    """One token of each kind that a service may meet."""
    made = {scope.value: await ops_tokens.create(scope.value, [scope]) for scope in Scope}
    for state in ("expired", "revoked"):
        made[state] = await ops_tokens.create(state, ["admin"], lifetime=timedelta(days=1))
    await db.execute("UPDATE botapp_opstoken SET expires_at = now() WHERE name = 'expired'")
    await db.execute("UPDATE botapp_opstoken SET revoked_at = now() WHERE name = 'revoked'")
    return {**made, "of nobody": token_form.new(), "cut short": made["admin"][:-1], "longer": made["admin"] + "A"}


async def ask(client: httpx.AsyncClient, operation: Operation, headers: Mapping[str, str]) -> httpx.Response:
    """Ask in a way that changes nothing even where it is let through: what a change needs is left out."""
    path = re.sub(r"\{\w+\}", "nobody", operation.path)
    body: dict[str, str] | None = {} if operation.method != "GET" else None
    return await client.request(operation.method, ROOT + path, json=body, headers=headers)


@pytest.mark.parametrize("token", ["none", "of nobody", "cut short", "longer", "expired", "revoked"])
async def test_nobody_without_a_good_token_is_told_anything(client: httpx.AsyncClient, token: str) -> None:
    known = await tokens()
    headers = {} if token == "none" else {"Authorization": f"Bearer {known[token]}"}
    for operation in EVERY:
        answer = await ask(client, operation, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated"), operation.name
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert await audit.newest() == []


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_token_opens_what_its_scope_says_and_nothing_above(client: httpx.AsyncClient, scope: Scope) -> None:
    headers = {"Authorization": f"Bearer {(await tokens())[scope.value]}"}
    for operation in EVERY:
        answer = await ask(client, operation, headers)
        if ORDER.index(scope) < ORDER.index(operation.scope):
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), operation.name
            assert f'scope="{operation.scope.value}"' in answer.headers["www-authenticate"]
            continue
        assert answer.status_code not in (401, 403), (operation.name, answer.text)
        assert answer.status_code != 500, (operation.name, answer.text)
    assert await audit.newest() == [], "what is not whole changes nothing"


def test_no_change_is_made_with_the_right_to_read() -> None:
    assert {op.path for op in EVERY if op.method != "GET" and op.scope is Scope.READ} == READING_BY_POST
    assert [op.name for op in EVERY if op.action and op.scope is Scope.READ] == []


def test_who_makes_tokens_and_approves_administrates() -> None:
    guarded = {op.action for op in EVERY if op.scope is Scope.ADMIN}
    assert guarded >= {"token.create", "token.revoke", "approvals.approve"}
