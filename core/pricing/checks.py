"""Whether prices are what they should be: cost times markup for every order, in the catalogue and in what was made.

A price is compared three times: with the cost it was made from, with what the tokens of it are sold for, and with what
providers report that the jobs of the last days really cost.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from core import catalog, db
from core.catalog import CatalogModel
from core.payments import packages
from core.payments.packages import CENTS_PER_STAR, Package
from core.pricing.fields import text_of
from core.pricing.options import combinations, priced_options, unknown_factors
from core.pricing.quotes import InvalidParams, Quote, quote
from providers.base import Json

MOST_FINDINGS_OF_A_KIND = 20
"""Orders of one model that are named; what is wrong with more is wrong with the model."""

LOST_BY_ROUNDING = Decimal("0.01")
"""Share of a price that rounding may take; very small prices lose more."""

_COSTS = """
    SELECT model.slug, options.chosen, count(*) AS jobs, sum(job.cost_usd) AS cost,
        sum((charge.quote->>'usd')::numeric) AS quoted
    FROM botapp_genrequest AS job
    JOIN botapp_aimodel AS model ON model.id = job.ai_model_id
    JOIN botapp_transaction AS charge ON charge.id = job.transaction_id
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(key, value), '{}') AS chosen FROM jsonb_each(job.generation_params)
        WHERE key = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb -> model.slug)))
    ) AS options
    WHERE job.cost_usd IS NOT NULL AND job.created_at > now() - $1::interval
    GROUP BY model.slug, options.chosen ORDER BY model.slug, options.chosen
"""


Kind = Literal["below_cost", "unpaid_quantity", "cheap_package", "reported_cost", "unknown_factor", "no_order"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a price that is not as it should be. `kind` is stable."""

    kind: Kind
    subject: str
    params: Mapping[str, Json]
    detail: str


@dataclass(slots=True)
class Report:
    """What was looked at and what was found. `partial` names models with too many combinations to look at each."""

    models: int = 0
    combinations: int = 0
    reported_jobs: int = 0
    partial: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when nothing was found."""
        return not self.findings


async def check(*, days: int = 7) -> Report:
    """Look at every order of every active model, at the packages, and at what the jobs of the last days cost."""
    report = Report()
    models = [model for model in await catalog.read() if model.is_active]
    for model in models:
        _check_model(model, report)
        # Thousands of quotes are a matter of computing; whoever waits for an answer of this process comes in between.
        await asyncio.sleep(0)
    report.findings += _cheap_packages(models, await packages.everything())
    await _check_costs(models, report, days)
    return report


def least_tokens(price: Quote) -> Decimal:
    """Tokens that cost times markup come to, before anything is rounded to whole hundredths."""
    exact = price.unit_cost_usd * price.units
    for chosen in price.factors:
        exact *= chosen.factor
    return exact * price.markup * price.rate


def _check_model(model: CatalogModel, report: Report) -> None:
    report.models += 1
    orders = combinations(model)
    report.combinations += len(orders.orders)
    if not orders.is_complete:
        report.partial.append(model.slug)
    findings = list(_findings(model, orders.orders))
    report.findings += findings[:MOST_FINDINGS_OF_A_KIND]
    if not orders.orders:
        report.findings.append(Finding("no_order", model.slug, {}, "no order of it is valid, so nobody can use it"))
    for option, value in unknown_factors(model):
        detail = f"the factor of {option} {value} belongs to no value that can be chosen"
        report.findings.append(Finding("unknown_factor", model.slug, {}, detail))


def _findings(model: CatalogModel, orders: list[Mapping[str, Json]]) -> Iterator[Finding]:
    for params in orders:
        price = quote(model, params)
        needed = least_tokens(price)
        if price.tokens < needed * (1 - LOST_BY_ROUNDING):
            detail = f"{price.tokens} tokens are below cost times markup, {text_of(needed)}"
            yield Finding("below_cost", model.slug, params, detail)
    yield from _free_pictures(model)


def _free_pictures(model: CatalogModel) -> Iterator[Finding]:
    """More results than one for the price of one: whoever orders four pays for one."""
    most = model.options.get("quantity", {}).get("maximum", 1)
    if most <= 1:
        return
    try:
        one, many = quote(model, {"quantity": 1}), quote(model, {"quantity": most})
    except InvalidParams:
        return
    if many.tokens <= one.tokens:
        detail = f"{most} results cost {many.tokens} tokens, one costs {one.tokens}"
        yield Finding("unpaid_quantity", model.slug, {"quantity": most}, detail)


def _cheap_packages(models: list[CatalogModel], sold: list[Package]) -> Iterator[Finding]:
    if not models:
        return
    rate = models[0].rate
    for package in sold:
        for paid_in, dollars in _prices_of(package):
            if package.tokens > dollars * rate:
                share = (1 - dollars * rate / package.tokens) * 100
                detail = (
                    f"{text_of(package.tokens)} tokens for USD {text_of(dollars)} {paid_in}: {share:.1f} % below"
                    f" {text_of(rate)} tokens per USD, so every price paid with them is below cost times markup"
                )
                yield Finding("cheap_package", package.code, {}, detail)


def _prices_of(package: Package) -> Iterator[tuple[str, Decimal]]:
    yield "in money", package.price_usd
    if package.stars:
        yield "in Stars", package.stars * CENTS_PER_STAR / 100


async def _check_costs(models: list[CatalogModel], report: Report, days: int) -> None:
    options = {model.slug: priced_options(model) for model in models}
    rows = await db.fetch(_COSTS, timedelta(days=days), db.to_json(options))
    report.reported_jobs = sum(row["jobs"] for row in rows)
    for row in rows:
        if row["slug"] in options and row["cost"] > row["quoted"]:
            detail = (
                f"{row['jobs']} jobs of the last {days} days cost USD {text_of(row['cost'])} by their provider's"
                f" report; their quotes expected USD {text_of(row['quoted'])}"
            )
            report.findings.append(Finding("reported_cost", row["slug"], json.loads(row["chosen"]), detail))
