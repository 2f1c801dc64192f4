"""The question that Telegram asks before it takes somebody's Stars, and the ten seconds in which it must be answered.

The worker answers it. Web, which cannot know whether the worker is quick, waits for its sign in Redis and says no in
the webhook's response where there is none: a person who is told to try again is better off than one who sees a spinner
die. The first answer counts at Telegram, so that both may speak. Loaded by web: nothing here needs aiogram.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from bot.texts import Words
from core import db, redis
from core.inbox import InvalidEvent
from core.logs import get_logger
from core.types import Language
from core.users import language_for

logger = get_logger(__name__)

SUBJECT: Final = "pre_checkout:"
"""What the inbox files such a question under: one of its own for each, so that it waits for no other update."""

STORED_WITHIN: Final = 3.0
"""Seconds after which web stops waiting for the database."""

ANSWERED_WITHIN: Final = 7.0
"""Seconds after which the worker says no, counted from when the question was stored."""

SAID_NO_AFTER: Final = 8.5
"""Seconds after which web says no itself, counted from when the question came."""

SIGN_KEPT: Final = 60
LOOK: Final = 2.0
"""Seconds of one blocking look into Redis, less than its client's own time limit."""

LONGEST_MESSAGE: Final = 200


@dataclass(frozen=True, slots=True)
class PreCheckout:
    """Somebody is about to pay. `language_code` is their Telegram's."""

    id: str
    payer: int
    language_code: str
    amount: int
    currency: str
    payload: str

    @property
    def language(self) -> Language:
        """The language to answer in where the account is not known."""
        return language_for(self.language_code)


def read(update: bytes) -> PreCheckout | None:
    """Return the question of an update that is one; None for a malformed one."""
    return parse(json.loads(update)["pre_checkout_query"])


def parse(query: Any) -> PreCheckout | None:  # noqa: ANN401  Anything that JSON may hold.
    """Return a question out of Telegram's PreCheckoutQuery; None for a malformed one, which nobody can answer."""
    try:
        return PreCheckout(
            id=str(query["id"]),
            payer=int(query["from"]["id"]),
            language_code=str(query["from"].get("language_code") or ""),
            amount=int(query["total_amount"]),
            currency=str(query["currency"]),
            payload=str(query["invoice_payload"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def refusal_words(language: Language, reason: str) -> str:
    """Return what Telegram shows to somebody whose payment does not begin."""
    return Words(language).plain(f"checkout-{reason}")[:LONGEST_MESSAGE]


def refusal_call(query: PreCheckout) -> dict[str, Any]:
    """Return the Bot API call that says no, for the response of a webhook."""
    return {
        "method": "answerPreCheckoutQuery",
        "pre_checkout_query_id": query.id,
        "ok": False,
        "error_message": refusal_words(query.language, "busy"),
    }


async def is_left_to_worker(query: PreCheckout, storing: Coroutine[Any, Any, bool]) -> bool:
    """Store a question and wait for the worker's answer; False when it is time to say no.

    Raises:
        InvalidEvent: the question cannot be kept.
    """
    until = monotonic() + SAID_NO_AFTER
    # A task, which the wait does not end: the question is stored all the same, however late.
    task = asyncio.create_task(storing)
    await asyncio.wait({task}, timeout=STORED_WITHIN)
    if not task.done():
        task.add_done_callback(_note_late)
        return False
    try:
        is_new = task.result()
    except InvalidEvent:
        raise
    except db.UNAVAILABLE as error:
        logger.warning("pre_checkout_not_stored", error=type(error).__name__)
        return False
    return not is_new or await _was_answered(query.id, until)


def _note_late(task: asyncio.Task[bool]) -> None:
    error = None if task.cancelled() else task.exception()
    logger.warning("pre_checkout_stored_late", error=type(error).__name__ if error else "")


async def note_answer(query_id: str) -> None:
    """Tell web that a question has been answered."""
    try:
        async with redis.client().pipeline() as pipeline:
            pipeline.lpush(_key(query_id), "1")
            pipeline.expire(_key(query_id), SIGN_KEPT)
            await pipeline.execute()
    except redis.UNAVAILABLE as error:
        logger.warning("pre_checkout_answer_not_noted", error=type(error).__name__)


async def _was_answered(query_id: str, until: float) -> bool:
    while (left := until - monotonic()) > 0:
        try:
            look: Any = redis.client().blpop([_key(query_id)], timeout=min(left, LOOK))
            if await look:
                return True
        except redis.UNAVAILABLE as error:
            # Nothing can be heard of the worker, which does its part without Redis too.
            logger.warning("pre_checkout_answer_not_heard", error=type(error).__name__)
            return True
    return False


def _key(query_id: str) -> str:
    return f"nb:pre_checkout:{query_id}"
