"""A question that the person's next message answers: which promo code. Anything else they do first lets it drop.

A single word typed out of the blue is a picture to draw, so a code is only looked for where one was asked for: in a
reply to the question, or in the very next message, which Redis helps to tell. When it is away the reply still works.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from typing import Final

from aiogram.filters import Filter
from aiogram.types import ForceReply, Message

from bot import neighbours
from bot.talk import Talk
from bot.texts import LANGUAGES, Html, Words
from core import redis
from core.logs import get_logger

logger = get_logger(__name__)

PREFIX: Final = "nb:asked:"
LIFETIME: Final = timedelta(minutes=15)
ONE_WORD: Final = re.compile(r"\s*[\w-]{1,50}\s*")
QUESTIONS: Final = ("promo-ask", "refused-promo_unknown")


async def ask(talk: Talk, question: Html) -> None:
    """Ask for a code. The field for the answer opens by itself."""
    placeholder = talk.words.plain("promo-placeholder")
    await talk.say(question, keyboard=ForceReply(input_field_placeholder=placeholder))
    try:
        await redis.client().set(PREFIX + str(talk.user.chat_id), talk.event.id, ex=LIFETIME)
    except redis.UNAVAILABLE as error:
        logger.warning("question_not_kept", error=type(error).__name__)


class Answers(Filter):
    """Lets a message through that answers the question."""

    async def __call__(self, message: Message, talk: Talk) -> bool:
        text = message.text or ""
        if text.startswith("/"):
            return False
        if message.reply_to_message is not None:
            return _is_question(message.reply_to_message)
        return ONE_WORD.fullmatch(text) is not None and await _was_just_asked(talk)


def _is_question(message: Message) -> bool:
    asked_by_us = message.from_user is not None and message.from_user.is_bot
    return asked_by_us and message.text in {Words(language).plain(key) for language in LANGUAGES for key in QUESTIONS}


async def drop(talk: Talk) -> bool:
    """Ask no more, and say whether the person had just been asked."""
    if not await _was_just_asked(talk):
        return False
    with suppress(*redis.UNAVAILABLE):
        await redis.client().delete(PREFIX + str(talk.user.chat_id))
    return True


async def _was_just_asked(talk: Talk) -> bool:
    """Say whether the update before this one asked, or this one itself: then it is handled for the second time."""
    try:
        asked_at = await redis.client().get(PREFIX + str(talk.user.chat_id))
    except redis.UNAVAILABLE as error:
        logger.warning("question_not_known", error=type(error).__name__)
        return False
    return asked_at is not None and int(asked_at) in {talk.event.id, await neighbours.previous(talk.event)}
