"""Invariants that column definitions cannot express: triggers of the ledger, partial indexes, remaining CHECKs."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from core import db

ID = "2026-11-22T14:00:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "ledger triggers, partial indexes"

STATEMENT_IS_APPEND_ONLY = """
CREATE FUNCTION botapp_statement_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: post a correction instead', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transaction_is_append_only';
END $$;

CREATE TRIGGER transaction_is_append_only BEFORE UPDATE OR DELETE ON botapp_transaction
    FOR EACH ROW EXECUTE FUNCTION botapp_statement_is_append_only();
CREATE TRIGGER transaction_is_not_truncated BEFORE TRUNCATE ON botapp_transaction
    FOR EACH STATEMENT EXECUTE FUNCTION botapp_statement_is_append_only();
"""

POSTINGS_ARE_WELL_FORMED = """
ALTER TABLE botapp_transaction ADD CONSTRAINT transaction_kind_fits_its_content CHECK (
    CASE type
        WHEN 'generation' THEN amount < 0 AND quote IS NOT NULL AND related_transaction_id IS NULL
        WHEN 'refund' THEN amount > 0 AND related_transaction_id IS NOT NULL
        WHEN 'deposit' THEN amount > 0
        WHEN 'bonus' THEN amount > 0
        WHEN 'referral' THEN amount > 0
        WHEN 'admin' THEN reason <> ''
        ELSE false
    END
);
"""

# A posting takes its number while it holds the balance row: the column's default is drawn before that, and postings of one
# user that came at once would stand in another order than their running balance. The balance is written after the insert,
# so that a posting skipped by ON CONFLICT leaves it alone.
POSTINGS_MOVE_THE_BALANCE = """
CREATE FUNCTION botapp_number_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT balance + NEW.amount INTO NEW.balance_after
        FROM botapp_userbalance WHERE user_id = NEW.user_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'user % has no balance', NEW.user_id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'transaction_has_a_balance';
    END IF;
    NEW.id := nextval('botapp_transaction_id_seq');
    RETURN NEW;
END $$;

CREATE FUNCTION botapp_apply_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.balance_after < 0 THEN
        RAISE EXCEPTION 'the balance of user % is too low', NEW.user_id USING ERRCODE = 'check_violation',
            CONSTRAINT = 'userbalance_is_never_negative', DETAIL = (NEW.balance_after - NEW.amount)::text;
    END IF;
    UPDATE botapp_userbalance SET
        balance = balance + NEW.amount,
        total_spent = total_spent + CASE WHEN NEW.type IN ('generation', 'refund') THEN -NEW.amount ELSE 0 END,
        total_deposited = total_deposited + CASE WHEN NEW.type = 'deposit' THEN NEW.amount ELSE 0 END,
        bonus_balance = bonus_balance + CASE WHEN NEW.type IN ('bonus', 'referral') THEN NEW.amount ELSE 0 END,
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

CREATE TRIGGER transaction_is_numbered BEFORE INSERT ON botapp_transaction
    FOR EACH ROW EXECUTE FUNCTION botapp_number_posting();
CREATE TRIGGER transaction_moves_the_balance AFTER INSERT ON botapp_transaction
    FOR EACH ROW EXECUTE FUNCTION botapp_apply_posting();
"""

BALANCES_MOVE_ONLY_BY_POSTINGS = """
CREATE FUNCTION botapp_balance_moves_only_by_postings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 AND (TG_OP = 'DELETE' OR TG_OP = 'INSERT' AND NEW.balance <> 0
            OR TG_OP = 'UPDATE' AND (NEW.balance, NEW.user_id) IS DISTINCT FROM (OLD.balance, OLD.user_id)) THEN
        RAISE EXCEPTION 'a balance moves only by postings: insert into botapp_transaction'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'userbalance_moves_only_by_postings';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER userbalance_moves_only_by_postings BEFORE INSERT OR UPDATE OR DELETE ON botapp_userbalance
    FOR EACH ROW EXECUTE FUNCTION botapp_balance_moves_only_by_postings();
CREATE TRIGGER userbalance_is_not_truncated BEFORE TRUNCATE ON botapp_userbalance
    FOR EACH STATEMENT EXECUTE FUNCTION botapp_statement_is_append_only();
"""

CHARGES_RESOLVE_ONCE = """
CREATE FUNCTION botapp_charge_resolves_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'open' OR NEW.amount <> OLD.amount OR NEW.transaction_id <> OLD.transaction_id
            OR NEW.refunded < OLD.refunded THEN
        RAISE EXCEPTION 'charge % is resolved', OLD.transaction_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_resolves_once';
    END IF;
    IF NEW.refunded <> OLD.refunded AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'a refund is a posting: insert into botapp_transaction'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_moves_only_by_postings';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION botapp_charge_opens_by_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'a charge is opened by a posting: insert into botapp_transaction'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_moves_only_by_postings';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER charge_resolves_once BEFORE UPDATE OR DELETE ON botapp_charge
    FOR EACH ROW EXECUTE FUNCTION botapp_charge_resolves_once();
CREATE TRIGGER charge_opens_by_posting BEFORE INSERT ON botapp_charge
    FOR EACH ROW EXECUTE FUNCTION botapp_charge_opens_by_posting();
CREATE TRIGGER charge_is_not_truncated BEFORE TRUNCATE ON botapp_charge
    FOR EACH STATEMENT EXECUTE FUNCTION botapp_statement_is_append_only();

ALTER TABLE botapp_charge ADD CONSTRAINT charge_is_refunded_when_nothing_is_left CHECK (
    (state = 'refunded') = (refunded = amount)
);
"""

INDEXES = """
CREATE INDEX genrequest_due ON botapp_genrequest (next_action_at) WHERE next_action_at IS NOT NULL;
CREATE INDEX genrequest_running_by_user ON botapp_genrequest (user_id) WHERE status IN ('queued', 'processing');
CREATE INDEX genrequest_newest ON botapp_genrequest (created_at DESC, id DESC);
CREATE INDEX genrequest_newest_by_user ON botapp_genrequest (user_id, created_at DESC, id DESC);
CREATE INDEX transaction_newest_by_user ON botapp_transaction (user_id, id DESC);
CREATE INDEX inbox_pending ON botapp_inbox (source, id) WHERE handled_at IS NULL;
CREATE INDEX inbox_by_subject ON botapp_inbox (source, subject, id);
CREATE INDEX charge_open ON botapp_charge (created_at) WHERE state = 'open';
"""

UP = (
    STATEMENT_IS_APPEND_ONLY,
    POSTINGS_ARE_WELL_FORMED,
    POSTINGS_MOVE_THE_BALANCE,
    BALANCES_MOVE_ONLY_BY_POSTINGS,
    CHARGES_RESOLVE_ONCE,
    INDEXES,
)

DOWN = """
DROP INDEX genrequest_due, genrequest_running_by_user, genrequest_newest, genrequest_newest_by_user,
    transaction_newest_by_user, inbox_pending, inbox_by_subject, charge_open;
DROP FUNCTION botapp_charge_opens_by_posting, botapp_charge_resolves_once, botapp_balance_moves_only_by_postings, botapp_apply_posting,
    botapp_number_posting, botapp_statement_is_append_only CASCADE;
ALTER TABLE botapp_transaction DROP CONSTRAINT transaction_kind_fits_its_content;
ALTER TABLE botapp_charge DROP CONSTRAINT charge_is_refunded_when_nothing_is_left;
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
