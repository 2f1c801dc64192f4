"""A provider that refuses, dawdles, loses answers or hands over garbage: plain words, and the tokens back once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import pytest
import pytest_asyncio

from tests.end_to_end.people import WELCOME, Person, Sandbox, text_of
from tests.end_to_end.records import submissions
from tests.fixtures.product import Product

# What fails slowly is ordered before the first test and looked at by the last ones.
pytestmark = pytest.mark.usefixtures("ordered")

PRICE = Decimal("0.80")
LIMIT = 60.0
"""Seconds for the most patient retries: six times the three seconds that the provider asks for."""


@dataclass(frozen=True)
class Case:
    """An order that fails, and what the person is told in English and in Russian."""

    orders: str
    code: str
    english: str
    russian: str


CASES = (
    Case("[fail content_blocked]", "content_blocked", "safety filter", "Фильтр безопасности"),
    Case("[fail invalid_request]", "invalid_request", "could not make sense", "не смогла понять"),
    Case("[fail quota_exhausted]", "quota_exhausted", "takes no orders", "не принимает заказы"),
    Case("[fail auth_failed]", "auth_failed", "unavailable for the moment", "временно недоступна"),
    Case("[fail model_retired]", "model_retired", "no longer served", "больше не работает"),
    Case("[fail provider_unavailable]", "provider_unavailable", "does not answer", "не отвечает"),
    Case("[fail timed_out]", "timed_out", "took too long", "слишком долго"),
    Case("[fail later content_blocked]", "content_blocked", "safety filter", "Фильтр безопасности"),
    Case("[fail later provider_unavailable]", "provider_unavailable", "does not answer", "не отвечает"),
    Case("[fail later timed_out]", "timed_out", "took too long", "слишком долго"),
    Case("[fail nonsense]", "invalid_request", "could not make sense", "не смогла понять"),
    Case("[garbage]", "bad_result", "damaged file", "испорченный файл"),
    Case("[none]", "bad_result", "damaged file", "испорченный файл"),
    Case("[fail rate_limited]", "rate_limited", "swamped with requests", "перегружена запросами"),
)


@dataclass(frozen=True)
class Ordered:
    """Somebody whose order is going to fail."""

    person: Person
    case: Case


@pytest_asyncio.fixture(scope="module")
async def ordered(sandbox: Sandbox) -> AsyncIterator[Mapping[tuple[str, str], Ordered]]:
    """Every case in both languages, ordered at the same moment, so that their pauses pass side by side."""

    async def place(case: Case, language: str) -> tuple[tuple[str, str], Ordered]:
        person = await sandbox.somebody(language)
        await person.say(f"{case.orders} a red fox")
        return (case.orders, language), Ordered(person, case)

    yield dict(await asyncio.gather(*(place(case, language) for case in CASES for language in ("en", "ru"))))


async def test_an_answer_that_was_lost_is_found_again_and_submitted_once(product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("[lose] a red fox")
    await person.result()
    job = (await person.jobs())[0]
    assert len(submissions(product, job)) == 1
    assert job["provider_job_id"] == submissions(product, job)[0]["external_id"]
    assert await person.statement() == [WELCOME, -PRICE]


async def test_a_submission_that_never_arrived_is_made_again(product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("[lose early 1] a red fox")
    await person.result()
    assert len(submissions(product, (await person.jobs())[0])) == 1
    assert await person.statement() == [WELCOME, -PRICE]


@pytest.mark.parametrize("orders", ["[flaky 2]", "[limit 2]", "[slow 3]", "[poll flaky 1]", "[flaky 1] [slow 1]"])
async def test_trouble_that_passes_is_not_the_persons_trouble(product: Product, sandbox: Sandbox, orders: str) -> None:
    person = await sandbox.somebody()
    await person.say(f"{orders} a red fox")
    await person.result()
    assert len(submissions(product, (await person.jobs())[0])) == 1
    assert await person.statement() == [WELCOME, -PRICE]


async def test_a_provider_that_never_answers_is_given_up_at_the_deadline(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("[never] a red fox")
    job = await person.job_in(lambda job: job["stage"] == "submitted", "with the provider")
    await sandbox.records.fetch("UPDATE botapp_genrequest SET deadline_at = now() WHERE id = $1", job["id"])
    await person.settled()
    await person.told("took too long")
    assert (await person.jobs())[0]["error_code"] == "timed_out"
    assert await person.statement() == [WELCOME, -PRICE, PRICE]


async def test_pictures_that_were_not_made_are_given_back(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.choose_option(await person.choose_model("nano-banana"), "4 ")
    await person.say("[partial] four owls")
    album = await person.answer(lambda one: "photo" in one and "returned" in text_of(one))
    await person.settled()
    assert "2.40 ⚡ charged (0.80 ⚡ returned" in text_of(album)
    assert await person.statement() == [WELCOME, -4 * PRICE, PRICE]
    assert sum("photo" in one for one in await person.messages(after=0)) == 3


async def test_a_failed_order_can_be_tried_again_with_one_press(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("[fail content_blocked] a red fox")
    await person.settled()
    told = await person.told("safety filter")
    await person.press(told, "a")
    await person.job_in(lambda job: len(job) > 0 and job["parent_request_id"] is not None, "the second one")
    await person.settled()
    assert await person.statement() == [WELCOME, -PRICE, PRICE, -PRICE, PRICE]


async def test_telegram_refusing_the_picture_as_a_photo_takes_it_as_a_file(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await sandbox.fail("sendPhoto", 400, description="Bad Request: PHOTO_INVALID_DIMENSIONS")
    await person.say("a very long banner")
    await person.result("document")
    assert await person.statement() == [WELCOME, -PRICE]


@pytest.mark.parametrize("error_code", [429, 500, 502])
async def test_a_delivery_that_fails_is_tried_again_and_nothing_is_made_again(
    product: Product, sandbox: Sandbox, error_code: int
) -> None:
    person = await sandbox.somebody()
    await sandbox.fail("sendPhoto", error_code, times=1)
    await person.say("a red fox")
    await person.answer(lambda one: "photo" in one, limit=40)
    await person.settled()
    job = (await person.jobs())[0]
    assert job["status"] == "done"
    assert len(submissions(product, job)) == 1
    assert sum("photo" in one for one in await person.messages(after=0)) == 1
    assert await person.statement() == [WELCOME, -PRICE]


async def test_a_picture_whose_arrival_nobody_confirmed_is_not_posted_again(product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await sandbox.fail("sendPhoto", 502, times=1, takes_effect=True)
    await person.say("a red fox")
    await person.answer(lambda one: "photo" in one)
    jobs = await person.settled(limit=40)
    assert [job["status"] for job in jobs] == ["done"]
    # All that can be done is to put the result into the place of the status message, which repeats nothing.
    posted = [one["message_id"] for one in await person.messages(after=0) if "photo" in one]
    assert len(posted) == 2
    assert jobs[0]["status_message_id"] in posted
    assert await sandbox.calls("sendPhoto", person.id) == []
    assert len(submissions(product, jobs[0])) == 1
    assert await person.statement() == [WELCOME, -PRICE]


async def test_somebody_who_blocks_the_bot_meanwhile_loses_no_result(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("[slow 6] a red fox")
    await person.job_in(lambda job: job["stage"] == "submitted", "with the provider")
    await sandbox.post(f"users/{person.id}/block")
    jobs = await person.settled()
    assert [job["status"] for job in jobs] == ["done"]
    assert jobs[0]["results"].count('"key"') == 1
    await sandbox.post(f"users/{person.id}/unblock")
    await person.say("/balance")
    await person.says("49.20 ⚡")


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("orders", [case.orders for case in CASES])
async def test_a_failure_is_told_in_plain_words_and_gives_every_token_back_once(
    ordered: Mapping[tuple[str, str], Ordered], orders: str, language: str
) -> None:
    person, case = ordered[orders, language].person, ordered[orders, language].case
    jobs = await person.settled(limit=LIMIT)
    told = await person.told(case.english if language == "en" else case.russian)

    assert [(job["status"], job["error_code"]) for job in jobs] == [("error", case.code)]
    assert await person.statement() == [WELCOME, -PRICE, PRICE]
    assert await person.balance() == WELCOME
    assert ("0.80 ⚡ are back" if language == "en" else "Вернул 0,80 ⚡") in text_of(told)
    # What the vendor said is for the log.
    assert "demonstration" not in text_of(told)
