"""Why an order was not taken, as a problem: the refusal's own code, and its attributes for the words of a form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from core import ledger, pricing
from core.catalog import UnknownModel
from core.generations import (
    CooldownActive,
    DailyLimitReached,
    ModelUnavailable,
    OrderRefused,
    ParentUnusable,
    PriceDiffers,
    TooManyRefusals,
    TooManyRunning,
    UserBlocked,
)
from core.http.problems import Problem

REFUSED: Final = (OrderRefused, ledger.LedgerError, pricing.InvalidParams, UnknownModel)
"""What `core.generations.submit` raises when it took nothing."""

STATUSES: Final[Mapping[type[OrderRefused], int]] = {
    UserBlocked: 403,
    ModelUnavailable: 409,
    ParentUnusable: 409,
    PriceDiffers: 409,
    TooManyRunning: 409,
    DailyLimitReached: 409,
    CooldownActive: 429,
    TooManyRefusals: 429,
}
"""What is not among them is 422: what was sent does not fit."""


def problem_of(refusal: Exception) -> Problem:
    """Return the problem that a refusal is answered with."""
    match refusal:
        case UnknownModel():
            return Problem(404, f"{refusal}.", code="unknown_model", extra={"near": refusal.near})
        case pricing.InvalidParams():
            errors = [{"param": f"params.{one.param}", "message": one.message} for one in refusal.problems]
            return Problem(422, str(refusal), code=refusal.code, extra={"errors": errors})
        case ledger.InsufficientTokens():
            extra = {"balance": refusal.balance, "needed": refusal.needed, "missing": refusal.missing}
            return Problem(402, str(refusal), code="insufficient_tokens", extra=_plain(extra))
        case OrderRefused():
            return _problem(refusal)
    detail = "The key belongs to another order. Use a new key for a new order."
    return Problem(409, detail, code="idempotency_key_reused")


def _problem(refusal: OrderRefused) -> Problem:
    status = STATUSES.get(type(refusal), 422)
    headers = {}
    if isinstance(refusal, CooldownActive | TooManyRefusals):
        headers["Retry-After"] = str(max(1, math.ceil(refusal.seconds)))
    return Problem(
        status,
        str(refusal) or (type(refusal).__doc__ or "").partition("\n")[0],
        code=refusal.code,
        headers=headers,
        extra=_plain(vars(refusal)),
    )


def _plain(value: Any) -> Any:  # noqa: ANN401  Any attribute becomes JSON.
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [_plain(part) for part in value]
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.value if isinstance(value, Enum) else value
