"""The bot with people who talk to it, as the tests of the conversation have them."""

from __future__ import annotations

from tests.bot.conftest import masha, mia, provider, somebody, telegram, world

__all__ = ["masha", "mia", "provider", "somebody", "telegram", "world"]
