"""The queries. Each reads by an index on time and returns one row per key; `GROUPING SETS` adds the one of all."""

from __future__ import annotations

from typing import Final

from core.statistics.figures import Grouping

# ruff: noqa: S608  The interpolated parts are the constants below.

NOT_TEST: Final = "user_id NOT IN (SELECT id FROM botapp_tguser WHERE is_test)"

_KEYS: Final = {
    # What a charge without its generation was for is in its quote; `nb ledger verify` finds it.
    Grouping.MODEL: "coalesce(model.slug, moved.quote ->> 'model', '')",
    Grouping.DAY: "to_char(moved.at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    Grouping.PROVIDER: "coalesce(generation.provider, '')",
}
_ENDED_KEYS: Final = {
    Grouping.MODEL: "model.slug",
    Grouping.DAY: "to_char(generation.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    Grouping.PROVIDER: "generation.provider",
}

_MOVED: Final = f"""
    SELECT id AS charge_id, quote, created_at AS at, -amount AS charged, 0.00 AS refunded
    FROM botapp_transaction
    WHERE type = 'generation' AND created_at >= $1 AND created_at < $2 AND {NOT_TEST}
    UNION ALL
    SELECT charge.id, charge.quote, posting.created_at, 0.00, posting.amount
    FROM botapp_transaction AS posting JOIN botapp_transaction AS charge ON charge.id = posting.related_transaction_id
    WHERE posting.type = 'refund' AND posting.created_at >= $1 AND posting.created_at < $2 AND posting.{NOT_TEST}
"""


def moved(by: Grouping) -> str:
    """Tokens charged and refunded by key and rate; a charge without a quote counts at the rate of today."""
    return f"""
        SELECT {_KEYS[by]} AS key,
            coalesce((moved.quote ->> 'rate')::numeric, (SELECT usd_to_token_rate FROM pricing_settings)) AS rate,
            count(*) FILTER (WHERE charged > 0) AS orders, sum(charged) AS charged, sum(refunded) AS refunded
        FROM ({_MOVED}) AS moved
            LEFT JOIN botapp_genrequest AS generation ON generation.transaction_id = moved.charge_id
            LEFT JOIN botapp_aimodel AS model ON model.id = generation.ai_model_id
        GROUP BY 1, 2
    """


_OF_MODEL: Final = "botapp_genrequest AS generation JOIN botapp_aimodel AS model ON model.id = generation.ai_model_id"
_ENDED_IN_IT: Final = f"generation.completed_at >= $1 AND generation.completed_at < $2 AND generation.{NOT_TEST}"

# A file that was made and could not be handed over cost its provider as much; it is counted where that was reported.
ENDED: Final = {
    by: f"""
        SELECT {key} AS key, grouping({key}) = 1 AS is_total,
            count(*) FILTER (WHERE status = 'done') AS done,
            count(*) FILTER (WHERE status = 'error') AS failed,
            count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
            count(*) FILTER (WHERE charge.refunded > 0) AS refunded,
            coalesce(sum(cost_usd), 0) AS reported_usd,
            count(*) FILTER (WHERE status = 'done' AND cost_usd IS NULL) AS estimated,
            percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (
                ORDER BY extract(epoch FROM completed_at - generation.created_at)::float
            ) FILTER (WHERE status = 'done') AS latencies
        FROM {_OF_MODEL} JOIN botapp_charge AS charge ON charge.transaction_id = generation.transaction_id
        WHERE {_ENDED_IN_IT} GROUP BY GROUPING SETS ((1), ())
    """
    for by, key in _ENDED_KEYS.items()
}

ESTIMATED: Final = {
    by: f"""
        SELECT {key} AS key, coalesce(sum((posting.quote ->> 'usd')::numeric), 0) AS usd
        FROM {_OF_MODEL} JOIN botapp_transaction AS posting ON posting.id = generation.transaction_id
        WHERE {_ENDED_IN_IT} AND status = 'done' AND cost_usd IS NULL GROUP BY 1
    """
    for by, key in _ENDED_KEYS.items()
}

FAILURES: Final = f"""
    SELECT model.slug AS model, error_code AS code, count(*) AS count,
        sum(count(*)) OVER (PARTITION BY model.slug) AS ended, status
    FROM {_OF_MODEL} WHERE {_ENDED_IN_IT}
    GROUP BY model.slug, status, error_code ORDER BY count(*) DESC, model.slug, error_code
"""

PAYMENTS: Final = f"""
    SELECT gateway, currency,
        count(*) FILTER (WHERE is_paid) AS payments,
        coalesce(sum(amount) FILTER (WHERE is_paid), 0) AS amount,
        coalesce(sum(tokens) FILTER (WHERE is_paid), 0.00) AS tokens,
        count(*) FILTER (WHERE is_refunded) AS refunds,
        coalesce(sum(amount) FILTER (WHERE is_refunded), 0) AS refunded,
        coalesce(sum(tokens) FILTER (WHERE is_refunded), 0.00) AS refunded_tokens
    FROM botapp_payment, LATERAL (SELECT paid_at >= $1 AND paid_at < $2 AS is_paid,
        refunded_at IS NOT NULL AND refunded_at >= $1 AND refunded_at < $2 AS is_refunded) AS moment
    WHERE transaction_id IS NOT NULL AND (is_paid OR is_refunded) AND {NOT_TEST}
    GROUP BY 1, 2 ORDER BY 1, 2
"""

PEOPLE: Final = f"""
    SELECT count(*) FILTER (WHERE created_at >= $1 AND created_at < $2) AS new,
        count(*) FILTER (WHERE created_at < $2) AS total,
        (SELECT count(DISTINCT user_id) FROM botapp_genrequest
            WHERE created_at >= $1 AND created_at < $2 AND {NOT_TEST}) AS active,
        (SELECT count(DISTINCT user_id) FROM botapp_payment
            WHERE transaction_id IS NOT NULL AND paid_at >= $1 AND paid_at < $2 AND {NOT_TEST}) AS paying
    FROM botapp_tguser WHERE NOT is_test
"""
