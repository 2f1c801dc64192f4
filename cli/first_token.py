"""The first token of a new environment, put into its database by whoever holds the address of that.

Nobody can ask a service that knows no token. This is the only change that `nb` makes without it, so the audit keeps it
like any other. The heavy part of the product is imported inside.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.errors import BlockedByRule, CommandFailed, NotAuthenticated, NotFound, UpstreamFault, UsageMistake

if TYPE_CHECKING:
    from datetime import timedelta

    from cli.wire_tokens import Token
    from core.audit import Change

ACTOR = "first-token"
"""Who the audit names: there is no token yet that could have a name."""

CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Wish:
    """The token that is wanted; `lost` are the ids of those that it stands in for."""

    name: str
    hashed: str
    prefix: str
    lifetime: timedelta | None
    reason: str
    lost: tuple[int, ...] = ()


def register(wish: Wish, *, dry_run: bool) -> Token:
    """Enter the token in the database of DATABASE_URL.

    Raises:
        BlockedByRule: a token with the scope admin is active already; it makes the others.
        UsageMistake: DATABASE_URL is not set or is no address.
        CommandFailed: the database is not ready, refuses, or cannot be reached.
    """
    url = os.environ.get("DATABASE_URL", "").strip()
    if not url:
        raise UsageMistake(
            "--first writes to the database itself, and DATABASE_URL is not set",
            code="no_database_url",
            fix="export DATABASE_URL=postgresql://... of that environment, for this command alone",
        )
    if not url.startswith(("postgresql://", "postgres://")):
        raise UsageMistake("DATABASE_URL is no postgresql:// address", fix="export DATABASE_URL=postgresql://...")

    from asyncpg import (
        InvalidAuthorizationSpecificationError,
        InvalidCatalogNameError,
        ReadOnlySQLTransactionError,
        UndefinedTableError,
    )

    from core import db, ops_tokens

    try:
        return asyncio.run(_register(url, wish, dry_run=dry_run))
    except ops_tokens.AdminExists as error:
        raise BlockedByRule(
            f"this is not the first token: {error}",
            code="admin_exists",
            rule="first_token",
            fix="ask with that one; where it is lost, add " + " ".join(f"--lost {token.id}" for token in error.known),
        ) from None
    except ops_tokens.TokenNotFound as error:
        raise NotFound(f"--lost: {error}", code="unknown_token", fix="leave --lost out: the error names them") from None
    except InvalidAuthorizationSpecificationError:
        raise NotAuthenticated(
            "the database refuses the user or password of DATABASE_URL",
            code="database_refused",
            fix="correct DATABASE_URL",
        ) from None
    except (InvalidCatalogNameError, UndefinedTableError):
        raise NotFound(
            "the database of DATABASE_URL has no tables of ours", code="no_database", fix="nb db migrate"
        ) from None
    except ReadOnlySQLTransactionError:
        raise CommandFailed("the database of DATABASE_URL is read only", code="database_read_only") from None
    except db.UNAVAILABLE as error:
        raise UpstreamFault(
            f"the database cannot be reached: {type(error).__name__}", code="database_away", fix="see DATABASE_URL"
        ) from None
    except ValueError as error:
        # Said without the address, for it holds the password.
        words = str(error) if "token" in str(error) else "DATABASE_URL cannot be read"
        raise UsageMistake(words, fix="nb token create --help") from None


async def _register(url: str, wish: Wish, *, dry_run: bool) -> Token:
    from pydantic import SecretStr

    from core import audit, db, ops_tokens
    from core.settings import Settings
    from core.types import IdempotencyKey

    # Whoever makes the first token has the address of the database, and not yet what else a service needs.
    settings = Settings.model_construct(database_url=SecretStr(url))
    change = audit.Change(
        actor=ACTOR,
        action="token.create",
        subject=wish.name,
        reason=wish.reason,
        key=IdempotencyKey(f"{ACTOR}:{wish.hashed[:40]}"),
        request={"scopes": ["admin"], "prefix": wish.prefix, "first": True, "lost": list(wish.lost)},
    )

    async def perform() -> dict[str, Any]:
        made = await ops_tokens.register_first(
            wish.name, hashed=wish.hashed, prefix=wish.prefix, lifetime=wish.lifetime, lost=wish.lost
        )
        for token_id in wish.lost:
            await audit.also(_revocation(wish, token_id), {"changed": True})
        return {
            "id": made.id,
            "name": made.name,
            "prefix": made.prefix,
            "scopes": sorted(scope.value for scope in made.scopes),
            "state": "active",
            "created_at": made.created_at.isoformat(),
            "last_used_at": None,
            "expires_at": None if made.expires_at is None else made.expires_at.isoformat(),
            "revoked_at": None,
        }

    await asyncio.wait_for(db.connect(settings, pool_size=1), CONNECT_TIMEOUT_S)
    try:
        made: Any = await audit.once(change, perform, dry_run=dry_run)
    finally:
        await db.disconnect()
    found: Token = made
    return found


def _revocation(wish: Wish, token_id: int) -> Change:
    """The record of a token that was lost: it is found where revocations are looked for."""
    from core.audit import Change
    from core.types import IdempotencyKey

    return Change(
        actor=ACTOR,
        action="token.revoke",
        subject=str(token_id),
        reason=wish.reason,
        key=IdempotencyKey(f"{ACTOR}:{wish.hashed[:40]}:{token_id}"),
        request={"lost": True},
    )
