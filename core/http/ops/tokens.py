"""Operations on the tokens of this API: let one in, list them, revoke one. No token is ever in a request or an answer,
except in the header of whoever asks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sanic import Request

from core import ops_tokens
from core.audit import Change
from core.http.authentication import require
from core.http.openapi import ChangeBody
from core.http.ops import tokens_schemas as schemas
from core.http.ops.api import api
from core.http.ops.cursors import cut, row_in
from core.http.problems import Problem
from core.ops_tokens import OpsToken, Scope


@api.operation(
    "GET",
    "/tokens",
    scope=Scope.ADMIN,
    query=schemas.TokenQuery,
    answer=schemas.TokenPage,
    problems=(400,),
    tag="tokens",
)
async def list_tokens(request: Request, query: schemas.TokenQuery) -> schemas.TokenPage:
    """Tokens of this API, the newest first."""
    del request
    found = await ops_tokens.newest(limit=query.limit + 1, before=row_in(query.cursor), active_only=query.active)
    page, cursor = cut(found, query.limit, lambda token: token.id)
    return schemas.TokenPage(items=[schemas.Token(**_fields(token)) for token in page], next_cursor=cursor)


@api.operation("GET", "/tokens/self", answer=schemas.Token, tag="tokens")
async def read_own_token(request: Request) -> schemas.Token:
    """The token that asks: its scopes, and until when it is good."""
    return schemas.Token(**_fields(await require(request, Scope.READ)))


@api.operation(
    "POST",
    "/tokens/{name}",
    scope=Scope.ADMIN,
    body=schemas.NewToken,
    answer=schemas.TokenMade,
    tag="tokens",
    action="token.create",
)
async def create_token(request: Request, name: str, body: schemas.NewToken, change: Change) -> schemas.TokenMade:
    """Let a token in that you made and keep: the service gets its hash, so nobody can be shown it later."""
    del request, change
    lifetime = None if body.lifetime_s is None else timedelta(seconds=body.lifetime_s)
    same_name = await ops_tokens.active_named(name.strip())
    try:
        made = await ops_tokens.register(name, body.scopes, hashed=body.hash, prefix=body.prefix, lifetime=lifetime)
    except ops_tokens.TokenExists as error:
        raise Problem(409, f"{error}.", code="token_exists") from None
    except ValueError as error:
        raise Problem(422, f"name: {error}", extra={"errors": [{"param": "name", "message": str(error)}]}) from None
    return schemas.TokenMade(**_fields(made), same_name=same_name)


@api.operation(
    "POST",
    "/tokens/{token}/revoke",
    scope=Scope.ADMIN,
    body=ChangeBody,
    answer=schemas.TokenRevoked,
    problems=(404,),
    tag="tokens",
    action="token.revoke",
)
async def revoke_token(request: Request, token: str, body: ChangeBody, change: Change) -> schemas.TokenRevoked:
    """Make a token useless from now on; it is named by its id or by its first characters."""
    del request, body, change
    known = await _found(token)
    changed = await ops_tokens.revoke(known.id)
    left = await ops_tokens.active_admins()
    return schemas.TokenRevoked(**_fields(await _found(str(known.id))), changed=changed, admins_left=len(left))


async def _found(reference: str) -> OpsToken:
    try:
        return await ops_tokens.find(reference)
    except ops_tokens.TokenNotFound as error:
        raise Problem(404, f"{error}.", code="unknown_token") from None
    except ops_tokens.TokenAmbiguous as error:
        raise Problem(409, f"{error}.", code="ambiguous_token") from None


def _fields(token: OpsToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "prefix": token.prefix,
        "scopes": [scope.value for scope in Scope if scope in token.scopes],
        "state": token.state(datetime.now(UTC)).value,
        "created_at": token.created_at,
        "last_used_at": token.last_used_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }
