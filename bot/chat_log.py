"""Keeps what was said in each chat, for support: `botapp_chatthread` and `botapp_chatmessage`.

Nobody waits for it. Entries are gathered and written in one go a moment later; a message that is logged twice is stored
once. If the database is away the entries are dropped: a conversation matters more than its log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from aiogram.enums import ContentType
from aiogram.types import CallbackQuery, Message

from core import db
from core.logs import current_trace, get_logger

logger = get_logger(__name__)

PAUSE: Final = 0.2
"""Seconds in which entries gather."""

LARGEST_BATCH: Final = 500
LONGEST_TEXT: Final = 4096

_NEW_THREADS = """
    INSERT INTO botapp_chatthread (user_id)
    SELECT id FROM botapp_tguser WHERE chat_id = ANY($1::bigint[]) ORDER BY id
    ON CONFLICT (user_id) DO NOTHING
"""

# Messages that are new are counted; a message that was edited gets its newest text.
_STORE = """
    WITH entry AS (
        SELECT thread.id AS thread_id, entry.*
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::timestamptz[])
            WITH ORDINALITY AS entry (chat_id, direction, kind, telegram_id, text, file_id, trace_id, at, position)
        JOIN botapp_tguser AS person ON person.chat_id = entry.chat_id
        JOIN botapp_chatthread AS thread ON thread.user_id = person.id
    ), stored AS (
        INSERT INTO botapp_chatmessage AS message
            (thread_id, direction, message_type, telegram_id, text, media_file_id, trace_id, message_date)
        SELECT thread_id, direction, kind, telegram_id, text, file_id, trace_id, at FROM entry ORDER BY position
        ON CONFLICT (thread_id, direction, telegram_id) DO UPDATE
            SET text = EXCLUDED.text, message_type = EXCLUDED.message_type, media_file_id = EXCLUDED.media_file_id
            WHERE message.direction = 'outgoing'
        RETURNING message.thread_id, message.direction, (xmax = 0) AS is_new
    ), latest AS (
        SELECT DISTINCT ON (thread_id) * FROM entry ORDER BY thread_id, position DESC
    )
    UPDATE botapp_chatthread AS thread SET
        last_message_text = left(latest.text, 160),
        last_message_type = latest.kind,
        last_message_direction = latest.direction,
        last_message_at = latest.at,
        unread_count = unread_count + (
            SELECT count(*) FROM stored
            WHERE stored.thread_id = thread.id AND stored.direction = 'incoming' AND stored.is_new
        )
    FROM latest WHERE thread.id = latest.thread_id
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was said."""

    chat_id: int
    direction: Literal["incoming", "outgoing"]
    kind: str
    telegram_id: str
    text: str
    file_id: str
    trace_id: str
    at: datetime


class ChatLog:
    """Gathers entries and writes them. `close` writes what is left."""

    def __init__(self, pause: float = PAUSE) -> None:
        self._pause = pause
        self._entries: list[Entry] = []
        self._writer: asyncio.Task[None] | None = None

    def heard(self, event: Message | CallbackQuery) -> None:
        """Note what a person wrote or pressed."""
        if isinstance(event, Message):
            self._note(_of_message(event, "incoming"))
            return
        self._note(
            Entry(
                chat_id=event.from_user.id,
                direction="incoming",
                kind="button",
                telegram_id=f"cb{event.id}"[:40],
                text=event.data or "",
                file_id="",
                trace_id=current_trace(),
                at=datetime.now(UTC),
            )
        )

    def sent(self, result: object) -> None:
        """Note the messages in what a method returned, if there are any."""
        for message in result if isinstance(result, list) else [result]:
            if isinstance(message, Message):
                self._note(_of_message(message, "outgoing"))

    async def flush(self) -> None:
        """Write what has gathered."""
        while self._entries:
            batch, self._entries = self._entries[:LARGEST_BATCH], self._entries[LARGEST_BATCH:]
            try:
                await _store(batch)
            except db.UNAVAILABLE as error:
                logger.warning("chat_log_lost", entries=len(batch), error=type(error).__name__)

    async def close(self) -> None:
        """Write what is left; entries noted after that start a new writer."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        await self.flush()

    def _note(self, entry: Entry) -> None:
        self._entries.append(entry)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        await asyncio.sleep(self._pause)
        await self.flush()


async def _store(batch: Iterable[Entry]) -> None:
    # PostgreSQL's text holds no NUL, and one statement touches a row only once: the newest version of a message wins.
    newest = {(entry.chat_id, entry.direction, entry.telegram_id): entry for entry in batch}
    entries = list(newest.values())
    async with db.transaction():
        await db.execute(_NEW_THREADS, [entry.chat_id for entry in entries])
        await db.execute(
            _STORE,
            [entry.chat_id for entry in entries],
            [entry.direction for entry in entries],
            [entry.kind for entry in entries],
            [entry.telegram_id for entry in entries],
            [entry.text.replace("\0", "")[:LONGEST_TEXT] for entry in entries],
            [entry.file_id for entry in entries],
            [entry.trace_id for entry in entries],
            [entry.at for entry in entries],
        )


def _of_message(message: Message, direction: Literal["incoming", "outgoing"]) -> Entry:
    return Entry(
        chat_id=message.chat.id,
        direction=direction,
        kind=ContentType(message.content_type).value[:20],
        telegram_id=str(message.message_id),
        text=message.text or message.caption or "",
        file_id=_file_id(message)[:255],
        trace_id=current_trace(),
        at=message.date,
    )


def _file_id(message: Message) -> str:
    if message.photo:
        return message.photo[-1].file_id
    for media in (message.document, message.video, message.voice, message.audio, message.sticker, message.video_note):
        if media is not None:
            return media.file_id
    return ""
