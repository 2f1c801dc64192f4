"""The program that reads a site with yt-dlp: a process of its own, which limits itself before it imports anything big.

It is told what to do by one JSON document on its standard input, and answers with JSON lines: `found`, then `done`,
or `failed`. It reads no configuration, no plugins, no cookies and no netrc, starts no other program, writes into the
folder that it is given, and connects through the proxy that it is given and in no other way.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""

FILE_SLACK = 1024 * 1024


class Unwanted(Exception):
    """The site showed something that is not fetched; the message is its code."""


class Quiet:
    """What yt-dlp tells. Only errors are kept: they say why nothing came."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def debug(self, message: str) -> None:
        """Take note of what is said of a file that is too large; leave the rest."""
        if "larger than max-filesize" in message:
            self.errors.append("too_large")

    def warning(self, message: str) -> None:
        """Leave it."""

    def error(self, message: str) -> None:
        """Keep it."""
        self.errors.append(message)


def main() -> None:
    """Do what the document on the standard input says."""
    order = json.load(sys.stdin)
    _limit(order)
    quiet = Quiet()
    try:
        _read(order, quiet)
    except Unwanted as error:
        _tell("failed", reason=str(error))
    except Exception as error:  # noqa: BLE001  The boundary of this process: whatever happened is told as it was.
        _tell("failed", reason="error", detail=" | ".join([*quiet.errors, f"{type(error).__name__}: {error}"])[:2000])


def _read(order: dict[str, Any], quiet: Quiet) -> None:
    from yt_dlp import YoutubeDL  # type: ignore[import-untyped]  # Without annotations; imported under the limits.

    folder = Path(order["folder"])
    with YoutubeDL(_options(order, folder, quiet)) as reader:
        found = reader.extract_info(order["url"], download=False)
        entry = _only(found)
        length = entry.get("duration")
        _tell("found", extractor=entry.get("extractor_key"), seconds=length)
        if entry.get("is_live"):
            raise Unwanted("too_long")
        if isinstance(length, int | float) and length > order["length"]:
            raise Unwanted("too_long")
        reader.process_ie_result(entry, download=True)
    written = [path for path in folder.iterdir() if path.is_file() and path.stat().st_size]
    if not written:
        raise Unwanted("too_large" if "too_large" in quiet.errors else "nothing")
    _tell("done", path=str(written[0]))


def _options(order: dict[str, Any], folder: Path, quiet: Quiet) -> dict[str, Any]:
    """Return how yt-dlp is to work: by these alone, for it is given nothing else."""
    return {
        "allowed_extractors": order["extractors"],
        "cachedir": False,
        "color": "never",
        "enable_file_urls": False,
        "extractor_retries": 0,
        "fixup": "never",
        "ffmpeg_location": str(folder / "none"),
        "format": "b/w/bv*",
        "format_sort": [f"res:{order['lines']}", "+size"],
        "fragment_retries": 1,
        "js_runtimes": {},
        "logger": quiet,
        "max_filesize": order["size"],
        "noplaylist": True,
        "noprogress": True,
        "nopart": True,
        "outtmpl": {"default": str(folder / "video.%(ext)s")},
        "playlistend": 1,
        "proxy": order["proxy"],
        "quiet": True,
        "retries": 1,
        "skip_unavailable_fragments": False,
        "socket_timeout": order["idle"],
        "updatetime": False,
        "usenetrc": False,
    }


def _only(found: object) -> dict[str, Any]:
    """Return the video that was found, of several the first."""
    while isinstance(found, dict) and found.get("_type") in {"playlist", "multi_video"}:
        found = next((entry for entry in found.get("entries") or () if entry), None)
    if not isinstance(found, dict):
        raise Unwanted("nothing")
    return found


def _limit(order: dict[str, Any]) -> None:
    """Take away from this process what it will not need."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != order["parent"]:
        sys.exit("the parent is gone")
    limits = [
        (resource.RLIMIT_CPU, order["processor"]),
        (resource.RLIMIT_FSIZE, order["size"] + FILE_SLACK),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ]
    if sys.platform == "linux":  # Others do not bound address space.
        limits.append((resource.RLIMIT_AS, order["memory"]))
    for kind, most in limits:
        resource.setrlimit(kind, (most, most))


def _tell(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)  # noqa: T201  The way in which this process answers.


if __name__ == "__main__":
    main()
