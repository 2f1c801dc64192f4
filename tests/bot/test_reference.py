"""Prompts by reference in the chat: what is asked, taken, told and charged, and what can be made of the words."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramNetworkError

from bot.texts import LANGUAGES, Words
from core import cart, catalog, references
from core.generations import Status
from core.references.errors import FAILURES
from providers.base import Finished, Media, MediaKind
from providers.errors import ContentBlocked
from tests.bot.people import Person, World, picture
from tests.bot.telegram import FakeTelegram, buttons
from tests.bot.test_cart import have
from tests.core.generations.conftest import make_due
from tests.core.generations.scripted import ScriptedProvider
from tests.emulators import media

pytestmark = pytest.mark.integration

PROMPT = "a red fox in the snow, <soft light> & calm"
LINK = "https://youtu.be/abcdefghijk"


def describes(provider: ScriptedProvider, text: str = PROMPT) -> None:
    """Have the provider answer with words."""
    provider.answers.append(Finished((Media("text/plain; charset=utf-8", data=text.encode()),)))


def with_video(person: Person, content: bytes, kind: str = "video", **fields: object) -> dict[str, object]:
    """A message with a video."""
    file_id = f"clip{len(person.telegram.files)}"
    person.telegram.files[file_id] = content
    about = {"file_id": file_id, "file_unique_id": file_id, "duration": 1, "file_size": len(content)}
    sides = {"length": 64} if kind == "video_note" else {"width": 64, "height": 48}
    return person.message(**{kind: {**about, **sides}}, **fields)


async def begun(person: Person) -> dict[str, object]:
    """Press the button of the menu."""
    [question] = await person.send("📲 Prompt by reference" if person.language == "en" else "📲 Промт по референсу")
    return question


async def test_the_price_and_the_balance_are_told_before_anything_is_sent(mia: Person, masha: Person) -> None:
    question = await begun(mia)
    assert "costs 0.40 ⚡, your balance is 50 ⚡" in str(question["text"])
    question = await begun(masha)
    assert "Стоит 0,40 ⚡, на балансе 50 ⚡" in str(question["text"])
    [by_command] = await mia.send("/reference")
    assert "costs 0.40 ⚡" in by_command["text"]
    assert await mia.balance() == "50.00"


async def test_a_photo_becomes_words_to_copy(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await begun(mia)
    describes(provider)
    [status] = await mia.send(message=mia.photo(caption="as a watercolour"))
    assert "Prompt by reference" in status["text"] and "0.40 ⚡ charged, 49.60 ⚡ left" in status["text"]
    await world.work()
    [job] = provider.jobs
    assert (job.kind, job.prompt, len(job.images)) == (MediaKind.TEXT, "as a watercolour", 1)
    assert job.params["language"] == "en"
    result = telegram.last
    assert PROMPT in result["text"] and "0.40 ⚡ charged, 49.60 ⚡ left" in result["text"]
    assert list(buttons(result)) == ["🖼 Make a picture", "🎬 Make a video", "🔁 Again · 0.40 ⚡"]
    assert status["message_id"] not in telegram.posted
    [generation] = await mia.jobs()
    assert generation.status is Status.DONE and generation.result_message_ids == (result["message_id"],)


async def test_what_comes_after_it_is_a_picture_again(mia: Person, world: World, provider: ScriptedProvider) -> None:
    await begun(mia)
    describes(provider)
    await mia.send(message=mia.photo())
    await world.work()
    await mia.send("a red fox")
    await world.work()
    assert [job.kind for job in provider.jobs] == [MediaKind.TEXT, MediaKind.IMAGE]


@pytest.mark.parametrize("kind", ["video", "animation", "video_note"])
async def test_a_video_is_described(mia: Person, world: World, provider: ScriptedProvider, kind: str) -> None:
    await begun(mia)
    describes(provider)
    await mia.send(message=with_video(mia, await media.film("16:9"), kind))
    await world.work()
    [job] = provider.jobs
    assert [image.mime for image in job.images] == ["video/mp4"]
    assert await mia.balance() == "49.60"


async def test_a_video_that_cannot_be_used_costs_nothing_and_the_question_stays(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    await begun(mia)
    [answer] = await mia.send(message=with_video(mia, b"nonsense"))
    assert "could not open this as a video" in answer["text"]
    large = with_video(mia, b"x")
    large["video"]["file_size"] = 21 * 1024 * 1024  # type: ignore[index]
    [answer] = await mia.send(message=large)
    assert "larger than 20 MB" in answer["text"]
    assert await mia.balance() == "50.00"
    describes(provider)
    await mia.send(LINK)
    await world.work()
    assert await mia.balance() == "49.60"


async def test_a_link_with_wishes_is_described(mia: Person, world: World, provider: ScriptedProvider) -> None:
    await begun(mia)
    describes(provider)
    await mia.send(f"in winter {LINK}?si=abc please")
    await world.work()
    [job] = provider.jobs
    assert job.prompt == "in winter please"
    assert job.params["source_url"] == "https://www.youtube.com/watch?v=abcdefghijk"


async def test_words_without_a_link_are_not_charged(mia: Person, world: World, provider: ScriptedProvider) -> None:
    """They can be drawn instead, by a press."""
    await begun(mia)
    message = mia.message(text="a red fox")
    [answer] = await mia.send(message=message)
    assert "waiting for a photo, a video or a link" in answer["text"]
    assert await mia.balance() == "50.00" and provider.jobs == []
    await mia.press("Draw", {**answer, "reply_to_message": message})
    await world.work()
    assert [job.kind for job in provider.jobs] == [MediaKind.IMAGE]


async def test_it_can_be_given_up(mia: Person, world: World, provider: ScriptedProvider) -> None:
    await begun(mia)
    await mia.send("/cancel")
    await mia.send("a red fox")
    await world.work()
    assert [job.kind for job in provider.jobs] == [MediaKind.IMAGE]


async def test_a_photo_that_is_handled_again_after_a_crash_is_described_once(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    """The first handling dropped the draft; the second finds the order all the same."""
    await begun(mia)
    describes(provider)
    update = {"update_id": 900_001, "message": mia.photo()}
    await world.handle(await world.store(update, mia.id))
    posted = len(telegram.posted)
    await world.runtime.handle(await world.store(update, mia.id))
    assert len(telegram.posted) == posted
    await world.work()
    assert len(provider.jobs) == 1 and await mia.balance() == "49.60"


async def test_an_answer_to_a_picture_changes_that_picture_even_now(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await mia.send("a red fox")
    await world.work()
    result = telegram.last
    await begun(mia)
    await mia.send("give it a hat", reply_to_message=result)
    await world.work()
    assert [job.kind for job in provider.jobs] == [MediaKind.IMAGE, MediaKind.IMAGE]
    assert len(provider.jobs[1].images) == 1


async def test_of_an_album_the_first_is_taken_once(mia: Person, world: World, provider: ScriptedProvider) -> None:
    await begun(mia)
    describes(provider)
    first = await mia.send(message=mia.photo(picture("red"), media_group_id="album"))
    assert any("one photo of the album" in message.get("text", "") for message in first)
    assert await mia.send(message=mia.photo(picture("blue"), media_group_id="album")) == []
    await world.work()
    assert len(provider.jobs) == 1
    assert await mia.balance() == "49.60"


@pytest.mark.parametrize("text", [LINK, "https://example.com/fox.jpg", f"смотри {LINK}", "vm.tiktok.com/ZM1/"])
async def test_a_link_out_of_the_blue_is_offered_and_nothing_is_charged(
    mia: Person, world: World, provider: ScriptedProvider, text: str
) -> None:
    [offer] = await mia.send(text)
    assert "Shall I write a prompt from this link?" in offer["text"]
    assert list(buttons(offer)) == ["📲 Write a prompt · 0.40 ⚡"]
    assert await world.work() == [] and provider.jobs == []


async def test_the_offer_describes_its_link(mia: Person, world: World, provider: ScriptedProvider) -> None:
    """Two taps are one wish."""
    message = mia.message(text=f"look {LINK}")
    [offer] = await mia.send(message=message)
    describes(provider)
    shown = {**offer, "reply_to_message": message}
    await mia.press("Write a prompt", shown)
    await mia.press("Write a prompt", shown)
    await world.work()
    [job] = provider.jobs
    assert job.prompt == "look" and job.params["source_url"].endswith("abcdefghijk")  # type: ignore[union-attr]
    assert await mia.balance() == "49.60"


@pytest.mark.parametrize("text", ["http://localhost/x", "http://user@example.com/", "https://www.youtube.com/@fox"])
async def test_a_link_that_leads_nowhere_is_told_at_once(mia: Person, provider: ScriptedProvider, text: str) -> None:
    [answer] = await mia.send(text)
    assert "see nothing behind this link" in answer["text"]
    await begun(mia)
    [answer] = await mia.send(text)
    assert "see nothing behind this link" in answer["text"]
    assert await mia.balance() == "50.00" and provider.jobs == []


async def test_words_with_a_link_to_nowhere_in_particular_are_a_prompt(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    await mia.send("a fox like on https://example.com/fox but blue")
    await world.work()
    assert [job.kind for job in provider.jobs] == [MediaKind.IMAGE]


async def test_a_link_that_fails_gives_the_tokens_back_in_words(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    await begun(mia)
    await mia.send("http://127.0.0.1/fox.jpg")
    assert await mia.balance() == "49.60"
    await world.work()
    assert "no photo or video behind this link" in telegram.last["text"]
    assert "0.40 ⚡ are back" in telegram.last["text"]
    assert await mia.balance() == "50.00"
    [status] = await mia.press("Try again", telegram.last)
    assert "0.40 ⚡ charged" in status["text"]
    await world.work()
    assert (await mia.jobs())[1].error_code == "link_not_supported"
    assert await mia.balance() == "50.00"


@pytest.mark.parametrize("failure", FAILURES)
def test_every_failure_of_a_link_has_words_in_every_language(failure: type[references.LinkFailed]) -> None:
    for language in LANGUAGES:
        assert Words(language)(f"failure-{failure.code}")


async def test_a_provider_that_refuses_gives_the_tokens_back(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await begun(mia)
    provider.answers.append(ContentBlocked("no"))
    await mia.send(message=mia.photo())
    await world.work()
    assert "safety filter" in telegram.last["text"]
    assert await mia.balance() == "50.00"


async def test_a_picture_is_made_of_the_words_by_a_press_that_names_the_price(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await begun(mia)
    describes(provider)
    await mia.send(message=mia.photo())
    await world.work()
    result = telegram.last
    [choice] = await mia.press("Make a picture", result)
    labels = list(buttons(choice))
    assert "🍌 Nano Banana · 0.80 ⚡" in labels
    assert await mia.balance() == "49.60" and len(provider.jobs) == 1
    await mia.press("Nano Banana · 0.80", choice)
    await world.work()
    assert provider.jobs[1].prompt == PROMPT and provider.jobs[1].kind is MediaKind.IMAGE
    assert await mia.balance() == "48.80"
    assert (await mia.jobs())[1].parent == (await mia.jobs())[0].run_code


async def test_a_video_is_made_of_the_words(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await begun(mia)
    describes(provider)
    await mia.send(message=mia.photo())
    await world.work()
    [choice] = await mia.press("Make a video", telegram.last)
    await mia.press("Demo Video · 2.40 ⚡", choice)
    await world.work()
    assert provider.jobs[1].prompt == PROMPT and provider.jobs[1].kind is MediaKind.VIDEO


async def test_nobody_uses_somebody_elses_words(
    mia: Person, masha: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await begun(mia)
    describes(provider)
    await mia.send(message=mia.photo())
    await world.work()
    code = (await mia.jobs())[0].run_code
    assert await masha.tap(f"n:i:{code}", telegram.last) == []
    assert await masha.tap(f"u:{code}:nano-banana:80", telegram.last) == []
    assert await masha.tap("n:l:80", telegram.last) == []
    assert await masha.tap(f"n:zz:{code}", telegram.last) == []
    assert all(masha.toasts) and len(masha.toasts) == 4
    assert await masha.balance() == "50.00" and await masha.jobs() == []


async def test_the_same_again_describes_the_same_photo(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await begun(mia)
    describes(provider)
    describes(provider, "another prompt")
    await mia.send(message=mia.photo())
    await world.work()
    await mia.press("Again · 0.40", telegram.last)
    await world.work()
    assert "another prompt" in telegram.last["text"]
    assert provider.jobs[0].images == provider.jobs[1].images
    assert await mia.balance() == "49.20"


async def test_too_few_tokens_for_a_link_are_told_with_a_way_to_more(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    """Such an order is not kept: what the link leads to may be gone by then."""
    await have(mia, "0.30")
    await begun(mia)
    [answer] = await mia.send(LINK)
    assert "0.10 ⚡" in answer["text"] and list(buttons(answer)) == ["⚡ Top up"]
    assert provider.jobs == [] and await mia.jobs() == []
    assert await cart.of_user((await mia.account()).id) is None
    assert await world.work() == []


async def test_an_answer_that_was_lost_takes_the_place_of_the_status(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    """The words stand in the chat once."""
    await begun(mia)
    describes(provider)
    [status] = await mia.send(message=mia.photo())
    telegram.fail("sendMessage", lambda method: TelegramNetworkError(method, "lost"))
    await world.work()
    [job] = await mia.jobs()
    assert job.status is Status.PROCESSING
    await make_due(job)
    await world.runtime.deliver(job.run_code)
    [job] = await mia.jobs()
    assert job.status is Status.DONE and job.result_message_ids == (status["message_id"],)
    assert [PROMPT in str(message.get("text")) for message in telegram.now_shown].count(True) == 1


async def test_a_long_text_fits_into_one_message(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await begun(mia)
    describes(provider, "лиса " * 2000)
    await mia.send(message=mia.photo())
    await world.work()
    assert "лиса лиса" in telegram.last["text"] and "…" in telegram.last["text"]


async def test_without_the_model_nobody_is_asked_for_anything(mia: Person) -> None:
    catalog.configure(())
    [answer] = await mia.send("/reference")
    assert "not available" in answer["text"]
    [answer] = await mia.send(LINK)
    assert "not available" in answer["text"]
