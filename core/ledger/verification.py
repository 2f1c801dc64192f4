"""Proves that balances, statement, charges and generations agree."""

from __future__ import annotations

from dataclasses import dataclass

from core import db


@dataclass(frozen=True, slots=True)
class Problem:
    """One disagreement: what kind, whose, and the numbers."""

    kind: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` looked at and found."""

    users: int
    postings: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """True when everything agrees."""
        return not self.problems


_CHECKS = {
    "balance_differs_from_statement": """
        SELECT 'user ' || user_id AS subject,
            'balance ' || coalesce(balance.balance::text, 'is missing') || ', postings ' || coalesce(total.amount, 0)
            AS detail
        FROM botapp_userbalance AS balance FULL JOIN (
            SELECT user_id, sum(amount) AS amount FROM botapp_transaction GROUP BY user_id
        ) AS total USING (user_id)
        WHERE balance.balance IS DISTINCT FROM coalesce(total.amount, 0)
    """,
    "totals_differ_from_statement": """
        SELECT 'user ' || user_id AS subject, 'spent ' || balance.total_spent || ', postings ' || total.spent
            || '; deposited ' || balance.total_deposited || ', postings ' || total.deposited
            || '; bonuses ' || balance.bonus_balance || ', postings ' || total.bonuses AS detail
        FROM botapp_userbalance AS balance JOIN (
            SELECT posting.user_id,
                coalesce(-sum(posting.amount) FILTER (WHERE moved.type IN ('generation', 'refund')), 0) AS spent,
                coalesce(sum(posting.amount) FILTER (WHERE moved.type = 'deposit'), 0) AS deposited,
                coalesce(sum(posting.amount) FILTER (WHERE moved.type IN ('bonus', 'referral')), 0) AS bonuses
            FROM botapp_transaction AS posting JOIN botapp_transaction AS moved
                ON moved.id = CASE posting.type WHEN 'reversal' THEN posting.related_transaction_id ELSE posting.id END
            GROUP BY posting.user_id
        ) AS total USING (user_id)
        WHERE (balance.total_spent, balance.total_deposited, balance.bonus_balance)
            <> (total.spent, total.deposited, total.bonuses)
    """,
    "balance_after_is_wrong": """
        SELECT 'posting ' || id AS subject, 'says ' || balance_after || ', running sum ' || running AS detail FROM (
            SELECT id, balance_after, sum(amount) OVER (PARTITION BY user_id ORDER BY id) AS running
            FROM botapp_transaction
        ) AS numbered WHERE balance_after <> running
    """,
    "charge_differs_from_posting": """
        SELECT 'posting ' || posting.id AS subject,
            'took ' || -posting.amount || ', charge ' || coalesce(charge.amount::text, 'missing') AS detail
        FROM botapp_transaction AS posting LEFT JOIN botapp_charge AS charge ON charge.transaction_id = posting.id
        WHERE posting.type = 'generation' AND charge.amount IS DISTINCT FROM -posting.amount
    """,
    "charge_differs_from_refunds": """
        SELECT 'posting ' || charge.transaction_id AS subject,
            'charge says ' || charge.refunded || ' refunded, postings say ' || coalesce(sum(refund.amount), 0) AS detail
        FROM botapp_charge AS charge LEFT JOIN botapp_transaction AS refund
            ON refund.related_transaction_id = charge.transaction_id AND refund.type = 'refund'
        GROUP BY charge.id HAVING charge.refunded <> coalesce(sum(refund.amount), 0)
    """,
    "refund_of_no_charge": """
        SELECT 'posting ' || refund.id AS subject,
            'returns posting ' || refund.related_transaction_id || ', no charge of user ' || refund.user_id AS detail
        FROM botapp_transaction AS refund LEFT JOIN botapp_transaction AS charge ON charge.type = 'generation'
            AND charge.id = refund.related_transaction_id AND charge.user_id = refund.user_id
        WHERE refund.type = 'refund' AND charge.id IS NULL
    """,
    "charge_without_generation": """
        SELECT 'posting ' || posting.id AS subject, posting.amount || ' taken for no generation' AS detail
        FROM botapp_transaction AS posting LEFT JOIN botapp_genrequest AS generation
            ON generation.transaction_id = posting.id
        WHERE posting.type = 'generation' AND generation.id IS NULL
    """,
    "generation_differs_from_charge": """
        SELECT 'generation ' || generation.run_code AS subject,
            'user ' || generation.user_id || ' for ' || generation.cost || ', posting says user ' || posting.user_id
            || ' for ' || -posting.amount AS detail
        FROM botapp_genrequest AS generation
        JOIN botapp_transaction AS posting ON posting.id = generation.transaction_id
        WHERE (generation.user_id, generation.cost) <> (posting.user_id, -posting.amount)
    """,
    "finished_but_unresolved": """
        SELECT 'generation ' || generation.run_code AS subject,
            generation.status || ', charge is ' || charge.state AS detail
        FROM botapp_genrequest AS generation JOIN botapp_charge AS charge USING (transaction_id)
        WHERE (generation.status = 'done' AND charge.state <> 'settled')
            OR (generation.status IN ('error', 'cancelled') AND charge.state <> 'refunded')
            OR (generation.status IN ('queued', 'processing') AND charge.state <> 'open')
    """,
    "charged_other_than_quoted": """
        SELECT 'posting ' || id AS subject, 'took ' || -amount || ', quoted ' || (quote ->> 'tokens') AS detail
        FROM botapp_transaction WHERE type = 'generation' AND -amount IS DISTINCT FROM (quote ->> 'tokens')::numeric
    """,
}

SHOWN = 100
"""Problems of one kind that a report names; more would not help whoever reads it."""


async def verify() -> Report:
    """Look for every disagreement between balances, postings, charges and generations, in one snapshot."""
    problems: list[Problem] = []
    async with db.transaction():
        await db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for kind, sql in _CHECKS.items():
            rows = await db.fetch(f"{sql} LIMIT {SHOWN}")
            problems += [Problem(kind, row["subject"], row["detail"]) for row in rows]
        users = await db.fetch_value("SELECT count(*) FROM botapp_userbalance")
        postings = await db.fetch_value("SELECT count(*) FROM botapp_transaction")
    return Report(users=users, postings=postings, problems=tuple(problems))
