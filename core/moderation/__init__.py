"""What is not made here, found before money moves, and who keeps asking for it.

A word list looks first, then OpenAI's moderation where a key is configured. A refusal costs nothing and is remembered;
many of one user slow that user down (`strikes`). Nothing here runs inside the transaction of an order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from core.generations.refusals import ContentRefused, TooManyRefusals
from core.logs import get_logger
from core.moderation import strikes, words
from core.moderation.endpoint import Endpoint
from core.moderation.strikes import Record, Source, Strike
from core.moderation.words import WordsError
from core.settings import Settings
from core.storage import StoredFile
from core.types import UserId

__all__ = ["Record", "Source", "Strike", "WordsError", "check", "connect", "disconnect", "note", "record_of"]

logger = get_logger(__name__)

_words: words.WordList | None = None
_endpoint: Endpoint | None = None


async def connect(settings: Settings) -> None:
    """Read the word lists, and prepare the endpoint where there is a key for it.

    Raises:
        WordsError: the operator's file of words is not one.
    """
    global _words, _endpoint
    await disconnect()
    path = settings.moderation_words_path
    _words = words.load(path) if path is not None else words.shipped()
    key = settings.openai_api_key
    if settings.moderation_enabled and key is not None:
        _endpoint = Endpoint(key.get_secret_value(), base_url=settings.openai_base_url)


async def disconnect() -> None:
    """Close connections and forget what `connect` read."""
    global _words, _endpoint
    endpoint, _endpoint, _words = _endpoint, None, None
    if endpoint is not None:
        await endpoint.close()


async def check(user_id: UserId, prompt: str, images: Sequence[StoredFile] = ()) -> None:
    """Look at what a user asks for. Call it before the order's transaction.

    Raises:
        ContentRefused: it is not made here; the refusal is remembered.
        TooManyRefusals: the user was refused too often and has to wait; the order was not looked at.
    """
    record = await strikes.of_user(user_id)
    if record.paused_until is not None:
        left = (record.paused_until - datetime.now(UTC)).total_seconds()
        raise TooManyRefusals(seconds=max(1, math.ceil(left)))
    category = (_words or words.shipped()).category_of(prompt)
    source: Source = "words"
    if category is None and _endpoint is not None:
        category, source = await _endpoint.category_of(prompt, images), "moderation"
    if category is not None:
        await note(user_id, source, category, prompt)
        raise ContentRefused(category)


async def note(user_id: UserId, source: Source, category: str, prompt: str) -> None:
    """Remember that something was refused: by us in `check`, by a provider when it says `ContentBlocked`."""
    if await strikes.add(user_id, source, category, prompt):
        logger.info("moderation_refused", user=user_id, source=source, category=category)


async def record_of(user_id: UserId) -> Record:
    """Return how a user stands: the refusals of the last 30 days and the pause that follows from them."""
    return await strikes.of_user(user_id)
