"""`/webapps/…`: the Mini App's pages and files, read once, compressed once, and cached by name.

There is one page for all addresses; which models it offers is told by the address. Files carry their hash in their name
and are kept by browsers for ever, the page is asked for each time. Who may show it in a frame is Telegram alone.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from core.http import bot_name
from core.http.problems import Problem
from core.http.types import App
from core.logs import get_logger
from core.settings import Settings

blueprint = Blueprint("webapps")
logger = get_logger(__name__)

SHIPPED: Final = Path(__file__).resolve().parents[2] / "webapps" / "dist"
PAGE: Final = "index.html"
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_EACH_TIME: Final = "no-cache"
HASHED: Final = "assets/"
"""Folder of the build whose files carry their hash."""

SHORTEST_COMPRESSED: Final = 512
COMPRESSIBLE: Final = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
TELEGRAM: Final = ("https://web.telegram.org", "https://*.web.telegram.org")
"""Telegram's clients in a browser; all others show the app in a window of their own."""

LOOPBACK: Final = ("http://127.0.0.1:*", "http://localhost:*")
LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
BOT: Final = '<meta name="bot-username" content="">'
"""The place in the page where the bot's name is put: opened outside of Telegram, it leads to the bot."""

_ENTRY = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("application/manifest+json", ".webmanifest")


@dataclass(frozen=True, slots=True)
class File:
    """A built file. `compressed` is None where that saves nothing."""

    content: bytes
    compressed: bytes | None
    content_type: str
    etag: str


def made(content: bytes, content_type: str) -> File:
    """Prepare a file for serving."""
    compressed = None
    if len(content) >= SHORTEST_COMPRESSED and content_type.startswith(COMPRESSIBLE):
        # Without a time in it, so that every web process gives the same bytes.
        compressed = gzip.compress(content, 9, mtime=0)
    return File(content, compressed, content_type, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


class Build:
    """What `just webapps` made. Read again when its page was made anew, so that a build needs no restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_at: tuple[int, int] | None = None
        self._files: dict[str, File] = {}
        self._pages: dict[str | None, File] = {}

    def file(self, name: str) -> File | None:
        """A file by its path inside the build."""
        self._refresh()
        return self._files.get(name)

    def page(self, bot: str | None) -> File | None:
        """The page with the bot's name in it; None when nothing is built."""
        self._refresh()
        plain = self._files.get(PAGE)
        if plain is None or bot is None:
            return plain
        if bot not in self._pages:
            named = BOT.replace('content=""', f'content="{html.escape(bot, quote=True)}"').encode()
            self._pages[bot] = made(plain.content.replace(BOT.encode(), named), plain.content_type)
        return self._pages[bot]

    def _refresh(self) -> None:
        try:
            found = (self._folder / PAGE).stat()
        except OSError:
            self._read_at, self._files = None, {}
            return
        if self._read_at == (found.st_mtime_ns, found.st_ino):
            return
        self._read_at = (found.st_mtime_ns, found.st_ino)
        self._pages = {}
        self._files = dict(_read(self._folder, path) for path in sorted(self._folder.rglob("*")) if path.is_file())
        logger.info("webapps.loaded", files=len(self._files))


def _read(folder: Path, path: Path) -> tuple[str, File]:
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if content_type.startswith("text/"):
        content_type += "; charset=utf-8"
    return path.relative_to(folder).as_posix(), made(path.read_bytes(), content_type)


def policy(settings: Settings) -> str:
    """The Content-Security-Policy of the page: our own code and nothing else, data from us and from the storage."""
    stores = sorted({_origin(url) for url in (settings.public_base_url, settings.supabase_url) if url})
    frames = [*TELEGRAM]
    if urlsplit(settings.telegram_api_base_url).hostname in LOOPBACK_HOSTS:
        # The sandbox plays Telegram on this machine.
        frames += LOOPBACK
    own = " ".join(["'self'", *stores])
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            f"connect-src {own}",
            f"img-src {own} data: blob:",
            f"media-src {own} blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {' '.join(frames)}",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@blueprint.listener("before_server_start")
async def prepare(app: App) -> None:
    """Find the build."""
    settings: Settings = app.ctx.settings
    app.ctx.webapps = Build(settings.webapps_path or SHIPPED)
    app.ctx.webapps_policy = policy(settings)


@blueprint.route("/webapps", methods=["GET", "HEAD"], strict_slashes=True)
async def entrance(request: Request) -> HTTPResponse:
    """The address without its last stroke."""
    return _with_stroke(request)


@blueprint.route("/webapps/<name:path>", methods=["GET", "HEAD"], name="webapps", strict_slashes=True)
async def serve(request: Request, name: str) -> HTTPResponse:
    """Send a page or a file of the build."""
    build: Build = request.app.ctx.webapps
    entry = name.removesuffix("/")
    if not entry or _ENTRY.fullmatch(entry):
        if entry and not name.endswith("/"):
            return _with_stroke(request)
        return await _page(request, build)
    if (file := build.file(name)) is None:
        raise Problem(404, "There is no such file. Open the app again: there may be a newer one.")
    headers = {"Cache-Control": FOR_EVER if name.startswith(HASHED) else ASK_EACH_TIME}
    return _answer(request, file, headers)


@blueprint.route("/webapps/", methods=["GET", "HEAD"], name="all_models", strict_slashes=True)
async def all_models(request: Request) -> HTTPResponse:
    """The page with all models."""
    return await _page(request, request.app.ctx.webapps)


async def _page(request: Request, build: Build) -> HTTPResponse:
    page = build.page(await bot_name.of(request.app))
    if page is None:
        raise Problem(503, "The Mini App is not built. `just webapps` builds it.", code="webapps_not_built")
    headers = {
        "Cache-Control": ASK_EACH_TIME,
        "Content-Security-Policy": request.app.ctx.webapps_policy,
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
    return _answer(request, page, headers)


def _answer(request: Request, file: File, headers: dict[str, str]) -> HTTPResponse:
    headers |= {"ETag": file.etag}
    body = file.content
    if file.compressed is not None:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in str(request.headers.get("accept-encoding", "")).lower():
            headers["Content-Encoding"] = "gzip"
            body = file.compressed
    if file.etag in str(request.headers.get("if-none-match", "")):
        headers.pop("Content-Encoding", None)
        return HTTPResponse(None, 304, headers=headers)
    return HTTPResponse(body, headers=headers, content_type=file.content_type)


def _with_stroke(request: Request) -> HTTPResponse:
    query = f"?{request.query_string}" if request.query_string else ""
    return redirect(f"{request.path}/{query}", status=308)
