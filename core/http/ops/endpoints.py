"""The operations of the ops API. Each reads what a service knows and gives it the shape of `schemas`."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter

from sanic import Request

from core import catalog, ledger, pricing, service_state
from core.catalog import CatalogModel
from core.generations import GenerationNotFound
from core.http.ops import generations, schemas
from core.http.ops.api import api
from core.http.problems import Problem
from core.settings import Settings


@api.operation("GET", "/status", answer=schemas.Status, tag="service")
async def read_status(request: Request) -> schemas.Status:
    """Processes, queues, and everything that waits."""
    settings: Settings = request.app.ctx.settings
    state = await service_state.read()
    return schemas.Status(
        environment=settings.environment.value,
        version=request.app.ctx.version,
        commit=settings.commit,
        at=datetime.now(UTC),
        processes=[
            schemas.Process(
                kind=process.kind,
                instance=process.instance,
                commit=process.commit,
                started_at=process.started_at,
                seen_at=process.seen_at,
            )
            for process in state.processes
        ],
        queues=[schemas.Queue(name=name, depth=depth) for name, depth in state.queues.items()],
        generations=schemas.InProgress(queued=state.queued, processing=state.processing, stuck=state.stuck),
        inbox=schemas.Waiting(pending=state.inbox.pending, oldest_s=state.inbox.oldest_s),
        outbox=schemas.Waiting(pending=state.outbox.pending, oldest_s=state.outbox.oldest_s),
    )


@api.operation(
    "GET",
    "/generations",
    query=schemas.GenerationQuery,
    answer=schemas.GenerationPage,
    problems=(400, 404),
    tag="generations",
)
async def list_generations(request: Request, query: schemas.GenerationQuery) -> schemas.GenerationPage:
    """Generations, the newest first."""
    del request
    if query.model is not None:
        await _model(query.model)
    return await generations.page(query)


@api.operation("GET", "/generations/{run_code}", answer=schemas.Generation, problems=(404,), tag="generations")
async def read_generation(request: Request, run_code: str) -> schemas.Generation:
    """One generation with its money and its story."""
    del request
    try:
        return await generations.one(run_code)
    except GenerationNotFound:
        raise Problem(404, f"There is no generation {run_code[:64]!r}.", code="unknown_generation") from None


@api.operation(
    "POST", "/pricing/quote", body=schemas.QuoteRequest, answer=schemas.Quote, problems=(404,), tag="pricing"
)
async def quote_price(request: Request, body: schemas.QuoteRequest) -> schemas.Quote:
    """What one generation would cost."""
    del request
    try:
        quote = pricing.quote(await _model(body.model), body.params)
    except pricing.InvalidParams as error:
        errors = [{"param": f"params.{problem.param}", "message": problem.message} for problem in error.problems]
        raise Problem(422, str(error), code=error.code, extra={"errors": errors}) from None
    return schemas.Quote(
        model=quote.model,
        params=dict(quote.params),
        tokens=quote.tokens,
        usd=quote.usd,
        units=str(quote.units),
        unit=quote.unit.value,
        unit_cost_usd=quote.unit_cost_usd,
        rate=quote.rate,
        markup=quote.markup,
        factors=[
            schemas.Factor(option=factor.option, value=factor.value, factor=factor.factor) for factor in quote.factors
        ],
    )


@api.operation("GET", "/ledger/verify", answer=schemas.LedgerReport, tag="ledger")
async def verify_ledger(request: Request) -> schemas.LedgerReport:
    """Add everything up and say where numbers disagree."""
    del request
    started = perf_counter()
    report = await ledger.verify()
    return schemas.LedgerReport(
        ok=report.ok,
        users=report.users,
        postings=report.postings,
        problems=[schemas.LedgerProblem.of(problem) for problem in report.problems],
        duration_ms=round((perf_counter() - started) * 1000, 1),
    )


async def _model(slug: str) -> CatalogModel:
    try:
        return await catalog.get(slug)
    except catalog.UnknownModel as error:
        raise Problem(404, f"{error}.", code="unknown_model", extra={"near": error.near}) from None
