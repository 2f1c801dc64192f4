"""The predecessor's defects that a person met in the chat."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import structlog
from aiogram.exceptions import TelegramNetworkError
from asyncpg import CheckViolationError

from bot.captions import visible_length, with_prompt
from bot.texts import Html
from core import catalog, db, ledger, pricing
from core.bonuses import codes
from core.bonuses.codes import NewCode
from core.generations import Status
from core.payments import PaymentStatus
from providers.base import Failed, MediaKind, Submitted
from providers.errors import FAILURE_CLASSES, ProviderError
from tests.bot.buying import ask, buy, labels, now, order, orders, paid, question
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons, visible
from tests.core.generations.conftest import assert_books_agree
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration


async def test_a06_no_button_confirms_a_payment(mia: Person) -> None:
    """A6: a forged press of payment_success:<id> completed the caller's own unpaid order: 90 050 for nothing."""
    placed = await order(mia)
    for forged in ("payment_success", "paid", "pay_success", "t"):
        for name in (placed.id, placed.code):
            await mia.tap(f"{forged}:{name}")
    assert (await now(placed)).status is PaymentStatus.PENDING
    assert await mia.balance() == "50.00"


async def test_a15_stars_are_taken_for_orders_of_ours_and_credited_once(mia: Person, masha: Person) -> None:
    """A15: pre-checkout always said yes, and the same payment twice gave 550, then 1050."""
    placed = await order(mia)
    for forged in ({"invoice_payload": "500"}, {"currency": "USD"}, {"total_amount": 1}):
        assert not (await ask(mia, question(mia, placed, **forged)))[0]
    assert not (await ask(masha, question(masha, placed)))[0]
    assert (await ask(mia, question(mia, placed)))[0]
    for _ in range(2):
        await mia.update(message=paid(mia, placed, "stx-same"))
    assert await mia.balance() == "170.00"
    assert len(await orders(mia)) == 1


async def test_d04_words_reach_whoever_asked_for_them(mia: Person) -> None:
    """D4: a catch-all handler stood before all dialogues: prompts and promo codes were answered with the menu."""
    await codes.create(NewCode("PROMO10", Decimal(10)))
    await mia.send("a red fox in the snow")
    await mia.send("/models")
    await mia.press("Demo Video")
    await mia.send("a fox that runs")
    await mia.send("/promo")
    await mia.send("promo10")
    await mia.send(message=mia.photo(caption="make it a painting"))
    made = [(job.prompt, job.model) for job in await mia.jobs()]
    assert made == [
        ("a red fox in the snow", "nano-banana"),
        ("a fox that runs", "demo-video"),
        ("make it a painting", made[2][1]),
    ]
    assert "promo:PROMO10" in {line.reason for line in await ledger.statement((await mia.account()).id)}


@pytest.mark.parametrize("kind", FAILURE_CLASSES)
async def test_d06_every_kind_of_failure_has_words_for_the_person(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram, kind: type[ProviderError]
) -> None:
    """D6: the error paths named a severity that did not exist: instead of words there was an AttributeError."""
    provider.answers.append(Submitted("ext-1", timedelta(0)))
    provider.polls.append(Failed(kind("vendor words: {'code': 500}")))
    await mia.send("a red fox")
    for _ in range(3):
        await db.execute("UPDATE botapp_genrequest SET next_action_at = now() - interval '1 second'")
        await db.execute(
            """INSERT INTO botapp_outbox (task, arguments) SELECT 'generations.advance',
            jsonb_build_object('run_code', run_code) FROM botapp_genrequest WHERE status IN ('queued', 'processing')"""
        )
        await world.work()
    [job] = await mia.jobs()
    text = visible(telegram.posted[job.status_message_id or 0]["text"])
    assert (job.status, await mia.balance()) == (Status.ERROR, "50.00")
    assert len(text) > 20
    assert "vendor words" not in text and kind.__name__ not in text


async def test_d14_everybody_is_told_the_one_price(mia: Person) -> None:
    """D14: bot and Mini App had an implementation each, which already disagreed on prices and options."""
    [shown] = await mia.send("/models")
    for model in await catalog.models():
        price = f"{pricing.quote(model).tokens.normalize():f}"
        label = next(
            label for label in labels(shown) if model.display_name in label and f"{model.display_name} ·" in label
        )
        assert f"{price} ⚡" in label or f"{pricing.quote(model).tokens} ⚡" in label


async def test_d15_every_allowed_value_has_a_button_and_the_default_model_exists(
    mia: Person, telegram: FakeTelegram
) -> None:
    """D15: the keyboard of resolutions showed the last one only, and the default model did not exist."""
    await mia.send("/models")
    await mia.press("Nano Banana Pro")
    shown = " ".join([telegram.last["text"], *labels(telegram.last)])
    for size in (await catalog.get("nano-banana-pro")).options["image_size"]["enum"]:
        assert size in shown
    for kind in (MediaKind.IMAGE, MediaKind.VIDEO):
        default = await catalog.default_model(kind)
        assert default is not None and default.is_available


async def test_d16_an_unexpected_error_says_what_failed_and_the_person_gets_an_answer(mia: Person) -> None:
    """D16: the error handler read a field that aiogram does not have: no handler's name, all alerts looked alike."""
    await db.execute("ALTER TABLE botapp_promocode RENAME TO botapp_gone")
    with structlog.testing.capture_logs() as logs:
        answered = await mia.send("/promo fox")
    [entry] = [entry for entry in logs if entry["event"] == "update_failed"]
    assert entry["update_id"]
    assert entry["exc_info"]
    assert len(answered) == 1


@pytest.mark.parametrize("prompt", ["<b>&" * 400, "🦊" * 900, "a" * 5000, "&amp;" * 300])
def test_d17_a_caption_is_cut_between_entities(prompt: str) -> None:
    """D17: a caption was cut at 1024 raw characters, through a tag, and closed afterwards: 1031 characters."""
    caption = with_prompt(Html("<b>Nano</b>"), prompt)
    assert visible_length(caption) <= 1024
    assert caption.count("<b>") == caption.count("</b>") == 1


async def test_d18_a_link_of_telegram_is_asked_for_anew(mia: Person, world: World, telegram: FakeTelegram) -> None:
    """D18: Telegram's link to a file was kept for ever, although it is good for an hour."""
    for caption in ("make it blue", "make it red"):
        await mia.send(message=mia.photo(caption=caption))
    await world.work()
    assert len(telegram.named("getFile")) >= 2
    inputs = await db.fetch("SELECT input_images::text AS images FROM botapp_genrequest")
    assert all("uploads/" in row["images"] and "api.telegram.org" not in row["images"] for row in inputs)


async def test_w03_a_picture_that_could_not_be_sent_in_time_is_neither_made_again_nor_refunded(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    """W3: a video whose sending timed out was declared failed, refunded and made again, four times over."""
    telegram.fail("sendPhoto", lambda method: TelegramNetworkError(method, "timed out"))
    await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    await world.runtime.deliver(job.run_code)
    await world.work()
    assert [job.status for job in await mia.jobs()] == [Status.DONE]
    assert (len(provider.jobs), await mia.balance()) == (1, "49.20")
    await assert_books_agree()


@pytest.mark.parametrize("name", ["Nano Banana Pro", "Demo Video"])
async def test_w07_the_price_on_the_menu_is_the_price_that_is_charged(mia: Person, name: str) -> None:
    """W7: the menu showed 2.80 a second for Pro, 6.40 were charged."""
    [shown] = await mia.send("/models")
    label = next(label for label in labels(shown) if name in label)
    await mia.press(name)
    await mia.send("a fox")
    [job] = await mia.jobs()
    assert f"{job.tokens.normalize():f} ⚡" in label or f"{job.tokens} ⚡" in label
    assert await mia.balance() == str(50 - job.tokens)


async def test_w10_every_model_on_sale_is_in_the_price_list(mia: Person) -> None:
    """W10: Kling v2-6 was sold and stood in no price list."""
    await db.execute(
        """INSERT INTO botapp_aimodel
            (slug, display_name, type, purpose, base_cost_usd, cost_unit, params_schema, routes)
        SELECT 'kling-v9', 'Kling 9', type, purpose, 0.05, cost_unit, params_schema, routes
        FROM botapp_aimodel WHERE slug = 'demo-video'"""
    )
    catalog.configure({"demo"})
    [shown] = await mia.send("/models")
    for model in await catalog.models():
        assert model.display_name in visible(shown["text"])
    assert "Kling 9" in visible(shown["text"])


async def test_w11_stars_are_offered_and_pay(mia: Person) -> None:
    """W11: Stars were promised three times and never offered: there was no code for an invoice."""
    [shown] = await mia.send("/topup")
    assert all("⭐" in label for label in labels(shown)) and labels(shown)
    assert (await buy(mia)).status is PaymentStatus.PAID
    assert await mia.balance() == "170.00"


async def test_w13_a_double_tap_starts_one_job(mia: Person, world: World, telegram: FakeTelegram) -> None:
    """W13: a double tap started and charged twice; 500.00 became 499.20 with two results."""
    await mia.send("a red fox")
    await world.work()
    result = telegram.last
    await mia.press("Again", result)
    await mia.press("Again", result)
    query = mia.query(buttons(result)[next(label for label in buttons(result) if "Again" in label)], result)
    event = await world.store({"update_id": 990_001, "callback_query": query}, mia.id)
    await world.handle(event)
    await world.handle(event)
    assert len(await mia.jobs()) == 2
    assert await mia.balance() == "48.40"


async def test_w04_a_top_up_from_the_keyboard_belongs_to_who_pressed_it(masha: Person) -> None:
    """W4: the keyboard opened a page without identity: the payment had no owner and went to a fallback account."""
    await masha.send("⚡ Пополнить")
    await masha.press("100")
    [placed] = await orders(masha)
    assert placed.chat_id == masha.id
    with pytest.raises(CheckViolationError):
        await db.execute(
            """INSERT INTO botapp_payment (code, idempotency_key, gateway, package_code, tokens, amount, currency)
            VALUES ('nobody', 'nobody', 'stars', 'tokens-100', 100, 385, 'XTR')"""
        )
