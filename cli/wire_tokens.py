"""Shapes of what the service answers about its tokens."""

from typing import Literal, NotRequired, TypedDict


class Token(TypedDict):
    """A token as the service knows it: everything but the token."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    state: Literal["active", "expired", "revoked"]
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    revoked_at: str | None


class TokenPage(TypedDict):
    """`GET /api/ops/v1/tokens`."""

    items: list[Token]
    next_cursor: str | None


class TokenMade(Token):
    """`POST /api/ops/v1/tokens/<name>`."""

    same_name: int
    dry_run: NotRequired[bool]


class TokenRevoked(Token):
    """`POST /api/ops/v1/tokens/<id>/revoke`."""

    changed: bool
    admins_left: int
    dry_run: NotRequired[bool]


class TokenCreated(Token):
    """`nb token create`. `token` is there with --print alone; `saved_to` names the file with --save."""

    token: NotRequired[str]
    saved_to: NotRequired[str]
    replaced: NotRequired[str]
    dry_run: NotRequired[bool]


class CredentialKept(TypedDict):
    """`nb token save` and `nb token forget`."""

    kind: str
    environment: str
    path: str
    changed: bool
    dry_run: NotRequired[bool]
