"""What can be made, and what it costs."""

from __future__ import annotations

from decimal import Decimal

from sanic import Request

from core import catalog, ledger, pricing
from core.catalog import CatalogModel
from core.http.app import schemas
from core.http.app.api import api
from core.http.problems import Problem
from core.users import User


@api.operation("GET", "/models", answer=schemas.ModelList, tag="catalogue")
async def list_models(request: Request, user: User) -> schemas.ModelList:
    """The models that can be ordered now, with their options."""
    del request
    return schemas.ModelList(items=[_listed(model, user) for model in await catalog.models()])


@api.operation("POST", "/quote", body=schemas.QuoteRequest, answer=schemas.Quote, problems=(404, 409), tag="catalogue")
async def quote_price(request: Request, user: User, body: schemas.QuoteRequest) -> schemas.Quote:
    """What one generation costs with these options."""
    del request
    try:
        quote = pricing.quote(await _model(body.model), body.params)
    except pricing.InvalidParams as error:
        errors = [{"param": f"params.{problem.param}", "message": problem.message} for problem in error.problems]
        raise Problem(422, str(error), code=error.code, extra={"errors": errors}) from None
    balance = await ledger.balance_of(user.id)
    return schemas.Quote(
        model=quote.model,
        params=dict(quote.params),
        tokens=quote.tokens,
        balance=balance,
        missing=max(quote.tokens - balance, Decimal(0)),
    )


def _listed(model: CatalogModel, user: User) -> schemas.Model:
    return schemas.Model(
        slug=model.slug,
        name=model.display_name,
        kind=model.kind.value,
        purpose=model.purpose.get(user.language, ""),
        price_from=pricing.quote(model).tokens,
        params=dict(model.params_schema),
        max_prompt_length=model.max_prompt_length,
        max_input_images=model.max_input_images,
        needs_input_image=model.needs_input_image,
        typical_seconds=model.typical_seconds,
    )


async def _model(slug: str) -> CatalogModel:
    try:
        model = await catalog.get(slug)
    except catalog.UnknownModel as error:
        raise Problem(404, f"{error}.", code="unknown_model", extra={"near": error.near}) from None
    if not model.is_available:
        detail = f"{model.display_name} cannot be ordered now."
        raise Problem(409, detail, code="model_unavailable", extra={"successor": model.successor})
    return model
