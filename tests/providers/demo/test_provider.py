"""The demonstration keeps the contract of a provider, on good days and on the bad ones that it is told to have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import UnidentifiedImageError

from providers.base import Failed, Finished, InputMedia, Job, Json, Provider, Running, Submitted
from providers.demo import DemoProvider
from providers.errors import (
    FAILURE_CLASSES,
    Ambiguous,
    InvalidRequest,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    TimedOut,
)
from tests.providers.demo.conftest import Clock, drafts, submission_lines, submissions
from tests.providers.media import image_job, opened, photo, video_job


async def finished(provider: DemoProvider, prompt: str, **params: Json) -> Finished:
    result = await provider.submit(image_job(prompt, image_size="512", **params))  # type: ignore[arg-type]
    assert isinstance(result, Finished)
    return result


async def accepted(provider: DemoProvider, prompt: str, client_id: str = "job-1") -> str:
    result = await provider.submit(image_job(prompt, client_id=client_id, image_size="512"))
    assert isinstance(result, Submitted)
    return result.external_id


def test_the_demonstration_keeps_the_contract(provider: DemoProvider) -> None:
    assert isinstance(provider, Provider)


async def test_words_become_a_picture_at_once(provider: DemoProvider, folder: Path) -> None:
    result = await provider.submit(image_job("a red fox in the snow"))
    assert isinstance(result, Finished)
    (media,) = result.media
    assert media.mime == "image/jpeg"
    picture = opened(media.data)
    assert (picture.size, picture.format) == ((1024, 1024), "JPEG")
    assert not picture.getexif()
    assert result.cost_usd == Decimal(0)
    assert submissions(folder) == ["job-1"]


async def test_the_same_words_give_the_same_file(provider: DemoProvider) -> None:
    assert (await finished(provider, "лиса")).media == (await finished(provider, "лиса")).media


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ("1:1", (512, 512)),
        ("16:9", (512, 288)),
        ("9:16", (288, 512)),
        ("4:3", (512, 384)),
        ("3:4", (384, 512)),
        ("3:2", (512, 341)),
        ("2:3", (341, 512)),
        ("4:5", (410, 512)),
        ("5:4", (512, 410)),
        ("21:9", (512, 219)),
        ("auto", (512, 512)),
    ],
)
async def test_shapes_are_honoured(provider: DemoProvider, ratio: str, size: tuple[int, int]) -> None:
    result = await finished(provider, "a fox", aspect_ratio=ratio)
    assert opened(result.media[0].data).size == size


@pytest.mark.parametrize(("size", "pixels"), [("1K", 1024), ("2K", 2048), ("4K", 4096)])
async def test_sizes_are_honoured(provider: DemoProvider, size: str, pixels: int) -> None:
    result = await provider.submit(image_job("море", image_size=size, aspect_ratio="16:9"))
    assert isinstance(result, Finished)
    assert opened(result.media[0].data).width == pixels


@pytest.mark.parametrize(
    ("file_format", "mime"), [("jpeg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")]
)
async def test_formats_are_honoured(provider: DemoProvider, file_format: str, mime: str) -> None:
    (media,) = (await finished(provider, "a fox", output_format=file_format)).media
    assert media.mime == mime
    assert opened(media.data).get_format_mimetype() == mime  # type: ignore[attr-defined]


@pytest.mark.parametrize("quantity", [1, 2, 4])
async def test_as_many_different_pictures_are_made_as_asked(provider: DemoProvider, quantity: int) -> None:
    result = await finished(provider, "a fox", quantity=quantity)
    assert len({media.data for media in result.media}) == quantity


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("quantity", value) for value in (0, 5, -1, "many", None)),
        *(("aspect_ratio", value) for value in ("wide", "0:1", "1:0", "16/9", "100:1", 3)),
        *(("image_size", value) for value in ("8K", "1k", 1024)),
        *(("output_format", value) for value in ("gif", 1)),
    ],
)
async def test_impossible_parameters_are_refused_and_nothing_is_accepted(
    provider: DemoProvider, folder: Path, name: str, value: Json
) -> None:
    params: dict[str, Json] = {name: value}
    with pytest.raises(InvalidRequest, match=name):
        await provider.submit(image_job("a fox", **params))  # type: ignore[arg-type]
    assert submissions(folder) == []


async def test_unknown_parameters_are_ignored(provider: DemoProvider) -> None:
    assert (await finished(provider, "a fox", mood="happy")).media


@pytest.mark.parametrize("prompt", ["", "   \n"])
async def test_nothing_to_go_by_is_refused(provider: DemoProvider, prompt: str) -> None:
    with pytest.raises(InvalidRequest):
        await provider.submit(image_job(prompt))


@pytest.mark.parametrize("prompt", ["🦊", "x" * 4000, "ы" * 4000, "слово " * 666, "\x00\x01", "\ud83d"])
async def test_odd_prompts_are_drawn(provider: DemoProvider, prompt: str) -> None:
    assert (await finished(provider, prompt)).media


async def test_a_photo_comes_back_edited_in_its_own_shape(provider: DemoProvider) -> None:
    result = await provider.submit(image_job("black and white", photo((800, 600), orientation=6)))
    assert isinstance(result, Finished)
    picture = opened(result.media[0].data)
    assert picture.size == (600, 800)
    assert not picture.getexif()


async def test_a_photo_without_words_is_edited_too(provider: DemoProvider) -> None:
    assert isinstance(await provider.submit(image_job("", photo())), Finished)


async def test_a_shape_asked_for_an_edit_is_honoured(provider: DemoProvider) -> None:
    result = await provider.submit(image_job("night", photo((800, 600)), aspect_ratio="9:16"))
    assert isinstance(result, Finished)
    assert opened(result.media[0].data).size == (576, 1024)


async def test_a_small_photo_is_enlarged_so_that_words_can_be_read(provider: DemoProvider) -> None:
    result = await provider.submit(image_job("night", photo((60, 40))))
    assert isinstance(result, Finished)
    assert opened(result.media[0].data).width == 512


async def test_several_photos_become_a_collage(provider: DemoProvider) -> None:
    result = await provider.submit(image_job("b/w", photo(), photo(), photo()))
    assert isinstance(result, Finished)
    assert opened(result.media[0].data).width == 1024


@pytest.mark.parametrize("prompt", ["night", "[slow 1] night"])
@pytest.mark.parametrize("make", [image_job, video_job])
async def test_a_file_that_is_no_picture_is_refused_and_nothing_is_accepted(
    provider: DemoProvider, folder: Path, prompt: str, make: Callable[..., Job]
) -> None:
    with pytest.raises(InvalidRequest):
        await provider.submit(make(prompt, InputMedia(b"not a picture", "image/jpeg")))
    assert submissions(folder) == []


async def test_a_slow_job_reports_progress_and_finishes(provider: DemoProvider, clock: Clock) -> None:
    external_id = await accepted(provider, "[slow 5] fox")
    assert await provider.poll(external_id) == Running(0.0, timedelta(seconds=2))
    clock.advance(4)
    assert await provider.poll(external_id) == Running(0.8, timedelta(seconds=1))
    clock.advance(1)
    result = await provider.poll(external_id)
    assert isinstance(result, Finished)
    assert len(result.media) == 1


async def test_the_order_is_not_drawn(provider: DemoProvider, clock: Clock) -> None:
    plain = await finished(provider, "fox")
    external_id = await accepted(provider, "[slow 1] fox")
    clock.advance(1)
    assert await provider.poll(external_id) == plain


@pytest.mark.parametrize("failure", FAILURE_CLASSES)
async def test_every_failure_can_be_had_at_submission(
    provider: DemoProvider, folder: Path, failure: type[ProviderError]
) -> None:
    with pytest.raises(failure) as caught:
        await provider.submit(image_job(f"[fail {failure.code}] fox"))
    assert type(caught.value) is failure
    assert submissions(folder) == []
    assert await provider.find("job-1") is None


@pytest.mark.parametrize("failure", FAILURE_CLASSES)
async def test_every_failure_can_be_had_later(
    provider: DemoProvider, folder: Path, clock: Clock, failure: type[ProviderError]
) -> None:
    external_id = await accepted(provider, f"[fail later {failure.code}] fox")
    assert submissions(folder) == ["job-1"]
    clock.advance(1)
    result = await provider.poll(external_id)
    assert isinstance(result, Failed)
    assert type(result.error) is failure


async def test_a_lost_answer_leaves_a_job_that_can_be_found(provider: DemoProvider, folder: Path) -> None:
    with pytest.raises(Ambiguous):
        await provider.submit(image_job("[lose] fox"))
    assert submissions(folder) == ["job-1"]
    external_id = await provider.find("job-1")
    assert external_id is not None
    assert isinstance(await provider.poll(external_id), Finished)


async def test_a_job_lost_on_the_way_there_is_not_found(provider: DemoProvider, folder: Path) -> None:
    for _ in range(2):
        with pytest.raises(Ambiguous):
            await provider.submit(image_job("[lose early] fox"))
    assert await provider.find("job-1") is None
    assert submissions(folder) == []


async def test_a_job_can_be_lost_on_the_way_there_just_once(provider: DemoProvider, folder: Path) -> None:
    with pytest.raises(Ambiguous):
        await provider.submit(image_job("[lose early 1] fox"))
    await finished(provider, "[lose early 1] fox")
    assert submissions(folder) == ["job-1"]


async def test_a_job_can_run_for_ever(provider: DemoProvider, clock: Clock) -> None:
    external_id = await accepted(provider, "[never] fox")
    clock.advance(10_000_000)
    result = await provider.poll(external_id)
    assert isinstance(result, Running)
    assert result.progress == 0.99


async def test_garbage_is_no_picture_though_it_says_so(provider: DemoProvider) -> None:
    (media,) = (await finished(provider, "[garbage] fox")).media
    assert media.mime == "image/png"
    with pytest.raises(UnidentifiedImageError):
        opened(media.data)


async def test_a_job_can_finish_with_nothing(provider: DemoProvider) -> None:
    assert (await finished(provider, "[none] fox")).media == ()


@pytest.mark.parametrize(("quantity", "made"), [(1, 0), (2, 1), (4, 3)])
async def test_a_job_can_finish_with_one_too_few(provider: DemoProvider, quantity: int, made: int) -> None:
    assert len((await finished(provider, "[partial] fox", quantity=quantity)).media) == made


async def test_a_flaky_provider_works_in_the_end(provider: DemoProvider, folder: Path, clock: Clock) -> None:
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await DemoProvider(folder, clock).submit(image_job("[flaky 2] fox"))
    assert submissions(folder) == []
    await finished(provider, "[flaky 2] fox")
    assert submissions(folder) == ["job-1"]


async def test_flakiness_is_counted_for_each_job(provider: DemoProvider) -> None:
    for client_id in ("one", "two"):
        with pytest.raises(ProviderUnavailable):
            await provider.submit(image_job("[flaky 1] fox", client_id=client_id))


async def test_polls_can_be_flaky(provider: DemoProvider) -> None:
    external_id = await accepted(provider, "[poll flaky 2] fox")
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await provider.poll(external_id)
    assert isinstance(await provider.poll(external_id), Finished)


async def test_a_limit_says_when_to_return_and_then_works(provider: DemoProvider, folder: Path) -> None:
    with pytest.raises(RateLimited) as caught:
        await provider.submit(image_job("[limit 3] fox"))
    assert caught.value.retry_after == timedelta(seconds=3)
    await finished(provider, "[limit 3] fox")
    assert submissions(folder) == ["job-1"]


async def test_bad_days_can_be_combined(provider: DemoProvider, clock: Clock) -> None:
    with pytest.raises(ProviderUnavailable):
        await provider.submit(image_job("[flaky 1][limit 2][slow 1] fox"))
    with pytest.raises(RateLimited):
        await provider.submit(image_job("[flaky 1][limit 2][slow 1] fox"))
    external_id = await accepted(provider, "[flaky 1][limit 2][slow 1] fox")
    clock.advance(1)
    assert isinstance(await provider.poll(external_id), Finished)


async def test_a_cancelled_job_never_finishes(provider: DemoProvider, clock: Clock) -> None:
    external_id = await accepted(provider, "[slow 1] fox")
    await provider.cancel(external_id)
    clock.advance(100)
    result = await provider.poll(external_id)
    assert isinstance(result, Failed)
    assert isinstance(result.error, TimedOut)


@pytest.mark.parametrize("external_id", ["demo-unknown-1", "", "../../etc/passwd", "demo-../x", "demo-a/b"])
async def test_an_unknown_job_is_failed_and_cancelling_it_does_nothing(
    provider: DemoProvider, external_id: str
) -> None:
    await provider.cancel(external_id)
    assert isinstance(await provider.poll(external_id), Failed)


async def test_every_accepted_job_can_be_found_even_one_that_finished_at_once(provider: DemoProvider) -> None:
    result = await finished(provider, "fox")
    external_id = await provider.find("job-1")
    assert external_id is not None
    assert await provider.poll(external_id) == result


async def test_another_process_goes_on_with_a_job_and_its_photos(
    provider: DemoProvider, folder: Path, clock: Clock
) -> None:
    given = photo((640, 480))
    here = await provider.submit(image_job("make it night", given, client_id="here"))
    there = await provider.submit(image_job("[slow 1] make it night", given, client_id="there"))
    assert isinstance(there, Submitted)
    clock.advance(1)
    assert await DemoProvider(folder, clock).poll(there.external_id) == here


async def test_a_second_submission_of_a_job_can_be_seen(provider: DemoProvider, folder: Path) -> None:
    first = await accepted(provider, "[slow 1] fox")
    second = await accepted(provider, "[slow 1] fox")
    assert first != second
    assert submissions(folder) == ["job-1", "job-1"]
    assert await provider.find("job-1") == second


async def test_submissions_at_the_same_time_are_all_seen(folder: Path, clock: Clock) -> None:
    providers = [DemoProvider(folder, clock) for _ in range(8)]
    results = await asyncio.gather(*(provider.submit(image_job("[never] fox")) for provider in providers))
    assert len({result.external_id for result in results if isinstance(result, Submitted)}) == 8
    assert submissions(folder) == ["job-1"] * 8


async def test_a_line_of_the_submissions_tells_what_was_accepted(
    provider: DemoProvider, folder: Path, clock: Clock
) -> None:
    external_id = await accepted(provider, "[never] лиса", client_id="код/1")
    line = submission_lines(folder)[0]
    assert line == {"client_id": "код/1", "external_id": external_id, "model": "demo-image", "at": clock.now}


async def test_no_draft_files_are_left(provider: DemoProvider, folder: Path) -> None:
    await accepted(provider, "[never] fox")
    await provider.submit(image_job("night", photo()))
    assert drafts(folder) == []


async def test_a_video_waits_and_its_polls_tell_how_far_it_is(provider: DemoProvider, clock: Clock) -> None:
    submitted = await provider.submit(video_job("море"))
    assert isinstance(submitted, Submitted)
    assert submitted.poll_after <= timedelta(seconds=1)
    clock.advance(0.75)
    running = await provider.poll(submitted.external_id)
    assert isinstance(running, Running)
    assert running.progress == pytest.approx(0.5)


async def test_webhooks_and_closing_mean_nothing_here(provider: DemoProvider) -> None:
    assert provider.parse_webhook({"a": "b"}, b"{}") is None
    await provider.close()
    await provider.close()
