"""Looks at files by their bytes: what users send is cleaned, what providers return is checked."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from pathlib import Path

from core.media import pictures, videos
from core.media.errors import (
    HeicImage,
    ImageTooLarge,
    NotAnImage,
    NotAVideo,
    UnusableMedia,
    VideoTooLarge,
    VideoTooLong,
)
from core.media.kinds import HEAD, extension, video_type
from core.media.pictures import MAX_IMAGE_BYTES, MAX_PIXELS, WORKING_PIXELS, AcceptedImage, accept_image
from core.media.videos import MAX_VIDEO_BYTES, MAX_VIDEO_SECONDS, AcceptedVideo, accept_video

__all__ = [
    "MAX_IMAGE_BYTES",
    "MAX_PIXELS",
    "MAX_VIDEO_BYTES",
    "MAX_VIDEO_SECONDS",
    "WORKING_PIXELS",
    "AcceptedImage",
    "AcceptedVideo",
    "HeicImage",
    "ImageTooLarge",
    "Inspected",
    "NotAVideo",
    "NotAnImage",
    "UnusableMedia",
    "VideoTooLarge",
    "VideoTooLong",
    "accept_image",
    "accept_video",
    "extension",
    "inspect",
]


@dataclass(frozen=True, slots=True)
class Inspected:
    """What bytes turned out to be. Of a video, zeros for what it does not say of itself."""

    mime: str
    width: int = 0
    height: int = 0
    seconds: float = 0.0


async def inspect(source: bytes | Path) -> Inspected:
    """Say what a file is. Of a video in a file only a few bytes are read.

    Raises:
        UnusableMedia: neither a picture that can be decoded nor an MP4, MOV or WebM video.
    """
    return await asyncio.to_thread(_inspect, source)


def _inspect(source: bytes | Path) -> Inspected:
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        mime = video_type(file.read(HEAD))
        if mime is not None:
            facts = videos.facts_of(file, mime)
            return Inspected(mime, facts.width, facts.height, facts.seconds)
    return Inspected(*pictures.measure(source))
