"""What the ops API takes and answers about its tokens. The tokens themselves are in none of it."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import Field, computed_field

from core.http.openapi import ChangeBody
from core.http.ops.cursors import cursor_field, limit_field
from core.http.values import Answer, Moment, Question

DAY_S = 86_400

ScopeName = Literal["read", "operate", "admin"]


class TokenQuery(Question):
    """Which tokens to list, the newest first."""

    active: bool = Field(False, description="Leave out those that are over or revoked.")
    limit: int = limit_field()
    cursor: str | None = cursor_field()


class NewToken(ChangeBody):
    """A token that whoever asks made and keeps: `nbk_` and 32 random bytes in base64url. Only its hash is sent."""

    scopes: list[ScopeName] = Field(
        description="What it may do; each includes the ones before it.", min_length=1, max_length=3
    )
    prefix: str = Field(description="Its first 12 characters, shown in lists.", pattern=r"^nbk_[A-Za-z0-9_-]{8}$")
    # Kept out of the audit, which people read who may not make tokens.
    hash: str = Field(description="Its SHA-256 in hexadecimal digits.", pattern=r"^[0-9a-f]{64}$", exclude=True)

    @computed_field
    def fingerprint(self) -> str:
        """What tells one hash from another in the audit, and is none: a key with another token is used again."""
        return hashlib.sha256(self.hash.encode()).hexdigest()[:16]

    lifetime_s: int | None = Field(
        description="Seconds after which it opens nothing any more; null: never, which has to be said.",
        ge=60,
        le=3650 * DAY_S,
    )


class Token(Answer):
    """A token as the service knows it: everything but the token."""

    id: int
    name: str
    prefix: str
    scopes: list[ScopeName]
    state: Literal["active", "expired", "revoked"]
    created_at: Moment
    last_used_at: Moment | None
    expires_at: Moment | None
    revoked_at: Moment | None


class TokenPage(Answer):
    """A page of tokens; `next_cursor` is null on the last one."""

    items: list[Token]
    next_cursor: str | None


class TokenMade(Token):
    """A token that was let in. `same_name` counts other active tokens of its name, which the audit calls the same."""

    same_name: int


class TokenRevoked(Token):
    """A token after that. `changed` is false when it was revoked before; `admins_left` may make and revoke others."""

    changed: bool
    admins_left: int
