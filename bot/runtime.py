"""The bot inside a worker process: answers the updates that wait in the inbox, and speaks when jobs or money move."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.types import Update
from pydantic import ValidationError

from bot import alerts, faults, friends, telling
from bot.cashier import Cashier
from bot.chat_log import ChatLog
from bot.client import LOST_ANSWER, create_bot
from bot.delivery import Courier
from bot.dispatcher import create_dispatcher
from bot.mini_app import MiniApp
from bot.progress import Board
from bot.routers.cart import send_offer
from bot.subscription import keep_subscribed
from bot.webhook import SOURCE, is_money
from core import generations
from core.inbox import Event, Inbox
from core.logs import get_logger, trace
from core.settings import Settings

logger = get_logger(__name__)

STOP_LIMIT: Final = 8.0
"""Seconds that handlers at work get to finish. Updates that do not make it are handled by the next process."""


class Runtime:
    """A bot, its dispatcher, and what it has open."""

    def __init__(self, settings: Settings, session: BaseSession | None = None) -> None:
        self._settings = settings
        self._chat_log = ChatLog()
        self.bot = create_bot(settings, self._chat_log, session)
        self._dispatcher = create_dispatcher(self._chat_log)
        self._dispatcher["support_contact"] = settings.support_contact
        self._dispatcher["public_base_url"] = settings.public_base_url
        self._dispatcher["mini_app"] = MiniApp.of(settings)
        self._board = Board(self.bot)
        self._courier = Courier(self.bot)
        self._cashier = Cashier(self.bot)
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to handle what is in the inbox, and have Telegram told where updates go."""
        self._running = [
            asyncio.create_task(Inbox(SOURCE, is_money).run(self.handle), name="telegram-inbox"),
            asyncio.create_task(keep_subscribed(self.bot, self._settings), name="telegram-subscription"),
        ]
        for task in self._running:
            task.add_done_callback(_report_death)
        logger.info("bot_started", updates=self._settings.telegram_updates)

    async def handle(self, event: Event) -> None:
        """Handle one stored update.

        Raises:
            Whatever a repetition may cure; see `bot.middlewares.boundary` and, for money, `bot.cashier`.
        """
        with trace(event.trace_id):
            if await self._cashier.handle(event):
                return
            try:
                update = Update.model_validate(event.payload, context={"bot": self.bot})
            except ValidationError as error:
                # Nobody can be answered: not even the sender is known for sure.
                logger.warning("update_not_understood", update_id=event.event_id, problems=error.error_count())
                return
            await self._dispatcher.feed_update(self.bot, update, inbox_event=event)

    async def show_status(self, run_code: str) -> None:
        """Show how a job stands. A message that could not be edited is not worth a second try: the next one comes."""
        try:
            await self._board.refresh(run_code)
        except (TelegramAPIError, *LOST_ANSWER) as error:
            logger.warning("status_not_shown", run_code=run_code, error=type(error).__name__)

    async def deliver(self, run_code: str) -> None:
        """Hand a result over."""
        await self._courier.deliver(run_code)

    async def tell_failure(self, run_code: str) -> None:
        """Show how a job ended without a result.

        Raises:
            TelegramAPIError: Telegram did not take it. The tokens are back all the same, and it is tried again.
        """
        try:
            await self._board.close(run_code)
        except TelegramForbiddenError:
            logger.info("failure_not_told", run_code=run_code, reason="the user blocked the bot")
        await generations.record_told(run_code)

    async def tell_payment(self, code: str) -> None:
        """Tell what became of a payment."""
        await telling.tell(self.bot, code)

    async def tell_bonus(self, referral: int, news: str) -> None:
        """Tell who invited a friend that the friend came, or paid."""
        await friends.tell(self.bot, referral, news)

    async def alert(self, key: str, text: str) -> None:
        """Tell the operators."""
        await alerts.send(self.bot, self._settings, key, text)

    async def offer_cart(self, chat_id: int) -> None:
        """Offer to start what waited for tokens."""
        await send_offer(self.bot, chat_id)

    async def stop(self) -> None:
        """Take no more updates, let the handlers at work finish, close the connections."""
        running, self._running = self._running, []
        for task in running:
            task.cancel()
        if running:
            _, unfinished = await asyncio.wait(running, timeout=STOP_LIMIT)
            if unfinished:
                logger.warning("handlers_left_unfinished", seconds=STOP_LIMIT)
        await self._chat_log.close()
        await self.bot.session.close()


def _report_death(task: asyncio.Task[None]) -> None:
    """End a process whose bot answers nobody any more, so that another one takes its place."""
    if not task.cancelled() and task.exception() is not None:
        logger.critical("bot_task_died", task=task.get_name(), exc_info=task.exception())
        faults.note_death(task)
        end_process()


def end_process() -> None:
    """Have the process finish what it is at and end."""
    signal.raise_signal(signal.SIGTERM)
