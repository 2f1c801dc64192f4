"""The indexes that faults, the agents' log and the statistics of a period are read by."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from core import db

ID = "2026-11-22T22:00:00:000008"
VERSION = "1.38.0"
DESCRIPTION = "error and agents' log indexes"

INDEXES = """
CREATE INDEX boterrorevent_by_kind ON botapp_boterrorevent (fingerprint, occurred_at DESC);
CREATE INDEX boterrorevent_by_age ON botapp_boterrorevent (last_at);
CREATE INDEX boterrorevent_open ON botapp_boterrorevent (severity, last_at DESC) WHERE status <> 'resolved';
CREATE INDEX boterrorevent_by_trace ON botapp_boterrorevent (trace_id) WHERE trace_id <> '';
CREATE INDEX boterrorevent_by_generation ON botapp_boterrorevent (gen_request_id) WHERE gen_request_id IS NOT NULL;
CREATE INDEX boterrorevent_by_chat ON botapp_boterrorevent (chat_id) WHERE chat_id IS NOT NULL;
CREATE INDEX boterrorevent_by_user ON botapp_boterrorevent (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX boterrorevent_also ON botapp_boterrorevent USING gin ((extra -> 'also') jsonb_path_ops);
CREATE INDEX agentlog_newest ON botapp_agentlog (date DESC, id DESC);
CREATE INDEX transaction_of_jobs_by_time ON botapp_transaction (created_at) WHERE type IN ('generation', 'refund');
CREATE INDEX tguser_test ON botapp_tguser (id) WHERE is_test;
CREATE INDEX genrequest_by_end ON botapp_genrequest (completed_at) WHERE completed_at IS NOT NULL;
"""

DOWN = """
DROP INDEX IF EXISTS boterrorevent_by_kind, boterrorevent_by_age, boterrorevent_open, boterrorevent_by_trace,
    boterrorevent_by_generation, boterrorevent_by_chat, boterrorevent_by_user, boterrorevent_also, agentlog_newest,
    transaction_of_jobs_by_time, tguser_test, genrequest_by_end;
"""


async def forwards() -> MigrationManager:
    """Add the indexes."""
    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)

    async def up() -> None:
        await db.execute(INDEXES)

    async def down() -> None:
        await db.execute(DOWN)

    manager.add_raw(up)
    manager.add_raw_backwards(down)
    return manager
