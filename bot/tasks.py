"""What the worker does in chats: show how a job stands, hand its result over, tell that it failed.

aiogram takes seconds to import, so a worker loads it in a thread when it starts, and the first task waits for that.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from core.logs import get_logger
from core.queue import part_of_worker, task
from core.settings import Settings

if TYPE_CHECKING:
    from bot.worker import Worker

logger = get_logger(__name__)

_worker: asyncio.Task[Worker] | None = None


@part_of_worker
@asynccontextmanager
async def telegram(settings: Settings) -> AsyncIterator[None]:
    """Have a bot ready for the tasks."""
    global _worker
    _worker = asyncio.create_task(_load(settings))
    try:
        yield
    finally:
        loading, _worker = _worker, None
        await (await loading).close()


@task("bot.show_status", queue="delivery")
async def show_status(run_code: str) -> None:
    """Bring the status message of a job up to date."""
    await (await _ready()).show_status(run_code)


@task("bot.deliver", queue="delivery")
async def deliver(run_code: str) -> None:
    """Hand over what a job made. Whatever goes wrong with that, the job is not done again."""
    await (await _ready()).deliver(run_code)


@task("bot.tell_failure", queue="delivery")
async def tell_failure(run_code: str) -> None:
    """Tell that a job ended without a result and that its tokens are back."""
    await (await _ready()).tell_failure(run_code)


async def _ready() -> Worker:
    if _worker is None:
        raise RuntimeError("The task runs outside a worker; start workers with `nb worker`")
    return await asyncio.shield(_worker)


async def _load(settings: Settings) -> Worker:
    await asyncio.to_thread(importlib.import_module, "bot.worker")
    from bot.worker import Worker

    return Worker(settings)
