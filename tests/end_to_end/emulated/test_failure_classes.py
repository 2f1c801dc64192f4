"""Every way in which a vendor can fail: what the person reads, what comes back, and what the operators hear of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from core.provider_health import FRESH_SECONDS
from tests.end_to_end.people import WELCOME, Person, Sandbox, text_of
from tests.end_to_end.waiting import until

GIVEN = 100
MODEL = "gpt-image-1"
"""A model that one vendor alone serves, so that no other takes over."""

FILM = "kling-v2-6"


@dataclass(frozen=True)
class Failure:
    """A class of failure: what brings it about, what is said of it, and whether operators are told."""

    code: str
    order: Callable[[Person], Awaitable[None]]
    words: tuple[str, str]
    alerts: bool = True

    def __str__(self) -> str:
        return self.code


def picture(markers: str) -> Callable[[Person], Awaitable[None]]:
    """Order a picture with which the vendor does what the markers say."""

    async def order(person: Person) -> None:
        await person.choose_model(MODEL)
        await person.say(f"a red fox {markers}")

    return order


async def rubbish(person: Person) -> None:
    """Order a film of which the vendor says that it is there, and hands something else over."""
    await person.choose_model(FILM)
    await person.say("a red fox #rubbish")


async def endless(person: Person) -> None:
    """Order a film that is never finished, and let its deadline come."""
    await person.choose_model(FILM)
    await person.say("a red fox #never")
    job = await person.job_in(lambda job: job["stage"] == "submitted", "with the vendor")
    late = "UPDATE botapp_genrequest SET deadline_at = now(), next_action_at = now() WHERE id = $1"
    await person.sandbox.records.fetch(late, job["id"])


async def unwanted(person: Person) -> None:
    """Order a picture that Telegram takes neither as a photo nor as a file."""
    for method in ("sendPhoto", "sendDocument"):
        await person.sandbox.fail(method, 400, description="Bad Request: PHOTO_INVALID_DIMENSIONS")
    await picture("")(person)


def behind(link: str) -> Callable[[Person], Awaitable[None]]:
    """Have described what is behind a link."""

    async def order(person: Person) -> None:
        await person.say("/reference")
        await person.answer()
        await person.say(link)

    return order


FAILURES = (
    Failure("content_blocked", picture("#block"), ("safety filter", "Фильтр безопасности"), alerts=False),
    Failure("invalid_request", picture("#status=400"), ("could not make sense", "не смогла понять")),
    Failure("rate_limited", picture("#retry=1"), ("swamped with requests", "перегружена запросами"), alerts=False),
    Failure("quota_exhausted", picture("#quota"), ("takes no orders", "не принимает заказы")),
    Failure("auth_failed", picture("#nokey"), ("unavailable for the moment", "временно недоступна")),
    Failure("model_retired", picture("#retired"), ("no longer served", "больше не работает")),
    Failure("provider_unavailable", picture("#status=503"), ("does not answer", "не отвечает"), alerts=False),
    Failure("ambiguous", picture("#close"), ("connection to the model broke", "Связь с моделью оборвалась")),
    Failure("bad_result", rubbish, ("damaged file", "испорченный файл")),
    Failure("timed_out", endless, ("took too long", "слишком долго")),
    Failure("undeliverable", unwanted, ("Telegram would not take", "Telegram не принял"), alerts=False),
    Failure(
        "link_unavailable",
        behind("https://video.invalid/clip.mp4"),
        ("does not hand this video over", "не отдаёт"),
        alerts=False,
    ),
    # Somebody who wants to look into our network through us.
    Failure(
        "link_not_supported",
        behind("http://127.0.0.1:8401/emulator/calls"),
        ("no photo or video behind this link", "нет фото или видео"),
        alerts=False,
    ),
)


@pytest.fixture
async def healthy(sandbox: Sandbox) -> None:
    """Every vendor as if nothing had happened; processes know it when what they read last is no longer fresh."""
    if await sandbox.records.fetch("DELETE FROM botapp_provider RETURNING name"):
        await asyncio.sleep(FRESH_SECONDS + 0.1)


# The failures change faster than the languages: an alert is not repeated within its cooldown.
@pytest.mark.parametrize("failure", FAILURES, ids=str)
@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.usefixtures("healthy")
async def test_a_failure_is_told_plainly_refunded_once_and_reported(
    sandbox: Sandbox, operator: Person, failure: Failure, language: str
) -> None:
    person = await sandbox.somebody(language)
    await person.is_given(GIVEN)

    await failure.order(person)
    [job] = await person.settled(limit=60)

    assert (job["status"], job["error_code"]) == ("error", failure.code), job["error_message"]
    words = failure.words[language == "ru"]
    told = await person.told(words)
    for secret in ("emulat", "openai", "vertex", "HTTP", "{"):
        assert secret not in text_of(told)
    assert await person.statement() == [WELCOME, Decimal(GIVEN), -job["cost"], job["cost"]]
    charges = "SELECT state, amount, refunded FROM botapp_charge WHERE transaction_id = $1"
    [charge] = await sandbox.records.fetch(charges, job["transaction_id"])
    assert charge == {"state": "refunded", "amount": job["cost"], "refunded": job["cost"]}
    assert not any({"photo", "video"} & one.keys() for one in await person.messages(after=0))
    assert bool(await alerts_about(operator, job, wanted=failure.alerts)) is failure.alerts


async def alerts_about(operator: Person, job: dict[str, Any], *, wanted: bool) -> list[str]:
    """Return what the operators read of a job; waits for it where something is to come."""

    async def look() -> list[str] | None:
        said = [text_of(one) for one in await operator.messages(after=0)]
        about = [text for text in said if job["run_code"] in text]
        return about or (None if wanted else [])

    return await until(look, f"an alert about {job['run_code']}")


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.usefixtures("healthy")
async def test_a_vendor_that_is_parked_leaves_the_order_to_the_next(sandbox: Sandbox, language: str) -> None:
    person = await sandbox.somebody(language)
    address = sandbox.product.data["emulators"]["gemini"]
    await sandbox.http.post(f"{address}/emulator/script", json={"markers": "#nokey", "times": 1})
    await person.say("a red fox")
    await person.result()
    [job] = await person.jobs()
    assert (job["status"], job["provider"]) == ("done", "vertex")
    assert await person.statement() == [WELCOME, -job["cost"]]
