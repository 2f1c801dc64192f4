"""What is sent for which order, and what is refused because the price would be for something else."""

from __future__ import annotations

import base64
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Action, ActionKind, Failed, InputMedia, Job, Json, MediaKind, MediaRole
from providers.errors import InvalidRequest
from providers.kling import KlingProvider
from tests.emulators.kling import KlingEmulator
from tests.providers.contract import finished, submitted
from tests.providers.kling.conftest import video
from tests.providers.media import photo

pytestmark = pytest.mark.integration
CLIP = InputMedia(b"film", "video/mp4", "https://media.example/clip.mp4", MediaRole.VIDEO)


def with_images(job: Job, *images: InputMedia) -> Job:
    return replace(job, images=images)


async def sent(provider: KlingProvider, emulator: KlingEmulator, job: Job) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of the request for a job."""
    await submitted(provider, job)
    call = emulator.calls[-1]
    return call.path, call.body


async def test_words_and_options_are_sent_as_kling_writes_them(
    provider: KlingProvider, emulator: KlingEmulator
) -> None:
    path, body = await sent(
        provider,
        emulator,
        video("a fox", duration=10, mode="pro", aspect_ratio="9:16", negative_prompt="rain"),
    )
    assert path == "/v1/videos/text2video"
    assert body == {
        "model_name": "kling-v2-5-turbo",
        "prompt": "a fox",
        "duration": "10",
        "mode": "pro",
        "aspect_ratio": "9:16",
        "negative_prompt": "rain",
        "external_task_id": "text2video-job-1",
    }


async def test_a_photo_goes_as_plain_base64_without_a_shape(provider: KlingProvider, emulator: KlingEmulator) -> None:
    given = photo()
    path, body = await sent(provider, emulator, with_images(video("it waves", aspect_ratio="1:1"), given))
    assert path == "/v1/videos/image2video"
    assert base64.b64decode(body["image"]) == given.data
    assert "aspect_ratio" not in body


async def test_a_photo_with_a_link_goes_as_the_link(provider: KlingProvider, emulator: KlingEmulator) -> None:
    given = replace(photo(), url="https://media.example/a.jpg")
    _, body = await sent(provider, emulator, with_images(video("it waves"), given))
    assert body["image"] == "https://media.example/a.jpg"


async def test_a_photo_without_words_is_enough(provider: KlingProvider, emulator: KlingEmulator) -> None:
    _, body = await sent(provider, emulator, with_images(video(""), photo()))
    assert "prompt" not in body


@pytest.mark.parametrize("roles", [(MediaRole.IMAGE, MediaRole.IMAGE), (MediaRole.END, MediaRole.START)])
async def test_first_and_last_frame_find_their_places(
    provider: KlingProvider, emulator: KlingEmulator, roles: tuple[MediaRole, MediaRole]
) -> None:
    one, two = (
        replace(photo(), url=f"https://media.example/{number}.jpg", role=role) for number, role in enumerate(roles)
    )
    _, body = await sent(provider, emulator, with_images(video("it turns", mode="pro"), one, two))
    first, last = (one, two) if roles[0] is MediaRole.IMAGE else (two, one)
    assert (body["image"], body["image_tail"]) == (first.url, last.url)


@pytest.mark.parametrize(
    ("model", "mode", "sound", "expected"),
    [
        ("kling-v2-6", "pro", True, "on"),
        ("kling-v2-6", "pro", False, "off"),
        ("kling-v2-6", "std", None, "off"),
        ("kling-v2-5-turbo", "pro", False, None),
        ("kling-v9", "pro", "on", "on"),
    ],
)
async def test_sound_is_switched_where_there_is_a_switch(
    provider: KlingProvider, emulator: KlingEmulator, model: str, mode: str, sound: Json, expected: str | None
) -> None:
    emulator.script("#status=500")  # The body is what matters: the emulator knows no such model.
    job = video("a fox", model=model, mode=mode, sound=sound)
    with pytest.raises(Exception, match="5000"):
        await provider.submit(job)
    assert emulator.calls[-1].body.get("sound") == expected


async def test_a_model_of_one_quality_is_never_sent_a_mode(provider: KlingProvider, emulator: KlingEmulator) -> None:
    _, body = await sent(provider, emulator, video("a fox", model="kling-v2-1-master", mode="pro", cfg_scale=0.5))
    assert "mode" not in body
    assert "cfg_scale" not in body


async def test_the_scale_is_sent_to_the_model_that_takes_it(provider: KlingProvider, emulator: KlingEmulator) -> None:
    _, body = await sent(provider, emulator, video("a fox", model="kling-v1-6", cfg_scale=0.7))
    assert body["cfg_scale"] == 0.7


async def test_references_are_named_in_the_words(provider: KlingProvider, emulator: KlingEmulator) -> None:
    first = replace(photo(), url="https://media.example/0.jpg")
    second = replace(photo(), url="https://media.example/1.jpg", role=MediaRole.REFERENCE)
    job = video("@image_1 meets @image_2, as in <<<image_1>>>", model="kling-video-o1", duration=4, aspect_ratio="1:1")
    path, body = await sent(provider, emulator, with_images(job, first, second))
    assert path == "/v1/videos/omni-video"
    assert body["prompt"] == "<<<image_1>>> meets <<<image_2>>>, as in <<<image_1>>>"
    assert body["image_list"] == [{"image_url": first.url}, {"image_url": second.url}]
    assert (body["duration"], body["aspect_ratio"]) == ("4", "1:1")


async def test_frames_of_omni_carry_their_type_and_set_the_shape(
    provider: KlingProvider, emulator: KlingEmulator
) -> None:
    first, last = replace(photo(), role=MediaRole.START), replace(photo(), role=MediaRole.END)
    job = video("it turns", model="kling-v3-omni", mode="pro", duration=15, aspect_ratio="1:1")
    _, body = await sent(provider, emulator, with_images(job, first, last))
    assert [image["type"] for image in body["image_list"]] == ["first_frame", "end_frame"]
    assert "aspect_ratio" not in body


@pytest.mark.parametrize(
    ("params", "refer", "sound", "has_duration"),
    [
        ({}, "feature", "yes", True),
        ({"video_mode": "transform", "keep_original_sound": False}, "base", "no", False),
    ],
)
async def test_a_video_is_a_reference_or_is_edited(
    provider: KlingProvider,
    emulator: KlingEmulator,
    params: dict[str, Json],
    refer: str,
    sound: str,
    has_duration: bool,
) -> None:
    job = video("make it rain in @video_1", model="kling-video-o1", duration=5, aspect_ratio="16:9")
    job = replace(job, params={**job.params, **params})
    _, body = await sent(provider, emulator, with_images(job, CLIP))
    assert body["video_list"] == [{"video_url": CLIP.url, "refer_type": refer, "keep_original_sound": sound}]
    assert ("duration" in body, "aspect_ratio" in body) == (has_duration, has_duration)


async def test_only_a_video_is_transformed(provider: KlingProvider, emulator: KlingEmulator) -> None:
    job = video("a fox", model="kling-video-o1", duration=5, aspect_ratio="1:1", video_mode="transform")
    _, body = await sent(provider, emulator, job)
    assert (body["duration"], body["aspect_ratio"]) == ("5", "1:1")


PICTURE = photo()
END = replace(PICTURE, role=MediaRole.END)


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (video("a fox", duration=7), "duration 7"),
        (video("a fox", duration="5.5"), "whole"),
        (video("a fox", duration="long"), "not a number"),
        (video("a fox", duration=[5]), "neither text nor a number"),
        (video("a fox", mode="4k"), "mode '4k'"),
        (video("a fox", mode="std", model="kling-v2-1-master"), "mode 'std'"),
        (video("a fox", sound=True), "no sound"),
        (video("a fox", sound="loud"), "neither on nor off"),
        (video("a fox", sound=True, mode="std", model="kling-v2-6"), "no sound in mode std"),
        (video("a fox", model="kling-v2-1"), "needs a picture"),
        (video("a" * 2501), "2500 characters"),
        (with_images(video("a fox", mode="std"), PICTURE, PICTURE), "no last frame in mode std"),
        (with_images(video("a fox", mode="pro", model="kling-v2-1-master"), PICTURE, END), "no last frame"),
        (with_images(video("a fox", mode="pro"), END), "only after a first one"),
        (with_images(video("a fox", mode="pro"), PICTURE, PICTURE, PICTURE), "not 3 pictures"),
        (with_images(video("a fox", mode="pro", sound=True, model="kling-v2-6"), PICTURE, END), "with a last frame"),
        (with_images(video("a fox"), replace(PICTURE, role=MediaRole.MASK)), "no use for inputs as mask"),
        (with_images(video("a fox"), CLIP), "no use for inputs as video"),
        (with_images(video("a fox", model="kling-video-o1"), *[PICTURE] * 8), "takes 7 pictures"),
        (with_images(video("a fox", model="kling-video-o1"), CLIP, *[PICTURE] * 5), "takes 4 pictures"),
        (with_images(video("a fox", model="kling-video-o1"), CLIP, CLIP), "one video"),
        (with_images(video("a fox", model="kling-video-o1"), replace(CLIP, url=None)), "no link"),
        (with_images(video("a fox", model="kling-video-o1"), END), "one last frame after it"),
        (with_images(video(" ", model="kling-video-o1"), PICTURE), "needs a description"),
        (video("a fox", model="kling-video-o1", duration=4), "5 or 10 seconds"),
        (replace(video("a fox"), kind=MediaKind.IMAGE), "makes videos"),
        (replace(video("a fox"), action=Action(ActionKind.UPSCALE, "text2video/1")), "not upscale it"),
    ],
)
async def test_what_cannot_be_is_refused_before_any_call(
    provider: KlingProvider, emulator: KlingEmulator, job: Job, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await provider.submit(job)
    assert emulator.calls == []


async def test_a_finished_video_is_extended(provider: KlingProvider, emulator: KlingEmulator) -> None:
    parent = await submitted(provider, video("a fox", model="kling-v1-6"))
    await finished(provider, parent)
    child = video("it runs away", client_id="job-2")
    external_id = await submitted(provider, replace(child, action=Action(ActionKind.EXTEND, parent)))
    assert external_id.startswith("video-extend/")
    assert emulator.calls[-1].body == {
        "video_id": f"v-{parent.partition('/')[2]}",
        "prompt": "it runs away",
        "external_task_id": "video-extend-job-2",
    }
    assert (await finished(provider, external_id)).media


@pytest.mark.parametrize("action", [Action(ActionKind.EXTEND, "text2video/404"), Action(ActionKind.EXTEND, "", 1)])
async def test_nothing_is_ordered_for_a_parent_that_is_gone(
    provider: KlingProvider, emulator: KlingEmulator, action: Action
) -> None:
    with pytest.raises(InvalidRequest):
        await provider.submit(replace(video("more"), action=action))
    assert [call.method for call in emulator.calls if call.method == "POST"] == []


async def test_only_a_video_that_exists_is_extended(provider: KlingProvider) -> None:
    parent = await submitted(provider, video("a fox"))
    await finished(provider, parent)
    with pytest.raises(InvalidRequest, match="no video 2"):
        await provider.submit(replace(video("more"), action=Action(ActionKind.EXTEND, parent, 2)))


async def test_the_cost_comes_from_the_units_that_kling_took(provider: KlingProvider) -> None:
    result = await finished(provider, await submitted(provider, video("a fox")))
    assert result.cost_usd == Decimal("0.490")


async def test_a_task_is_found_at_whichever_endpoint_made_it(provider: KlingProvider) -> None:
    jobs = {
        "text2video": video("a fox", client_id="one"),
        "image2video": with_images(video("a fox", client_id="two"), PICTURE),
        "omni-video": with_images(video("a fox", model="kling-video-o1", client_id="three"), PICTURE),
    }
    for endpoint, job in jobs.items():
        made = await submitted(provider, job)
        assert made.startswith(f"{endpoint}/")
        assert await provider.find(job.client_id) == made


async def test_a_task_asked_for_at_another_endpoint_is_not_known(provider: KlingProvider) -> None:
    task = (await submitted(provider, video("a fox"))).partition("/")[2]
    assert isinstance(await provider.poll(f"image2video/{task}"), Failed)
