"""Sends what a generation made: a photo or playable video, several as an album, the original as a file on request.

A send whose answer was lost may have worked. A mark in Redis, set before a send and removed when its outcome is known,
tells the next try so; that one puts the result in the place of the status message, which is safe to repeat.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramRetryAfter,
)
from aiogram.types import (
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    MediaUnion,
    Message,
)

from bot import keyboards, keyboards_reference, offers, texts_delivery
from bot.captions import LONGEST_CAPTION, LONGEST_TEXT, with_prompt
from bot.client import LOST_ANSWER, UPLOAD_TIMEOUT, was_never_sent
from bot.files import LARGEST_FILE, Sendable, open_original, open_result
from bot.progress import Board
from bot.texts import Html, Words, join, lines
from core import generations, ledger, redis, storage, users
from core.generations import Generation
from core.logs import get_logger
from core.storage import FileNotStored, StorageRefused, StorageUnavailable, StoredFile
from core.types import Tokens
from providers.base import MediaKind

logger = get_logger(__name__)

LINK_LIFETIME: Final = timedelta(days=7)
LARGEST_ALBUM: Final = 10
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=10)
ATTEMPTS: Final = 60
"""Tries before a delivery is given up: most of a day of Telegram being away."""

MARK_LIFETIME: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A result with its words and buttons."""

    generation: Generation
    words: Words
    caption: Html
    keyboard: InlineKeyboardMarkup


class Courier:
    """Delivers to chats through one bot."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._board = Board(bot)

    async def deliver(self, run_code: str) -> None:
        """Hand a result over once, or plan the next try."""
        generation = await generations.claim_delivery(run_code)
        if generation is not None:
            async with generations.delivering(run_code):
                await self._deliver(generation)

    async def _deliver(self, generation: Generation) -> None:
        run_code = generation.run_code
        try:
            message_ids = await _sent_before(run_code)
            if users.is_test(generation.chat_id):
                await self._rehearse(await wrap(generation))
            elif not message_ids:
                message_ids = await self._send(await wrap(generation))
                await _note_sent(run_code, message_ids)
        except TelegramForbiddenError:
            await users.mark_unreachable(generation.chat_id)
            await generations.abandon_delivery(run_code, "the user blocked the bot")
        except TelegramRetryAfter as error:
            await self._postpone(generation, timedelta(seconds=error.retry_after), error)
        except (*LOST_ANSWER, StorageUnavailable) as error:
            await self._postpone(generation, pause_after(generation.delivery_attempts), error)
        except (TelegramAPIError, FileNotStored, StorageRefused) as error:
            logger.error("delivery_impossible", run_code=run_code, error=str(error)[:300])
            await generations.refuse_delivery(run_code, f"{type(error).__name__}: {error}"[:300])
        else:
            await generations.record_delivery(run_code, message_ids)
            await _forget_try(run_code)
            await self._board.close(run_code)

    async def send_originals(self, generation: Generation) -> None:
        """Send the stored files as they are; a link for those that Telegram does not take."""
        words = Words(generation.language)
        linked = []
        for number, file in enumerate(generation.results, start=1):
            if file.size > LARGEST_FILE:
                linked.append((number, file))
                continue
            await self._bot.send_document(
                generation.chat_id,
                open_original(generation, file, number),
                caption=words("original-caption"),
                disable_content_type_detection=True,
                request_timeout=UPLOAD_TIMEOUT,
            )
        if linked:
            await self._bot.send_message(generation.chat_id, await link_words(words, linked))

    async def _rehearse(self, parcel: Parcel) -> None:
        """Do everything for a test user that is done for a person, but for the sending."""
        for number, file in enumerate(parcel.generation.results, 1):
            await open_result(parcel.generation, file, number)

    async def _send(self, parcel: Parcel) -> list[int]:
        results = parcel.generation.results
        is_text = parcel.generation.kind is MediaKind.TEXT
        shown = () if is_text else results
        opened = [await open_result(parcel.generation, file, number) for number, file in enumerate(shown, 1)]
        files = [file for file in opened if file is not None]
        run_code = parcel.generation.run_code
        if await _was_tried(run_code) and (is_text or len(files) == len(results) == 1):
            replaced = await self._replace_status_message(parcel, None if is_text else files[0])
            if replaced is not None:
                return [replaced]
        await _mark_try(run_code)
        try:
            return await self._send_files(parcel, files)
        except LOST_ANSWER as error:
            if was_never_sent(error):
                await _forget_try(run_code)
            raise
        except TelegramAPIError:
            await _forget_try(run_code)
            raise

    async def _send_files(self, parcel: Parcel, files: Sequence[Sendable]) -> list[int]:
        if parcel.generation.kind is MediaKind.TEXT:
            chat_id = parcel.generation.chat_id
            return [(await self._bot.send_message(chat_id, parcel.caption, reply_markup=parcel.keyboard)).message_id]
        if len(files) < len(parcel.generation.results) or not files:
            return [await self._send_links(parcel)]
        if len(files) > 1:
            return await self._send_several(parcel, files)
        try:
            return [(await self._send_one(parcel, files[0])).message_id]
        except TelegramBadRequest as error:
            # Telegram looked into the file and does not like it as a photo or video. As a file it takes anything.
            logger.warning("delivered_as_file", run_code=parcel.generation.run_code, error=error.message)
            return [(await self._send_as_file(parcel)).message_id]

    async def _send_one(self, parcel: Parcel, file: Sendable) -> Message:
        chat_id = parcel.generation.chat_id
        if not file.is_video:
            return await self._bot.send_photo(
                chat_id,
                file.content,
                caption=parcel.caption,
                reply_markup=parcel.keyboard,
                request_timeout=UPLOAD_TIMEOUT,
            )
        return await self._bot.send_video(
            chat_id,
            file.content,
            width=file.facts.width or None,
            height=file.facts.height or None,
            duration=file.facts.seconds or None,
            supports_streaming=True,
            caption=parcel.caption,
            reply_markup=parcel.keyboard,
            request_timeout=UPLOAD_TIMEOUT,
        )

    async def _send_as_file(self, parcel: Parcel) -> Message:
        generation = parcel.generation
        return await self._bot.send_document(
            generation.chat_id,
            open_original(generation, generation.results[0], 1),
            caption=parcel.caption,
            reply_markup=parcel.keyboard,
            request_timeout=UPLOAD_TIMEOUT,
        )

    async def _send_several(self, parcel: Parcel, files: Sequence[Sendable]) -> list[int]:
        """Albums carry no buttons; those come in a message of their own, which is not worth failing for."""
        chat_id, caption = parcel.generation.chat_id, parcel.caption
        try:
            shown = [_album_item(file, None if number else caption) for number, file in enumerate(files)]
            sent = await self._send_album(chat_id, shown)
        except TelegramBadRequest as error:
            logger.warning("delivered_as_file", run_code=parcel.generation.run_code, error=error.message)
            sent = await self._send_album(chat_id, _as_files(parcel))
        with suppress(TelegramAPIError):
            question = parcel.words("result-many", n=len(files))
            sent.append((await self._bot.send_message(chat_id, question, reply_markup=parcel.keyboard)).message_id)
        return sent

    async def _send_album(self, chat_id: int, items: Sequence[MediaUnion]) -> list[int]:
        sent = []
        for start in range(0, len(items), LARGEST_ALBUM):
            part: list[MediaUnion] = [*items[start : start + LARGEST_ALBUM]]
            messages = await self._bot.send_media_group(chat_id, part, request_timeout=UPLOAD_TIMEOUT)
            sent += [message.message_id for message in messages]
        return sent

    async def _send_links(self, parcel: Parcel) -> int:
        links = await link_words(parcel.words, list(enumerate(parcel.generation.results, 1)))
        text = join(await caption_of(parcel.words, parcel.generation, limit=LONGEST_TEXT // 2), links)
        message = await self._bot.send_message(parcel.generation.chat_id, text, reply_markup=parcel.keyboard)
        return message.message_id

    async def _replace_status_message(self, parcel: Parcel, file: Sendable | None) -> int | None:
        """Turn the status message into the result; None when there is no such message any more."""
        message_id = parcel.generation.status_message_id
        if message_id is None:
            return None
        chat_id, keyboard = parcel.generation.chat_id, parcel.keyboard
        try:
            if file is None:
                await self._bot.edit_message_text(
                    parcel.caption, chat_id=chat_id, message_id=message_id, reply_markup=keyboard
                )
            else:
                await self._bot.edit_message_media(
                    _album_item(file, parcel.caption),
                    chat_id=chat_id,
                    message_id=message_id,
                    reply_markup=keyboard,
                    request_timeout=UPLOAD_TIMEOUT,
                )
        except TelegramBadRequest as error:
            if "not modified" not in error.message:
                return None
        return message_id

    async def _postpone(self, generation: Generation, pause: timedelta, error: Exception) -> None:
        if generation.delivery_attempts >= ATTEMPTS:
            await generations.refuse_delivery(generation.run_code, f"{ATTEMPTS} tries: {type(error).__name__}")
            return
        logger.warning("delivery_postponed", run_code=generation.run_code, error=type(error).__name__)
        await generations.postpone_delivery(generation.run_code, after=pause, reason=type(error).__name__)


async def wrap(generation: Generation) -> Parcel:
    """Put words and buttons to a result."""
    words = Words(generation.language)
    if generation.kind is MediaKind.TEXT:
        made, again = await texts_delivery.text_of(generation), await price_now(generation)
        keyboard = keyboards_reference.result(words, generation, again)
        text = texts_delivery.message_of(words, await _price_words(words, generation), made)
        return Parcel(generation, words, text, keyboard)
    keyboard = keyboards.result(words, generation, await price_now(generation), await offers.continuing(generation))
    return Parcel(generation, words, await caption_of(words, generation), keyboard)


async def caption_of(words: Words, generation: Generation, *, limit: int = LONGEST_CAPTION) -> Html:
    """Return what stands under a result: model, options, what was charged, what is left, the prompt."""
    title = words(
        "result-title",
        model=generation.model_name,
        options=offers.params_words(words, await offers.find_any(generation.model), generation.params),
    )
    return with_prompt(lines(title, await _price_words(words, generation)), generation.prompt, limit=limit)


async def _price_words(words: Words, generation: Generation) -> Html:
    balance = await ledger.balance_of(generation.user_id)
    charged = generation.tokens - generation.refunded
    if generation.refunded:
        return words("result-price-partly", price=charged, refunded=generation.refunded, balance=balance)
    return words("result-price", price=charged, balance=balance)


async def price_now(generation: Generation) -> Tokens:
    """Return what the same order costs now."""
    model = await offers.find_any(generation.model)
    return generation.tokens if model is None else offers.price_of(model, generation.params)


async def link_words(words: Words, files: Sequence[tuple[int, StoredFile]]) -> Html:
    """Return signed links to files."""
    rows = [words("result-link", n=len(files), days=LINK_LIFETIME.days)]
    for number, file in files:
        link = await storage.storage().link(file.key, lifetime=LINK_LIFETIME)
        name = words("result-link-name", n=number, megabytes=max(1, round(file.size / 1024 / 1024)))
        rows.append(Html(f'<a href="{link.replace("&", "&amp;")}">{name}</a>'))
    return lines(*rows)


def pause_after(attempt: int) -> timedelta:
    """Return how long to wait after try number `attempt`."""
    doublings: int = min(max(attempt, 1) - 1, 10)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def _as_files(parcel: Parcel) -> list[InputMediaDocument]:
    """Return the results as files, which Telegram takes whatever is in them."""
    return [
        InputMediaDocument(
            media=open_original(parcel.generation, file, number), caption=parcel.caption if number == 1 else None
        )
        for number, file in enumerate(parcel.generation.results, 1)
    ]


def _album_item(file: Sendable, caption: Html | None) -> InputMediaPhoto | InputMediaVideo:
    if not file.is_video:
        return InputMediaPhoto(media=file.content, caption=caption)
    return InputMediaVideo(
        media=file.content,
        caption=caption,
        width=file.facts.width or None,
        height=file.facts.height or None,
        duration=file.facts.seconds or None,
        supports_streaming=True,
    )


async def _was_tried(run_code: str) -> bool:
    with suppress(*redis.UNAVAILABLE):
        return bool(await redis.client().exists(f"nb:sending:{run_code}"))
    return False


async def _mark_try(run_code: str) -> None:
    with suppress(*redis.UNAVAILABLE):
        await redis.client().set(f"nb:sending:{run_code}", "1", ex=MARK_LIFETIME)


async def _note_sent(run_code: str, message_ids: Sequence[int]) -> None:
    """Remember a send that worked, in case that this process does not live to write it into the database."""
    with suppress(*redis.UNAVAILABLE):
        await redis.client().set(f"nb:sent:{run_code}", json.dumps(list(message_ids)), ex=MARK_LIFETIME)


async def _sent_before(run_code: str) -> list[int]:
    """Return the messages of a send that worked and was not recorded; empty when there was none."""
    with suppress(*redis.UNAVAILABLE):
        noted = await redis.client().get(f"nb:sent:{run_code}")
        return [int(number) for number in json.loads(noted)] if noted else []
    return []


async def _forget_try(run_code: str) -> None:
    with suppress(*redis.UNAVAILABLE):
        await redis.client().delete(f"nb:sending:{run_code}", f"nb:sent:{run_code}")
