"""Who asks: bearer tokens of the ops API, and the addresses of our own network."""

from __future__ import annotations

from ipaddress import ip_address
from time import monotonic

from sanic import Request

from core import db, ops_tokens
from core.http.problems import Problem
from core.ops_tokens import OpsToken, Scope

CHALLENGE = 'Bearer realm="nanobanana"'
REMEMBERED_SECONDS = 600.0

FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip", "x-envoy-external-address", "via")

_remembered: dict[str, tuple[OpsToken, float]] = {}


async def require(request: Request, scope: Scope) -> OpsToken:
    """Return the token of the request.

    Raises:
        Problem: 401 without a valid token, 403 when it lacks the scope.
    """
    token = await ops_tokens.verify(bearer(request) or "")
    if token is None:
        detail = "The token is not valid, expired or revoked." if bearer(request) else "This needs an ops token."
        raise _unauthorized(detail)
    return _with_scope(token, scope)


async def identify(request: Request, scope: Scope) -> OpsToken | None:
    """Return the token of the request, None when it brings none.

    While the database is away or empty, a token that was valid a few minutes ago still is: whoever looks for the fault
    is let in to see it. Only for answers without secrets.

    Raises:
        Problem: 401 when the token is not valid, 403 when it lacks the scope.
    """
    presented = bearer(request)
    if presented is None:
        return None
    try:
        token = await ops_tokens.verify(presented)
    except (*db.UNAVAILABLE, *db.NOT_MIGRATED):
        known, until = _remembered.get(presented, (None, 0.0))
        return _with_scope(known, scope) if known is not None and monotonic() < until else None
    if token is None:
        _remembered.pop(presented, None)
        raise _unauthorized("The token is not valid, expired or revoked.")
    if len(_remembered) > 1000:
        _remembered.clear()
    _remembered[presented] = (token, monotonic() + REMEMBERED_SECONDS)
    return _with_scope(token, scope)


def bearer(request: Request) -> str | None:
    """The bearer token that the request brings."""
    kind, _, value = str(request.headers.get("authorization", "")).partition(" ")
    return value.strip() if kind.lower() == "bearer" and value.strip() else None


def is_neighbour(request: Request) -> bool:
    """True when the peer of the socket is in our own network and speaks for itself.

    Behind a platform's proxy every peer is in a private network; the headers that proxies add tell them apart.
    """
    if any(name in request.headers for name in FORWARDING_HEADERS):
        return False
    try:
        address = ip_address(request.ip)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback or (mapped or address).is_private)


def _with_scope(token: OpsToken, scope: Scope) -> OpsToken:
    if not token.allows(scope):
        raise Problem(
            403,
            f"The token {token.name!r} lacks the scope {scope.value}.",
            code="missing_scope",
            headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{scope.value}"'},
        )
    return token


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": CHALLENGE})
