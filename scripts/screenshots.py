"""Takes the pictures of the Mini App that the documents show: each page, in the frame of the sandbox, in both themes.

`just screenshots` writes `docs/images/mini-app/<page>-<theme>.webp`; with a folder as argument it writes there.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path

import httpx
from PIL import Image
from playwright.async_api import Browser

from tests.fixtures.mini_app import PAGES, Telephone, Theme, chromium, telephone
from tests.fixtures.product import Product, running_product

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images" / "mini-app"
PERSON = 4_242_002
THEMES: tuple[Theme, ...] = ("light", "dark")
WORDS = "A red fox sleeps in the snow under a lantern, soft evening light"
SHOWN = ("", "history", "topup", *PAGES)
WIDTH = 390
QUALITY = 80


async def take(folder: Path, product: Product) -> None:
    """Take all pictures."""
    token = json.loads((product.home / "secrets.json").read_text())["telegram_token"]
    async with httpx.AsyncClient(base_url=f"{product.sandbox}/sandbox/v1") as http:
        person = {"id": PERSON, "first_name": "Mia", "language_code": "en"}
        (await http.post("/users", json=person)).raise_for_status()
        await _make_something(http)
    async with chromium() as browser:
        for theme in THEMES:
            for page in SHOWN:
                await _one(browser, product, token, folder, page, theme)


async def _make_something(http: httpx.AsyncClient) -> None:
    """Leave some pictures in the history."""
    for words in ("/start", "A lighthouse in a storm, oil on canvas", "A cup of tea on a rainy window sill"):
        (await http.post(f"/chats/{PERSON}/messages", json={"text": words})).raise_for_status()
        await asyncio.sleep(12 if words != "/start" else 1)


async def _one(browser: Browser, product: Product, token: str, folder: Path, page: str, theme: Theme) -> None:
    async with telephone(browser, product, token, PERSON, theme=theme, device_scale_factor=2) as phone:
        await phone.open(f"{page}/" if page else "")
        await phone.frame.locator("main").first.wait_for()
        if await phone.frame.locator("textarea").count():
            await phone.frame.locator("textarea").first.fill(WORDS)
        await _settle(phone)
        picture = Image.open(io.BytesIO(await phone.dialog.screenshot(animations="disabled")))
        picture.convert("RGB").save(folder / f"{page or 'all'}-{theme}.webp", quality=QUALITY, method=6)


async def _settle(phone: Telephone) -> None:
    """Wait until pictures and prices are there."""
    await phone.page.wait_for_load_state("networkidle")
    await phone.page.wait_for_timeout(600)


def main() -> int:
    """Start a product, take the pictures, stop it."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with running_product("--emulate") as product:
        asyncio.run(take(folder, product))
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
