"""Ordering as a person does: from the list of models, with words, a photo or a video."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from tests.emulators import media
from tests.end_to_end.emulated.shipped import Shipped
from tests.end_to_end.people import Message, Person, Sandbox, text_of
from tests.end_to_end.pictures import photograph
from tests.end_to_end.waiting import until

T = TypeVar("T")

TOKENS = 5000
AT_ONCE = asyncio.Semaphore(12)
LIMIT = 90.0


@dataclass(frozen=True)
class Made:
    """An order that has ended, and what it was said to cost before."""

    person: Person
    quoted: Decimal
    job: dict[str, Any]
    shown: dict[str, Any]
    """What `nb gen show` says."""

    async def media(self) -> list[Message]:
        """Return the pictures and videos of the bot in the chat."""
        messages = await self.person.messages(after=0)
        return [one for one in messages if one["from"]["is_bot"] and {"photo", "video"} & one.keys()]


async def make(sandbox: Sandbox, model: Shipped, way: str, *, language: str = "en") -> Made:
    """Order from a model and wait for the end."""
    async with AT_ONCE:
        person = await sandbox.somebody(language)
        await person.is_given(TOKENS)
        quoted = await asyncio.to_thread(sandbox.product.nb, "pricing", "quote", model.slug)
        await person.choose_model(model.slug)
        await write(person, way, f"a red fox for {model.slug} from {way}")
        job = (await person.settled(limit=LIMIT))[-1]
        return Made(person, Decimal(quoted["data"]["tokens"]), job, await shown(person, job))


async def write(person: Person, way: str, words: str) -> None:
    """Send what the order is made of."""
    if way == "words":
        await person.say(words)
    elif way == "photo":
        await person.send("photo", photograph(1024, 640), caption=words)
    else:
        film = await media.film("waves", seconds=3.0)
        await person.send("video", film, caption=words, name="clip.mp4")


async def shown(person: Person, job: dict[str, Any]) -> dict[str, Any]:
    """Return what `nb gen show` says of a job."""
    document = await asyncio.to_thread(person.sandbox.product.nb, "gen", "show", job["run_code"])
    data: dict[str, Any] = document["data"]
    return data


async def follow(made: Made, kind: str) -> Made:
    """Press the button under a result that goes on from it, and whatever it asks for; wait for the end."""
    person = made.person
    before = len(await person.jobs())
    # As if a while had passed: some models want a pause between two orders.
    earlier = "UPDATE botapp_genrequest SET created_at = created_at - interval '1 hour' WHERE chat_id = $1"
    await person.sandbox.records.fetch(earlier, person.id)
    which = f"{made.job['run_code']}:{kind}"
    if len(made.shown["results"]) > 1:
        await press(person, "w", f"{which}:0")
    quoted = await press(person, "w", f"{which}:1")
    if kind in ("animate", "extend"):
        quoted = await press(person, "j", f"{which}:1")

    async def is_ordered() -> bool:
        return len(await person.jobs()) > before

    try:
        await until(is_ordered, f"{kind} is ordered")
    except AssertionError as error:
        said = [text_of(one) for one in await person.messages(after=0)]
        raise AssertionError(f"{error}; the bot said {said[-1]!r}") from None
    job = (await person.settled(limit=LIMIT))[-1]
    return Made(person, quoted, job, await shown(person, job))


async def press(person: Person, action: str, arguments: str) -> Decimal:
    """Press the newest button of that kind, and return the price that stands behind it."""

    async def look() -> tuple[int, str] | None:
        for message in reversed(await person.messages(after=0)):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if button.get("callback_data", "").startswith(f"{action}:{arguments}"):
                        return message["message_id"], button["callback_data"]
        return None

    number, data = await until(look, f"a button {action}:{arguments}")
    toast = await person.forge(number, data)
    assert not (toast and toast.get("show_alert")), toast
    return Decimal(data.rpartition(":")[2]) / 100


async def together(*work: Awaitable[T]) -> list[T | BaseException]:
    """Wait for all of it; what failed is kept as it is, for the test that looks at it."""
    return list(await asyncio.gather(*work, return_exceptions=True))
