"""Which way a job takes: the first route that carries it, was not tried in vain, and is in order.

A route whose provider is switched off or whose breaker is open is passed over. A route without a free slot is waited
for, since it was put first for a reason; only who has waited `PATIENCE` goes on to the next one that is free at once.
What was tried is in the job's story, by name, so an edit of the model's routes changes nothing about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core import db, provider_health, providers, users
from core.catalog import CatalogModel, Route
from core.generations import jobs
from core.generations.states import Generation
from core.provider_health import Breaker, Health
from providers.errors import FAILURE_CLASSES, InvalidRequest, ModelRetired, ProviderError, ProviderUnavailable

PATIENCE = timedelta(seconds=20)

LEFT = "route_left"
"""The event of a story that says that a route was tried and given up: {provider, model, code}."""

_CLASSES = {kind.code: kind for kind in FAILURE_CLASSES}


@dataclass(frozen=True, slots=True)
class Way:
    """A route that could be taken, and how its provider is doing."""

    route: Route
    health: Health

    @property
    def is_probe(self) -> bool:
        """True when the breaker lets only one job through."""
        return self.health.breaker() is Breaker.HALF_OPEN


@dataclass(frozen=True, slots=True)
class Ways:
    """What can be done with a job now.

    Attributes:
        open: routes to take, the preferred one first.
        opens_at: when the first of the others may be tried, None where none will.
        waits_for: the provider of that one.
        failure: why the job cannot be carried out at all, where neither is left.
    """

    open: tuple[Way, ...] = ()
    opens_at: datetime | None = None
    waits_for: str = ""
    failure: ProviderError | None = None


async def ways(generation: Generation, model: CatalogModel, *, without: Route | None = None) -> Ways:
    """Look at the routes of a job, all but the one that has just failed."""
    left = await _left(generation)
    carrying = [route for route in _routes_of(generation, model) if await jobs.can_take(generation, model, route)]
    remaining = [route for route in carrying if (route.provider, route.model) not in left and route != without]
    if generation.continuation is not None and not carrying:
        # Since it was ordered, the parent's files were removed: nobody's model is to blame.
        return Ways(
            failure=_last_failure(left) or InvalidRequest("the result that it continues cannot be used any more")
        )
    if not remaining:
        return Ways(failure=_last_failure(left) or ModelRetired(f"{model.slug} has no route for this job"))
    found = [Way(route, await provider_health.of(route.provider)) for route in remaining]
    usable = tuple(way for way in found if way.health.is_enabled and way.health.breaker() is not Breaker.OPEN)
    return Ways(usable) if usable else _none_open(generation, found)


def _routes_of(generation: Generation, model: CatalogModel) -> Sequence[Route]:
    """Return the routes for whoever ordered: for the test user none that somebody would be paid for."""
    if users.is_test(generation.chat_id):
        return [route for route in model.all_routes if route.provider == providers.DEMO]
    return model.routes


async def _left(generation: Generation) -> dict[tuple[str, str], str]:
    """Return the routes that were tried in vain, each with the code of its failure."""
    if not generation.route:
        return {}
    rows = await db.fetch(
        """
        SELECT detail ->> 'provider' AS provider, detail ->> 'model' AS model, detail ->> 'code' AS code
        FROM botapp_genevent WHERE generation_id = $1 AND event = $2 ORDER BY id
        """,
        generation.id,
        LEFT,
    )
    return {(row["provider"], row["model"]): row["code"] for row in rows}


def _last_failure(left: dict[tuple[str, str], str]) -> ProviderError | None:
    if not left:
        return None
    code = list(left.values())[-1]
    return _CLASSES.get(code, ProviderUnavailable)(f"every route was tried; the last said {code}")


def _none_open(generation: Generation, found: Sequence[Way]) -> Ways:
    """Wait for the first breaker, unless only an operator could change something or the job ends before."""
    now = datetime.now(UTC)
    waiting = [way.health for way in found if not way.health.waits_for_an_operator]
    first = min(waiting, key=lambda health: health.parked_until or now, default=None)
    if first is not None and (first.parked_until or now) < generation.deadline_at:
        return Ways(opens_at=first.parked_until or now, waits_for=first.name)
    reason = found[0].health.reason or "switched off by an operator"
    kind = _CLASSES.get(reason.partition(":")[0], ProviderUnavailable)
    return Ways(failure=kind(f"{found[0].health.name} is out of order: {reason}"))
