"""Input slots instead of two numbers, and the indexes that queues, uploads and refusals are read by."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from core import db

ID = "2026-11-22T19:00:00:000006"
VERSION = "1.38.0"
DESCRIPTION = "input slots, queue and upload indexes"

# What a model took as so many pictures, it takes as one slot of so many.
SLOTS = """
UPDATE botapp_aimodel SET inputs = jsonb_build_array(jsonb_build_object(
    'role', 'image', 'most', max_input_images, 'least', CASE WHEN needs_input_image THEN 1 ELSE 0 END
)) WHERE max_input_images > 0 AND inputs = '[]'
"""

INDEXES = """
CREATE INDEX genrequest_queued ON botapp_genrequest (provider, id) WHERE status = 'queued' AND stage = 'queued';
CREATE INDEX genrequest_at_provider ON botapp_genrequest (provider) WHERE status = 'processing'
    AND stage IN ('submitting', 'submitted');
CREATE INDEX genevent_looked_up ON botapp_genevent (generation_id) WHERE event = 'lookup';
CREATE INDEX genrequest_usual_time ON botapp_genrequest (ai_model_id, completed_at DESC) WHERE status = 'done';
CREATE INDEX genrequest_files_by_age ON botapp_genrequest (completed_at) WHERE files_removed_at IS NULL
    AND completed_at IS NOT NULL;
CREATE INDEX upload_by_age ON botapp_upload (used_at) WHERE state <> 'removed';
CREATE UNIQUE INDEX upload_kept_once ON botapp_upload (user_id, digest) WHERE state = 'ready' AND digest <> '';
CREATE INDEX refusal_newest_by_user ON botapp_refusal (user_id, at DESC);
"""

DOWN = """
DROP INDEX genrequest_queued, genrequest_at_provider, genevent_looked_up, genrequest_usual_time,
    genrequest_files_by_age, upload_by_age, upload_kept_once, refusal_newest_by_user;
"""


async def forwards() -> MigrationManager:
    """Carry the numbers over into slots, drop them, and add the indexes."""
    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)

    async def up() -> None:
        await db.execute(SLOTS)
        await db.execute(INDEXES)

    async def down() -> None:
        await db.execute(DOWN)

    manager.add_raw(up)
    manager.add_raw_backwards(down)
    for column in ("max_input_images", "needs_input_image"):
        manager.drop_column(
            table_class_name="AIModel", tablename="botapp_aimodel", column_name=column, db_column_name=column
        )
    return manager
