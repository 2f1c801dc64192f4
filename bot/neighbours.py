"""What the same person sent just before and after: parts of an album, taps on one button.

Both are read from the inbox, where every update stands before anything is done about it. So the answer is the same when
an update is handled again after a crash.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from core import db
from core.inbox import Event

SOURCE: Final = "telegram"

QUIET: Final = 1.0
"""Seconds without a new part after which an album is complete. Telegram sends the parts in one burst."""

LONGEST_GATHERING: Final = 6.0
LOOK_EVERY: Final = 0.2

DOUBLE_TAP: Final = timedelta(seconds=2)
"""Two taps on the same button within this time are one wish."""

ONE_PASTE: Final = timedelta(seconds=2)
CUT_AT: Final = 4000
"""Characters. A client cuts a long text at 4096 or at the space before that, and sends the parts at once."""

NEARBY: Final = 20_000
"""How far from an update its neighbours are looked for, in rows of the inbox."""

CLOSE_BY: Final = 2_000
"""The same for what comes in one burst and is asked about every prompt."""


@dataclass(frozen=True, slots=True)
class AlbumPart:
    """One message of an album."""

    inbox_id: int
    message: dict[str, Any]
    received_at: datetime
    handled_at: datetime | None


async def album_parts(event: Event, group: str) -> list[AlbumPart]:
    """Return the parts of an album that have arrived, in the order of the inbox."""
    rows = await db.fetch(
        """
        SELECT id, payload -> 'message' AS message, received_at, handled_at FROM botapp_inbox
        WHERE source = $1 AND subject = $2 AND id BETWEEN $3::bigint - $5::bigint AND $3::bigint + $5::bigint
            AND payload -> 'message' ->> 'media_group_id' = $4
        ORDER BY id
        """,
        SOURCE,
        event.subject,
        event.id,
        group,
        NEARBY,
    )
    return [AlbumPart(row["id"], json.loads(row["message"]), row["received_at"], row["handled_at"]) for row in rows]


async def whole_album(event: Event, group: str) -> list[AlbumPart]:
    """Wait until no more parts of an album arrive and return all of them."""
    loop = asyncio.get_running_loop()
    parts = await album_parts(event, group)
    began = changed = loop.time()
    while loop.time() - changed < QUIET and loop.time() - began < LONGEST_GATHERING:
        await asyncio.sleep(LOOK_EVERY)
        now = await album_parts(event, group)
        if len(now) > len(parts):
            parts, changed = now, loop.time()
    return parts


async def continues_long_text(event: Event) -> bool:
    """Say whether a text is the rest of one that was too long for a single message: clients cut those themselves."""
    row = await db.fetch_one(
        """
        SELECT EXISTS (
            SELECT 1 FROM botapp_inbox AS earlier
            WHERE earlier.source = part.source AND earlier.subject = part.subject
                AND earlier.id < part.id AND earlier.id >= part.id - $2::bigint
                AND earlier.received_at > part.received_at - $3::interval
                AND char_length(earlier.payload #>> '{message,text}') >= $4
        ) AS found
        FROM botapp_inbox AS part WHERE part.id = $1
        """,
        event.id,
        CLOSE_BY,
        ONE_PASTE,
        CUT_AT,
    )
    return bool(row and row["found"])


async def previous(event: Event) -> int | None:
    """Return the row of what the person sent or pressed just before."""
    row: int | None = await db.fetch_value(
        "SELECT max(id) FROM botapp_inbox WHERE source = $1 AND subject = $2 AND id < $3",
        SOURCE,
        event.subject,
        event.id,
    )
    return row


async def is_second_tap(event: Event) -> bool:
    """Say whether the person pressed the same button of the same message a moment before."""
    row = await db.fetch_one(
        """
        SELECT EXISTS (
            SELECT 1 FROM botapp_inbox AS earlier
            WHERE earlier.source = tap.source AND earlier.subject = tap.subject
                AND earlier.id < tap.id AND earlier.id >= tap.id - $2::bigint
                AND earlier.received_at > tap.received_at - $3::interval
                AND earlier.payload -> 'callback_query' ->> 'data' = tap.payload -> 'callback_query' ->> 'data'
                AND earlier.payload #>> '{callback_query,message,message_id}'
                    = tap.payload #>> '{callback_query,message,message_id}'
        ) AS found
        FROM botapp_inbox AS tap WHERE tap.id = $1
        """,
        event.id,
        NEARBY,
        DOUBLE_TAP,
    )
    return bool(row and row["found"])
