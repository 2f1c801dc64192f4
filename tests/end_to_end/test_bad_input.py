"""What people and strangers send that nobody can use: a clear answer, nothing charged, nothing lost."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.end_to_end.crashes.killing import kill, restarted
from tests.end_to_end.people import WELCOME, Person, Sandbox, data_of
from tests.end_to_end.pictures import photograph
from tests.end_to_end.waiting import until
from tests.fixtures.product import Product

MEGABYTE = 1024 * 1024


async def nothing_happened(person: Person) -> None:
    """Make sure that nothing was ordered and nothing charged."""
    assert await person.jobs() == []
    assert await person.statement() == [WELCOME]


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_a_prompt_that_is_too_long_is_refused_with_the_limit(sandbox: Sandbox, language: str) -> None:
    person = await sandbox.somebody(language)
    await person.say("fox " * 1023 + "fox!")
    await person.says(*(("4,096", "4,000") if language == "en" else ("4\u00a0096", "4\u00a0000")))
    await nothing_happened(person)


async def test_a_prompt_of_nothing_visible_is_refused(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    for number, text in enumerate(("\u00a0", "\u2003\u2003", "\u3000")):
        await sandbox.push(message(person, 910_000_000 + person.id * 10 + number, {"text": text}))
        await person.says("There are no words here")
    await nothing_happened(person)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"sticker": {"file_id": "s", "file_unique_id": "s", "type": "regular", "width": 512, "height": 512,
                      "is_animated": False, "is_video": False}}, "Lovely sticker"),
        ({"voice": {"file_id": "v", "file_unique_id": "v", "duration": 3}}, "voice messages"),
        ({"audio": {"file_id": "a", "file_unique_id": "a", "duration": 3}}, "music"),
        ({"location": {"latitude": 1.5, "longitude": 2.5}}, "place"),
        ({"contact": {"phone_number": "1", "first_name": "C"}}, "contacts"),
        ({"dice": {"emoji": "🎲", "value": 3}}, "Luck"),
        ({"story": {"chat": {"id": 1, "type": "private"}, "id": 1}}, "this kind of message"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)  # fmt: skip
async def test_what_cannot_be_drawn_is_answered(sandbox: Sandbox, content: dict[str, Any], words: str) -> None:
    person = await sandbox.somebody()
    await sandbox.push(message(person, 920_000_000 + person.id, content))
    await person.says(words)
    await nothing_happened(person)


async def test_a_voice_message_is_answered(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.send("voice", b"OggS" + bytes(2000), name="voice.ogg")
    await person.says("voice messages")
    await nothing_happened(person)


async def test_a_file_of_25_megabytes_is_refused_before_it_is_fetched(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.send("document", photograph() + bytes(25 * MEGABYTE), caption="make it brighter")
    await person.says("over 20 MB")
    await nothing_happened(person)


async def test_a_photo_of_25_megabytes_is_refused_before_it_is_fetched(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    size = {"file_id": "huge", "file_unique_id": "huge", "width": 9000, "height": 9000, "file_size": 25 * MEGABYTE}
    await sandbox.push(message(person, 930_000_000 + person.id, {"photo": [size], "caption": "make it brighter"}))
    await person.says("over 20 MB")
    await nothing_happened(person)


@pytest.mark.parametrize("data", [b"%PDF-1.7 not a picture", b"", b"\xff\xd8\xff\xe0 broken", b"<svg/>" * 50])
async def test_a_file_that_is_no_picture_is_refused(sandbox: Sandbox, data: bytes) -> None:
    person = await sandbox.somebody()
    await person.send("document", data or b"\0", caption="make it brighter")
    await person.says("could not open this as a picture")
    await nothing_happened(person)


async def test_an_album_of_more_photos_than_the_model_takes_is_refused(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.send("photo", *(photograph(64, 64, seed=seed) for seed in range(8)), caption="combine")
    await person.says("You sent 8 photos", "6")
    await nothing_happened(person)


@pytest.mark.parametrize("command", ["/nonsense", "/start_again", "/", "/баланс", "/drop table"])
async def test_an_unknown_command_is_answered(sandbox: Sandbox, command: str) -> None:
    person = await sandbox.somebody()
    await person.say(command)
    await person.says("no such command")
    await nothing_happened(person)


FORGED = (
    "a", "a:", "a:0", "zzz", "x:' OR 1=1 --", "p:no-such-model", "o:nano-banana:99:99", "o:nano-banana:-1:-1",
    "o:nano-banana:x:y", "e:rm -rf", "l:xx", "f:" + "0" * 32, "d", "m:1:2:3", ":" * 60, "\u0000", "a:" + "é" * 20,
)  # fmt: skip


async def test_forged_buttons_are_all_answered_and_change_nothing(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    shown = await person.messages(after=0)
    for data in FORGED:
        assert await person.forge(shown[-1]["message_id"], data) is not None, data
    await nothing_happened(person)
    assert await crashes(sandbox, person) == []


async def test_nobody_can_press_the_buttons_of_somebody_elses_job(sandbox: Sandbox) -> None:
    owner, thief = await sandbox.somebody(), await sandbox.somebody()
    await owner.say("[slow 8] a private picture")
    stop = data_of(await owner.status_with_button(), "x")
    toasts = [await thief.forge(1, stop)]
    result = await owner.result()
    toasts += [await thief.forge(1, data_of(result, action)) for action in ("a", "c", "f")]
    assert all(toast is not None and "out of date" in toast["text"] for toast in toasts)
    await nothing_happened(thief)
    assert not any("photo" in one or "document" in one for one in await thief.messages(after=0))


@pytest.mark.parametrize("secret", [b"", b"wrong", "ünïcödé".encode(), b"\xff\xfe"])
async def test_an_update_without_the_right_secret_is_refused(sandbox: Sandbox, secret: bytes) -> None:
    person = await sandbox.somebody()
    answer = await sandbox.push(message(person, 940_000_000 + person.id, {"text": "a red fox"}), secret)
    assert answer.status_code == 403
    assert answer.json()["code"] == "wrong_secret"
    assert answer.headers["content-type"].startswith("application/problem+json")
    await nothing_happened(person)


async def test_an_update_without_any_secret_header_is_refused(product: Product, sandbox: Sandbox) -> None:
    answer = await sandbox.http.post(f"{product.web}/api/telegram/webhook", json={"update_id": 1})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"7", b"{}", b'{"update_id": "7"}', b'{"update_id": -1}', b'{"update_id": 1.5}',
     b'{"update_id": true}', b'{"update_id": 99999999999999999999}', b"\xff\xfe", b"[" * 100_000,
     b'{"update_id": NaN}'],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
async def test_a_malformed_update_is_a_typed_error(sandbox: Sandbox, body: bytes) -> None:
    answer = await sandbox.push(body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed_update"


async def test_an_update_of_unbelievable_size_is_refused(sandbox: Sandbox) -> None:
    async def attempt() -> httpx.Response | None:
        try:
            return await sandbox.push(b'{"update_id": 5, "message": "' + b"x" * MEGABYTE + b'"}')
        except httpx.TransportError:
            return None  # The line is closed after the refusal, sometimes before the sender has read it.

    assert (await until(attempt, "the refusal is read")).status_code == 413


@pytest.mark.parametrize(
    "content",
    [{}, {"message": 7}, {"message": {"chat": {"id": "x"}}}, {"business_message": {"text": "hi"}},
     {"message": {"message_id": 1, "date": 1, "chat": {"id": 5, "type": "channel"}, "text": "no sender"}}],
    ids=lambda content: json.dumps(content)[:30],
)  # fmt: skip
async def test_an_update_that_means_nothing_is_taken_and_forgotten(sandbox: Sandbox, content: dict[str, Any]) -> None:
    update_id = 950_000_000 + abs(hash(json.dumps(content))) % 1_000_000
    assert (await sandbox.push({"update_id": update_id, **content})).status_code == 200

    async def handled() -> bool:
        rows = await sandbox.records.fetch("SELECT handled_at FROM botapp_inbox WHERE event_id = $1", str(update_id))
        return rows[0]["handled_at"] is not None

    await until(handled, "the update is dealt with")


async def test_text_that_postgresql_cannot_keep_is_handled_all_the_same(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    update = message(person, 960_000_000 + person.id, {"text": "a red \u0000 fox \ud800 in the snow"})
    body = json.dumps(update).encode()
    assert (await sandbox.push(body)).status_code == 200
    await person.result()
    assert (await person.jobs())[0]["prompt"].startswith("a red ")


async def test_the_same_update_many_times_is_one_order(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    update = message(person, 970_000_000 + person.id, {"text": "a red fox"})
    answers = await asyncio.gather(*(sandbox.push(update) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    await person.result()
    assert (await sandbox.push(update)).status_code == 200
    await person.say("/balance")
    await person.says("49.20 ⚡")
    assert len(await person.jobs()) == 1


async def test_too_few_tokens_are_explained_and_nothing_is_taken(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    for _ in range(4):
        card = await person.choose_model("nano-banana-pro")
        await person.choose_option(card, "4K")
        await person.say("a cathedral in every detail")
        await person.result()
    left = await person.balance()
    assert left == WELCOME - 4 * Decimal("10.80")
    await person.choose_option(await person.choose_model("nano-banana-pro"), "4K")
    await person.say("one more cathedral")
    await person.says("4 ⚡ short", "It costs 10.80 ⚡, your balance is 6.80 ⚡", "Nano Banana: 8 pictures")
    assert len(await person.jobs()) == 4
    assert await person.balance() == left


async def test_the_fourth_job_at_once_has_to_wait(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    for number in range(4):
        await person.say(f"[slow 20] picture {number}")
    await person.says("You have 3 generations running")
    for job in await person.jobs():
        await person.job_in(lambda job: job["stage"] == "submitted", "with the provider")
        await person.forge(job["status_message_id"], f"x:{job['run_code']}")
    assert len(await person.settled()) == 3
    assert await person.balance() == WELCOME


async def test_a_group_is_told_where_the_bot_works(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    update = message(person, 980_000_000 + person.id, {"text": "a red fox"})
    update["message"]["chat"] = {"id": -100500, "type": "supergroup", "title": "Group"}
    assert (await sandbox.push(update)).status_code == 200
    await person.say("/balance")
    await person.answer()
    await nothing_happened(person)


async def test_without_redis_drafts_are_lost_but_pictures_are_made(product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    killed = kill(product, "redis")
    await person.say("a red fox while nobody remembers")
    await person.result(limit=60)
    assert await person.statement() == [WELCOME, -Decimal("0.80")]
    # Others share the product, and need what it remembers.
    await restarted(sandbox, "redis", killed)


async def crashes(sandbox: Sandbox, person: Person) -> list[str]:
    """Return apologies for something that broke, which nothing in this module may cause."""
    return [one["text"] for one in await person.messages(after=0) if "Something broke" in one.get("text", "")]


def message(person: Person, update_id: int, content: dict[str, Any]) -> dict[str, Any]:
    """Return an update with a message of the person."""
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id % 1_000_000,
            "date": 1_700_000_000,
            "chat": {"id": person.id, "type": "private", "first_name": "P"},
            "from": {"id": person.id, "is_bot": False, "first_name": "P", "language_code": person.language},
            **content,
        },
    }
