"""Sends stored files. A file is opened, read and closed by one thread: whoever hangs up leaves none open."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from sanic import HTTPResponse
from sanic.handlers import ContentRangeHandler


async def sent(
    path: Path, mime: str, headers: Mapping[str, str], *, name: str = "", part: ContentRangeHandler | None = None
) -> HTTPResponse:
    """The answer with a file, as a download under `name` where one is given, or with a part of it."""
    content = await asyncio.to_thread(_read, path, part)
    more = dict(headers)
    if name:
        more["Content-Disposition"] = f'attachment; filename="{name}"'
    if part:
        more["Content-Range"] = f"bytes {part.start}-{part.end}/{part.total}"
    return HTTPResponse(content, 206 if part else 200, headers=more, content_type=mime)


def _read(path: Path, part: ContentRangeHandler | None) -> bytes:
    with path.open("rb") as file:
        if not part:
            return file.read()
        file.seek(part.start or 0)
        return file.read(part.size)
