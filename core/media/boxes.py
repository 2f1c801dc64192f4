"""Reads size and length of MP4 and QuickTime files from their boxes (ISO/IEC 14496-12), without decoding them.

The boxes are sought in the file: only what describes the film is read, wherever in the file it stands.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

LARGEST_INDEX: Final = 32 * 1024 * 1024
"""Bytes of `moov` that are read. An hour of film has about three megabytes."""

MOST_BOXES: Final = 10_000

_CONTAINERS: Final = frozenset({b"trak", b"mvex"})
_UNKNOWN: Final = frozenset({0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF})


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a player wants to know before it starts. Zero where the file does not say."""

    width: int = 0
    height: int = 0
    seconds: float = 0.0


def read_mp4(file: BinaryIO) -> VideoFacts:
    """Return what the file says of itself; zeros for anything that is none of these files."""
    try:
        for kind, start, size in _boxes(file):
            if kind == b"moov":
                if size > LARGEST_INDEX:
                    return VideoFacts()
                file.seek(start)
                return _film(io.BytesIO(file.read(size)))
    except (struct.error, IndexError, OverflowError):
        pass
    return VideoFacts()


def _film(moov: BinaryIO) -> VideoFacts:
    width = height = 0
    scale, length = 0, 0
    for kind, start, size in _boxes(moov, into=_CONTAINERS):
        if kind in {b"mvhd", b"mehd", b"tkhd"}:
            moov.seek(start)
            content = moov.read(size)
            if kind == b"mvhd":
                scale, length = _length(content)
            elif kind == b"mehd" and not length:
                (length,) = struct.unpack(">Q", content[4:12]) if content[0] == 1 else struct.unpack(">I", content[4:8])
            elif kind == b"tkhd" and not width:
                width, height = _sides(content)
    return VideoFacts(width, height, length / scale if scale else 0.0)


def _boxes(file: BinaryIO, *, into: frozenset[bytes] = frozenset()) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and size of the content of every box; of those in `into`, the boxes within."""
    end = file.seek(0, io.SEEK_END)
    position = 0
    for _ in range(MOST_BOXES):
        if position + 8 > end:
            return
        file.seek(position)
        size, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            header = 16
        elif size == 0:
            size = end - position
        if size < header:
            return
        if kind in into:
            position += header
            continue
        yield kind, position + header, min(size, end - position) - header
        position += size


def _length(content: bytes) -> tuple[int, int]:
    if content[0] == 1:
        scale, length = struct.unpack(">IQ", content[20:32])
    else:
        scale, length = struct.unpack(">II", content[12:20])
    return scale, 0 if length in _UNKNOWN else length


def _sides(content: bytes) -> tuple[int, int]:
    """Width and height as they are shown: a telephone that was held upright writes a quarter turn beside them."""
    width, height = (side >> 16 for side in struct.unpack(">II", content[-8:]))
    matrix = struct.unpack(">9i", content[-44:-8])
    is_turned = matrix[0] == matrix[4] == 0 and matrix[1] != 0 and matrix[3] != 0
    return (height, width) if is_turned else (width, height)
