"""Takes a photo out of a message into storage: downloaded as a stream, checked by its bytes, kept once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramNetworkError
from aiogram.methods import GetFile
from aiogram.types import Animation, Document, Message, PhotoSize, Video, VideoNote
from aiohttp import ClientError

from core import uploads
from core.logs import get_logger
from core.storage import StoredFile
from core.storage.streams import write_pieces
from core.temporary import temporary_file
from core.users import User

logger = get_logger(__name__)

LARGEST_DOWNLOAD: Final = 20 * 1024 * 1024
"""What Telegram hands to a bot."""

CHUNK: Final = 64 * 1024
TIME_LIMIT: Final = 60


class PhotoTooBig(Exception):
    """The file is larger than Telegram hands to a bot."""


class FileGone(Exception):
    """Telegram does not hand the file over: it knows it no more, or not right now."""


def in_message(message: Message) -> PhotoSize | Document | None:
    """Return the picture that a message carries: the largest size of a photo, or a file that may be one."""
    if message.photo:
        return max(message.photo, key=lambda size: size.width * size.height)
    if message.document is not None and message.animation is None:
        return message.document
    return None


def shows_something(message: Message) -> bool:
    """Say whether a message carries a picture, a video or a file, that an answer to it may be about."""
    return bool(message.photo or message.video or message.document)


async def accept(bot: Bot, user: User, photo: PhotoSize | Document) -> StoredFile:
    """Download a picture, check and clean it, and keep it. The same picture of the same person is kept once.

    Raises:
        PhotoTooBig: above 20 MB.
        FileGone: Telegram does not hand it over.
        core.media.UnusableMedia: it is not a picture that we read, or has too many pixels.
        core.storage.StorageUnavailable: it cannot be kept now.
        TelegramNetworkError: Telegram is away.
    """
    async with downloaded(bot, photo) as path:
        return await uploads.keep(user.id, path, only="image")


@asynccontextmanager
async def downloaded(bot: Bot, sent: PhotoSize | Document | Video | Animation | VideoNote) -> AsyncIterator[Path]:
    """Yield a file of a message as a temporary one; it is never in memory as a whole.

    Raises:
        PhotoTooBig: above 20 MB.
        FileGone: Telegram does not hand it over.
        TelegramNetworkError: Telegram is away.
    """
    if (sent.file_size or 0) > LARGEST_DOWNLOAD:
        raise PhotoTooBig
    request = GetFile(file_id=sent.file_id)
    try:
        file = await bot(request)
    except TelegramBadRequest as error:
        if "too big" in error.message.lower():
            raise PhotoTooBig from None
        logger.warning("file_not_handed_over", reason=error.message)
        raise FileGone from None
    if (file.file_size or 0) > LARGEST_DOWNLOAD or file.file_path is None:
        raise PhotoTooBig
    async with temporary_file() as path:
        try:
            await write_pieces(path, _content(bot, file.file_path))
        except (ClientError, TimeoutError) as error:
            # The address holds the bot's token: only the kind of the error is told.
            raise TelegramNetworkError(method=request, message=f"download: {type(error).__name__}") from None
        yield path


async def _content(bot: Bot, file_path: str) -> AsyncIterator[bytes]:
    size = 0
    url = bot.session.api.file_url(bot.token, file_path)
    async for chunk in bot.session.stream_content(url, timeout=TIME_LIMIT, chunk_size=CHUNK):
        size += len(chunk)
        if size > LARGEST_DOWNLOAD:
            raise PhotoTooBig
        yield chunk
