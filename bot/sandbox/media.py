"""Files: uploads, identifiers, photos recompressed in several sizes. Bytes lie in the media folder."""

from __future__ import annotations

import asyncio
import hashlib
import io
import mimetypes
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.sandbox import limits
from bot.sandbox.documents import JsonObject
from bot.sandbox.parameters import Parameters, Upload
from bot.sandbox.refusals import Refused, bad_request
from bot.sandbox.state import State

FOLDERS: Mapping[str, str] = {
    "photo": "photos",
    "document": "documents",
    "video": "videos",
    "animation": "animations",
    "voice": "voice",
    "audio": "music",
    "sticker": "stickers",
    "thumbnail": "thumbnails",
}
# The first characters of a file_id tell its kind, as in Telegram.
_PREFIXES = {
    "photo": "AgACAgI",
    "document": "BQACAgI",
    "video": "BAACAgI",
    "animation": "CgACAgI",
    "voice": "AwACAgI",
    "audio": "CQACAgI",
    "sticker": "CAACAgI",
    "thumbnail": "AAMCAgA",
}
_EXTENSIONS = {"photo": ".jpg", "thumbnail": ".jpg", "voice": ".oga", "sticker": ".webp"}
_DEFAULT_MIME = {"video": "video/mp4", "animation": "video/mp4", "voice": "audio/ogg", "audio": "audio/mpeg"}
_PHOTO_WIDTHS = (("s", 90), ("m", 320), ("y", 1280))
WRONG_FILE = "wrong file identifier/HTTP URL specified"


@dataclass(frozen=True)
class Rendition:
    """One size of a photo."""

    body: bytes
    width: int
    height: int


class Media:
    """Stores files and shows them as the Bot API does."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._folder = state.folder / "media"
        self._folder.mkdir(exist_ok=True)

    async def receive(self, kind: str, parameters: Parameters, name: str) -> JsonObject:
        """What the parameter gives (an upload, `attach://`, a file_id or an address), as `message[kind]`."""
        value = parameters.text(name)
        upload = parameters.uploads.get(value.removeprefix("attach://") if value else name)
        if upload is None and not value:
            raise bad_request(f"there is no {kind.replace('_', ' ')} in the request")
        if upload is None and value.startswith(("http://", "https://")):
            upload = await self._download(kind, value)
        if upload is None:
            return self._known(kind, value)
        extras: JsonObject = {}
        thumbnail = await self._thumbnail(parameters)
        if thumbnail:
            extras["thumbnail"] = thumbnail
        if kind == "video" and parameters.text("cover"):
            extras["cover"] = (await self.receive("photo", parameters, "cover"))["sizes"]
        return await self.store(kind, upload, parameters, extras)

    async def store(
        self, kind: str, upload: Upload, parameters: Parameters, extras: JsonObject | None = None
    ) -> JsonObject:
        """Keep an uploaded file and return `message[kind]`; a photo is `{"sizes": [PhotoSize…]}`."""
        if not upload.body:
            raise bad_request("file must be non-empty")
        if kind == "photo":
            return await self._store_photo(upload.body)
        if len(upload.body) > limits.UPLOAD_BYTES:
            raise Refused(413, "Request Entity Too Large")
        mime = upload.mime
        if mime in {"", "application/octet-stream"}:
            mime = mimetypes.guess_type(upload.name)[0] or _DEFAULT_MIME.get(kind, "application/octet-stream")
        details = _details(kind, upload, mime, parameters) | (extras or {})
        return self._keep(kind, upload.body, details, Path(upload.name).suffix or mimetypes.guess_extension(mime) or "")

    async def _store_photo(self, body: bytes) -> JsonObject:
        if len(body) > limits.PHOTO_BYTES:
            raise bad_request(
                f"file of size {len(body)} bytes is too big for a photo; the maximum size is {limits.PHOTO_BYTES} bytes"
            )
        renditions = await asyncio.to_thread(_renditions, body)
        sizes = [
            self._keep("photo", one.body, {"width": one.width, "height": one.height}, ".jpg") for one in renditions
        ]
        whole = {"sizes": sizes}
        for size in sizes:
            record = self._state.files[size["file_id"]]
            self._state.put_file(size["file_id"], {**record, "whole": whole})
        return whole

    async def _thumbnail(self, parameters: Parameters) -> JsonObject | None:
        value = parameters.text("thumbnail")
        upload = parameters.uploads.get(value.removeprefix("attach://") if value else "thumbnail")
        if upload is None:
            return None
        rendition = (await asyncio.to_thread(_renditions, upload.body))[:2][-1]
        return self._keep("thumbnail", rendition.body, {"width": rendition.width, "height": rendition.height}, ".jpg")

    def _keep(self, kind: str, body: bytes, details: JsonObject, suffix: str) -> JsonObject:
        digest = hashlib.sha256(body).hexdigest()
        number = self._state.next_number("file", 0)
        path = f"{FOLDERS[kind]}/file_{number}{_EXTENSIONS.get(kind, suffix)}"
        target = self._folder / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(body)
        shown: JsonObject = {
            "file_id": _PREFIXES[kind] + secrets.token_urlsafe(39),
            "file_unique_id": f"AQAD{digest[:11]}",
            "file_size": len(body),
            **details,
        }
        self._state.put_file(shown["file_id"], {"kind": kind, "path": path, "shown": shown})
        return shown

    def _known(self, kind: str, file_id: str) -> JsonObject:
        record = self._state.files.get(file_id)
        if record is None:
            raise bad_request(WRONG_FILE)
        if record["kind"] != kind:
            raise bad_request(f"can't use file of type {record['kind'].capitalize()} as {kind.capitalize()}")
        shown: JsonObject = record.get("whole") or record["shown"]
        return dict(shown)

    async def _download(self, kind: str, url: str) -> Upload:
        limit = limits.URL_PHOTO_BYTES if kind == "photo" else limits.URL_FILE_BYTES
        try:
            async with httpx.AsyncClient(timeout=15, follow_redirects=True) as client:
                answer = await client.get(url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise bad_request("failed to get HTTP URL content") from error
        if not answer.is_success or len(answer.content) > limit:
            raise bad_request("failed to get HTTP URL content")
        mime = answer.headers.get("content-type", "").split(";")[0].strip()
        if mime.startswith("text/html") or (kind == "photo" and not mime.startswith("image/")):
            raise bad_request("wrong type of the web page content")
        return Upload(Path(answer.url.path).name or "file", mime, answer.content)

    def file(self, file_id: str) -> JsonObject:
        """What getFile answers."""
        record = self._state.files.get(file_id)
        if record is None:
            raise bad_request("invalid file_id")
        shown = record["shown"]
        if shown["file_size"] > limits.DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        keys = ("file_id", "file_unique_id", "file_size")
        return {**{key: shown[key] for key in keys}, "file_path": record["path"]}

    def path(self, file_path: str) -> Path | None:
        """Where the bytes of a `file_path` lie; None for what was never stored."""
        target = (self._folder / file_path).resolve()
        return target if target.is_relative_to(self._folder.resolve()) and target.is_file() else None

    def find(self, file_id: str) -> tuple[Path, str, str] | None:
        """Bytes, MIME type and name of a file, without the size limit of getFile: people download what they like."""
        record = self._state.files.get(file_id)
        if record is None:
            return None
        mime = record["shown"].get("mime_type") or mimetypes.guess_type(record["path"])[0] or "application/octet-stream"
        return self._folder / record["path"], mime, record["shown"].get("file_name") or Path(record["path"]).name


def _details(kind: str, upload: Upload, mime: str, parameters: Parameters) -> JsonObject:
    """The fields that a file of this kind has beside its identifiers."""
    size = {"width": parameters.integer("width"), "height": parameters.integer("height")}
    duration = {"duration": parameters.integer("duration")}
    match kind:
        case "video" | "animation":
            return {**size, **duration, "file_name": upload.name, "mime_type": mime}
        case "voice":
            return {**duration, "mime_type": mime}
        case "audio":
            named = {key: parameters.text(key) for key in ("performer", "title") if parameters.text(key)}
            return {**duration, **named, "file_name": upload.name, "mime_type": mime}
        case "sticker":
            return {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
        case _:
            return {"file_name": upload.name, "mime_type": mime}


def _renditions(body: bytes) -> list[Rendition]:
    """A photo as Telegram keeps it: a small, a middle and a full JPEG, none larger than the original."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # Pillow loads with the first photo: starting stays quick.

    try:
        with Image.open(io.BytesIO(body)) as opened:
            width, height = opened.size
            if width + height > limits.PHOTO_SIDES or max(width, height) > limits.PHOTO_RATIO * min(width, height):
                raise bad_request("PHOTO_INVALID_DIMENSIONS")
            upright = ImageOps.exif_transpose(opened)
            flat = Image.new("RGB", upright.size, "white")
            layered = upright.convert("RGBA")
            flat.paste(layered, mask=layered.getchannel("A"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise bad_request("IMAGE_PROCESS_FAILED") from error
    longest = max(flat.size)
    renditions = []
    for _, side in _PHOTO_WIDTHS:
        scale = min(1.0, side / longest)
        scaled = (max(1, round(flat.width * scale)), max(1, round(flat.height * scale)))
        output = io.BytesIO()
        flat.resize(scaled, Image.Resampling.LANCZOS).save(output, "JPEG", quality=87)
        renditions.append(Rendition(output.getvalue(), *scaled))
        if side >= longest:
            break
    return renditions
