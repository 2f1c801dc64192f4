"""Pictures made by the real SDK from the emulated API."""

from __future__ import annotations

from decimal import Decimal

import pytest
from PIL import Image, ImageChops

from providers.base import Finished, InputMedia, Job, Json, MediaKind, Provider
from providers.errors import ContentBlocked, InvalidRequest, ProviderUnavailable
from providers.gemini import GeminiProvider
from tests.emulators.gemini import GeminiEmulator, serve
from tests.providers.gemini.conftest import KEY
from tests.providers.media import opened, photo, video_job

pytestmark = pytest.mark.integration

MODEL = "gemini-nano-banana-2.1"


async def make(
    provider: GeminiProvider, prompt: str, *images: InputMedia, model: str = MODEL, **params: Json
) -> Finished:
    result = await provider.submit(Job("job-1", model, MediaKind.IMAGE, prompt, images, params))
    assert isinstance(result, Finished)
    return result


def test_the_adapter_keeps_the_contract() -> None:
    assert isinstance(GeminiProvider(KEY), Provider)


async def test_words_become_a_picture(provider: GeminiProvider, emulator: GeminiEmulator) -> None:
    result = await make(provider, "a red fox in the snow")
    (media,) = result.media
    assert media.mime == "image/png"
    assert opened(media.data).size == (1024, 1024)
    (call,) = emulator.calls
    assert (call.version, call.model, call.prompt, call.images) == ("v1", MODEL, "a red fox in the snow", 0)
    assert call.config == {"responseModalities": ["TEXT", "IMAGE"]}


async def test_russian_words_arrive_unharmed(provider: GeminiProvider, emulator: GeminiEmulator) -> None:
    await make(provider, "рыжая лиса 🦊 в снегу")
    assert emulator.calls[0].prompt == "рыжая лиса 🦊 в снегу"


async def test_a_photo_is_sent_and_comes_back_edited(provider: GeminiProvider, emulator: GeminiEmulator) -> None:
    given = photo()
    (media,) = (await make(provider, "mirror it", given)).media
    made = opened(media.data).convert("RGB")
    expected = opened(given.data).transpose(Image.Transpose.FLIP_LEFT_RIGHT)  # as the emulator does
    assert max(high for _, high in ImageChops.difference(made, expected).getextrema()) == 0  # type: ignore[misc]
    assert emulator.calls[0].images == 1


async def test_several_photos_are_sent_in_one_call(provider: GeminiProvider, emulator: GeminiEmulator) -> None:
    await make(provider, "combine", photo(), photo(color=(9, 9, 9)), photo(color=(200, 0, 0)))
    assert [call.images for call in emulator.calls] == [3]


async def test_a_photo_without_words_is_enough(provider: GeminiProvider, emulator: GeminiEmulator) -> None:
    await make(provider, "", photo())
    assert (emulator.calls[0].prompt, emulator.calls[0].images) == ("", 1)


@pytest.mark.parametrize(("size", "pixels"), [("1K", (1024, 576)), ("2K", (2048, 1152)), ("4K", (4096, 2304))])
async def test_shape_and_size_are_sent(
    provider: GeminiProvider, emulator: GeminiEmulator, size: str, pixels: tuple[int, int]
) -> None:
    result = await make(provider, "a fox", aspect_ratio="16:9", image_size=size)
    assert emulator.calls[0].config["imageConfig"] == {"aspectRatio": "16:9", "imageSize": size}
    assert opened(result.media[0].data).size == pixels


@pytest.mark.parametrize("model", ["gemini-2.5-flash-image", "gemini-3.1-flash-lite-image"])
async def test_a_model_of_one_size_is_never_sent_a_size(
    provider: GeminiProvider, emulator: GeminiEmulator, model: str
) -> None:
    await make(provider, "a fox", model=model, aspect_ratio="3:4", image_size="1K")
    assert emulator.calls[0].config["imageConfig"] == {"aspectRatio": "3:4"}


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("gemini-2.5-flash-image", "2K"),
        ("gemini-3.1-flash-lite-image", "4K"),
        (MODEL, "512"),
        (MODEL, "1k"),
        ("a-model-of-tomorrow", "4K"),
    ],
)
async def test_a_size_that_the_model_does_not_make_is_refused_before_any_call(
    provider: GeminiProvider, emulator: GeminiEmulator, model: str, size: str
) -> None:
    with pytest.raises(InvalidRequest, match="image_size"):
        await make(provider, "a fox", model=model, image_size=size)
    assert emulator.calls == []


async def test_an_automatic_shape_is_left_to_the_model(provider: GeminiProvider, emulator: GeminiEmulator) -> None:
    await make(provider, "a fox", aspect_ratio="auto")
    assert "imageConfig" not in emulator.calls[0].config


async def test_the_time_limit_is_told_to_the_server_in_seconds(
    provider: GeminiProvider, emulator: GeminiEmulator
) -> None:
    await make(provider, "a fox")
    assert emulator.calls[0].server_timeout == "20"


async def test_a_draft_in_a_thought_is_never_taken_for_the_picture(provider: GeminiProvider) -> None:
    (media,) = (await make(provider, "a fox #drafts")).media
    assert opened(media.data).size == (1024, 1024)  # drafts are 512


@pytest.mark.parametrize("quantity", [1, 2, 4])
async def test_every_picture_is_a_call_of_its_own(
    provider: GeminiProvider, emulator: GeminiEmulator, quantity: int
) -> None:
    result = await make(provider, "a fox", quantity=quantity)
    assert len(result.media) == len(emulator.calls) == quantity


async def test_the_pictures_of_a_job_are_made_at_the_same_time(
    provider: GeminiProvider, emulator: GeminiEmulator
) -> None:
    emulator.script("#delay=0.3", times=4)
    result = await make(provider, "a fox", quantity=4)
    assert len(result.media) == emulator.most_at_once == 4


async def test_pictures_that_came_are_kept_when_others_failed(
    provider: GeminiProvider, emulator: GeminiEmulator
) -> None:
    emulator.script("#status=503", times=2)
    result = await make(provider, "a fox", quantity=3)
    assert len(result.media) == 1


async def test_pictures_that_were_withheld_are_counted(provider: GeminiProvider, emulator: GeminiEmulator) -> None:
    emulator.script("#finish=IMAGE_SAFETY", times=2)
    emulator.script("#status=503")
    result = await make(provider, "a fox", quantity=4)
    assert (len(result.media), result.blocked) == (1, 2)


async def test_the_most_telling_failure_is_raised_when_all_failed(
    provider: GeminiProvider, emulator: GeminiEmulator
) -> None:
    emulator.script("#status=503", times=2)
    emulator.script("#block=SAFETY")
    with pytest.raises(ContentBlocked):
        await make(provider, "a fox", quantity=3)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        # prompt 300, thoughts 210, text 12, image 1120 tokens
        (MODEL, Decimal("0.035715")),
        ("gemini-3-pro-image", Decimal("0.137664")),
        ("gemini-2.5-flash-image", Decimal("0.034245")),
        ("gemini-3.1-flash-lite-image", None),
    ],
)
async def test_the_cost_comes_from_the_tokens_used(
    provider: GeminiProvider, model: str, expected: Decimal | None
) -> None:
    assert (await make(provider, "a fox", model=model)).cost_usd == expected


async def test_the_cost_of_a_stumble_is_counted(provider: GeminiProvider) -> None:
    once = await make(provider, "a fox")
    stumbled = await make(provider, "a cat #finish=NO_IMAGE #first=1")
    assert once.cost_usd is not None
    assert stumbled.cost_usd is not None
    assert stumbled.cost_usd > once.cost_usd


async def test_the_client_opens_again_after_it_was_closed(provider: GeminiProvider, emulator: GeminiEmulator) -> None:
    await make(provider, "a fox")
    await provider.close()
    await provider.close()
    await make(provider, "a fox")
    assert len(emulator.calls) == 2


async def test_an_address_with_a_slash_at_its_end_works(address: str, emulator: GeminiEmulator) -> None:
    provider = GeminiProvider(KEY, base_url=address + "/")
    await make(provider, "a fox")
    await provider.close()
    assert len(emulator.calls) == 1


@pytest.mark.parametrize("quantity", [0, 5, -1, "two", 1.5, True, None])
async def test_an_impossible_quantity_is_refused_before_any_call(
    provider: GeminiProvider, emulator: GeminiEmulator, quantity: Json
) -> None:
    with pytest.raises(InvalidRequest, match="quantity"):
        await make(provider, "a fox", quantity=quantity)
    assert emulator.calls == []


async def test_neither_words_nor_photo_is_refused_before_any_call(
    provider: GeminiProvider, emulator: GeminiEmulator
) -> None:
    with pytest.raises(InvalidRequest):
        await make(provider, "  ")
    assert emulator.calls == []


async def test_a_video_is_refused_before_any_call(provider: GeminiProvider, emulator: GeminiEmulator) -> None:
    with pytest.raises(InvalidRequest, match="video"):
        await provider.submit(video_job("a fox"))
    assert emulator.calls == []


async def test_an_address_where_nobody_listens_is_unavailable() -> None:
    async with serve(GeminiEmulator()) as address:
        pass
    provider = GeminiProvider(KEY, base_url=address)
    with pytest.raises(ProviderUnavailable, match="not connected"):
        await make(provider, "a fox")
    await provider.close()
