"""The poller: fetches updates where Telegram cannot push them, and keeps them in the inbox for the workers.

Telegram refuses a fetch until a worker has removed the webhook. It forgets an update once a later one is asked for, so
the next fetch waits until the last batch is stored.
"""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import suppress
from typing import Any, Final

import httpx

from bot.webhook import SOURCE, MalformedUpdate, parse_update
from core import db, logs, process
from core.inbox import Inbox, InvalidEvent
from core.logs import get_logger, new_trace
from core.settings import Settings
from core.telegram_webhook import UPDATES

logger = get_logger(__name__)

HELD_OPEN: Final = 25
"""Seconds that Telegram holds a fetch open while there is nothing."""

BATCH: Final = 100
PAUSE: Final = 2.0


class FetchFailed(Exception):
    """Telegram did not hand over updates."""


def run(settings: Settings) -> None:
    """Fetch and keep updates until SIGTERM or SIGINT."""
    logs.configure(settings, "poller")
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with process.opened(settings), process.alive(settings, "poller"):
        work = asyncio.create_task(poll(settings, Inbox(SOURCE)))
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
        for task in (work, waiting):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def poll(settings: Settings, inbox: Inbox) -> None:
    """Fetch and keep updates until cancelled."""
    async with httpx.AsyncClient(timeout=HELD_OPEN + 10) as client:
        await _fetch_forever(client, settings, inbox)


async def _fetch_forever(client: httpx.AsyncClient, settings: Settings, inbox: Inbox) -> None:
    offset = 0
    while True:
        try:
            for update in await fetch(client, settings, offset):
                await _store(inbox, update)
                offset = max(offset, update["update_id"] + 1)
        except FetchFailed as error:
            logger.warning("updates_not_fetched", reason=str(error))
            await asyncio.sleep(PAUSE)
        except db.UNAVAILABLE as error:
            # The batch is fetched again from the first update that was not kept.
            logger.warning("update_not_stored", error=type(error).__name__)
            await asyncio.sleep(PAUSE)


async def fetch(client: httpx.AsyncClient, settings: Settings, offset: int) -> list[dict[str, Any]]:
    """Return the next updates from `offset` on, confirming those before it.

    Raises:
        FetchFailed: Telegram is away, refuses, or answers nonsense. The message holds no token.
    """
    url = f"{settings.telegram_api_base_url}/bot{settings.telegram_bot_token.get_secret_value()}/getUpdates"
    parameters = {"offset": offset, "limit": BATCH, "timeout": HELD_OPEN, "allowed_updates": list(UPDATES)}
    try:
        answer = (await client.post(url, json=parameters)).json()
    except (httpx.HTTPError, ValueError) as error:
        raise FetchFailed(type(error).__name__) from None
    result = answer.get("result") if isinstance(answer, dict) and answer.get("ok") else None
    if not isinstance(result, list):
        description = answer.get("description") if isinstance(answer, dict) else None
        raise FetchFailed(str(description or "an answer without updates"))
    return [update for update in result if isinstance(update, dict) and isinstance(update.get("update_id"), int)]


async def _store(inbox: Inbox, update: dict[str, Any]) -> None:
    try:
        event_id, subject, payload = parse_update(json.dumps(update).encode())
        await inbox.store(event_id, subject, payload, new_trace())
    except (MalformedUpdate, InvalidEvent) as error:
        # Telegram would hand it over for ever; there is nothing in it that could be answered.
        logger.error("update_refused", update_id=update.get("update_id"), reason=str(error))
