"""Methods of the Bot API. Importing this package registers all of them."""

from __future__ import annotations

from bot.sandbox.methods import account, albums, chat, edits, media, messages, payments, queries, updates
from bot.sandbox.methods.registry import Outcome, execute, names

__all__ = [
    "Outcome",
    "account",
    "albums",
    "chat",
    "edits",
    "execute",
    "media",
    "messages",
    "names",
    "payments",
    "queries",
    "updates",
]
