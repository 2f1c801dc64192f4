"""What is sent to Kling over UseAPI, and what is made of its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from providers import errors
from providers.base import Action, ActionKind, Failed, InputMedia, Job, Json, MediaKind, MediaRole, Running
from providers.errors import InvalidRequest
from providers.useapi import UseApiKlingProvider
from tests.emulators.useapi import UseApiEmulator
from tests.providers.contract import fetched, finished, submitted
from tests.providers.media import photo
from tests.providers.useapi.conftest import KEY

pytestmark = pytest.mark.integration
CLIP = InputMedia(b"\x00\x00\x00\x20ftypisom", "video/mp4", role=MediaRole.VIDEO)
PICTURE = photo()
END = replace(PICTURE, role=MediaRole.END)


@pytest.fixture
async def provider(emulator: UseApiEmulator) -> AsyncIterator[UseApiKlingProvider]:
    provider = UseApiKlingProvider(KEY, base_url=emulator.address)
    yield provider
    await provider.close()


def video(prompt: str, *images: InputMedia, model: str = "kling-v2-6", **params: Json) -> Job:
    return Job("job-1", model, MediaKind.VIDEO, prompt, images, params)


async def sent(provider: UseApiKlingProvider, emulator: UseApiEmulator, job: Job) -> tuple[str, dict[str, Any]]:
    await submitted(provider, job)
    call = next(call for call in reversed(emulator.calls) if "/videos/" in call.path)
    return call.path.rpartition("/")[2], call.body


async def test_words_and_options_are_sent_with_our_id(provider: UseApiKlingProvider, emulator: UseApiEmulator) -> None:
    job = video("a fox", duration=10, mode="pro", aspect_ratio="9:16", sound=True, negative_prompt="rain")
    assert await sent(provider, emulator, job) == (
        "text2video",
        {
            "model_name": "kling-v2-6",
            "prompt": "a fox",
            "duration": "10",
            "mode": "pro",
            "aspect_ratio": "9:16",
            "enable_audio": True,
            "replyRef": "job-1",
        },
    )


async def test_photos_are_uploaded_and_named_by_their_addresses(
    provider: UseApiKlingProvider, emulator: UseApiEmulator
) -> None:
    path, body = await sent(provider, emulator, video("it turns", END, PICTURE, mode="pro"))
    assert path == "image2video-frames"
    uploads = [call.body for call in emulator.calls if call.path.endswith("/assets/")]
    assert uploads == [{"bytes": len(PICTURE.data), "type": "image/jpeg"}] * 2
    assert [*emulator.assets] == [body["image"], body["image_tail"]]


@pytest.mark.parametrize("model", ["kling-v2-5", "kling-v2-1-master"])
async def test_a_model_of_one_quality_is_never_sent_a_mode(
    provider: UseApiKlingProvider, emulator: UseApiEmulator, model: str
) -> None:
    _, body = await sent(provider, emulator, video("a fox", model=model, mode="std", sound=False))
    assert "mode" not in body
    assert "enable_audio" not in body


async def test_a_model_nobody_knows_is_sent_everything(provider: UseApiKlingProvider, emulator: UseApiEmulator) -> None:
    job = video("a fox", model="kling-v4-0", mode="std", cfg_scale=0.5, negative_prompt="rain", sound=False)
    _, body = await sent(provider, emulator, job)
    assert (body["mode"], body["cfg_scale"], body["negative_prompt"], body["enable_audio"]) == (
        "std",
        0.5,
        "rain",
        False,
    )


async def test_references_are_uploaded_in_order_and_the_version_is_named(
    provider: UseApiKlingProvider, emulator: UseApiEmulator
) -> None:
    start = replace(PICTURE, role=MediaRole.START)
    job = video("<<<image_1>>> meets @image_2", PICTURE, start, PICTURE, CLIP, model="omni-o1", duration=5)
    path, body = await sent(provider, emulator, job)
    assert path == "omni"
    assert (body["omni_version"], body["prompt"]) == ("o1", "@image_1 meets @image_2")
    assert [name for name in body if name.startswith(("image_", "frame_", "video_"))] == [
        *("image_1", "frame_start", "image_2", "video_1", "video_mode"),
    ]
    assert body["video_mode"] == "reference"


async def test_the_video_without_a_mark_is_preferred(provider: UseApiKlingProvider) -> None:
    made = await finished(provider, await submitted(provider, video("a fox")))
    assert made.media[0].url is not None
    assert made.media[0].url.endswith("master.mp4")


async def test_the_marked_video_is_better_than_none(provider: UseApiKlingProvider) -> None:
    made = await finished(provider, await submitted(provider, video("a fox #nomaster")))
    assert (await fetched(made.media[0])).status_code == 200
    assert made.media[0].url is not None
    assert made.media[0].url.endswith("0.mp4")


async def test_an_upload_that_fails_costs_nothing(provider: UseApiKlingProvider, emulator: UseApiEmulator) -> None:
    emulator.script("#close")
    with pytest.raises(errors.ProviderUnavailable):
        await provider.submit(video("it turns", PICTURE))
    assert emulator.jobs == {}


async def test_an_upload_without_an_address_is_no_upload(
    provider: UseApiKlingProvider, emulator: UseApiEmulator
) -> None:
    emulator.script("#odd")
    with pytest.raises(errors.ProviderUnavailable, match="without an address"):
        await provider.submit(video("it turns", PICTURE))
    assert emulator.jobs == {}


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (video("a fox", sound=True), "sound only in mode pro"),
        (video("a fox", sound=True, mode="pro", model="kling-v2-1-master"), "sound only"),
        (video("it turns", PICTURE, PICTURE, mode="std"), "last frame"),
        (video("it turns", PICTURE, END, model="kling-v2-5"), "last frame"),
        (video("it turns", END, mode="pro"), "last frame"),
        (video("a fox", model="kling-v2-1"), "needs a picture"),
        (video(" ", model="omni-o1"), "neither words"),
        (video("a" * 1701, model="omni-o1"), "1700 characters"),
        (video("a fox", *[PICTURE] * 8, model="omni-o1"), "7 pictures"),
        (video("a fox", CLIP, CLIP, model="omni-o1"), "one video"),
        (video("a fox", PICTURE, model="omni-v3", sound=True), "no sound"),
        (video("a fox", CLIP), "as video"),
        (video("a fox", replace(PICTURE, mime="image/webp")), "image/webp"),
        (video("a fox", replace(PICTURE, data=bytes(10 * 1024 * 1024 + 1))), "only up to"),
        (replace(video("a fox"), kind=MediaKind.IMAGE), "makes videos"),
        (replace(video("a fox"), action=Action(ActionKind.EXTEND, "1")), "cannot extend"),
    ],
)
async def test_what_cannot_be_is_refused_before_any_call(
    provider: UseApiKlingProvider, emulator: UseApiEmulator, job: Job, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await provider.submit(job)
    assert emulator.calls == []


async def test_a_task_waits_for_its_turn_under_another_name(provider: UseApiKlingProvider) -> None:
    external_id = await submitted(provider, video("a fox #queued #polls=2"))
    assert isinstance(await provider.poll(external_id), Running)
    assert (await finished(provider, external_id)).media


async def test_the_service_behind_that_wants_a_person_is_told_to_the_operator(provider: UseApiKlingProvider) -> None:
    with pytest.raises(errors.AuthFailed):
        await provider.submit(video("a fox #captcha"))


async def test_an_account_that_is_not_there_is_told_to_the_operator(provider: UseApiKlingProvider) -> None:
    with pytest.raises(errors.AuthFailed):
        await provider.submit(video("a fox #status=404"))


async def test_a_task_of_another_service_is_not_known(provider: UseApiKlingProvider) -> None:
    assert isinstance(await provider.poll("123456"), Failed)
