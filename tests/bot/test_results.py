"""Going on from a result, and the ways in which a job ends without one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core import storage
from core.generations import Status, execution
from core.generations.failures import BadResult
from providers.base import Failed, Finished, Media, Running, Submitted
from providers.errors import FAILURE_CLASSES, ContentBlocked, ProviderError
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.conftest import assert_books_agree, make_due
from tests.core.generations.scripted import ScriptedProvider, picture

pytestmark = pytest.mark.integration

VENDOR_TEXT = "HTTP 400 {'error': 'SAFETY: prompt_feedback.block_reason'}"


async def test_again_orders_the_same_once_more(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await mia.send(message=mia.photo(caption="make it winter"))
    await world.work()
    [status] = await mia.press("Again")
    assert "0.80 ⚡ charged" in status["text"] and "Starting once more" in mia.toasts
    await world.work()
    first, second = provider.jobs
    assert (first.prompt, first.params) == (second.prompt, second.params)
    assert [image.data for image in first.images] == [image.data for image in second.images] != []
    assert await mia.balance() == "48.40"


async def test_a_double_tap_is_one_order(mia: Person, world: World, telegram: FakeTelegram) -> None:
    await mia.send("a red fox")
    await world.work()
    result = telegram.last
    await mia.press("Again", result)
    posted = await mia.press("Again", result)
    assert posted == [] and mia.toasts[-1] == "Already started, one second"
    assert len(await mia.jobs()) == 2 and await mia.balance() == "48.40"


async def test_a_double_tap_on_a_ready_made_edit_is_one_order(mia: Person) -> None:
    [question] = await mia.send(message=mia.photo())
    await mia.press("Cartoon", question)
    await mia.press("Cartoon", question)
    assert len(await mia.jobs()) == 1


async def test_two_taps_on_buttons_of_different_results_are_two_orders(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    for prompt in ("a red fox", "a blue fox"):
        await mia.send(prompt)
        await world.work()
    older, newer = telegram.now_shown[-2:]
    await mia.press("Again", older)
    await mia.press("Again", newer)
    assert len(await mia.jobs()) == 4


async def test_a_tap_that_is_handled_again_after_a_crash_orders_nothing_new(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    await mia.send("a red fox")
    await world.work()
    data = next(data for text, data in buttons(telegram.last).items() if "Again" in text)
    event = await world.store({"update_id": 800_001, "callback_query": mia.query(data, telegram.last)}, mia.id)
    await world.runtime.handle(event)
    await world.handle(event)
    assert len(await mia.jobs()) == 2 and await mia.balance() == "48.40"


async def test_change_takes_the_result_as_its_input(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await mia.send("a red fox")
    await world.work()
    [first] = await mia.jobs()
    [question] = await mia.press("Change")
    assert "What shall I change?" in question["text"] and "0.80 ⚡" in question["text"]
    assert question["reply_to"] == first.result_message_ids[0]
    await mia.send("now in winter")
    await world.work()
    changed = provider.jobs[1]
    assert changed.prompt == "now in winter"
    assert [image.data for image in changed.images] == [await storage.storage().read(first.results[0].key)]
    await mia.send("something new")
    await world.work()
    assert provider.jobs[2].images == ()


async def test_change_of_a_video_asks_for_a_new_description(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(Finished((Media("video/mp4", data=b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"),)))
    await mia.send("🎬 Create video")
    await mia.send("a fox runs")
    await world.work()
    assert telegram.last["video"]
    [question] = await mia.press("Change")
    assert "Write a new description" in question["text"]
    [status] = await mia.send("a fox sleeps")
    assert "Demo Video" in status["text"]


async def test_original_sends_the_stored_file(mia: Person, world: World, telegram: FakeTelegram) -> None:
    await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    [document] = await mia.press("Original")
    assert document["document"]["file_name"] == f"nano-banana-{job.run_code[:8]}.png"
    assert telegram.uploads[document["message_id"]] == await storage.storage().read(job.results[0].key)


async def test_an_original_that_is_gone_is_told(mia: Person, world: World) -> None:
    await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    await storage.storage().delete(job.results[0].key)
    [answer] = await mia.press("Original")
    assert "no longer have that result" in answer["text"]


async def test_buttons_of_somebody_elses_result_do_nothing(
    mia: Person, masha: Person, world: World, telegram: FakeTelegram
) -> None:
    await mia.send("a red fox")
    await world.work()
    result = telegram.last
    for data in buttons(result).values():
        assert await masha.tap(data, result) == []
        assert "устарела" in masha.toasts[-1]
    [job] = await mia.jobs()
    await masha.tap(f"x:{job.run_code}")
    assert await masha.jobs() == [] and await masha.balance() == "50.00"


@pytest.mark.parametrize("failure", [*FAILURE_CLASSES, BadResult], ids=lambda failure: failure.code)
async def test_every_failure_is_explained_in_both_languages_and_gives_the_tokens_back(
    failure: type[ProviderError], mia: Person, masha: Person, world: World, provider: ScriptedProvider
) -> None:
    for person, words in ((mia, "are back, your balance is 50 ⚡"), (masha, "на балансе 50 ⚡")):
        provider.answers.append(Submitted(f"job of {person.id}"))
        provider.polls.append(Failed(failure(VENDOR_TEXT)))
        [status] = await person.send("something wild")
        await world.work()
        await _finish(person, world)
        shown = person.telegram.posted[status["message_id"]]
        assert words in shown["text"] and "0" in shown["text"] and VENDOR_TEXT not in shown["text"]
        assert any("Try again" in text or "Попробовать" in text for text in buttons(shown))
        assert await person.balance() == "50.00"
    await assert_books_agree()


async def test_a_failed_job_can_be_tried_again_with_one_press(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(ContentBlocked(VENDOR_TEXT))
    await mia.send("something wild")
    await world.work()
    await mia.press("Try again")
    await world.work()
    assert telegram.last["photo"] and await mia.balance() == "49.20"


async def test_a_failure_is_told_anew_when_its_status_message_was_deleted(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(ContentBlocked(VENDOR_TEXT))
    [status] = await mia.send("something wild")
    del telegram.posted[status["message_id"]]
    await world.work()
    assert "safety filter" in telegram.last["text"]


async def test_cancel_under_the_status_message_gives_the_tokens_back(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    [status] = await mia.send("a red fox")
    await mia.press("Cancel", status)
    assert "Cancelling" in mia.toasts[-1]
    await world.work()
    shown = telegram.posted[status["message_id"]]
    assert "✖️ Cancelled." in shown["text"] and "0.80 ⚡ are back, your balance is 50 ⚡" in shown["text"]
    [job] = await mia.jobs()
    assert job.status is Status.CANCELLED


async def test_cancel_stops_a_job_at_the_provider(mia: Person, world: World, provider: ScriptedProvider) -> None:
    provider.answers.append(Submitted("job-7"))
    await mia.send("a red fox")
    await world.work()
    [listed] = await mia.send("/cancel")
    assert "1 generation is running" in listed["text"]
    await mia.press("a red fox", listed)
    assert provider.cancelled == ["job-7"]
    assert mia.telegram.posted[listed["message_id"]]["text"] == "✖️ Cancelled."
    assert await mia.balance() == "50.00"


async def test_the_list_of_running_jobs_shrinks_with_each_cancel(mia: Person, telegram: FakeTelegram) -> None:
    for prompt in ("one", "two"):
        await mia.send(prompt)
    [listed] = await mia.send("/cancel")
    assert len(buttons(listed)) == 2
    await mia.press("one", listed)
    assert list(buttons(telegram.posted[listed["message_id"]])) == ["✖️ 🍌 Nano Banana · two"]


async def test_a_finished_job_cannot_be_cancelled(mia: Person, world: World) -> None:
    [status] = await mia.send("a red fox")
    cancel = buttons(status)["✖️ Cancel"]
    await world.work()
    await mia.tap(cancel, status)
    assert "Too late to cancel" in mia.toasts[-1]
    assert await mia.balance() == "49.20"


async def test_cancel_forgets_what_was_begun(mia: Person) -> None:
    await mia.send("🎬 Create video")
    [answer] = await mia.send("/cancel")
    assert "forgotten" in answer["text"]
    [status] = await mia.send("a red fox")
    assert "Nano Banana" in status["text"]


async def test_cancel_forgets_the_question_for_a_promo_code(mia: Person) -> None:
    await mia.send("/promo")
    [forgotten] = await mia.send("/cancel")
    assert "forgotten" in forgotten["text"]
    [nothing] = await mia.send("/cancel")
    assert "nothing to cancel" in nothing["text"]
    [status] = await mia.send("fox")
    assert "charged" in status["text"]


async def test_cancel_of_nothing_says_so(mia: Person) -> None:
    [answer] = await mia.send("/cancel")
    assert "nothing to cancel" in answer["text"]


async def test_more_jobs_than_allowed_are_refused(mia: Person) -> None:
    for prompt in ("one", "two", "three"):
        await mia.send(prompt)
    [answer] = await mia.send("four")
    assert "You have 3 generations running" in answer["text"] and "/cancel" in answer["text"]
    assert await mia.balance() == "47.60"


async def test_progress_is_shown_in_the_status_message(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(Submitted("job"))
    provider.polls.append(Running(progress=0.4))
    [status] = await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    await make_due(job)
    await execution.advance(job.run_code)
    await world.work()
    shown = telegram.posted[status["message_id"]]
    assert "▓▓▓▓░░░░░░ 40%" in shown["text"] and "✖️ Cancel" in buttons(shown)


async def test_a_partly_failed_order_says_what_was_returned(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await mia.send("/models")
    await mia.press("Nano Banana ·")
    await mia.press("2 · 1.60")
    await mia.send("two foxes")
    await world.work()
    assert "0.80 ⚡ charged (0.80 ⚡ returned: not everything worked out), 49.20 ⚡ left" in telegram.last["caption"]


async def _finish(person: Person, world: World) -> None:
    """Let the provider's answers come in until the newest job has ended."""
    for _ in range(4):
        job = (await person.jobs())[-1]
        if job.status.is_final:
            return
        await make_due(job)
        await execution.advance(job.run_code)
        await world.work()
    raise AssertionError("the job goes on")


async def test_a_language_is_chosen_and_kept(mia: Person, somebody: Callable[..., Person]) -> None:
    [question] = await mia.send("/language")
    assert list(buttons(question)) == ["🇷🇺 Русский", "🇬🇧 English"]
    [answer] = await mia.press("Русский")
    assert "говорим по-русски" in answer["text"]
    assert answer["menu"][0] == ["🖼 Создать картинку", "🎬 Создать видео"]
    [by_old_keyboard] = await mia.send("⚡ Balance")
    assert "На балансе 50 ⚡" in by_old_keyboard["text"]
    scoped = mia.telegram.named("setMyCommands")[-1]
    assert scoped.scope.chat_id == mia.id and scoped.commands[1].description == "Модели и цены"


async def test_words_in_answer_to_one_picture_of_an_album_change_that_one(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(Finished((picture("red"), picture("blue"))))
    await mia.send("/models")
    await mia.press("Nano Banana ·")
    await mia.press("2 · 1.60")
    await mia.send("two foxes")
    await world.work()
    [job] = await mia.jobs()
    second = telegram.posted[job.result_message_ids[1]]
    await mia.send("with a hat", reply_to_message=second)
    await world.work()
    changed = provider.jobs[1]
    assert [image.data for image in changed.images] == [await storage.storage().read(job.results[1].key)]
    assert changed.params["quantity"] == 1


async def test_words_in_answer_to_a_video_make_it_anew(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(Finished((Media("video/mp4", data=b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"),)))
    await mia.send("🎬 Create video")
    await mia.press("4 · 3.20")
    await mia.send(message=mia.photo(caption="it walks"))
    await world.work()
    await mia.send("it dances", reply_to_message=telegram.last)
    await world.work()
    first, second = provider.jobs
    assert second.kind == "video" and second.prompt == "it dances"
    assert second.images == first.images and second.params == first.params


async def test_words_in_answer_to_somebody_elses_video_are_a_plain_prompt(mia: Person) -> None:
    video = {"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "duration": 1}
    [status] = await mia.send("like this but with foxes", reply_to_message=mia.message(video=video))
    assert "Nano Banana" in status["text"]


async def test_words_in_answer_to_text_are_a_plain_prompt(mia: Person, telegram: FakeTelegram) -> None:
    [status] = await mia.send("a red fox", reply_to_message=telegram.last)
    assert "0.80 ⚡ charged" in status["text"]
