"""What users gave and what was made for them is kept for a while, and then removed: by beat, in parts, resumably.

Nothing goes that a generation which is being made or an order that waits for tokens needs. Files go first and their
rows are marked after, in one transaction with their lock: who is interrupted removes the same files once more.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from core import db, storage, temporary
from core.generations import repository
from core.queue import task
from core.storage.local import LocalStorage
from core.uploads import rows
from core.uploads.states import Upload, UploadCode

log = structlog.get_logger(__name__)

UNFINISHED: Final = timedelta(hours=24)
"""After which bytes that never came, or that nobody had looked at, are not waited for."""

UNUSED: Final = timedelta(days=30)
"""After which a file goes that no order has named since."""

LATE: Final = timedelta(hours=3)
"""Bytes may be put once more with a ticket after they were looked at. For so long after `UNFINISHED` they are swept."""

AT_ONCE: Final = 100
"""Rows that one transaction locks."""

MOST_PARTS: Final = 50
"""Parts of one run. The next run goes on."""

_kept_days = 0


# ruff: noqa: S608  The interpolated parts are constants of this service.
# The files that a running generation or a waiting order was given.
BUSY: Final = """
    SELECT image ->> 'key' FROM botapp_genrequest, jsonb_array_elements(input_images) AS image
    WHERE status IN ('queued', 'processing')
    UNION ALL SELECT image ->> 'key' FROM botapp_cart, jsonb_array_elements(images) AS image
"""


_FINISHED: Final = f"""
    SELECT id, results, input_images FROM botapp_genrequest AS old
    WHERE completed_at < now() - $1::interval AND files_removed_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM botapp_genrequest AS child
        WHERE child.parent_request_id = old.id AND child.status IN ('queued', 'processing'))
    AND NOT EXISTS (SELECT 1 FROM botapp_cart AS cart WHERE cart.parent = old.run_code)
    AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(old.results || old.input_images) AS file
        WHERE file ->> 'key' IN ({BUSY}))
    ORDER BY completed_at LIMIT $2 FOR UPDATE OF old SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Removed:
    """What a run removed."""

    unfinished: int
    unused: int
    results: int
    temporary: int


def configure(*, results_kept_days: int) -> None:
    """Say for how many days results are kept; 0 is for ever."""
    global _kept_days
    _kept_days = results_kept_days


@task("retention.sweep")
async def sweep() -> None:
    """Remove what is too old. While the storage is away, nothing is marked as removed."""
    try:
        removed = await run()
    except storage.StorageUnavailable as error:
        log.warning("retention.postponed", error=str(error))
        return
    log.info("retention.swept", **{name: getattr(removed, name) for name in Removed.__slots__})


async def run() -> Removed:
    """Remove what is too old and say how much it was.

    Raises:
        core.storage.StorageError: the storage did not do it; what is not marked is tried again by the next run.
    """
    abandoned = await asyncio.to_thread(_remove_temporary)
    await _sweep_late_bytes()
    return Removed(
        unfinished=await _in_parts(_remove_unfinished),
        unused=await _in_parts(_remove_unused),
        results=await _in_parts(_remove_results) if _kept_days else 0,
        temporary=abandoned,
    )


async def _in_parts(remove: Callable[[], Awaitable[int]]) -> int:
    total = 0
    for _ in range(MOST_PARTS):
        count = await remove()
        total += count
        if count < AT_ONCE:
            break
    return total


async def _remove_unfinished() -> int:
    async with db.transaction():
        found = await _locked_uploads("state = 'expected' AND created_at < now() - $1::interval", UNFINISHED)
        return await _remove_uploads(found)


async def _remove_unused() -> int:
    condition = f"state IN ('ready', 'refused') AND used_at < now() - $1::interval AND key NOT IN ({BUSY})"
    async with db.transaction():
        return await _remove_uploads(await _locked_uploads(condition, UNUSED))


async def _sweep_late_bytes() -> None:
    """Remove what was put with a ticket after its upload was over. Our own web refuses it; Supabase cannot."""
    if isinstance(storage.storage(), LocalStorage):
        return
    found = await db.fetch(
        """
        SELECT code, mime FROM botapp_upload WHERE state <> 'expected'
        AND created_at BETWEEN now() - $1::interval AND now() - $2::interval ORDER BY id LIMIT 5000
        """,
        UNFINISHED + LATE,
        UNFINISHED,
    )
    keys = [key for row in found for key in rows.incoming_keys(UploadCode(row["code"]))]
    await storage.storage().delete_many(keys)


async def _remove_results() -> int:
    """Remove what was made, and what was fetched to make it from, of generations that ended long ago."""
    async with db.transaction():
        found = await db.fetch(_FINISHED, timedelta(days=_kept_days), AT_ONCE)
        keys = {row["id"]: _keys_in(row["results"]) + _own(_keys_in(row["input_images"])) for row in found}
        await storage.storage().delete_many(key for some in keys.values() for key in some)
        await db.execute("UPDATE botapp_genrequest SET files_removed_at = now() WHERE id = ANY($1)", list(keys))
        for generation, some in keys.items():
            if some:
                await repository.tell(generation, "files_removed", files=len(some), after_days=_kept_days)
    return len(found)


def _keys_in(files: str) -> list[str]:
    listed = json.loads(files)
    return [file["key"] for file in listed] + [file["thumbnail"] for file in listed if file.get("thumbnail")]


def _own(keys: list[str]) -> list[str]:
    """Of inputs, those that belong to one generation: not what its user gave, and no result of another one."""
    return [key for key in keys if not key.startswith(("uploads/", "results/"))]


def _remove_temporary() -> int:
    removed = temporary.remove_abandoned(temporary.folder())
    files = storage.storage()
    if isinstance(files, LocalStorage):
        removed += temporary.remove_abandoned(files.incoming)
    return removed


async def _locked_uploads(condition: str, age: timedelta) -> list[Upload]:
    found = await db.fetch(
        f"SELECT {rows.COLUMNS} FROM botapp_upload WHERE {condition} ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
        age,
        AT_ONCE,
    )
    return [Upload(**row) for row in found]


async def _remove_uploads(found: list[Upload]) -> int:
    await storage.storage().delete_many(key for upload in found for key in rows.files_of(upload))
    await db.execute(
        "UPDATE botapp_upload SET state = 'removed' WHERE code = ANY($1)", [upload.code for upload in found]
    )
    return len(found)
