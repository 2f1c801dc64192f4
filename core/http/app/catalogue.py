"""What can be made, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from sanic import Request

from core import catalog, ledger, media, pricing
from core.catalog import CatalogModel, InputSlot
from core.http.app import schemas
from core.http.app.api import api
from core.http.problems import Problem
from core.pricing.options import ordinary
from core.uploads.rows import KINDS
from core.users import User
from providers.base import MediaRole

LABELS: Final[Mapping[MediaRole, Mapping[str, str]]] = {
    MediaRole.IMAGE: {"ru": "Фото", "en": "Photo"},
    MediaRole.START: {"ru": "Первый кадр", "en": "First frame"},
    MediaRole.END: {"ru": "Последний кадр", "en": "Last frame"},
    MediaRole.REFERENCE: {"ru": "Образцы", "en": "References"},
    MediaRole.MASK: {"ru": "Маска", "en": "Mask"},
    MediaRole.VIDEO: {"ru": "Видео", "en": "Video"},
}
"""What a slot is called that the catalogue gives no name of its own."""


@api.operation("GET", "/models", answer=schemas.ModelList, tag="catalogue")
async def list_models(request: Request, user: User) -> schemas.ModelList:
    """The models that can be ordered now, each with all that its form needs; those that have ended are marked."""
    del request
    everything = {model.slug: model for model in await catalog.models(only_available=False)}
    shown = [model for model in everything.values() if model.is_listed and (model.is_available or model.is_retired)]
    # A model that an edit has left without a valid order is no reason to show none.
    return schemas.ModelList(items=[told for model in shown if (told := _told(model, everything, user)) is not None])


@api.operation("GET", "/models/{slug}", answer=schemas.Model, problems=(404, 409), tag="catalogue")
async def read_model(request: Request, user: User, slug: str) -> schemas.Model:
    """One model; also one that is reached from a result only, or has ended."""
    del request
    everything = {model.slug: model for model in await catalog.models(only_available=False)}
    model = everything.get(slug)
    if model is None or not (model.is_available or model.is_retired):
        model = await _model(slug)
    told = _told(model, everything, user)
    if told is None:
        raise _unavailable(model)
    return told


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


def _told(model: CatalogModel, everything: Mapping[str, CatalogModel], user: User) -> schemas.Model | None:
    price = ordinary(model)
    if price is None:
        return None
    return schemas.Model(
        slug=model.slug,
        name=model.display_name,
        kind=model.kind.value,
        purpose=model.purpose.get(user.language, ""),
        price_from=price.tokens,
        params=dict(model.params_schema),
        max_prompt_length=model.max_prompt_length,
        inputs=[_slot(slot, user) for slot in model.inputs],
        max_input_images=model.max_input_images,
        needs_input_image=model.needs_input_image,
        needs_input_video=model.needs_input_video,
        typical_seconds=model.typical_seconds,
        follow_ups=_follow_ups(model, everything),
        retired=model.is_retired,
        retires_at=model.retires_at,
        successor=model.successor,
    )


def _slot(slot: InputSlot, user: User) -> schemas.Slot:
    kinds = {mime: most for mime, most in KINDS.items() if mime.startswith("video/") == slot.takes_video}
    return schemas.Slot(
        role=slot.role.value,
        label=slot.label.get(user.language) or LABELS[slot.role][user.language],
        most=slot.most,
        least=slot.least,
        mime_types=list(kinds),
        max_bytes=min(kinds.values()),
        max_seconds=(slot.longest or media.MAX_VIDEO_SECONDS) if slot.takes_video else None,
        needs=sorted(slot.needs),
        excludes=sorted(slot.excludes),
        requires={name: list(values) for name, values in slot.requires.items()},
        fewer={role.value: most for role, most in slot.fewer.items()},
    )


def _follow_ups(model: CatalogModel, everything: Mapping[str, CatalogModel]) -> list[schemas.FollowUp]:
    """Return what can be ordered now."""
    found = []
    for follow_up in model.follow_ups:
        target = everything.get(follow_up.model)
        price = ordinary(target) if target is not None and target.is_available else None
        if target is not None and price is not None:
            found.append(
                schemas.FollowUp(
                    kind=follow_up.kind.value, model=target.slug, name=target.display_name, price_from=price.tokens
                )
            )
    return found


async def _model(slug: str) -> CatalogModel:
    try:
        model = await catalog.get(slug)
    except catalog.UnknownModel as error:
        raise Problem(404, f"{error}.", code="unknown_model", extra={"near": error.near}) from None
    if not model.is_available:
        raise _unavailable(model)
    return model


def _unavailable(model: CatalogModel) -> Problem:
    detail = f"{model.display_name} cannot be ordered now."
    return Problem(409, detail, code="model_unavailable", extra={"successor": model.successor})
