"""What of a price may be edited: the fields of a model and of the settings, as text, checked and applied.

A field is named `base_cost_usd`, `cost_unit` or `option_factors.<option>.<value>` for a model, `usd_to_token_rate` or
`markup_multiplier` for the settings. None stands for a factor that is not there, which is the same as 1.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from core.catalog.models import CatalogModel, CostUnit
from core.pricing.options import values_of
from core.pricing.quotes import EACH, TOGETHER, Problem, name_of, paid_by

SETTINGS = "settings"
"""The subject that is no model: rate and markup, which all prices are made with."""

COST, UNIT, FACTORS = "base_cost_usd", "cost_unit", "option_factors"
RATE, MARKUP = "usd_to_token_rate", "markup_multiplier"

Fields = dict[str, str | None]

_LIMITS: Mapping[str, tuple[int, Decimal]] = {
    COST: (4, Decimal("1000")),
    RATE: (4, Decimal("9999")),
    MARKUP: (3, Decimal("100")),
    FACTORS: (10, Decimal("1000")),
}
"""Decimals that a number may have, and what it stays below or at."""

_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,20})?")


class InvalidPrice(Exception):
    """A field cannot have this value; every problem is named."""

    code = "invalid_price"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{problem.param}: {problem.message}" for problem in problems))


def text_of(number: Decimal) -> str:
    """A number without trailing zeros."""
    return f"{number.normalize():f}"


def fields_of(model: CatalogModel) -> Fields:
    """The fields of a model as they are."""
    factors = {
        f"{FACTORS}.{option}.{value}": text_of(factor)
        for option, named in model.option_factors.items()
        for value, factor in named.items()
    }
    return {COST: text_of(model.base_cost_usd), UNIT: model.cost_unit.value, **factors}


def settings_of(rate: Decimal, markup: Decimal) -> Fields:
    """The fields of the settings."""
    return {RATE: text_of(rate), MARKUP: text_of(markup)}


def checked(model: CatalogModel | None, changes: Mapping[str, str | None]) -> Fields:
    """Return the changes of a model, or of the settings where it is None, in the one form that is stored.

    Raises:
        InvalidPrice: a field is unknown, a value is no price, or its option does not exist.
    """
    fields: Fields = {}
    problems: list[Problem] = []
    for name, value in changes.items():
        try:
            fields[name] = _checked(model, name, value)
        except ValueError as error:
            problems.append(Problem(name, str(error)))
    if not changes:
        problems.append(Problem("changes", "there is nothing to change"))
    if problems:
        raise InvalidPrice(problems)
    return fields


def applied(model: CatalogModel, fields: Fields) -> CatalogModel:
    """The model with these fields. Of the settings' fields it takes rate and markup."""
    factors = {option: dict(named) for option, named in model.option_factors.items()}
    for name, value in fields.items():
        if name.startswith(f"{FACTORS}."):
            _, option, chosen = name.split(".", 2)
            if value is None:
                factors.get(option, {}).pop(chosen, None)
            else:
                factors.setdefault(option, {})[chosen] = Decimal(value)
    return replace(
        model,
        base_cost_usd=Decimal(fields.get(COST) or model.base_cost_usd),
        cost_unit=CostUnit(fields.get(UNIT) or model.cost_unit),
        option_factors={option: named for option, named in factors.items() if named},
        rate=Decimal(fields.get(RATE) or model.rate),
        markup=Decimal(fields.get(MARKUP) or model.markup),
    )


def _checked(model: CatalogModel | None, name: str, value: str | None) -> str | None:
    if model is None:
        if name not in (RATE, MARKUP):
            raise ValueError("the settings have usd_to_token_rate and markup_multiplier")
        return _number(name, value, at_least=Decimal(1) if name == MARKUP else None)
    if name == UNIT:
        return _unit(model, value)
    if name == COST:
        return _number(COST, value)
    kind, _, rest = name.partition(".")
    option, dot, chosen = rest.partition(".")
    if kind != FACTORS or not dot or not chosen:
        raise ValueError("a model has base_cost_usd, cost_unit and option_factors.<option>.<value>")
    if value is None or (number := _number(FACTORS, value)) == "1":
        # Removing is always possible, also of what the schema no longer has.
        return None
    _check_exists(model, option, chosen)
    return number


def _number(name: str, value: str | None, *, at_least: Decimal | None = None) -> str:
    decimals, most = _LIMITS[name]
    text = (value or "").strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{value!r} is not a number such as 0.15")
    try:
        number = Decimal(text)
    except InvalidOperation:  # pragma: no cover  The pattern lets nothing else through.
        raise ValueError(f"{value!r} is not a number such as 0.15") from None
    if number <= 0:
        raise ValueError(f"{text} is not above 0: what costs something is not given away")
    if at_least is not None and number < at_least:
        raise ValueError(f"{text} is below {at_least}: every price would be below its cost")
    if number > most:
        raise ValueError(f"{text} is above {most}, which no price of ours is")
    if -int(number.normalize().as_tuple().exponent) > decimals:
        raise ValueError(f"{text} has more than {decimals} decimals")
    return text_of(number)


def _unit(model: CatalogModel, value: str | None) -> str:
    if value not in set(CostUnit):
        raise ValueError(f"{value!r} is none of {', '.join(CostUnit)}")
    option = paid_by(replace(model, cost_unit=CostUnit(value)))
    if value == CostUnit.SECOND and option not in model.options:
        raise ValueError(f"{model.slug} has no option {option}, so it cannot be paid by the second")
    return value


def _check_exists(model: CatalogModel, option: str, value: str) -> None:
    parts = option.split(TOGETHER)
    for part in parts:
        if part not in model.options:
            near = difflib.get_close_matches(part, list(model.options), n=1, cutoff=0.5)
            said = f"did you mean {near[0]}?" if near else f"it has: {', '.join(model.options) or 'none'}"
            raise ValueError(f"{model.slug} has no option {part}; {said}")
    schemas = [model.options[part] for part in parts]
    if value == EACH:
        if len(parts) > 1 or schemas[0].get("type") not in ("integer", "number"):
            raise ValueError(f"{option} is no number, so it cannot be counted")
        return
    if all("enum" in schema or schema.get("type") == "boolean" for schema in schemas):
        names = [name_of(known) for known in values_of(schemas[0])] if len(parts) == 1 else _combined(model, parts)
        if value not in names:
            raise ValueError(f"{option} has no value {value}; it has: {', '.join(names[:20])}")


def _combined(model: CatalogModel, parts: list[str]) -> list[str]:
    names = [""]
    for part in parts:
        known = [name_of(value) for value in values_of(model.options[part])]
        names = [f"{start}{TOGETHER if start else ''}{name}" for start in names for name in known]
    return names
