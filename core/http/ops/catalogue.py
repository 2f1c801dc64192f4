"""The operations of the ops API about the catalogue: models, their edits, what ships, whether all of it holds."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

from sanic import Request

from core import catalog, pricing, provider_health, providers
from core.audit import Change
from core.catalog import CatalogModel, InputSlot, Route, UnknownModel, checks, edits, shipped
from core.catalog.edits import Edited, InvalidModel
from core.http.ops import catalogue_schemas as schemas
from core.http.ops.api import api
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.pricing.options import ordinary, values_of
from core.pricing.quotes import name_of
from core.provider_health import Breaker, Health
from core.types import Tokens
from providers.base import Json

Told = TypeVar("Told", bound=schemas.Model)

MOST_CHOICES = 30
"""Values of one option that are priced one by one; of a wider range its ends and its default are."""


@api.operation("GET", "/models", answer=schemas.ModelPage, tag="catalogue")
async def list_models(request: Request) -> schemas.ModelPage:
    """All models of the catalogue, those that nobody can order included."""
    del request
    found = await catalog.models(only_available=False)
    return schemas.ModelPage(items=[_told(schemas.Model, model) for model in found])


@api.operation("GET", "/models/{slug}", answer=schemas.ModelDetail, problems=(404,), tag="catalogue")
async def read_model(request: Request, slug: str) -> schemas.ModelDetail:
    """One model: options with prices, slots, routes and their state, follow-ups."""
    del request
    try:
        return await _detail(await catalog.find(slug))
    except UnknownModel as error:
        raise _refused(error) from None


@api.operation(
    "POST",
    "/models/{slug}",
    scope=Scope.OPERATE,
    body=schemas.ModelBody,
    answer=schemas.EditedModel,
    problems=(404,),
    tag="catalogue",
    action="models.set",
)
async def edit_model(request: Request, slug: str, body: schemas.ModelBody, change: Change) -> schemas.EditedModel:
    """Change a model. Generations under way keep what they were ordered with; prices are edited elsewhere."""
    del request, change
    fields = {name: getattr(body, name) for name in body.model_fields_set - {"reason"}}
    return await _edit(slug, fields)


@api.operation(
    "POST",
    "/models/{slug}/activity",
    scope=Scope.OPERATE,
    body=schemas.ActivityBody,
    answer=schemas.EditedModel,
    problems=(404,),
    tag="catalogue",
    action="models.activity",
)
async def switch_model(request: Request, slug: str, body: schemas.ActivityBody, change: Change) -> schemas.EditedModel:
    """Switch a model on or off. Generations under way go on."""
    del request, change
    return await _edit(slug, {"is_active": body.is_active})


@api.operation(
    "POST",
    "/model-order",
    scope=Scope.OPERATE,
    body=schemas.ModelOrderBody,
    answer=schemas.ModelPage,
    problems=(404,),
    tag="catalogue",
    action="models.order",
)
async def arrange_models(request: Request, body: schemas.ModelOrderBody, change: Change) -> schemas.ModelPage:
    """Show some models first."""
    del request, change
    try:
        found = await edits.arrange(body.slugs)
    except (InvalidModel, UnknownModel) as error:
        raise _refused(error) from None
    return schemas.ModelPage(items=[_told(schemas.Model, model) for model in found])


@api.operation("GET", "/catalogue/check", query=schemas.CheckQuery, answer=schemas.CatalogueCheck, tag="catalogue")
async def check_catalogue(request: Request, query: schemas.CheckQuery) -> schemas.CatalogueCheck:
    """Say what about the catalogue is not as it should be, and which models end soon."""
    del request
    report = checks.check(await catalog.read(), providers.known() | providers.names(), days=query.days)
    return schemas.CatalogueCheck(
        ok=report.ok,
        models=report.models,
        days=query.days,
        findings=[
            schemas.Finding(level=found.level, kind=found.kind, subject=found.subject, detail=found.detail)
            for found in report.findings
        ],
    )


@api.operation(
    "POST",
    "/catalogue/sync",
    scope=Scope.OPERATE,
    body=schemas.SyncBody,
    answer=schemas.Synced,
    problems=(404,),
    tag="catalogue",
    action="catalogue.sync",
)
async def sync_catalogue(request: Request, body: schemas.SyncBody, change: Change) -> schemas.Synced:
    """Add shipped models that are missing, and take shipped values where that is said."""
    del request, change
    if strangers := [name for name in body.take if name not in shipped.TAKEABLE]:
        errors = [{"param": "take", "message": _why_not(name)} for name in strangers]
        raise Problem(422, f"{errors[0]['message']}.", code="invalid_take", extra={"errors": errors})
    try:
        report = await shipped.load(only=body.models, take=body.take)
    except UnknownModel as error:
        raise _refused(error) from None
    differences = [
        schemas.Difference(model=slug, field=one.field, now=one.now, shipped=one.shipped, taken=one.field in body.take)
        for slug, details in report.details.items()
        for one in details
    ]
    return schemas.Synced(added=report.added, unchanged=report.unchanged, differences=differences)


def _why_not(name: str) -> str:
    if name in shipped.PRICED:
        return f"{name} is a price; a price is edited with nb pricing set"
    return f"there is no field {name[:40]!r}; there are {', '.join(shipped.TAKEABLE)}"


async def _edit(slug: str, fields: edits.Fields) -> schemas.EditedModel:
    try:
        edited: Edited = await edits.edit(slug, fields)
    except (InvalidModel, UnknownModel) as error:
        raise _refused(error) from None
    before, after = await _detail(edited.before), await _detail(edited.after)
    return schemas.EditedModel(changed=before != after, model=after, before=before)


def _told(shape: type[Told], model: CatalogModel, **more: object) -> Told:
    price = ordinary(model)
    return shape(
        slug=model.slug,
        name=model.display_name,
        kind=model.kind.value,
        is_active=model.is_active,
        is_listed=model.is_listed,
        price_from=price.tokens if price else None,
        unit=model.cost_unit.value,
        routes=list(dict.fromkeys(route.provider for route in model.routes)),
        available=model.is_available,
        retired=model.is_retired,
        retires_at=model.retires_at,
        successor=model.successor,
        order=model.order,
        **more,
    )


async def _detail(model: CatalogModel) -> schemas.ModelDetail:
    health = {one.name: one for one in await provider_health.all_known(frozenset())}
    everything = {other.slug: other for other in await catalog.read()}
    return _told(
        schemas.ModelDetail,
        model,
        purpose=dict(model.purpose),
        max_prompt_length=model.max_prompt_length,
        cooldown_seconds=model.cooldown_seconds,
        daily_limit=model.daily_limit,
        typical_seconds=model.typical_seconds,
        deadline_seconds=model.deadline_seconds,
        options=[_option(model, name) for name in model.options],
        inputs=[_slot(slot) for slot in model.inputs],
        all_routes=[_route(route, health.get(route.provider)) for route in model.all_routes],
        follow_ups=[_follow_up(one, everything.get(one.model)) for one in model.follow_ups],
        params_schema=dict(model.params_schema),
    )


def _option(model: CatalogModel, name: str) -> schemas.Option:
    schema = model.options[name]
    labels = schema.get("x-labels", {})
    choices = [
        schemas.Choice(value=value, label=labels.get(name_of(value), {}), tokens=_price(model, name, value))
        for value in values_of(schema)[:MOST_CHOICES]
    ]
    return schemas.Option(name=name, label=schema.get("x-label", {}), default=schema.get("default"), choices=choices)


def _price(model: CatalogModel, option: str, value: Json) -> Tokens | None:
    usual = ordinary(model)
    required = {name: usual.params[name] for name in model.params_schema.get("required", ())} if usual else {}
    with suppress(pricing.InvalidParams):
        return pricing.quote(model, {**required, option: value}).tokens
    return None


def _slot(slot: InputSlot) -> schemas.Slot:
    return schemas.Slot(
        role=slot.role.value,
        most=slot.most,
        least=slot.least,
        label=dict(slot.label),
        needs=sorted(slot.needs),
        excludes=sorted(slot.excludes),
        requires={name: list(values) for name, values in slot.requires.items()},
        fewer={role.value: most for role, most in slot.fewer.items()},
        longest=slot.longest,
    )


def _route(route: Route, health: Health | None) -> schemas.Route:
    return schemas.Route(
        provider=route.provider,
        model=route.model,
        requires={name: list(values) for name, values in route.requires.items()},
        takes=None if route.takes is None else sorted(route.takes),
        state=_state(route.provider, health),
        reason=health.reason if health else "",
    )


def _state(provider: str, health: Health | None) -> schemas.RouteState:
    if provider not in providers.names():
        return "no_key" if provider in providers.known() else "unknown"
    if health is None:
        return "ready"
    if not health.is_enabled:
        return "off"
    breaker = health.breaker(datetime.now(UTC))
    return {Breaker.CLOSED: "ready", Breaker.OPEN: "parked", Breaker.HALF_OPEN: "probing"}[breaker]  # type: ignore[return-value]


def _follow_up(follow_up: catalog.FollowUp, target: CatalogModel | None) -> schemas.FollowUp:
    price = ordinary(target) if target else None
    return schemas.FollowUp(
        kind=follow_up.kind.value,
        model=follow_up.model,
        tokens=price.tokens if price else None,
        available=target is not None and target.is_available,
    )


def _refused(error: Exception) -> Problem:
    if isinstance(error, InvalidModel):
        errors = [{"param": name, "message": message} for name, message in error.problems]
        return Problem(422, f"{error}.", code=error.code, extra={"errors": errors})
    assert isinstance(error, UnknownModel)
    return Problem(404, f"{error}.", code="unknown_model", extra={"near": error.near})
