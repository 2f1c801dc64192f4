"""`/api/health`, `/api/ready` and `/metrics`: what probes, deployments and Prometheus ask."""

from __future__ import annotations

import json
from dataclasses import asdict

import httpx
from prometheus_client import CONTENT_TYPE_LATEST
from sanic import Blueprint, HTTPResponse, Request

from core import db, metrics, provider_health, providers
from core.http.authentication import identify, is_neighbour, require
from core.http.types import App
from core.ops_tokens import Scope
from core.readiness import ReadinessProbe, checks_of
from core.settings import Settings

blueprint = Blueprint("health")

JSON = "application/json"


@blueprint.listener("before_server_start")
async def prepare(app: App) -> None:
    """Make what does not change while the process runs."""
    settings: Settings = app.ctx.settings
    facts = {
        "ok": True,
        "version": app.ctx.version,
        "commit": settings.commit,
        "environment": settings.environment.value,
    }
    app.ctx.health = json.dumps(facts).encode()
    app.ctx.telegram = httpx.AsyncClient()
    app.ctx.readiness = ReadinessProbe(checks_of(settings, app.ctx.telegram))


@blueprint.listener("after_server_stop")
async def close(app: App) -> None:
    """Close the connection to Telegram."""
    await app.ctx.telegram.aclose()


@blueprint.route("/api/health", methods=["GET", "HEAD"])
async def health(request: Request) -> HTTPResponse:
    """Liveness: the process answers. Nothing else is looked at."""
    return HTTPResponse(request.app.ctx.health, content_type=JSON)


@blueprint.route("/api/ready", methods=["GET", "HEAD"])
async def ready(request: Request) -> HTTPResponse:
    """Readiness: 200 when everything that the service needs is there, 503 otherwise; details for an ops token.

    What is only watched (backlogs, mixed commits, faults) is among the details and decides no status.
    """
    token = await identify(request, Scope.READ)
    readiness = await request.app.ctx.readiness.look()
    body: dict[str, object] = {"ok": readiness.ok}
    if token is not None:
        body["checks"] = [asdict(check) for check in readiness.checks]
        body["providers"] = await _breakers()
    return HTTPResponse(json.dumps(body), 200 if readiness.ok else 503, content_type=JSON)


async def _breakers() -> dict[str, str] | None:
    """The breaker of each provider. One that is open makes nothing else unready: jobs go other ways, or wait."""
    try:
        known = await provider_health.all_known(providers.names())
    except (*db.UNAVAILABLE, *db.NOT_MIGRATED):
        return None
    return {one.name: one.breaker().value if one.is_enabled else "disabled" for one in known}


@blueprint.get("/metrics")
async def prometheus(request: Request) -> HTTPResponse:
    """Metrics in Prometheus' text format, for our own network or an ops token."""
    if not is_neighbour(request):
        await require(request, Scope.READ)
    return HTTPResponse(await metrics.render(), content_type=CONTENT_TYPE_LATEST)
