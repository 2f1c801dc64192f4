"""Films made by ffmpeg for the tests, and boxes made by hand."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import imageio_ffmpeg

PLACE = "+55.7558+037.6173/"
"""Where a telephone says that a film was taken."""


def film(path: Path, *options: str, size: str = "64x48", seconds: float = 1.0, sound: bool = False) -> Path:
    """Write a film of that size and length; `options` are for ffmpeg, in front of the file."""
    sources = ["-f", "lavfi", "-i", f"testsrc=size={size}:rate=10:duration={seconds}"]
    if sound:
        sources += ["-f", "lavfi", "-i", f"sine=duration={seconds}"]
    ffmpeg(*sources, *(options or ("-c:v", "libx264", "-pix_fmt", "yuv420p")), str(path))
    return path


def ffmpeg(*arguments: str) -> str:
    """Run ffmpeg and return what it said."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stderr


def described(path: Path) -> str:
    """Return what ffmpeg says of a file after decoding all of it."""
    return ffmpeg("-i", str(path), "-f", "null", "-")


def box(kind: bytes, content: bytes) -> bytes:
    """A box of an MP4."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def mvhd(seconds: float) -> bytes:
    """How long a film is."""
    return box(b"mvhd", bytes(12) + struct.pack(">II", 1000, int(seconds * 1000)) + bytes(80))


def tkhd(width: int, height: int, *, matrix: tuple[int, ...] = (1, 0, 0, 0, 1, 0, 0, 0, 1)) -> bytes:
    """How large a track is, and how it is turned."""
    return box(b"tkhd", bytes(40) + struct.pack(">9i", *matrix) + struct.pack(">II", width << 16, height << 16))


def contents(path: Path) -> bytes:
    """Return the bytes of a file."""
    return path.read_bytes()


def is_there(path: Path) -> bool:
    """Say whether there is such a file."""
    return path.exists()
