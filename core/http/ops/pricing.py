"""The operations of the ops API about prices: look, try, edit, undo, check."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sanic import Request

from core import catalog, pricing
from core.audit import Change
from core.catalog import CatalogModel
from core.http.ops import pricing_schemas as schemas
from core.http.ops.api import api
from core.http.ops.cursors import cut, row_in
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.pricing import checks, fields, options, replay, revisions
from core.pricing.comparison import PriceChange, margin
from core.pricing.fields import InvalidPrice
from core.pricing.revisions import Edit, PriceChanged, Revision, RevisionSuperseded, Terms, UnknownRevision
from core.settings import Environment, Settings

SHOWN_EDITS = 5


@api.operation("GET", "/prices", answer=schemas.PriceList, tag="pricing")
async def list_prices(request: Request) -> schemas.PriceList:
    """What the price of every model is made from, and typical orders with their prices."""
    del request
    latest = await revisions.latest_of_all()
    return schemas.PriceList(items=[schemas.Price(**_price(model, latest)) for model in await catalog.read()])


@api.operation("GET", "/prices/{subject}", answer=schemas.PriceDetail, problems=(404,), tag="pricing")
async def read_price(request: Request, subject: str) -> schemas.PriceDetail:
    """What the price of one model is made from, its options, and who edited it lately."""
    del request
    try:
        model = await catalog.find(subject)
    except catalog.UnknownModel as error:
        raise _unknown_model(error) from None
    return schemas.PriceDetail(
        **_price(model, await revisions.latest_of_all()),
        params_schema=dict(model.params_schema),
        history=[_revision(revision) for revision in await revisions.history(subject, limit=SHOWN_EDITS)],
    )


@api.operation(
    "POST",
    "/prices/{subject}/preview",
    body=schemas.PreviewBody,
    answer=schemas.Preview,
    problems=(404, 409),
    tag="pricing",
)
async def preview_price(request: Request, subject: str, body: schemas.PreviewBody) -> schemas.Preview:
    """What an edit would do to typical orders and, with `days`, what past jobs would have brought. Writes nothing."""
    limit = _limit(request)
    try:
        planned = await revisions.preview(subject, body.changes(), Terms(limit, body.expect))
    except (InvalidPrice, PriceChanged, catalog.UnknownModel) as error:
        raise _refused(error) from None
    return schemas.Preview(
        subject=subject,
        latest=planned.latest,
        before=planned.before,
        after=planned.after,
        rows=_rows(planned),
        largest_percent=planned.comparison.largest_percent if planned.comparison else Decimal(0),
        limit_percent=limit,
        needs_approval=planned.needs_approval,
        replay=None if body.days is None else await _replay(planned, body.days),
    )


@api.operation(
    "POST",
    "/prices/{subject}",
    scope=Scope.OPERATE,
    body=schemas.EditBody,
    answer=schemas.Edited,
    problems=(404,),
    tag="pricing",
    action="pricing.set",
)
async def set_price(request: Request, subject: str, body: schemas.EditBody, change: Change) -> schemas.Edited:
    """Edit the price of a model, or the `settings` that all prices are made with.

    A price that changes by more than PRICE_MAX_DELTA_PCT percent is refused with `approval_required` and the code that
    an administrator has to approve. A job in flight and a price that is shown keep what was agreed.
    """
    terms = Terms(_limit(request), body.expect, body.approval)
    try:
        edit = await revisions.edit(subject, body.changes(), change, terms)
    except (InvalidPrice, PriceChanged, catalog.UnknownModel) as error:
        raise _refused(error) from None
    return _edited(request, edit)


@api.operation(
    "GET",
    "/price-revisions",
    query=schemas.RevisionQuery,
    answer=schemas.RevisionPage,
    problems=(400,),
    tag="pricing",
)
async def list_revisions(request: Request, query: schemas.RevisionQuery) -> schemas.RevisionPage:
    """Edits of prices, the newest first."""
    del request
    found = await revisions.history(query.subject, limit=query.limit + 1, before=row_in(query.cursor))
    page, cursor = cut(found, query.limit, lambda revision: revision.id)
    return schemas.RevisionPage(items=[_revision(revision) for revision in page], next_cursor=cursor)


@api.operation(
    "POST",
    "/price-revisions/{revision}/revert",
    scope=Scope.OPERATE,
    body=schemas.RevertBody,
    answer=schemas.Edited,
    problems=(404,),
    tag="pricing",
    action="pricing.revert",
)
async def revert_price(request: Request, revision: str, body: schemas.RevertBody, change: Change) -> schemas.Edited:
    """Restore what a revision changed, as a new revision.

    Undoing the latest edit of a subject needs no approval. Where a later edit touched the same fields it is refused,
    unless it is forced.
    """
    terms = Terms(_limit(request), body.expect, body.approval)
    try:
        if not revision.isdecimal() or len(revision) > 18:
            raise UnknownRevision(0)
        edit = await revisions.revert(int(revision), change, terms, force=body.force)
    except UnknownRevision:
        raise Problem(404, f"There is no price revision {revision[:40]!r}.", code="unknown_revision") from None
    except (InvalidPrice, PriceChanged, RevisionSuperseded, catalog.UnknownModel) as error:
        raise _refused(error) from None
    return _edited(request, edit)


@api.operation("GET", "/pricing/check", query=schemas.CheckQuery, answer=schemas.CheckReport, tag="pricing")
async def check_prices(request: Request, query: schemas.CheckQuery) -> schemas.CheckReport:
    """Compare every price with cost times markup, with what tokens are sold for, and with what providers report."""
    del request
    report = await checks.check(days=query.days)
    return schemas.CheckReport(
        ok=report.ok,
        models=report.models,
        combinations=report.combinations,
        reported_jobs=report.reported_jobs,
        days=query.days,
        partial=report.partial,
        findings=[
            schemas.Finding(kind=found.kind, subject=found.subject, params=dict(found.params), detail=found.detail)
            for found in report.findings
        ],
    )


def _limit(request: Request) -> int:
    settings: Settings = request.app.ctx.settings
    return settings.price_max_delta_pct


def _price(model: CatalogModel, latest: Mapping[str, int]) -> dict[str, Any]:
    return {
        "slug": model.slug,
        "name": model.display_name,
        "kind": model.kind.value,
        "is_active": model.is_active,
        "base_cost_usd": model.base_cost_usd,
        "cost_unit": model.cost_unit.value,
        "option_factors": {
            option: {value: fields.text_of(factor) for value, factor in named.items()}
            for option, named in model.option_factors.items()
        },
        "rate": model.rate,
        "markup": model.markup,
        "revision": latest.get(model.slug, 0),
        "settings_revision": latest.get(fields.SETTINGS, 0),
        "orders": [_order(model, order) for order in options.typical(model)],
    }


def _order(model: CatalogModel, order: options.TypicalOrder) -> schemas.PricedOrder:
    price = pricing.quote(model, order.params)
    return schemas.PricedOrder(label=order.label, params=dict(order.params), tokens=price.tokens, usd=price.usd)


async def _replay(planned: Edit, days: int) -> schemas.Replay:
    models = await catalog.read()
    pairs = [
        (model, fields.applied(model, planned.after))
        for model in models
        if planned.subject in (fields.SETTINGS, model.slug)
    ]
    found = await replay.replay_all(pairs, days=days)
    return schemas.Replay(
        days=days,
        jobs=found.jobs,
        unpriced_jobs=found.unpriced_jobs,
        tokens=found.tokens,
        tokens_new=found.tokens_new,
        revenue_usd=found.revenue_usd,
        revenue_usd_new=found.revenue_usd_new,
        cost_usd=found.cost_usd,
        cost_usd_new=found.cost_usd_new,
        reported_jobs=found.reported_jobs,
        reported_usd=found.reported_usd,
        margin=found.margin,
        margin_new=found.margin_new,
    )


def _rows(edit: Edit) -> list[schemas.PriceChange]:
    return [_row(change) for change in edit.comparison.rows] if edit.comparison else []


def _row(change: PriceChange) -> schemas.PriceChange:
    return schemas.PriceChange(
        model=change.model,
        label=change.label,
        params=dict(change.params),
        tokens=change.before.tokens,
        tokens_new=change.after.tokens,
        usd=change.before.usd,
        usd_new=change.after.usd,
        margin=margin(change.before),
        margin_new=margin(change.after),
        percent=change.percent,
    )


def _revision(revision: Revision) -> schemas.Revision:
    return schemas.Revision(
        id=revision.id,
        subject=revision.subject,
        before=revision.before,
        after=revision.after,
        actor=revision.actor,
        reason=revision.reason,
        approval=revision.approval,
        reverts=revision.reverts,
        at=revision.at,
    )


def _edited(request: Request, edit: Edit) -> schemas.Edited:
    return schemas.Edited(
        subject=edit.subject,
        changed=edit.revision is not None,
        revision=_revision(edit.revision) if edit.revision else None,
        rows=_rows(edit),
        inverse=_inverse(request, edit.revision) if edit.revision else None,
    )


def _inverse(request: Request, revision: Revision) -> str:
    settings: Settings = request.app.ctx.settings
    words = ["nb", "pricing", "revert", str(revision.id), "--reason", f"undo revision {revision.id}"]
    if settings.environment is not Environment.LOCAL:
        words += ["--env", settings.environment.value]
    return shlex.join(words)


def _refused(error: Exception) -> Problem:
    if isinstance(error, catalog.UnknownModel):
        return _unknown_model(error)
    if isinstance(error, InvalidPrice):
        errors = [{"param": problem.param, "message": problem.message} for problem in error.problems]
        return Problem(422, f"{error}.", code=error.code, extra={"errors": errors})
    if isinstance(error, PriceChanged):
        latest = _revision(error.latest).model_dump(mode="json") if error.latest else None
        return Problem(409, f"{error}.", code=error.code, extra={"latest": latest, "current": error.current})
    assert isinstance(error, RevisionSuperseded)
    return Problem(409, f"{error}.", code=error.code, extra={"revision": error.revision})


def _unknown_model(error: catalog.UnknownModel) -> Problem:
    return Problem(404, f"{error}.", code="unknown_model", extra={"near": error.near})
