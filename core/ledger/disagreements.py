"""What may not be: one query for each way in which numbers can disagree. Each answers `subject` and `detail`.

A query reads each table once and joins on keys, so that a million postings take seconds. `verification` runs them.
"""

from __future__ import annotations

from typing import Final

BALANCES: Final = {
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
            SELECT user_id,
                coalesce(-sum(amount) FILTER (WHERE kind IN ('generation', 'refund')), 0) AS spent,
                coalesce(sum(amount) FILTER (WHERE kind = 'deposit'), 0) AS deposited,
                coalesce(sum(amount) FILTER (WHERE kind IN ('bonus', 'referral')), 0) AS bonuses
            FROM (
                SELECT user_id, amount, type AS kind FROM botapp_transaction WHERE type <> 'reversal'
                UNION ALL
                SELECT reversal.user_id, reversal.amount, original.type
                FROM botapp_transaction AS reversal
                JOIN botapp_transaction AS original ON original.id = reversal.related_transaction_id
                WHERE reversal.type = 'reversal'
            ) AS moved
            GROUP BY user_id
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
}

CHARGES: Final = {
    "charge_differs_from_posting": """
        SELECT 'posting ' || posting.id AS subject,
            'took ' || -posting.amount || ', charge ' || coalesce(charge.amount::text, 'missing') AS detail
        FROM botapp_transaction AS posting LEFT JOIN botapp_charge AS charge ON charge.transaction_id = posting.id
        WHERE posting.type = 'generation' AND charge.amount IS DISTINCT FROM -posting.amount
    """,
    "charge_differs_from_refunds": """
        SELECT 'posting ' || charge.transaction_id AS subject,
            'charge says ' || charge.refunded || ' refunded, postings say ' || coalesce(refund.amount, 0) AS detail
        FROM botapp_charge AS charge LEFT JOIN (
            SELECT related_transaction_id, sum(amount) AS amount
            FROM botapp_transaction WHERE type = 'refund' GROUP BY 1
        ) AS refund ON refund.related_transaction_id = charge.transaction_id
        WHERE charge.refunded <> coalesce(refund.amount, 0)
    """,
    "refunds_above_charge": """
        SELECT 'posting ' || posting.id AS subject, 'took ' || -posting.amount || ', refunds gave ' || refund.amount
            AS detail
        FROM botapp_transaction AS posting JOIN (
            SELECT related_transaction_id, sum(amount) AS amount
            FROM botapp_transaction WHERE type = 'refund' GROUP BY 1
        ) AS refund ON refund.related_transaction_id = posting.id
        WHERE posting.type = 'generation' AND refund.amount > -posting.amount
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
        WHERE generation.user_id <> posting.user_id OR generation.cost <> -posting.amount
    """,
    "finished_but_unresolved": """
        SELECT 'generation ' || generation.run_code AS subject,
            generation.status || ', charge is ' || charge.state AS detail
        FROM botapp_genrequest AS generation JOIN botapp_charge AS charge USING (transaction_id)
        WHERE charge.state <> CASE generation.status WHEN 'done' THEN 'settled' WHEN 'error' THEN 'refunded'
            WHEN 'cancelled' THEN 'refunded' ELSE 'open' END
    """,
    "charged_other_than_quoted": """
        SELECT 'posting ' || id AS subject, 'took ' || -amount || ', quoted ' || (quote ->> 'tokens') AS detail
        FROM botapp_transaction WHERE type = 'generation' AND -amount IS DISTINCT FROM (quote ->> 'tokens')::numeric
    """,
}

PAYMENTS: Final = {
    "payment_without_deposit": """
        SELECT 'payment ' || payment.code AS subject, 'it is paid and made no deposit' AS detail
        FROM botapp_payment AS payment LEFT JOIN botapp_transaction AS deposit
            ON deposit.id = payment.transaction_id AND deposit.type = 'deposit'
        WHERE payment.status = 'paid' AND deposit.id IS NULL
    """,
    "deposit_without_payment": """
        SELECT 'posting ' || deposit.id AS subject,
            'user ' || deposit.user_id || ' was given ' || deposit.amount || ' for no payment' AS detail
        FROM botapp_transaction AS deposit LEFT JOIN botapp_payment AS payment ON payment.transaction_id = deposit.id
        WHERE deposit.type = 'deposit' AND payment.id IS NULL
    """,
    "deposit_differs_from_payment": """
        SELECT 'payment ' || payment.code AS subject, 'user ' || coalesce(payment.user_id::text, 'nobody') || ' for '
            || payment.tokens || ', deposit ' || deposit.id || ' says user ' || deposit.user_id || ' for '
            || deposit.amount || ' with key ' || deposit.idempotency_key AS detail
        FROM botapp_payment AS payment JOIN botapp_transaction AS deposit
            ON deposit.id = payment.transaction_id AND deposit.type = 'deposit'
        WHERE payment.user_id IS DISTINCT FROM deposit.user_id OR payment.tokens <> deposit.amount
            OR deposit.idempotency_key <> 'payment:' || payment.code
    """,
    "refunded_payment_keeps_tokens": """
        SELECT 'payment ' || payment.code AS subject,
            'it is ' || payment.status || ', posting ' || given.id || ' of ' || given.amount || ' was not taken back'
            AS detail
        FROM botapp_payment AS payment JOIN botapp_transaction AS given ON given.user_id = payment.user_id
            AND (given.id = payment.transaction_id
                OR given.related_transaction_id = payment.transaction_id AND given.type = 'bonus')
        LEFT JOIN botapp_transaction AS reversal
            ON reversal.related_transaction_id = given.id AND reversal.type = 'reversal'
        WHERE payment.status IN ('refunding', 'refunded') AND reversal.id IS NULL
    """,
    "reversal_of_kept_payment": """
        SELECT 'payment ' || payment.code AS subject,
            'it is ' || payment.status || ', posting ' || reversal.id || ' took its tokens back' AS detail
        FROM botapp_transaction AS reversal
        JOIN botapp_payment AS payment ON payment.transaction_id = reversal.related_transaction_id
        WHERE reversal.type = 'reversal' AND payment.status NOT IN ('refunding', 'refunded')
    """,
    "reversal_differs_from_original": """
        SELECT 'posting ' || reversal.id AS subject, 'user ' || reversal.user_id || ' lost ' || -reversal.amount
            || ', posting ' || original.id || ' gave ' || original.amount || ' to user ' || original.user_id AS detail
        FROM botapp_transaction AS reversal
        JOIN botapp_transaction AS original ON original.id = reversal.related_transaction_id
        WHERE reversal.type = 'reversal'
            AND (reversal.user_id <> original.user_id OR reversal.amount <> -original.amount)
    """,
    "unmatched_payment": """
        SELECT 'payment ' || code AS subject,
            coalesce(details #>> '{came,amount}', amount::text) || ' '
                || coalesce(details #>> '{came,currency}', currency)
                || ' over ' || gateway || ' in quarantine: ' || problem AS detail
        FROM botapp_payment WHERE status = 'quarantined'
    """,
}

BONUSES: Final = {
    "promo_counters_differ": """
        SELECT 'promo code ' || promo.code AS subject, 'says ' || promo.current_uses || ' uses, ' || promo.total_given
            || ' given; redemptions say ' || coalesce(used.times, 0) || ', ' || coalesce(used.given, 0) AS detail
        FROM botapp_promocode AS promo LEFT JOIN (
            SELECT redemption.promo_id, count(*) AS times, coalesce(sum(posting.amount), 0) AS given
            FROM botapp_promoredemption AS redemption
            LEFT JOIN botapp_transaction AS posting ON posting.id = redemption.transaction_id
            GROUP BY redemption.promo_id
        ) AS used ON used.promo_id = promo.id
        WHERE promo.current_uses <> coalesce(used.times, 0) OR promo.total_given <> coalesce(used.given, 0)
    """,
    "promo_bonus_without_redemption": """
        SELECT 'posting ' || posting.id AS subject, 'user ' || posting.user_id || ' was given ' || posting.amount
            || ' (' || posting.reason || ') for no use of a code' AS detail
        FROM botapp_transaction AS posting LEFT JOIN botapp_promoredemption AS redemption
            ON redemption.transaction_id = posting.id AND redemption.user_id = posting.user_id
        WHERE posting.type = 'bonus' AND posting.idempotency_key LIKE 'promo:%' AND redemption.id IS NULL
    """,
    "referral_differs_from_posting": """
        SELECT coalesce('referral ' || referral.id, 'posting ' || posting.id) AS subject,
            'posting says user ' || coalesce(posting.user_id::text, 'nobody') || ', the inviter is user '
            || coalesce(referral.inviter_id::text, 'nobody') AS detail
        FROM (SELECT * FROM botapp_transaction WHERE type = 'referral') AS posting
        FULL JOIN (SELECT * FROM botapp_referral WHERE transaction_id IS NOT NULL) AS referral
            ON referral.transaction_id = posting.id
        WHERE posting.user_id IS DISTINCT FROM referral.inviter_id
    """,
    "daily_reward_differs_from_posting": """
        SELECT coalesce('daily reward ' || reward.id, 'posting ' || posting.id) AS subject,
            'posting says user ' || coalesce(posting.user_id::text, 'nobody') || ', the reward is of user '
            || coalesce(reward.user_id::text, 'nobody') AS detail
        FROM (
            SELECT * FROM botapp_transaction WHERE type = 'bonus' AND idempotency_key LIKE 'daily:%'
        ) AS posting FULL JOIN botapp_dailyreward AS reward ON reward.transaction_id = posting.id
        WHERE posting.user_id IS DISTINCT FROM reward.user_id
    """,
}

ALL: Final = BALANCES | CHARGES | PAYMENTS | BONUSES
"""By the name under which a report shows it."""
