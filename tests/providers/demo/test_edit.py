"""Photos are really edited as the words say, upright and without metadata."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageFilter, ImageStat

from providers.demo import edit, paint
from providers.errors import InvalidRequest
from tests.providers.media import photo


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    return paint.draw("a cat near the sea on a sunny day", (320, 240))


def brightness(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L")).mean[0]


def saturation(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("HSV")).mean[1]


def detail(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L").filter(ImageFilter.FIND_EDGES)).mean[0]


@pytest.mark.parametrize(
    "prompt", ["black and white", "make it b/w please", "сделай ч-б", "чёрно-белое фото", "в монохроме"]
)
def test_black_and_white_has_no_colour(scene: Image.Image, prompt: str) -> None:
    assert saturation(edit.apply(scene, prompt)) == 0


@pytest.mark.parametrize("prompt", ["blur it", "размой фон"])
def test_a_blur_loses_detail(scene: Image.Image, prompt: str) -> None:
    assert detail(edit.apply(scene, prompt)) < detail(scene) * 0.5


@pytest.mark.parametrize("prompt", ["invert colours", "инвертируй"])
def test_inverting_is_exact(scene: Image.Image, prompt: str) -> None:
    assert ImageChops.add(edit.apply(scene, prompt), scene).getextrema() == ((255, 255),) * 3


@pytest.mark.parametrize("prompt", ["sepia", "сепия", "ретро"])
def test_sepia_is_brown(scene: Image.Image, prompt: str) -> None:
    red, green, blue = ImageStat.Stat(edit.apply(scene, prompt)).mean
    assert red > green > blue


@pytest.mark.parametrize("prompt", ["night", "сделай ночь", "затемни"])
def test_night_is_darker(scene: Image.Image, prompt: str) -> None:
    assert brightness(edit.apply(scene, prompt)) < brightness(scene) * 0.75


@pytest.mark.parametrize("prompt", ["brighter", "сделай ярче"])
def test_bright_is_brighter(scene: Image.Image, prompt: str) -> None:
    assert brightness(edit.apply(scene, prompt)) > brightness(scene) * 1.1


@pytest.mark.parametrize(
    ("prompt", "channel"),
    [("red", 0), ("красный оттенок", 0), ("green tint", 1), ("зелёный", 1), ("blue", 2), ("синий", 2)],
)
def test_a_tint_shifts_the_colours(scene: Image.Image, prompt: str, channel: int) -> None:
    before, after = ImageStat.Stat(scene).mean, ImageStat.Stat(edit.apply(scene, prompt)).mean
    assert after[channel] / sum(after) > before[channel] / sum(before)


@pytest.mark.parametrize("prompt", ["add snow", "добавь снег", "зима"])
def test_snow_puts_white_flakes_on_a_dark_photo(prompt: str) -> None:
    dark = Image.new("RGB", (320, 240), (20, 30, 40))
    assert edit.apply(dark, prompt).convert("L").getextrema()[1] > 200  # type: ignore[operator]


@pytest.mark.parametrize("prompt", ["mirror", "отрази зеркально"])
def test_mirroring_is_exact(scene: Image.Image, prompt: str) -> None:
    expected = scene.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert edit.apply(scene, prompt).tobytes() == expected.tobytes()


@pytest.mark.parametrize("prompt", ["rotate", "поверни"])
def test_rotating_turns_a_quarter_clockwise(scene: Image.Image, prompt: str) -> None:
    assert edit.apply(scene, prompt).tobytes() == scene.transpose(Image.Transpose.ROTATE_270).tobytes()


def test_several_wishes_are_all_fulfilled(scene: Image.Image) -> None:
    made = edit.apply(scene, "black and white, rotate and blur")
    assert made.size == (240, 320)
    assert saturation(made) == 0


@pytest.mark.parametrize("prompt", ["make it nice", "сделай красиво", "", "😀"])
def test_without_a_known_wish_the_photo_becomes_a_painting(scene: Image.Image, prompt: str) -> None:
    made = edit.apply(scene, prompt)
    assert made.size == scene.size
    assert 3 < sum(ImageStat.Stat(ImageChops.difference(made, scene)).mean) < 200


def test_an_edit_is_the_same_every_time_and_variants_differ(scene: Image.Image) -> None:
    assert edit.apply(scene, "snow").tobytes() == edit.apply(scene, "snow").tobytes()
    assert len({edit.apply(scene, "night", variant=variant).tobytes() for variant in range(4)}) == 4


def test_a_photo_is_turned_upright_and_loses_its_metadata() -> None:
    upright = edit.open_photo(photo(orientation=6).data, 1024)
    assert upright.size == (240, 320)
    assert upright.info == {}
    assert not upright.getexif()
    assert upright.getpixel((235, 5)) > (200, 200, 200)  # type: ignore[operator]


def test_a_large_photo_is_scaled_down() -> None:
    assert edit.open_photo(photo((3000, 1000)).data, 1024).size == (1024, 341)


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA", "1", "CMYK", "I;16"])
def test_every_kind_of_pixel_is_understood(mode: str) -> None:
    buffer = BytesIO()
    image = Image.new("L", (40, 30), 120).convert(mode) if mode != "I;16" else Image.new("I;16", (40, 30), 120)
    image.save(buffer, "TIFF" if mode in {"CMYK", "LA"} else "PNG")
    opened = edit.open_photo(buffer.getvalue(), 1024)
    assert (opened.mode, opened.size) == ("RGB", (40, 30))


def test_what_is_transparent_becomes_white() -> None:
    buffer = BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(buffer, "PNG")
    assert edit.open_photo(buffer.getvalue(), 100).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_usual_formats_are_read(file_format: str) -> None:
    buffer = BytesIO()
    Image.new("RGB", (20, 20), (10, 200, 10)).save(buffer, file_format)
    assert edit.open_photo(buffer.getvalue(), 100).size == (20, 20)


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, photo().data[:400]])
def test_what_is_no_picture_is_an_invalid_request(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        edit.open_photo(data, 1024)


@pytest.mark.parametrize("width", [9_500, 10_001, 30_000])
def test_a_picture_of_too_many_pixels_is_refused_without_decoding_it(width: int) -> None:
    buffer = BytesIO()
    Image.new("1", (8, 8)).save(buffer, "PNG")
    header = b"IHDR" + struct.pack(">II", width, width) + buffer.getvalue()[24:29]
    data = buffer.getvalue()[:12] + header + struct.pack(">I", zlib.crc32(header)) + buffer.getvalue()[33:]
    with pytest.raises(InvalidRequest, match="pixels"):
        edit.open_photo(data, 1024)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7, 9])
def test_a_collage_shows_every_photo(count: int) -> None:
    colors = [(20 + 25 * number, 255 - 25 * number, 128) for number in range(count)]
    sheet = edit.collage([Image.new("RGB", (100, 80), color) for color in colors], 600)
    shown = {color for _, color in sheet.getcolors(1 << 20) or []}
    assert set(colors) <= shown
    assert sheet.width == 600
