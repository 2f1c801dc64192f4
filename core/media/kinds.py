"""What a file is, by its first bytes."""

from __future__ import annotations

from typing import Final

HEAD: Final = 64
"""Bytes that tell one kind from another."""

_BRANDS_OF_PICTURES: Final = {b"heic", b"heix", b"heif", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"}
"""HEIC and AVIF come in the container of MP4."""

_QUICKTIME: Final = b"qt  "

_EXTENSIONS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "text/plain": "txt",
}


def video_type(head: bytes) -> str | None:
    """Return the type of a video by its first bytes; None for everything else."""
    if head[4:8] == b"ftyp":
        if brands(head) & _BRANDS_OF_PICTURES:
            return None
        return "video/quicktime" if head[8:12] == _QUICKTIME else "video/mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in head[:HEAD]:
        return "video/webm"
    return None


def is_heic(head: bytes) -> bool:
    """Say whether a file is a picture in the container of a video."""
    return head[4:8] == b"ftyp" and bool(brands(head) & _BRANDS_OF_PICTURES)


def brands(head: bytes) -> set[bytes]:
    """Return what an ISO base media file says that it can be read as."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[start : start + 4] for start in range(16, length, 4))}


def extension(mime: str) -> str:
    """Return the file extension for a type that was found in bytes."""
    return _EXTENSIONS.get(mime.partition(";")[0], "bin")
