"""Has operators see what breaks a conversation: in which handler, at what kind of update. Nothing that people wrote."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from aiogram.exceptions import TelegramForbiddenError, TelegramRetryAfter

from bot.client import LOST_ANSWER
from core import errors
from core.errors import Origin, Severity
from core.errors.faults import place_of
from core.inbox import Event

errors.expect(*LOST_ANSWER, TelegramRetryAfter, TelegramForbiddenError)

ROUTERS: Final = "bot.routers"

CONTENTS: Final = (
    "text",
    "photo",
    "video",
    "document",
    "voice",
    "video_note",
    "animation",
    "sticker",
    "web_app_data",
    "successful_payment",
    "refunded_payment",
)
"""What a message may hold, by the name of its field."""

COMMAND: Final = re.compile(r"/[a-z_]{1,32}(?![^\s@])", re.ASCII)
ACTION: Final = re.compile(r"[a-z_-]{1,32}(?=:|\Z)", re.ASCII)


def note(event: Event, error: Exception) -> None:
    """Record what broke the handling of an update."""
    kind, content = _kind_of(event.payload)
    errors.record(
        error,
        origin=Origin.TELEGRAM_HANDLER,
        severity=Severity.CRITICAL,
        handler=place_of(error, within=ROUTERS) or kind,
        chat_id=int(event.subject) if event.subject.isdigit() else None,
        trace_id=event.trace_id,
        extra={"update": kind, "holds": content, "update_id": event.event_id, "attempts": event.attempts},
    )


def note_death(task: asyncio.Task[None]) -> None:
    """Record the end of what the bot stands on."""
    if (error := task.exception()) is not None:
        errors.record(error, origin=Origin.TELEGRAM_HANDLER, severity=Severity.CRITICAL, handler=task.get_name())


def _kind_of(payload: dict[str, Any]) -> tuple[str, str]:
    """Which update it is, and what it holds: the name of a command or a button, never words of a person."""
    kind = next((name for name in payload if name != "update_id"), "nothing")
    content = payload.get(kind)
    if not isinstance(content, dict):
        return kind[:32], ""
    if kind == "callback_query":
        pressed = ACTION.match(str(content.get("data", "")))
        return kind, f"button {pressed.group()}" if pressed else "button"
    said = COMMAND.match(str(content.get("text", "")))
    if said:
        return kind, f"command {said.group()}"
    return kind[:32], next((name for name in CONTENTS if name in content), "")
