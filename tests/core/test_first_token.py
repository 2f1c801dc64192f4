"""`nb token create --first`: the database itself, once; refused where a token could have been asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core import audit, db, ops_tokens, token_form
from core.ops_tokens import Scope
from core.settings import Settings
from tests.cli.conftest import Place, Ran, run_nb

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("database")]

FIRST = ("token", "create", "me", "--first", "--env", "staging", "--reason", "a new environment")


@pytest.fixture
def place(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A project of its own, so that nothing of this machine's is read or written."""
    found = Place(tmp_path, tmp_path / ".nb", tmp_path / "config.json")
    found.write_project('[env.staging]\nurl = "https://staging.invalid"\n')
    monkeypatch.chdir(tmp_path)
    yield found


async def first(settings: Settings, *arguments: str, **environment: str) -> Ran:
    """Run `nb` with the address of the database of this test."""
    import asyncio

    variables = {"DATABASE_URL": settings.database_url.get_secret_value(), **environment}
    return await asyncio.to_thread(run_nb, *FIRST, *arguments, **variables)


async def test_the_first_token_opens_everything_and_is_kept(settings: Settings, place: Place) -> None:
    ran = await first(settings, "--save", "--json")
    assert (ran.code, ran.data["scopes"], ran.document["env"]) == (0, ["admin"], "staging")
    kept = json.loads((place.home / "credentials.json").read_text())["staging"]["token"]
    known = await ops_tokens.verify(kept)
    assert known is not None
    assert known.allows(Scope.ADMIN)
    assert known.expires_at is not None
    assert kept not in ran.out + ran.err


async def test_the_audit_says_who_and_why_and_not_what(settings: Settings, place: Place) -> None:
    ran = await first(settings, "--print")
    (token,) = token_form.FORM.findall(ran.out)
    (event,) = await audit.newest(action="token.create")
    assert (event.actor, event.subject, event.reason) == ("first-token", "me", "a new environment")
    rows = json.dumps([dict(row) for row in await db.fetch("SELECT * FROM botapp_auditevent")], default=str)
    assert token not in rows
    assert token_form.hashed(token) not in rows


async def test_where_an_admin_is_active_it_is_refused(settings: Settings, place: Place) -> None:
    await ops_tokens.create("chief", ["admin"])
    ran = await first(settings, "--print", "--json")
    assert (ran.code, ran.error["rule"]) == (5, "first_token")
    assert "chief" in ran.error["message"]
    assert len(await ops_tokens.everything()) == 1
    assert await audit.newest() == []


async def test_a_lost_environment_is_opened_again_after_its_admin_is_over(settings: Settings, place: Place) -> None:
    await ops_tokens.create("chief", ["admin"])
    await ops_tokens.create("ci", ["read"])
    await db.execute("UPDATE botapp_opstoken SET expires_at = now() - interval '1 s' WHERE name = 'chief'")
    assert (await first(settings, "--print", "--json")).code == 0


async def test_a_token_that_is_lost_and_still_active_is_replaced_by_its_id(settings: Settings, place: Place) -> None:
    lost = [await ops_tokens.create("chief", ["admin"]), await ops_tokens.create("deputy", ["admin"])]
    ids = [token.id for token in reversed(await ops_tokens.everything())]
    refused = await first(settings, "--print", "--json")
    assert refused.code == 5
    assert refused.error["fix"].endswith(f"--lost {ids[1]} --lost {ids[0]}")
    one = await first(settings, "--lost", str(ids[0]), "--print", "--json")
    assert (one.code, one.error["code"]) == (5, "admin_exists"), "the other one may be in use"
    assert await ops_tokens.verify(lost[0]) is not None, "nothing was changed"
    named = [part for token_id in ids for part in ("--lost", str(token_id))]
    assert (await first(settings, *named, "--dry-run", "--json")).code == 0
    assert await ops_tokens.verify(lost[0]) is not None
    ran = await first(settings, *named, "--save", "--json")
    assert ran.code == 0
    assert [await ops_tokens.verify(token) for token in lost] == [None, None]
    assert [token.name for token in await ops_tokens.active_admins()] == ["me"]
    made = [(event.action, event.subject) for event in await audit.newest()]
    assert sorted(made) == [("token.create", "me"), *(("token.revoke", str(token_id)) for token_id in sorted(ids))]


async def test_only_an_admins_active_token_can_be_lost(settings: Settings, place: Place) -> None:
    reader = await ops_tokens.create("ci", ["read"])
    (known,) = await ops_tokens.everything()
    for token_id in (known.id, 10**6, -1, 2**70):
        ran = await first(settings, "--lost", str(token_id), "--print", "--json")
        assert (ran.code, ran.error["code"]) == (3, "unknown_token")
    assert await ops_tokens.verify(reader) is not None
    assert await audit.newest() == []


async def test_lost_tokens_are_for_the_first_one_alone(settings: Settings, place: Place) -> None:
    ran = await first(settings, "--json")
    words = ("token", "create", "ci", "--scope", "read", "--lost", "3", "--print", "--env", "staging", "--reason", "x")
    assert run_nb(*words, "--json").code == 2
    assert ran.error["code"] == "no_destination"


async def test_two_at_the_same_time_make_one(settings: Settings, place: Place) -> None:
    import asyncio

    runs = await asyncio.gather(*(first(settings, "--print", "--json") for _ in range(3)))
    assert sorted(ran.code for ran in runs) == [0, 5, 5]
    assert len(await ops_tokens.everything()) == 1


async def test_a_rehearsal_makes_none(settings: Settings, place: Place) -> None:
    ran = await first(settings, "--dry-run", "--json")
    assert (ran.code, ran.data["dry_run"], "token" in ran.data) == (0, True, False)
    assert await ops_tokens.everything() == []


@pytest.mark.parametrize(
    ("url", "code", "exit_code"),
    [
        ("", "no_database_url", 2),
        ("mysql://fox:hunter22@127.0.0.1/x", "usage", 2),
        ("postgresql://fox:hunter22@127.0.0.1:1/x", "database_away", 75),
        ("postgresql://fox:hunter22@127.0.0.1:port/x", "usage", 2),
    ],
)
async def test_an_address_that_leads_nowhere_is_one_line_without_its_password(
    settings: Settings, place: Place, url: str, code: str, exit_code: int
) -> None:
    ran = await first(settings, "--print", "--json", DATABASE_URL=url)
    assert (ran.code, ran.error["code"]) == (exit_code, code)
    assert "hunter22" not in ran.out + ran.err
    assert token_form.FORM.findall(ran.out) == []


async def test_a_database_without_our_tables_says_what_makes_them(settings: Settings, place: Place) -> None:
    await db.execute("ALTER TABLE botapp_opstoken RENAME TO elsewhere")
    try:
        ran = await first(settings, "--print", "--json")
    finally:
        await db.execute("ALTER TABLE elsewhere RENAME TO botapp_opstoken")
    assert (ran.code, ran.error["fix"]) == (3, "nb db migrate")


@pytest.mark.parametrize("options", [("--scope", "read"), ("--key", "key-0001")])
async def test_the_first_token_is_an_admins(settings: Settings, place: Place, options: tuple[str, ...]) -> None:
    assert (await first(settings, "--print", *options, "--json")).code == 2


async def test_a_readonly_shell_makes_none(settings: Settings, place: Place) -> None:
    assert (await first(settings, "--print", "--json", NB_READONLY="1")).code == 5
    assert await ops_tokens.everything() == []
