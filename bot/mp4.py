"""Reads the size and length of an MP4 video from its boxes (ISO/IEC 14496-12), without decoding it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CONTAINERS = frozenset({b"moov", b"trak"})


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a player wants to know before it starts. Zero where the file does not say."""

    width: int = 0
    height: int = 0
    seconds: int = 0


def probe(data: bytes) -> VideoFacts:
    """Return what the file says of itself; zeros for anything that is no MP4."""
    width = height = 0
    seconds = 0.0
    view = memoryview(data)
    try:
        for kind, content in _boxes(view):
            if kind == b"mvhd":
                seconds = _seconds(content)
            elif kind == b"tkhd" and not width:
                width, height = (side >> 16 for side in struct.unpack(">II", content[-8:]))
    except (struct.error, IndexError):
        return VideoFacts()
    return VideoFacts(width, height, max(1, round(seconds)) if seconds else 0)


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[position : position + 8])
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", data[position + 8 : position + 16])
            header = 16
        elif size == 0:
            size = len(data) - position
        if size < header:
            return
        content = data[position + header : position + size]
        if kind in _CONTAINERS:
            yield from _boxes(content)
        else:
            yield kind, content
        position += size


def _seconds(content: memoryview) -> float:
    if content[0] == 1:
        scale, length = struct.unpack(">IQ", content[20:32])
    else:
        scale, length = struct.unpack(">II", content[12:20])
    return length / scale if scale else 0.0
