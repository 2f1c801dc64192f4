"""Videos: what users send is copied into a clean MP4, without decoding where that is possible."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from core.logs import get_logger
from core.media import ffmpeg
from core.media.boxes import VideoFacts, read_mp4
from core.media.ebml import read_webm
from core.media.errors import NotAVideo, VideoTooLarge, VideoTooLong
from core.media.kinds import HEAD, video_type

logger = get_logger(__name__)

MAX_VIDEO_BYTES: Final = 100 * 1024 * 1024
MAX_VIDEO_SECONDS: Final = 120.0
MAX_FRAME_PIXELS: Final = 4096 * 2304
"""What cameras call 4K. No provider takes more of any of these."""

COPY_LIMIT: Final = 15.0
CONVERT_LIMIT: Final = 25.0
"""Seconds. Web answers within thirty."""

CONVERTED_SIDE: Final = 1920

_DEMUXERS: Final = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}
_CLEAN: Final = (
    *("-map", "0:v:0", "-map", "0:a:0?", "-dn", "-sn"),
    *("-map_metadata", "-1", "-map_metadata:s", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"),
    *("-movflags", "+faststart", "-f", "mp4"),
)
"""One track of pictures and one of sound, and nothing that tells where, when or with what they were taken."""

_COPY: Final = ("-c", "copy")
_CONVERT: Final = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"),
    *(
        "-vf",
        f"scale='min({CONVERTED_SIDE},iw)':'min({CONVERTED_SIDE},ih)':"
        "force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1",
    ),
    *("-c:a", "aac", "-b:a", "160k", "-threads", "2"),
)


@dataclass(frozen=True, slots=True)
class AcceptedVideo:
    """A video that is safe to keep and to pass on: an MP4 without metadata, that plays from its beginning on."""

    mime: str
    size: int
    width: int
    height: int
    seconds: float


async def accept_video(source: Path, target: Path) -> AcceptedVideo:
    """Check a video that somebody sent, and write a clean copy to `target`. WebM is converted, at most 1920 wide.

    Raises:
        NotAVideo: by its bytes; its name and declared type are not looked at.
        VideoTooLarge: above 100 MB, or more pixels than 4K.
        VideoTooLong: above two minutes.
    """
    mime, facts, size = await asyncio.to_thread(measure, source)
    _check(facts, size)
    await _clean(source, target, mime)
    _, facts, size = await asyncio.to_thread(measure, target)
    if not (facts.width and facts.height and facts.seconds):
        raise NotAVideo("it has no pictures")
    _check(facts, size)
    return AcceptedVideo("video/mp4", size, facts.width, facts.height, facts.seconds)


def measure(path: Path) -> tuple[str, VideoFacts, int]:
    """Return type, facts and size of a video file. Reads a little of it: to be called in a thread.

    Raises:
        NotAVideo: by its bytes.
    """
    with path.open("rb") as file:
        mime = video_type(file.read(HEAD))
        if mime is None:
            raise NotAVideo("neither MP4 nor MOV nor WebM")
        facts = facts_of(file, mime)
    return mime, facts, path.stat().st_size


def facts_of(file: BinaryIO, mime: str) -> VideoFacts:
    """Return what a video of this type says of itself."""
    return read_webm(file) if mime == "video/webm" else read_mp4(file)


def _check(facts: VideoFacts, size: int) -> None:
    if size > MAX_VIDEO_BYTES:
        raise VideoTooLarge(f"{size} bytes")
    if facts.width * facts.height > MAX_FRAME_PIXELS:
        raise VideoTooLarge(f"{facts.width} x {facts.height} pixels")
    if facts.seconds > MAX_VIDEO_SECONDS:
        raise VideoTooLong(f"{facts.seconds:.1f} s")


async def _clean(source: Path, target: Path, mime: str) -> None:
    """Copy the tracks; convert those that an MP4 for everybody does not hold."""
    is_copied = mime != "video/webm"
    # The kind of file is given, not guessed: a playlist would have ffmpeg fetch whatever it names.
    opened = ("-protocol_whitelist", "file", "-f", _DEMUXERS[mime], "-i", str(source))
    codecs = _COPY if is_copied else _CONVERT
    ends = ("-t", str(MAX_VIDEO_SECONDS + 1), "-fs", str(MAX_VIDEO_BYTES + 1024 * 1024))
    try:
        await ffmpeg.run(
            (*opened, *codecs, *_CLEAN, *ends, str(target)), time_limit=COPY_LIMIT if is_copied else CONVERT_LIMIT
        )
    except ffmpeg.FfmpegTooSlow:
        raise VideoTooLarge("it takes too long to read") from None
    except ffmpeg.FfmpegFailed as error:
        logger.info("video_not_readable", complaint=str(error))
        raise NotAVideo("it cannot be read") from None
