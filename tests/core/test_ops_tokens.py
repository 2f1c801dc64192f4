"""Ops tokens: shown once, kept as a hash, and useless the moment they are revoked or over."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from core import db, ops_tokens
from core.ops_tokens import Scope
from core.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("database")]


async def test_a_token_is_recognised_with_its_name_and_scopes() -> None:
    token = await ops_tokens.create("ci", ["read", "operate"])

    known = await ops_tokens.verify(token)

    assert known is not None
    assert (known.name, known.scopes) == ("ci", frozenset({Scope.READ, Scope.OPERATE}))
    assert token.startswith(known.prefix)


async def test_a_token_has_256_random_bits_and_is_never_the_same() -> None:
    first, second = await ops_tokens.create("a", ["read"]), await ops_tokens.create("a", ["read"])

    assert first != second
    assert first.startswith("nbk_")
    assert len(base64.urlsafe_b64decode(first.removeprefix("nbk_") + "=")) == 32


async def test_the_database_does_not_know_the_token() -> None:
    token = await ops_tokens.create("ci", ["read"])

    (row,) = await db.fetch("SELECT * FROM botapp_opstoken")

    assert token not in str(dict(row))
    assert token.removeprefix("nbk_")[8:] not in str(dict(row))


@pytest.mark.parametrize(
    "guess", ["", "nbk_", "nbk_short", "Bearer x", "nbk_" + "a" * 43, "nbk_" + "ä" * 43, "x" * 100_000]
)
async def test_a_guess_is_not_a_token(guess: str) -> None:
    await ops_tokens.create("ci", ["read"])

    assert await ops_tokens.verify(guess) is None


async def test_almost_a_token_is_not_one() -> None:
    token = await ops_tokens.create("ci", ["read"])
    other_end = "A" if token[-1] != "A" else "B"

    assert await ops_tokens.verify(token[:-1] + other_end) is None
    assert await ops_tokens.verify(token + "A") is None
    assert await ops_tokens.verify(token + "\n") is None


async def test_a_revoked_token_is_useless_at_once_and_is_revoked_once() -> None:
    token = await ops_tokens.create("ci", ["read"])
    known = await ops_tokens.verify(token)
    assert known is not None

    assert await ops_tokens.revoke(known.id)
    assert await ops_tokens.verify(token) is None
    assert not await ops_tokens.revoke(known.id)


async def test_a_token_ends_with_its_lifetime() -> None:
    token = await ops_tokens.create("ci", ["read"], lifetime=timedelta(hours=1))
    assert await ops_tokens.verify(token) is not None

    await db.execute("UPDATE botapp_opstoken SET expires_at = now() - interval '1 second'")

    assert await ops_tokens.verify(token) is None


async def test_use_is_noted_once_a_minute() -> None:
    token = await ops_tokens.create("ci", ["read"])
    await ops_tokens.verify(token)
    (first,) = await ops_tokens.everything()
    await ops_tokens.verify(token)
    (second,) = await ops_tokens.everything()

    assert first.last_used_at is not None
    assert second.last_used_at == first.last_used_at

    await db.execute("UPDATE botapp_opstoken SET last_used_at = now() - interval '2 minutes'")
    await ops_tokens.verify(token)
    (third,) = await ops_tokens.everything()
    assert third.last_used_at is not None
    assert third.last_used_at >= first.last_used_at


async def test_a_wide_scope_includes_the_narrower_ones() -> None:
    tokens = {}
    for scope in Scope:
        known = await ops_tokens.verify(await ops_tokens.create(scope, [scope]))
        assert known is not None
        tokens[scope] = [other.value for other in Scope if known.allows(other)]

    assert tokens == {
        Scope.READ: ["read"],
        Scope.OPERATE: ["read", "operate"],
        Scope.ADMIN: ["read", "operate", "admin"],
    }


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "two\nlines"])
async def test_a_token_needs_a_name_that_fits_on_a_line(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        await ops_tokens.create(name, ["read"])


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "write"]])
async def test_scopes_are_three_words(scopes: list[str]) -> None:
    with pytest.raises(ValueError, match=r"scope|Scope"):
        await ops_tokens.create("ci", scopes)


async def test_a_lifetime_lies_ahead() -> None:
    with pytest.raises(ValueError, match="lives"):
        await ops_tokens.create("ci", ["read"], lifetime=timedelta(0))


async def test_tokens_are_listed_newest_first(database: Settings) -> None:
    del database
    await ops_tokens.create("first", ["read"])
    await ops_tokens.create("second", ["read"])

    assert [token.name for token in await ops_tokens.everything()] == ["second", "first"]
