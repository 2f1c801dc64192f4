"""Everything that is no prompt: each kind gets a short answer, nothing is charged, nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramServerError,
)

from bot.webhook import parse_update
from core import db, generations
from core.logs import new_trace
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration

FILE = {"file_id": "f", "file_unique_id": "u"}
VIDEO = {**FILE, "width": 1, "height": 1, "duration": 1}
USELESS: dict[str, tuple[dict[str, Any], str, str]] = {
    "sticker": (
        {"sticker": {**FILE, "type": "regular", "width": 1, "height": 1, "is_animated": False, "is_video": False}},
        "Lovely sticker",
        "стикер",
    ),
    "voice": ({"voice": {**FILE, "duration": 3}}, "voice messages", "Голосовые"),
    "animation": ({"animation": VIDEO, "document": FILE}, "GIFs", "гифками"),
    "audio": ({"audio": {**FILE, "duration": 1}}, "music", "музыкой"),
    "location": ({"location": {"latitude": 1.0, "longitude": 2.0}}, "cannot draw from a map", "по карте"),
    "contact": ({"contact": {"phone_number": "1", "first_name": "A"}}, "contacts", "Контакты"),
    "dice": ({"dice": {"emoji": "🎲", "value": 6}}, "Luck", "Удача"),
    "poll": (
        {
            "poll": {
                "id": "1", "question": "?", "options": [], "total_voter_count": 0, "is_closed": False,
                "is_anonymous": True, "type": "regular", "allows_multiple_answers": False,
                "allows_revoting": False, "members_only": False,
            }
        },
        "polls",
        "опросах",
    ),
    "game": ({"game": {"title": "g", "description": "d", "photo": []}}, "this kind of message", "таким сообщением"),
    "unknown command": ({"text": "/imagine a fox"}, "no such command", "Такой команды"),
    "new thing of Telegram": ({"hologram": {}}, "this kind of message", "таким сообщением"),
}  # fmt: skip


@pytest.mark.parametrize("kind", USELESS)
async def test_useless_messages_get_a_short_answer_in_both_languages(kind: str, mia: Person, masha: Person) -> None:
    content, english, russian = USELESS[kind]
    for person, expected in ((mia, english), (masha, russian)):
        [answer] = await person.send(**content)
        assert expected in answer["text"]
        assert len(answer["text"]) < 200
        assert await person.jobs() == [] and await person.balance() == "50.00"


async def test_a_prompt_of_spaces_is_asked_for_words(mia: Person) -> None:
    [answer] = await mia.send(" \n\t ")
    assert "no words here" in answer["text"]


async def test_a_prompt_that_is_too_long_names_the_limit_and_its_length(mia: Person, masha: Person) -> None:
    [english] = await mia.send("x" * 4096)
    [russian] = await masha.send("ы" * 4021)
    assert "4,096 characters, and 4,000 is the limit" in english["text"]
    assert "4 021 знак, а можно до 4 000" in russian["text"].replace("\u00a0", " ")
    assert await mia.balance() == "50.00"


async def test_markup_in_a_prompt_is_shown_as_it_was_written(mia: Person, world: World, telegram: FakeTelegram) -> None:
    prompt = "<b>bold</b> & <script> </blockquote> &amp; ::"
    await mia.send(prompt)
    await world.work()
    assert prompt in telegram.last["caption"]


async def test_a_long_prompt_full_of_emoji_fits_the_caption(mia: Person, world: World, telegram: FakeTelegram) -> None:
    await mia.send("👨‍👩‍👧‍👦🦊" * 190)
    await world.work()
    caption = telegram.last["caption"]
    assert caption.endswith("…") and len(caption.encode("utf-16-le")) // 2 <= 1024


async def test_a_forwarded_prompt_is_asked_about_before_it_costs(mia: Person, world: World) -> None:
    origin = {"type": "hidden_user", "date": 1, "sender_user_name": "Somebody"}
    message = mia.message(text="a blue fox", forward_origin=origin)
    [question] = await mia.send(message=message)
    assert "forwarded message" in question["text"] and list(buttons(question)) == ["🖼 Draw it · 0.80 ⚡"]
    assert await mia.balance() == "50.00"
    await mia.press("Draw it", {**question, "reply_to_message": message})
    [job] = await mia.jobs()
    assert job.prompt == "a blue fox"


async def test_an_edited_prompt_starts_nothing_by_itself(mia: Person, world: World) -> None:
    message = mia.message(text="a red fox")
    await mia.send(message=message)
    [offer] = await mia.edit(message, text="a blue fox")
    assert "You edited the message" in offer["text"]
    assert len(await mia.jobs()) == 1
    await mia.press("Draw it", {**offer, "reply_to_message": {**message, "text": "a blue fox"}})
    assert [job.prompt for job in await mia.jobs()] == ["a red fox", "a blue fox"]


async def test_an_edited_caption_offers_to_edit_the_photo_anew(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    message = mia.photo(caption="a hat")
    await mia.send(message=message)
    [offer] = await mia.edit(message, caption="a scarf")
    await mia.press("Draw it", {**offer, "reply_to_message": {**message, "caption": "a scarf"}})
    await world.work()
    assert provider.jobs[1].prompt == "a scarf" and len(provider.jobs[1].images) == 1


async def test_an_offer_whose_message_is_gone_says_so(mia: Person) -> None:
    message = mia.message(text="a red fox")
    await mia.send(message=message)
    [offer] = await mia.edit(message, text="a blue fox")
    await mia.press("Draw it", offer)
    assert "cannot find that text" in mia.toasts[-1]


async def test_a_live_location_that_moves_is_left_alone(mia: Person) -> None:
    message = mia.message(location={"latitude": 1.0, "longitude": 2.0})
    await mia.send(message=message)
    assert await mia.edit(message, location={"latitude": 1.1, "longitude": 2.0}) == []


async def test_a_redelivered_update_is_handled_once(mia: Person, world: World) -> None:
    update = {"update_id": 700_001, "message": mia.message(text="a red fox")}
    await world.handle(await world.store(update, mia.id))
    before = len(mia.telegram.calls)
    event_id, subject, payload = parse_update(json.dumps(update).encode())
    assert await world.inbox.store(event_id, subject, payload, new_trace()) is False
    assert len(await mia.jobs()) == 1 and len(mia.telegram.calls) == before


async def test_an_update_handled_again_after_a_crash_charges_once_and_keeps_its_status_message(
    mia: Person, world: World
) -> None:
    event = await world.store({"update_id": 700_002, "message": mia.message(text="a red fox")}, mia.id)
    await world.runtime.handle(event)
    shown = len(mia.telegram.now_shown)
    await world.handle(event)
    assert len(await mia.jobs()) == 1 and await mia.balance() == "49.20"
    assert len(mia.telegram.now_shown) == shown


async def test_a_status_message_that_could_not_be_sent_is_sent_by_the_repetition(mia: Person, world: World) -> None:
    event = await world.store({"update_id": 700_003, "message": mia.message(text="a red fox")}, mia.id)
    mia.telegram.fail("sendMessage", lambda method: TelegramNetworkError(method, "lost"))
    with pytest.raises(TelegramNetworkError):
        await world.runtime.handle(event)
    await world.handle(event)
    assert "0.80 ⚡ charged" in mia.telegram.last["text"] and await mia.balance() == "49.20"


async def test_an_unexpected_error_is_apologised_for_with_a_code(
    mia: Person, masha: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(order: Any) -> None:
        raise ZeroDivisionError("a defect of ours")

    monkeypatch.setattr(generations, "submit", broken)
    for person, words in ((mia, "Something broke on our side"), (masha, "Что-то сломалось")):
        event = await person.world.store({"update_id": 710_000 + person.id, "message": person.message(text="x")}, 0)
        await person.world.handle(event)
        answer = person.telegram.last["text"]
        assert words in answer and event.trace_id[:8] in answer and "defect" not in answer


async def test_a_database_that_is_away_leaves_the_update_to_a_repetition(
    mia: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = generations.submit

    async def away(order: Any) -> None:
        raise asyncpg.PostgresConnectionError("gone")

    event = await world.store({"update_id": 700_004, "message": mia.message(text="a red fox")}, mia.id)
    shown = len(mia.telegram.now_shown)
    monkeypatch.setattr(generations, "submit", away)
    with pytest.raises(db.UNAVAILABLE):
        await world.runtime.handle(event)
    assert len(mia.telegram.now_shown) == shown
    monkeypatch.setattr(generations, "submit", real)
    await world.handle(event)
    assert len(await mia.jobs()) == 1


async def test_the_last_repetition_apologises(mia: Person, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(order: Any) -> None:
        raise asyncpg.PostgresConnectionError("gone")

    monkeypatch.setattr(generations, "submit", away)
    event = await world.store({"update_id": 700_005, "message": mia.message(text="a red fox")}, mia.id)
    with pytest.raises(db.UNAVAILABLE):
        await world.runtime.handle(replace(event, attempts=5))
    assert "Something broke on our side" in mia.telegram.last["text"]


async def test_an_answer_to_somebody_who_blocked_the_bot_is_no_error(mia: Person) -> None:
    mia.telegram.fail("sendMessage", lambda method: TelegramForbiddenError(method, "Forbidden: bot was blocked"))
    assert await mia.send("/balance") == []
    since = await db.fetch_value("SELECT unreachable_since FROM botapp_tguser WHERE chat_id = $1", mia.id)
    assert since is not None
    await mia.send("/balance")
    since = await db.fetch_value("SELECT unreachable_since FROM botapp_tguser WHERE chat_id = $1", mia.id)
    assert since is None


async def test_blocking_the_bot_is_noted(mia: Person) -> None:
    member = {"user": {"id": 4242, "is_bot": True, "first_name": "Bot"}}
    change = {
        "chat": {"id": mia.id, "type": "private"},
        "from": mia.profile,
        "date": 1,
        "old_chat_member": {**member, "status": "member"},
        "new_chat_member": {**member, "status": "kicked", "until_date": 0},
    }
    assert await mia.update(my_chat_member=change) == []
    since = await db.fetch_value("SELECT unreachable_since FROM botapp_tguser WHERE chat_id = $1", mia.id)
    assert since is not None


async def test_somebody_whom_an_operator_blocked_is_told_and_can_do_nothing(mia: Person) -> None:
    await db.execute("UPDATE botapp_tguser SET is_blocked = true WHERE chat_id = $1", mia.id)
    for text in ("a red fox", "/start", "/balance"):
        [answer] = await mia.send(text)
        assert "Access to this bot is closed" in answer["text"]
    await mia.tap("p:nano-banana")
    assert "closed" in mia.toasts[-1] and await mia.jobs() == []


async def test_where_people_are_told_to_write_to_there_is_somebody(mia: Person, world: World) -> None:
    world.runtime._dispatcher["support_contact"] = "@help_<us>"
    await db.execute("UPDATE botapp_tguser SET is_blocked = true WHERE chat_id = $1", mia.id)
    [answer] = await mia.send("/start")
    assert "write to us, @help_<us>, and name the code" in answer["text"]
    world.runtime._dispatcher["support_contact"] = ""
    [answer] = await mia.send("/start")
    assert "tell us the code" in answer["text"] and "nobody" not in answer["text"]


@pytest.mark.parametrize("failure", [TelegramNetworkError, TelegramServerError])
async def test_a_press_whose_spinner_cannot_be_ended_is_handled_once(
    failure: type[TelegramNetworkError], mia: Person, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.client.ATTEMPTS", 1)
    [asked] = await mia.send("/language")
    telegram.fail("answerCallbackQuery", *[lambda method: failure(method, "away")] * 3)
    telegram.fail("setMyCommands", lambda method: failure(method, "away"))
    [chosen] = await mia.press("Русский", asked)
    assert "говорим по-русски" in chosen["text"]


async def test_an_edited_command_is_asked_for_anew_and_never_drawn(mia: Person) -> None:
    [answer] = await mia.edit(mia.message(text="/balnce"), text="/balance")
    assert "Send it as a new message" in answer["text"] and buttons(answer) == {}


async def test_an_edited_link_is_offered_to_be_described(mia: Person) -> None:
    [answer] = await mia.edit(mia.message(text="x"), text="https://www.youtube.com/watch?v=dQw4w9WgXcQ")
    assert list(buttons(answer)) == ["📲 Write a prompt · 0.40 ⚡"]


async def test_a_file_that_telegram_does_not_hand_over_is_asked_for_again(mia: Person, masha: Person) -> None:
    photo: dict[str, Any] = {"photo": [{**FILE, "width": 1, "height": 1}], "caption": "шляпа"}
    [english] = await mia.send(**photo)
    [russian] = await masha.send(**photo)
    assert "cannot find that photo" in english["text"] and "Не могу найти это фото" in russian["text"]
    [video] = await mia.send(video_note={**FILE, "length": 1, "duration": 1})
    assert "cannot find this video" in video["text"] and await mia.jobs() == []


async def test_a_toast_for_a_query_that_telegram_forgot_is_no_error(mia: Person, telegram: FakeTelegram) -> None:
    await mia.send("/models")
    telegram.fail("answerCallbackQuery", lambda method: TelegramBadRequest(method, "query is too old"))
    await mia.press("Demo Video")
    assert "Describe what should happen" in telegram.last["text"]


async def test_a_list_that_cannot_be_edited_any_more_is_sent_anew(mia: Person, telegram: FakeTelegram) -> None:
    await mia.send("/models")
    telegram.fail("editMessageText", lambda method: TelegramBadRequest(method, "message can't be edited"))
    [card] = await mia.press("Demo Video")
    assert "Describe what should happen" in card["text"]


async def test_nonsense_that_came_with_the_right_secret_is_let_go(mia: Person, world: World) -> None:
    nonsense: list[dict[str, Any]] = [{"message": "text"}, {"message": {"message_id": "x"}}, {"strange": {}}, {}]
    for content in nonsense:
        await mia.update(**content)
    assert await mia.balance() == "50.00"


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
async def test_a_group_hears_one_line_and_is_left(kind: str, mia: Person, telegram: FakeTelegram) -> None:
    chat = {"id": -100500, "type": kind, "title": "Friends"}
    posted = await mia.update(message={**mia.message(text="/start@nanobanana_bot"), "chat": chat})
    assert len(posted) == (0 if kind == "channel" else 1)
    for message in posted:
        assert "I only work in private chats" in message["text"] and "@nanobanana_bot" in message["text"]
    assert [call.chat_id for call in telegram.named("leaveChat")] == [-100500]


async def test_being_removed_from_a_group_is_let_be(mia: Person, telegram: FakeTelegram) -> None:
    member = {"user": {"id": 4242, "is_bot": True, "first_name": "Bot"}}
    change = {
        "chat": {"id": -7, "type": "group", "title": "Friends"},
        "from": mia.profile,
        "date": 1,
        "old_chat_member": {**member, "status": "member"},
        "new_chat_member": {**member, "status": "left"},
    }
    assert await mia.update(my_chat_member=change) == [] and telegram.named("leaveChat") == []


async def test_other_bots_are_not_answered(somebody: Callable[..., Person]) -> None:
    robot = somebody()
    assert await robot.update(message={**robot.message(text="hello"), "from": {**robot.profile, "is_bot": True}}) == []


async def test_the_rest_of_a_text_that_was_too_long_is_not_drawn(mia: Person) -> None:
    [refused] = await mia.send("word " * 815 + "end")
    [told] = await mia.send("and the rest of it")
    assert "4,000 is the limit" in refused["text"] and "rest of a description that was too long" in told["text"]
    assert await mia.jobs() == [] and await mia.balance() == "50.00"


async def test_a_prompt_some_time_after_one_that_was_too_long_is_drawn(mia: Person) -> None:
    await mia.send("word " * 815)
    await db.execute("UPDATE botapp_inbox SET received_at = received_at - interval '3 seconds'")
    [status] = await mia.send("a red fox")
    assert "0.80 ⚡ charged" in status["text"]
