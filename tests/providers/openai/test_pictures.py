"""Pictures made by the real SDK from the emulated API."""

from __future__ import annotations

import base64
import os
import tracemalloc
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from providers.base import Action, ActionKind, InputMedia, Job, Json, MediaKind, MediaRole
from providers.errors import InvalidRequest, ModelRetired, ProviderError
from providers.openai import OpenAiProvider, models, sizes
from providers.openai.provider import Made, Usage, _cost
from providers.sdk import _read
from tests.emulators.openai import OpenAiEmulator
from tests.providers.media import opened, photo
from tests.providers.openai.conftest import KEY, make, picture_job

pytestmark = pytest.mark.integration
PICTURE = photo()


def png(mode: str, size: tuple[int, int], color: Any) -> InputMedia:
    """Return a mask, half of which is of this color and half the opposite."""
    image = Image.new(mode, size, color)
    opposite = tuple(255 - part for part in color) if isinstance(color, tuple) else 255 - color
    image.paste(opposite, (0, 0, size[0] // 2, size[1]))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return InputMedia(buffer.getvalue(), "image/png", role=MediaRole.MASK)


def last(emulator: OpenAiEmulator) -> tuple[str, dict[str, Any]]:
    return emulator.calls[-1].path, emulator.calls[-1].body


async def test_words_become_a_picture(provider: OpenAiProvider, emulator: OpenAiEmulator) -> None:
    (media,) = (await make(provider, "рыжая лиса 🦊 в снегу")).media
    assert (media.mime, media.url) == ("image/png", None)
    assert opened(media.data).size == (1024, 1024)
    assert last(emulator) == (
        "/v1/images/generations",
        {"model": "gpt-image-2.6-flare", "prompt": "рыжая лиса 🦊 в снегу", "n": 1},
    )


async def test_all_pictures_of_a_job_are_one_call(provider: OpenAiProvider, emulator: OpenAiEmulator) -> None:
    result = await make(provider, "a fox", quantity=4)
    assert len(result.media) == 4
    assert len(emulator.calls) == 1
    assert last(emulator)[1]["n"] == 4


async def test_fewer_pictures_than_ordered_are_taken_as_they_are(provider: OpenAiProvider) -> None:
    assert len((await make(provider, "a fox #less=2", quantity=4)).media) == 2


async def test_our_id_is_told_so_that_support_can_find_the_call(
    provider: OpenAiProvider, emulator: OpenAiEmulator
) -> None:
    seen: list[str | None] = []
    authenticate = emulator.authenticate

    def noting(request: Any) -> str:
        seen.append(request.headers.get("x-client-request-id"))
        return authenticate(request)

    emulator.authenticate = noting  # type: ignore[method-assign]
    await make(provider, "a fox")
    assert set(seen) == {"job-1"}


async def test_options_are_sent_under_their_names(provider: OpenAiProvider, emulator: OpenAiEmulator) -> None:
    (media,) = (
        await make(
            provider,
            "a fox",
            quality="max",
            background="opaque",
            output_format="webp",
            output_compression=40,
            moderation="low",
            complexity="high",
        )
    ).media
    assert media.mime == "image/webp"
    assert opened(media.data).format == "WEBP"
    assert {
        name: last(emulator)[1][name] for name in ("quality", "output_compression", "moderation", "complexity")
    } == {
        "quality": "max",
        "output_compression": 40,
        "moderation": "low",
        "complexity": "high",
    }


async def test_a_transparent_background_has_alpha(provider: OpenAiProvider) -> None:
    (media,) = (await make(provider, "a fox", background="transparent")).media
    assert "A" in opened(media.data).getbands()


@pytest.mark.parametrize(
    ("params", "pixels"),
    [
        ({"aspect_ratio": "auto"}, (1024, 1024)),
        ({"aspect_ratio": "1:1"}, (1024, 1024)),
        ({"aspect_ratio": "2:3"}, (1024, 1536)),
        ({"aspect_ratio": "16:9"}, (1536, 864)),
        ({"aspect_ratio": "16:9", "image_size": "2K"}, (2560, 1440)),
        ({"aspect_ratio": "9:16", "image_size": "4K"}, (2160, 3840)),
        ({"size": "1280x768"}, (1280, 768)),
        ({"size": "auto"}, (1024, 1024)),
    ],
)
async def test_a_shape_is_made_in_its_pixels(
    provider: OpenAiProvider, params: dict[str, Any], pixels: tuple[int, int]
) -> None:
    (media,) = (await make(provider, "a fox", **params)).media
    assert opened(media.data).size == pixels


async def test_pictures_are_sent_as_named_files_of_a_form(provider: OpenAiProvider, emulator: OpenAiEmulator) -> None:
    reference = replace(PICTURE, role=MediaRole.REFERENCE)
    (media,) = (await make(provider, "combine", PICTURE, reference, quantity=1, quality="low")).media
    path, body = last(emulator)
    assert path == "/v1/images/edits"
    assert body["image[]"] == [f"{len(PICTURE.data)} bytes of image/jpeg"] * 2
    assert opened(media.data).format == "PNG"


async def test_an_edit_keeps_the_shape_of_the_first_picture(provider: OpenAiProvider, emulator: OpenAiEmulator) -> None:
    await make(provider, "mirror it", photo((300, 100)))
    assert last(emulator)[1]["size"] == "2160x720"


async def test_an_edit_in_another_shape_is_made_in_that_shape(
    provider: OpenAiProvider, emulator: OpenAiEmulator
) -> None:
    await make(provider, "mirror it", PICTURE, aspect_ratio="9:16")
    assert last(emulator)[1]["size"] == "864x1536"


async def test_sixteen_pictures_are_taken_and_seventeen_are_not(
    provider: OpenAiProvider, emulator: OpenAiEmulator
) -> None:
    await make(provider, "combine", *[PICTURE] * 16)
    assert len(last(emulator)[1]["image[]"]) == 16
    with pytest.raises(InvalidRequest, match="16 pictures"):
        await make(provider, "combine", *[PICTURE] * 17)
    assert len(emulator.calls) == 1


@pytest.mark.parametrize(
    "mask",
    [
        png("RGBA", (320, 240), (0, 0, 0, 0)),
        png("RGBA", (160, 120), (255, 255, 255, 255)),
        png("L", (320, 240), 0),
        png("RGB", (640, 480), (0, 0, 0)),
        png("LA", (320, 240), (0, 0)),
    ],
    ids=["as wanted", "smaller", "black and white", "larger in color", "grey with alpha"],
)
async def test_every_mask_of_the_same_shape_is_made_fit(
    provider: OpenAiProvider, emulator: OpenAiEmulator, mask: InputMedia
) -> None:
    assert (await make(provider, "a hat", PICTURE, mask)).media
    assert "image/png" in last(emulator)[1]["mask"]


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ((png("L", (320, 240), 0),), "needs a picture"),
        ((PICTURE, png("L", (240, 320), 0)), "240x320 does not fit a picture of 320x240"),
        ((PICTURE, photo(color=(255, 255, 255))), "mask"),
        ((PICTURE, png("L", (320, 240), 0), png("L", (320, 240), 0)), "16 pictures and a mask"),
        ((PICTURE, InputMedia(b"no picture", "image/png", role=MediaRole.MASK)), "cannot be opened"),
        ((InputMedia(b"no picture", "image/png"),), "cannot be opened"),
        ((replace(PICTURE, mime="image/heic"),), "image/heic"),
        ((replace(PICTURE, role=MediaRole.VIDEO),), "as video"),
    ],
)
async def test_inputs_that_cannot_be_are_refused_before_any_call(
    provider: OpenAiProvider, emulator: OpenAiEmulator, images: tuple[InputMedia, ...], words: str
) -> None:
    if words == "mask":
        images = (images[0], replace(images[1], role=MediaRole.MASK))
    with pytest.raises(InvalidRequest, match=words):
        await make(provider, "a hat", *images)
    assert emulator.calls == []


@pytest.mark.parametrize(
    ("model", "params", "words"),
    [
        ("gpt-image-2", {"quality": "max"}, "quality 'max'"),
        ("gpt-image-2.5-flare", {"quality": "standard"}, "quality 'standard'"),
        ("gpt-image-2.5-flare", {"complexity": "low"}, "complexity 'low'"),
        ("gpt-image-2.6-flare", {"input_fidelity": "high"}, "input_fidelity 'high'"),
        ("gpt-image-1.5", {"size": "1280x768"}, "1280x768"),
        ("gpt-image-1.5", {"aspect_ratio": "16:9"}, "16:9"),
        ("gpt-image-1-mini", {"aspect_ratio": "1:1", "image_size": "2K"}, "1:1 of 2K"),
        ("gpt-image-2", {"aspect_ratio": "7:5"}, "7:5"),
        ("gpt-image-2", {"aspect_ratio": "1:1", "image_size": "8K"}, "8K"),
        ("gpt-image-2", {"image_size": "4K"}, "needs an aspect_ratio"),
        ("gpt-image-2", {"size": "1024x1024", "aspect_ratio": "1:1"}, "stands for"),
        ("gpt-image-2", {"size": "1000x1000"}, "multiples of 16"),
        ("gpt-image-2", {"background": "white"}, "background 'white'"),
        ("gpt-image-2", {"background": "transparent", "output_format": "jpeg"}, "transparent"),
        ("gpt-image-2", {"output_format": "gif"}, "output_format 'gif'"),
        ("gpt-image-2", {"output_compression": 50}, "output_compression 50"),
        ("gpt-image-2", {"output_format": "webp", "output_compression": 101}, "output_compression 101"),
        ("gpt-image-2", {"moderation": "none"}, "moderation 'none'"),
        ("gpt-image-2", {"quantity": 0}, "quantity 0"),
        ("gpt-image-2", {"quantity": 11}, "quantity 11"),
        ("gpt-image-2", {"quantity": 1.5}, "quantity 1.5"),
        ("gpt-image-2", {"seed": 1, "style": "vivid"}, "no option seed, style"),
        ("midjourney", {}, "midjourney is no model"),
    ],
)
async def test_options_that_cannot_be_are_refused_before_any_call(
    provider: OpenAiProvider, emulator: OpenAiEmulator, model: str, params: dict[str, Json], words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await make(provider, "a fox", model=model, **params)
    assert emulator.calls == []


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (picture_job(" "), "description"),
        (picture_job("", PICTURE), "description"),
        (picture_job("a" * 32_001), "32000 characters"),
        (picture_job("a fox", PICTURE, moderation="low"), "moderation 'low'"),
        (picture_job("a fox", model="gpt-image-1.5", input_fidelity="high"), "input_fidelity 'high'"),
        (replace(picture_job("a fox"), kind=MediaKind.VIDEO), "makes images"),
        (replace(picture_job("a fox"), action=Action(ActionKind.UPSCALE, "1")), "cannot upscale"),
    ],
)
async def test_jobs_that_cannot_be_are_refused_before_any_call(
    provider: OpenAiProvider, emulator: OpenAiEmulator, job: Job, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await provider.submit(job)
    assert emulator.calls == []


@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-2", "dall-e-3"])
async def test_a_retired_model_is_not_even_sent(provider: OpenAiProvider, emulator: OpenAiEmulator, model: str) -> None:
    with pytest.raises(ModelRetired, match="2026"):
        await make(provider, "a fox", model=model)
    assert emulator.calls == []


@pytest.mark.parametrize(("model", "fidelity"), [("gpt-image-1.5", "high"), ("gpt-image-1-mini", "low")])
async def test_fidelity_is_told_to_the_models_that_know_it(
    provider: OpenAiProvider, emulator: OpenAiEmulator, model: str, fidelity: str
) -> None:
    await make(provider, "a hat", PICTURE, model=model, input_fidelity=fidelity)
    assert last(emulator)[1]["input_fidelity"] == fidelity
    assert last(emulator)[1]["size"] == "1536x1024"


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        # 11 tokens of words, 1056 tokens of a picture of medium quality
        ("gpt-image-2.6-flare", "0.031735"),
        ("gpt-image-2-2026-04-21", "0.031735"),
        ("gpt-image-1.5", "0.033847"),
        ("gpt-image-1-mini", "0.00847"),
    ],
)
async def test_the_cost_comes_from_the_tokens_used(provider: OpenAiProvider, model: str, cost: str) -> None:
    assert (await make(provider, "a fox", model=model)).cost_usd == Decimal(cost)


async def test_pictures_that_were_given_are_paid_for(provider: OpenAiProvider) -> None:
    edited = await make(provider, "a fox", PICTURE, size="1024x1024")
    assert edited.cost_usd == Decimal("0.031735") + 800 * Decimal(8) / 1_000_000


async def test_the_cost_is_unknown_without_usage(provider: OpenAiProvider) -> None:
    assert (await make(provider, "a fox #bare")).cost_usd is None


def test_tokens_that_are_not_broken_down_are_counted_as_the_dearer_ones() -> None:
    assert _cost("gpt-image-2", Usage(input_tokens=100, output_tokens=1000)) == Decimal("0.0308")


async def test_an_address_with_a_slash_at_its_end_works(emulator: OpenAiEmulator) -> None:
    provider = OpenAiProvider(KEY, base_url=f"{emulator.address}/v1/")
    await make(provider, "a fox")
    await provider.close()
    assert len(emulator.calls) == 1


@pytest.mark.parametrize("model", ["gpt-image-2.6-flare", "gpt-image-2", "gpt-image-1.5", "gpt-image-1-mini"])
async def test_whatever_the_adapter_lets_through_openai_takes(provider: OpenAiProvider, model: str) -> None:
    """Every combination of shape and file that is not refused here must not be refused there."""
    for shape in sizes.SHAPES:
        for scale in sizes.PIXELS:
            try:
                size = sizes.of_shape(models.traits(model), shape, scale)
            except ProviderError:
                continue
            assert sizes.checked(models.traits(model), size) == size
    for form in ("png", "jpeg", "webp"):
        for background in ("auto", "opaque", *(["transparent"] if form != "jpeg" else [])):
            assert (await make(provider, "a fox", model=model, output_format=form, background=background)).media


async def test_an_answer_is_read_beside_the_loop_and_leaves_nothing_but_the_pictures() -> None:
    data = os.urandom(4 * 1024 * 1024)
    answer = SimpleNamespace(content=b'{"data": [{"b64_json": "%s"}]}' % base64.b64encode(data))

    async def fetched() -> object:
        return SimpleNamespace(http_response=answer)

    tracemalloc.start()
    try:
        made = await _read(fetched(), Made)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.data[0].data == data
    assert kept < 1.1 * len(data)
    assert most < 4.5 * len(data)
