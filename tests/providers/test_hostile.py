"""Whatever a vendor answers, an adapter comes to one of the outcomes that its contract names, and to nothing else.

Every part of every answer of every emulated service is replaced by everything that a part can be, in turn.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from providers import errors
from providers.base import (
    Failed,
    Finished,
    InputMedia,
    Job,
    Json,
    LookupUnsupported,
    MediaKind,
    MediaRole,
    Provider,
    Running,
    Submitted,
)
from providers.errors import ProviderError
from providers.gemini import GeminiProvider, VertexProvider
from providers.kie import KieProvider
from providers.kling import KlingProvider
from providers.openai import OpenAiProvider
from providers.runway import RunwayProvider
from providers.snapgen import SnapGenProvider
from providers.sora import SoraProvider
from providers.useapi import UseApiKlingProvider, UseApiMidjourneyProvider, UseApiRunwayProvider
from providers.veo import VeoProvider
from tests.emulators import gemini
from tests.emulators.kie import KieEmulator
from tests.emulators.kling import KlingEmulator
from tests.emulators.openai import OpenAiEmulator
from tests.emulators.runway import RunwayEmulator
from tests.emulators.service import serve
from tests.emulators.snapgen import SnapGenEmulator
from tests.emulators.useapi import UseApiEmulator
from tests.emulators.vertex import BUCKET, VertexEmulator
from tests.providers.meddler import BODIES, DEEP, VALUES, Meddler, meddling, paths, replaced
from tests.providers.media import photo
from tests.providers.veo.conftest import account

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

KEY = "a-key-for-everything-0123456789"
SECRET = "a-secret-for-everything-0123456789"
STORABLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:@+-]{0,499}")
MOST_COST = Decimal(1_000_000)
"""A cost is kept in a column of six digits."""

Make = Callable[[str, Any], Provider]


@dataclass(frozen=True)
class Subject:
    """An adapter to be tried: its emulated service, how both are made, and the simplest job."""

    service: Callable[[], Any]
    make: Make
    model: str
    kind: MediaKind = MediaKind.VIDEO
    spares: tuple[str, ...] = ()

    def job(self, number: int, words: str = "a fox") -> Job:
        start = InputMedia(photo().data, "image/jpeg", "https://media.example/a.jpg", MediaRole.IMAGE)
        images = (start,) if self.kind is MediaKind.TEXT else ()
        return Job(f"job-{number}", self.model, self.kind, words, images)


def _veo(address: str, service: Any) -> Provider:
    bucket = f"gs://{BUCKET}/veo"
    return VeoProvider(account(service, KEY), bucket, base_url=address, storage_url=address, timeout=20)


IMAGE, TEXT = MediaKind.IMAGE, MediaKind.TEXT
UNREAD = ("/token",)
SUBJECTS = {
    "kling": Subject(
        lambda: KlingEmulator(key=KEY, secret=SECRET),
        lambda at, _: KlingProvider(KEY, SECRET, base_url=at),
        "kling-v2-5-turbo",
    ),
    "kie": Subject(lambda: KieEmulator(key=KEY), lambda at, _: KieProvider(KEY, base_url=at), "midjourney", IMAGE),
    "snapgen": Subject(
        lambda: SnapGenEmulator(key=KEY),
        lambda at, _: SnapGenProvider(KEY, base_url=at, usd_per_credit=Decimal("1.5")),
        "veo-3.1-fast",
    ),
    "useapi-kling": Subject(
        lambda: UseApiEmulator(key=KEY), lambda at, _: UseApiKlingProvider(KEY, base_url=at), "kling-v2-6"
    ),
    "useapi-runway": Subject(
        lambda: UseApiEmulator(key=KEY), lambda at, _: UseApiRunwayProvider(KEY, base_url=at), "gen4.5"
    ),
    "useapi-midjourney": Subject(
        lambda: UseApiEmulator(key=KEY), lambda at, _: UseApiMidjourneyProvider(KEY, base_url=at), "midjourney", IMAGE
    ),
    "runway": Subject(lambda: RunwayEmulator(key=KEY), lambda at, _: RunwayProvider(KEY, base_url=at), "gen4.5"),
    "openai": Subject(
        lambda: OpenAiEmulator(key=KEY), lambda at, _: OpenAiProvider(KEY, base_url=f"{at}/v1"), "gpt-image-2", IMAGE
    ),
    "sora": Subject(lambda: OpenAiEmulator(key=KEY), lambda at, _: SoraProvider(KEY, base_url=f"{at}/v1"), "sora-2"),
    "veo": Subject(lambda: VertexEmulator(key=KEY), _veo, "veo-3.1-fast-generate-001", spares=UNREAD),
    "vertex": Subject(
        lambda: VertexEmulator(key=KEY),
        lambda at, service: VertexProvider(account(service, KEY), base_url=at),
        "gemini-nano-banana-2.1",
        IMAGE,
        UNREAD,
    ),
    "gemini": Subject(
        lambda: gemini.GeminiEmulator(api_key=KEY),
        lambda at, _: GeminiProvider(KEY, base_url=at, timeout=20),
        "gemini-nano-banana-2.1",
        IMAGE,
    ),
    "gemini-text": Subject(
        lambda: gemini.GeminiEmulator(api_key=KEY),
        lambda at, _: GeminiProvider(KEY, base_url=at, timeout=20),
        "gemini-3.8-flash",
        TEXT,
    ),
}
LATER = [
    name
    for name, subject in SUBJECTS.items()
    if name == "kie" or name == "useapi-midjourney" or subject.kind is MediaKind.VIDEO
]
REFUSALS = (400, 401, 403, 404, 409, 429, 500, 503)


@asynccontextmanager
async def standing(name: str) -> AsyncIterator[tuple[Subject, Meddler, Provider]]:
    """The service, what stands before it, and the adapter."""
    subject = SUBJECTS[name]
    service = subject.service()
    start = gemini.serve(service) if isinstance(service, gemini.GeminiEmulator) else serve(service)
    async with start as behind, meddling(behind, *subject.spares) as meddler:
        provider = subject.make(meddler.address, service)
        yield subject, meddler, provider
        await provider.close()


def lies(answer: bytes) -> Iterator[tuple[str, bytes]]:
    """Everything that an answer could be in place of what it is, with a name for each."""
    document: Json = json.loads(answer)
    for path in paths(document):
        for value in VALUES:
            yield f"{path} is {value[:40]}", replaced(document, path, value)
    for body in BODIES:
        yield f"the body is {body[:40]!r}", body


async def outcome(call: Awaitable[object]) -> object:
    """What a call came to. Whatever is no outcome of the contract flies on."""
    try:
        return await call
    except (ProviderError, LookupUnsupported) as error:
        return error


def problem_with(told: object, *allowed: type) -> str | None:
    """Why this is no outcome that the rest of the product can go on with; None where it is."""
    if isinstance(told, Submitted) and not STORABLE_ID.fullmatch(told.external_id):
        return f"an id that nobody can ask for: {told.external_id[:60]!r}"
    if isinstance(told, Running) and not 1 <= told.poll_after.total_seconds() <= 3600:
        return f"the next look in {told.poll_after}"
    if isinstance(told, Running) and told.progress is not None and not 0 <= told.progress <= 1:
        return f"progress {told.progress}"
    if isinstance(told, Finished) and not told.media:
        return "finished with nothing"
    if isinstance(told, Finished) and told.cost_usd is not None and not 0 <= told.cost_usd < MOST_COST:
        return f"a cost of {told.cost_usd}"
    pause = told.retry_after if isinstance(told, errors.RateLimited) else None
    if pause is not None and not 0 <= pause.total_seconds() <= 3600:
        return f"a pause of {pause}"
    error = told.error if isinstance(told, Failed) else told
    if isinstance(error, ProviderError) and any(key in f"{error!r}{error.detail}" for key in (KEY, SECRET)):
        return "our key is told"
    return None if isinstance(told, allowed) else f"no outcome: {told!r}"


async def tried(case: str, call: Awaitable[object], *allowed: type) -> str | None:
    """What is wrong with the outcome of a call."""
    try:
        found = problem_with(await outcome(call), *allowed)
    except Exception as error:  # noqa: BLE001  Any other exception is what is looked for.
        found = f"{type(error).__name__}: {error}"[:300]
    return f"{case}: {found}" if found else None


@pytest.mark.parametrize("name", SUBJECTS)
async def test_whatever_an_order_is_answered_with_has_a_typed_outcome(name: str) -> None:
    async with standing(name) as (subject, meddler, provider):
        await provider.submit(subject.job(0))
        (_, answer) = meddler.answers[-1]
        found = []
        for number, (case, body) in enumerate(lies(answer), start=1):
            meddler.instead, meddler.status = body, 200
            found.append(await tried(case, provider.submit(subject.job(number)), Submitted, Finished, ProviderError))
    assert not (wrong := [case for case in found if case]), "\n".join(wrong[:40])


@pytest.mark.parametrize("name", LATER)
async def test_whatever_a_look_is_answered_with_has_a_typed_outcome(name: str) -> None:
    async with standing(name) as (subject, meddler, provider):
        submitted = await provider.submit(subject.job(0))
        assert isinstance(submitted, Submitted)
        await provider.poll(submitted.external_id)
        (_, answer) = next(told for told in reversed(meddler.answers) if told[0][1].count("/assets/") == 0)
        found = []
        for case, body in lies(answer):
            meddler.instead, meddler.status = body, 200
            call = provider.poll(submitted.external_id)
            found.append(await tried(case, call, Running, Finished, Failed, ProviderError))
            call_of_find = provider.find("job-0")
            found.append(await tried(f"find: {case}", call_of_find, str, type(None), ProviderError, LookupUnsupported))
    assert not (wrong := [case for case in found if case]), "\n".join(wrong[:40])


BESIDE: dict[str, list[tuple[str, ...]]] = {
    "kling": [("data", "final_unit_deduction"), ("data", "task_info"), ("data", "task_status_msg")],
    "snapgen": [("used_credit",), ("status_percentage",), ("error_code",), ("error_message",)],
    "useapi-kling": [("message",)],
    "useapi-midjourney": [("response", "progress_percent"), ("response", "buttons"), ("response", "content")],
    "runway": [("cost",), ("cost", "credits")],
    "sora": [("progress",), ("seconds",), ("size",), ("model",)],
}
"""What a finished job can do without: it is worth no less when the vendor writes nonsense there."""


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, all_of in BESIDE.items() for path in all_of])
async def test_nonsense_beside_the_matter_costs_nobody_the_result(name: str, path: tuple[str, ...]) -> None:
    async with standing(name) as (subject, meddler, provider):
        submitted = await provider.submit(subject.job(0))
        assert isinstance(submitted, Submitted)
        made = await provider.poll(submitted.external_id)
        assert isinstance(made, Finished)
        (_, answer) = next(told for told in reversed(meddler.answers) if b"cdnUrl" not in told[1])
        document = json.loads(answer)
        if name == "useapi-kling":
            # The link without a mark is asked for in a call of its own, which is not what is changed here.
            document["works"][0].pop("workId")
        for value in set(VALUES) - {DEEP}:
            meddler.instead, meddler.status = replaced(document, path, value), 200
            told = await provider.poll(submitted.external_id)
            assert isinstance(told, Finished), (value[:60], told)
            assert len(told.media) == len(made.media)


async def test_one_picture_that_cannot_be_read_costs_nobody_the_others() -> None:
    async with standing("openai") as (subject, meddler, provider):
        job = replace(subject.job(0), params={"quantity": 3})
        await provider.submit(job)
        document = json.loads(meddler.answers[-1][1])
        meddler.instead, meddler.status = replaced(document, ("data", 1, "b64_json"), '"no base64 at all!"'), 200
        told = await provider.submit(job)
    assert isinstance(told, Finished)
    assert len(told.media) == 2


def complaints(name: str) -> Iterator[bytes]:
    """Documents of refusals in every vendor's manner, and all that such a document could be."""
    google = {
        "error": {
            "code": 429,
            "status": "RESOURCE_EXHAUSTED",
            "message": "slow down" if name in ("vertex", "veo") else f"slow down, {KEY}",
            "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}],
        }
    }
    shapes: list[Json] = [
        google,  # type: ignore[list-item]
        {"error": {"message": "no", "type": "x", "code": "moderation_blocked", "param": None}},
        {"code": 1303, "message": "parallel task over resource pack limit", "request_id": "1"},
        {"error": "no", "code": 429},
        {"detail": {"error_code": "NOT_ENOUGH_CREDIT", "error_message": "no"}},
    ]
    mine = {"gemini": 0, "vertex": 0, "veo": 0, "gemini-text": 0, "openai": 1, "sora": 1, "kling": 2, "snapgen": 4}
    for _, body in lies(json.dumps(shapes[mine.get(name, 3)]).encode()):
        yield body


@pytest.mark.parametrize("name", SUBJECTS)
async def test_whatever_a_refusal_says_it_has_a_class(name: str) -> None:
    async with standing(name) as (subject, meddler, provider):
        found, number = [], 0
        for number, body in enumerate(complaints(name)):
            meddler.instead, meddler.status = body, REFUSALS[number % len(REFUSALS)]
            case = f"{meddler.status} {body[:120]!r}"
            found.append(await tried(case, provider.submit(subject.job(number)), ProviderError))
    assert number
    assert not (wrong := [case for case in found if case]), "\n".join(wrong[:40])


PAUSES = (
    "-5",
    "0",
    "1.5",
    "²",
    "99999999999999999999",
    "Mon, 23 Nov 2099 00:00:00 GMT",
    "Mon, 23 Nov 1970 00:00:00",
    "Mon, 31 Dec 9999 23:59:59 -2359",
    "fox",
    "",
    "1" * 5000,
    "Thu, 01 Jan 0001 00:00:00 +2359",
    "NaN",
)


@pytest.mark.parametrize("name", SUBJECTS)
async def test_a_pause_that_makes_no_sense_is_no_pause(name: str) -> None:
    async with standing(name) as (subject, meddler, provider):
        found = []
        for number, pause in enumerate(PAUSES):
            meddler.instead, meddler.status = b'{"code": 1302, "message": "slow down"}', 429
            meddler.headers = {"Retry-After": pause, "Retry-After-Ms": pause, "Date": pause}
            found.append(await tried(pause[:40], provider.submit(subject.job(number)), errors.RateLimited))
            meddler.status = 401
            found.append(await tried(pause[:40], provider.submit(subject.job(number)), ProviderError))
    assert not (wrong := [case for case in found if case]), "\n".join(wrong)
