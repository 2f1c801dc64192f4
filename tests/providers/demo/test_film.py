"""Videos are real MP4 files that a browser plays: H.264, yuv420p, 24 frames a second, the index in front."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import threading
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import imageio_ffmpeg
import pytest
import uvloop
from PIL import Image, ImageChops, ImageStat

from providers.base import Failed, Finished, Json, Submitted
from providers.demo import DemoProvider, film
from providers.errors import InvalidRequest, ProviderUnavailable
from tests.providers.demo.conftest import Clock
from tests.providers.media import opened, photo, video_job


def probe(data: bytes, tmp_path: Path) -> str:
    """Return what ffmpeg says about the file after decoding all of it."""
    path = tmp_path / "probe.mp4"
    path.write_bytes(data)
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", path, "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stderr


def first_frame(data: bytes, tmp_path: Path) -> Image.Image:
    path = tmp_path / "frame.mp4"
    path.write_bytes(data)
    done = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-i",
            path,
            "-frames:v",
            "1",
            "-f",
            "image2pipe",
            "-c:v",
            "png",
            "-",
        ],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return Image.open(BytesIO(done.stdout)).convert("RGB")


async def make(provider: DemoProvider, clock: Clock, prompt: str, *images: object, **params: Json) -> bytes:
    submitted = await provider.submit(video_job(prompt, *images, resolution="480p", **params))  # type: ignore[arg-type]
    assert isinstance(submitted, Submitted)
    clock.advance(1.5)
    result = await provider.poll(submitted.external_id)
    assert isinstance(result, Finished)
    (media,) = result.media
    assert media.mime == "video/mp4"
    assert media.data is not None
    return media.data


def seconds(report: str) -> float:
    match = re.search(r"Duration: 00:00:(\d+\.\d+)", report)
    assert match is not None
    return float(match[1])


async def test_a_video_plays_in_a_browser(provider: DemoProvider, clock: Clock, tmp_path: Path) -> None:
    data = await make(provider, clock, "sunset sea", duration=1)
    report = probe(data, tmp_path)
    assert "h264 (High)" in report
    assert "yuv420p" in report
    assert "24 fps" in report
    assert "Audio" not in report
    assert seconds(report) == pytest.approx(1, abs=0.1)
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(("duration", "shown"), [(2, 2), ("1s", 1), (8, 4), (60, 4)])
async def test_the_duration_is_honoured_up_to_a_limit(
    provider: DemoProvider, clock: Clock, tmp_path: Path, duration: Json, shown: float
) -> None:
    data = await make(provider, clock, "море", duration=duration)
    assert seconds(probe(data, tmp_path)) == pytest.approx(shown, abs=0.1)


@pytest.mark.parametrize(("ratio", "size"), [("16:9", "854x480"), ("9:16", "480x854"), ("1:1", "480x480")])
async def test_the_shape_is_honoured_in_even_pixels(
    provider: DemoProvider, clock: Clock, tmp_path: Path, ratio: str, size: str
) -> None:
    assert size in probe(await make(provider, clock, "лес", duration=0.5, aspect_ratio=ratio), tmp_path)


async def test_the_first_frame_is_the_photo_given(provider: DemoProvider, clock: Clock, tmp_path: Path) -> None:
    given = photo((640, 480), (200, 40, 40))
    frame = first_frame(await make(provider, clock, "", given, duration=0.5), tmp_path)
    assert frame.size == (640, 480)
    wanted = opened(given.data).resize(frame.size)
    middle = (200, 150, 640, 330)  # away from the banner
    difference = ImageStat.Stat(ImageChops.difference(frame.crop(middle), wanted.crop(middle))).mean
    assert max(difference) < 12


async def test_the_picture_moves(tmp_path: Path) -> None:
    still = Image.radial_gradient("L").convert("RGB").resize((400, 300))
    frames = list(film._frames(still, (200, 150), 24))
    assert len({*frames}) > 20
    assert len(frames[0]) == 200 * 150 * 3


@pytest.mark.parametrize("duration", [0, -1, "long", 10_000])
async def test_an_impossible_duration_is_refused(provider: DemoProvider, duration: Json) -> None:
    with pytest.raises(InvalidRequest, match="duration"):
        await provider.submit(video_job("fox", duration=duration))


async def test_orders_hold_for_videos_too(provider: DemoProvider, clock: Clock) -> None:
    submitted = await provider.submit(video_job("[slow 9][none] fox"))
    assert isinstance(submitted, Submitted)
    clock.advance(9)
    assert await provider.poll(submitted.external_id) == Finished((), cost_usd=Decimal(0))


async def test_a_video_that_cannot_be_encoded_is_a_failed_job(
    provider: DemoProvider, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = _encoder(tmp_path, "exit 1")
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(script))
    submitted = await provider.submit(video_job("море", duration=0.5))
    assert isinstance(submitted, Submitted)
    clock.advance(2)
    result = await provider.poll(submitted.external_id)
    assert isinstance(result, Failed)
    assert isinstance(result.error, ProviderUnavailable)


async def test_an_encoder_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = _encoder(tmp_path, "exec sleep 600")
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(script))
    with pytest.raises(ProviderUnavailable, match="did not finish"):
        await film.shoot(Image.new("RGB", (64, 64)), Image.new("RGBA", (64, 64)), 1, time_limit=0.3)
    assert _has_ended(tmp_path)


async def test_an_encoder_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = _encoder(tmp_path, "echo 'no space left' >&2; exit 3")
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(script))
    with pytest.raises(ProviderUnavailable, match="no space left"):
        await film.shoot(Image.new("RGB", (640, 640)), Image.new("RGBA", (640, 640)), 4)


async def test_cancelling_kills_the_encoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = _encoder(tmp_path, "exec sleep 600")
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(script))
    task = asyncio.create_task(film.shoot(Image.new("RGB", (64, 64)), Image.new("RGBA", (64, 64)), 1))
    async with asyncio.timeout(20):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert _has_ended(tmp_path)


def test_a_film_can_be_made_on_a_loop_that_is_not_in_the_main_thread() -> None:
    """The worker runs uvloop in a thread of its own."""
    made: list[bytes] = []

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            made.append(runner.run(film.shoot(Image.new("RGB", (64, 64)), Image.new("RGBA", (64, 64)), 0.2)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert made
    assert made[0][4:8] == b"ftyp"


def _encoder(folder: Path, what: str) -> Path:
    script = folder / "encoder"
    script.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\n{what}\n")
    script.chmod(0o755)
    return script


def _has_ended(folder: Path) -> bool:
    try:
        os.kill(int((folder / "pid").read_text()), 0)
    except ProcessLookupError:
        return True
    return False
