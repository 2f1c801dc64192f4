"""What the worker does in chats: answer updates, show how a job stands, hand its result over, tell about money.

aiogram takes seconds to import, so only a worker that starts loads it, in a thread.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from core.queue import part_of_worker, task
from core.settings import Settings

if TYPE_CHECKING:
    from bot.runtime import Runtime

_runtime: Runtime | None = None


@part_of_worker
@asynccontextmanager
async def telegram(settings: Settings) -> AsyncIterator[None]:
    """Have the bot answer updates, and ready for the tasks."""
    global _runtime
    await asyncio.to_thread(importlib.import_module, "bot.runtime")
    from bot.runtime import Runtime

    _runtime = Runtime(settings)
    _runtime.start()
    try:
        yield
    finally:
        runtime, _runtime = _runtime, None
        await runtime.stop()


@task("bot.show_status")
async def show_status(run_code: str) -> None:
    """Bring the status message of a job up to date."""
    await _bot().show_status(run_code)


@task("bot.deliver")
async def deliver(run_code: str) -> None:
    """Hand over what a job made. Whatever goes wrong with that, the job is not done again."""
    await _bot().deliver(run_code)


@task("bot.tell_failure")
async def tell_failure(run_code: str) -> None:
    """Tell that a job ended without a result and that its tokens are back."""
    await _bot().tell_failure(run_code)


@task("bot.tell_payment")
async def tell_payment(code: str) -> None:
    """Tell what became of a payment."""
    await _bot().tell_payment(code)


@task("bot.tell_bonus")
async def tell_bonus(referral: int, news: str) -> None:
    """Tell that an invited friend came, or paid."""
    await _bot().tell_bonus(referral, news)


@task("bot.alert")
async def alert(key: str, text: str) -> None:
    """Tell the operators what cannot wait."""
    await _bot().alert(key, text)


@task("bot.offer_cart")
async def offer_cart(chat_id: int) -> None:
    """Offer to start what a person had too few tokens for."""
    await _bot().offer_cart(chat_id)


def _bot() -> Runtime:
    if _runtime is None:
        raise RuntimeError("The task runs outside a worker; start workers with `nb worker`")
    return _runtime
