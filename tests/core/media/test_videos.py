"""Videos that people send: judged by their bytes, copied clean, held to limits."""

from __future__ import annotations

import asyncio
import os
import struct
from pathlib import Path

import imageio_ffmpeg
import pytest

from core import media
from core.media import NotAVideo, VideoTooLarge, VideoTooLong, accept_video, ffmpeg, videos
from tests.core.media.films import PLACE, box, contents, described, film, is_there, mvhd, tkhd

H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
WEBM = ("-c:v", "libvpx", "-b:v", "50k", "-deadline", "realtime")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the clean copy goes."""
    return tmp_path / "clean"


class TestAccepting:
    """What comes out of what people send."""

    async def test_an_mp4_is_copied_with_its_size_and_length(self, tmp_path: Path, target: Path) -> None:
        accepted = await accept_video(film(tmp_path / "film.mp4", sound=True, seconds=2), target)
        assert (accepted.mime, accepted.width, accepted.height) == ("video/mp4", 64, 48)
        assert accepted.seconds == pytest.approx(2, abs=0.1)
        assert accepted.size == len(contents(target))
        assert "Audio: aac" in described(target)

    async def test_a_mov_becomes_an_mp4(self, tmp_path: Path, target: Path) -> None:
        assert (await accept_video(film(tmp_path / "film.mov"), target)).mime == "video/mp4"
        assert contents(target)[4:12] != b"ftypqt  "

    async def test_a_webm_is_converted(self, tmp_path: Path, target: Path) -> None:
        accepted = await accept_video(film(tmp_path / "film.webm", *WEBM), target)
        assert (accepted.mime, accepted.width, accepted.height) == ("video/mp4", 64, 48)
        assert "Video: h264" in described(target)

    async def test_a_film_that_a_browser_recorded_gets_its_length(self, tmp_path: Path, target: Path) -> None:
        accepted = await accept_video(film(tmp_path / "film.webm", *WEBM, "-live", "1", seconds=1.5), target)
        assert accepted.seconds == pytest.approx(1.5, abs=0.2)

    async def test_odd_sides_of_a_webm_are_made_even(self, tmp_path: Path, target: Path) -> None:
        accepted = await accept_video(film(tmp_path / "film.webm", *WEBM, size="65x33"), target)
        assert accepted.width % 2 == accepted.height % 2 == 0

    async def test_it_plays_from_its_beginning(self, tmp_path: Path, target: Path) -> None:
        await accept_video(film(tmp_path / "film.mp4"), target)
        data = contents(target)
        assert data.index(b"moov") < data.index(b"mdat")

    async def test_the_name_does_not_matter(self, tmp_path: Path, target: Path) -> None:
        path = film(tmp_path / "film.mp4").rename(tmp_path / "holiday.exe")
        assert (await accept_video(path, target)).mime == "video/mp4"


class TestCleaning:
    """Nothing tells where, when, with what or by whom."""

    @pytest.mark.parametrize("name", ["film.mp4", "film.mov"])
    async def test_the_place_and_every_other_note_are_gone(self, name: str, tmp_path: Path, target: Path) -> None:
        notes = ("-metadata", f"location={PLACE}", "-metadata", "title=Secret", "-metadata", "creation_time=2026-05-01")
        tracks = ("-metadata:s:v:0", "handler_name=Secret camera", "-movflags", "use_metadata_tags")
        path = film(
            tmp_path / name, *H264, *notes, "-metadata", f"com.apple.quicktime.location.ISO6709={PLACE}", *tracks
        )
        assert PLACE.encode() in contents(path)
        await accept_video(path, target)
        cleaned = contents(target)
        assert PLACE.encode() not in cleaned and b"Secret" not in cleaned
        assert "creation_time" not in described(target)

    async def test_chapters_subtitles_and_what_was_appended_are_gone(self, tmp_path: Path, target: Path) -> None:
        words = tmp_path / "words.srt"
        words.write_text("1\n00:00:00,000 --> 00:00:01,000\nSecret words\n")
        path = film(tmp_path / "film.mp4", "-i", str(words), *H264, "-c:s", "mov_text", "-map", "0", "-map", "1")
        path.write_bytes(
            contents(path) + box(b"uuid", bytes(16) + b"Secret") + box(b"free", b"PK\x03\x04 Secret archive")
        )
        await accept_video(path, target)
        assert b"Secret" not in contents(target)


class TestRefusing:
    """What is not taken, and why."""

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"MZ\x90\0 a program named film.mp4",
            b"\x7fELF",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n/etc/passwd\n",
            b"ffconcat version 1.0\nfile /etc/passwd\n",
            b"GIF89a",
            b"\x89PNG\r\n\x1a\n",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"RIFF\0\0\0\0AVI LIST",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska",
        ],
    )
    async def test_something_else_is_not_a_video(self, data: bytes, tmp_path: Path, target: Path) -> None:
        path = tmp_path / "film.mp4"
        path.write_bytes(data)
        with pytest.raises(NotAVideo):
            await accept_video(path, target)
        assert not is_there(target)

    @pytest.mark.parametrize("part", [0.05, 0.5])
    async def test_half_a_film_without_its_index_is_not_one(self, part: float, tmp_path: Path, target: Path) -> None:
        whole = film(tmp_path / "film.mp4").read_bytes()
        path = tmp_path / "half.mp4"
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(NotAVideo):
            await accept_video(path, target)

    async def test_sound_alone_is_not_a_video(self, tmp_path: Path, target: Path) -> None:
        path = tmp_path / "song.mp4"
        film(path, "-map", "1:a", "-c:a", "aac", sound=True)
        with pytest.raises(NotAVideo):
            await accept_video(path, target)

    async def test_more_bytes_than_we_take_are_too_large(self, tmp_path: Path, target: Path) -> None:
        path = film(tmp_path / "film.mp4")
        os.truncate(path, media.MAX_VIDEO_BYTES + 1)
        with pytest.raises(VideoTooLarge, match="bytes"):
            await accept_video(path, target)

    async def test_more_pixels_than_4k_are_too_large(self, tmp_path: Path, target: Path) -> None:
        path = tmp_path / "film.mp4"
        path.write_bytes(box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", mvhd(1) + box(b"trak", tkhd(8000, 4000))))
        with pytest.raises(VideoTooLarge, match="8000 x 4000"):
            await accept_video(path, target)

    async def test_a_long_film_is_refused_before_anything_is_copied(self, tmp_path: Path, target: Path) -> None:
        path = tmp_path / "film.mp4"
        path.write_bytes(box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", mvhd(121) + box(b"trak", tkhd(64, 48))))
        with pytest.raises(VideoTooLong, match=r"121\.0 s"):
            await accept_video(path, target)
        assert not is_there(target)

    async def test_a_film_that_lies_about_its_length_is_measured(
        self, tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = film(tmp_path / "film.mp4", seconds=4)
        data = bytearray(contents(path))
        start = data.index(b"mvhd") + 4 + 12
        data[start : start + 8] = struct.pack(">II", 1000, 100)
        path.write_bytes(bytes(data))
        monkeypatch.setattr(videos, "MAX_VIDEO_SECONDS", 2.0)
        with pytest.raises(VideoTooLong):
            await accept_video(path, target)

    async def test_a_film_that_points_to_another_file_does_not_bring_it(self, tmp_path: Path, target: Path) -> None:
        """QuickTime may say that its pictures are in another file."""
        path = film(tmp_path / "film.mov")
        data = contents(path).replace(b"url \0\0\0\1", b"url \0\0\0\0")
        path.write_bytes(data.replace(b"mdat", b"free"))
        try:
            await accept_video(path, target)
        except NotAVideo:
            return
        assert b"root:" not in contents(target)

    async def test_the_refusal_repeats_nothing_of_the_file(self, tmp_path: Path, target: Path) -> None:
        path = tmp_path / "film.mp4"
        path.write_bytes(box(b"ftyp", b"isom\0\0\0\0") + b"secret text")
        with pytest.raises(NotAVideo) as refusal:
            await accept_video(path, target)
        assert "secret" not in str(refusal.value) and str(tmp_path) not in str(refusal.value)


class TestFfmpeg:
    """A program that is not trusted to end."""

    @pytest.fixture
    def endless(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An ffmpeg that writes its process id and never ends."""
        script, note = tmp_path / "ffmpeg", tmp_path / "pid"
        script.write_text(f"#!/bin/sh\necho $$ > {note}.new && mv {note}.new {note}\nexec sleep 1000\n")
        script.chmod(0o700)
        monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(script))
        return note

    async def test_it_is_killed_when_its_time_is_over(self, endless: Path) -> None:
        with pytest.raises(ffmpeg.FfmpegTooSlow):
            await ffmpeg.run([], time_limit=0.5)
        assert _is_gone(int(contents(endless)))

    async def test_it_is_killed_when_nobody_waits_any_more(self, endless: Path) -> None:
        running = asyncio.create_task(ffmpeg.run([], time_limit=30))
        while not is_there(endless):  # noqa: ASYNC110  Only the program itself tells that it runs.
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert _is_gone(int(contents(endless)))

    async def test_a_video_that_takes_too_long_is_too_large(
        self, endless: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(videos, "COPY_LIMIT", 0.3)
        path = tmp_path / "film.mp4"
        path.write_bytes(box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", mvhd(1) + box(b"trak", tkhd(64, 48))))
        with pytest.raises(VideoTooLarge, match="too long to read"):
            await accept_video(path, tmp_path / "clean")

    async def test_its_complaint_is_told(self) -> None:
        with pytest.raises(ffmpeg.FfmpegFailed, match="No such file"):
            await ffmpeg.run(["-i", "/no/such/file", "-f", "null", "-"], time_limit=20)


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False
