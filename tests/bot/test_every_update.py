"""Every kind of update that the Bot API knows, with any of its optional fields missing: handled, never a fault.

The updates are made from aiogram's own types, so that a new kind is tried the day aiogram knows it.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from enum import Enum
from itertools import product
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from aiogram.client.default import Default
from aiogram.types import Chat, Message, Update, User
from aiogram.types.base import TelegramObject
from pydantic.fields import FieldInfo

from tests.bot.people import Person
from tests.bot.telegram import FakeTelegram

pytestmark = pytest.mark.integration

KINDS = [name for name in Update.model_fields if name != "update_id"]
MONEY = frozenset({"successful_payment", "refunded_payment"})
"""What is raised and not answered where it is malformed; test_payments.py is about it."""

CONTENTS = [
    name
    for name, field in Message.model_fields.items()
    if not field.is_required() and name not in {"from_user", *MONEY}
]
STRINGS = ["", "x", "a red fox", "/start", "лиса", "\u202e<b>", "p:nano-banana", "https://example.com/a.jpg", "🦊" * 30]
DEEPEST = 5
PARTS = 8


class Maker:
    """Makes the JSON of Telegram's objects as a person's chat could bring them."""

    def __init__(self, chance: random.Random, person: Person) -> None:
        self.chance = chance
        self.person = person

    def make(self, kind: Any, depth: int = 0) -> Any:
        origin = get_origin(kind)
        if kind is User:
            return self.person.profile
        if kind is Chat:
            return {"id": self.person.id, "type": "private"}
        if origin is Annotated:
            return self.make(get_args(kind)[0], depth)
        if origin in {Union, UnionType}:
            known = [one for one in get_args(kind) if one not in {NoneType, Default}]
            return self.make(self.chance.choice(known), depth)
        if origin is Literal:
            return self.plain(get_args(kind)[0])
        if origin is list:
            return [self.make(get_args(kind)[0], depth + 1) for _ in range(self.chance.randrange(3))]
        if isinstance(kind, type) and issubclass(kind, Enum):
            return self.chance.choice(list(kind)).value
        if isinstance(kind, type) and issubclass(kind, TelegramObject):
            return self.fill(kind, depth)
        return self.scalar(kind)

    def fill(self, kind: type[TelegramObject], depth: int, *, always: str = "") -> dict[str, Any]:
        """Fill the fields of a type: what is required, `always`, and by chance some of the rest."""
        made = {}
        for name, field in kind.model_fields.items():
            if name in MONEY:
                continue
            wanted = name == always or (depth < DEEPEST and self.chance.random() < 0.15)
            if field.is_required() or wanted or isinstance(field.default, str):
                made[field.alias or name] = self.field(field, depth)
        return made

    def field(self, field: FieldInfo, depth: int) -> Any:
        return field.default if isinstance(field.default, str) else self.make(field.annotation, depth + 1)

    def scalar(self, kind: Any) -> Any:
        if kind is bool:
            return self.chance.random() < 0.5
        if kind is str or hasattr(kind, "__value__"):
            # A type that refers to itself is rich text, which may be a plain one.
            return self.chance.choice(STRINGS)
        if kind is float:
            return 1.5
        assert kind in {int, datetime, timedelta}, kind
        return self.chance.choice([0, 1, 86_400, 1_700_000_000])

    @staticmethod
    def plain(value: Any) -> Any:
        return value.value if isinstance(value, Enum) else value


def told_of_a_fault(telegram: FakeTelegram) -> bool:
    return "Something broke" in str(telegram.now_shown)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_update_of_any_kind_is_handled_without_a_fault(kind: str, mia: Person, telegram: FakeTelegram) -> None:
    annotation = Update.model_fields[kind].annotation
    for seed in range(6):
        maker = Maker(random.Random(f"{kind} {seed}"), mia)
        content = maker.make(annotation)
        Update.model_validate({"update_id": 1, kind: content})
        await mia.update(**{kind: content})
        assert not told_of_a_fault(telegram), content
        if kind == "callback_query":
            assert telegram.named("answerCallbackQuery")[-1].callback_query_id == content["id"]


@pytest.mark.parametrize("part", range(PARTS))
async def test_a_message_with_anything_in_it_is_handled_without_a_fault(
    part: int, mia: Person, telegram: FakeTelegram
) -> None:
    for content, seed in product(CONTENTS[part::PARTS], range(2)):
        maker = Maker(random.Random(f"{content} {seed}"), mia)
        message = {**maker.fill(Message, DEEPEST - 2, always=content), "from": mia.profile}
        Update.model_validate({"update_id": 1, "message": message})
        await mia.update(message=message)
        assert not told_of_a_fault(telegram), message
