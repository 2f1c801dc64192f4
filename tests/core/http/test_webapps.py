"""The Mini App's files as a browser gets them: compressed, cached by name, and framed by Telegram alone."""

from __future__ import annotations

import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.http import webapps
from core.settings import Settings
from tests.core.http.conftest import serving

pytestmark = pytest.mark.integration

PAGE = f"<!doctype html><html><head>{webapps.BOT}</head><body>{'fox ' * 300}</body></html>"
SCRIPT = "export const fox = 1;\n" * 100
PAGES = ("", "veo/", "sora2/", "kling/", "midjourney_video/", "gpt-image/", "runway_aleph/", "history/", "topup/")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A small build."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets" / "index-a1b2c3.js").write_text(SCRIPT)
    (folder / "assets" / "dot-ff00aa.png").write_bytes(bytes(range(256)) * 4)
    (folder / "icon.svg").write_text("<svg/>")
    return folder


@pytest.fixture
def served_settings(settings: Settings, build: Path) -> Settings:
    """Settings of a service that serves it."""
    return settings.model_copy(
        update={"webapps_path": build, "supabase_url": "https://abc.supabase.co", "public_base_url": "https://bot.test"}
    )


@pytest.fixture
async def browser(served_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Asks as a browser does."""
    only = [webapps.blueprint]
    local = served_settings.model_copy(update={"supabase_url": None})
    async with serving(local, only) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
async def test_every_address_of_the_app_is_the_one_page(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(f"/webapps/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "fox fox" in answer.text
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/webapps", "/webapps/veo"])
async def test_an_address_without_its_last_stroke_keeps_its_query(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(f"{path}?model=veo3-fast", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, f"{path}/?model=veo3-fast")


async def test_a_file_with_its_hash_is_kept_for_ever_and_sent_compressed(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/webapps/assets/index-a1b2c3.js", headers={"Accept-Encoding": "gzip"})
    assert answer.text == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(SCRIPT) / 5
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_who_cannot_unpack_gets_the_file_as_it_is(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/webapps/assets/index-a1b2c3.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.text == SCRIPT


async def test_a_picture_is_not_compressed_again(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/webapps/assets/dot-ff00aa.png", headers={"Accept-Encoding": "gzip"})
    assert (answer.headers["content-type"], "content-encoding" in answer.headers) == ("image/png", False)


async def test_a_page_that_the_browser_has_is_not_sent_again(browser: httpx.AsyncClient) -> None:
    first = await browser.get("/webapps/")
    again = await browser.get("/webapps/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_head_says_the_same_without_the_body(browser: httpx.AsyncClient) -> None:
    answer = await browser.head("/webapps/veo/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["assets/none-0.js", "%2e%2e/pyproject.toml", "..%2f..%2fpyproject.toml", "veo/x/y", "Veo/", "a.b/", "-x/"]
)
async def test_what_is_not_there_is_not_found(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(f"/webapps/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_new_build_is_served_without_a_restart(browser: httpx.AsyncClient, build: Path) -> None:
    before = await browser.get("/webapps/")
    (build / "assets" / "index-d4e5f6.js").write_text("fox()")
    (build / "index.html").write_text("<html>newer</html>")
    os.utime(build / "index.html", (1, 2_000_000_000))
    assert (await browser.get("/webapps/")).text == "<html>newer</html>"
    assert (await browser.get("/webapps/assets/index-d4e5f6.js")).text == "fox()"
    assert before.text != "<html>newer</html>"


async def test_what_is_not_built_says_how_to_build_it(browser: httpx.AsyncClient, build: Path) -> None:
    (build / "index.html").unlink()
    answer = await browser.get("/webapps/veo/")
    assert (answer.status_code, answer.json()["code"]) == (503, "webapps_not_built")
    assert "just webapps" in answer.json()["detail"]


async def test_the_page_may_run_our_code_only_and_be_framed_by_telegram_only(browser: httpx.AsyncClient) -> None:
    rules = (await browser.get("/webapps/")).headers["content-security-policy"]
    assert "script-src 'self';" in rules
    assert "unsafe" not in rules
    assert "default-src 'none'" in rules
    assert "frame-ancestors https://web.telegram.org" in rules


def test_only_the_sandbox_on_this_machine_may_frame_it_too(served_settings: Settings) -> None:
    real = served_settings.model_copy(update={"telegram_api_base_url": "https://api.telegram.org"})
    own = served_settings.model_copy(update={"telegram_api_base_url": "http://bot-api.internal:8081"})
    sandbox = served_settings.model_copy(update={"telegram_api_base_url": "http://127.0.0.1:8071"})
    assert "localhost" not in webapps.policy(real)
    assert "internal" not in webapps.policy(own)
    assert "http://127.0.0.1:* http://localhost:*" in webapps.policy(sandbox)


def test_data_comes_from_us_and_from_the_storage(served_settings: Settings) -> None:
    rules = webapps.policy(served_settings)
    assert "connect-src 'self' https://abc.supabase.co https://bot.test" in rules
    assert "img-src 'self' https://abc.supabase.co https://bot.test data: blob:" in rules


def test_the_same_file_is_compressed_to_the_same_bytes() -> None:
    one, two = (webapps.made(SCRIPT.encode(), "text/javascript") for _ in range(2))
    assert one == two
    assert one.compressed is not None
    assert gzip.decompress(one.compressed) == SCRIPT.encode()


def test_a_name_of_a_bot_cannot_break_out_of_the_page(build: Path) -> None:
    page = webapps.Build(build).page('fox"><script>')
    assert page is not None
    assert b'content="fox&quot;&gt;&lt;script&gt;"' in page.content
    assert b"<script>" not in page.content
