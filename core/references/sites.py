"""Fetches a video from Instagram or TikTok: yt-dlp in a bounded process, behind our own proxy.

What the program may use is bounded by the kernel (`reader`), how long it may take by us, and where it may connect by
`proxy`. It and whatever it started die together, however the fetch ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from core.logs import get_logger
from core.references import proxy, reader
from core.references.errors import (
    LinkFailed,
    LinkGone,
    LinkNotSupported,
    LinkPrivate,
    LinkTooLarge,
    LinkTooLong,
    LinkUnavailable,
)
from core.references.gate import Gate
from core.references.limits import Limits
from core.references.links import Link

logger = get_logger(__name__)

EXTRACTORS: Final = ("Instagram", "InstagramIOS", "TikTok", "vm.tiktok")
"""What of yt-dlp may run, as regular expressions. `generic`, which takes any page, is not among them."""

MOST_AT_ONCE: Final = 2
LONGEST_ANSWER: Final = 64 * 1024
PASSED_ON: Final = ("LANG", "LC_ALL", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TZ")

_SAID: Final[tuple[tuple[re.Pattern[str], type[LinkFailed]], ...]] = (
    (re.compile(r"max-filesize|too large|File too large", re.I), LinkTooLarge),
    (
        re.compile(r"unsupported url|no suitable extractor|no video in this post|no video formats", re.I),
        LinkNotSupported,
    ),
    (
        re.compile(r"private|log ?in|sign in|cookies|registered users|follow|permission|confirm your age", re.I),
        LinkPrivate,
    ),
    (
        re.compile(r"not available|unavailable|removed|deleted|does not exist|not found|HTTP Error (404|410)", re.I),
        LinkGone,
    ),
)
"""What yt-dlp says, read for what a person has to know. Anything else is the site's trouble, or yt-dlp's with it."""

_REASONS: Final[dict[str, type[LinkFailed]]] = {
    "too_long": LinkTooLong,
    "too_large": LinkTooLarge,
    "nothing": LinkNotSupported,
}
_running: Final = asyncio.Semaphore(MOST_AT_ONCE)


async def fetch(
    link: Link, folder: Path, *, gate: Gate, limits: Limits, extractors: Sequence[str] = EXTRACTORS
) -> Path:
    """Return the video that a page of a site shows, in a folder.

    Raises:
        LinkFailed: the subclass says why.
    """
    async with _running, proxy.opened(gate, size=limits.size * 2) as address:
        order = {
            "url": str(link),
            "folder": str(folder),
            "proxy": address,
            "extractors": list(extractors),
            "parent": os.getpid(),
            "size": limits.size,
            "length": limits.length,
            "lines": limits.lines,
            "idle": limits.idle,
            "memory": limits.memory,
            "processor": limits.processor,
        }
        answer = await _answer(order, folder, limits.seconds)
    return _path(answer, folder, limits.size)


async def _answer(order: dict[str, object], folder: Path, seconds: float) -> list[dict[str, object]]:
    """Run the program and return the lines that it answered with."""
    async with _program(folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                with suppress(BrokenPipeError, ConnectionResetError):
                    process.stdin.write(json.dumps(order).encode())
                    await process.stdin.drain()
                    process.stdin.close()
                said = await _all_of(process.stdout)
                await process.wait()
        except TimeoutError:
            raise LinkUnavailable(f"the site was not read within {seconds:g} s") from None
    return _lines(said, process.returncode)


@asynccontextmanager
async def _program(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the program in a group of its own, and end the whole group at the end."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        reader.__file__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
        env={**kept, "HOME": str(folder), "TMPDIR": str(folder), "YTDLP_NO_PLUGINS": "1"},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _all_of(stream: asyncio.StreamReader) -> bytes:
    said = b""
    while piece := await stream.read(LONGEST_ANSWER):
        said = (said + piece)[:LONGEST_ANSWER]
    return said


def _lines(said: bytes, status: int | None) -> list[dict[str, object]]:
    """Read the answer; a program that was killed by a limit gave none."""
    found = []
    for line in said.decode(errors="replace").splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            found.append(document)
    if not found:
        raise LinkUnavailable(f"the program that reads the site ended with {status} and said nothing")
    return found


def _path(lines: Sequence[dict[str, object]], folder: Path, size: int) -> Path:
    """Return the file that the program wrote.

    Raises:
        LinkFailed: it wrote none, or one that is too large: that was cut off where the proxy stopped passing bytes on.
    """
    last = lines[-1]
    if last.get("event") == "done":
        path = Path(str(last.get("path", ""))).resolve()
        if path.is_file() and path.parent == folder.resolve():
            if path.stat().st_size > size:
                raise LinkTooLarge(f"more than {size} bytes")
            return path
    raise failure_of(str(last.get("reason", "")), str(last.get("detail", "")))


def failure_of(reason: str, detail: str) -> LinkFailed:
    """Return what a person has to know of why the program brought nothing."""
    if reason in _REASONS:
        return _REASONS[reason](reason)
    logger.warning("reference_site_failed", detail=detail[:500])
    kind = next((kind for pattern, kind in _SAID if pattern.search(detail)), LinkUnavailable)
    return kind(detail[:1000] or "the program ended in the middle")
