"""Telegram's limits: sizes and lengths as constants, and how many messages a bot may send."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.refusals import too_many_requests

TEXT_LENGTH = 4096
CAPTION_LENGTH = 1024
CALLBACK_DATA_BYTES = 64
CALLBACK_ANSWER_LENGTH = 200
PHOTO_BYTES = 10 * 1024 * 1024
UPLOAD_BYTES = 50 * 1024 * 1024
DOWNLOAD_BYTES = 20 * 1024 * 1024
URL_PHOTO_BYTES = 5 * 1024 * 1024
URL_FILE_BYTES = 20 * 1024 * 1024
PHOTO_SIDES = 10_000
PHOTO_RATIO = 20
ALBUM_ITEMS = range(2, 11)
INVOICE_TITLE_LENGTH = 32
INVOICE_DESCRIPTION_LENGTH = 255
INVOICE_PAYLOAD_BYTES = 128
QUERY_LIFETIME_SECONDS = 60
PRE_CHECKOUT_SECONDS = 10


@dataclass
class Bucket:
    """A token bucket: a burst at once, then a steady rate."""

    burst: float
    rate: float
    filled_at: float
    level: float

    def take(self, now: float) -> float:
        """Take one token; returns 0, or the seconds until there is one."""
        self.level = min(self.burst, self.level + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.level >= 1:
            self.level -= 1
            return 0
        return (1 - self.level) / self.rate


@dataclass
class FloodLimits:
    """About one message a second and chat, and thirty a second over all, after a generous burst."""

    chat_burst: float = 20
    chat_rate: float = 1
    total_burst: float = 60
    total_rate: float = 30
    clock: Callable[[], float] = time.monotonic
    _chats: dict[int, Bucket] = field(default_factory=dict, repr=False)
    _total: Bucket | None = field(default=None, repr=False)

    def configure(self, *, chat_burst: float, chat_rate: float, total_burst: float, total_rate: float) -> None:
        """Set new limits; everybody starts with a full burst."""
        self.chat_burst, self.chat_rate = chat_burst, chat_rate
        self.total_burst, self.total_rate = total_burst, total_rate
        self._chats.clear()
        self._total = None

    def spend(self, chat_id: int) -> None:
        """Count one message to a chat.

        Raises:
            Refused: 429 with `retry_after` when it is one too many.
        """
        now = self.clock()
        if self._total is None:
            self._total = Bucket(self.total_burst, self.total_rate, now, self.total_burst)
        chat = self._chats.setdefault(chat_id, Bucket(self.chat_burst, self.chat_rate, now, self.chat_burst))
        wait = self._total.take(now) or chat.take(now)
        if wait:
            raise too_many_requests(max(1, math.ceil(wait)))
