"""A video of 200 MB passes through storage: how much memory that takes, and how fast it is.

A process of its own puts the file as a path and as a stream, reads a range of it and fetches it back: once with a
folder, once with Supabase as an emulator in another process speaks it, resumably. What is measured is the most memory
that the process had meanwhile, above what it had before.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import Row

if TYPE_CHECKING:
    from core.storage import Storage

MEGABYTE = 1024 * 1024
SIZE = 200 * MEGABYTE
MOST_MEMORY = 64
KEY = "results/2026/11/benchmark-0.mp4"
SECRET = "sb_secret_of_the_benchmark"
TIME_LIMIT = 300


def run() -> list[Row]:
    """Measure both storages."""
    with tempfile.TemporaryDirectory(prefix="nb-storage-") as name, _emulator() as address:
        folder = Path(name)
        film = folder / "film.mp4"
        _write_film(film)
        local = _measure("local", film, folder, "-")
        supabase = _measure("supabase", film, folder, address)
    return [
        *_rows("folder", local),
        *_rows("Supabase", supabase),
    ]


def _rows(name: str, found: dict[str, float]) -> list[Row]:
    return [
        Row.of_value(f"200 MB through {name}: memory", found["memory"], "MB", at_most=MOST_MEMORY),
        Row.of_value(f"200 MB into {name}", found["up"], "MB/s", at_least=10),
        Row.of_value(f"200 MB out of {name}", found["down"], "MB/s", at_least=10),
    ]


def _measure(kind: str, film: Path, folder: Path, address: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.storage", kind, str(film), str(folder), address]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIME_LIMIT)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def _emulator() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.emulators.supabase"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=20)


def _write_film(path: Path) -> None:
    """Write a file that is an MP4 by its boxes, with pictures of nothing."""
    header = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)
    piece = hashlib.shake_256(b"pictures").digest(MEGABYTE)
    with path.open("wb") as file:
        file.write(header + struct.pack(">I4s", SIZE - len(header), b"mdat"))
        for number in range(SIZE // MEGABYTE - 1):
            file.write(struct.pack(">I", number) + piece[4:])
        file.write(piece[: SIZE - file.tell()])


async def _pass_through(kind: str, film: Path, folder: Path, address: str) -> dict[str, float]:
    from core import media

    storage = await _opened(kind, folder, address)
    await storage.put("warm/up.png", bytes(7 * MEGABYTE), mime="image/png")
    await storage.read("warm/up.png")
    target = folder / f"{kind}.mp4"
    before = _memory("VmRSS")
    _forget_peak()
    started = time.perf_counter()
    await storage.put(KEY, film, mime="video/mp4")
    up = time.perf_counter() - started
    await storage.put(KEY, _streamed(film), mime="video/mp4")
    started = time.perf_counter()
    await storage.fetch_to(KEY, target)
    down = time.perf_counter() - started
    async for _ in storage.stream(KEY, start=100 * MEGABYTE, length=50 * MEGABYTE):
        pass
    assert (await media.inspect(target)).mime == "video/mp4"
    memory = _memory("VmHWM") - before
    assert _digest(target) == _digest(film), "another file came back"
    await storage.close()
    megabytes = SIZE / MEGABYTE
    return {"memory": memory, "up": megabytes / up, "down": megabytes / down}


async def _opened(kind: str, folder: Path, address: str) -> Storage:
    if kind == "local":
        from core.storage.local import LocalStorage

        return LocalStorage(folder / "media", None)  # type: ignore[arg-type]  # Nobody asks for a link.
    from core.storage.supabase import SupabaseStorage

    opened = SupabaseStorage(address, SECRET, bucket="benchmark")
    await opened.prepare()
    return opened


async def _streamed(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, 64 * 1024):
            yield piece


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _forget_peak() -> None:
    """Let the kernel count the most memory from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def _memory(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


if __name__ == "__main__":
    kind, film, folder, address = sys.argv[1:]
    sys.stdout.write(json.dumps(asyncio.run(_pass_through(kind, Path(film), Path(folder), address))) + "\n")
