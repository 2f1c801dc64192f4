"""`/media/<key>`: stored files behind signed links, streamed, in ranges where a player asks for them; and the other way
round, files that a browser puts there with a ticket. Only a storage in a folder is served and filled from here."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sanic import Blueprint, HTTPResponse, Request

from core import storage, uploads
from core.http.problems import Problem
from core.http.types import App

blueprint = Blueprint("media")

SHOWN_INLINE = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
}
"""What a browser may show. Everything else is downloaded as bytes: SVG and HTML could run scripts under our name."""

CHUNK_OVERHEAD = 1024
"""The server counts a body before we do: what is a byte too long is to be refused in our words."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file of `total` bytes."""

    start: int
    length: int
    total: int
    was_asked_for: bool = True
    """False for the whole file that is sent when nobody asked for a part of it."""

    def header(self) -> str:
        """Content-Range of this part."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.total}"


def requested_part(header: str | None, total: int) -> Part:
    """Read a Range header. One range is served; several, or what is not understood, mean the whole file.

    Raises:
        Problem: 416, the range lies outside of the file.
    """
    whole = Part(0, total, total, was_asked_for=False)
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return whole
    first, last = match.groups()
    if not first:
        length = min(int(last), total)
        start, end = total - length, total - 1
    else:
        start, end = int(first), min(int(last), total - 1) if last else total - 1
        if last and int(last) < start:
            return whole
    if start >= total or end < start:
        raise Problem(416, f"The file has {total} bytes.", headers={"Content-Range": f"bytes */{total}"})
    return Part(start, end - start + 1, total)


@blueprint.listener("before_server_start")
async def prepare(app: App) -> None:
    """Derive the key that links are signed with."""
    app.ctx.links = storage.Links(app.ctx.settings)


@blueprint.route("/media/<key:path>", methods=["GET", "HEAD"])
async def media(request: Request, key: str) -> HTTPResponse | None:
    """Send a file to whoever has a link that we signed and that is not over yet."""
    links: storage.Links = request.app.ctx.links
    if not links.is_valid(key, request.args.get("expires", ""), request.args.get("signature", "")):
        raise Problem(403, "The link is not valid any more.", code="link_not_valid")
    try:
        total = await storage.storage().size(key)
    except storage.FileNotStored:
        raise Problem(404, "The file was removed: results and uploads are kept for a while only.") from None
    part = requested_part(request.headers.get("range"), total)
    headers, content_type = _headers(key, part)
    status = 206 if part.was_asked_for else 200
    if request.method == "HEAD":
        return HTTPResponse(None, status, headers=headers, content_type=content_type)
    response = await request.respond(status=status, headers=headers, content_type=content_type)
    assert response is not None
    async for piece in storage.storage().stream(key, start=part.start, length=part.length):
        await response.send(piece)
    await response.eof()
    return None


@blueprint.put("/media/<key:path>", stream=True)
async def put_media(request: Request, key: str) -> HTTPResponse:
    """Take the bytes of an upload from whoever has a ticket for it, piece by piece, and no more than it says."""
    most = _most_bytes(request, key)
    if not await uploads.awaits_bytes(key):
        raise Problem(409, "This upload is over.", code="upload_over")
    if int(request.headers.get("content-length") or 0) > most:
        raise _too_large(most)
    # The ticket is the limit here; that of the other addresses is for JSON.
    request.stream.request_max_size = most + CHUNK_OVERHEAD  # type: ignore[union-attr]
    await storage.storage().put(key, _capped(request, most), mime=request.args.get("mime", ""))
    return HTTPResponse(None, 200)


def _most_bytes(request: Request, key: str) -> int:
    """Return how many bytes the ticket of a request allows.

    Raises:
        Problem: 403, it has none that is ours and not over; 415, for another type.
    """
    links: storage.Links = request.app.ctx.links
    mime, most, *rest = (request.args.get(name, "") for name in ("mime", "most", "expires", "signature"))
    if not links.is_valid_ticket(key, mime, most, *rest):
        raise Problem(403, "The ticket is not valid any more.", code="link_not_valid")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != mime:
        raise Problem(415, f"The ticket is for {mime}.", code="type_not_announced")
    return int(most)


async def _capped(request: Request, most: int) -> AsyncIterator[bytes]:
    size = 0
    stream: Any = request.stream
    while piece := await stream.read():
        size += len(piece)
        if size > most:
            raise _too_large(most)
        yield piece


def _too_large(most: int) -> Problem:
    return Problem(413, f"The ticket is for {most} bytes.", code="payload_too_large")


def _headers(key: str, part: Part) -> tuple[dict[str, str], str]:
    path = PurePosixPath(key)
    shown_as = SHOWN_INLINE.get(path.suffix.lower())
    name = re.sub(r"[^A-Za-z0-9._-]", "_", path.name)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(part.length),
        "Content-Disposition": f'{"inline" if shown_as else "attachment"}; filename="{name}"',
    }
    if part.was_asked_for:
        headers["Content-Range"] = part.header()
    return headers, shown_as or "application/octet-stream"
