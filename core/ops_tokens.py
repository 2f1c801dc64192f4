"""Tokens of the ops API: made once, kept as a hash, checked on every request."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core import db, token_form

MAXIMUM_NAME_LENGTH = 100
LARGEST_ID = 2**63 - 1


class Scope(StrEnum):
    """What a token may do. Each includes the ones before it."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


class TokenState(StrEnum):
    """Whether a token opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


_ORDER = list(Scope)


class TokenNotFound(Exception):
    """There is no such token"""


class TokenAmbiguous(Exception):
    """More than one token begins so"""


class TokenExists(Exception):
    """This very token is known already"""


class AdminExists(Exception):
    """A token with the scope admin is active, so the first one was made long ago"""

    def __init__(self, known: Sequence[OpsToken]) -> None:
        named = ", ".join(f"{token.id} ({token.name}, {token.prefix})" for token in known)
        are = "s {} are active and have" if len(known) > 1 else " {} is active and has"
        super().__init__(f"token{are.format(named)} the scope admin")
        self.known = known


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

    def state(self, now: datetime) -> TokenState:
        """Whether it opens anything at this moment."""
        if self.revoked_at is not None:
            return TokenState.REVOKED
        return TokenState.EXPIRED if self.expires_at is not None and self.expires_at <= now else TokenState.ACTIVE


async def create(name: str, scopes: Collection[Scope | str], *, lifetime: timedelta | None = None) -> str:
    """Make a token and return it. It is never seen again.

    Raises:
        ValueError: the name is empty or too long, there is no scope or an unknown one, or the lifetime is over.
    """
    token = token_form.new()
    await register(name, scopes, hashed=token_form.hashed(token), prefix=token_form.shown(token), lifetime=lifetime)
    return token


async def register(
    name: str, scopes: Collection[Scope | str], *, hashed: str, prefix: str, lifetime: timedelta | None = None
) -> OpsToken:
    """Let a token in that somebody else made and keeps: only its hash comes here.

    Raises:
        TokenExists: its hash is known.
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
    row = await db.fetch_one(
        """INSERT INTO botapp_opstoken (name, prefix, token_hash, scopes, expires_at)
        VALUES ($1, $2, $3, $4, now() + $5::interval) ON CONFLICT (token_hash) DO NOTHING RETURNING *""",
        name,
        prefix,
        hashed,
        wanted,
        lifetime,
    )
    if row is None:
        raise TokenExists(f"Token {prefix} is known already")
    return _from_row(row)


async def register_first(
    name: str, *, hashed: str, prefix: str, lifetime: timedelta | None, lost: Collection[int] = ()
) -> OpsToken:
    """Let the first token with the scope admin in; two at the same time are one after the other.

    The caller's transaction is open. Those that are active and lost are named, every one of them: they are revoked.

    Raises:
        AdminExists: there is one, which makes the others.
        TokenNotFound: one of the lost is no active token with the scope admin.
    """
    await db.execute("SELECT pg_advisory_xact_lock(hashtext('botapp_opstoken first'))")
    known = await active_admins()
    if strangers := sorted(set(lost) - {token.id for token in known}):
        raise TokenNotFound(f"no token {strangers[0]} is active and has the scope admin")
    if left := [token for token in known if token.id not in lost]:
        raise AdminExists(left)
    for token_id in lost:
        await revoke(token_id)
    return await register(name, [Scope.ADMIN], hashed=hashed, prefix=prefix, lifetime=lifetime)


async def verify(token: str) -> OpsToken | None:
    """Return the token's record when it is known, not expired and not revoked."""
    if not token_form.FORM.fullmatch(token):
        return None
    hashed = token_form.hashed(token)
    row = await db.fetch_one(
        """SELECT *, last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS use_is_news
        FROM botapp_opstoken
        WHERE token_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())""",
        hashed,
    )
    if row is None or not hmac.compare_digest(row["token_hash"], hashed) or not token.startswith(row["prefix"]):
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


async def find(reference: str) -> OpsToken:
    """The token with this id, or the one that begins so.

    Raises:
        TokenNotFound: there is none.
        TokenAmbiguous: several begin so; their ids tell them apart.
    """
    reference = reference.strip()
    if reference.isascii() and reference.isdigit():
        rows = await db.fetch("SELECT * FROM botapp_opstoken WHERE id = $1", min(int(reference[:30]), LARGEST_ID))
    elif len(reference) > len(token_form.PREFIX) and reference.startswith(token_form.PREFIX):
        rows = await db.fetch(
            "SELECT * FROM botapp_opstoken WHERE starts_with(prefix, $1) ORDER BY id DESC LIMIT 2",
            token_form.shown(reference),
        )
    else:
        rows = []
    if not rows:
        raise TokenNotFound(f"There is no token {token_form.shown(reference)!r}")
    if len(rows) > 1:
        raise TokenAmbiguous(f"More than one token begins with {token_form.shown(reference)!r}: name it by its id")
    return _from_row(rows[0])


async def everything() -> list[OpsToken]:
    """All tokens, the newest first."""
    return [_from_row(row) for row in await db.fetch("SELECT * FROM botapp_opstoken ORDER BY id DESC")]


async def newest(*, limit: int, before: int | None = None, active_only: bool = False) -> list[OpsToken]:
    """Tokens, the newest first, older than token `before` where it is given."""
    rows = await db.fetch(
        """SELECT * FROM botapp_opstoken
        WHERE id < $1 AND (NOT $2 OR revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))
        ORDER BY id DESC LIMIT $3""",
        LARGEST_ID if before is None else before,
        active_only,
        limit,
    )
    return [_from_row(row) for row in rows]


async def active_admins() -> list[OpsToken]:
    """Tokens that may make and revoke others now, the newest first."""
    now = datetime.now(UTC)
    return [
        token for token in await everything() if Scope.ADMIN in token.scopes and token.state(now) is TokenState.ACTIVE
    ]


async def active_named(name: str) -> int:
    """How many active tokens have this name: the audit calls all of them the same."""
    return int(
        await db.fetch_value(
            """SELECT count(*) FROM botapp_opstoken
            WHERE name = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())""",
            name,
        )
    )


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
