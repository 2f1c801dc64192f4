"""The whole sandbox in one object: its memory and the parts that work on it, handed to every method."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.chats import Chats
from bot.sandbox.documents import JsonObject
from bot.sandbox.events import Events
from bot.sandbox.limits import FloodLimits
from bot.sandbox.media import Media
from bot.sandbox.state import State
from bot.sandbox.updates import Updates


@dataclass(frozen=True)
class World:
    """Everything that a Bot API method or a person's action needs."""

    token: str
    state: State
    events: Events
    chats: Chats
    media: Media
    updates: Updates
    flood: FloodLimits

    @property
    def bot(self) -> JsonObject:
        """The bot as getMe shows it to others."""
        return self.chats.bot


def bot_profile(token: str) -> JsonObject:
    """The bot's User, its id taken from the token.

    Raises:
        ValueError: the token is not `<number>:<secret>`.
    """
    number, _, secret = token.partition(":")
    if not number.isdigit() or not secret:
        raise ValueError("the bot token is not of the form <number>:<secret>, for example 42:sandbox")
    return {"id": int(number), "is_bot": True, "first_name": "NanoBanana", "username": "nanobanana_sandbox_bot"}


def create_world(
    data_folder: Path, token: str, *, flood: FloodLimits | None = None, clock: Callable[[], float] = time.time
) -> World:
    """Open the data folder and put the parts together."""
    bot = bot_profile(token)
    state = State(data_folder, clock=clock)
    bot["first_name"] = state.setting("name:").get("name") or bot["first_name"]
    events = Events()
    return World(token, state, events, Chats(state, events, bot), Media(state), Updates(state), flood or FloodLimits())
