"""The bot inside a process: takes stored updates out of the inbox and has them answered.

Used by the web process, where updates are pushed, and by the poller, which fetches them.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiogram.client.session.base import BaseSession
from aiogram.types import Update
from pydantic import ValidationError

from bot.chat_log import ChatLog
from bot.client import create_bot
from bot.dispatcher import create_dispatcher
from core.inbox import Event, Inbox
from core.logs import get_logger, trace
from core.settings import Settings

logger = get_logger(__name__)

STOP_LIMIT: Final = 8.0
"""Seconds that handlers at work get to finish. Updates that do not make it are handled by the next process."""


class Runtime:
    """A bot, its dispatcher, and the task that feeds it."""

    def __init__(self, settings: Settings, inbox: Inbox, session: BaseSession | None = None) -> None:
        self._inbox = inbox
        self._chat_log = ChatLog()
        self.bot = create_bot(settings, self._chat_log, session)
        self._dispatcher = create_dispatcher(self._chat_log)
        self._consumer: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to handle what is in the inbox."""
        self._consumer = asyncio.create_task(self._inbox.run(self.handle), name="telegram-inbox")

    async def handle(self, event: Event) -> None:
        """Handle one stored update.

        Raises:
            Whatever a repetition may cure; see `bot.middlewares.boundary`.
        """
        with trace(event.trace_id):
            try:
                update = Update.model_validate(event.payload, context={"bot": self.bot})
            except ValidationError as error:
                # Nobody can be answered: not even the sender is known for sure.
                logger.warning("update_not_understood", update_id=event.event_id, problems=error.error_count())
                return
            await self._dispatcher.feed_update(self.bot, update, inbox_event=event)

    async def stop(self) -> None:
        """Take no more updates, let the handlers at work finish, close the connections."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.cancel()
            done, _ = await asyncio.wait([consumer], timeout=STOP_LIMIT)
            if not done:
                logger.warning("handlers_left_unfinished", seconds=STOP_LIMIT)
        await self._chat_log.close()
        await self.bot.session.close()
