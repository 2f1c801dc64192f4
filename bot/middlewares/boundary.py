"""The outermost boundary of the conversation: whatever fails, the person gets an answer and the log one entry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from aiogram import BaseMiddleware, Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import TelegramObject, User

from bot import faults
from bot.client import LOST_ANSWER
from bot.talk import Talk, contact_of
from bot.texts import Words
from core import db
from core.inbox import MAX_ATTEMPTS, Event
from core.logs import get_logger
from core.storage import StorageUnavailable
from core.users import language_for

logger = get_logger(__name__)

PASSING: Final[tuple[type[BaseException], ...]] = (
    *db.UNAVAILABLE,
    *LOST_ANSWER,
    TelegramRetryAfter,
    StorageUnavailable,
)
"""What is over in a moment. The inbox repeats the update; handlers are made for that."""

CODE_LENGTH: Final = 8


class Boundary(BaseMiddleware):
    """Turns an unexpected exception into an apology, and passes on what a repetition will cure."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> None:
        update: Event = data["inbox_event"]
        try:
            await handler(event, data)
        except TelegramForbiddenError:
            # The person blocked the bot meanwhile: there is nobody to tell.
            return
        except PASSING as error:
            if update.attempts >= MAX_ATTEMPTS:
                await _apologise(update, data, "storage-away" if isinstance(error, StorageUnavailable) else "crashed")
            raise
        except Exception as error:
            logger.exception("update_failed", update_id=update.event_id)
            faults.note(update, error)
            await _apologise(update, data)


async def _apologise(update: Event, data: dict[str, Any], text: str = "crashed") -> None:
    person: User | None = data.get("event_from_user")
    bot: Bot = data["bot"]
    if person is None:
        return
    talk: Talk | None = data.get("talk")
    words = talk.words if talk else Words(language_for(person.language_code or ""))
    with suppress(TelegramAPIError, *PASSING):
        await bot.send_message(person.id, words(text, code=update.trace_id[:CODE_LENGTH], contact=contact_of(data)))
