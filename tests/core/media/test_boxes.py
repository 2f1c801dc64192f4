"""What films say of themselves, read from their boxes and elements."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path
from typing import BinaryIO

import pytest

from core.media import Inspected, UnusableMedia, inspect
from core.media.boxes import LARGEST_INDEX, VideoFacts, read_mp4
from core.media.ebml import read_webm
from tests.core.media.films import box, film, mvhd, tkhd

NO_MP4 = [b"", b"RIFF", bytes(64), box(b"moov", b"torn"), box(b"moov", box(b"mvhd", b"")), b"\0\0\0\7abcd"]
WEBM = ("-c:v", "libvpx", "-b:v", "50k", "-deadline", "realtime")


def read(data: bytes) -> VideoFacts:
    """What the boxes say."""
    return read_mp4(io.BytesIO(data))


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


class TestMp4:
    """Boxes."""

    def test_size_and_length_are_read(self) -> None:
        moov = box(b"moov", mvhd(3.25) + box(b"trak", tkhd(640, 360)) + box(b"trak", tkhd(0, 0)))
        assert read(box(b"ftyp", b"isom") + box(b"mdat", bytes(100)) + moov) == VideoFacts(640, 360, 3.25)

    def test_a_sound_track_in_front_does_not_hide_the_picture(self) -> None:
        moov = box(b"moov", mvhd(5) + box(b"trak", tkhd(0, 0)) + box(b"trak", tkhd(1280, 720)))
        assert read(moov) == VideoFacts(1280, 720, 5)

    def test_long_boxes_and_boxes_to_the_end_are_read(self) -> None:
        version_1 = b"\x01" + bytes(19) + struct.pack(">IQ", 600, 1200) + bytes(80)
        content = box(b"mvhd", version_1) + box(b"trak", tkhd(16, 9))
        long = struct.pack(">I4sQ", 1, b"moov", 16 + len(content)) + content
        assert read(long) == VideoFacts(16, 9, 2)
        assert read(struct.pack(">I4s", 0, b"moov") + content) == VideoFacts(16, 9, 2)

    @pytest.mark.parametrize("matrix", [(0, 1, 0, -1, 0, 0, 0, 0, 1), (0, -1, 0, 1, 0, 0, 0, 0, 1)])
    def test_a_film_of_a_telephone_held_upright_is_as_high_as_it_is_shown(self, matrix: tuple[int, ...]) -> None:
        assert read(box(b"moov", mvhd(1) + box(b"trak", tkhd(1920, 1080, matrix=matrix)))) == VideoFacts(1080, 1920, 1)

    @pytest.mark.parametrize("matrix", [(-1, 0, 0, 0, -1, 0, 0, 0, 1), (1, 0, 0, 0, 1, 0, 0, 0, 1), (0,) * 9])
    def test_a_film_that_is_not_turned_or_upside_down_is_as_wide_as_it_says(self, matrix: tuple[int, ...]) -> None:
        assert read(box(b"moov", mvhd(1) + box(b"trak", tkhd(1920, 1080, matrix=matrix)))) == VideoFacts(1920, 1080, 1)

    @pytest.mark.parametrize("data", NO_MP4)
    def test_what_is_no_mp4_tells_nothing(self, data: bytes) -> None:
        assert read(data) == VideoFacts()

    def test_a_length_that_nobody_knew_is_none(self) -> None:
        unknown = box(b"mvhd", bytes(12) + struct.pack(">II", 1000, 0xFFFFFFFF) + bytes(80))
        assert read(box(b"moov", unknown + box(b"trak", tkhd(4, 3)))) == VideoFacts(4, 3, 0)

    def test_a_large_film_is_not_read_as_a_whole(self) -> None:
        moov = box(b"moov", mvhd(1) + box(b"trak", tkhd(64, 48)))
        file = Counted(box(b"mdat", bytes(5_000_000)) + moov)
        assert read_mp4(file).width == 64
        assert file.count < 1000

    def test_an_index_too_large_to_be_one_is_not_read(self) -> None:
        file = Counted(box(b"moov", bytes(LARGEST_INDEX + 1)))
        assert read_mp4(file) == VideoFacts()
        assert file.count < 1000

    def test_boxes_within_boxes_without_end_are_left_alone(self) -> None:
        assert read(box(b"moov", box(b"trak", b"") * 50_000 + box(b"trak", tkhd(1, 1)))) == VideoFacts()

    def test_real_films_of_all_kinds_are_read(self, tmp_path: Path) -> None:
        fragmented = ("-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov+default_base_moof")
        for options in ((), ("-c:v", "libx264", "-movflags", "faststart"), fragmented):
            with film(tmp_path / "film.mp4", *options, sound=True, seconds=2).open("rb") as file:
                facts = read_mp4(file)
            assert (facts.width, facts.height) == (64, 48)
            assert facts.seconds == pytest.approx(2, abs=0.2) or options == fragmented


class TestWebm:
    """Elements."""

    def test_size_and_length_are_read(self, tmp_path: Path) -> None:
        with film(tmp_path / "film.webm", *WEBM, seconds=1.5).open("rb") as file:
            facts = read_webm(file)
        assert (facts.width, facts.height) == (64, 48)
        assert facts.seconds == pytest.approx(1.5, abs=0.01)

    def test_a_film_that_a_browser_recorded_does_not_say_how_long_it_is(self, tmp_path: Path) -> None:
        with film(tmp_path / "film.webm", *WEBM, "-live", "1").open("rb") as file:
            assert read_webm(file) == VideoFacts(64, 48, 0)

    @pytest.mark.parametrize("data", [b"", b"\0" * 50, b"\x1a\x45\xdf\xa3", b"\x44\x89\x88" + b"\xff" * 8])
    def test_what_is_torn_tells_nothing(self, data: bytes) -> None:
        assert read_webm(io.BytesIO(data)) == VideoFacts()


@pytest.mark.parametrize(("name", "options", "reader"), [("f.mp4", (), read_mp4), ("f.webm", WEBM, read_webm)])
def test_broken_bytes_break_nothing(name: str, options: tuple[str, ...], reader: object, tmp_path: Path) -> None:
    whole = film(tmp_path / name, *options).read_bytes()
    chance = random.Random(name)
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        facts = _facts(reader, io.BytesIO(bytes(broken[: chance.randint(1, len(broken))])))
        assert facts.width >= 0 and 0 <= facts.seconds < float("inf")


def _facts(reader: object, file: BinaryIO) -> VideoFacts:
    assert callable(reader)
    facts = reader(file)
    assert isinstance(facts, VideoFacts)
    return facts


class TestInspecting:
    """Files and bytes give the same answer."""

    async def test_a_video_in_a_file_is_what_its_bytes_are(self, tmp_path: Path) -> None:
        path = film(tmp_path / "film.mp4")
        assert await inspect(path) == await inspect(path.read_bytes()) == Inspected("video/mp4", 64, 48, 1.0)

    async def test_a_mov_is_called_one(self, tmp_path: Path) -> None:
        assert (await inspect(film(tmp_path / "film.mov"))).mime == "video/quicktime"

    async def test_a_file_that_is_nothing_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "film.mp4"
        path.write_bytes(b"MZ a program")
        with pytest.raises(UnusableMedia):
            await inspect(path)
