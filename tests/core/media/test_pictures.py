"""Pictures that people send, and files that providers return, judged by their bytes alone."""

from __future__ import annotations

import asyncio
import io
import random
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from PIL import ExifTags, Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

from core import media
from core.media import ImageTooLarge, NotAnImage, UnusableMedia, accept_image, inspect, pictures

RED, BLUE = (220, 30, 30), (30, 30, 220)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


def picture(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((width // 2, 0, width, height), fill=BLUE)
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> Image.Image:
    """The file as a picture."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def colour_at(image: Image.Image, x: int, y: int) -> str:
    """Which of the two colours a pixel has."""
    pixel = image.convert("RGB").getpixel((x, y))
    assert isinstance(pixel, tuple)
    return "red" if pixel[0] > pixel[2] else "blue"


def huge_png(width: int, height: int) -> bytes:
    """A small file that claims to be a large picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


class TestAccepting:
    """What people may send."""

    @pytest.mark.parametrize("kind", FORMATS)
    async def test_every_format_that_we_read_is_taken(self, kind: str) -> None:
        accepted = await accept_image(encoded(picture(), kind))
        assert (accepted.mime, accepted.width, accepted.height) == ("image/jpeg", 64, 48)
        assert decoded(accepted.data).format == "JPEG"

    @pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK"])
    async def test_every_way_to_say_colours_is_taken(self, mode: str) -> None:
        accepted = await accept_image(encoded(picture(mode=mode), "JPEG" if mode == "CMYK" else "PNG"))
        assert decoded(accepted.data).mode == "RGB"

    async def test_sixteen_bits_are_taken(self) -> None:
        accepted = await accept_image(encoded(Image.new("I;16", (10, 10), 30_000)))
        assert (accepted.width, accepted.height) == (10, 10)

    async def test_one_pixel_is_taken(self) -> None:
        assert (await accept_image(encoded(picture(1, 1)))).width == 1

    async def test_a_name_that_lies_does_not_matter(self) -> None:
        assert (await accept_image(encoded(picture(), "WEBP"))).mime == "image/jpeg"

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    async def test_transparency_is_kept(self, mode: str) -> None:
        image = picture().convert(mode)
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        accepted = await accept_image(encoded(image))
        assert accepted.mime == "image/png"
        kept = decoded(accepted.data)
        assert kept.mode == "RGBA"
        assert kept.getchannel("A").getextrema() == image.getchannel("A").getextrema()

    async def test_transparency_of_a_palette_is_kept(self) -> None:
        data = encoded(picture(mode="P"), "PNG", transparency=0)
        assert (await accept_image(data)).mime == "image/png"

    async def test_of_an_animation_the_first_frame_is_taken(self) -> None:
        frames = [Image.new("RGB", (20, 10), colour) for colour in (RED, BLUE, RED)]
        accepted = await accept_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
        still = decoded(accepted.data)
        assert getattr(still, "n_frames", 1) == 1
        assert colour_at(still, 5, 5) == "red"

    async def test_four_megapixels_are_left_as_they_are(self) -> None:
        accepted = await accept_image(encoded(picture(2048, 2048), "JPEG"))
        assert (accepted.width, accepted.height) == (2048, 2048)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG"])
    async def test_more_are_scaled_down_in_proportion(self, kind: str) -> None:
        accepted = await accept_image(encoded(picture(6000, 2000), kind))
        assert accepted.width * accepted.height <= media.WORKING_PIXELS
        assert accepted.width * accepted.height > media.WORKING_PIXELS * 0.98
        assert accepted.width / accepted.height == pytest.approx(3, abs=0.01)
        small = decoded(accepted.data)
        assert small.size == (accepted.width, accepted.height)
        assert (colour_at(small, 10, 10), colour_at(small, small.width - 10, 10)) == ("red", "blue")

    async def test_a_strip_keeps_at_least_one_pixel_of_height(self) -> None:
        for size in ((5_000_000, 1), (1, 70_000)):
            accepted = await accept_image(encoded(Image.new("L", size)))
            assert sorted([accepted.width, accepted.height]) == [1, pictures.LONGEST_SIDE]

    async def test_many_at_once_are_each_their_own(self) -> None:
        sizes = range(10, 30)
        accepted = await asyncio.gather(*(accept_image(encoded(picture(size, size))) for size in sizes))
        assert [image.width for image in accepted] == list(sizes)


class TestPrivacy:
    """What a picture tells of its owner goes no further."""

    @staticmethod
    def photograph(orientation: int, kind: str = "JPEG") -> bytes:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        exif[ExifTags.Base.Make] = "Camera of somebody"
        exif[ExifTags.Base.Artist] = "Somebody"
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {
                ExifTags.GPS.GPSLatitudeRef: "N",
                ExifTags.GPS.GPSLatitude: (IFDRational(59), IFDRational(56), IFDRational(0)),
            }
        )
        return encoded(picture(), kind, exif=exif)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    async def test_where_and_with_what_it_was_taken_is_removed(self, kind: str) -> None:
        sent = self.photograph(1, kind)
        assert b"Camera of somebody" in sent
        accepted = await accept_image(sent)
        kept = decoded(accepted.data)
        assert dict(kept.getexif()) == {}
        assert dict(kept.getexif().get_ifd(ExifTags.IFD.GPSInfo)) == {}
        assert b"Exif" not in accepted.data
        assert b"omebody" not in accepted.data

    async def test_comments_and_texts_are_removed(self) -> None:
        assert b"written" not in (await accept_image(encoded(picture(), "JPEG", comment=b"written by me"))).data
        gif = encoded(picture(mode="P"), "GIF", comment=b"written by me", transparency=0)
        assert b"written" not in (await accept_image(gif)).data

    @pytest.mark.parametrize(
        ("orientation", "size", "corner"),
        [
            (1, (64, 48), "red"),
            (2, (64, 48), "blue"),
            (3, (64, 48), "blue"),
            (4, (64, 48), "red"),
            (5, (48, 64), "red"),
            (6, (48, 64), "red"),
            (7, (48, 64), "blue"),
            (8, (48, 64), "blue"),
        ],
    )
    async def test_it_stands_upright_before_the_note_about_it_is_removed(
        self, orientation: int, size: tuple[int, int], corner: str
    ) -> None:
        accepted = await accept_image(self.photograph(orientation))
        assert (accepted.width, accepted.height) == size
        assert colour_at(decoded(accepted.data), 4, 4) == corner

    async def test_a_transparent_photograph_stands_upright_too(self) -> None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        accepted = await accept_image(encoded(picture(mode="RGBA"), "PNG", exif=exif))
        assert (accepted.mime, accepted.width, accepted.height) == ("image/png", 48, 64)


class TestRefusing:
    """What is not taken, and why."""

    async def test_more_than_twenty_megabytes_are_too_large(self) -> None:
        with pytest.raises(ImageTooLarge, match="bytes"):
            await accept_image(b"\0" * (media.MAX_IMAGE_BYTES + 1))

    async def test_twenty_megabytes_are_looked_at(self) -> None:
        padded = encoded(picture(), "JPEG").ljust(media.MAX_IMAGE_BYTES, b"\0")
        assert (await accept_image(padded)).width == 64

    @pytest.mark.parametrize("size", [(8_001, 8_000), (10_000, 9_500), (12_000, 12_000), (60_000, 60_000)])
    async def test_a_small_file_with_too_many_pixels_is_refused_before_it_is_decoded(
        self, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Image.Image, "load", lambda image: pytest.fail("it was decoded"))
        data = huge_png(*size)
        assert len(data) < 200
        with pytest.raises(ImageTooLarge):
            await accept_image(data)

    async def test_it_is_refused_where_warnings_are_only_shown(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(ImageTooLarge):
                await accept_image(huge_png(10_000, 9_500))

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
    @pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
    async def test_half_a_picture_is_not_one(self, kind: str, part: float) -> None:
        data = encoded(Image.effect_noise((200, 200), 80), kind)
        with pytest.raises(NotAnImage):
            await accept_image(data[: int(len(data) * part)])

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\0",
            b"just some text that somebody named picture.png",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"<!DOCTYPE html><script>alert(1)</script>",
            b"%PDF-1.7\n",
            b"PK\x03\x04 a zip",
            b"MZ a program",
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            b"BM",
            b"RIFF\x04\0\0\0WEBP",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            b"%!PS-Adobe-3.0 EPSF-3.0\n",
        ],
    )
    async def test_something_else_is_not_a_picture(self, data: bytes) -> None:
        with pytest.raises(NotAnImage):
            await accept_image(data)

    @pytest.mark.parametrize("kind", ["TIFF", "ICO", "PPM", "TGA"])
    async def test_formats_that_nobody_needs_are_not_even_opened(self, kind: str) -> None:
        with pytest.raises(NotAnImage):
            await accept_image(encoded(picture(), kind))

    @pytest.mark.parametrize("kind", FORMATS)
    async def test_broken_bytes_are_refused_or_read_and_nothing_else(self, kind: str) -> None:
        chance = random.Random(kind)
        whole = encoded(picture(32, 32), kind)
        for _ in range(150):
            broken = bytearray(whole)
            for _ in range(chance.randint(1, 6)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            try:
                accepted = await accept_image(bytes(broken[: chance.randint(1, len(broken) * 2)]))
            except UnusableMedia:
                continue
            assert accepted.width * accepted.height <= media.WORKING_PIXELS

    async def test_the_refusal_repeats_nothing_of_the_file(self) -> None:
        with pytest.raises(NotAnImage) as refusal:
            await accept_image(b"secret text")
        assert "secret" not in str(refusal.value)


class TestInspecting:
    """What a provider returned."""

    @pytest.mark.parametrize("kind", FORMATS)
    async def test_a_picture_is_known_with_its_size(self, kind: str) -> None:
        found = await inspect(encoded(picture(), kind))
        assert (found.mime, found.width, found.height) == (f"image/{kind.lower()}", 64, 48)

    async def test_a_large_picture_keeps_its_size(self) -> None:
        found = await inspect(encoded(picture(4096, 4096), "JPEG"))
        assert (found.width, found.height) == (4096, 4096)

    async def test_a_real_mp4_is_a_video(self, tmp_path: Path) -> None:
        path = tmp_path / "clip.mp4"
        writer = imageio_ffmpeg.write_frames(str(path), (32, 32), fps=5, macro_block_size=2)
        writer.send(None)
        for _ in range(5):
            writer.send(b"\0" * 32 * 32 * 3)
        writer.close()
        found = await inspect(path.read_bytes())
        assert (found.mime, found.width) == ("video/mp4", 32)

    @pytest.mark.parametrize("brand", [b"isom", b"mp42", b"avc1", b"iso5", b"dash"])
    async def test_brands_of_videos_are_known(self, brand: bytes) -> None:
        assert (await inspect(b"\0\0\0\x18ftyp" + brand + b"\0\0\2\0isomiso2" + b"\0" * 64)).mime == "video/mp4"

    @pytest.mark.parametrize(
        "head",
        [
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
            b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
        ],
    )
    async def test_a_picture_in_the_container_of_a_video_is_not_a_video(self, head: bytes) -> None:
        with pytest.raises(UnusableMedia):
            await inspect(head + b"\0" * 64)

    async def test_webm_is_a_video_and_another_matroska_is_not(self) -> None:
        assert (await inspect(b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + b"\0" * 64)).mime == "video/webm"
        with pytest.raises(UnusableMedia):
            await inspect(b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska" + b"\0" * 64)

    @pytest.mark.parametrize("data", [b"", b"{}", b"<html>502</html>", b"\0" * 100, b"ftyp"])
    async def test_garbage_is_neither(self, data: bytes) -> None:
        with pytest.raises(UnusableMedia):
            await inspect(data)

    @pytest.mark.parametrize(
        ("mime", "extension"),
        [
            ("image/jpeg", "jpg"),
            ("image/png", "png"),
            ("image/webp", "webp"),
            ("image/gif", "gif"),
            ("video/mp4", "mp4"),
            ("video/webm", "webm"),
            ("text/html", "bin"),
        ],
    )
    def test_extensions_follow_the_type_that_was_found(self, mime: str, extension: str) -> None:
        assert media.extension(mime) == extension
