"""SnapGen: the contract, the forms that are sent, credits, and events that prove nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from providers import errors, snapgen
from providers.base import Action, ActionKind, Failed, InputMedia, Job, Json, MediaKind, MediaRole
from providers.errors import InvalidRequest, ProviderError
from providers.http import Reply
from providers.snapgen import SnapGenProvider
from tests.emulators.service import serve
from tests.emulators.snapgen import SnapGenEmulator
from tests.providers.contract import Case, Contract, Lookup, failure_of, finished, submitted
from tests.providers.media import photo

KEY = "snapgen-key-0123456789"
PICTURE = photo()
REFERENCE = replace(PICTURE, role=MediaRole.REFERENCE)
END = replace(PICTURE, role=MediaRole.END)
FILE = f"{len(PICTURE.data)} bytes of image/jpeg"


def video(prompt: str, *images: InputMedia, model: str = "veo-3.1-fast", **params: Json) -> Job:
    return Job("job-1", model, MediaKind.VIDEO, prompt, images, params)


def picture(prompt: str, *images: InputMedia, **params: Json) -> Job:
    return Job("job-1", "nano-banana-pro", MediaKind.IMAGE, prompt, images, params)


@pytest.fixture
async def emulator() -> AsyncIterator[SnapGenEmulator]:
    service = SnapGenEmulator(key=KEY)
    async with serve(service):
        yield service


@pytest.fixture
async def case(emulator: SnapGenEmulator) -> AsyncIterator[Case]:
    def make(base_url: str | None = None, timeout: float = 20, key: str = KEY) -> SnapGenProvider:
        return SnapGenProvider(key, base_url=base_url or emulator.address, timeout=timeout)

    def orders() -> int:
        return sum(call.method == "POST" for call in emulator.calls)

    # A broken server may have taken the order, and been paid for it, before it broke.
    expected: dict[str, type[ProviderError]] = {"#status=500": errors.Ambiguous, "#status=503": errors.Ambiguous}
    case = Case(
        emulator,
        make,
        video,
        (KEY,),
        Lookup.NEVER,
        orders,
        has_webhooks=False,
        tells_progress=True,
        expected=expected,
    )
    yield case
    await case.provider.close()


@pytest.fixture
async def provider(case: Case) -> SnapGenProvider:
    assert isinstance(case.provider, SnapGenProvider)
    return case.provider


class TestContract(Contract):
    """SnapGen keeps what every adapter keeps."""


@pytest.mark.integration
async def test_words_and_options_go_as_a_form(provider: SnapGenProvider, emulator: SnapGenEmulator) -> None:
    await submitted(provider, video("рыжая лиса", resolution="1080p", aspect_ratio="16:9", duration=8))
    assert emulator.calls[0].path == "/uapi/v1/video-gen/veo"
    assert emulator.calls[0].body == {
        "prompt": "рыжая лиса",
        "model": "veo-3.1-fast",
        "resolution": "1080p",
        "aspect_ratio": "16:9",
    }


@pytest.mark.integration
@pytest.mark.parametrize(
    ("images", "mode", "files"),
    [
        ((PICTURE,), "frame", FILE),
        ((PICTURE, PICTURE), "frame", [FILE, FILE]),
        ((END, PICTURE), "frame", [FILE, FILE]),
        ((REFERENCE,), "ingredient", FILE),
        ((REFERENCE,) * 3, "ingredient", [FILE] * 3),
    ],
)
async def test_pictures_are_frames_or_ingredients(
    provider: SnapGenProvider, emulator: SnapGenEmulator, images: tuple[InputMedia, ...], mode: str, files: object
) -> None:
    await submitted(provider, video("it turns", *images))
    assert (emulator.calls[0].body["mode_image"], emulator.calls[0].body["ref_images"]) == (mode, files)


@pytest.mark.integration
async def test_a_picture_is_made(provider: SnapGenProvider, emulator: SnapGenEmulator) -> None:
    made = await finished(provider, await submitted(provider, picture("a fox", PICTURE, image_size="1K")))
    assert [media.mime for media in made.media] == ["image/png"]
    assert emulator.calls[0].body == {"prompt": "a fox", "model": "nano-banana-pro", "files": FILE}


@pytest.mark.integration
async def test_a_video_is_extended(provider: SnapGenProvider, emulator: SnapGenEmulator) -> None:
    parent = await submitted(provider, video("a fox"))
    await finished(provider, parent)
    child = await submitted(provider, replace(video("it runs"), action=Action(ActionKind.EXTEND, parent)))
    assert emulator.calls[-1].path.endswith("/video-extend/veo")
    assert emulator.calls[-1].body == {"prompt": "it runs", "ref_history": parent}
    assert (await finished(provider, child)).media


@pytest.mark.integration
@pytest.mark.parametrize(("price", "cost"), [(None, None), (Decimal("0.01"), Decimal("0.20"))])
async def test_the_cost_is_told_where_the_price_of_a_credit_is_known(
    emulator: SnapGenEmulator, price: Decimal | None, cost: Decimal | None
) -> None:
    provider = SnapGenProvider(KEY, base_url=emulator.address, usd_per_credit=price)
    assert (await finished(provider, await submitted(provider, video("a fox")))).cost_usd == cost
    await provider.close()


@pytest.mark.integration
@pytest.mark.parametrize("address", ["{}", "{}/", "{}/uapi/v1", "{}/uapi/v1/"])
async def test_the_address_may_hold_the_section_or_not(emulator: SnapGenEmulator, address: str) -> None:
    provider = SnapGenProvider(KEY, base_url=address.format(emulator.address))
    await submitted(provider, video("a fox"))
    await provider.close()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("#system", errors.Ambiguous),
        ("#locked", errors.QuotaExhausted),
        ("#detail", errors.InvalidRequest),
        ("#status=404", errors.ModelRetired),
    ],
)
async def test_its_own_ways_to_refuse_are_known(
    provider: SnapGenProvider, marker: str, expected: type[ProviderError]
) -> None:
    assert type(await failure_of(provider, video(f"a fox {marker}"))) is expected


@pytest.mark.integration
async def test_a_film_that_was_taken_away_was_refused_for_its_content(provider: SnapGenProvider) -> None:
    answer = await provider.poll(await submitted(provider, video("a fox #filtered")))
    assert isinstance(answer, Failed)
    assert type(answer.error) is errors.ContentBlocked


@pytest.mark.integration
@pytest.mark.parametrize(
    ("job", "words"),
    [
        (video("a fox", duration=5), "makes 8 seconds"),
        (video(" ", PICTURE), "needs a description"),
        (video("a fox", END), "only after a first one"),
        (video("a fox", *[PICTURE] * 3), "not 3 pictures"),
        (video("a fox", *[REFERENCE] * 4), "3 references"),
        (video("a fox", REFERENCE, PICTURE), "never both"),
        (video("a fox", replace(PICTURE, role=MediaRole.MASK)), "as mask"),
        (video("a fox", model="sora-2"), "not used for sora-2"),
        (picture("a fox", image_size="4K"), "image_size '4K'"),
        (picture("a fox", quantity=2), "one picture an order"),
        (picture(" ", PICTURE), "needs a description"),
        (replace(video("a fox"), kind=MediaKind.IMAGE), "makes videos"),
        (replace(picture("a fox"), kind=MediaKind.VIDEO), "makes images"),
        (replace(video("more"), action=Action(ActionKind.VARY, "a")), "not vary it"),
        (replace(video(""), action=Action(ActionKind.EXTEND, "a")), "needs a description"),
        (replace(video("more"), action=Action(ActionKind.EXTEND, "../histories")), "no id of a job"),
    ],
)
async def test_what_cannot_be_is_refused_before_any_call(
    provider: SnapGenProvider, emulator: SnapGenEmulator, job: Job, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await provider.submit(job)
    assert emulator.calls == []


@pytest.mark.integration
async def test_an_event_names_the_job_and_not_itself(provider: SnapGenProvider, emulator: SnapGenEmulator) -> None:
    external_id = await submitted(provider, video("a fox #never"))
    event = emulator.webhook(emulator.jobs[external_id])
    assert provider.parse_webhook({"x-signature": "00"}, json.dumps(event).encode()) == external_id
    # It claims a film at an address inside our network; what counts is what the service says when it is asked.
    assert not isinstance(await provider.poll(external_id), Failed)
    assert "169.254" not in repr(await provider.poll(external_id))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"uuid": "a"}, None),
        (200, {"detail": {"error_code": "NOT_ENOUGH_CREDIT"}}, errors.QuotaExhausted),
        (403, {"detail": {"error_code": "FORBIDDEN"}}, errors.AuthFailed),
        (400, {"detail": {"error_code": "GEMINI_RATE_LIMIT"}}, errors.RateLimited),
        (400, {"detail": {"error_code": "X", "message": "violates the policy"}}, errors.ContentBlocked),
        (400, {"detail": "no"}, errors.InvalidRequest),
        (402, {}, errors.QuotaExhausted),
        (302, {}, errors.Ambiguous),
        (502, {}, errors.Ambiguous),
    ],
)
def test_every_complaint_has_its_class(status: int, body: dict[str, Any], expected: type[ProviderError] | None) -> None:
    found = snapgen.failure(Reply(status, {}, json.dumps(body).encode()))
    assert (None if found is None else type(found)) is expected
