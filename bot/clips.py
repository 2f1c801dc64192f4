"""Takes a video out of a message into storage: downloaded, checked by its bytes, cleaned, kept once."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Bot
from aiogram.types import Animation, Document, Message, Video, VideoNote

from bot import photos
from core import uploads
from core.storage import StoredFile
from core.users import User
from providers.base import MediaRole

Clip = Video | Animation | VideoNote | Document


def in_message(message: Message) -> Clip | None:
    """Return the video that a message carries: as such, as an animation, round, or as a file that says it is one."""
    clip = message.video or message.animation or message.video_note
    if clip is not None:
        return clip
    document = message.document
    return document if document is not None and (document.mime_type or "").startswith("video/") else None


async def accept(bot: Bot, user: User, clip: Clip) -> StoredFile:
    """Download a video, check and clean it, and keep it. The same video of the same person is kept once.

    Raises:
        bot.photos.PhotoTooBig: above 20 MB, which Telegram does not hand to bots.
        bot.photos.FileGone: Telegram does not hand it over.
        core.media.UnusableMedia: it is no video that we read, or too long.
        TelegramNetworkError: Telegram is away.
    """
    async with photos.downloaded(bot, clip) as path:
        return replace(await uploads.keep(user.id, path, only="video"), role=MediaRole.VIDEO.value)
