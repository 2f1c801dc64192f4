"""What past jobs would have brought at another price.

Jobs whose tokens were kept count; what was returned in part counts in part. What a job cost is what its provider
reported, and the cost in its quote where the provider reports none: the two are counted apart. A token is worth what
the rate of today makes it, at both prices, since an edit does not change what people paid for the tokens they have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from core import db
from core.catalog import CatalogModel
from core.pricing.options import priced_options
from core.pricing.quotes import InvalidParams, price
from core.types import Tokens, in_tokens
from providers.base import Json

MOST_DAYS = 365

_USD = Decimal("0.01")
_TENTH = Decimal("0.1")

_JOBS = """
    SELECT options.chosen, count(*) AS jobs, sum(kept.tokens) AS tokens, sum(kept.share) AS share,
        coalesce(sum(job.cost_usd), 0) AS reported_usd, count(job.cost_usd) AS reported_jobs,
        coalesce(sum(CASE WHEN job.cost_usd IS NULL THEN (charge_row.quote->>'usd')::numeric END), 0) AS quoted_usd
    FROM botapp_genrequest AS job
    JOIN botapp_transaction AS charge_row ON charge_row.id = job.transaction_id
    JOIN botapp_charge AS charge ON charge.transaction_id = job.transaction_id
    CROSS JOIN LATERAL (
        SELECT charge.amount - charge.refunded AS tokens, (charge.amount - charge.refunded) / charge.amount AS share
    ) AS kept
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(key, value), '{}') AS chosen FROM jsonb_each(job.generation_params)
        WHERE key = ANY($3::text[])
    ) AS options
    WHERE job.ai_model_id = $1 AND job.created_at > now() - $2::interval AND charge.refunded < charge.amount
    GROUP BY options.chosen
"""


@dataclass(frozen=True, slots=True)
class Replay:
    """Past jobs of one model, or of several added up.

    Attributes:
        tokens: what users paid and did not get back.
        tokens_new: what they would have paid.
        reported_usd: cost of the jobs whose provider reported it; `reported_jobs` says of how many.
        quoted_usd: cost of the others by their quotes, `quoted_usd_new` by the quotes of the new price.
        rate: tokens that one USD buys today.
        unpriced_jobs: jobs whose options the new price cannot price; they are in no other figure.
    """

    jobs: int
    tokens: Tokens
    tokens_new: Tokens
    reported_jobs: int
    reported_usd: Decimal
    quoted_usd: Decimal
    quoted_usd_new: Decimal
    rate: Decimal
    unpriced_jobs: int = 0

    @property
    def revenue_usd(self) -> Decimal:
        """What the tokens were worth."""
        return _usd(self.tokens / self.rate)

    @property
    def revenue_usd_new(self) -> Decimal:
        """What they would have been worth."""
        return _usd(self.tokens_new / self.rate)

    @property
    def cost_usd(self) -> Decimal:
        """What the jobs cost us, as far as is known."""
        return _usd(self.reported_usd + self.quoted_usd)

    @property
    def cost_usd_new(self) -> Decimal:
        """The same, with the new price's idea of what is not reported."""
        return _usd(self.reported_usd + self.quoted_usd_new)

    @property
    def margin(self) -> Decimal | None:
        """What was left of the revenue, in percent; None without any."""
        return _margin(self.revenue_usd, self.cost_usd)

    @property
    def margin_new(self) -> Decimal | None:
        """What would have been left."""
        return _margin(self.revenue_usd_new, self.cost_usd_new)


async def replay(before: CatalogModel, after: CatalogModel, *, days: int) -> Replay:
    """Price the last days' jobs of a model again. The database groups them, so that many jobs are few prices."""
    names = sorted({*priced_options(before), *priced_options(after)})
    rows = await db.fetch(_JOBS, before.id, timedelta(days=days), names)
    total = _nothing(before.rate)
    for row in rows:
        total = add(total, _group(row, before, after))
    return total


def add(one: Replay, other: Replay) -> Replay:
    """Both together."""
    return Replay(
        jobs=one.jobs + other.jobs,
        tokens=one.tokens + other.tokens,
        tokens_new=one.tokens_new + other.tokens_new,
        reported_jobs=one.reported_jobs + other.reported_jobs,
        reported_usd=one.reported_usd + other.reported_usd,
        quoted_usd=one.quoted_usd + other.quoted_usd,
        quoted_usd_new=one.quoted_usd_new + other.quoted_usd_new,
        rate=one.rate,
        unpriced_jobs=one.unpriced_jobs + other.unpriced_jobs,
    )


async def replay_all(pairs: list[tuple[CatalogModel, CatalogModel]], *, days: int) -> Replay:
    """Price the last days' jobs of every model again, after an edit of the settings."""
    total = _nothing(pairs[0][0].rate)
    for before, after in pairs:
        total = add(total, await replay(before, after, days=days))
    return total


def _group(row: db.Row, before: CatalogModel, after: CatalogModel) -> Replay:
    chosen: Mapping[str, Json] = json.loads(row["chosen"])
    try:
        new = price(after, chosen)
    except InvalidParams:
        return replace(_nothing(before.rate), unpriced_jobs=row["jobs"])
    return Replay(
        jobs=row["jobs"],
        tokens=row["tokens"],
        tokens_new=in_tokens(new.tokens * row["share"]),
        reported_jobs=row["reported_jobs"],
        reported_usd=row["reported_usd"],
        quoted_usd=row["quoted_usd"],
        quoted_usd_new=new.usd * (row["jobs"] - row["reported_jobs"]),
        rate=before.rate,
    )


def _nothing(rate: Decimal) -> Replay:
    return Replay(0, Decimal(0), Decimal(0), 0, Decimal(0), Decimal(0), Decimal(0), rate)


def _usd(amount: Decimal) -> Decimal:
    return amount.quantize(_USD, rounding=ROUND_HALF_UP)


def _margin(revenue: Decimal, cost: Decimal) -> Decimal | None:
    return ((revenue - cost) / revenue * 100).quantize(_TENTH, rounding=ROUND_HALF_UP) if revenue else None
