"""Reads size and length of WebM files from their elements (RFC 8794, RFC 9559), without decoding them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from core.media.boxes import VideoFacts

LOOKED_AT: Final = 1024 * 1024
"""What describes the film stands before its first pictures."""

_SEGMENT, _INFO, _TRACKS, _ENTRY, _VIDEO = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0
_SCALE, _DURATION, _WIDTH, _HEIGHT = 0x2AD7B1, 0x4489, 0xB0, 0xBA
_CONTAINERS: Final = frozenset({_SEGMENT, _INFO, _TRACKS, _ENTRY, _VIDEO})
_VALUES: Final = frozenset({_SCALE, _DURATION, _WIDTH, _HEIGHT})
_NANOSECONDS: Final = 1e9


def read_webm(file: BinaryIO) -> VideoFacts:
    """Return what the file says of itself; zeros where it does not, as for films that a browser recorded."""
    file.seek(0)
    found: dict[int, bytes] = {}
    for name, content in _elements(file.read(LOOKED_AT)):
        found.setdefault(name, content)
    try:
        length = _fraction(found.get(_DURATION, b""))
    except struct.error:
        length = 0.0
    scale = _number(found.get(_SCALE, b"")) or 1_000_000
    seconds = length * scale / _NANOSECONDS
    is_sane = 0 <= seconds < float("inf")
    return VideoFacts(_number(found.get(_WIDTH, b"")), _number(found.get(_HEIGHT, b"")), seconds if is_sane else 0.0)


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        name, position = _variable(data, position, keep_marker=True)
        size, position = _variable(data, position)
        if name in _CONTAINERS:
            continue
        if name in _VALUES:
            yield name, data[position : position + min(size, 8)]
        position += size


def _variable(data: bytes, position: int, *, keep_marker: bool = False) -> tuple[int, int]:
    """Read a number of variable length; its first byte tells how many follow."""
    if position >= len(data) or data[position] == 0:
        return 0, len(data)
    first = data[position]
    length = 9 - first.bit_length()
    value = int.from_bytes(data[position : position + length], "big")
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), position + length


def _number(content: bytes) -> int:
    return int.from_bytes(content, "big")


def _fraction(content: bytes) -> float:
    value: float = struct.unpack(">d" if len(content) == 8 else ">f", content)[0] if content else 0.0
    return value
