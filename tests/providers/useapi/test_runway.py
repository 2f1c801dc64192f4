"""What is sent to Runway over UseAPI, and what is made of its answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from providers import errors
from providers.base import Action, ActionKind, Failed, InputMedia, Job, Json, MediaKind, MediaRole, Running
from providers.errors import InvalidRequest
from providers.http import Reply
from providers.useapi import UseApiRunwayProvider, client
from tests.emulators.useapi import UseApiEmulator
from tests.providers.contract import finished, submitted
from tests.providers.media import photo
from tests.providers.useapi.conftest import KEY

pytestmark = pytest.mark.integration
CLIP = InputMedia(b"\x00\x00\x00\x20ftypisom", "video/mp4", role=MediaRole.VIDEO)
PICTURE = photo()


@pytest.fixture
async def provider(emulator: UseApiEmulator) -> AsyncIterator[UseApiRunwayProvider]:
    provider = UseApiRunwayProvider(KEY, base_url=emulator.address)
    yield provider
    await provider.close()


def video(prompt: str, *images: InputMedia, model: str = "gen4.5", **params: Json) -> Job:
    return Job("job-1", model, MediaKind.VIDEO, prompt, images, params)


def last(emulator: UseApiEmulator) -> tuple[str, dict[str, Any]]:
    return emulator.calls[-1].path, emulator.calls[-1].body


async def test_the_ordered_seconds_are_sent(provider: UseApiRunwayProvider, emulator: UseApiEmulator) -> None:
    await submitted(provider, video("a fox", duration=10, aspect_ratio="16:9", seed=7))
    assert last(emulator) == (
        "/v1/runwayml/videos/create",
        {
            "model": "gen4.5",
            "text_prompt": "a fox",
            "duration": 10,
            "aspect_ratio": "16:9",
            "seed": 7,
            "exploreMode": True,
            "replyRef": "job-1",
        },
    )


async def test_first_and_last_frame_are_uploaded(provider: UseApiRunwayProvider, emulator: UseApiEmulator) -> None:
    await submitted(provider, video("", PICTURE, PICTURE, model="gen4", duration=5))
    _, body = last(emulator)
    assert [body["imageAssetId1"], body["imageAssetId2"]] == [*emulator.assets]
    assert "text_prompt" not in body
    assert [call.query for call in emulator.calls[:2]] == [{"name": "job-1-1"}, {"name": "job-1-2"}]


async def test_aleph_edits_a_video(provider: UseApiRunwayProvider, emulator: UseApiEmulator) -> None:
    external_id = await submitted(provider, video("make it night", CLIP, model="gen4-aleph"))
    path, body = last(emulator)
    assert path == "/v1/runwayml/gen4/video"
    assert body["video_assetId"] in emulator.assets
    assert (await finished(provider, external_id)).media


async def test_credits_are_spent_when_told_so(emulator: UseApiEmulator) -> None:
    provider = UseApiRunwayProvider(KEY, base_url=emulator.address, explore=False)
    await submitted(provider, video("a fox"))
    assert last(emulator)[1]["exploreMode"] is False
    await provider.close()


async def test_a_task_that_waits_for_a_slot_is_looked_at_when_it_has_one(provider: UseApiRunwayProvider) -> None:
    external_id = await submitted(provider, video("a fox #throttled #polls=9"))
    answer = await provider.poll(external_id)
    assert answer == Running(None, timedelta(seconds=42))


async def test_a_task_id_with_colons_and_an_address_is_kept_whole(provider: UseApiRunwayProvider) -> None:
    external_id = await submitted(provider, video("a fox"))
    assert external_id.startswith("user:1-runwayml:me@example.com-task:")
    assert (await finished(provider, external_id)).media


@pytest.mark.parametrize(
    ("seconds", "expected"), [(None, 10), (0, 10), (-5, 10), (3, 10), (42, 42), (600, 60), (1e300, 60)]
)
def test_a_promised_slot_is_neither_hurried_nor_believed_for_long(seconds: float | None, expected: int) -> None:
    from providers.useapi.runway import _pause

    assert _pause(seconds) == timedelta(seconds=expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"taskId": "user:1-task:2"}, "user:1-task:2"),
        ({"task": {"taskId": "user:1-task:2"}}, "user:1-task:2"),
        ({"taskId": "../../accounts"}, None),
        ({"taskId": ""}, None),
        ({"task": {}}, None),
    ],
)
def test_a_webhook_names_a_task_or_nothing(body: dict[str, Any], expected: str | None) -> None:
    assert UseApiRunwayProvider(KEY).parse_webhook({}, json.dumps(body).encode()) == expected


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (video("a fox", model="gen4"), "needs a picture"),
        (video("a fox", PICTURE, model="gen4-turbo", duration=7), "duration 7"),
        (video("a fox", replace(PICTURE, role=MediaRole.END)), "only after a first one"),
        (video("a" * 1001), "1000 characters"),
        (video("a fox", CLIP), "as video"),
        (video("a fox", replace(PICTURE, mime="image/gif")), "image/gif"),
        (video("make it night", model="gen4-aleph"), "one video, not 0"),
        (video("make it night", PICTURE, model="gen4-aleph"), "as image"),
        (video(" ", CLIP, model="gen4-aleph"), "needs a description"),
        (replace(video("a fox"), kind=MediaKind.IMAGE), "makes videos"),
        (replace(video("a fox"), action=Action(ActionKind.UPSCALE, "1")), "cannot upscale"),
    ],
)
async def test_what_cannot_be_is_refused_before_any_call(
    provider: UseApiRunwayProvider, emulator: UseApiEmulator, job: Job, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await provider.submit(job)
    assert emulator.calls == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("SAFETY.OUTPUT.VIDEO", errors.ContentBlocked),
        ("ASSET.INVALID", errors.InvalidRequest),
        ("INTERNAL", errors.ProviderUnavailable),
    ],
)
def test_a_failure_is_judged_by_its_code(words: str, expected: type[errors.ProviderError]) -> None:
    from providers.useapi.runway import _given_up

    assert type(_given_up(words)) is expected


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (201, "", None),
        (400, "text_prompt is required", errors.InvalidRequest),
        (400, "Banned prompt: violates the policy", errors.ContentBlocked),
        (401, "Unauthorized", errors.AuthFailed),
        (402, "no subscription", errors.QuotaExhausted),
        (403, "no", errors.AuthFailed),
        (404, "account not found", errors.AuthFailed),
        (412, "insufficient credits", errors.QuotaExhausted),
        (422, "moderated", errors.ContentBlocked),
        (429, "busy", errors.RateLimited),
        (500, "failed moderation", errors.ContentBlocked),
        (500, "oops", errors.ProviderUnavailable),
        (502, "moderation service", errors.ProviderUnavailable),
        (596, "CAPTCHA", errors.AuthFailed),
    ],
)
def test_every_status_of_useapi_has_its_class(status: int, words: str, expected: type | None) -> None:
    found = client.failure(Reply(status, {}, json.dumps({"error": words, "code": status}).encode()))
    assert (None if found is None else type(found)) is expected


def test_busy_accounts_are_asked_again_after_a_while() -> None:
    found = client.failure(Reply(429, {}, b"{}"))
    assert isinstance(found, errors.RateLimited)
    assert found.retry_after == timedelta(seconds=10)


async def test_a_task_that_is_not_known_has_failed(provider: UseApiRunwayProvider) -> None:
    assert isinstance(await provider.poll("user:1-task:404"), Failed)
