"""Small pictures of results for lists, made when somebody first looks at one: most are seen in the chat alone."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from PIL import Image
from redis.exceptions import RedisError

from core import db, redis
from core.generations import repository
from core.generations.states import Generation, Status
from core.logs import get_logger
from core.media import ffmpeg, pictures
from core.media.errors import UnusableMedia
from core.queue import outbox, task
from core.storage import FileNotStored, StoredFile, storage
from core.temporary import temporary_file

log = get_logger(__name__)

SIDE: Final = 320
"""Pixels of the longer side: sharp on a telephone in a row of three."""

QUALITY: Final = 72
MIME: Final = "image/webp"
WISHED_FOR_S: Final = 120
"""Seconds in which a wish is not repeated."""

FRAME_LIMIT_S: Final = 20.0
FRAME_AT: Final = 0.5
"""Seconds into a film: many begin in black."""

HAS_ONE: Final = ("image/", "video/")


def is_missing(file: StoredFile) -> bool:
    """Whether a file should have a thumbnail and nobody has tried to make it."""
    return file.thumbnail is None and file.mime.startswith(HAS_ONE)


async def wish(generations: Sequence[Generation]) -> None:
    """Have the thumbnails made that are missing. Without Redis nobody remembers wishes, and none is made."""
    wanted = [
        one.run_code
        for one in generations
        if one.status is Status.DONE and one.files_removed_at is None and any(map(is_missing, one.results))
    ]
    try:
        new = [code for code in wanted if await redis.client().set(f"nb:thumbnail:{code}", 1, nx=True, ex=WISHED_FOR_S)]
    except (OSError, RedisError) as error:
        log.warning("thumbnails.not_wished", error=type(error).__name__)
        return
    if new:
        async with db.transaction():
            for code in new:
                await outbox.publish_later("media.thumbnails", {"run_code": code})
        await outbox.flush()


@task("media.thumbnails")
async def make(run_code: str) -> None:
    """Make what is missing of one generation. What cannot be made is noted, so that it is not tried again."""
    generation = await repository.get(run_code)
    if generation.files_removed_at is not None or not any(map(is_missing, generation.results)):
        return
    results = [await _with_thumbnail(file) if is_missing(file) else file for file in generation.results]
    # Results of what is done change no more, so two workers at once write the same; files may have been removed.
    is_kept = await db.execute(
        """
        UPDATE botapp_genrequest SET results = $2
        WHERE run_code = $1 AND status = 'done' AND files_removed_at IS NULL
        """,
        run_code,
        db.to_json([file.to_dict() for file in results]),
    )
    if not is_kept:
        await storage().delete_many(file.thumbnail for file in results if file.thumbnail)


async def _with_thumbnail(file: StoredFile) -> StoredFile:
    key = f"{file.key.rpartition('.')[0]}-small.webp"
    async with temporary_file() as original, temporary_file(".png") as frame:
        try:
            await storage().fetch_to(file.key, original)
            if file.mime.startswith("video/"):
                await _first_frame(original, frame)
            small = await asyncio.to_thread(shrunk, frame if file.mime.startswith("video/") else original)
        except (FileNotStored, UnusableMedia, ffmpeg.FfmpegFailed) as error:
            log.warning("thumbnails.not_made", key=file.key, error=type(error).__name__)
            return replace(file, thumbnail="")
    await storage().put(key, small, mime=MIME)
    return replace(file, thumbnail=key)


def shrunk(picture: bytes | Path) -> bytes:
    """A small copy of a picture.

    Raises:
        UnusableMedia: it cannot be decoded.
    """
    image = pictures.opened(picture, (SIDE, SIDE))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    mode = "RGBA" if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info else "RGB"
    image.convert(mode).save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()


async def _first_frame(film: Path, picture: Path) -> None:
    for start in (("-ss", str(FRAME_AT)), ()):
        scaled = f"scale='min({SIDE},iw)':'min({SIDE},ih)':force_original_aspect_ratio=decrease"
        await ffmpeg.run(
            [
                *start,
                "-i",
                f"file:{film}",
                "-map",
                "0:v:0",
                "-frames:v",
                "1",
                "-vf",
                scaled,
                "-f",
                "image2",
                str(picture),
            ],
            time_limit=FRAME_LIMIT_S,
        )
        if await asyncio.to_thread(picture.exists):
            return
    raise ffmpeg.FfmpegFailed("it has no frame")
