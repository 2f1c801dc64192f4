"""The chat page in a real browser: what a person sees and does."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiogram import Bot
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    LabeledPrice,
    MenuButtonWebApp,
    Message,
    ReplyKeyboardMarkup,
    Update,
    WebAppInfo,
)
from aiohttp import web
from playwright.async_api import Browser, Page, Route, expect

from bot.sandbox.webapp import DARK, LIGHT
from tests.bot.sandbox.conftest import Running, image, pending
from tests.fixtures.mini_app import PATIENCE_MS, chromium

pytestmark = pytest.mark.browser

APP = """<!doctype html><title>App</title><output id="seen"></output><script>
const post = (eventType, eventData = {}) => parent.postMessage(JSON.stringify({eventType, eventData}), "*");
addEventListener("message", (event) => { document.getElementById("seen").textContent += event.data; });
post("web_app_ready"); post("web_app_request_theme");
post("web_app_setup_main_button", {is_visible: true, is_active: true, text: "Buy"});
</script>"""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


@pytest.fixture
async def page(browser: Browser, sandbox: Running) -> AsyncIterator[Page]:
    """A page that complains of nothing and asks nobody but the sandbox."""
    context = await browser.new_context(base_url=sandbox.address, viewport={"width": 1280, "height": 860})
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: _note_foreign(request.url, complaints))
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    await context.close()
    assert complaints == []


def _note_foreign(url: str, complaints: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "blob:", "data:")):
        complaints.append(f"asked for {url}")


async def talk(page: Page, user: int) -> None:
    """Open the chat of a person and wait until one can write."""
    await page.goto(f"/#{user}")
    await expect(page.get_by_label("Message", exact=True)).to_be_enabled()


@contextlib.asynccontextmanager
async def answering(bot: Bot, answer_query: str) -> AsyncIterator[list[Update]]:
    """A small bot that answers what is pressed and lets every payment pass."""
    seen: list[Update] = []

    async def work() -> None:
        while True:
            for update in await pending(bot, timeout=5):
                seen.append(update)
                if update.callback_query:
                    await bot.answer_callback_query(update.callback_query.id, answer_query)
                if update.pre_checkout_query:
                    await bot.answer_pre_checkout_query(update.pre_checkout_query.id, ok=True)

    task = asyncio.ensure_future(work())
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_new_person_says_hello_and_hears_the_bot(page: Page, bot: Bot) -> None:
    await page.goto("/")
    await expect(page).to_have_title("NanoBanana sandbox")
    await page.get_by_label("Name", exact=True).fill("Борис")
    await page.get_by_label("Language").select_option("en")
    await page.get_by_role("button", name="Start talking").click()
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator(".unit.mine")).to_contain_text("/start")
    (update,) = await pending(bot, timeout=5)
    assert update.message is not None
    assert update.message.from_user is not None
    assert (update.message.from_user.first_name, update.message.from_user.language_code) == ("Борис", "en")
    chat = update.message.chat.id
    await bot.send_chat_action(chat, "typing")
    await expect(page.locator("#typing")).to_contain_text("is typing")
    sent = await bot.send_message(chat, "<b>Hello</b> <i>there</i> <code>x &lt; y</code>", parse_mode="HTML")
    await expect(page.locator("#typing")).to_be_hidden()
    await expect(page.locator(".text b")).to_have_text("Hello")
    await expect(page.locator(".text code")).to_have_text("x < y")
    await bot.edit_message_text("Changed", chat_id=chat, message_id=sent.message_id)
    await expect(page.locator(".unit:not(.mine)")).to_contain_text("Changed")
    await expect(page.locator(".unit:not(.mine)")).to_contain_text("edited")
    await bot.delete_message(chat, sent.message_id)
    await expect(page.locator(".unit:not(.mine)")).to_have_count(0)


async def test_text_is_typed_and_sent_with_enter(page: Page, bot: Bot, user: int) -> None:
    await talk(page, user)
    await page.get_by_label("Message", exact=True).fill("<script>alert(1)</script>")
    await page.keyboard.press("Enter")
    await expect(page.locator(".unit.mine")).to_contain_text("<script>alert(1)</script>")
    (update,) = await pending(bot, timeout=5)
    assert update.message is not None
    assert update.message.text == "<script>alert(1)</script>"


async def test_a_message_is_replied_to(page: Page, bot: Bot, user: int) -> None:
    sent = await bot.send_photo(user, BufferedInputFile(image(), "a.png"), caption="which style?")
    await talk(page, user)
    await page.get_by_role("button", name="Reply").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#reply-to")).to_contain_text("which style?")
    await page.keyboard.type("watercolour")
    await page.keyboard.press("Enter")
    await expect(page.locator(".unit.mine .quote")).to_contain_text("which style?")
    (update,) = await pending(bot, timeout=5)
    assert update.message is not None
    assert update.message.reply_to_message is not None
    assert update.message.reply_to_message.message_id == sent.message_id


async def test_a_pressed_button_shows_the_bots_answer(page: Page, bot: Bot, user: int) -> None:
    buttons = [[InlineKeyboardButton(text="Press me", callback_data="go")]]
    await bot.send_message(user, "x", reply_markup=InlineKeyboardMarkup(inline_keyboard=buttons))
    await talk(page, user)
    async with answering(bot, "You pressed it"):
        await page.get_by_role("button", name="Press me").click()
        await expect(page.locator(".toast")).to_have_text("You pressed it")


async def test_the_bots_keyboard_and_commands_send_texts(page: Page, bot: Bot, user: int) -> None:
    await bot.set_my_commands([BotCommand(command="models", description="Models and prices")])
    rows = [[KeyboardButton(text="🎨 Создать"), KeyboardButton(text="⚡ Баланс")]]
    await bot.send_message(user, "menu", reply_markup=ReplyKeyboardMarkup(keyboard=rows))
    await talk(page, user)
    await page.get_by_role("button", name="⚡ Баланс").click()
    await expect(page.locator(".unit.mine").first).to_contain_text("⚡ Баланс")
    await page.get_by_label("Message", exact=True).fill("/mo")
    await expect(page.get_by_role("option")).to_contain_text("Models and prices")
    await page.keyboard.press("Enter")
    await expect(page.locator(".unit.mine").last).to_contain_text("/models")
    texts = [update.message.text for update in await pending(bot) if update.message]
    assert texts == ["⚡ Баланс", "/models"]


async def test_attached_photos_go_as_an_album_with_a_caption(page: Page, bot: Bot, user: int, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(image(120, 90))
    await talk(page, user)
    await page.locator("#files").set_input_files([tmp_path / "a.png", tmp_path / "b.png"])
    await page.get_by_label("Message", exact=True).fill("mix them")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator(".unit.mine.album img")).to_have_count(2)
    messages = [update.message for update in await pending(bot) if update.message]
    assert [bool(message.photo) for message in messages] == [True, True]
    assert messages[0].caption == "mix them"
    assert messages[0].media_group_id == messages[1].media_group_id is not None


async def test_media_of_the_bot_is_shown(page: Page, bot: Bot, user: int) -> None:
    media = [InputMediaPhoto(media=BufferedInputFile(image(200, 150), "a.png")) for _ in range(3)]
    await bot.send_media_group(user, [*media])
    await bot.send_video(user, BufferedInputFile(b"v", "v.mp4"), width=640, height=360, duration=1)
    await bot.send_document(user, BufferedInputFile(b"hello", "report.txt"), caption="the report")
    await talk(page, user)
    photos = page.locator(".album img")
    await expect(photos).to_have_count(3)
    await expect(photos.first).to_have_js_property("complete", True)
    assert await photos.first.evaluate("image => image.naturalWidth") == 200
    await expect(page.locator("video")).to_have_attribute("src", "/sandbox/v1/files/" + await _video_id(page))
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="report.txt").click()
    assert (await downloading.value).suggested_filename == "report.txt"
    await page.get_by_role("button", name="Open the photo").first.click()
    await expect(page.locator("dialog.lightbox img")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog.lightbox")).to_have_count(0)


async def _video_id(page: Page) -> str:
    return (await page.locator("video").get_attribute("src") or "").rpartition("/")[2]


async def test_a_payment_is_confirmed_and_shown(page: Page, bot: Bot, user: int) -> None:
    await bot.send_invoice(user, "100 tokens", "For images", "order-1", "XTR", [LabeledPrice(label="x", amount=250)])
    await talk(page, user)
    async with answering(bot, "") as seen:
        await page.locator(".keys").get_by_role("button", name="Pay").click()
        await page.get_by_role("dialog").get_by_role("button", name="Pay").click()
        await expect(page.locator(".service")).to_have_text("You paid ⭐ 250")
    assert [update.event_type for update in seen][:1] == ["pre_checkout_query"]


@pytest.fixture
async def mini_app() -> AsyncIterator[str]:
    async def serve(_request: web.Request) -> web.Response:
        return web.Response(text=APP, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_a_mini_app_opens_and_talks_to_the_page(page: Page, bot: Bot, user: int, mini_app: str) -> None:
    await bot.set_chat_menu_button(menu_button=MenuButtonWebApp(text="Create", web_app=WebAppInfo(url=mini_app)))
    await talk(page, user)
    await page.get_by_role("button", name="Open Create").click()
    seen = page.frame_locator("dialog.app iframe").locator("#seen")
    await expect(seen).to_contain_text("theme_changed")
    await page.get_by_role("button", name="Buy").click()
    await expect(seen).to_contain_text("main_button_pressed")
    frame = page.frames[-1]
    assert "tgWebAppData=" in frame.url
    assert "hash%3D" in frame.url
    await frame.evaluate("post('web_app_close')")
    await expect(page.locator("dialog.app")).to_have_count(0)


async def test_a_mini_app_hears_of_new_colours(page: Page, bot: Bot, user: int, mini_app: str) -> None:
    await bot.set_chat_menu_button(menu_button=MenuButtonWebApp(text="Create", web_app=WebAppInfo(url=mini_app)))
    await talk(page, user)
    await page.get_by_role("button", name="Open Create").click()
    seen = page.frame_locator("dialog.app iframe").locator("#seen")
    await expect(seen).to_contain_text(LIGHT["bg_color"])
    await page.emulate_media(color_scheme="dark")
    await expect(seen).to_contain_text(DARK["bg_color"])
    await page.emulate_media(color_scheme="light")
    await expect(seen).to_contain_text(re.compile(f"{DARK['bg_color']}.*{LIGHT['bg_color']}"))


async def test_an_invoice_of_a_mini_app_is_paid(page: Page, bot: Bot, user: int, mini_app: str) -> None:
    link = await bot.create_invoice_link("T", "D", "order", "XTR", [LabeledPrice(label="x", amount=5)])
    await bot.set_chat_menu_button(menu_button=MenuButtonWebApp(text="Create", web_app=WebAppInfo(url=mini_app)))
    await talk(page, user)
    await page.get_by_role("button", name="Open Create").click()
    seen = page.frame_locator("dialog.app iframe").locator("#seen")
    await expect(seen).to_contain_text("theme_changed")
    async with answering(bot, ""):
        await page.frames[-1].evaluate("slug => post('web_app_open_invoice', {slug})", link.rpartition("$")[2])
        await page.get_by_role("button", name="Pay").click()
        await expect(seen).to_contain_text('"status":"paid"')


async def test_test_tools_block_the_bot_and_make_calls_fail(
    page: Page, bot: Bot, user: int, http: httpx.AsyncClient
) -> None:
    await bot.send_message(user, "x")
    await talk(page, user)
    await page.get_by_role("button", name="Test tools").click()
    await expect(page.locator(".call").first).to_contain_text("sendMessage")
    await page.get_by_role("button", name="Make it fail").click()
    await expect(page.locator(".fault")).to_contain_text("sendMessage → 429")
    assert (await http.get("/faults")).json()["faults"][0]["retry_after"] == 2
    await page.get_by_label("What happens to it").select_option("names 1 Star")
    await page.get_by_role("button", name="Disturb it").click()
    await expect(page.locator(".fault").last).to_contain_text("successful_payment is disturbed")
    assert (await http.get("/faults")).json()["updates"][0]["changes"] == {"total_amount": 1}
    await page.get_by_role("button", name="Block the bot").click()
    await expect(page.get_by_text("You have blocked this bot.")).to_be_visible()
    await page.get_by_role("button", name="Unblock", exact=True).click()
    await expect(page.get_by_label("Message", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
async def test_nothing_overflows_and_every_target_is_large(page: Page, bot: Bot, user: int, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    buttons = [[InlineKeyboardButton(text=f"A rather long button {n}", callback_data=str(n)) for n in range(3)]]
    await bot.set_my_commands([BotCommand(command="start", description="words")])
    await bot.send_message(user, "word " * 80, reply_markup=InlineKeyboardMarkup(inline_keyboard=buttons))
    await bot.send_message(
        user, "long" * 100, reply_markup=ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Menu")]])
    )
    await bot.send_photo(user, BufferedInputFile(image(300, 900), "a.png"))
    await talk(page, user)
    await expect(page.locator(".unit")).to_have_count(3)
    await expect(page.locator("#menu")).to_be_visible()
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not await page.locator("#scroll").evaluate("element => element.scrollWidth > element.clientWidth")
    small = await page.evaluate(
        """() => [...document.querySelectorAll("button, textarea, select, a.file")]
            .filter((element) => element.checkVisibility() && !element.closest(".text"))
            .map((element) => [element.getBoundingClientRect(), element.outerHTML.slice(0, 80)])
            .filter(([box]) => box.width > 0 && (box.width < 43.9 || box.height < 43.9))
            .map(([box, written]) => `${box.width} x ${box.height}: ${written}`)"""
    )
    assert small == []


async def test_every_control_has_a_name(page: Page, bot: Bot, user: int) -> None:
    await bot.send_photo(user, BufferedInputFile(image(), "a.png"))
    await talk(page, user)
    await page.get_by_role("button", name="Test tools").click()
    await expect(page.locator(".call").first).to_be_visible()
    nameless = await page.evaluate(
        """() => [...document.querySelectorAll("button, a, input, select, textarea, img, iframe")]
            .filter((element) => element.checkVisibility())
            .filter((element) => !(element.getAttribute("aria-label") || element.textContent.trim()
                || element.labels?.length || element.hasAttribute("alt") || element.title))
            .map((element) => element.outerHTML.slice(0, 90))"""
    )
    assert nameless == []
    await expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")


async def test_the_page_catches_up_after_the_connection_was_lost(
    page: Page, bot: Bot, user: int, sandbox: Running
) -> None:
    await talk(page, user)
    await expect(page.locator("#empty")).to_be_visible()
    await page.context.set_offline(True)
    sent: Message = await bot.send_message(user, "while you were away")
    assert sent.text
    await page.context.set_offline(False)
    await page.reload()
    await expect(page.locator(".unit")).to_contain_text("while you were away")


async def test_what_is_said_while_the_page_reads_the_chat_stays(page: Page, bot: Bot, user: int) -> None:
    async def answer_late(route: Route) -> None:
        read = await route.fetch()
        await bot.send_message(user, "said meanwhile")
        await asyncio.sleep(0.3)
        await route.fulfill(response=read)

    await page.route("**/messages", answer_late)
    await talk(page, user)
    await expect(page.locator(".unit")).to_contain_text(["said meanwhile"])


async def test_a_chat_that_could_not_be_read_is_read_again(page: Page, bot: Bot, user: int) -> None:
    await bot.send_message(user, "said before")
    await page.route("**/messages", lambda route: route.abort(), times=1)
    await page.goto(f"/#{user}")
    await expect(page.locator(".unit")).to_contain_text("said before")
    await expect(page.locator("#status")).to_have_text("bot")


async def test_a_refused_connection_is_asked_for_again(page: Page, bot: Bot, user: int) -> None:
    await bot.send_message(user, "said before")
    await page.route("**/events", lambda route: route.fulfill(status=503, body="{}"), times=1)
    await page.goto(f"/#{user}")
    await expect(page.locator(".unit")).to_contain_text("said before")
    await expect(page.locator("#status")).to_have_text("bot")
