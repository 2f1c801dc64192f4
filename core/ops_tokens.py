"""Tokens of the ops API: made once, kept as a hash, checked on every request."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core import db

PREFIX = "nbk_"
SECRET_BYTES = 32
SHOWN_CHARACTERS = 12
MAXIMUM_NAME_LENGTH = 100

_FORM = re.compile(r"nbk_[A-Za-z0-9_-]{43}")


class Scope(StrEnum):
    """What a token may do. Each includes the ones before it."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


_ORDER = list(Scope)


@dataclass(frozen=True, slots=True)
class OpsToken:
    """A token as the database knows it: everything but the token."""

    id: int
    name: str
    prefix: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def allows(self, scope: Scope) -> bool:
        """True when one of the token's scopes is or includes `scope`."""
        return any(_ORDER.index(own) >= _ORDER.index(scope) for own in self.scopes)


async def create(name: str, scopes: Collection[Scope | str], *, lifetime: timedelta | None = None) -> str:
    """Make a token and return it. It is never seen again.

    Raises:
        ValueError: the name is empty or too long, there is no scope or an unknown one, or the lifetime is over.
    """
    name = name.strip()
    if not name or len(name) > MAXIMUM_NAME_LENGTH or not name.isprintable():
        raise ValueError(f"a token's name has 1 to {MAXIMUM_NAME_LENGTH} printable characters")
    if not scopes:
        raise ValueError(f"a token has at least one scope of {', '.join(Scope)}")
    wanted = sorted({Scope(scope).value for scope in scopes})
    if lifetime is not None and lifetime <= timedelta(0):
        raise ValueError("a token lives longer than no time")
    token = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    await db.execute(
        """INSERT INTO botapp_opstoken (name, prefix, token_hash, scopes, expires_at)
        VALUES ($1, $2, $3, $4, now() + $5::interval)""",
        name,
        token[:SHOWN_CHARACTERS],
        _hash(token),
        wanted,
        lifetime,
    )
    return token


async def verify(token: str) -> OpsToken | None:
    """Return the token's record when it is known, not expired and not revoked."""
    if not _FORM.fullmatch(token):
        return None
    hashed = _hash(token)
    row = await db.fetch_one(
        """SELECT *, last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS use_is_news
        FROM botapp_opstoken
        WHERE token_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())""",
        hashed,
    )
    if row is None or not hmac.compare_digest(row["token_hash"], hashed):
        return None
    if row["use_is_news"]:
        await db.execute("UPDATE botapp_opstoken SET last_used_at = now() WHERE id = $1", row["id"])
    return _from_row(row)


async def revoke(token_id: int) -> bool:
    """Make a token useless from now on. False when there is none or it was revoked before."""
    revoked = await db.execute(
        "UPDATE botapp_opstoken SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL", token_id
    )
    return revoked == 1


async def everything() -> list[OpsToken]:
    """All tokens, the newest first."""
    return [_from_row(row) for row in await db.fetch("SELECT * FROM botapp_opstoken ORDER BY id DESC")]


def _hash(token: str) -> str:
    # A plain hash is enough: the token has 256 random bits, there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()


def _from_row(row: db.Row) -> OpsToken:
    return OpsToken(
        id=row["id"],
        name=row["name"],
        prefix=row["prefix"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
