"""The Mini App for everybody: axe finds nothing, targets fit a thumb, nothing scrolls sideways, keys reach all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Frame

from tests.end_to_end.people import Person, Sandbox
from tests.fixtures.mini_app import PAGES, Theme, chromium, telephone
from tests.fixtures.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

AXE = Path(__file__).resolve().parents[2] / "webapps" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (320, 390, 768)
THEMES: tuple[Theme, ...] = ("light", "dark")
SHOWN = ("", "history/", "topup/", *(f"{page}/" for page in PAGES))
SMALLEST = 44
"""Pixels of a target's shorter side."""

RUN_AXE = """async () => {
  const told = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"],
  });
  return told.violations.flatMap(({ id, impact, nodes }) => nodes.map(({ target }) => `${impact} ${id} ${target}`));
}"""

SMALL = """(least) => [...document.querySelectorAll("button, a, select, input, textarea")].flatMap((one) => {
  const target = one.closest("label") ?? one;
  const { width, height } = target.getBoundingClientRect();
  if (!width || one.disabled || target.closest("[hidden]")) return [];
  return Math.min(width, height) + 0.5 >= least ? [] : [`${one.tagName} ${one.textContent.trim()} ${width}x${height}`];
})"""

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

UNREACHED = """() => {
  const all = [...document.querySelectorAll("#app button, #app a, #app select, #app input, #app textarea")];
  const lost = all.filter((one) => !one.disabled && one.offsetParent !== null && one.tabIndex < 0);
  return lost.map((one) => one.outerHTML);
}"""

ZOOM = """() => document.querySelector("meta[name=viewport]").content"""


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all telephones."""
    async with chromium() as launched:
        yield launched


@pytest_asyncio.fixture(scope="module")
async def mia(sandbox: Sandbox) -> Person:
    """Somebody with a picture in the history."""
    person = await sandbox.somebody("en")
    await person.say("a red fox in the snow")
    await person.result()
    return person


async def looked_at(browser: Browser, product: Product, person: Person, theme: Theme, width: int) -> dict[str, Any]:
    """Everything that is wrong with any page at a width in a theme, by page."""
    wrong: dict[str, Any] = {}
    source = await asyncio.to_thread(AXE.read_text)
    async with telephone(browser, product, person.sandbox.bot_token, person.id, theme=theme, width=width) as phone:
        for path in SHOWN:
            form = await phone.open(path)
            await form.locator("h1").first.wait_for()
            await phone.page.wait_for_load_state("networkidle")
            frame: Frame = phone.page.frames[-1]
            await frame.evaluate(source)
            found = {
                "axe": await frame.evaluate(RUN_AXE),
                "small": await frame.evaluate(SMALL, SMALLEST),
                "sideways": await frame.evaluate(SIDEWAYS),
                "unreached": await frame.evaluate(UNREACHED),
                "zoom": [word for word in ("user-scalable", "maximum-scale") if word in await frame.evaluate(ZOOM)],
            }
            if any(found.values()):
                wrong[path or "all"] = {name: value for name, value in found.items() if value}
            await phone.page.get_by_role("button", name="Close the app").click()
            await phone.dialog.wait_for(state="detached")
    return wrong


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
async def test_every_page_is_for_everybody(
    browser: Browser, product: Product, mia: Person, theme: Theme, width: int
) -> None:
    assert await looked_at(browser, product, mia, theme, width) == {}
