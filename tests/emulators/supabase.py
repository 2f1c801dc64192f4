"""Supabase Storage as it is on the wire: buckets, objects, signed addresses, resumable uploads.

Facts: https://github.com/supabase/storage. Refusals come as HTTP 400 with the true code in the body; resumable uploads
answer in plain text with true codes. Files lie on disk, so a large one costs no memory. Bad days are ordered for the
next calls with ``POST /emulator/script``: ``#status=N`` ``#close`` ``#garbage`` ``#lost`` (done, and the answer lost)
``#cut=N`` (of a chunk or a download N bytes pass, then the connection breaks) ``#gone`` (the upload is forgotten)
``#locked`` (another one holds it). ``#calm`` lets one call pass.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from sanic import HTTPResponse, Request, Sanic
from sanic.response import json as as_json

from tests.emulators.service import Body, Call, Markers, Refused, Service, hang_up, main, markers_of

PREFIX: Final = "/storage/v1"
ALLOWED_KEY: Final = re.compile(r"[\w/!.*'() &$=@;:+,?-]+", re.ASCII)
CHUNK: Final = 6 * 1024 * 1024
SIGNING: Final = b"the emulated project's JWT secret"
UPLOAD_LIFETIME: Final = 7200
PIECE: Final = 256 * 1024
RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Stored:
    """An object."""

    path: Path
    mime: str
    version: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def size(self) -> int:
        return self.path.stat().st_size


@dataclass
class Pending:
    """A resumable upload that has begun."""

    path: Path
    length: int
    bucket: str
    key: str
    mime: str
    is_upsert: bool


class SupabaseService(Service):
    """One project."""

    name = "supabase"

    def __init__(self, *, key: str | None = None, seconds: float = 0.0, largest: int | None = None) -> None:
        """`largest` is the size that the plan allows."""
        super().__init__(key=key, seconds=seconds)
        self.largest = largest
        self.buckets: dict[str, Body] = {}
        self.objects: dict[tuple[str, str], Stored] = {}
        self.pending: dict[str, Pending] = {}
        self.shift = 0.0
        """Seconds that the project's clock is ahead."""
        self._folder = tempfile.TemporaryDirectory(prefix="emulated-supabase-")

    def routes(self, app: Sanic[Any, Any]) -> None:
        """Add the addresses of Storage."""
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
        app.add_route(self._serve, f"{PREFIX}/<path:path>", methods=methods, name="storage", unquote=True)

    def refusal(self, kind: str, value: str = "") -> Refused:
        """Refuse in the body."""
        if kind == "status":
            return refused(int(value), "InternalError", f"a bad day: {self.key}")
        return refused(429, "SlowDown", "Too many connections issued to the database")

    def webhook(self, job: object) -> Body:
        """Storage has none."""
        raise NotImplementedError

    async def _serve(self, request: Request, path: str) -> HTTPResponse | None:
        body = {"bytes": len(request.body)} if request.method in {"PATCH", "PUT"} else _json(request)
        query = {name: request.args.get(name) for name in request.args}
        self.calls.append(Call(request.method, request.path, body, query))
        markers = markers_of(self._script.pop(0)) if self._script else {}
        is_resumable = path.startswith("upload/resumable")
        try:
            if is_resumable:
                return await self._resumable(request, path, markers)
            return await self._object(request, unquote(path), body, markers)
        except Refused as refusal:
            return _in_plain_text(refusal) if is_resumable else refusal.response

    async def _object(self, request: Request, path: str, body: Body, markers: Markers) -> HTTPResponse | None:
        if {"close", "garbage", "status"} & set(markers):
            answer = await self.misbehave(request, markers, "")
            if answer is not None:
                return answer
        kind, _, rest = path.partition("/")
        if kind == "bucket":
            self._admit(request)
            return self._bucket(request.method, rest, body)
        first, _, after = rest.partition("/")
        bucket, _, key = after.partition("/")
        if rest.startswith("upload/sign/"):
            bucket, _, key = rest.removeprefix("upload/sign/").partition("/")
            return self._signed_upload(request, bucket, key)
        if first == "sign":
            return await self._sign(request, bucket, key, body, markers)
        self._admit(request)
        if first == "info":
            found = self._find(bucket, key)
            return as_json({"name": key, "size": found.size, "content_type": found.mime, "etag": found.version})
        if request.method == "DELETE":
            return self._remove(rest, body["prefixes"])
        bucket, key = first, after
        if request.method in {"POST", "PUT"}:
            made = self._write(bucket, key, *_file_in(request), is_upsert=_says_upsert(request))
            if "lost" in markers:
                hang_up(request)
            return as_json({"Id": secrets.token_hex(8), "Key": f"{bucket}/{key}", "etag": made.version})
        return await self._send(request, self._find(bucket, key), markers)

    # Buckets and objects.

    def _bucket(self, method: str, name: str, body: Body) -> HTTPResponse:
        if method == "POST":
            if body["id"] in self.buckets:
                raise refused(409, "Duplicate", "The resource already exists")
            self.buckets[body["id"]] = body
            return as_json({"name": body["id"]})
        if name not in self.buckets:
            raise refused(404, "Bucket not found", "Bucket not found")
        found = self.buckets[name]
        when = "2026-11-22T10:00:00.000Z"
        return as_json(
            {
                "id": name,
                "name": name,
                "owner": "",
                "public": bool(found.get("public")),
                "type": "STANDARD",
                "created_at": when,
                "updated_at": when,
                "file_size_limit": None,
                "allowed_mime_types": None,
            }
        )

    def _find(self, bucket: str, key: str) -> Stored:
        if bucket not in self.buckets:
            raise refused(404, "Bucket not found", "Bucket not found")
        found = self.objects.get((bucket, key))
        if found is None:
            raise refused(404, "not_found", "Object not found", "NoSuchKey")
        return found

    def _write(self, bucket: str, key: str, data: bytes, mime: str, *, is_upsert: bool) -> Stored:
        self._check_place(bucket, key, len(data), is_upsert=is_upsert)
        path = self._new_path()
        path.write_bytes(data)
        return self._keep(bucket, key, path, mime)

    def _check_place(self, bucket: str, key: str, size: int, *, is_upsert: bool) -> None:
        if bucket not in self.buckets:
            raise refused(404, "Bucket not found", "Bucket not found")
        if not ALLOWED_KEY.fullmatch(key):
            raise refused(400, "InvalidKey", f"Invalid key: {key}")
        if self.largest is not None and size > self.largest:
            raise refused(413, "Payload too large", "The object exceeded the maximum allowed size")
        if (bucket, key) in self.objects and not is_upsert:
            raise refused(409, "Duplicate", "The resource already exists")

    def _keep(self, bucket: str, key: str, path: Path, mime: str) -> Stored:
        before = self.objects.pop((bucket, key), None)
        if before is not None:
            before.path.unlink()
        self.objects[bucket, key] = made = Stored(path, mime)
        return made

    def _remove(self, bucket: str, keys: list[str]) -> HTTPResponse:
        if len(keys) > 1000:
            raise refused(400, "invalid_request", "body/prefixes must NOT have more than 1000 items")
        if not keys:
            raise refused(400, "invalid_request", "body/prefixes must NOT have fewer than 1 items")
        gone = {key: found for key in keys if (found := self.objects.pop((bucket, key), None))}
        for found in gone.values():
            found.path.unlink()
        return as_json([{"name": key, "bucket_id": bucket} for key in gone])

    async def _send(self, request: Request, found: Stored, markers: Markers) -> HTTPResponse | None:
        total, start, end = found.size, 0, found.size
        asked = RANGE.fullmatch(request.headers.get("range", ""))
        if asked:
            start, end = int(asked[1]), min(int(asked[2]) + 1 if asked[2] else total, total)
            if start >= total:
                raise refused(416, "InvalidRange", "The requested range is not satisfiable", status=416)
        headers = {"etag": f'"{found.version}"', "content-length": str(end - start), "accept-ranges": "bytes"}
        if asked:
            headers["content-range"] = f"bytes {start}-{end - 1}/{total}"
        response = await request.respond(status=206 if asked else 200, headers=headers, content_type=found.mime)
        cut = start + int(markers["cut"]) if "cut" in markers else end
        with found.path.open("rb") as file:
            file.seek(start)
            while (place := file.tell()) < min(cut, end):
                await response.send(file.read(min(PIECE, min(cut, end) - place)))
        if "cut" in markers:
            hang_up(request)
        else:
            await response.eof()
        return None

    # Who may.

    def _admit(self, request: Request) -> None:
        """Look at the key as the gateway does: a secret key is swapped only where both headers bring it."""
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = request.headers.get("apikey", "")
        if not bearer:
            raise refused(400, "Error", "headers must have required property 'authorization'")
        if (self.key is not None and bearer != self.key) or (bearer.startswith("sb_") and given != bearer):
            raise refused(403, "Unauthorized", f"Invalid Compact JWS: {bearer}")

    async def _sign(self, request: Request, bucket: str, key: str, body: Body, markers: Markers) -> HTTPResponse | None:
        if request.method == "GET":
            self._check_token(request.args.get("token", ""), f"{bucket}/{key}")
            return await self._send(request, self._find(bucket, key), markers)
        self._admit(request)
        self._find(bucket, key)
        if int(body["expiresIn"]) < 1:
            raise refused(400, "invalid_request", "body/expiresIn must be >= 1")
        token = self._token(f"{bucket}/{key}", int(body["expiresIn"]))
        return as_json({"signedURL": f"/object/sign/{bucket}/{key}?token={token}"})

    def _signed_upload(self, request: Request, bucket: str, key: str) -> HTTPResponse:
        if request.method == "POST":
            self._admit(request)
            self._check_place(bucket, key, 0, is_upsert=_says_upsert(request))
            token = self._token(f"upload {bucket}/{key}", UPLOAD_LIFETIME)
            return as_json({"url": f"/object/upload/sign/{bucket}/{key}?token={token}", "token": token})
        self._check_token(request.args.get("token", ""), f"upload {bucket}/{key}")
        self._write(bucket, key, *_file_in(request), is_upsert=True)
        return as_json({"Key": f"{bucket}/{key}"})

    def _token(self, url: str, lifetime: int) -> str:
        now = int(time.time() + self.shift)
        parts = [{"alg": "HS256"}, {"url": url, "iat": now, "exp": now + lifetime}]
        signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        return f"{signed}.{_base64(hmac.digest(SIGNING, signed.encode(), hashlib.sha256))}"

    def _check_token(self, token: str, url: str) -> None:
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, _base64(hmac.digest(SIGNING, signed.encode(), hashlib.sha256))):
            raise refused(400, "InvalidJWT", "signature verification failed")
        payload = signed.partition(".")[2]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if claims["exp"] < time.time() + self.shift:
            raise refused(400, "InvalidJWT", '"exp" claim timestamp check failed')
        if claims["url"] != url:
            raise refused(400, "InvalidSignature", "The url is not the one that was signed")

    # Resumable uploads.

    async def _resumable(self, request: Request, path: str, markers: Markers) -> HTTPResponse:
        if "close" in markers:
            hang_up(request)
            return HTTPResponse()
        if "status" in markers:
            raise refused(int(markers["status"]), "Error", "a bad day")
        if "locked" in markers:
            raise refused(423, "ResourceLocked", "resource is locked")
        if request.method != "HEAD":
            self._admit(request)
        if request.headers.get("tus-resumable") != "1.0.0":
            raise refused(412, "Error", "Tus-Resumable Required")
        answer = self._begin(request) if request.method == "POST" else self._go_on(request, path, markers)
        if "lost" in markers:
            hang_up(request)
        return answer

    def _begin(self, request: Request) -> HTTPResponse:
        pairs = dict(pair.split(" ") for pair in request.headers["upload-metadata"].split(","))
        named = {name: base64.b64decode(value).decode() for name, value in pairs.items()}
        bucket, key, length = named["bucketName"], named["objectName"], int(request.headers["upload-length"])
        is_upsert = _says_upsert(request)
        self._check_place(bucket, key, length, is_upsert=is_upsert)
        made = _base64(f"{bucket}/{key}/{secrets.token_hex(8)}".encode())
        path = self._new_path()
        path.touch()
        self.pending[made] = Pending(path, length, bucket, key, named["contentType"], is_upsert)
        # Behind its proxy the server does not know by which name it was called.
        headers = {"Location": f"http://storage.internal{PREFIX}/upload/resumable/{made}", "Tus-Resumable": "1.0.0"}
        return HTTPResponse(status=201, headers=headers)

    def _go_on(self, request: Request, path: str, markers: Markers) -> HTTPResponse:
        name = path.rpartition("/")[2]
        if "gone" in markers:
            self.pending.pop(name, None)
            raise refused(410, "Error", "The file for this url no longer exists")
        upload = self.pending.get(name)
        if upload is None:
            raise refused(404, "Error", "The file for this url was not found")
        if request.method == "PATCH":
            self._append(request, upload, name, markers)
        return HTTPResponse(
            status=204 if request.method == "PATCH" else 200,
            headers={"Upload-Offset": str(self._reached(name, upload)), "Tus-Resumable": "1.0.0"},
        )

    def _append(self, request: Request, upload: Pending, name: str, markers: Markers) -> None:
        data, offset = request.body, upload.path.stat().st_size
        if int(request.headers["upload-offset"]) != offset:
            raise refused(409, "Error", "Upload-Offset conflict")
        if len(data) != min(CHUNK, upload.length - offset):
            raise refused(400, "Error", "every chunk but the last has 6 MiB")
        with upload.path.open("ab") as file:
            file.write(data[: int(markers["cut"])] if "cut" in markers else data)
        if "cut" in markers:
            hang_up(request)
        if upload.path.stat().st_size == upload.length:
            self._keep(upload.bucket, upload.key, upload.path, upload.mime)

    def _reached(self, name: str, upload: Pending) -> int:
        found = self.objects.get((upload.bucket, upload.key))
        if found is not None and found.path == upload.path:
            return upload.length
        return upload.path.stat().st_size

    def _new_path(self) -> Path:
        return Path(self._folder.name) / secrets.token_hex(8)


def refused(code: int, error: str, message: str, name: str = "", *, status: int = 400) -> Refused:
    """Return a refusal: the true code is in the body."""
    return Refused(status, {"statusCode": str(code), "error": error, "message": message, "code": name or error})


def _in_plain_text(refusal: Refused) -> HTTPResponse:
    body = json.loads(refusal.response.body or b"{}")
    return HTTPResponse(body["message"], status=int(body["statusCode"]), content_type="text/plain")


def _file_in(request: Request) -> tuple[bytes, str]:
    file = request.files.get("file") if request.files else None
    if file is not None:
        return file.body, file.type
    return request.body, request.headers.get("content-type", "text/plain;charset=UTF-8")


def _says_upsert(request: Request) -> bool:
    return str(request.headers.get("x-upsert", "false")) == "true" or request.method == "PUT"


def _json(request: Request) -> Body:
    if not request.headers.get("content-type", "").startswith("application/json") or not request.body:
        return {}
    return dict(json.loads(request.body))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


if __name__ == "__main__":
    main(SupabaseService, __doc__)
