"""What the shipped models cost: the predecessor's prices, and more for what costs a vendor more."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from core.generations import TooManyImages, inputs
from core.pricing import InvalidParams, quote
from core.storage import StoredFile
from providers.base import Json, MediaRole
from tests.core.catalog.shipped import shipped


@pytest.mark.parametrize(
    ("slug", "params", "usd", "tokens"),
    [
        ("nano-banana", {}, "0.02", "0.80"),
        ("nano-banana-pro", {}, "0.15", "6.00"),
        ("gpt-image-1", {}, "0.04", "1.60"),
        ("gpt-image-1", {"quantity": 2}, "0.08", "3.20"),
        ("gpt-image-1", {"quantity": 4}, "0.16", "6.40"),
        ("midjourney-v7-fast", {}, "0.04", "1.60"),
        ("veo3-fast", {}, "0.40", "16.00"),
        ("sora2", {}, "0.16", "6.40"),
        ("sora2", {"duration": 10}, "0.20", "8.00"),
        ("sora2", {"duration": 15}, "0.30", "12.00"),
        ("kling-v2-5-turbo", {"duration": 5}, "0.21", "8.40"),
        ("kling-v2-5-turbo", {"duration": 10}, "0.42", "16.80"),
        ("kling-v2-5-turbo", {"duration": 5, "mode": "pro"}, "0.35", "14.00"),
        ("kling-v2-5-turbo", {"duration": 10, "mode": "pro"}, "0.70", "28.00"),
        ("kling-v2-5-turbo-pro", {"duration": 5}, "0.35", "14.00"),
        ("kling-v2-5-turbo-pro", {"duration": 10}, "0.70", "28.00"),
        ("kling-v2-6", {"duration": 5}, "0.275", "11.00"),
        ("kling-v2-6", {"duration": 10}, "0.55", "22.00"),
        ("kling-v2-6", {"duration": 5, "sound": True}, "0.35", "14.00"),
        ("kling-v2-6", {"duration": 10, "sound": True}, "0.70", "28.00"),
        ("kling-v2-6-pro-with-sound", {"duration": 5}, "0.35", "14.00"),
        ("kling-v2-1", {"duration": 5}, "0.20", "8.00"),
        ("kling-v2-1", {"duration": 5, "mode": "pro"}, "0.35", "14.00"),
        ("kling-v2-1-pro", {"duration": 5}, "0.35", "14.00"),
        ("kling-v2-1-master", {"duration": 5}, "0.80", "32.00"),
        ("kling_O1", {"duration": 3}, "0.30", "12.00"),
        ("kling_O1", {"duration": 5}, "0.50", "20.00"),
        ("kling_O1", {"duration": 10}, "1.00", "40.00"),
        ("runway_gen4", {"duration": 5}, "0.10", "4.00"),
        ("runway_gen4", {"duration": 10}, "0.20", "8.00"),
        ("runway_aleph", {}, "0.50", "20.00"),
        ("midjourney-video", {}, "0.075", "3.00"),
        ("gemini-2.5-pro", {}, "0.01", "0.40"),
        ("imagen-3", {}, "0.075", "3.00"),
    ],
)
def test_the_predecessors_prices_hold(slug: str, params: Mapping[str, Json], usd: str, tokens: str) -> None:
    price = quote(shipped(slug), params)
    assert (price.usd, price.tokens) == (Decimal(usd), Decimal(tokens))


@pytest.mark.parametrize(
    ("slug", "cheap", "dear"),
    [
        ("nano-banana-pro", {}, {"image_size": "4K"}),
        ("gpt-image-1", {}, {"quality": "high"}),
        ("gpt-image-1", {}, {"aspect_ratio": "16:9"}),
        ("midjourney-v7-fast", {}, {"speed": "turbo"}),
        ("veo3-fast", {"sound": False}, {}),
        ("veo3-pro", {"sound": False}, {}),
        ("veo3-pro", {}, {"resolution": "4k"}),
        ("kling-v2-6", {}, {"sound": True}),
        ("kling-v2-1", {}, {"mode": "pro"}),
    ],
)
def test_what_costs_a_vendor_more_costs_the_person_more(
    slug: str, cheap: Mapping[str, Json], dear: Mapping[str, Json]
) -> None:
    assert quote(shipped(slug), dear).tokens > quote(shipped(slug), cheap).tokens


class TestConditions:
    """What follows from a choice."""

    def test_sound_brings_the_quality_that_it_needs(self) -> None:
        assert quote(shipped("kling-v2-6"), {"sound": True}).params["mode"] == "pro"
        assert quote(shipped("kling-v2-6"), {}).params["mode"] == "std"

    def test_sound_in_another_quality_is_refused_and_not_changed(self) -> None:
        with pytest.raises(InvalidParams) as refusal:
            quote(shipped("kling-v2-6"), {"sound": True, "mode": "std"})
        assert [problem.param for problem in refusal.value.problems] == ["mode"]

    @pytest.mark.parametrize("seconds", [4, 6])
    def test_a_large_film_is_made_in_full_length_only(self, seconds: int) -> None:
        with pytest.raises(InvalidParams):
            quote(shipped("veo3-fast"), {"resolution": "1080p", "duration": seconds})
        assert quote(shipped("veo3-fast"), {"resolution": "1080p"}).params["duration"] == 8


@pytest.mark.parametrize(("pictures", "with_video", "fits"), [(7, False, True), (4, True, True), (5, True, False)])
def test_beside_a_video_fewer_pictures_are_taken(pictures: int, with_video: bool, fits: bool) -> None:
    photo = StoredFile("uploads/a.jpg", "image/jpeg", 10, role=MediaRole.REFERENCE.value)
    film = StoredFile("uploads/a.mp4", "video/mp4", 10, seconds=5.0, role=MediaRole.VIDEO.value)
    given = [photo] * pictures + [film] * with_video
    model = shipped("kling_O1")
    if fits:
        assert len(inputs.placed(model, given, {})) == len(given)
    else:
        with pytest.raises(TooManyImages) as refusal:
            inputs.placed(model, given, {})
        assert refusal.value.limit == 4
