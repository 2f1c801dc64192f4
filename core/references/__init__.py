"""Pictures and videos behind a user's link, fetched in a way that cannot be led to anybody's private network.

A link that leads to a file is downloaded by us (`download`), a page of Instagram or TikTok is read by yt-dlp in a
bounded process (`sites`), and every connection of both goes through one `Gate`. Videos on YouTube are not fetched at
all: Gemini reads the public ones by their address.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from core import media
from core.generations.states import Generation
from core.references import download, sites
from core.references.errors import FAILURES, LinkFailed, LinkNotSupported, LinkTooLarge, LinkTooLong
from core.references.gate import Gate
from core.references.limits import USUAL, Limits
from core.references.links import Link, Site, in_text, parse, video_of_youtube
from core.storage import StoredFile, storage
from providers.base import MediaRole

__all__ = [
    "FAILURES",
    "MODEL",
    "Gate",
    "Limits",
    "Link",
    "LinkFailed",
    "Site",
    "fetch",
    "fetch_input",
    "in_text",
    "parse",
    "readable_address",
    "video_of_youtube",
]

MODEL: Final = "gemini-2.5-pro"
"""Slug of the model that describes a reference, as the predecessor named it; what works behind it is its route."""


async def fetch(url: str, folder: Path, *, gate: Gate | None = None, limits: Limits = USUAL) -> Path:
    """Fetch the picture or video behind a link into a folder of the caller's.

    Raises:
        LinkFailed: the subclass says why, its words are `failed-<code>` in the bot.
    """
    link = parse(url)
    if link.site in {Site.INSTAGRAM, Site.TIKTOK}:
        return await sites.fetch(link, folder, gate=gate or Gate(), limits=limits)
    return await download.download(link, folder, gate=gate or Gate(), limits=limits)


async def fetch_input(generation: Generation, *, gate: Gate | None = None, limits: Limits = USUAL) -> StoredFile | None:
    """Put what a generation's link leads to into storage; None where there is nothing to fetch.

    Repeating it after a crash replaces the file.

    Raises:
        LinkFailed: nothing usable is behind the link.
    """
    if not generation.source_url or generation.images or readable_address(generation) is not None:
        return None
    with tempfile.TemporaryDirectory(prefix="nb-reference-") as name:
        path = await fetch(generation.source_url, Path(name), gate=gate, limits=limits)
        return await _keep(path, f"references/{generation.run_code}", limits)


def readable_address(generation: Generation) -> str | None:
    """Return the address that a provider reads by itself, None where the link has to be fetched or there is none.

    Raises:
        LinkNotSupported: it leads to YouTube, but to no video.
    """
    if not generation.source_url:
        return None
    link = parse(generation.source_url)
    return video_of_youtube(link) if link.site is Site.YOUTUBE else None


async def _keep(path: Path, key: str, limits: Limits) -> StoredFile:
    """Put a fetched file into storage: a picture cleaned as one that a user sent, a video as it is."""
    try:
        found = await media.inspect(path)
        if found.mime.startswith("video/"):
            if found.seconds > limits.length:
                raise LinkTooLong(f"{found.seconds:.0f} s")
            name = f"{key}.{media.extension(found.mime)}"
            size = await storage().put(name, path, mime=found.mime)
            seen = (found.width, found.height, found.seconds)
            return StoredFile(name, found.mime, size, *seen, role=MediaRole.VIDEO.value)
        picture = await media.accept_image(await asyncio.to_thread(path.read_bytes))
    except media.ImageTooLarge as error:
        raise LinkTooLarge(str(error)) from None
    except media.UnusableMedia as error:
        raise LinkNotSupported(f"the file is no picture or video: {error}") from None
    name = f"{key}.{media.extension(picture.mime)}"
    size = await storage().put(name, picture.data, mime=picture.mime)
    return StoredFile(name, picture.mime, size, picture.width, picture.height)
