"""Tokens over the ops API: let in by their hash, listed, revoked; no secret is in an answer or in the audit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from core import audit, db, ops_tokens, token_form
from core.http.ops.api import api
from core.ops_tokens import Scope
from tests.cli.conftest import run_nb

pytestmark = pytest.mark.integration

ROOT = "/api/ops/v1/tokens"
WEEK_S = 7 * 86_400


def client_with(client: httpx.AsyncClient, token: str) -> httpx.AsyncClient:
    """A client of the same server that brings this token."""
    return httpx.AsyncClient(base_url=client.base_url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)


@pytest.fixture
async def admin(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may make and revoke tokens."""
    async with client_with(client, await ops_tokens.create("chief", ["admin"])) as opened:
        yield opened


def wish(made: str, **changes: Any) -> dict[str, Any]:
    """What is sent for a token of ours."""
    return {
        "scopes": ["read"],
        "prefix": token_form.shown(made),
        "hash": token_form.hashed(made),
        "lifetime_s": WEEK_S,
        "reason": "a test",
        **changes,
    }


async def make(
    admin: httpx.AsyncClient, body: dict[str, Any], name: str = "ci", key: str = "key-0001", *, dry_run: bool = False
) -> httpx.Response:
    """Ask to let a token in."""
    params = {"dry_run": "true"} if dry_run else {}
    return await admin.post(f"{ROOT}/{name}", json=body, params=params, headers={"Idempotency-Key": key})


async def revoke(admin: httpx.AsyncClient, reference: object, key: str = "key-9001", **params: str) -> httpx.Response:
    """Ask to revoke a token."""
    path = f"{ROOT}/{reference}/revoke"
    return await admin.post(path, json={"reason": "a test"}, params=params, headers={"Idempotency-Key": key})


def declared(response: httpx.Response, path: str = "/{name}", method: str = "post") -> Any:
    """The answer, checked against the description."""
    document = api.document("0")
    content = document["paths"][ROOT + path][method]["responses"][str(response.status_code)]["content"]
    schema = content[response.headers["content-type"]]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(response.json())
    return response.json()


async def test_a_token_that_was_let_in_opens_what_its_scopes_say(
    client: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    token = token_form.new()
    made = declared(await make(admin, wish(token, scopes=["operate", "read"])))
    assert (made["name"], made["scopes"], made["state"]) == ("ci", ["read", "operate"], "active")
    assert made["prefix"] == token[:12]
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < ends <= timedelta(days=7)
    async with client_with(client, token) as user:
        assert (await user.get("/api/ops/v1/status")).status_code == 200
        assert (await user.get(ROOT)).status_code == 403


async def test_neither_the_answer_nor_the_audit_holds_the_token_or_its_hash(admin: httpx.AsyncClient) -> None:
    token = token_form.new()
    answer = await make(admin, wish(token))
    (event,) = await audit.newest(action="token.create")
    for kept in (answer.text, json.dumps([event.request, event.result], default=str)):
        assert token not in kept
        assert token_form.hashed(token) not in kept
        assert token[:12] in kept
    assert (event.actor, event.subject, event.reason) == ("token:chief", "ci", "a test")


async def test_repeating_with_the_key_makes_no_second_token(admin: httpx.AsyncClient) -> None:
    token = token_form.new()
    first = await make(admin, wish(token))
    assert (await make(admin, wish(token))).json() == first.json()
    assert len(await ops_tokens.everything()) == 2


async def test_the_key_of_another_token_is_a_conflict(admin: httpx.AsyncClient) -> None:
    await make(admin, wish(token_form.new()))
    answer = await make(admin, wish(token_form.new()))
    assert (answer.status_code, declared(answer)["code"]) == (409, "idempotency_key_reused")
    assert len(await ops_tokens.everything()) == 2


async def test_the_key_with_the_same_beginning_and_another_hash_is_a_conflict(admin: httpx.AsyncClient) -> None:
    body = wish(token_form.new())
    await make(admin, body)
    answer = await make(admin, {**body, "hash": token_form.hashed("another")})
    assert (answer.status_code, declared(answer)["code"]) == (409, "idempotency_key_reused")
    assert len(await ops_tokens.everything()) == 2


async def test_the_same_token_twice_is_a_conflict(admin: httpx.AsyncClient) -> None:
    token = token_form.new()
    await make(admin, wish(token))
    answer = await make(admin, wish(token), key="key-0002")
    assert (answer.status_code, declared(answer)["code"]) == (409, "token_exists")


async def test_a_rehearsal_lets_nothing_in(client: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    token = token_form.new()
    assert declared(await make(admin, wish(token), dry_run=True))["prefix"] == token[:12]
    assert await ops_tokens.verify(token) is None


async def test_a_token_without_end_is_asked_for_in_so_many_words(admin: httpx.AsyncClient) -> None:
    body = wish(token_form.new())
    del body["lifetime_s"]
    assert (await make(admin, body)).status_code == 422
    assert (await make(admin, {**body, "lifetime_s": None})).json()["expires_at"] is None


async def test_other_tokens_of_the_name_are_counted(admin: httpx.AsyncClient) -> None:
    assert (await make(admin, wish(token_form.new()))).json()["same_name"] == 0
    assert (await make(admin, wish(token_form.new()), key="key-0002")).json()["same_name"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"hash": "0" * 63},
        {"hash": "G" * 64},
        {"prefix": "nbk_short"},
        {"prefix": "abc_12345678"},
        {"lifetime_s": 0},
        {"lifetime_s": 59},
        {"lifetime_s": 10**9},
        {"reason": " "},
        {"token": "nbk_what"},
    ],
)
async def test_what_is_no_token_is_not_let_in(admin: httpx.AsyncClient, changes: dict[str, Any]) -> None:
    assert (await make(admin, wish(token_form.new(), **changes))).status_code == 422
    assert len(await ops_tokens.everything()) == 1


@pytest.mark.parametrize("name", ["%20", "x" * 101, "a%0Ab"])
async def test_a_name_is_a_word_for_people(admin: httpx.AsyncClient, name: str) -> None:
    answer = await make(admin, wish(token_form.new()), name=name)
    assert (answer.status_code, declared(answer)["errors"][0]["param"]) == (422, "name")


@pytest.mark.parametrize("scope", ["read", "operate"])
async def test_only_an_admin_makes_lists_and_revokes(client: httpx.AsyncClient, scope: str) -> None:
    async with client_with(client, await ops_tokens.create("small", [scope])) as small:
        assert (await make(small, wish(token_form.new()))).status_code == 403
        assert (await small.get(ROOT)).status_code == 403
        assert (await revoke(small, 1)).status_code == 403
        own = declared(await small.get(f"{ROOT}/self"), "/self", "get")
    assert (own["name"], own["scopes"]) == ("small", [scope])


async def test_the_list_is_the_newest_first_and_in_pages(admin: httpx.AsyncClient) -> None:
    for number in range(3):
        await ops_tokens.create(f"t{number}", ["read"])
    page = declared(await admin.get(ROOT, params={"limit": 3}), "", "get")
    assert [item["name"] for item in page["items"]] == ["t2", "t1", "t0"]
    rest = (await admin.get(ROOT, params={"cursor": page["next_cursor"]})).json()
    assert ([item["name"] for item in rest["items"]], rest["next_cursor"]) == (["chief"], None)


async def test_what_is_over_or_revoked_can_be_left_out(admin: httpx.AsyncClient) -> None:
    await ops_tokens.create("over", ["read"])
    await db.execute("UPDATE botapp_opstoken SET expires_at = now() - interval '1 s' WHERE name = 'over'")
    gone = await ops_tokens.verify(await ops_tokens.create("gone", ["read"]))
    assert gone is not None
    await ops_tokens.revoke(gone.id)
    items = (await admin.get(ROOT)).json()["items"]
    assert [(item["name"], item["state"]) for item in items] == [
        ("gone", "revoked"),
        ("over", "expired"),
        ("chief", "active"),
    ]
    items = (await admin.get(ROOT, params={"active": "true"})).json()["items"]
    assert [item["name"] for item in items] == ["chief"]


@pytest.mark.parametrize("by", ["id", "prefix", "beginning"])
async def test_a_revoked_token_opens_nothing_at_once(
    client: httpx.AsyncClient, admin: httpx.AsyncClient, by: str
) -> None:
    token = await ops_tokens.create("ci", ["read"])
    known = await ops_tokens.verify(token)
    assert known is not None
    reference = {"id": known.id, "prefix": known.prefix, "beginning": known.prefix[:9]}[by]
    made = declared(await revoke(admin, reference), "/{token}/revoke")
    assert (made["id"], made["state"], made["changed"], made["admins_left"]) == (known.id, "revoked", True, 1)
    async with client_with(client, token) as user:
        assert (await user.get("/api/ops/v1/status")).status_code == 401
    again = declared(await revoke(admin, known.id, key="key-9002"), "/{token}/revoke")
    assert (again["changed"], again["revoked_at"]) == (False, made["revoked_at"])


@pytest.mark.parametrize("reference", ["4711", "9" * 40, "nbk_nothing0", "nbk_", "chief", "%25"])
async def test_an_unknown_token_is_not_found(admin: httpx.AsyncClient, reference: str) -> None:
    answer = await revoke(admin, reference)
    assert (answer.status_code, declared(answer, "/{token}/revoke")["code"]) == (404, "unknown_token")


async def test_a_beginning_of_several_revokes_none(admin: httpx.AsyncClient) -> None:
    for name, prefix in (("a", "nbk_same0001"), ("b", "nbk_same0002")):
        await ops_tokens.register(name, ["read"], hashed=name * 64, prefix=prefix)
    answer = await revoke(admin, "nbk_same")
    assert (answer.status_code, declared(answer, "/{token}/revoke")["code"]) == (409, "ambiguous_token")
    assert all(token.revoked_at is None for token in await ops_tokens.everything())


async def test_the_last_admin_is_told_that_it_was_the_last(admin: httpx.AsyncClient) -> None:
    (own,) = await ops_tokens.active_admins()
    rehearsed = (await revoke(admin, own.id, dry_run="true")).json()
    assert (rehearsed["state"], rehearsed["admins_left"]) == ("revoked", 0)
    assert (await admin.get(ROOT)).status_code == 200
    assert (await revoke(admin, own.id)).json()["admins_left"] == 0
    assert (await admin.get(ROOT)).status_code == 401


async def test_a_prefix_that_is_not_the_tokens_own_lets_nobody_in(admin: httpx.AsyncClient) -> None:
    token = token_form.new()
    assert (await make(admin, wish(token, prefix="nbk_other000"))).status_code == 200
    assert await ops_tokens.verify(token) is None


async def test_the_first_token_is_the_only_first_one(client: httpx.AsyncClient) -> None:
    token = token_form.new()
    made = await ops_tokens.register_first(
        "me", hashed=token_form.hashed(token), prefix=token_form.shown(token), lifetime=None
    )
    assert made.scopes == frozenset({Scope.ADMIN})
    with pytest.raises(ops_tokens.AdminExists) as refused:
        await ops_tokens.register_first("other", hashed="0" * 64, prefix="nbk_00000000", lifetime=None)
    assert [known.name for known in refused.value.known] == ["me"]
    await ops_tokens.revoke(made.id)
    await ops_tokens.register_first("other", hashed="0" * 64, prefix="nbk_00000000", lifetime=None)


async def test_nb_makes_uses_lists_and_revokes_a_token_of_a_real_service(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief = await ops_tokens.create("chief", ["admin"])
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"local": {"url": str(client.base_url).rstrip("/"), "token": chief}}))
    file.chmod(0o600)

    async def nb(*arguments: str) -> dict[str, Any]:
        ran = await asyncio.to_thread(run_nb, *arguments, "--env", "local", "--json", NB_HOME=str(tmp_path))
        assert ran.code == 0, ran.out
        return ran.data

    made = await nb("token", "create", "laptop", "--scope", "admin", "--save", "--reason", "a test")
    kept = json.loads(file.read_text())["local"]["token"]
    assert kept.startswith(made["prefix"])
    assert made["replaced"] == chief[:12]
    revoked = await nb("token", "revoke", chief, "--reason", "replaced")
    assert (revoked["name"], revoked["admins_left"]) == ("chief", 1)
    listed = await nb("token", "list")
    assert [(item["name"], item["state"]) for item in listed["items"]] == [("laptop", "active"), ("chief", "revoked")]
    scope = next(
        one for one in (await nb("doctor", "--only", "credentials"))["checks"] if one["id"] == "credentials.scope"
    )
    assert (scope["state"], scope["detail"].startswith("laptop, may admin, until ")) == ("ok", True)
    journal = (tmp_path / "journal.ndjson").read_text()
    assert kept not in journal
    assert chief not in journal
