"""Sending what the bot cannot use: a short answer to each kind, so that nobody meets silence."""

from __future__ import annotations

from typing import Final

from aiogram import Router
from aiogram.enums import ContentType
from aiogram.types import CallbackQuery, Message

from bot.talk import Talk

ANSWERS: Final = {
    ContentType.STICKER: "unknown-sticker",
    ContentType.VOICE: "unknown-voice",
    ContentType.VIDEO_NOTE: "unknown-video",
    ContentType.VIDEO: "unknown-video",
    ContentType.ANIMATION: "unknown-animation",
    ContentType.AUDIO: "unknown-audio",
    ContentType.LOCATION: "unknown-location",
    ContentType.VENUE: "unknown-location",
    ContentType.CONTACT: "unknown-contact",
    ContentType.POLL: "unknown-poll",
    ContentType.DICE: "unknown-dice",
}

SERVICE: Final = frozenset(
    {
        ContentType.PINNED_MESSAGE,
        ContentType.MESSAGE_AUTO_DELETE_TIMER_CHANGED,
        ContentType.CHAT_BACKGROUND_SET,
        ContentType.WRITE_ACCESS_ALLOWED,
        ContentType.BOOST_ADDED,
    }
)
"""Notes of Telegram's own that nobody wrote."""


def router() -> Router:
    """Return the router."""
    router = Router(name="unknown")
    router.message.register(anything)
    router.callback_query.register(any_button)
    return router


async def anything(message: Message, talk: Talk) -> None:
    """Say what to send instead."""
    kind = message.content_type
    if kind in SERVICE:
        return
    if kind == ContentType.TEXT:
        await talk.say(talk.words("unknown-command"))
        return
    await talk.say(talk.words(ANSWERS.get(ContentType(kind), "unknown-other")))


async def any_button(query: CallbackQuery, talk: Talk) -> None:
    """Say that a button is out of date."""
    await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
