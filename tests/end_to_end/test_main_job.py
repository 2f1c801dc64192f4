"""A person gets a picture for their tokens; an operator sees it."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from tests.end_to_end.people import WELCOME, Sandbox, buttons_of, largest, text_of
from tests.end_to_end.pictures import size_of
from tests.end_to_end.waiting import until
from tests.fixtures.product import Product

PROMPTS = {"en": "a red fox in the snow", "ru": "рыжая лиса на снегу"}
CHARGED = {"en": "0.80 ⚡ charged, 49.20 ⚡ left", "ru": "Списано 0,80 ⚡, осталось 49,20 ⚡"}


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_words_become_a_picture_for_exactly_the_quoted_price(
    product: Product, sandbox: Sandbox, language: str
) -> None:
    quoted = Decimal(product.nb("pricing", "quote", "nano-banana")["data"]["tokens"])
    person = await sandbox.somebody(language)
    assert await person.balance() == WELCOME

    await person.say(PROMPTS[language])
    result = await person.result()

    assert await person.balance() == WELCOME - quoted
    assert await person.statement() == [WELCOME, -quoted]
    caption = text_of(result)
    assert "Nano Banana" in caption
    assert CHARGED[language] in caption
    assert PROMPTS[language] in caption
    assert min(size_of(await sandbox.download(largest(result)))) >= 512
    assert len(buttons_of(result)) == 4


async def test_the_operator_sees_the_job_its_price_and_its_story(product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say(PROMPTS["en"])
    await person.result()

    listed = product.nb("gen", "list", "--user", str(person.id))["data"]["items"]
    assert [(item["status"], item["model"], item["tokens"]) for item in listed] == [("done", "nano-banana", "0.80")]
    shown = product.nb("gen", "show", listed[0]["id"])["data"]
    assert shown["prompt"] == PROMPTS["en"]
    assert shown["charge"]["state"] == "settled"
    assert shown["quote"]["tokens"] == "0.80"
    assert [event["event"] for event in shown["events"]] == ["ordered", "submitting", "made", "stored", "delivered"]
    assert shown["results"][0]["mime"].startswith("image/")


async def test_one_trace_leads_from_the_update_to_the_delivery(product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say(PROMPTS["en"])
    await person.result()

    job = (await person.jobs())[0]
    wanted = {"inbox.handled", *(f"generation.{step}" for step in ("ordered", "submitting", "stored", "delivered"))}

    async def is_told() -> bool:
        # A step is logged when it has been written down, which is when others may go on already.
        return wanted <= {line["event"] for line in traced(product, "worker", job["trace_id"])}

    await until(is_told, f"the worker has logged {', '.join(sorted(wanted))}")
    assert [line["event"] for line in traced(product, "web", job["trace_id"])] == ["inbox.stored"]
    assert traced(product, "beat", job["trace_id"]) == []


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_the_welcome_bonus_is_given_once_however_often_start_is_pressed(sandbox: Sandbox, language: str) -> None:
    person = await sandbox.somebody(language, has_started=False)
    await person.say_at_once("/start", 4)
    greetings = {"en": "Here are 50 ⚡", "ru": "50 ⚡"}
    await person.says(greetings[language])
    await person.says({"en": "Your balance is 50 ⚡", "ru": "50 ⚡"}[language])

    await person.say("/balance")
    await person.answer()
    assert await person.statement() == [WELCOME]


async def test_start_pressed_twice_at_once_by_a_stranger_makes_one_account(sandbox: Sandbox) -> None:
    person = await sandbox.somebody(has_started=False)
    start = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": person.id, "type": "private", "first_name": "Twice"},
        "from": {"id": person.id, "is_bot": False, "first_name": "Twice", "language_code": "en"},
        "text": "/start",
        "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
    }
    updates = [{"update_id": 900_000_000 + person.id * 10 + n, "message": start} for n in range(2)]
    answers = await asyncio.gather(*(sandbox.push(update) for update in updates))
    assert [answer.status_code for answer in answers] == [200, 200]

    await person.says("Here are 50 ⚡")
    await person.says("Your balance is 50 ⚡")
    assert await person.statement() == [WELCOME]


async def test_the_status_message_is_edited_in_place_and_gone_with_the_result(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("[slow 8] a lighthouse at dawn")
    status = await person.says("0.80 ⚡ charged")
    job = await person.job_in(lambda job: job["progress"] is not None, "in progress")
    assert job["status_message_id"] == status["message_id"]

    await person.result()

    edits = await sandbox.calls("editMessageText", person.id)
    assert {int(call["params"]["message_id"]) for call in edits} == {status["message_id"]}
    # It goes once the result is there, in a step of its own.
    await person.loses(status)


async def test_help_balance_and_models_answer_in_the_persons_language(sandbox: Sandbox) -> None:
    answers = {"en": ("To get a picture", "50 ⚡", "Models"), "ru": ("картинку", "50 ⚡", "Модели")}
    for language, expected in answers.items():
        person = await sandbox.somebody(language)
        for command, words in zip(("/help", "/balance", "/models"), expected, strict=True):
            await person.say(command)
            await person.says(words)


def traced(product: Product, service: str, trace_id: str) -> list[dict[str, Any]]:
    """Return the log lines of a service that belong to a trace."""
    written = (product.home / "logs" / f"{service}.log").read_text()
    # The last line may still be on its way.
    whole = written[: written.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines() if trace_id in line]
