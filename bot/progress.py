"""The one message that shows how a job stands: sent when it starts, edited in place, gone or explained at the end.

Edits of one message are at least two seconds apart, and the last state always gets shown: who finds an edit too fresh
waits for its turn, and everybody else who comes meanwhile leaves it to the one who waits.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardMarkup

from bot import keyboards, offers
from bot.talk import answering
from bot.texts import Html, Words, join, lines
from core import generations, ledger, redis, users
from core.catalog import CatalogModel
from core.generations import Generation, Stage, Status
from core.logs import get_logger
from core.types import Tokens
from providers.base import MediaKind

logger = get_logger(__name__)

EDIT_EVERY: Final = 2.0
"""Seconds between two edits of one message; Telegram slows a bot down that is faster."""

LOCK_SECONDS: Final = 30
LATE_AFTER: Final = 1.5
"""How many usual times may pass before a job counts as late."""

CANCELLABLE: Final = frozenset({Stage.QUEUED, Stage.SUBMITTED})
"""While the provider is being asked, nobody knows what there is to cancel."""

BAR_WIDTH: Final = 10
WORKING: Final = {
    MediaKind.IMAGE: "progress-working",
    MediaKind.VIDEO: "progress-working-video",
    MediaKind.TEXT: "progress-working-text",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the message says now."""

    text: Html
    keyboard: InlineKeyboardMarkup | None


class Board:
    """Shows jobs in their chats."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def open(self, generation: Generation, *, reply_to: int | None = None) -> None:
        """Send the message of a job that has just been taken; does nothing for a job that has one."""
        if generation.status_message_id is not None:
            return
        shown = await render(generation)
        message = await self._bot.send_message(
            generation.chat_id, shown.text, reply_markup=shown.keyboard, reply_parameters=answering(reply_to)
        )
        await generations.attach_status_message(generation.run_code, message.message_id)
        if (await generations.get(generation.run_code)).status.is_final:
            # The job was quicker than its message: whoever ended it did not find one.
            await self.close(generation.run_code)

    async def refresh(self, run_code: str) -> None:
        """Show the present state, not more often than Telegram likes."""
        if not await _turn(run_code):
            return
        async with _edit_lock(run_code):
            await self._show(await generations.get(run_code))

    async def close(self, run_code: str) -> None:
        """Show how a job ended: delivered ones lose their message, since the result says it all."""
        async with _edit_lock(run_code):
            generation = await generations.get(run_code)
            if generation.status is Status.DONE:
                await self._remove(generation)
            else:
                await self._show(generation, is_news=True)

    async def _show(self, generation: Generation, *, is_news: bool = False) -> None:
        if generation.status is Status.DONE:
            return
        if users.is_test(generation.chat_id) or (generation.status_message_id is None and not is_news):
            return
        shown = await render(generation)
        if generation.status_message_id is not None and await self._edit(generation, shown):
            return
        if is_news:
            message = await self._bot.send_message(generation.chat_id, shown.text, reply_markup=shown.keyboard)
            await generations.attach_status_message(generation.run_code, message.message_id)

    async def _edit(self, generation: Generation, shown: Shown) -> bool:
        """Return False when there is no such message any more."""
        try:
            await self._bot.edit_message_text(
                shown.text,
                chat_id=generation.chat_id,
                message_id=generation.status_message_id,
                reply_markup=shown.keyboard,
            )
        except TelegramBadRequest as error:
            return "not modified" in error.message
        return True

    async def _remove(self, generation: Generation) -> None:
        if generation.status_message_id is None or generation.status_message_id in generation.result_message_ids:
            return
        try:
            await self._bot.delete_message(generation.chat_id, generation.status_message_id)
        except TelegramBadRequest:
            # Telegram keeps messages that are older than two days.
            words = Words(generation.language)
            done = Shown(words("finished-done", model=_name(words, generation)), None)
            await self._edit(generation, done)


async def render(generation: Generation, now: datetime | None = None) -> Shown:
    """Return the message of a job in its present state."""
    words = Words(generation.language)
    balance = await ledger.balance_of(generation.user_id)
    model = await offers.find_any(generation.model)
    if generation.status.is_final:
        return _ending(words, generation, model, balance)
    place = await generations.queue_place(generation)
    text = join(
        lines(_title(words, generation, model), words("progress-price", price=generation.tokens, balance=balance)),
        _state_words(words, generation, place, now or datetime.now(UTC)),
    )
    can_stop = generation.stage in CANCELLABLE
    return Shown(text, keyboards.running(words, generation) if can_stop else None)


def failure_words(words: Words, code: str) -> Html:
    """Explain a class of failure. What the provider itself said is never shown."""
    key = f"failure-{code}"
    return words(key if words.has(key) else "failure-other")


def bar(percent: int) -> str:
    """Draw a share of a hundred."""
    full = round(min(max(percent, 0), 100) / 100 * BAR_WIDTH)
    return "▓" * full + "░" * (BAR_WIDTH - full)


def _name(words: Words, generation: Generation) -> str:
    """Return what made it: a model's own name, or what a prompt by reference is called in this language."""
    return words.plain("reference-name") if generation.kind is MediaKind.TEXT else generation.model_name


def _title(words: Words, generation: Generation, model: CatalogModel | None) -> Html:
    mark = offers.NEUTRAL_MARKS[generation.kind]
    # Names of models often begin with a sign of their own.
    name = _name(words, generation)
    emoji = "" if not name[:1].isalnum() else mark
    title = words(
        "progress-title",
        emoji=emoji,
        model=name,
        options=offers.params_words(words, model, generation.params),
    )
    return Html(title.strip())


def _state_words(words: Words, generation: Generation, place: int | None, now: datetime) -> Html:
    usual = words.duration(generation.typical_seconds)
    if generation.stage is Stage.DELIVERING:
        return words("progress-sending")
    if generation.stage is Stage.FETCHING:
        return words("progress-fetching")
    if generation.stage is Stage.STORING:
        return words("progress-storing")
    if generation.status is Status.QUEUED:
        if place is None or place <= 1:
            return words("progress-starting")
        return words("progress-queued", place=place - 1, duration=usual)
    elapsed = (now - (generation.started_at or generation.created_at)).total_seconds()
    if generation.progress is not None:
        drawn = words("progress-bar", bar=bar(generation.progress), percent=generation.progress)
        return lines(drawn, _elapsed_words(words, generation, elapsed, usual))
    return _elapsed_words(words, generation, elapsed, usual)


def _elapsed_words(words: Words, generation: Generation, elapsed: float, usual: str) -> Html:
    if elapsed < 1:
        return words("progress-starting")
    if elapsed > generation.typical_seconds * LATE_AFTER:
        return words("progress-late", elapsed=words.duration(elapsed))
    return words(WORKING[generation.kind], elapsed=words.duration(elapsed), duration=usual)


def _ending(words: Words, generation: Generation, model: CatalogModel | None, balance: Tokens) -> Shown:
    if generation.status is Status.DONE:
        return Shown(words("finished-done", model=_name(words, generation)), None)
    if generation.status is Status.CANCELLED:
        reason = words("finished-cancelled")
    else:
        reason = words("finished-failed", reason=failure_words(words, generation.error_code))
    text = lines(
        _title(words, generation, model),
        reason,
        words("finished-tokens-back", tokens=generation.refunded, balance=balance) if generation.refunded else "",
    )
    price = offers.price_of(model, generation.params) if model else generation.tokens
    return Shown(text, keyboards.retry(words, generation, price))


async def _turn(run_code: str) -> bool:
    """Wait for the right to edit; False when somebody else already waits and will show the newest state."""
    recent, waiting = f"nb:shown:{run_code}", f"nb:showing:{run_code}"
    pause = int(EDIT_EVERY * 1000)
    try:
        if await redis.client().set(recent, "1", nx=True, px=pause):
            return True
        if not await redis.client().set(waiting, "1", nx=True, px=2 * pause):
            return False
        left = await redis.client().pttl(recent)
        await asyncio.sleep(max(left, 0) / 1000)
        await redis.client().delete(waiting)
        await redis.client().set(recent, "1", px=pause)
    except redis.UNAVAILABLE as error:
        logger.warning("edits_are_not_slowed_down", error=type(error).__name__)
    return True


@asynccontextmanager
async def _edit_lock(run_code: str) -> AsyncIterator[None]:
    """Let one process at a time read the state and show it, so that an older state never covers a newer one."""
    key, token = f"nb:edit:{run_code}", secrets.token_hex(8)
    is_held = False
    try:
        for _ in range(LOCK_SECONDS * 20):
            is_held = bool(await redis.client().set(key, token, nx=True, ex=LOCK_SECONDS))
            if is_held:
                break
            await asyncio.sleep(0.05)
    except redis.UNAVAILABLE as error:
        logger.warning("edits_are_not_ordered", error=type(error).__name__)
    try:
        yield
    finally:
        if is_held:
            with suppress(*redis.UNAVAILABLE):
                if await redis.client().get(key) == token:
                    await redis.client().delete(key)
