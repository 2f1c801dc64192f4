"""Operations on providers: how they are doing, and the hand on their breaker, switch and limit."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

from sanic import Request

from core import catalog, db, provider_health, providers
from core.audit import Change
from core.generations import slots
from core.http.openapi import ChangeBody
from core.http.ops import provider_schemas as schemas
from core.http.ops.api import api
from core.http.ops.unknown import unknown
from core.ops_tokens import Scope
from core.provider_health import Health

CHANGE: dict[str, Any] = {"scope": Scope.OPERATE, "problems": (404,), "tag": "providers"}


@api.operation("GET", "/providers", answer=schemas.ProviderList, tag="providers")
async def list_providers(request: Request) -> schemas.ProviderList:
    """All providers that have credentials here or that something is known of."""
    del request
    known = await provider_health.all_known(providers.names())
    counts = await _counts()
    return schemas.ProviderList(items=[schemas.Provider(**_fields(health, counts)) for health in known])


@api.operation("GET", "/providers/{name}", answer=schemas.ProviderDetail, problems=(404,), tag="providers")
async def read_provider(request: Request, name: str) -> schemas.ProviderDetail:
    """One provider, its models, and what came of its jobs in the last day."""
    del request
    health = await _found(name)
    rows = await db.fetch(
        """
        SELECT status, error_code, count(*) AS count FROM botapp_genrequest
        WHERE provider = $1 AND created_at > now() - interval '1 day' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
        """,
        name,
    )
    ambiguous = await db.fetch_value(
        """
        SELECT count(DISTINCT generation_id) FROM botapp_genevent AS event
            JOIN botapp_genrequest AS generation ON generation.id = event.generation_id
        WHERE event = 'lookup' AND provider = $1 AND created_at > now() - interval '1 day'
        """,
        name,
    )
    routed = [
        model.slug
        for model in await catalog.models(only_available=False)
        if any(route.provider == name for route in model.routes)
    ]
    return schemas.ProviderDetail(
        **_fields(health, await _counts()),
        models=routed,
        outcomes=[
            schemas.Outcomes(status=row["status"], error_code=row["error_code"] or None, count=row["count"])
            for row in rows
        ],
        ambiguous=ambiguous,
    )


@api.operation(
    "POST",
    "/providers/{name}/park",
    answer=schemas.Provider,
    body=schemas.Parking,
    action="providers.park",
    **CHANGE,
)
async def park_provider(request: Request, name: str, body: schemas.Parking, change: Change) -> schemas.Provider:
    """Hand a provider no jobs for a while: they take other routes, or wait."""
    del request
    await _found(name)
    until = datetime.now(UTC) + timedelta(minutes=body.minutes)
    return await _changed(provider_health.park(name, until, change.reason))


@api.operation(
    "POST",
    "/providers/{name}/unpark",
    answer=schemas.Provider,
    body=ChangeBody,
    action="providers.unpark",
    **CHANGE,
)
async def unpark_provider(request: Request, name: str, body: ChangeBody, change: Change) -> schemas.Provider:
    """Close a provider's breaker: it gets jobs at once."""
    del request, body, change
    await _found(name)
    return await _changed(provider_health.unpark(name))


@api.operation(
    "POST",
    "/providers/{name}/disable",
    answer=schemas.Provider,
    body=ChangeBody,
    action="providers.disable",
    **CHANGE,
)
async def disable_provider(request: Request, name: str, body: ChangeBody, change: Change) -> schemas.Provider:
    """Hand a provider no new jobs until it is enabled; those that only it can make are refunded."""
    del request, body, change
    await _found(name)
    return await _changed(provider_health.switch(name, is_enabled=False))


@api.operation(
    "POST",
    "/providers/{name}/enable",
    answer=schemas.Provider,
    body=ChangeBody,
    action="providers.enable",
    **CHANGE,
)
async def enable_provider(request: Request, name: str, body: ChangeBody, change: Change) -> schemas.Provider:
    """Let a provider have jobs again."""
    del request, body, change
    await _found(name)
    return await _changed(provider_health.switch(name, is_enabled=True))


@api.operation(
    "POST",
    "/providers/{name}/limit",
    answer=schemas.Provider,
    body=schemas.Limit,
    action="providers.limit",
    **CHANGE,
)
async def limit_provider(request: Request, name: str, body: schemas.Limit, change: Change) -> schemas.Provider:
    """Set how many jobs may be under way at a provider."""
    del request, change
    await _found(name)
    return await _changed(provider_health.limit(name, body.most))


async def _changed(change: Awaitable[Health]) -> schemas.Provider:
    """Make a change and have everybody who waits for the provider looked at: it may be their turn, or nobody's."""
    health = await change
    await slots.look_again(health.name)
    return schemas.Provider(**_fields(health, await _counts()))


async def _found(name: str) -> Health:
    known = {health.name: health for health in await provider_health.all_known(providers.names())}
    if name not in known:
        raise unknown("provider", name, known, code="unknown_provider")
    return known[name]


async def _counts() -> dict[str, tuple[int, int]]:
    """Jobs under way and waiting, by provider."""
    rows = await db.fetch(
        """
        SELECT provider, count(*) FILTER (WHERE stage <> 'queued') AS running,
            count(*) FILTER (WHERE stage = 'queued') AS waiting
        FROM botapp_genrequest WHERE status = 'processing' AND stage IN ('submitting', 'submitted')
            OR status = 'queued' AND stage = 'queued' GROUP BY provider
        """
    )
    return {row["provider"]: (row["running"], row["waiting"]) for row in rows}


def _fields(health: Health, counts: dict[str, tuple[int, int]]) -> dict[str, Any]:
    running, waiting = counts.get(health.name, (0, 0))
    return {
        "name": health.name,
        "is_configured": health.name in providers.names(),
        "is_enabled": health.is_enabled,
        "breaker": health.breaker().value,
        "failures": health.failures,
        "parked_until": health.parked_until,
        "reason": health.reason or None,
        "running": running,
        "waiting": waiting,
        "limit": health.limit,
        "own_limit": health.own_limit,
    }
