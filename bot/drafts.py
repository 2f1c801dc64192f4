"""What a person has begun and not ordered yet: a chosen model, its options, photos that wait for words.

Drafts live in Redis for an hour. When Redis is away there are none, and a prompt simply starts a picture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Final, TypeAlias

from core import redis
from core.catalog import FollowUpKind
from core.generations import Continuation
from core.logs import get_logger
from core.storage import StoredFile
from providers.base import Json

logger = get_logger(__name__)

LIFETIME: Final = timedelta(hours=1)
Params: TypeAlias = Mapping[str, Json]

PREFIX: Final = "nb:draft:"
QUESTIONS: Final = "nb:photos:"
QUESTION_LIFETIME: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Draft:
    """The next words of the person complete it.

    Attributes:
        model: slug; None for the person's preferred image model.
        parent: run code of the generation whose result is being changed.
        continuation: what is done with the parent's result, where it is continued and not changed.
        price: what the person was told that it costs, in tokens.
    """

    model: str | None = None
    params: Params = field(default_factory=dict)
    images: tuple[StoredFile, ...] = ()
    parent: str | None = None
    continuation: Continuation | None = None
    price: str | None = None

    @property
    def is_dialogue(self) -> bool:
        """True when a model was chosen or a result is being changed, so that a photo joins instead of starting anew."""
        return self.model is not None or self.parent is not None


async def read(chat_id: int) -> Draft | None:
    """Return what the person has begun, None when there is nothing or nobody can tell."""
    try:
        content = await redis.client().get(PREFIX + str(chat_id))
    except redis.UNAVAILABLE as error:
        logger.warning("drafts_unavailable", error=type(error).__name__)
        return None
    return None if content is None else _parse(content)


async def keep(chat_id: int, draft: Draft) -> bool:
    """Remember a draft in place of the one before; False when it could not be kept."""
    content = json.dumps(asdict(draft), ensure_ascii=False)
    try:
        await redis.client().set(PREFIX + str(chat_id), content, ex=LIFETIME)
    except redis.UNAVAILABLE as error:
        logger.warning("drafts_unavailable", error=type(error).__name__)
        return False
    return True


async def drop(chat_id: int) -> bool:
    """Forget the draft; False when there was none."""
    try:
        return bool(await redis.client().delete(PREFIX + str(chat_id)))
    except redis.UNAVAILABLE as error:
        logger.warning("drafts_unavailable", error=type(error).__name__)
        return False


async def keep_photos(chat_id: int, question_id: int, images: tuple[StoredFile, ...]) -> None:
    """Remember the photos that a question with buttons is about."""
    content = json.dumps([image.to_dict() for image in images])
    try:
        await redis.client().set(f"{QUESTIONS}{chat_id}:{question_id}", content, ex=QUESTION_LIFETIME)
    except redis.UNAVAILABLE as error:
        logger.warning("drafts_unavailable", error=type(error).__name__)


async def photos_of(chat_id: int, question_id: int) -> tuple[StoredFile, ...]:
    """Return the photos that a question is about; none when it is too old or nobody can tell."""
    try:
        content = await redis.client().get(f"{QUESTIONS}{chat_id}:{question_id}")
    except redis.UNAVAILABLE as error:
        logger.warning("drafts_unavailable", error=type(error).__name__)
        return ()
    return () if content is None else tuple(StoredFile.from_dict(image) for image in json.loads(content))


def _parse(content: str) -> Draft | None:
    """Read a draft; one that another version of the program wrote and that does not fit is none."""
    try:
        values = json.loads(content)
        images = tuple(StoredFile.from_dict(image) for image in values.pop("images"))
        continuation = values.pop("continuation", None)
        if continuation is not None:
            continuation = Continuation(FollowUpKind(continuation["kind"]), continuation["number"])
        return Draft(**values, images=images, continuation=continuation)
    except (ValueError, TypeError, KeyError, AttributeError):
        logger.warning("draft_unreadable")
        return None
