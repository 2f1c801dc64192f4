"""Operations on promo codes: make one, look at them, switch one off and on."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sanic import Request

from core.audit import Change
from core.bonuses import codes
from core.bonuses.codes import CODE_PATTERN, CodeExists, CodeNotFound, CodeRefused, NewCode, PromoCode
from core.http.openapi import ChangeBody
from core.http.ops import promo_schemas as schemas
from core.http.ops.api import api
from core.http.ops.cursors import cut, row_in
from core.http.ops.unknown import unknown
from core.http.problems import Problem
from core.ops_tokens import Scope

SHOWN = 20


@api.operation("GET", "/promo-codes", query=schemas.PromoQuery, answer=schemas.PromoPage, problems=(400,), tag="promo")
async def list_promo_codes(request: Request, query: schemas.PromoQuery) -> schemas.PromoPage:
    """Promo codes, the newest first."""
    del request
    found = await codes.newest(limit=query.limit + 1, before=row_in(query.cursor))
    page, cursor = cut(found, query.limit, lambda promo: promo.id)
    return schemas.PromoPage(items=[schemas.PromoCode(**_fields(promo)) for promo in page], next_cursor=cursor)


@api.operation("GET", "/promo-codes/{code}", answer=schemas.PromoDetail, problems=(404,), tag="promo")
async def read_promo_code(request: Request, code: str) -> schemas.PromoDetail:
    """One promo code: its limits, what it gave, who used it lately."""
    del request
    promo = await _found(code)
    latest = [
        schemas.PromoUse(user=str(use.chat_id), number=use.number, at=use.at, tokens=use.tokens, payment=use.payment)
        for use in await codes.uses(promo, limit=SHOWN)
    ]
    return schemas.PromoDetail(**_fields(promo), latest=latest)


@api.operation(
    "POST",
    "/promo-codes/{code}",
    answer=schemas.PromoCode,
    scope=Scope.OPERATE,
    body=schemas.NewPromoCode,
    tag="promo",
    action="promo.create",
)
async def create_promo_code(
    request: Request, code: str, body: schemas.NewPromoCode, change: Change
) -> schemas.PromoCode:
    """Make a promo code. One that is worth a lot needs a limit in total."""
    del request, change
    if not CODE_PATTERN.fullmatch(codes.normalized(code)):
        raise _invalid("code", "is 3 to 50 letters, digits, - or _")
    if body.valid_until is not None and body.valid_until <= datetime.now(UTC):
        raise _invalid("valid_until", "has passed already")
    try:
        promo = await codes.create(_new(code, body))
    except CodeExists as error:
        raise Problem(409, f"{error}.", code="promo_code_exists") from None
    except CodeRefused as error:
        raise Problem(409, f"{error}.", code=error.rule, extra={"rule": error.rule}) from None
    return schemas.PromoCode(**_fields(promo))


@api.operation(
    "POST",
    "/promo-codes/{code}/disable",
    answer=schemas.PromoChanged,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="promo",
    action="promo.disable",
)
async def disable_promo_code(request: Request, code: str, body: ChangeBody, change: Change) -> schemas.PromoChanged:
    """Let nobody use a code any more. What people activated before is kept."""
    del request, body, change
    return await _switched(code, is_active=False)


@api.operation(
    "POST",
    "/promo-codes/{code}/enable",
    answer=schemas.PromoChanged,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="promo",
    action="promo.enable",
)
async def enable_promo_code(request: Request, code: str, body: ChangeBody, change: Change) -> schemas.PromoChanged:
    """Let a code be used again."""
    del request, body, change
    return await _switched(code, is_active=True)


async def _switched(code: str, *, is_active: bool) -> schemas.PromoChanged:
    before = await _found(code)
    promo = await codes.switch(code, is_active=is_active)
    return schemas.PromoChanged(**_fields(promo), changed=before.is_active != is_active)


async def _found(code: str) -> PromoCode:
    try:
        return await codes.get(code)
    except CodeNotFound:
        raise unknown("promo code", code, await codes.latest_names(), code="unknown_promo_code") from None


def _new(code: str, body: schemas.NewPromoCode) -> NewCode:
    return NewCode(
        code=code,
        value=body.tokens or body.percent or Decimal(0),
        is_percentage=body.percent is not None,
        description=body.description,
        min_deposit=body.min_deposit,
        max_uses=body.max_uses,
        max_uses_per_user=body.max_uses_per_user,
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        max_bonus=body.max_bonus,
        budget=body.budget,
    )


def _fields(promo: PromoCode) -> dict[str, Any]:
    return {
        "code": promo.code,
        "state": promo.state(datetime.now(UTC)).value,
        "kind": "percent" if promo.is_percentage else "tokens",
        "value": promo.value,
        "description": promo.description,
        "min_deposit": promo.min_deposit,
        "max_bonus": promo.max_bonus,
        "uses": promo.current_uses,
        "waiting": promo.waiting,
        "max_uses": promo.max_uses,
        "max_uses_per_user": promo.max_uses_per_user,
        "given": promo.total_given,
        "budget": promo.budget,
        "budget_left": promo.left_of_budget,
        "valid_from": promo.valid_from,
        "valid_until": promo.valid_until,
        "created_at": promo.created_at,
    }


def _invalid(param: str, message: str) -> Problem:
    return Problem(422, f"{param}: {message}", extra={"errors": [{"param": param, "message": message}]})
