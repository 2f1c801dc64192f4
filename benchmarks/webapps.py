"""The Mini App on a slow telephone: what is sent, when something is seen, when it can be used, and that nothing jumps.

Chromium's processor is slowed down four times and its network to a fast 3G (1.6 Mbit/s, 150 ms there and back), the
cache is empty, and the page stands for itself as in Telegram's application. Five loads each; the median counts.
"""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from playwright.async_api import Browser

from benchmarks.table import Row
from tests.fixtures.mini_app import TELEPHONE, chromium
from tests.fixtures.product import Product, running_product

LOADS = 5
PERSON = 4_242_001
SLOWER = 4
LIMIT_S = 20.0
SETTLING_MS = 2000
FAST_3G = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
PAGES = {"a form": ("veo/", "#app textarea"), "all models": ("", "#app .card button, #app .card a")}
"""What is opened, and the control that it is opened for."""

WATCH = """
window.TelegramWebviewProxy = { postEvent() {} };
window.seen = { usable: null, shift: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.seen.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
const look = () => {
  const control = document.querySelector("CONTROL");
  if (control && !control.disabled) window.seen.usable = performance.now();
  else requestAnimationFrame(look);
};
document.addEventListener("DOMContentLoaded", look);
"""

TELL = """() => ({
  paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
  usable: window.seen.usable, shift: window.seen.shift,
})"""


@dataclass(frozen=True, slots=True)
class Load:
    """One load of a page, in milliseconds; `shift` is Chromium's layout shift."""

    paint: float
    usable: float
    shift: float


def run() -> list[Row]:
    """Measure what is built and how it loads."""
    with running_product("--emulate") as product:
        loads = asyncio.run(_measure(product))
        folder = Path(__file__).resolve().parents[1] / "webapps" / "dist"
        rows = [
            Row.of_value("webapps: JS, compressed", _compressed_kb(folder, ".js"), "KB", at_most=60),
            Row.of_value("webapps: CSS, compressed", _compressed_kb(folder, ".css"), "KB", at_most=12),
        ]
    for name, found in loads.items():
        rows += [
            Row.of_value(f"webapps: {name}, first paint", median(load.paint for load in found), "ms", at_most=1000),
            Row.of_value(f"webapps: {name}, usable", median(load.usable for load in found), "ms", at_most=1500),
            Row.of_value(f"webapps: {name}, layout shift", max(load.shift for load in found), "", at_most=0.01),
        ]
    return rows


def _compressed_kb(folder: Path, suffix: str) -> float:
    files = [path.read_bytes() for path in folder.rglob(f"*{suffix}")]
    assert files, f"no {suffix} below {folder}"
    return round(sum(len(gzip.compress(content, 9)) for content in files) / 1024, 1)


async def _measure(product: Product) -> dict[str, list[Load]]:
    async with httpx.AsyncClient(base_url=f"{product.sandbox}/sandbox/v1") as http, chromium() as browser:
        person = {"id": PERSON, "first_name": "Mia", "language_code": "en"}
        (await http.post("/users", json=person)).raise_for_status()
        found: dict[str, list[Load]] = {}
        for name, (path, control) in PAGES.items():
            url = f"{product.web}/webapps/{path}"
            found[name] = [await _load(browser, http, url, control) for _ in range(LOADS + 1)][1:]
        return found


async def _load(browser: Browser, http: httpx.AsyncClient, url: str, control: str) -> Load:
    launch = (await http.get(f"/chats/{PERSON}/webapp", params={"url": url})).raise_for_status().json()
    context = await browser.new_context(viewport=TELEPHONE, locale="en-US")
    try:
        page = await context.new_page()
        await page.add_init_script(WATCH.replace("CONTROL", control))
        session = await context.new_cdp_session(page)
        await session.send("Network.enable")
        await session.send("Network.emulateNetworkConditions", FAST_3G)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        await page.goto(launch["url"])
        async with asyncio.timeout(LIMIT_S):
            while not (await page.evaluate(TELL))["usable"]:
                await page.wait_for_timeout(50)
        # Prices and pictures come later than the form: what they push away counts.
        await page.wait_for_timeout(SETTLING_MS)
        told: dict[str, Any] = await page.evaluate(TELL)
        return Load(told["paint"], told["usable"], told["shift"])
    finally:
        await context.close()
