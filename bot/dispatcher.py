"""Puts routers and middlewares together."""

from __future__ import annotations

from aiogram import Dispatcher

from bot.chat_log import ChatLog
from bot.middlewares.boundary import Boundary
from bot.middlewares.people import People
from bot.middlewares.private import PrivateOnly
from bot.routers import all_routers


def create_dispatcher(chat_log: ChatLog) -> Dispatcher:
    """Return a dispatcher. It is fed by `bot.runtime`, which passes the stored update along as `inbox_event`."""
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.update.outer_middleware(Boundary())
    dispatcher.update.outer_middleware(PrivateOnly())
    dispatcher.update.outer_middleware(People(chat_log))
    dispatcher.include_routers(*all_routers())
    return dispatcher
