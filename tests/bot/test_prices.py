"""A price that is shown is the price that is charged: when it changed in between, the person is asked again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.buttons import in_hundredths, price_in
from core import catalog, db, providers
from providers.errors import ContentBlocked
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration


async def set_cost(slug: str, usd: str) -> None:
    """Let an operator change what a model costs."""
    await db.execute("UPDATE botapp_aimodel SET base_cost_usd = $2 WHERE slug = $1", slug, Decimal(usd))
    catalog.configure(providers.names())


async def test_again_at_another_price_asks_first(mia: Person, world: World, telegram: FakeTelegram) -> None:
    await mia.send("a red fox")
    await world.work()
    result = telegram.last
    await set_cost("nano-banana", "0.03")
    assert await mia.press("Again", result) == []
    assert "it is 1.20 ⚡ now. Nothing was charged" in mia.toasts[-1]
    assert await mia.balance() == "49.20"
    assert "🔁 Again · 1.20 ⚡" in buttons(telegram.posted[result["message_id"]])
    [status] = await mia.press("Again", result)
    assert "1.20 ⚡ charged" in status["text"] and await mia.balance() == "48.00"


async def test_a_retry_names_its_price_and_keeps_to_it(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(ContentBlocked(""))
    await mia.send("something wild")
    await world.work()
    assert "🔁 Try again · 0.80 ⚡" in buttons(telegram.last)
    await set_cost("nano-banana", "0.03")
    await mia.press("Try again")
    assert "Nothing was charged" in mia.toasts[-1] and await mia.balance() == "50.00"
    assert "🔁 Try again · 1.20 ⚡" in buttons(telegram.last)


async def test_a_ready_made_edit_at_another_price_asks_first(mia: Person, telegram: FakeTelegram) -> None:
    [question] = await mia.send(message=mia.photo())
    as_it_was = dict(question)
    await set_cost("nano-banana", "0.03")
    await set_cost("demo-video", "0.05")
    for label in ("Cartoon", "Animate"):
        assert await mia.press(label, as_it_was) == []
        assert "Nothing was charged" in mia.toasts[-1]
    assert "🎬 Animate · 6 ⚡" in buttons(telegram.posted[question["message_id"]])
    [status] = await mia.press("Cartoon", telegram.posted[question["message_id"]])
    assert "1.20 ⚡ charged" in status["text"]


async def test_an_offer_to_draw_at_another_price_asks_first(mia: Person, telegram: FakeTelegram) -> None:
    message = mia.message(text="a red fox")
    await mia.send("/help")
    [offer] = await mia.edit(message, text="a blue fox")
    await set_cost("nano-banana", "0.03")
    shown = {**offer, "reply_to_message": message}
    assert await mia.press("Draw it", shown) == []
    assert list(buttons(telegram.posted[offer["message_id"]])) == ["🖼 Draw it · 1.20 ⚡"]
    assert await mia.jobs() == []


async def test_words_for_a_card_whose_price_changed_are_asked_for_again(mia: Person, masha: Person) -> None:
    for person, label in ((mia, "🎬 Create video"), (masha, "🎬 Создать видео")):
        await set_cost("demo-video", "0.02")
        await person.send(label)
        await set_cost("demo-video", "0.05")
        [told] = await person.send("a fox runs")
        assert "6 ⚡" in told["text"] and await person.balance() == "50.00"
        [status] = await person.send("a fox runs")
        assert "Demo Video" in status["text"] and await person.balance() == "44.00"


async def test_words_for_a_waiting_photo_whose_price_changed_are_asked_for_again(mia: Person) -> None:
    await mia.send(message=mia.photo())
    await set_cost("nano-banana", "0.03")
    [told] = await mia.send("a hat")
    assert "send the words again" in told["text"]
    [status] = await mia.send("a hat")
    assert "1.20 ⚡ charged" in status["text"] and (await mia.jobs())[0].images


async def test_a_plain_prompt_costs_what_it_costs_and_says_so(mia: Person) -> None:
    await set_cost("nano-banana", "0.03")
    [status] = await mia.send("a red fox")
    assert "1.20 ⚡ charged" in status["text"]


async def test_a_job_in_flight_keeps_its_price(mia: Person, world: World, telegram: FakeTelegram) -> None:
    await mia.send("a red fox")
    await set_cost("nano-banana", "0.03")
    await world.work()
    assert "0.80 ⚡ charged, 49.20 ⚡ left" in telegram.last["caption"]
    assert "🔁 Again · 1.20 ⚡" in buttons(telegram.last)


async def test_a_press_handled_again_after_the_price_changed_stands(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    await mia.send("a red fox")
    await world.work()
    data = next(data for text, data in buttons(telegram.last).items() if "Again" in text)
    event = await world.store({"update_id": 300_001, "callback_query": mia.query(data, telegram.last)}, mia.id)
    await world.runtime.handle(event)
    await set_cost("nano-banana", "0.03")
    await world.handle(event)
    assert len(await mia.jobs()) == 2 and "Nothing was charged" not in "".join(mia.toasts)


async def test_words_handled_again_after_the_price_changed_stand(mia: Person, world: World) -> None:
    await mia.send("🎬 Create video")
    event = await world.store({"update_id": 300_002, "message": mia.message(text="a fox runs")}, mia.id)
    await world.runtime.handle(event)
    await set_cost("demo-video", "0.05")
    await world.handle(event)
    [job] = await mia.jobs()
    assert str(job.tokens) == "2.40"


@pytest.mark.parametrize("price", ["", "-1", "1.5", "²", "free", "1e3", "79"])
async def test_a_forged_price_is_no_agreement(price: str, mia: Person, world: World, telegram: FakeTelegram) -> None:
    await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    assert await mia.tap(f"a:{job.run_code}:{price}", telegram.last) == []
    assert "it is 0.80 ⚡ now" in mia.toasts[-1] and await mia.balance() == "49.20"


@pytest.mark.parametrize("amount", ["0.01", "0.80", "6.00", "1234.56"])
def test_prices_survive_their_way_through_a_button(amount: str) -> None:
    assert price_in(str(in_hundredths(Decimal(amount)))) == Decimal(amount)
