"""Pictures and videos that users give: kept from the chat, or put into storage by the Mini App and then checked.

What is kept was looked at by its bytes and made clean: pictures anew, without EXIF; videos copied, without metadata. A
row is `expected` while its file is on its way, `ready` when an order may use it, `refused` when it turned out to be
nothing for us, and `removed` when its file is gone. Limits are per user, so that nobody fills the storage.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

import asyncpg

from core import db, media, storage
from core.logs import get_logger
from core.media.kinds import HEAD, video_type
from core.storage import FileNotStored, StoredFile, UploadTicket
from core.temporary import temporary_file
from core.types import IdempotencyKey, UserId
from core.uploads import rows
from core.uploads.states import (
    UnknownUpload,
    Upload,
    UploadCode,
    UploadInUse,
    UploadKeyReused,
    UploadNotReady,
    UploadRefused,
)

logger = get_logger(__name__)

TICKET_LIFETIME: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _Clean:
    """A file made clean: its bytes for a picture, its path for a video."""

    data: bytes | Path
    mime: str
    width: int
    height: int
    seconds: float
    digest: str


async def keep(user: UserId, data: bytes | Path, *, only: Literal["image", "video"] | None = None) -> StoredFile:
    """Check, clean and keep a picture or video that came by chat. The same file of the same user is kept once.

    Raises:
        core.media.UnusableMedia: it is neither, or not the one that is asked for, or too large or long; the subclass
            says which.
        core.storage.StorageUnavailable: it cannot be kept now.
    """
    async with temporary_file() as source, temporary_file(".mp4") as target:
        if isinstance(data, bytes):
            await asyncio.to_thread(source.write_bytes, data)
        clean = await _cleaned(source if isinstance(data, bytes) else data, target, only)
        known = await rows.known(user, clean.digest)
        if known is not None:
            return known.file
        code = UploadCode(uuid.uuid4().hex)
        # The row comes first: whatever happens to this process, the file will be found and removed.
        await rows.insert(user, code, rows.incoming_key(code, clean.mime), clean.mime, 0)
        size = await storage.storage().put(rows.key_of(user, code, clean.mime), clean.data, mime=clean.mime)
    return (await _settle(user, code, clean, size)).file


async def expect(user: UserId, mime: str, size: int, key: IdempotencyKey) -> Upload:
    """Announce a file. Repeating the call with the same key returns the same upload.

    Raises:
        UploadRefused: a type that we do not take, or more bytes of it than we take.
        TooManyUploads: this user's limits.
        UploadKeyReused: see there.
    """
    most = rows.KINDS.get(mime)
    if most is None:
        raise UploadRefused("heic_not_supported" if mime in {"image/heic", "image/heif"} else "kind_not_supported")
    if size > most:
        raise UploadRefused("video_too_large" if mime.startswith("video/") else "image_too_large")
    code = UploadCode(hashlib.sha256(f"upload:{key}".encode()).hexdigest()[:32])
    async with db.transaction():
        await rows.lock_user(user)
        known = await rows.find(user, code)
        if known is None:
            await rows.check_limits(user, size)
            await rows.insert(user, code, rows.incoming_key(code, mime), mime, size)
            known = await rows.get(user, code)
    if known.state == "expected" and (known.mime, known.size) != (mime, size):
        raise UploadKeyReused(code)
    return known


async def ticket(upload: Upload) -> UploadTicket:
    """Return how the bytes of an expected upload are put into storage."""
    return await storage.storage().upload_ticket(
        upload.key, mime=upload.mime, most_bytes=upload.size, lifetime=TICKET_LIFETIME
    )


async def complete(user: UserId, code: UploadCode) -> Upload:
    """Look at a file that was put into storage, and make it ready. Repeating it changes nothing.

    Raises:
        UnknownUpload: see there.
        UploadNotReady: the bytes are not there.
        UploadRefused: they are nothing for us; the file was removed.
        core.storage.StorageUnavailable: it cannot be looked at now.
    """
    upload = await find(user, code)
    if upload.state != "expected":
        return upload
    async with temporary_file() as source, temporary_file(".mp4") as target:
        try:
            await _fetch(upload, source)
            clean = await _cleaned(source, target)
        except FileNotStored:
            again = await find(user, code)
            if again.state == "expected":
                raise UploadNotReady(code) from None
            return again
        except (media.UnusableMedia, UploadRefused) as error:
            await _refuse(upload, error.code)
            raise UploadRefused(error.code, str(error)) from None
        size = await storage.storage().put(rows.key_of(user, code, clean.mime), clean.data, mime=clean.mime)
    settled = await _settle(user, code, clean, size, is_shared=False)
    await storage.storage().delete(upload.key)
    if settled.state == "removed":
        # Somebody took it back meanwhile.
        await storage.storage().delete_many(rows.files_of(settled))
        raise UnknownUpload(code)
    return settled


async def find(user: UserId, code: str) -> Upload:
    """Return an upload of this user.

    Raises:
        UnknownUpload: there is none, or its file was removed.
        UploadRefused: its file was nothing for us.
    """
    found = await rows.find(user, UploadCode(code))
    if found is None or found.state == "removed":
        raise UnknownUpload(code[:64])
    if found.state == "refused":
        raise UploadRefused(found.refusal)
    return found


async def of(user: UserId, code: str) -> StoredFile:
    """Return the file of an upload for an order, and keep it for another while.

    Raises:
        UnknownUpload, UploadRefused: see `find`.
        UploadNotReady: the file has not been looked at.
    """
    found = await rows.touch(user, code)
    if found is None:
        raise UploadNotReady((await find(user, code)).code)
    return found.file


async def remove(user: UserId, code: str) -> None:
    """Remove an upload and its file. A missing one is no error.

    Raises:
        UploadInUse: see there.
    """
    async with db.transaction():
        upload = await rows.lock(user, code)
        if upload is None:
            return
        if await rows.is_in_use(upload):
            raise UploadInUse(code)
        await storage.storage().delete_many(rows.files_of(upload))
        await rows.mark_removed(upload.code)


async def _fetch(upload: Upload, path: Path) -> None:
    size = await storage.storage().size(upload.key)
    # A storage that others put into holds nobody to the size that was announced.
    if size > upload.size:
        raise UploadRefused("larger_than_announced", f"{size} bytes instead of {upload.size}")
    await storage.storage().fetch_to(upload.key, path)


async def _cleaned(source: Path, target: Path, only: Literal["image", "video"] | None = None) -> _Clean:
    """Return a file made clean; a video is written to `target`."""
    is_video = await asyncio.to_thread(_is_video, source)
    if is_video and only == "image":
        raise media.NotAnImage("a video")
    if not is_video and only == "video":
        raise media.NotAVideo("no video")
    if is_video:
        video = await media.accept_video(source, target)
        digest = await asyncio.to_thread(_digest, target)
        return _Clean(target, video.mime, video.width, video.height, video.seconds, digest)
    if (await asyncio.to_thread(source.stat)).st_size > media.MAX_IMAGE_BYTES:
        raise media.ImageTooLarge(f"more than {media.MAX_IMAGE_BYTES} bytes")
    picture = await media.accept_image(await asyncio.to_thread(source.read_bytes))
    digest = hashlib.sha256(picture.data).hexdigest()
    return _Clean(picture.data, picture.mime, picture.width, picture.height, 0.0, digest)


def _is_video(path: Path) -> bool:
    with path.open("rb") as file:
        return video_type(file.read(HEAD)) is not None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _settle(user: UserId, code: UploadCode, clean: _Clean, size: int, *, is_shared: bool = True) -> Upload:
    """Make an expected upload ready. Of two equal files that were kept at the same time, the first one stays.

    One that has a code of its own, for others to name, keeps a file of its own: `is_shared` is false.
    """
    file = StoredFile(rows.key_of(user, code, clean.mime), clean.mime, size, clean.width, clean.height, clean.seconds)
    try:
        await rows.settle(user, code, file, clean.digest if is_shared else "")
    except asyncpg.UniqueViolationError:
        known = await rows.known(user, clean.digest)
        if known is None:
            raise
        await remove(user, code)
        return known
    return await rows.get(user, code)


async def _refuse(upload: Upload, reason: str) -> None:
    logger.info("upload_refused", upload=upload.code, reason=reason)
    await storage.storage().delete(upload.key)
    await rows.refuse(upload.code, reason)
