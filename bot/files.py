"""Makes stored files ready for Telegram: what it shows as a photo or video, and the original as a file."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiogram.types import BufferedInputFile, InputFile
from PIL import Image

from core import media, storage
from core.generations import Generation
from core.storage import StoredFile

if TYPE_CHECKING:
    from aiogram import Bot

LARGEST_PHOTO: Final = 10 * 1024 * 1024
LARGEST_FILE: Final = 50 * 1024 * 1024
LARGEST_PHOTO_SIDES: Final = 10_000
LONGEST_PHOTO_RATIO: Final = 20
"""Telegram's limits for uploads. A photo's width and height together, and one over the other, are limited too."""

SHOWN_SIDE: Final = 2560
"""Telegram scales photos down to this side anyway."""

PREVIEW_QUALITY: Final = 92
AS_THEY_ARE: Final = frozenset({"image/jpeg", "image/png"})


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a player wants to know before it starts. Zero where nobody knows."""

    width: int = 0
    height: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Sendable:
    """A file that Telegram takes, and as what."""

    content: InputFile
    is_video: bool
    facts: VideoFacts


class StoredInputFile(InputFile):
    """A stored file that is uploaded piece by piece while it is read."""

    def __init__(self, key: str, filename: str) -> None:
        super().__init__(filename=filename)
        self._key = key

    async def read(self, bot: Bot) -> AsyncGenerator[bytes, None]:  # noqa: ARG002  The signature is aiogram's.
        async for chunk in storage.storage().stream(self._key):
            yield chunk


def is_video(file: StoredFile) -> bool:
    """Say whether a file is a video."""
    return file.mime.startswith("video/")


def file_name(generation: Generation, file: StoredFile, number: int) -> str:
    """Return a name under which a person finds the file again."""
    suffix = f"-{number}" if len(generation.results) > 1 else ""
    return f"{generation.model}-{generation.run_code[:8]}{suffix}.{media.extension(file.mime)}"


def open_original(generation: Generation, file: StoredFile, number: int) -> InputFile:
    """Return a stored file as it is, for upload."""
    return StoredInputFile(file.key, file_name(generation, file, number))


async def open_result(generation: Generation, file: StoredFile, number: int) -> Sendable | None:
    """Return a result as Telegram shows it in a chat; None when it cannot, and a link has to do.

    Raises:
        core.storage.FileNotStored: the file is gone.
    """
    name = file_name(generation, file, number)
    if is_video(file):
        if file.size > LARGEST_FILE:
            return None
        # A file that is gone is to be noticed now, not in the middle of the upload.
        await storage.storage().size(file.key)
        return Sendable(StoredInputFile(file.key, name), True, await _facts(file))
    if max(file.width, file.height) > LONGEST_PHOTO_RATIO * max(1, min(file.width, file.height)):
        return None
    data = await storage.storage().read(file.key)
    if _needs_preview(file):
        data, name = await asyncio.to_thread(preview, data), f"{name.rpartition('.')[0]}.jpg"
    return Sendable(BufferedInputFile(data, name), False, VideoFacts(file.width, file.height))


def preview(data: bytes) -> bytes:
    """Return a picture as a JPEG that Telegram takes as a photo."""
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
        flat = Image.new("RGB", image.size, "white")
        shown = image.convert("RGBA")
        flat.paste(shown, mask=shown.getchannel("A"))
    buffer = io.BytesIO()
    flat.save(buffer, "JPEG", quality=PREVIEW_QUALITY)
    return buffer.getvalue()


async def _facts(file: StoredFile) -> VideoFacts:
    """Return what is known of a video; of those that were stored before it was noted, what their bytes say."""
    if file.width and file.seconds:
        return VideoFacts(file.width, file.height, max(1, round(file.seconds)))
    try:
        found = await media.inspect(await storage.storage().read(file.key))
    except media.UnusableMedia:
        return VideoFacts()
    return VideoFacts(found.width, found.height, max(1, round(found.seconds)) if found.seconds else 0)


def _needs_preview(file: StoredFile) -> bool:
    return file.mime not in AS_THEY_ARE or file.size > LARGEST_PHOTO or file.width + file.height > LARGEST_PHOTO_SIDES
