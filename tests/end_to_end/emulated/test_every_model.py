"""Every model that is on sale makes what it promises over its vendor's wire protocol, for exactly its price."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest
import pytest_asyncio

from tests.end_to_end.emulated.orders import Made, follow, make, shown, together
from tests.end_to_end.emulated.shipped import MODELS, RETIRED, SERVED, Shipped
from tests.end_to_end.emulated.vendors import Vendors
from tests.end_to_end.people import WELCOME, Sandbox, text_of
from tests.end_to_end.pictures import photograph
from tests.fixtures.product import Product

# The first test waits for all orders, and the first of those that go on waits for all of them.
pytestmark = pytest.mark.timeout(600)

ORDERS = [(model, way) for model in SERVED for way in model.ways]
SINGLE_STORY = ("ordered", "submitting", "stored", "delivered")
REFERENCE = "gemini-2.5-pro"
"""What describing a picture or a video in words is called in the catalogue."""


def names(value: object) -> str:
    return value.slug if isinstance(value, Shipped) else str(value)


def offered_by(model: Shipped) -> list[tuple[str, str]]:
    """Return in which ways a result goes on, and who does it: the first that somebody does here, of each kind."""
    done = {one.slug for one in MODELS if one.is_emulated and not one.is_retired}
    return list({kind: slug for kind, slug in reversed(model.follow_ups) if slug in done}.items())


@pytest_asyncio.fixture(scope="module")
async def orders(sandbox: Sandbox) -> Mapping[tuple[str, str], Made | BaseException]:
    """Every model from everything that it takes, ordered by as many people, side by side."""
    languages = ("en", "ru")
    made = await together(
        *(make(sandbox, model, way, language=languages[n % 2]) for n, (model, way) in enumerate(ORDERS))
    )
    return {(model.slug, way): one for (model, way), one in zip(ORDERS, made, strict=True)}


def of(orders: Mapping[tuple[str, str], Made | BaseException], slug: str, way: str) -> Made:
    """Return an order, or raise what it ended with."""
    made = orders[slug, way]
    if isinstance(made, BaseException):
        raise made
    return made


@pytest.mark.parametrize(("model", "way"), ORDERS, ids=names)
async def test_a_model_makes_what_it_promises_for_exactly_its_price(
    orders: Mapping[tuple[str, str], Made | BaseException], vendors: Vendors, model: Shipped, way: str
) -> None:
    made = of(orders, model.slug, way)
    job = made.job

    assert (job["status"], job["error_code"]) == ("done", ""), job["error_message"]
    media = await made.media()
    assert media
    assert all(("video" if model.kind == "video" else "photo") in one for one in media)
    postings = await made.person.statement()
    assert [amount for amount in postings if amount < 0] == [-made.quoted]
    assert await made.person.balance() == sum(postings)
    asked = await vendors.jobs(f"a red fox for {model.slug} from {way}")
    assert sum(map(len, asked.values())) == 1, asked


@pytest.mark.parametrize(("model", "way"), ORDERS, ids=names)
async def test_the_story_of_an_order_is_told_from_beginning_to_end(
    orders: Mapping[tuple[str, str], Made | BaseException], model: Shipped, way: str
) -> None:
    shown = of(orders, model.slug, way).shown

    events = [event["event"] for event in shown["events"]]
    assert [event for event in events if event in SINGLE_STORY] == list(SINGLE_STORY)
    assert shown["charge"]["state"] == "settled"
    assert shown["model"] == model.slug
    assert shown["results"]
    assert all(result["mime"].startswith(model.kind) for result in shown["results"])


@pytest_asyncio.fixture(scope="module")
async def continued(
    orders: Mapping[tuple[str, str], Made | BaseException],
) -> Mapping[tuple[str, str], Made | BaseException]:
    """A result of each model, continued in every way that is offered under it, one after the other."""
    found: dict[tuple[str, str], Made | BaseException] = {}

    async def go_on(model: Shipped) -> None:
        for kind, _ in offered_by(model):
            [found[model.slug, kind]] = await together(follow(of(orders, model.slug, model.ways[0]), kind))

    await asyncio.gather(*(go_on(model) for model in SERVED))
    return found


@pytest.mark.parametrize(
    ("model", "kind", "successor"),
    [(model, kind, slug) for model in SERVED for kind, slug in offered_by(model)],
    ids=names,
)
async def test_a_result_goes_on_for_the_price_on_its_button(
    continued: Mapping[tuple[str, str], Made | BaseException], model: Shipped, kind: str, successor: str
) -> None:
    made = of(continued, model.slug, kind)

    assert (made.job["status"], made.job["error_code"]) == ("done", ""), made.job["error_message"]
    assert made.shown["model"] == successor
    assert made.job["parent_request_id"] is not None
    assert made.job["cost"] == made.quoted
    assert made.shown["charge"]["state"] == "settled"
    wanted = "image" if kind in ("upscale", "vary") else "video"
    assert made.shown["results"]
    assert all(result["mime"].startswith(wanted) for result in made.shown["results"])


@pytest.mark.parametrize(("language", "title"), [("en", "Your prompt is ready"), ("ru", "Промт готов")])
async def test_a_photo_becomes_words_and_the_words_become_a_picture(
    sandbox: Sandbox, product: Product, language: str, title: str
) -> None:
    quoted = await asyncio.to_thread(product.nb, "pricing", "quote", REFERENCE)
    person = await sandbox.somebody(language)
    await person.say("/reference")
    await person.answer()
    await person.send("photo", photograph(640, 400))
    told = await person.says(title)
    [job] = await person.settled()

    assert (job["status"], job["cost"]) == ("done", Decimal(quoted["data"]["tokens"]))
    [result] = (await shown(person, job))["results"]
    words = (product.home / "media" / result["key"]).read_text()
    assert words[:40] in text_of(told)
    assert await person.statement() == [WELCOME, -job["cost"]]

    await person.say(words)
    await person.result()
    assert (await person.jobs())[-1]["prompt"] == words


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("model", RETIRED, ids=names)
async def test_a_retired_model_is_refused_with_its_successor_and_costs_nothing(
    sandbox: Sandbox, model: Shipped, language: str
) -> None:
    person = await sandbox.somebody(language)
    await person.say("/models")
    menu = await person.answer(lambda one: "reply_markup" in one)
    assert f"p:{model.slug}" not in [
        button.get("callback_data") for row in menu["reply_markup"]["inline_keyboard"] for button in row
    ]

    toast = await person.forge(menu["message_id"], f"p:{model.slug}")

    successor = next(one for one in MODELS if one.slug == model.successor)
    told = [str(toast["text"]) if toast else "", *(text_of(one) for one in await person.messages(after=0))]
    assert any(successor.name in text for text in told), told
    assert await person.jobs() == []
    assert await person.statement() == [WELCOME]
