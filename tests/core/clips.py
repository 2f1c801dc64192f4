"""Short real films for tests, made by ffmpeg."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg
from PIL import Image

CODECS = {".mp4": ("-c:v", "libx264", "-pix_fmt", "yuv420p"), ".webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime")}


@cache
def clip(
    colour: str = "red",
    *,
    seconds: float = 1.0,
    size: tuple[int, int] = (160, 90),
    speed: int = 24,
    has_sound: bool = False,
    suffix: str = ".mp4",
) -> bytes:
    """Return a film of one colour, with a tone where it has sound."""
    source = f"color=c={colour}:s={size[0]}x{size[1]}:r={speed}:d={seconds}"
    tone = ("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}") if has_sound else ()
    audio = ("-c:a", "aac" if suffix == ".mp4" else "libopus") if has_sound else ("-an",)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"clip{suffix}"
        ffmpeg("-f", "lavfi", "-i", source, *tone, *CODECS[suffix], *audio, str(path))
        return path.read_bytes()


def colours(path: Path, *moments: float) -> list[str]:
    """Return the main colour of a film at some moments, in seconds: red, green, blue or black."""
    found = []
    with TemporaryDirectory() as folder:
        for moment in moments:
            picture = Path(folder) / "frame.png"
            ffmpeg("-ss", str(moment), "-i", str(path), "-frames:v", "1", str(picture))
            found.append(main_colour(picture))
    return found


def main_colour(picture: Path) -> str:
    """Return the colour in the middle of a picture."""
    with Image.open(picture) as image:
        pixel = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
    assert isinstance(pixel, tuple)
    return "black" if max(pixel) < 50 else ("red", "green", "blue")[pixel.index(max(pixel))]


def ffmpeg(*arguments: str) -> None:
    """Run ffmpeg."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-loglevel", "error", *arguments]
    subprocess.run(command, check=True, timeout=60)
