"""Midjourney over KIE: the contract, what is sent for which order, and codes behind a status of 200."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from providers import errors, kie
from providers.base import Action, ActionKind, InputMedia, Job, Json, MediaKind, MediaRole
from providers.errors import InvalidRequest, ProviderError
from providers.http import Reply
from providers.kie import KieProvider
from tests.emulators.kie import KieEmulator
from tests.emulators.service import serve
from tests.providers.contract import Case, Contract, Lookup, failure_of, finished, submitted
from tests.providers.media import photo

KEY = "kie-key-0123456789"
LINKED = replace(photo(), url="https://media.example/a.jpg?token=x")


def picture(prompt: str, *images: InputMedia, **params: Json) -> Job:
    return Job("job-1", "midjourney", MediaKind.IMAGE, prompt, images, params)


def video(prompt: str, *images: InputMedia, **params: Json) -> Job:
    return Job("job-1", "midjourney-video", MediaKind.VIDEO, prompt, images, params)


@pytest.fixture
async def emulator() -> AsyncIterator[KieEmulator]:
    service = KieEmulator(key=KEY)
    async with serve(service):
        yield service


@pytest.fixture
async def case(emulator: KieEmulator) -> AsyncIterator[Case]:
    def make(base_url: str | None = None, timeout: float = 20, key: str = KEY) -> KieProvider:
        return KieProvider(key, base_url=base_url or emulator.address, timeout=timeout)

    def orders() -> int:
        return sum(call.method == "POST" for call in emulator.calls)

    case = Case(emulator, make, picture, (KEY,), Lookup.NEVER, orders)
    yield case
    await case.provider.close()


@pytest.fixture
async def provider(case: Case) -> KieProvider:
    assert isinstance(case.provider, KieProvider)
    return case.provider


class TestContract(Contract):
    """KIE keeps what every adapter keeps."""


@pytest.mark.integration
async def test_options_have_fields_of_their_own(provider: KieProvider, emulator: KieEmulator) -> None:
    options: dict[str, Json] = {"aspect_ratio": "16:9", "speed": "fast", "version": "7", "stylization": 200}
    await submitted(provider, picture("a fox --turbo --no rain", weirdness=0, variety=10, **options))
    assert emulator.calls[0].body == {
        "taskType": "mj_txt2img",
        "prompt": "a fox --no rain",
        "aspectRatio": "16:9",
        "speed": "fast",
        "version": "7",
        "stylization": 200,
        "weirdness": 0,
        "variety": 10,
    }


@pytest.mark.integration
@pytest.mark.parametrize(("words", "expected"), [("рыжая лиса", True), ("a fox", None)])
async def test_words_that_are_not_english_are_translated(
    provider: KieProvider, emulator: KieEmulator, words: str, expected: bool | None
) -> None:
    await submitted(provider, picture(words))
    assert emulator.calls[0].body.get("enableTranslation") is expected


@pytest.mark.integration
async def test_a_photo_goes_as_a_link(provider: KieProvider, emulator: KieEmulator) -> None:
    made = await finished(provider, await submitted(provider, picture("in this manner", LINKED)))
    assert (emulator.calls[0].body["taskType"], emulator.calls[0].body["fileUrls"]) == ("mj_img2img", [LINKED.url])
    assert len(made.media) == 4


@pytest.mark.integration
@pytest.mark.parametrize("count", [1, 2, 4])
async def test_a_picture_comes_alive(provider: KieProvider, emulator: KieEmulator, count: int) -> None:
    made = await finished(provider, await submitted(provider, video("", LINKED, motion="high", quantity=count)))
    assert emulator.calls[0].body == {
        "taskType": "mj_video",
        "fileUrls": [LINKED.url],
        "motion": "high",
        "videoBatchSize": count,
    }
    assert [media.mime for media in made.media] == ["video/mp4"] * count


@pytest.mark.integration
@pytest.mark.parametrize(
    ("kind", "path", "count"), [(ActionKind.UPSCALE, "generateUpscale", 1), (ActionKind.VARY, "generateVary", 4)]
)
async def test_one_of_four_pictures_is_taken_further(
    provider: KieProvider, emulator: KieEmulator, kind: ActionKind, path: str, count: int
) -> None:
    parent = await submitted(provider, picture("a fox"))
    child = await submitted(provider, replace(picture(""), action=Action(kind, parent, 2)))
    assert emulator.calls[-1].path.endswith(path)
    assert emulator.calls[-1].body == {"taskId": parent, "imageIndex": 1}
    assert len((await finished(provider, child)).media) == count


@pytest.mark.integration
async def test_results_that_come_as_text_are_read(provider: KieProvider) -> None:
    assert len((await finished(provider, await submitted(provider, picture("a fox #text")))).media) == 4


@pytest.mark.integration
async def test_maintenance_is_waited_for(provider: KieProvider) -> None:
    assert type(await failure_of(provider, picture("a fox #maintenance"))) is errors.ProviderUnavailable


@pytest.mark.integration
@pytest.mark.parametrize(
    ("job", "words"),
    [
        (picture(""), "needs a description"),
        (picture("--turbo"), "needs a description"),
        (picture("a" * 2001), "2000 characters"),
        (picture("a fox", photo()), "links only"),
        (picture("a fox", replace(LINKED, role=MediaRole.MASK)), "as mask"),
        (picture("a fox", speed="ludicrous"), "speed"),
        (picture("a fox", version="99"), "version"),
        (video("it runs"), "one picture, not of 0"),
        (video("it runs", LINKED, LINKED), "one picture, not of 2"),
        (video("it runs", LINKED, quantity=3), "quantity"),
        (replace(picture(""), action=Action(ActionKind.UPSCALE, "a1", 5)), "there is no 5"),
        (replace(picture(""), action=Action(ActionKind.EXTEND, "a1")), "cannot extend"),
        (replace(picture(""), action=Action(ActionKind.VARY, "../x")), "no id of a job"),
    ],
)
async def test_what_cannot_be_is_refused_before_any_call(
    provider: KieProvider, emulator: KieEmulator, job: Job, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await provider.submit(job)
    assert emulator.calls == []


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"code": 200}, None),
        (200, {"code": 401}, errors.AuthFailed),
        (200, {"code": 402}, errors.QuotaExhausted),
        (200, {"code": 404}, errors.InvalidRequest),
        (200, {"code": 422, "msg": "parameter error"}, errors.InvalidRequest),
        (200, {"code": 422, "msg": "sensitive words"}, errors.ContentBlocked),
        (200, {"code": 429}, errors.RateLimited),
        (200, {"code": 455}, errors.ProviderUnavailable),
        (200, {"code": 500}, errors.ProviderUnavailable),
        (200, {"code": 501}, errors.ProviderUnavailable),
        (200, {"code": 504}, errors.Ambiguous),
        (200, {"code": 505}, errors.ModelRetired),
        (502, {}, errors.ProviderUnavailable),
        (401, {}, errors.AuthFailed),
    ],
)
def test_the_code_counts_and_not_the_status(
    status: int, body: dict[str, Any], expected: type[ProviderError] | None
) -> None:
    found = kie.failure(Reply(status, {}, json.dumps(body).encode()))
    assert (None if found is None else type(found)) is expected


@pytest.mark.parametrize("task", ["", "../x", "a b", None, {}])
def test_a_webhook_with_no_id_names_nothing(task: Json) -> None:
    assert KieProvider(KEY).parse_webhook({}, json.dumps({"code": 200, "data": {"taskId": task}}).encode()) is None
