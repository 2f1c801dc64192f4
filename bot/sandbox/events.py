"""What the chat page hears at once: new and changed messages, actions, answers to pressed buttons.

A page that does not read loses its connection after a thousand events; when it comes back it reads the messages anew.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from bot.sandbox.documents import JsonObject

MOST_WAITING = 1000


class Watcher:
    """Events of one chat for one page, in their order."""

    def __init__(self) -> None:
        self._waiting: deque[JsonObject] = deque()
        self._something = asyncio.Event()
        self._is_lost = False

    def put(self, event: JsonObject) -> None:
        """Add an event, or give the page up when it has left too many unread."""
        if self._is_lost:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            self._is_lost = True
        else:
            self._waiting.append(event)
        self._something.set()

    async def get(self) -> JsonObject | None:
        """Return the next event, or None when the page has to begin anew."""
        await self._something.wait()
        if self._is_lost:
            return None
        event = self._waiting.popleft()
        if not self._waiting:
            self._something.clear()
        return event


class Events:
    """Hands each event of a chat to everybody who watches it. Nothing is kept: a page reads the messages first."""

    def __init__(self) -> None:
        self._watchers: defaultdict[int, set[Watcher]] = defaultdict(set)

    def publish(self, chat_id: int, kind: str, **details: object) -> None:
        """Tell the watchers of one chat."""
        for watcher in self._watchers.get(chat_id, ()):
            watcher.put({"type": kind, **details})

    def publish_to_all(self, kind: str, **details: object) -> None:
        """Tell the watchers of every chat."""
        for chat_id in tuple(self._watchers):
            self.publish(chat_id, kind, **details)

    def watchers(self, chat_id: int) -> int:
        """How many pages show the chat."""
        return len(self._watchers.get(chat_id, ()))

    @contextmanager
    def watch(self, chat_id: int) -> Iterator[Watcher]:
        """Events of a chat while the context lasts."""
        watcher = Watcher()
        self._watchers[chat_id].add(watcher)
        try:
            yield watcher
        finally:
            self._watchers[chat_id].discard(watcher)
            if not self._watchers[chat_id]:
                del self._watchers[chat_id]
