"""Runs the ffmpeg that comes as a wheel, on files of ours, for so long and not longer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from weakref import WeakKeyDictionary

import imageio_ffmpeg

AT_ONCE: Final = 2
"""Each may take a core for a while; more would starve the rest of the process."""

LONGEST_COMPLAINT: Final = 500

_running: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class FfmpegFailed(Exception):
    """ffmpeg could not do it. The text is ffmpeg's own, for the log."""


class FfmpegTooSlow(FfmpegFailed):
    """ffmpeg did not do it in time."""


async def run(arguments: Sequence[str], *, time_limit: float) -> str:
    """Run ffmpeg with these arguments and return what it said, errors only unless they ask for more.

    It is killed when its time is over or nobody waits for it any more.

    Raises:
        FfmpegTooSlow: it was not done in time.
        FfmpegFailed: it was not done at all.
    """
    command = (imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments)
    async with _running.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)):
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(time_limit):
                _, complaint = await process.communicate()
        except TimeoutError:
            raise FfmpegTooSlow(f"not done within {time_limit} s") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    if process.returncode != 0:
        raise FfmpegFailed(complaint.decode(errors="replace")[-LONGEST_COMPLAINT:])
    return complaint.decode(errors="replace")
