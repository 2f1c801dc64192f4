"""Operators' edits of a model: name, place, limits, end, activity. Prices are edited in `core.pricing.revisions`.

Everything here runs inside the caller's transaction. A model is never deleted, since generations name it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core import db
from core.catalog import service
from core.catalog.models import CatalogModel, UnknownModel

STEP: Final = 10
"""Distance between the places of two models in the order."""

LONGEST_NAME: Final = 60
A_DAY: Final = 86_400

_COLUMNS: Final = (
    "display_name",
    "order",
    "cooldown_seconds",
    "daily_limit",
    "deadline_seconds",
    "retires_at",
    "successor",
    "is_active",
)

Fields = Mapping[str, Any]
"""Columns and their new values; None takes a limit, an end or a successor away."""


class InvalidModel(Exception):
    """A value cannot be; every problem is named."""

    code = "invalid_model"

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{name}: {message}" for name, message in problems))


@dataclass(frozen=True, slots=True)
class Edited:
    """A model before and after."""

    before: CatalogModel
    after: CatalogModel


async def edit(slug: str, fields: Fields) -> Edited:
    """Change a model. Generations under way keep what they were ordered with.

    Raises:
        UnknownModel: there is no such model.
        InvalidModel: a value cannot be.
    """
    before = await service.lock(slug)
    problems = [(name, problem) for name, value in fields.items() if (problem := _CHECKS[name](value))]
    successor = fields.get("successor")
    if successor == slug:
        problems.append(("successor", "a model cannot follow itself"))
    elif successor is not None:
        await service.find(successor)
    if problems:
        raise InvalidModel(problems)
    for name in _COLUMNS:
        if name in fields:
            await db.execute(
                f'UPDATE botapp_aimodel SET "{name}" = $2, updated_at = now() WHERE slug = $1',  # noqa: S608  ours
                slug,
                fields[name],
            )
    service.forget()
    return Edited(before, await service.find(slug))


async def arrange(slugs: Sequence[str]) -> list[CatalogModel]:
    """Show these models first, in this order; the others follow as they did. Return all of them.

    Raises:
        UnknownModel: there is no such model.
        InvalidModel: one is named twice.
    """
    await db.execute("LOCK TABLE botapp_aimodel IN SHARE ROW EXCLUSIVE MODE")
    everything = [model.slug for model in await service.read()]
    repeated = sorted({slug for slug in slugs if list(slugs).count(slug) > 1})
    if repeated:
        raise InvalidModel([("slugs", f"{', '.join(repeated)} is named twice")])
    for slug in slugs:
        if slug not in everything:
            raise UnknownModel(slug, everything)
    for place, slug in enumerate([*slugs, *(slug for slug in everything if slug not in slugs)], start=1):
        await db.execute(
            'UPDATE botapp_aimodel SET "order" = $2, updated_at = now() WHERE slug = $1', slug, place * STEP
        )
    service.forget()
    return await service.read()


def _name(value: Any) -> str:  # noqa: ANN401  What an operator sent.
    fits = isinstance(value, str) and value.strip() and len(value) <= LONGEST_NAME and value.isprintable()
    return "" if fits else f"a name is one line of 1 to {LONGEST_NAME} characters"


def _between(least: int, most: int, *, may_be_none: bool = False) -> Callable[[Any], str]:
    def check(value: Any) -> str:  # noqa: ANN401
        if value is None and may_be_none:
            return ""
        return "" if isinstance(value, int) and least <= value <= most else f"{value} is not between {least} and {most}"

    return check


def _moment(value: Any) -> str:  # noqa: ANN401
    fits = value is None or (isinstance(value, datetime) and value.tzinfo is not None)
    return "" if fits else "an end is a moment with a time zone"


_CHECKS: Final[Mapping[str, Callable[[Any], str]]] = {
    "display_name": _name,
    "order": _between(0, 100_000),
    "cooldown_seconds": _between(0, A_DAY),
    "daily_limit": _between(1, 100_000, may_be_none=True),
    "deadline_seconds": _between(30, A_DAY),
    "retires_at": _moment,
    "successor": lambda value: "",  # noqa: ARG005  looked up in the catalogue
    "is_active": lambda value: "" if isinstance(value, bool) else "is yes or no",
}
