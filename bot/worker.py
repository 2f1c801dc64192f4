"""The bot inside a worker process: the bodies of the tasks in `bot.tasks`."""

from __future__ import annotations

from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError

from bot.chat_log import ChatLog
from bot.client import LOST_ANSWER, create_bot
from bot.delivery import Courier
from bot.progress import Board
from core.logs import get_logger
from core.settings import Settings

logger = get_logger(__name__)


class Worker:
    """A bot that speaks when jobs move."""

    def __init__(self, settings: Settings, session: BaseSession | None = None) -> None:
        self._chat_log = ChatLog()
        self.bot = create_bot(settings, self._chat_log, session)
        self._board = Board(self.bot)
        self._courier = Courier(self.bot)

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
            TelegramAPIError: Telegram did not take it. The tokens are back all the same.
        """
        try:
            await self._board.close(run_code)
        except TelegramForbiddenError:
            logger.info("failure_not_told", run_code=run_code, reason="the user blocked the bot")

    async def close(self) -> None:
        """Write what is left of the chat log and close the connections."""
        await self._chat_log.close()
        await self.bot.session.close()
