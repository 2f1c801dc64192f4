"""What the chat page hears at once: new and changed messages, actions, answers to pressed buttons."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from bot.sandbox.documents import JsonObject


class Events:
    """Hands each event of a chat to everybody who watches it. Nothing is kept: a page reads the messages first."""

    def __init__(self) -> None:
        self._watchers: defaultdict[int, set[asyncio.Queue[JsonObject]]] = defaultdict(set)

    def publish(self, chat_id: int, kind: str, **details: object) -> None:
        """Tell the watchers of one chat."""
        for queue in self._watchers[chat_id]:
            queue.put_nowait({"type": kind, **details})

    def publish_to_all(self, kind: str, **details: object) -> None:
        """Tell the watchers of every chat."""
        for chat_id in tuple(self._watchers):
            self.publish(chat_id, kind, **details)

    def watchers(self, chat_id: int) -> int:
        """How many pages show the chat."""
        return len(self._watchers[chat_id])

    @contextmanager
    def watch(self, chat_id: int) -> Iterator[asyncio.Queue[JsonObject]]:
        """Events of a chat while the context lasts."""
        queue: asyncio.Queue[JsonObject] = asyncio.Queue()
        self._watchers[chat_id].add(queue)
        try:
            yield queue
        finally:
            self._watchers[chat_id].discard(queue)
