"""Pictures and videos find the slots of a model, and what does not fit is told with what would."""

from __future__ import annotations

from typing import Any

import pytest

from core.catalog import InputSlot
from core.generations import inputs
from core.generations.refusals import (
    ImageRequired,
    ImagesNotSupported,
    InputMismatch,
    OrderRefused,
    TooManyImages,
    VideoRequired,
    VideosNotSupported,
    VideoTooLong,
)
from core.storage import StoredFile
from providers.base import MediaRole
from tests.bot.test_offers import a_model

START, END = MediaRole.START, MediaRole.END
IMAGE, REFERENCE, MASK, VIDEO = MediaRole.IMAGE, MediaRole.REFERENCE, MediaRole.MASK, MediaRole.VIDEO

FRAMES = (
    InputSlot(START, 1),
    InputSlot(END, 1, needs=frozenset({START}), requires={"mode": ("pro",)}),
    InputSlot(REFERENCE, 3, excludes=frozenset({START, END})),
)
PICTURES = (InputSlot(IMAGE, 2), InputSlot(MASK, 1, needs=frozenset({IMAGE})))
EDITING = (InputSlot(REFERENCE, 4, fewer={VIDEO: 2}), InputSlot(VIDEO, 1, least=1, longest=10.0))


def photo(role: MediaRole = IMAGE, key: str = "a") -> StoredFile:
    """A picture."""
    return StoredFile(f"uploads/{key}.jpg", "image/jpeg", 10, 4, 4, role=role.value)


def video(seconds: float = 5.0, role: MediaRole = IMAGE) -> StoredFile:
    """A video."""
    return StoredFile("uploads/v.mp4", "video/mp4", 10, 4, 4, seconds, role=role.value)


@pytest.mark.parametrize(
    ("slots", "files", "roles"),
    [
        (FRAMES, [], []),
        (FRAMES, [photo()], [START]),
        (FRAMES, [photo(), photo()], [START, END]),
        (FRAMES, [photo(REFERENCE), photo(REFERENCE)], [REFERENCE, REFERENCE]),
        (FRAMES, [photo(), photo(), photo()], [REFERENCE] * 3),
        (FRAMES, [photo(END), photo()], [END, START]),
        (FRAMES, [photo(REFERENCE), photo()], [REFERENCE, REFERENCE]),
        (PICTURES, [photo(), photo()], [IMAGE, IMAGE]),
        (PICTURES, [photo(MASK), photo()], [MASK, IMAGE]),
        (EDITING, [photo(), video(), photo()], [REFERENCE, VIDEO, REFERENCE]),
        (EDITING, [video(role=VIDEO)], [VIDEO]),
    ],
)
def test_files_without_a_role_take_the_first_slots_that_hold_them(
    slots: tuple[InputSlot, ...], files: list[StoredFile], roles: list[MediaRole]
) -> None:
    found = inputs.placed(a_model(inputs=slots), files, {"mode": "pro"})
    assert [file.role for file in found] == roles
    assert [file.key for file in found] == [file.key for file in files], "in the order in which they came"


@pytest.mark.parametrize(
    ("slots", "files", "params", "refusal", "told"),
    [
        ((), [photo()], {}, ImagesNotSupported, {}),
        ((), [video()], {}, VideosNotSupported, {}),
        (PICTURES, [video()], {}, VideosNotSupported, {}),
        (PICTURES, [photo()] * 3, {}, TooManyImages, {"limit": 2}),
        (PICTURES, [photo(MASK)], {}, InputMismatch, {"role": MASK, "needs": (IMAGE,)}),
        (PICTURES, [photo(START)], {}, InputMismatch, {"role": START}),
        (FRAMES, [photo()] * 4, {}, TooManyImages, {"limit": 3}),
        (FRAMES, [photo(END)], {"mode": "pro"}, InputMismatch, {"role": END, "needs": (START,)}),
        (FRAMES, [photo(), photo()], {"mode": "std"}, InputMismatch, {"role": END, "requires": {"mode": ("pro",)}}),
        (FRAMES, [photo(START), photo(REFERENCE)], {}, InputMismatch, {"role": REFERENCE}),
        (FRAMES, [photo(START), photo(START)], {}, TooManyImages, {"limit": 1}),
        (EDITING, [photo()], {}, VideoRequired, {}),
        (EDITING, [], {}, VideoRequired, {}),
        (EDITING, [video(), video()], {}, TooManyImages, {"limit": 1}),
        (EDITING, [video(), *[photo()] * 3], {}, TooManyImages, {"limit": 2}),
        (EDITING, [video(10.5)], {}, VideoTooLong, {"limit": 10.0, "seconds": 10.5}),
        ((InputSlot(IMAGE, 1, least=1),), [], {}, ImageRequired, {}),
        ((InputSlot(VIDEO, 1, least=1),), [photo()], {}, VideoRequired, {}),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    slots: tuple[InputSlot, ...],
    files: list[StoredFile],
    params: dict[str, Any],
    refusal: type[OrderRefused],
    told: dict[str, Any],
) -> None:
    with pytest.raises(refusal) as caught:
        inputs.placed(a_model(inputs=slots), files, params)
    assert {name: getattr(caught.value, name) for name in told} == told
    assert str(caught.value) or type(caught.value).__doc__


@pytest.mark.parametrize("role", [VIDEO, MASK])
def test_a_picture_that_is_called_something_else_is_not_taken_for_it(role: MediaRole) -> None:
    slots = (InputSlot(IMAGE, 2), InputSlot(VIDEO, 1))
    with pytest.raises(OrderRefused):
        inputs.placed(a_model(inputs=slots), [photo(role)], {})


def test_a_video_that_is_called_a_picture_is_not_taken_for_one() -> None:
    slots = (InputSlot(START, 2), InputSlot(VIDEO, 1))
    with pytest.raises(OrderRefused):
        inputs.placed(a_model(inputs=slots), [video(role=START)], {})
