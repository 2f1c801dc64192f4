"""Cuts and joins films with the ffmpeg that comes with imageio-ffmpeg.

Works on files in a temporary folder of the caller; where they come from and go to is `core.storage`'s. Every run has
limits of time and size and reads nothing but the files that it is given; how many run at once says `core.media.ffmpeg`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.media import ffmpeg

LONGEST_SECONDS: Final = 300.0
"""Length of the longest film that is made by joining."""

MOST_BYTES: Final = 500 * 1024 * 1024
JOIN_LIMIT_SECONDS: Final = 300.0
LOOK_LIMIT_SECONDS: Final = 60.0
FASTEST: Final = 60.0
SLOWEST: Final = 1.0
LARGEST_SIDE: Final = 4096

_UPRIGHT: Final = "scale=trunc(iw*sar/2)*2:trunc(ih/2)*2,setsar=1"
"""Square pixels in even numbers, which H.264 wants."""

_READING: Final = ("-protocol_whitelist", "file", "-format_whitelist", "mov,matroska")
"""A file that is a playlist, or names other files, must not lead ffmpeg to an address."""

_VIDEO: Final = re.compile(r"Stream #0:\d.*?: Video: .*?, (\d+)x(\d+)[ ,].*?([\d.]+)(k?) fps")
_AUDIO: Final = re.compile(r"Stream #0:\d.*?: Audio: ")
_DURATION: Final = re.compile(r"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")


class FilmError(Exception):
    """ffmpeg cannot make this of these files. Trying again brings the same."""


@dataclass(frozen=True, slots=True)
class Film:
    """What a film is, as it is shown: upright and with square pixels.

    Attributes:
        seconds: zero where the file does not say.
    """

    width: int
    height: int
    frames_per_second: float
    seconds: float
    has_sound: bool


async def look(path: Path) -> Film:
    """Say what a film is.

    Raises:
        FilmError: it is none that can be decoded.
    """
    one_frame = ("-map", "0:v:0", "-map", "0:a:0?", "-frames:v", "1", "-vf", _UPRIGHT, "-f", "null", "-")
    said = await _run("-loglevel", "info", *_input(path), *one_frame, seconds=LOOK_LIMIT_SECONDS)
    given, _, made = said.partition("Output #0")
    video = _VIDEO.search(made)
    if video is None:
        raise FilmError("it has no picture")
    speed = float(video[3]) * (1000 if video[4] else 1)
    length = _DURATION.search(given)
    return Film(
        width=int(video[1]),
        height=int(video[2]),
        frames_per_second=min(FASTEST, max(SLOWEST, speed)),
        seconds=int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length else 0.0,
        has_sound=_AUDIO.search(made) is not None,
    )


async def last_frame(film: Path, picture: Path) -> None:
    """Write the last frame of a film as a JPEG.

    Raises:
        FilmError: it has none that can be decoded.
    """
    # Each frame is written over the one before; only the last seconds are decoded where the file says where they are.
    writing = ("-map", "0:v:0", "-vf", _UPRIGHT, "-fps_mode", "passthrough", "-pix_fmt", "yuvj420p", "-q:v", "2")
    for start in (("-sseof", "-3"), ()):
        target = ("-f", "image2", "-update", "1", str(picture))
        await _run(*start, *_input(film), *writing, *target, seconds=LOOK_LIMIT_SECONDS)
        if await asyncio.to_thread(picture.exists):
            return
    raise FilmError("it has no frame")


async def join(first: Path, second: Path, joined: Path) -> None:
    """Write the second film after the first as one MP4 in the size and speed of the first.

    A film of another shape gets bars, one without sound gets silence where the other has sound.

    Raises:
        FilmError: one of them cannot be decoded, or both together are too long or too large.
    """
    films = (await look(first), await look(second))
    if sum(film.seconds for film in films) > LONGEST_SECONDS:
        raise FilmError(f"both together have more than {LONGEST_SECONDS:.0f} seconds")
    has_sound = any(film.has_sound for film in films)
    sound = ("-map", "[a]", "-c:a", "aac", "-b:a", "192k") if has_sound else ("-an",)
    await _run(
        *(*_input(first), *_input(second), "-filter_complex", _graph(films, has_sound=has_sound)),
        *("-map", "[v]", "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-profile:v", "high"),
        *sound,
        *("-threads", "2", "-movflags", "+faststart", "-fs", str(MOST_BYTES), "-f", "mp4", str(joined)),
        seconds=JOIN_LIMIT_SECONDS,
    )
    # At its limit of size ffmpeg stops without a word.
    if (await asyncio.to_thread(joined.stat)).st_size >= MOST_BYTES * 0.99:
        raise FilmError(f"both together have more than {MOST_BYTES} bytes")


def _graph(films: Sequence[Film], *, has_sound: bool) -> str:
    """Return the filters that bring both films to one form and put them together."""
    scale = min(1.0, LARGEST_SIDE / max(films[0].width, films[0].height))
    width, height = (max(2, int(side * scale) // 2 * 2) for side in (films[0].width, films[0].height))
    chains, streams = [], ""
    for number, film in enumerate(films):
        chains.append(
            f"[{number}:v:0]{_UPRIGHT},scale={width}:{height}:force_original_aspect_ratio=decrease,"
            f"pad={width}:{height}:-1:-1,setsar=1,fps={films[0].frames_per_second:g},format=yuv420p[v{number}]"
        )
        streams += f"[v{number}]"
        if has_sound:
            source = (
                f"[{number}:a:0]aresample=48000:async=1,"
                if film.has_sound
                else f"anullsrc=r=48000:cl=stereo,atrim=duration={max(film.seconds, 0.1):g},"
            )
            chains.append(f"{source}aformat=sample_fmts=fltp:sample_rates=48000:channel_layouts=stereo[a{number}]")
            streams += f"[a{number}]"
    ends = "[v][a]" if has_sound else "[v]"
    return ";".join([*chains, f"{streams}concat=n={len(films)}:v=1:a={int(has_sound)}{ends}"])


def _input(path: Path) -> tuple[str, ...]:
    # One thread each: more decode ahead of the encoder, and fill memory.
    return ("-threads", "1", *_READING, "-i", str(path))


async def _run(*arguments: str, seconds: float) -> str:
    try:
        return await ffmpeg.run(arguments, time_limit=seconds)
    except ffmpeg.FfmpegFailed as error:
        raise FilmError(str(error)) from None
