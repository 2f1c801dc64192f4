"""People who order without end: each has a model and writes, with or without a photo, words that nobody else writes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

from tests.end_to_end.people import Person, Sandbox
from tests.end_to_end.pictures import photograph

TOKENS = 20_000
SUBJECTS = ("a red fox", "a lighthouse at dawn", "a city in the rain", "дюны под звёздами", "a forest in winter")
NUMBERS = count(1)


@dataclass(frozen=True)
class Model:
    """A model that people may choose, and what it cannot do without."""

    slug: str
    needs_photo: bool = False
    is_film: bool = False


@dataclass(frozen=True)
class Order:
    """One wish. `mark` stands in its words and nowhere else."""

    mark: str
    person: Person
    model: str


@dataclass
class Crowd:
    """The people, and everything that they wished for."""

    sandbox: Sandbox
    chance: Random
    members: list[tuple[Person, Model]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    _menus: dict[int, int] = field(default_factory=dict)

    async def gather(self, size: int, models: Sequence[Model]) -> None:
        """Have people arrive, choose a model from the list, and be given tokens."""
        chosen = [models[number % len(models)] for number in range(size)]
        for start in range(0, size, 8):
            self.members += await asyncio.gather(*(self._arrive(model) for model in chosen[start : start + 8]))

    async def _arrive(self, model: Model) -> tuple[Person, Model]:
        person = await self.sandbox.somebody()
        await person.is_given(TOKENS)
        card = await person.choose_model(model.slug)
        self._menus[person.id] = card["message_id"]
        return person, model

    async def order(self, seconds: float, between: tuple[float, float]) -> None:
        """Have everybody order for so long, each with pauses of their own."""
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._wish(person, model, end, between) for person, model in self.members))

    async def _wish(self, person: Person, model: Model, end: float, between: tuple[float, float]) -> None:
        await asyncio.sleep(self.chance.uniform(0, between[1]))
        while time.monotonic() < end:
            order = Order(f"k{next(NUMBERS):05d}", person, model.slug)
            if model.is_film:
                # What is chosen holds for one film; the words after it are drawn by the usual model again.
                await person.forge(self._menus[person.id], f"p:{model.slug}")
            words = f"{self.chance.choice(SUBJECTS)} {order.mark}"
            self.orders.append(order)
            if model.needs_photo:
                await person.send("photo", photograph(320, 240, seed=len(self.orders) % 5), caption=words)
            else:
                await person.say(words)
            await asyncio.sleep(self.chance.uniform(*between))


async def models_on_offer(sandbox: Sandbox) -> list[Model]:
    """Return the models that are listed and whose work is done by an emulator; those from a video are left out."""
    rows = await sandbox.records.fetch(
        "SELECT slug, type, inputs, routes FROM botapp_aimodel WHERE is_listed AND is_active AND type <> 'text'"
        " AND (retires_at IS NULL OR retires_at > now()) ORDER BY slug"
    )
    return [
        Model(row["slug"], needs_photo=bool(needed), is_film=row["type"] == "video")
        for row in rows
        if "video" not in (needed := needed_roles(row["inputs"])) and has_emulator(row["routes"])
    ]


def needed_roles(inputs: str) -> list[str]:
    """Return the roles without which a model makes nothing."""
    return [slot["role"] for slot in json.loads(inputs) if slot.get("least", 0) > 0]


def has_emulator(routes: str) -> bool:
    """Tell whether anybody but the demonstration does a model's work."""
    return any(route["provider"] != "demo" for route in json.loads(routes))
