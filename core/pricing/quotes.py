"""What a generation costs: one function, called by the bot, the Mini App, the command line and the console alike.

    tokens = cost in USD × units × factors of the chosen options × markup × rate, rounded half up to 0.01

USD are rounded to four places first, as the statement keeps them. What costs something is never free: the least that
is asked is one hundredth of a token.

Factors stand in `CatalogModel.option_factors`, by option and value:

- `{"image_size": {"4K": 1.8}}`: this value multiplies the cost; a value that is not named leaves it as it is;
- `{"sound": {"true": 1.5}, "fps": {"60": 2}}`: yes-or-no options and numbers are named as JSON writes them;
- `{"clips": {"each": 1}}`: the number itself multiplies the cost, so that four clips cost four times as much;
- `{"mode+sound": {"pro+true": 1.2}}`: only the values together do, beside what each of them does alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from core.catalog.models import CatalogModel, CostUnit
from core.types import TOKEN_QUANTUM, Tokens, in_tokens
from providers.base import Json

USD_QUANTUM = Decimal("0.0001")

EACH = "each"
"""In place of a value: the number that was chosen multiplies the cost."""

TOGETHER = "+"
"""Between options, and between values, whose factor belongs to the combination."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the options."""

    param: str
    message: str


class InvalidParams(Exception):
    """The options do not fit the model's schema."""

    code = "invalid_params"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{problem.param}: {problem.message}" for problem in problems))


@dataclass(frozen=True, slots=True)
class Factor:
    """A chosen option that changes the cost."""

    option: str
    value: str
    factor: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """A price and everything that it was made from. It is stored with the charge.

    Attributes:
        model: slug.
        params: the validated options, defaults filled in; the provider is sent these very values.
        tokens: what the user pays.
        usd: what we expect it to cost us.
    """

    model: str
    params: Mapping[str, Json]
    tokens: Tokens
    usd: Decimal
    units: int
    unit: CostUnit
    unit_cost_usd: Decimal
    rate: Decimal
    markup: Decimal
    factors: tuple[Factor, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; numbers that are money become strings."""
        return {
            "model": self.model,
            "params": dict(self.params),
            "tokens": str(self.tokens),
            "usd": str(self.usd),
            "units": self.units,
            "unit": self.unit.value,
            "unit_cost_usd": str(self.unit_cost_usd),
            "rate": str(self.rate),
            "markup": str(self.markup),
            "factors": [
                {"option": factor.option, "value": factor.value, "factor": str(factor.factor)}
                for factor in self.factors
            ],
        }


def quote(model: CatalogModel, params: Mapping[str, Json] | None = None) -> Quote:
    """Price one generation of `model` with the chosen options.

    Raises:
        InvalidParams: an option is unknown or out of range; every problem is named.
    """
    return price(model, validate(model, params or {}))


def price(model: CatalogModel, chosen: Mapping[str, Json]) -> Quote:
    """Price options that were validated before, such as those of a job in the past.

    Raises:
        InvalidParams: what the model is paid by is not a number.
    """
    units = _units(model, chosen)
    factors = _factors(model, chosen)
    cost = model.base_cost_usd * units
    for factor in factors:
        cost *= factor.factor
    usd = cost.quantize(USD_QUANTUM, rounding=ROUND_HALF_UP)
    tokens = in_tokens(max(usd, USD_QUANTUM) * model.rate * model.markup)
    is_free = model.base_cost_usd == 0
    return Quote(
        model=model.slug,
        params=chosen,
        tokens=in_tokens(Decimal(0)) if is_free else max(tokens, TOKEN_QUANTUM),
        usd=usd if is_free else max(usd, USD_QUANTUM),
        units=units,
        unit=model.cost_unit,
        unit_cost_usd=model.base_cost_usd,
        rate=model.rate,
        markup=model.markup,
        factors=factors,
    )


def validate(model: CatalogModel, params: Mapping[str, Json]) -> dict[str, Json]:
    """Return the options with defaults filled in.

    Raises:
        InvalidParams: see `quote`.
    """
    filled = {
        name: _canonical(value, model.options.get(name, {})) for name, value in model.with_defaults(params).items()
    }
    problems = [
        Problem(name, f"{value} is not a number that JSON has")
        for name, value in filled.items()
        if isinstance(value, float) and not math.isfinite(value)
    ]
    problems += [_problem(error, model) for error in _validator(model).iter_errors(filled)]
    if problems:
        raise InvalidParams(list(dict.fromkeys(problems)))
    return filled


def _canonical(value: Json, schema: Mapping[str, Any]) -> Json:
    # JSON has one kind of number: 3.0 is a valid integer, and has to be priced and sent as 3.
    if isinstance(value, float) and value.is_integer() and (schema.get("type") == "integer" or "enum" in schema):
        return int(value)
    return value


@lru_cache(maxsize=256)
def _validator(model: CatalogModel) -> Draft202012Validator:
    return Draft202012Validator(model.params_schema)


def _problem(error: ValidationError, model: CatalogModel) -> Problem:
    if error.validator == "additionalProperties":
        known = ", ".join(model.options) or "none"
        assert isinstance(error.instance, dict)
        extra = sorted(set(error.instance) - set(model.options))
        return Problem(", ".join(extra), f"{model.slug} has no such option; it has: {known}")
    if error.validator == "required":
        assert isinstance(error.instance, dict)
        missing = sorted(set(model.params_schema["required"]) - set(error.instance))
        return Problem(", ".join(missing), f"{model.slug} cannot do without")
    name = str(error.absolute_path[0]) if error.absolute_path else str(error.validator)
    return Problem(name, error.message)


def paid_by(model: CatalogModel) -> str | None:
    """The option that says how many units an order has, None where an order is one unit."""
    return {CostUnit.IMAGE: "quantity", CostUnit.SECOND: "duration"}.get(model.cost_unit)


def name_of(value: Json) -> str:
    """The name that a value has among factors: as JSON writes it, a whole number without a fraction."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{Decimal(str(value)).normalize():f}"
    return "null" if value is None else str(value)


def _units(model: CatalogModel, params: Mapping[str, Json]) -> int:
    option = paid_by(model)
    value = params.get(option, 1) if option else 1
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidParams([Problem(str(option), f"{model.slug} is paid by it, so it has to be a number")])
    return max(1, math.ceil(value))


def _factors(model: CatalogModel, params: Mapping[str, Json]) -> tuple[Factor, ...]:
    chosen = []
    for option, factors in model.option_factors.items():
        parts = option.split(TOGETHER)
        if not all(part in params for part in parts):
            continue
        name = TOGETHER.join(name_of(params[part]) for part in parts)
        if name in factors:
            chosen.append(Factor(option, name, factors[name]))
        elif EACH in factors and _is_number(params.get(option)):
            chosen.append(Factor(option, name, factors[EACH] * Decimal(name)))
    return tuple(chosen)


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
