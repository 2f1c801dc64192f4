"""Every query about uploads, and the keys that their files have. Callers own the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Final

from core import db, media
from core.storage import StoredFile
from core.types import UserId
from core.uploads.states import TooManyUploads, Upload, UploadCode

# ruff: noqa: S608  The interpolated part is the constant COLUMNS.

COLUMNS: Final = "code, user_id, state, key, mime, size, width, height, seconds, refusal, created_at"
KINDS: Final = {
    "image/jpeg": media.MAX_IMAGE_BYTES,
    "image/png": media.MAX_IMAGE_BYTES,
    "image/webp": media.MAX_IMAGE_BYTES,
    "image/gif": media.MAX_IMAGE_BYTES,
    "image/bmp": media.MAX_IMAGE_BYTES,
    "video/mp4": media.MAX_VIDEO_BYTES,
    "video/quicktime": media.MAX_VIDEO_BYTES,
    "video/webm": media.MAX_VIDEO_BYTES,
}
"""What may be announced, and how many bytes of it."""

MOST_AN_HOUR: Final = 60
MOST_BYTES_A_DAY: Final = 2 * 1024**3
"""What one user may announce."""


async def find(user: UserId, code: UploadCode) -> Upload | None:
    """Return an upload of this user, in whatever state."""
    row = await db.fetch_one(f"SELECT {COLUMNS} FROM botapp_upload WHERE user_id = $1 AND code = $2", user, code)
    return None if row is None else Upload(**row)


async def get(user: UserId, code: UploadCode) -> Upload:
    """Return an upload that is known to be there."""
    found = await find(user, code)
    assert found is not None, code
    return found


async def known(user: UserId, digest: str) -> Upload | None:
    """Return the same file of the same user, kept for another while."""
    row = await db.fetch_one(
        f"""
        UPDATE botapp_upload SET used_at = now() WHERE user_id = $1 AND digest = $2 AND state = 'ready'
        RETURNING {COLUMNS}
        """,
        user,
        digest,
    )
    return None if row is None else Upload(**row)


async def insert(user: UserId, code: UploadCode, key: str, mime: str, size: int) -> None:
    """Add an expected upload."""
    await db.execute(
        "INSERT INTO botapp_upload (code, user_id, state, key, mime, size) VALUES ($1, $2, 'expected', $3, $4, $5)",
        *(code, user, key, mime, size),
    )


async def settle(user: UserId, code: UploadCode, file: StoredFile, digest: str) -> None:
    """Make an expected upload ready.

    Raises:
        asyncpg.UniqueViolationError: the user has a file of this digest already.
    """
    await db.execute(
        """
        UPDATE botapp_upload SET state = 'ready', key = $3, mime = $4, size = $5, width = $6, height = $7,
            seconds = $8, digest = $9, used_at = now()
        WHERE user_id = $1 AND code = $2 AND state = 'expected'
        """,
        *(user, code, file.key, file.mime, file.size, file.width, file.height, file.seconds, digest),
    )


async def touch(user: UserId, code: str) -> Upload | None:
    """Return a ready upload, kept for another while."""
    row = await db.fetch_one(
        f"""
        UPDATE botapp_upload SET used_at = now() WHERE user_id = $1 AND code = $2 AND state = 'ready'
        RETURNING {COLUMNS}
        """,
        user,
        code,
    )
    return None if row is None else Upload(**row)


async def codes_of(user: UserId, keys: Sequence[str]) -> dict[str, UploadCode]:
    """Return which upload each of these files is, as far as the user has it ready."""
    rows = await db.fetch(
        "SELECT key, code FROM botapp_upload WHERE user_id = $1 AND key = ANY($2) AND state = 'ready'", user, list(keys)
    )
    return {row["key"]: UploadCode(row["code"]) for row in rows}


async def lock(user: UserId, code: str) -> Upload | None:
    """Return an upload that is not removed, and keep others from changing it until the transaction ends."""
    row = await db.fetch_one(
        f"SELECT {COLUMNS} FROM botapp_upload WHERE user_id = $1 AND code = $2 AND state <> 'removed' FOR UPDATE",
        user,
        code,
    )
    return None if row is None else Upload(**row)


async def lock_user(user: UserId) -> None:
    """Let the uploads of one user come one after the other, so that none slips past the limit."""
    await db.fetch("SELECT 1 FROM botapp_tguser WHERE id = $1 FOR NO KEY UPDATE", user)


async def refuse(code: UploadCode, reason: str) -> None:
    """Write down that an expected upload is nothing for us."""
    sql = "UPDATE botapp_upload SET state = 'refused', refusal = $2 WHERE code = $1 AND state = 'expected'"
    await db.execute(sql, code, reason)


async def mark_removed(code: UploadCode) -> None:
    """Write down that the file of an upload is gone."""
    await db.execute("UPDATE botapp_upload SET state = 'removed' WHERE code = $1", code)


async def check_limits(user: UserId, size: int) -> None:
    """Look whether a user may announce so many bytes more.

    Raises:
        TooManyUploads: not now.
    """
    row = await db.fetch_one(
        """
        SELECT count(*) FILTER (WHERE created_at > now() - interval '1 hour') AS count, coalesce(sum(size), 0) AS bytes,
            min(created_at) FILTER (WHERE created_at > now() - interval '1 hour') AS first
        FROM botapp_upload WHERE user_id = $1 AND created_at > now() - interval '1 day'
        """,
        user,
    )
    assert row is not None
    if row["count"] >= MOST_AN_HOUR:
        over = row["first"] + timedelta(hours=1) - datetime.now(UTC)
        raise TooManyUploads(max(1, round(over.total_seconds())))
    if row["bytes"] + size > MOST_BYTES_A_DAY:
        raise TooManyUploads(round(timedelta(hours=1).total_seconds()))


async def is_in_use(upload: Upload) -> bool:
    """Say whether a generation that is being made, or an order that waits for tokens, needs the file."""
    return bool(
        await db.fetch_value(
            """
            SELECT EXISTS (SELECT 1 FROM botapp_genrequest WHERE user_id = $1 AND status IN ('queued', 'processing')
                AND input_images @> $2::jsonb)
            OR EXISTS (SELECT 1 FROM botapp_cart WHERE user_id = $1 AND images @> $2::jsonb)
            """,
            upload.user_id,
            db.to_json([{"key": upload.key}]),
        )
    )


async def awaits_bytes(key: str) -> bool:
    """Say whether an upload still waits for the bytes under this key."""
    code = PurePosixPath(key).stem
    return await db.fetch_value("SELECT 1 FROM botapp_upload WHERE code = $1 AND state = 'expected'", code) is not None


def files_of(upload: Upload) -> list[str]:
    """Return every key under which something of an upload may be: what was put, and what it was made into."""
    made = {key_of(upload.user_id, upload.code, mime) for mime in ("image/jpeg", "image/png", "video/mp4")}
    return sorted({upload.key, *incoming_keys(upload.code), *made})


def incoming_keys(code: UploadCode) -> set[str]:
    """Return every key under which the bytes of an upload may have been put."""
    return {incoming_key(code, mime) for mime in KINDS}


def incoming_key(code: UploadCode, mime: str) -> str:
    """Return where the bytes of an upload are put, before anybody looked at them."""
    return f"incoming/{code}.{media.extension(mime)}"


def key_of(user: UserId, code: UploadCode, mime: str) -> str:
    """Return where the file of an upload is kept. No other upload has the same."""
    return f"uploads/{user}/{code}.{media.extension(mime)}"
