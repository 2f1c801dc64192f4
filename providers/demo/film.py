"""Short real videos: a slow move over a still, encoded by the ffmpeg that comes with imageio-ffmpeg."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from math import cos, pi
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg
from PIL import Image

from providers.errors import ProviderUnavailable

FRAMES_PER_SECOND = 24
LONGEST_SECONDS = 4
ZOOM = 0.16
TIME_LIMIT_SECONDS = 90.0


async def shoot(
    still: Image.Image, overlay: Image.Image, seconds: float, *, time_limit: float = TIME_LIMIT_SECONDS
) -> bytes:
    """Return an MP4 that begins with the whole still and moves slowly into it, the overlay standing still.

    The overlay's size, which must be even, is the video's; the still may be larger.

    Raises:
        ProviderUnavailable: ffmpeg failed or did not finish within `time_limit` seconds.
    """
    with TemporaryDirectory(prefix="demo-film-") as name:
        folder = Path(name)
        await asyncio.to_thread(overlay.save, folder / "overlay.png", compress_level=1)
        try:
            async with asyncio.timeout(time_limit):
                await _encode(
                    still, overlay.size, max(1, round(min(seconds, LONGEST_SECONDS) * FRAMES_PER_SECOND)), folder
                )
        except TimeoutError:
            raise ProviderUnavailable(f"ffmpeg did not finish within {time_limit} s") from None
        return await asyncio.to_thread((folder / "film.mp4").read_bytes)


async def _encode(still: Image.Image, size: tuple[int, int], count: int, folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *_command(size, folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        complaint, _ = await asyncio.gather(_read(process), _feed(process, still, size, count))
        if await process.wait() != 0:
            raise ProviderUnavailable(f"ffmpeg failed: {complaint.decode(errors='replace')[-500:]}")
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _read(process: asyncio.subprocess.Process) -> bytes:
    assert process.stderr is not None
    return await process.stderr.read()


async def _feed(process: asyncio.subprocess.Process, still: Image.Image, size: tuple[int, int], count: int) -> None:
    assert process.stdin is not None
    frames = _frames(still, size, count)
    # A broken pipe means that ffmpeg gave up; its exit code and words tell why.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        while (frame := await asyncio.to_thread(next, frames, None)) is not None:
            process.stdin.write(frame)
            await process.stdin.drain()
    process.stdin.close()


def _frames(still: Image.Image, size: tuple[int, int], count: int) -> Iterator[bytes]:
    """Yield raw frames; the move starts and ends softly."""
    width, height = still.size
    for number in range(count):
        eased = (1 - cos(pi * number / max(1, count - 1))) / 2
        share = 1 - ZOOM * eased
        left, top = (width - width * share) * (0.5 + 0.3 * eased), (height - height * share) * 0.42
        box = (left, top, left + width * share, top + height * share)
        yield still.resize(size, Image.Resampling.BILINEAR, box=box).tobytes()


def _command(size: tuple[int, int], folder: Path) -> list[str]:
    """The even size, yuv420p and the index in front are what browsers and Telegram need to play the file at once."""
    return [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"),
        *(
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            f"{size[0]}x{size[1]}",
            "-r",
            str(FRAMES_PER_SECOND),
            "-i",
            "pipe:0",
        ),
        *("-i", str(folder / "overlay.png"), "-filter_complex", "[0][1]overlay=format=auto,format=yuv420p"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-profile:v", "high", "-threads", "2"),
        *("-r", str(FRAMES_PER_SECOND), "-movflags", "+faststart", "-an", str(folder / "film.mp4")),
    ]
