"""What is sent to Runway's own API, and what is made of its answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers import errors
from providers.base import Action, ActionKind, Failed, InputMedia, Job, Json, MediaKind, MediaRole, Running
from providers.errors import InvalidRequest, ProviderError
from providers.http import Reply
from providers.runway import RETIRED, RunwayProvider, Task, _share, classify, given_up
from tests.emulators.runway import RunwayEmulator
from tests.providers.contract import failure_of, finished, submitted
from tests.providers.media import photo
from tests.providers.runway.conftest import KEY, video

pytestmark = pytest.mark.integration
CLIP = InputMedia(b"\x00\x00\x00\x20ftypisom", "video/mp4", role=MediaRole.VIDEO)
PICTURE = photo()
LINK = "https://storage.example.com/signed/photo.jpg?token=t"
BIG = b"\x00\x00\x00\x20ftypisom" + bytes(5 * 1024 * 1024)


def last(emulator: RunwayEmulator) -> tuple[str, dict[str, Any]]:
    return emulator.calls[-1].path, emulator.calls[-1].body


async def test_words_alone_go_to_text_to_video(provider: RunwayProvider, emulator: RunwayEmulator) -> None:
    await submitted(provider, video("a fox", duration=7, aspect_ratio="9:16", seed=3, moderation="low"))
    assert last(emulator) == (
        "/v1/text_to_video",
        {
            "model": "gen4.5",
            "promptText": "a fox",
            "duration": 7,
            "ratio": "720:1280",
            "seed": 3,
            "contentModeration": {"publicFigureThreshold": "low"},
        },
    )


@pytest.mark.parametrize("model", ["gen4_turbo", "gen4.5"])
async def test_a_picture_is_the_first_frame(provider: RunwayProvider, emulator: RunwayEmulator, model: str) -> None:
    await submitted(provider, video("run", replace(PICTURE, url=LINK), model=model))
    path, body = last(emulator)
    assert path == "/v1/image_to_video"
    assert body["promptImage"] == [{"uri": LINK, "position": "first"}]
    assert (body["duration"], body["ratio"]) == (5, "1280:720")


async def test_turbo_needs_no_words(provider: RunwayProvider, emulator: RunwayEmulator) -> None:
    await submitted(provider, video("", PICTURE, model="gen4_turbo"))
    assert "promptText" not in last(emulator)[1]


@pytest.mark.parametrize(
    ("shape", "ratio"),
    [
        ("16:9", "1280:720"),
        ("9:16", "720:1280"),
        ("4:3", "1104:832"),
        ("3:4", "832:1104"),
        ("1:1", "960:960"),
        ("21:9", "1584:672"),
    ],
)
async def test_every_shape_has_its_ratio(
    provider: RunwayProvider, emulator: RunwayEmulator, shape: str, ratio: str
) -> None:
    await submitted(provider, video("run", PICTURE, aspect_ratio=shape))
    assert last(emulator)[1]["ratio"] == ratio


@pytest.mark.parametrize("duration", [2, 10])
async def test_every_whole_second_from_two_to_ten_is_made(
    provider: RunwayProvider, emulator: RunwayEmulator, duration: int
) -> None:
    await submitted(provider, video("a fox", duration=duration))
    assert last(emulator)[1]["duration"] == duration


async def test_aleph_edits_a_video_with_frames_at_its_ends(provider: RunwayProvider, emulator: RunwayEmulator) -> None:
    start = replace(PICTURE, role=MediaRole.START, url=LINK)
    end = replace(PICTURE, role=MediaRole.END, url=f"{LINK}2")
    job = video("make it night", CLIP, start, end, model="aleph2", aspect_ratio="3:2", seed=1)
    external_id = await submitted(provider, job)
    path, body = last(emulator)
    assert path == "/v1/video_to_video"
    assert body["keyframes"] == [{"uri": LINK, "at": 0.0}, {"uri": f"{LINK}2", "at": 1.0}]
    assert body["targetAspectRatio"] == "3:2"
    assert body["videoUri"].startswith("data:video/mp4;base64,")
    assert (await finished(provider, external_id)).media


async def test_a_video_is_edited_in_its_own_shape_and_length(
    provider: RunwayProvider, emulator: RunwayEmulator
) -> None:
    await submitted(provider, video("make it night", CLIP, model="aleph2"))
    assert set(last(emulator)[1]) == {"model", "promptText", "videoUri"}


async def test_a_small_input_without_a_link_travels_inside_the_order(
    provider: RunwayProvider, emulator: RunwayEmulator
) -> None:
    await submitted(provider, video("run", PICTURE))
    assert last(emulator)[1]["promptImage"][0]["uri"].startswith("data:image/jpeg;base64,/9j/")
    assert len(emulator.calls) == 1


async def test_a_link_that_runway_could_not_open_is_not_sent(
    provider: RunwayProvider, emulator: RunwayEmulator
) -> None:
    await submitted(provider, video("run", replace(PICTURE, url="http://127.0.0.1:8000/photo.jpg")))
    assert last(emulator)[1]["promptImage"][0]["uri"].startswith("data:")


async def test_a_large_input_without_a_link_is_uploaded(provider: RunwayProvider, emulator: RunwayEmulator) -> None:
    await submitted(provider, video("make it night", replace(CLIP, data=BIG), model="aleph2"))
    assert emulator.files == {last(emulator)[1]["videoUri"]: len(BIG)}
    assert [call.path for call in emulator.calls] == ["/v1/uploads", "/v1/video_to_video"]
    assert emulator.calls[0].body == {"filename": "input.mp4", "type": "ephemeral"}


async def test_an_input_too_large_for_a_link_is_uploaded(provider: RunwayProvider, emulator: RunwayEmulator) -> None:
    data = PICTURE.data + bytes(16 * 1024 * 1024)
    await submitted(provider, video("run", replace(PICTURE, data=data, url=LINK)))
    assert list(emulator.files.values()) == [len(data)]


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("#busy", errors.RateLimited),
        ("#nokey", errors.AuthFailed),
        ("#status=504", errors.ProviderUnavailable),
        ("#garbage", errors.ProviderUnavailable),
        ("#odd", errors.ProviderUnavailable),
        ("#close", errors.ProviderUnavailable),
    ],
)
async def test_an_upload_that_fails_orders_nothing(
    provider: RunwayProvider, emulator: RunwayEmulator, marker: str, expected: type[ProviderError]
) -> None:
    emulator.script(marker)
    failure = await failure_of(provider, video("make it night", replace(CLIP, data=BIG), model="aleph2"))
    assert type(failure) is expected, failure.detail
    assert emulator.jobs == {}


async def test_an_upload_that_the_bucket_refuses_orders_nothing(
    provider: RunwayProvider, emulator: RunwayEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful(dict[str, str]):
        def __contains__(self, key: object) -> bool:
            return False

    monkeypatch.setattr(emulator, "_tickets", Forgetful())
    failure = await failure_of(provider, video("make it night", replace(CLIP, data=BIG), model="aleph2"))
    assert type(failure) is errors.ProviderUnavailable
    assert "403" in failure.detail
    assert emulator.jobs == {}


@pytest.mark.parametrize(
    ("job", "cost"),
    [
        (video("run", PICTURE, model="gen4_turbo", duration=10), "0.50"),
        (video("a fox", duration=4), "0.48"),
    ],
)
async def test_credits_are_cents(provider: RunwayProvider, job: Job, cost: str) -> None:
    assert (await finished(provider, await submitted(provider, job))).cost_usd == Decimal(cost)


async def test_a_task_that_waits_for_a_slot_is_neither_failed_nor_ordered_again(
    provider: RunwayProvider, emulator: RunwayEmulator
) -> None:
    external_id = await submitted(provider, video("a fox #throttled #polls=2"))
    assert await provider.poll(external_id) == Running(None, timedelta(seconds=10))
    assert (await finished(provider, external_id)).media
    assert len(emulator.jobs) == 1


async def test_a_cancelled_task_is_deleted_once_and_for_all(provider: RunwayProvider, emulator: RunwayEmulator) -> None:
    external_id = await submitted(provider, video("a fox #polls=9"))
    await provider.cancel(external_id)
    await provider.cancel(external_id)
    assert isinstance(await provider.poll(external_id), Failed)
    assert [call.method for call in emulator.calls] == ["POST", "DELETE", "DELETE", "GET"]


async def test_a_cancel_that_does_not_get_through_is_told(provider: RunwayProvider, emulator: RunwayEmulator) -> None:
    external_id = await submitted(provider, video("a fox #polls=9"))
    emulator.script("#status=503")
    with pytest.raises(errors.ProviderUnavailable):
        await provider.cancel(external_id)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("SAFETY.INPUT.TEXT", errors.ContentBlocked),
        ("SAFETY.INPUT.IMAGE", errors.ContentBlocked),
        ("SAFETY.OUTPUT.VIDEO", errors.ContentBlocked),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", errors.ContentBlocked),
        ("INPUT_PREPROCESSING.INTERNAL", errors.ProviderUnavailable),
        ("INTERNAL.BAD_OUTPUT.CODE01", errors.ProviderUnavailable),
        ("INTERNAL", errors.ProviderUnavailable),
        ("THIRD_PARTY.UNAVAILABLE", errors.ProviderUnavailable),
        ("ASSET.INVALID", errors.InvalidRequest),
        ("SOMETHING.NEW", errors.ProviderUnavailable),
    ],
)
async def test_every_failure_code_has_its_class(
    provider: RunwayProvider, code: str, expected: type[ProviderError]
) -> None:
    external_id = await submitted(provider, video(f"a fox #code={code}"))
    answer = await provider.poll(external_id)
    assert isinstance(answer, Failed)
    assert type(answer.error) is expected
    assert code in answer.error.detail


def test_a_failure_without_a_code_is_judged_by_its_words() -> None:
    assert type(given_up(None, "rejected by content moderation")) is errors.ContentBlocked
    assert type(given_up(None, "something broke")) is errors.ProviderUnavailable


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (200, "", None),
        (400, "Validation of body failed", errors.InvalidRequest),
        (400, "You do not have enough credits to run this task.", errors.QuotaExhausted),
        (400, "The prompt was rejected by content moderation.", errors.ContentBlocked),
        (400, "Model gen4.5 is no longer available", errors.ModelRetired),
        (401, "Unauthorized", errors.AuthFailed),
        (402, "pay", errors.QuotaExhausted),
        (403, "forbidden", errors.AuthFailed),
        (403, "no credits left", errors.QuotaExhausted),
        (404, "not found", errors.InvalidRequest),
        (405, "method not allowed", errors.InvalidRequest),
        (408, "", errors.Ambiguous),
        (429, "Too many requests", errors.RateLimited),
        (429, "You have reached your daily task limit", errors.QuotaExhausted),
        (302, "", errors.ProviderUnavailable),
        (500, "", errors.ProviderUnavailable),
        (502, "", errors.ProviderUnavailable),
        (503, "", errors.ProviderUnavailable),
        (504, "", errors.Ambiguous),
    ],
)
def test_every_status_has_its_class(status: int, words: str, expected: type[ProviderError] | None) -> None:
    found = classify(Reply(status, {}, f'{{"error": "{words}"}}'.encode()))
    assert (None if found is None else type(found)) is expected


@pytest.mark.parametrize("marker", ["#daily", "#credits"])
async def test_a_spent_allowance_is_no_pause(provider: RunwayProvider, marker: str) -> None:
    assert type(await failure_of(provider, video(f"a fox {marker}"))) is errors.QuotaExhausted


@pytest.mark.parametrize("model", sorted(RETIRED))
async def test_a_retired_model_is_not_even_sent(provider: RunwayProvider, emulator: RunwayEmulator, model: str) -> None:
    assert type(await failure_of(provider, video("a fox", PICTURE, model=model))) is errors.ModelRetired
    assert emulator.calls == []


async def test_a_thousand_units_of_words_are_read_and_no_more(
    provider: RunwayProvider, emulator: RunwayEmulator
) -> None:
    await submitted(provider, video("🦊" * 500))
    with pytest.raises(InvalidRequest, match="1000 units of UTF-16, not 1002"):
        await provider.submit(video("🦊" * 501))
    assert len(emulator.calls) == 1


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (video("a fox", model="gen4_turbo"), "needs a picture"),
        (video("", PICTURE), "needs a description"),
        (video("a fox", duration=1), "duration 1"),
        (video("a fox", duration=11), "duration 11"),
        (video("a fox", duration=5.5), "whole number"),
        (video("a fox", aspect_ratio="1:1"), "aspect_ratio '1:1'"),
        (video("a fox", PICTURE, aspect_ratio="5:4"), "aspect_ratio '5:4'"),
        (video("a fox", seed=-1), "seed -1"),
        (video("a fox", seed=4_294_967_296), "seed 4294967296"),
        (video("a fox", moderation="off"), "moderation 'off'"),
        (video("a fox", quality="high"), "no option quality"),
        (video("a fox", PICTURE, PICTURE), "last frame"),
        (video("a fox", replace(PICTURE, role=MediaRole.END)), "as end"),
        (video("a fox", CLIP), "as video"),
        (video("a fox", replace(PICTURE, mime="image/gif")), "image/gif"),
        (video("make it night", model="aleph2"), "one video"),
        (video("make it night", CLIP, CLIP, model="aleph2"), "one video"),
        (video("make it night", CLIP, model="aleph2", duration=5), "as long as it is"),
        (video("make it night", CLIP, model="aleph2", aspect_ratio="5:4"), "aspect_ratio '5:4'"),
        (video("make it night", replace(CLIP, mime="video/x-matroska"), model="aleph2"), "video/x-matroska"),
        (video("make it night", CLIP, replace(PICTURE, mime="image/gif"), model="aleph2"), "image/gif"),
        (video("a fox", model="gen5"), "gen5"),
        (replace(video("a fox"), kind=MediaKind.IMAGE), "makes videos"),
        (replace(video("a fox"), action=Action(ActionKind.EXTEND, "1")), "cannot extend"),
    ],
)
async def test_what_cannot_be_is_refused_before_any_call(
    provider: RunwayProvider, emulator: RunwayEmulator, job: Job, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await provider.submit(job)
    assert emulator.calls == []


@pytest.mark.parametrize("status", ["PENDING", "THROTTLED", "RUNNING", "A_STATE_TO_COME"])
@pytest.mark.parametrize("progress", [None, 0, 0.4, 1])
def test_progress_is_told_while_a_task_runs_and_never_as_done(status: str, progress: Json) -> None:
    share = _share(Task.model_validate({"status": status, "progress": progress}))
    assert (share is not None) == (status == "RUNNING" and progress is not None)
    assert share is None or 0 < share < 1


async def test_the_key_is_not_sent_to_the_bucket(provider: RunwayProvider, emulator: RunwayEmulator) -> None:
    await submitted(provider, video("make it night", replace(CLIP, data=BIG), model="aleph2"))
    assert len(emulator.files) == 1  # the emulated bucket hangs up on a key
    assert KEY not in str(emulator.calls)
