"""Whether the catalogue can be offered: ends, successors, labels, conditions, slots, routes, follow-ups.

What is wrong with a model is `failed`; what is to be thought about soon, or is missing only here, is a `warning`.
Prices are looked at by `core.pricing.checks`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from core.catalog.models import CatalogModel, InputSlot
from core.pricing.options import priced_options, values_of
from core.pricing.quotes import InvalidParams, name_of, validate
from providers.base import Json

LANGUAGES: Final = ("ru", "en")

DEARER: Final = ("resolution", "quality", "mode", "sound", "size", "speed")
"""Parts of the names of options whose choices are known to cost a vendor more."""

FREE: Final = "x-free"
"""In the schema of an option: its choices cost the same, or are paid by something else."""

_SPEAKS_FOR_ITSELF: Final = re.compile(r"[\d.]+|\d+:\d+|\d+[pKk]|auto")
"""Values that people read without a name: numbers, shapes, resolutions."""

Level = Literal["failed", "warning"]
Kind = Literal[
    "ended",
    "ends_soon",
    "no_successor",
    "unpriced_option",
    "no_label",
    "bad_schema",
    "bad_default",
    "bad_slot",
    "bad_route",
    "unknown_provider",
    "no_route",
    "bad_follow_up",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a model that is not as it should be. `kind` is stable."""

    level: Level
    kind: Kind
    subject: str
    detail: str


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    models: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when nothing has failed; warnings may be there."""
        return all(finding.level == "warning" for finding in self.findings)


def check(models: Iterable[CatalogModel], known: Collection[str], *, days: int = 30) -> Report:
    """Look at every model that is not switched off.

    Args:
        known: providers that there are adapters for, configured or not.
        days: an end within so many days is told of.
    """
    everything = {model.slug: model for model in models}
    report = Report()
    for model in everything.values():
        if not model.is_active:
            continue
        report.models += 1
        report.findings += _end(model, everything, days)
        if not model.is_retired:
            report.findings += _form(model)
            report.findings += _slots(model)
            report.findings += _routes(model, known)
            report.findings += _follow_ups(model, everything)
    report.findings.sort(key=lambda finding: finding.level)
    return report


def _end(model: CatalogModel, everything: Mapping[str, CatalogModel], days: int) -> Iterator[Finding]:
    if model.retires_at is None:
        return
    left = model.retires_at - datetime.now(UTC)
    if left > timedelta(days=days):
        return
    when = f"{model.retires_at:%Y-%m-%d}"
    successor = everything.get(model.successor or "")
    if successor is None or not successor.is_active or successor.is_retired:
        named = f"{model.successor} cannot be used" if model.successor else "none is named"
        detail = f"ends on {when}" if left > timedelta(0) else f"ended on {when}"
        yield Finding("failed", "no_successor", model.slug, f"{detail}, and of a successor {named}")
    elif left > timedelta(0):
        yield Finding("warning", "ends_soon", model.slug, f"ends on {when}; then comes {model.successor}")
    else:
        yield Finding("warning", "ended", model.slug, f"ended on {when}; people are sent to {model.successor}")


def _form(model: CatalogModel) -> Iterator[Finding]:
    try:
        Draft202012Validator.check_schema(model.params_schema)
    except SchemaError as error:
        yield Finding("failed", "bad_schema", model.slug, error.message[:200])
        return
    if not all(model.purpose.get(language) for language in LANGUAGES):
        yield Finding("failed", "no_label", model.slug, "its purpose is not told in ru and en")
    required = model.params_schema.get("required", ())
    given = {name: values_of(model.options[name])[:1] for name in required if name in model.options}
    try:
        validate(model, {name: values[0] for name, values in given.items() if values})
    except InvalidParams as error:
        yield Finding("failed", "bad_default", model.slug, f"its defaults cannot be ordered: {error}"[:200])
    priced = priced_options(model)
    for name, schema in model.options.items():
        yield from _labels(model, name, schema)
        is_choice = len(values_of(schema)) > 1
        if is_choice and name not in priced and not schema.get(FREE) and any(part in name for part in DEARER):
            yield Finding(
                "warning", "unpriced_option", model.slug, f"no choice of {name} has a factor, nor is it {FREE}"
            )


def _labels(model: CatalogModel, name: str, schema: Mapping[str, Any]) -> Iterator[Finding]:
    missing = [language for language in LANGUAGES if not schema.get("x-label", {}).get(language)]
    if missing:
        yield Finding("failed", "no_label", model.slug, f"{name} has no label in {' and '.join(missing)}")
    labels = schema.get("x-labels", {})
    for value in schema.get("enum", ()):
        own = labels.get(name_of(value))
        if own is None and not _SPEAKS_FOR_ITSELF.fullmatch(name_of(value)):
            yield Finding(
                "failed", "no_label", model.slug, f"{name} {value} has no label, and does not speak for itself"
            )
        elif own is not None and not all(own.get(language) for language in LANGUAGES):
            yield Finding("failed", "no_label", model.slug, f"{name} {value} is not labelled in both languages")


def _slots(model: CatalogModel) -> Iterator[Finding]:
    for slot in model.inputs:
        for detail in _slot_problems(model, slot):
            yield Finding("failed", "bad_slot", model.slug, f"slot {slot.role.value} {detail}")
    needed = [slot for slot in model.inputs if slot.least]
    for number, slot in enumerate(needed):
        for other in needed[number + 1 :]:
            if not slot.goes_with(other):
                both = f"{slot.role.value} and {other.role.value}"
                yield Finding("failed", "bad_slot", model.slug, f"{both} are both required and exclude each other")


def _slot_problems(model: CatalogModel, slot: InputSlot) -> Iterator[str]:
    roles = [other.role for other in model.inputs]
    if roles.count(slot.role) > 1:
        yield "is there more than once"
    if not 0 <= slot.least <= slot.most or slot.most < 1:
        yield f"takes from {slot.least} to {slot.most}"
    for role in sorted(slot.needs | slot.excludes | slot.fewer.keys()):
        if role not in roles:
            yield f"speaks of {role.value}, which is no slot"
    for role in sorted(slot.needs):
        other = model.slot(role)
        if other is not None and not slot.goes_with(other):
            yield f"needs {role.value} and excludes it"
    yield from _unknown_values(model, slot.requires)
    if slot.label and not all(slot.label.get(language) for language in LANGUAGES):
        yield "is not labelled in both languages"
    filled = {slot.role, *slot.needs, *(other.role for other in model.inputs if other.least)}
    if model.all_routes and not any(route.takes is None or route.takes >= filled for route in model.all_routes):
        yield "is taken by no route"


def _routes(model: CatalogModel, known: Collection[str]) -> Iterator[Finding]:
    roles = {slot.role for slot in model.inputs}
    for route in model.all_routes:
        if route.provider not in known:
            yield Finding(
                "failed", "unknown_provider", model.slug, f"a route leads to {route.provider}, which is unknown"
            )
        for detail in _unknown_values(model, route.requires):
            yield Finding("failed", "bad_route", model.slug, f"the route to {route.provider} {detail}")
        if strangers := sorted(role.value for role in (route.takes or frozenset()) - roles):
            detail = f"the route to {route.provider} takes {', '.join(strangers)}, which is no slot"
            yield Finding("failed", "bad_route", model.slug, detail)
    if not model.routes:
        providers = ", ".join(dict.fromkeys(route.provider for route in model.all_routes)) or "none"
        yield Finding("warning", "no_route", model.slug, f"no provider of it is configured here ({providers})")


def _follow_ups(model: CatalogModel, everything: Mapping[str, CatalogModel]) -> Iterator[Finding]:
    for follow_up in model.follow_ups:
        target = everything.get(follow_up.model)
        if target is None:
            detail = f"{follow_up.kind.value} leads to {follow_up.model}, which does not exist"
        elif not target.is_active or target.is_retired:
            detail = f"{follow_up.kind.value} leads to {follow_up.model}, which is switched off or has ended"
        else:
            continue
        yield Finding("failed", "bad_follow_up", model.slug, detail)


def _unknown_values(model: CatalogModel, required: Mapping[str, tuple[Json, ...]]) -> Iterator[str]:
    for name, values in required.items():
        if name not in model.options:
            yield f"requires the option {name}, which does not exist"
            continue
        known = list(map(name_of, values_of(model.options[name])))
        if strangers := [name_of(value) for value in values if name_of(value) not in known]:
            yield f"requires {name} {', '.join(strangers)}, which cannot be chosen"
