"""Choosing a model: the list, the card, its options, and what the next words then do."""

from __future__ import annotations

import pytest

from core import catalog, db, providers
from providers.base import Finished
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.scripted import ScriptedProvider, picture

pytestmark = pytest.mark.integration

FORGED = [
    "p:",
    "p:no-such-model",
    "o:nano-banana:0:99",
    "o:nano-banana:99:0",
    "o:nano-banana:-1:0",
    "o:nano-banana:0:²",
    "o:nano-banana:0:99999999999999999999",
    "o:no-such-model:0:0",
    "o:nano-banana:0",
    "m:1",
    "l:xx",
    "e:no-such-edit",
    "",
    "???",
    "a:00000000000000000000000000000000",
    "c:nothing",
    "f:00000000000000000000000000000000",
    "x:00000000000000000000000000000000",
    "a:' OR 1=1 --",
    "d:1:2",
    "d",
    "a:" + "0" * 32 + ":80",
    "e:no-such-edit:80",
    "zz:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
]


async def test_every_entry_has_price_purpose_and_speed(mia: Person) -> None:
    [answer] = await mia.send("/models")
    text = answer["text"]
    assert text.index("Pictures") < text.index("Nano Banana Pro") < text.index("Videos") < text.index("Demo Video")
    assert "0.80 ⚡ per picture, usually 15 s" in text and "2.40 ⚡ for 3 s, usually 5 s" in text
    assert "quick pictures and photo edits in plain words" in text
    assert list(buttons(answer)) == [
        "✓ 🍌 Nano Banana · 0.80 ⚡ · 15 s",
        "🍌 Nano Banana Pro · 6 ⚡ · 30 s",
        "🎬 Demo Video · 2.40 ⚡ · 5 s",
    ]


async def test_the_card_names_the_price_of_every_option(mia: Person, telegram: FakeTelegram) -> None:
    await mia.send("/models")
    await mia.press("Nano Banana Pro")
    text = telegram.last["text"]
    assert "Price: 6 ⚡, usually 30 s" in text and "Resolution: 1K" in text
    assert "I will draw with it from now on" in text and "You can add up to 6 photos" in text
    assert "✓ 1K · 6 ⚡" in buttons(telegram.last) and "✓ auto" in buttons(telegram.last)


async def test_a_chosen_option_changes_the_price_and_is_ordered(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await mia.send("/models")
    await mia.press("Nano Banana Pro")
    await mia.press("4K")
    assert "Price: 10.80 ⚡" in telegram.last["text"] and "✓ 4K · 10.80 ⚡" in buttons(telegram.last)
    await mia.press("16:9")
    [status] = await mia.send("a castle")
    assert "4K" in status["text"] and "16:9" in status["text"] and "10.80 ⚡" in status["text"]
    await world.work()
    [job] = provider.jobs
    assert job.params["image_size"] == "4K" and job.params["aspect_ratio"] == "16:9"
    assert await mia.balance() == "39.20"


async def test_an_option_goes_back_to_auto(mia: Person, telegram: FakeTelegram) -> None:
    await mia.send("/models")
    await mia.press("Nano Banana ·")
    await mia.press("16:9")
    assert "✓ 16:9" in buttons(telegram.last)
    await mia.press("auto")
    assert "✓ auto" in buttons(telegram.last)
    [status] = await mia.send("a castle")
    assert "16:9" not in status["text"]


async def test_quantity_multiplies_the_price_and_yields_an_album(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(Finished((picture("red"), picture("blue"), picture("green"))))
    await mia.send("/models")
    await mia.press("Nano Banana ·")
    await mia.press("3 · 2.40")
    [status] = await mia.send("three foxes")
    assert "× 3" in status["text"] and "2.40 ⚡" in status["text"]
    await world.work()
    first, _, third, question = telegram.now_shown[-4:]
    assert "three foxes" in first["caption"] and "caption" not in third
    assert "3 results" in question["text"] and "🔁 Again · 2.40 ⚡" in buttons(question)
    [job] = await mia.jobs()
    assert len(job.result_message_ids) == 4


async def test_the_chosen_image_model_stays_preferred(mia: Person, world: World) -> None:
    await mia.send("/models")
    await mia.press("Nano Banana Pro")
    await mia.send("a castle")
    await world.work()
    [status] = await mia.send("another castle")
    assert "Nano Banana Pro" in status["text"] and "6 ⚡" in status["text"]
    [models] = await mia.send("/models")
    assert any(text.startswith("✓ 🍌 Nano Banana Pro") for text in buttons(models))


async def test_a_chosen_video_model_takes_the_next_words_only(mia: Person, world: World) -> None:
    [card] = await mia.send("🎬 Create video")
    assert "Demo Video" in card["text"] and "Describe what should happen" in card["text"]
    await mia.press("4 · 3.20")
    [status] = await mia.send("a fox runs")
    assert "Demo Video · 4 s" in status["text"] and "3.20 ⚡" in status["text"]
    [status] = await mia.send("a fox sleeps")
    assert "Nano Banana" in status["text"]


async def test_create_image_invites_words_and_shows_models(mia: Person) -> None:
    [answer] = await mia.send("🖼 Create image")
    assert "Just write what you want to see" in answer["text"]
    assert len(buttons(answer)) == 2


async def test_a_card_leads_back_to_the_list(mia: Person, telegram: FakeTelegram) -> None:
    await mia.send("/models")
    await mia.press("Demo Video")
    posted = await mia.press("All models")
    assert posted == [] and "Press a model" in telegram.last["text"]


async def test_a_model_that_was_switched_off_says_so(mia: Person, telegram: FakeTelegram) -> None:
    [models] = await mia.send("/models")
    await _switch_off("nano-banana-pro")
    await mia.press("Nano Banana Pro", models)
    assert "is not available right now" in mia.toasts[-1]


async def test_a_draft_of_a_model_that_was_switched_off_charges_nothing(mia: Person) -> None:
    await mia.send("🎬 Create video")
    await _switch_off("demo-video")
    [answer] = await mia.send("a fox runs")
    assert "“🎬 Demo Video” is not available right now" in answer["text"]
    assert await mia.balance() == "50.00"


async def test_without_any_model_everything_says_so(mia: Person) -> None:
    await _switch_off("nano-banana", "nano-banana-pro", "demo-video")
    for text in ("/models", "🖼 Create image", "a fox"):
        [answer] = await mia.send(text)
        assert "All models are resting" in answer["text"], text
    [answer] = await mia.send("🎬 Create video")
    assert "Videos are not available" in answer["text"]
    [answer] = await mia.send("/balance")
    assert "Your balance is 50 ⚡" in answer["text"]
    [answer] = await mia.send("/start")
    assert "All models are resting" in answer["text"]


async def test_a_switched_off_preferred_model_gives_way_to_the_next(mia: Person) -> None:
    await mia.send("/models")
    await mia.press("Nano Banana Pro")
    await mia.send("/cancel")
    await _switch_off("nano-banana-pro")
    [status] = await mia.send("a castle")
    assert "0.80 ⚡ charged" in status["text"]


@pytest.mark.parametrize(
    "data",
    FORGED,
)
async def test_forged_button_data_is_answered_and_does_nothing(mia: Person, data: str, telegram: FakeTelegram) -> None:
    posted = await mia.tap(data, telegram.last)
    assert posted == []
    assert "out of date" in mia.toasts[-1]
    assert await mia.jobs() == [] and await mia.balance() == "50.00"


async def test_a_button_without_its_message_is_answered(mia: Person) -> None:
    for data in ("m", "p:nano-banana", "e:cartoon:80", "d:80", "l:ru"):
        await mia.tap(data)
    assert await mia.jobs() == []
    assert len(mia.toasts) == 5


async def _switch_off(*slugs: str) -> None:
    await db.execute("UPDATE botapp_aimodel SET is_active = false WHERE slug = ANY($1::text[])", list(slugs))
    catalog.configure(providers.names())
