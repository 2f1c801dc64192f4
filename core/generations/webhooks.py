"""Handles what providers tell, after it was stored: whatever it says, the job that it speaks of is polled now.

The adapter names the job; nothing else of a webhook is believed. One about a job that is over, or that is not known, is
no news.
"""

from __future__ import annotations

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from core import db, providers
from core.inbox import Event, Inbox
from core.logs import get_logger
from core.queue import outbox, part_of_worker
from core.settings import Settings

log = get_logger(__name__)

STOP_LIMIT: Final = 8.0
KEPT_HEADERS: Final = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature", "svix-id")
"""Headers that an adapter may want to see; the others are nobody's business."""

NATURAL_IDS: Final = ("webhook-id", "svix-id")


def inbox() -> Inbox:
    """The stored webhooks of all providers."""
    return Inbox("providers")


def event_of(provider: str, headers: Mapping[str, str], body: str) -> tuple[str, bytes]:
    """Return the id under which a webhook is stored once, the vendor's or a digest of it, and what is stored."""
    kept = {name: headers[name][:500] for name in KEPT_HEADERS if name in headers}
    natural = next((kept[name] for name in NATURAL_IDS if name in kept), None)
    digest = hashlib.sha256((natural or body).encode()).hexdigest()[:40]
    return f"{provider}:{digest}", db.to_json({"provider": provider, "headers": kept, "body": body}).encode()


@part_of_worker
@asynccontextmanager
async def handling(settings: Settings) -> AsyncIterator[None]:
    """Have the worker handle what the webhooks stored."""
    del settings
    running = asyncio.create_task(inbox().run(handle), name="providers-inbox")
    running.add_done_callback(_report_death)
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running}, timeout=STOP_LIMIT)


async def handle(event: Event) -> None:
    """Have the job polled that a stored webhook speaks of."""
    name, body = event.payload["provider"], event.payload["body"]
    try:
        external_id = providers.get(name).parse_webhook(event.payload["headers"], body.encode())
    except providers.ProviderNotConfigured:
        log.warning("provider_webhook_without_provider", provider=name)
        return
    if external_id is None:
        log.info("provider_webhook_of_nothing", provider=name)
        return
    run_code = await db.fetch_value(
        """
        UPDATE botapp_genrequest SET next_action_at = now()
        WHERE provider = $1 AND provider_job_id = $2 AND status = 'processing' AND stage = 'submitted'
        RETURNING run_code
        """,
        name,
        external_id,
    )
    log.info("provider_webhook", provider=name, external_id=external_id, is_awaited=run_code is not None)
    if run_code is not None:
        await outbox.publish_later("generations.advance", {"run_code": run_code})
        await outbox.flush()


def _report_death(task: asyncio.Task[None]) -> None:
    """End a process that hears no webhooks any more, so that another one takes its place."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("provider_webhooks_died", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)
