"""Every model is ordered in the Mini App as a person does it, in the frame of the chat; the result arrives there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FrameLocator, expect

from tests.emulators import media
from tests.end_to_end.emulated.shipped import RETIRED, SERVED, Shipped
from tests.end_to_end.people import Message, Person, Sandbox
from tests.end_to_end.pictures import photograph
from tests.fixtures.mini_app import PAGES, Telephone, chromium, telephone
from tests.fixtures.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

TOKENS = 5000
AT_ONCE = asyncio.Semaphore(4)
LIMIT = 120.0
PRICE = re.compile(r"([\d,]+(?:\.\d+)?)\s⚡")


@dataclass(frozen=True)
class Ordered:
    """An order of the app that has ended: what its button said, and what was chosen on the form."""

    price: Decimal
    chosen: str | None
    job: dict[str, Any]
    delivered: list[Message]
    complaints: list[str]


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all telephones."""
    async with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photo and a film, as a telephone has them."""
    folder = tmp_path_factory.mktemp("telephone")
    (folder / "photo.jpg").write_bytes(photograph(1024, 640))
    return folder


@pytest_asyncio.fixture(scope="module")
async def orders(
    sandbox: Sandbox, product: Product, browser: Browser, files: Path
) -> Mapping[str, Ordered | BaseException]:
    """Every model, ordered by as many people, some at a time."""
    film = await media.film("waves", seconds=3.0)
    await asyncio.to_thread((files / "film.mp4").write_bytes, film)
    made = await asyncio.gather(
        *(order(sandbox, product, browser, files, model) for model in SERVED), return_exceptions=True
    )
    return {model.slug: one for model, one in zip(SERVED, made, strict=True)}


async def order(sandbox: Sandbox, product: Product, browser: Browser, files: Path, model: Shipped) -> Ordered:
    """Open the model's form, fill it, press the button, and wait for the result in the chat."""
    async with AT_ONCE:
        person = await sandbox.somebody("en")
        await person.is_given(TOKENS)
        async with telephone(browser, product, sandbox.bot_token, person.id) as phone:
            form = await phone.open(f"?model={model.slug}")
            await form.locator("textarea").fill(f"a red fox for {model.slug} from the app")
            for role in model.needed:
                await give(form, files / ("film.mp4" if role == "video" else "photo.jpg"))
            chosen = await choose(form)
            price = await press(phone)
            complaints = list(phone.complaints)
        job = (await person.settled(limit=LIMIT))[-1]
        return Ordered(price, chosen, job, await delivered(person), complaints)


async def give(form: FrameLocator, file: Path) -> None:
    """Put a file into the first place that takes one, and wait until it is there."""
    await form.locator(".add input[type=file]:enabled").first.set_input_files(file)
    await expect(form.locator(".slot li .thumb")).not_to_have_count(0)
    await expect(form.locator(".busy")).to_have_count(0, timeout=30_000)
    await expect(form.locator(".slot .error")).to_have_count(0)


async def choose(form: FrameLocator) -> str | None:
    """Choose the last value of the first option that has several; None where there is none."""
    values = form.locator("fieldset.option").first.locator("label:has(input:enabled)")
    if not await values.count():
        return None
    await values.last.click()
    await expect(values.last.locator("input")).to_be_checked()
    return await values.last.locator("input").get_attribute("value")


async def press(phone: Telephone) -> Decimal:
    """Press Telegram's main button when its price is fresh; the app closes once the order is taken."""
    await expect(phone.frame.locator(".sum .stale")).to_have_count(0)
    await expect(phone.main_button).to_be_enabled()
    said = await phone.main_button.inner_text()
    found = PRICE.search(said)
    assert found, said
    await phone.main_button.click()
    await expect(phone.dialog).to_have_count(0)
    return Decimal(found[1].replace(",", ""))


async def delivered(person: Person) -> list[Message]:
    """Pictures and videos of the bot in the chat."""
    return [one for one in await person.messages(after=0) if one["from"]["is_bot"] and {"photo", "video"} & one.keys()]


def of(orders: Mapping[str, Ordered | BaseException], model: Shipped) -> Ordered:
    """An order, or what it ended with."""
    made = orders[model.slug]
    if isinstance(made, BaseException):
        raise made
    return made


every_model = pytest.mark.parametrize("model", SERVED, ids=lambda model: model.slug)


@every_model
async def test_a_model_is_ordered_in_the_app_and_its_result_arrives_in_the_chat(
    orders: Mapping[str, Ordered | BaseException], model: Shipped
) -> None:
    made = of(orders, model)
    assert (made.job["status"], made.job["error_code"]) == ("done", ""), made.job["error_message"]
    assert made.delivered
    assert all(("video" if model.kind == "video" else "photo") in one for one in made.delivered)
    assert made.complaints == []


@every_model
async def test_what_the_button_says_is_what_is_charged(
    orders: Mapping[str, Ordered | BaseException], model: Shipped
) -> None:
    made = of(orders, model)
    assert made.job["cost"] == made.price


@every_model
async def test_what_was_chosen_on_the_form_is_what_is_made(
    orders: Mapping[str, Ordered | BaseException], model: Shipped
) -> None:
    made = of(orders, model)
    sent = str(made.job["generation_params"])
    assert made.chosen is None or made.chosen in sent


@pytest.mark.parametrize("page", PAGES)
async def test_each_page_of_the_regulation_opens_a_form_of_its_family(
    sandbox: Sandbox, product: Product, browser: Browser, page: str
) -> None:
    person = await sandbox.somebody("ru")
    async with telephone(browser, product, sandbox.bot_token, person.id) as phone:
        form = await phone.open(f"{page}/")
        await expect(form.locator("h1")).not_to_be_empty()
        ended = {model.slug.split("-")[0] for model in RETIRED}
        if page not in ended:
            await expect(form.locator("textarea")).to_be_visible()
        assert phone.complaints == []
