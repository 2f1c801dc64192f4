"""Bad days of the Mini App: whatever happens, the form stays, nothing is charged twice, and it says what to do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, FrameLocator, Route, expect

from bot.sandbox.webapp import sign
from tests.end_to_end.people import Person, Sandbox
from tests.end_to_end.pictures import photograph
from tests.end_to_end.waiting import until
from tests.fixtures.mini_app import Telephone, chromium, telephone
from tests.fixtures.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

FORM = "?model=nano-banana"
WORDS = "a red fox in the snow"
ORDERS = "**/api/app/v1/generations"


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all telephones."""
    async with chromium() as launched:
        yield launched


@pytest_asyncio.fixture
async def mia(sandbox: Sandbox) -> Person:
    """Somebody who has the welcome bonus."""
    return await sandbox.somebody("en")


@pytest_asyncio.fixture
async def phone(browser: Browser, product: Product, mia: Person) -> AsyncIterator[Telephone]:
    """Mia's telephone."""
    async with telephone(browser, product, mia.sandbox.bot_token, mia.id) as opened:
        yield opened


async def filled(phone: Telephone, words: str = WORDS, path: str = FORM) -> FrameLocator:
    """Open a form, write into it, and wait until it may be ordered."""
    form = await phone.open(path)
    await form.locator("textarea").fill(words)
    await expect(phone.frame.locator(".sum .stale")).to_have_count(0)
    await expect(phone.main_button).to_be_enabled()
    return form


async def quoted(product: Product, tokens: str) -> bool | None:
    """Whether web sells at a price; an edit takes up to two seconds to reach it."""
    told = await asyncio.to_thread(product.nb, "pricing", "quote", "nano-banana")
    return True if told["data"]["tokens"] == tokens else None


async def leave(phone: Telephone) -> None:
    """Close the app with Telegram's own button, and agree to lose what is not sent."""
    await phone.page.get_by_role("button", name="Close the app").click()
    close = phone.page.get_by_role("button", name="Close", exact=True)
    if await close.count():
        await close.click()
    await expect(phone.dialog).to_have_count(0)


async def test_a_double_tap_is_one_order(phone: Telephone, mia: Person) -> None:
    await filled(phone)
    await phone.main_button.dblclick()
    await expect(phone.dialog).to_have_count(0)
    assert len(await mia.settled()) == 1
    assert await mia.balance() == Decimal("49.20")


async def test_words_of_any_kind_arrive_as_they_were_written(phone: Telephone, mia: Person) -> None:
    words = "שועל אדום 🦊👨‍👩‍👧 " + "снег " * 790
    form = await filled(phone, words.strip())
    await expect(form.locator("#count")).to_have_text(f"{len(words.strip())} / 4000")
    await phone.main_button.click()
    await expect(phone.dialog).to_have_count(0)
    assert (await mia.settled())[-1]["prompt"] == words.strip()


async def test_too_many_words_are_counted_and_not_sent(phone: Telephone, mia: Person) -> None:
    form = await phone.open(FORM)
    await form.locator("textarea").fill("a" * 4001)
    await expect(form.locator("#count")).to_have_class("error")
    await expect(phone.frame.locator(".sum .stale")).to_have_count(0)
    await phone.main_button.click()
    await expect(form.locator(".trouble")).not_to_be_empty()
    assert await mia.jobs() == []


async def test_a_draft_survives_closing_and_is_nobody_elses(
    browser: Browser, product: Product, sandbox: Sandbox, mia: Person
) -> None:
    max_ = await sandbox.somebody("en")
    async with telephone(browser, product, sandbox.bot_token, mia.id) as phone:
        await filled(phone, "a secret fox")
        await leave(phone)
        again = await phone.open(FORM)
        await expect(again.locator("textarea")).to_have_value("a secret fox")
        await leave(phone)
        await phone.page.goto(f"{product.sandbox}/#{max_.id}")
        await phone.page.reload()
        phone.user = max_.id
        form = await phone.open(FORM)
        await expect(form.locator("textarea")).to_have_value("")


async def test_a_price_that_changed_is_told_and_asked_about(phone: Telephone, mia: Person, product: Product) -> None:
    form = await filled(phone)
    edit = ("pricing", "set", "nano-banana", "--reason", "a test")
    await asyncio.to_thread(product.nb, *edit, "--base-cost", "0.025")
    try:
        await until(lambda: quoted(product, "1.00"), "the new price reaches web")
        await phone.main_button.click()
        await expect(form.locator(".trouble")).to_contain_text("The price has changed")
        await expect(phone.main_button).to_contain_text("1 ⚡")
        assert await mia.jobs() == []
        await phone.main_button.click()
        await expect(phone.dialog).to_have_count(0)
        assert (await mia.settled())[-1]["cost"] == Decimal("1.00")
    finally:
        await asyncio.to_thread(product.nb, *edit, "--base-cost", "0.02")


async def test_a_model_switched_off_meanwhile_is_said_and_costs_nothing(
    phone: Telephone, mia: Person, product: Product
) -> None:
    form = await filled(phone, path="?model=demo-video")
    await asyncio.to_thread(product.nb, "models", "disable", "demo-video", "--reason", "a test")
    try:
        await phone.main_button.click()
        await expect(form.locator(".trouble")).to_contain_text("Choose another one")
        await expect(form.locator("textarea")).to_have_value(WORDS)
        assert await mia.jobs() == []
    finally:
        await asyncio.to_thread(product.nb, "models", "enable", "demo-video", "--reason", "a test")


async def test_too_few_tokens_lead_through_the_top_up_back_to_the_same_form(
    phone: Telephone, mia: Person, product: Product
) -> None:
    await asyncio.to_thread(product.nb, "users", "debit", str(mia.id), "49", "--reason", "a test")
    form = await phone.open("?model=demo-video")
    await form.locator("textarea").fill(WORDS)
    await expect(phone.main_button).to_contain_text("Top up")
    await phone.main_button.click()
    await expect(phone.main_button).to_contain_text("Pay")
    await phone.main_button.click()
    await phone.page.locator("dialog.sheet").get_by_role("button", name="Pay").click()
    await expect(phone.main_button).to_have_text("Back to the order", timeout=30_000)
    await phone.main_button.click()
    await expect(form.locator("textarea")).to_have_value(WORDS)
    await expect(phone.main_button).to_contain_text("Create")
    await phone.main_button.click()
    await expect(phone.dialog).to_have_count(0)
    assert (await mia.settled())[-1]["prompt"] == WORDS


async def test_offline_keeps_the_form_and_the_next_tap_orders_once(phone: Telephone, mia: Person) -> None:
    form = await filled(phone)
    await phone.context.set_offline(True)
    await phone.main_button.click()
    await expect(form.locator(".trouble")).to_contain_text("No connection")
    await expect(form.locator("textarea")).to_have_value(WORDS)
    await phone.context.set_offline(False)
    await phone.main_button.click()
    await expect(phone.dialog).to_have_count(0)
    assert len(await mia.settled()) == 1


async def test_an_answer_that_was_lost_is_no_second_order(phone: Telephone, mia: Person) -> None:
    lost = 0

    async def lose(route: Route) -> None:
        nonlocal lost
        if route.request.method == "POST" and not lost:
            lost += 1
            await route.fetch()
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await phone.page.route(ORDERS, lose)
    form = await filled(phone)
    await phone.main_button.click()
    await expect(form.locator(".trouble")).not_to_be_empty()
    await phone.main_button.click()
    await expect(phone.dialog).to_have_count(0)
    assert len(await mia.settled()) == 1
    assert await mia.balance() == Decimal("49.20")


async def test_a_broken_server_keeps_the_form(phone: Telephone, mia: Person) -> None:
    async def break_down(route: Route) -> None:
        if route.request.method == "POST":
            await route.fulfill(status=500, content_type="text/html", body="<h1>oops</h1>")
        else:
            await route.continue_()

    await phone.page.route(ORDERS, break_down)
    form = await filled(phone)
    await phone.main_button.click()
    await expect(form.locator(".trouble")).to_contain_text("our fault")
    await expect(form.locator("textarea")).to_have_value(WORDS)
    assert await mia.jobs() == []


async def test_a_renamed_program_and_a_file_that_is_too_large_are_said_in_words(
    phone: Telephone, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"MZ" + bytes(5000))
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(20_000_000))
    form = await phone.open(FORM)
    for name in ("photo.jpg", "phone.heic"):
        await form.locator(".add input[type=file]").first.set_input_files(tmp_path / name)
        await expect(form.locator(".slot .error")).not_to_be_empty(timeout=30_000)
        await form.get_by_role("button", name="Remove").first.click()
        await expect(form.locator(".slot .thumb")).to_have_count(0)


async def test_photos_are_put_in_order_replaced_and_taken_away(phone: Telephone, mia: Person, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(photograph(320, 240, seed=number))
    form = await filled(phone)
    add = form.locator(".add input[type=file]").first
    await add.set_input_files([tmp_path / f"{number}.jpg" for number in range(3)])
    await expect(form.locator(".slot .thumb")).to_have_count(3)
    await expect(form.locator(".busy")).to_have_count(0, timeout=30_000)
    await form.get_by_role("button", name="Remove").last.click()
    await expect(form.locator(".slot .thumb")).to_have_count(2)
    await phone.main_button.click()
    await expect(phone.dialog).to_have_count(0)
    assert len(json.loads((await mia.settled())[-1]["input_images"])) == 2


async def test_leaving_in_the_middle_of_an_upload_keeps_the_words_and_says_what_is_gone(
    phone: Telephone, tmp_path: Path
) -> None:
    held: list[Route] = []

    async def hold(route: Route) -> None:
        if route.request.method == "PUT":
            held.append(route)
        else:
            await route.continue_()

    await phone.page.route("**/media/**", hold)
    (tmp_path / "photo.jpg").write_bytes(photograph(320, 240))
    form = await filled(phone)
    await form.locator(".add input[type=file]").first.set_input_files(tmp_path / "photo.jpg")
    await expect(form.locator(".busy")).to_contain_text("0%")
    await leave(phone)
    again = await phone.open(FORM)
    await expect(again.locator("textarea")).to_have_value(WORDS)
    await expect(again.get_by_text("Some of the earlier files are gone.")).to_be_visible()
    assert len(held) == 1


async def test_init_data_that_is_too_old_says_to_open_the_app_again(
    phone: Telephone, product: Product, mia: Person
) -> None:
    fields = {
        "user": json.dumps({"id": mia.id, "first_name": "Mia", "language_code": "en"}),
        "auth_date": str(int(time.time()) - 2 * 86400),
        "query_id": "AAF",
    }
    data = urlencode({**fields, "hash": sign(mia.sandbox.bot_token, fields)}, quote_via=quote)
    launch = f"#tgWebAppData={quote(data, safe='')}&tgWebAppVersion=9.1&tgWebAppPlatform=web"
    await phone.page.goto(f"{product.web}/webapps/{FORM}{launch}")
    await expect(phone.page.locator("#app")).to_contain_text("open it from the chat")


async def test_outside_of_telegram_it_leads_to_the_bot(phone: Telephone, product: Product) -> None:
    await phone.page.goto(f"{product.web}/webapps/veo/")
    await expect(phone.page.locator("h1")).to_have_text("Open it in Telegram")
    link = phone.page.get_by_role("link")
    await expect(link).to_have_attribute("href", "https://t.me/nanobanana_sandbox_bot")


async def test_a_running_job_is_cancelled_from_the_history_and_paid_back(phone: Telephone, mia: Person) -> None:
    await mia.say("[slow 30] a slow fox")
    await mia.status_with_button()
    history = await phone.open("history/")
    await history.get_by_text("a slow fox").click()
    await phone.dialog.locator(".app-buttons").get_by_role("button", name="Cancel").click()
    await expect(history.locator("main")).to_contain_text("0.80 ⚡ came back")
    assert (await mia.settled())[-1]["status"] == "cancelled"
    assert await mia.balance() == Decimal("50.00")


async def test_the_app_speaks_the_persons_language(browser: Browser, product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody("ru")
    async with telephone(browser, product, sandbox.bot_token, person.id) as phone:
        form = await phone.open(FORM)
        await expect(phone.main_button).to_contain_text("Создать")
        await expect(form.locator("html")).to_have_attribute("lang", "ru")


async def test_files_of_the_app_come_with_its_policy(product: Product) -> None:
    async with httpx.AsyncClient(base_url=product.web) as http:
        page = await http.get("/webapps/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
