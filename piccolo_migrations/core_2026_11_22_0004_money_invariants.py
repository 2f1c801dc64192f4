"""Reversals in the statement, the one-way states of payments, limits of promo codes, records that nobody edits."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from core import db

ID = "2026-11-22T15:30:00:000004"
VERSION = "1.38.0"
DESCRIPTION = "reversals, payment states, promo limits, append-only records"

# A reversal takes back what a deposit or bonus gave: all of it, from the same user, once.
REVERSALS_ARE_WELL_FORMED = """
ALTER TABLE botapp_transaction DROP CONSTRAINT transaction_kind_fits_its_content;
ALTER TABLE botapp_transaction ADD CONSTRAINT transaction_kind_fits_its_content CHECK (
    CASE type
        WHEN 'generation' THEN amount < 0 AND quote IS NOT NULL AND related_transaction_id IS NULL
        WHEN 'refund' THEN amount > 0 AND related_transaction_id IS NOT NULL
        WHEN 'reversal' THEN amount < 0 AND related_transaction_id IS NOT NULL
        WHEN 'deposit' THEN amount > 0
        WHEN 'bonus' THEN amount > 0
        WHEN 'referral' THEN amount > 0
        WHEN 'admin' THEN reason <> ''
        ELSE false
    END
);
CREATE UNIQUE INDEX transaction_is_reversed_once ON botapp_transaction (related_transaction_id) WHERE type = 'reversal';
"""

POSTINGS_MOVE_THE_BALANCE = """
CREATE OR REPLACE FUNCTION botapp_apply_posting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- What kind of total the posting moves: a reversal moves the one that its original moved.
    kind text := NEW.type;
BEGIN
    IF NEW.balance_after < 0 THEN
        RAISE EXCEPTION 'the balance of user % is too low', NEW.user_id USING ERRCODE = 'check_violation',
            CONSTRAINT = 'userbalance_is_never_negative', DETAIL = (NEW.balance_after - NEW.amount)::text;
    END IF;
    IF NEW.type = 'reversal' THEN
        SELECT original.type INTO kind FROM botapp_transaction AS original
            WHERE original.id = NEW.related_transaction_id AND original.user_id = NEW.user_id
                AND original.amount = -NEW.amount AND original.type IN ('deposit', 'bonus', 'referral');
        IF NOT FOUND THEN
            RAISE EXCEPTION 'posting % gave this user no % tokens', NEW.related_transaction_id, -NEW.amount
                USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_takes_back_what_was_given';
        END IF;
    END IF;
    UPDATE botapp_userbalance SET
        balance = balance + NEW.amount,
        total_spent = total_spent + CASE WHEN kind IN ('generation', 'refund') THEN -NEW.amount ELSE 0 END,
        total_deposited = total_deposited + CASE WHEN kind = 'deposit' THEN NEW.amount ELSE 0 END,
        bonus_balance = bonus_balance + CASE WHEN kind IN ('bonus', 'referral') THEN NEW.amount ELSE 0 END,
        updated_at = now()
    WHERE user_id = NEW.user_id;

    IF NEW.type = 'generation' THEN
        INSERT INTO botapp_charge (transaction_id, amount) VALUES (NEW.id, -NEW.amount);
    ELSIF NEW.type = 'refund' THEN
        UPDATE botapp_charge AS charge SET
            refunded = charge.refunded + NEW.amount,
            state = CASE WHEN charge.refunded + NEW.amount = charge.amount THEN 'refunded' ELSE charge.state END,
            resolved_at = CASE WHEN charge.refunded + NEW.amount = charge.amount THEN now() END
        FROM botapp_transaction AS original
        WHERE charge.transaction_id = NEW.related_transaction_id AND charge.state = 'open'
            AND original.id = charge.transaction_id AND original.user_id = NEW.user_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'posting % is not an open charge of this user', NEW.related_transaction_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_resolves_once';
        END IF;
    END IF;
    RETURN NULL;
END $$;
"""

PAYMENTS_ARE_WELL_FORMED = """
ALTER TABLE botapp_payment ADD CONSTRAINT payment_status_fits_its_content CHECK (
    CASE
        WHEN status IN ('pending', 'failed', 'expired') THEN
            user_id IS NOT NULL AND package_code IS NOT NULL AND amount > 0 AND tokens > 0 AND transaction_id IS NULL
        WHEN status = 'paid' THEN
            user_id IS NOT NULL AND package_code IS NOT NULL AND amount > 0 AND tokens > 0 AND paid_at IS NOT NULL
            AND external_id IS NOT NULL AND transaction_id IS NOT NULL
        WHEN status IN ('refunding', 'refunded') THEN
            external_id IS NOT NULL AND (status = 'refunding' OR refunded_at IS NOT NULL)
        WHEN status = 'quarantined' THEN external_id IS NOT NULL AND transaction_id IS NULL AND problem <> ''
        WHEN status = 'dismissed' THEN transaction_id IS NULL AND problem <> ''
        ELSE false
    END
);
CREATE INDEX payment_to_check ON botapp_payment (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX payment_newest_by_user ON botapp_payment (user_id, id DESC);
CREATE INDEX payment_open ON botapp_payment (id) WHERE status IN ('refunding', 'quarantined');
"""

# What was agreed stays; money that arrived never becomes money that did not.
PAYMENTS_MOVE_FORWARD = """
CREATE FUNCTION botapp_payment_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'payments are kept' USING ERRCODE = 'integrity_constraint_violation',
            CONSTRAINT = 'payment_is_kept';
    END IF;
    IF NEW.status <> OLD.status AND NOT (CASE OLD.status
            WHEN 'pending' THEN NEW.status IN ('paid', 'failed', 'expired', 'quarantined')
            WHEN 'failed' THEN NEW.status IN ('paid', 'quarantined')
            WHEN 'expired' THEN NEW.status IN ('paid', 'failed', 'quarantined')
            WHEN 'paid' THEN NEW.status IN ('refunding', 'refunded')
            WHEN 'refunding' THEN NEW.status = 'refunded'
            WHEN 'quarantined' THEN NEW.status IN ('refunding', 'refunded', 'dismissed')
            ELSE false
        END) THEN
        RAISE EXCEPTION 'payment % is %, it does not become %', OLD.code, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_moves_forward';
    END IF;
    IF (NEW.code, NEW.gateway, NEW.user_id, NEW.package_code, NEW.tokens, NEW.amount, NEW.currency)
            IS DISTINCT FROM (OLD.code, OLD.gateway, OLD.user_id, OLD.package_code, OLD.tokens, OLD.amount, OLD.currency)
            OR OLD.transaction_id IS NOT NULL AND NEW.transaction_id IS DISTINCT FROM OLD.transaction_id
            OR OLD.external_id IS NOT NULL AND NEW.external_id IS DISTINCT FROM OLD.external_id
                AND NEW.status <> 'dismissed' THEN
        RAISE EXCEPTION 'what payment % is about does not change', OLD.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_is_what_was_agreed';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER payment_moves_forward BEFORE UPDATE OR DELETE ON botapp_payment
    FOR EACH ROW EXECUTE FUNCTION botapp_payment_moves_forward();
CREATE TRIGGER payment_is_not_truncated BEFORE TRUNCATE ON botapp_payment
    FOR EACH STATEMENT EXECUTE FUNCTION botapp_statement_is_append_only();
"""

# The code's row is locked by the redemption, so that 200 of them in a second are counted one after the other.
PROMO_CODES_STAY_WITHIN_THEIR_LIMITS = """
ALTER TABLE botapp_promocode ADD CONSTRAINT promocode_is_upper_case CHECK (code = upper(code) AND code <> '');
ALTER TABLE botapp_promocode ADD CONSTRAINT promocode_limits_are_positive CHECK (
    (max_uses IS NULL OR max_uses > 0) AND max_uses_per_user > 0 AND min_deposit >= 0
    AND (max_bonus IS NULL OR max_bonus > 0) AND (budget IS NULL OR budget > 0)
    AND (valid_until IS NULL OR valid_until > valid_from)
);

CREATE FUNCTION botapp_count_redemption() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE botapp_promocode SET current_uses = current_uses + 1
        WHERE id = NEW.promo_id AND NEW.number <= max_uses_per_user;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the code was used by user % as often as it may be', NEW.user_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'promo_stays_within_its_limit_per_user';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER redemption_is_counted BEFORE INSERT ON botapp_promoredemption
    FOR EACH ROW EXECUTE FUNCTION botapp_count_redemption();
"""

REFERRALS_MAKE_NO_LOOPS = """
ALTER TABLE botapp_referral ADD CONSTRAINT referral_is_of_somebody_else CHECK (inviter_id <> invitee_id);

CREATE FUNCTION botapp_referral_makes_no_loop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One referral at a time: two that together make a loop would not see each other otherwise.
    PERFORM pg_advisory_xact_lock(7205759404);
    IF EXISTS (
        WITH RECURSIVE inviters (id) AS (
            SELECT NEW.inviter_id
            UNION
            SELECT referral.inviter_id FROM botapp_referral AS referral JOIN inviters ON referral.invitee_id = inviters.id
        )
        SELECT 1 FROM inviters WHERE id = NEW.invitee_id
    ) THEN
        RAISE EXCEPTION 'user % was invited by user %', NEW.inviter_id, NEW.invitee_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'referral_makes_no_loop';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER referral_makes_no_loop BEFORE INSERT ON botapp_referral
    FOR EACH ROW EXECUTE FUNCTION botapp_referral_makes_no_loop();
"""

# An audit event gets its result in the transaction that wrote it, and is never touched again.
RECORDS_ARE_KEPT = """
CREATE FUNCTION botapp_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.result IS NULL AND to_jsonb(NEW) - 'result' = to_jsonb(OLD) - 'result' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'integrity_constraint_violation',
        CONSTRAINT = 'audit_is_append_only';
END $$;

CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON botapp_auditevent
    FOR EACH ROW EXECUTE FUNCTION botapp_audit_is_append_only();
CREATE TRIGGER audit_is_not_truncated BEFORE TRUNCATE ON botapp_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION botapp_statement_is_append_only();
CREATE TRIGGER pricerevision_is_append_only BEFORE UPDATE OR DELETE ON botapp_pricerevision
    FOR EACH ROW EXECUTE FUNCTION botapp_statement_is_append_only();
CREATE TRIGGER pricerevision_is_not_truncated BEFORE TRUNCATE ON botapp_pricerevision
    FOR EACH STATEMENT EXECUTE FUNCTION botapp_statement_is_append_only();
CREATE INDEX auditevent_newest ON botapp_auditevent (at DESC, id DESC);
"""

UP = (
    REVERSALS_ARE_WELL_FORMED,
    POSTINGS_MOVE_THE_BALANCE,
    PAYMENTS_ARE_WELL_FORMED,
    PAYMENTS_MOVE_FORWARD,
    PROMO_CODES_STAY_WITHIN_THEIR_LIMITS,
    REFERRALS_MAKE_NO_LOOPS,
    RECORDS_ARE_KEPT,
)

# The way back drops what this migration added; the function of postings stays, since it does all that the first one did.
DOWN = """
DROP TRIGGER pricerevision_is_append_only ON botapp_pricerevision;
DROP TRIGGER pricerevision_is_not_truncated ON botapp_pricerevision;
DROP TRIGGER audit_is_not_truncated ON botapp_auditevent;
DROP TRIGGER payment_is_not_truncated ON botapp_payment;
DROP FUNCTION botapp_audit_is_append_only, botapp_referral_makes_no_loop, botapp_count_redemption,
    botapp_payment_moves_forward CASCADE;
DROP INDEX auditevent_newest, payment_to_check, payment_newest_by_user, payment_open, transaction_is_reversed_once;
ALTER TABLE botapp_referral DROP CONSTRAINT referral_is_of_somebody_else;
ALTER TABLE botapp_promocode DROP CONSTRAINT promocode_is_upper_case, DROP CONSTRAINT promocode_limits_are_positive;
ALTER TABLE botapp_payment DROP CONSTRAINT payment_status_fits_its_content;
"""


async def forwards() -> MigrationManager:
    """Add the triggers, constraints and indexes."""
    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)

    async def up() -> None:
        for statement in UP:
            await db.execute(statement)

    async def down() -> None:
        await db.execute(DOWN)

    manager.add_raw(up)
    manager.add_raw_backwards(down)
    return manager
