"""Files for an order: announced, put by the browser straight into storage, then looked at here."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sanic import Request

from core import media, storage, uploads
from core.http.app import upload_schemas as schemas
from core.http.app.api import api
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.types import IdempotencyKey
from core.users import User

SHOWN_FOR: Final = timedelta(hours=1)
MEGABYTE: Final = 1024 * 1024

WORDS: Final = {
    "kind_not_supported": "Files of this type are not taken. Send JPEG, PNG, WebP, GIF, MP4, MOV or WebM.",
    "heic_not_supported": "HEIC pictures are not taken. Save the photo as JPEG, or send it in the chat as a photo.",
    "not_an_image": "This is neither a picture nor a video that can be read. Send JPEG, PNG, WebP, MP4, MOV or WebM.",
    "image_too_large": f"The picture is too large: at most {media.MAX_IMAGE_BYTES // MEGABYTE} MB and "
    f"{media.MAX_PIXELS // 1_000_000} megapixels.",
    "not_a_video": "This video cannot be read. Send MP4, MOV or WebM.",
    "video_too_large": f"The video is too large: at most {media.MAX_VIDEO_BYTES // MEGABYTE} MB and 4K.",
    "video_too_long": f"The video is too long: at most {media.MAX_VIDEO_SECONDS:.0f} seconds.",
    "larger_than_announced": "More bytes arrived than were announced. Announce the file again.",
}
"""What a person is told; the Mini App has words of its own for the same codes."""


@api.operation(
    "POST",
    "/uploads",
    body=schemas.UploadRequest,
    answer=schemas.Upload,
    scope=Scope.OPERATE,
    action="uploads.announce",
    tag="uploads",
)
async def announce_upload(
    request: Request, user: User, body: schemas.UploadRequest, key: IdempotencyKey
) -> schemas.Upload:
    """Announce a file and get the address to put its bytes to.

    The same key gives the same upload. The bytes never pass through this API: put them to `put.url`, then complete.
    """
    del request
    try:
        upload = await uploads.expect(user.id, body.mime.strip().lower(), body.size, key)
    except uploads.UploadRefused as error:
        raise _refused(error) from None
    except uploads.TooManyUploads as error:
        raise Problem(429, f"{error}.", code="too_many_uploads", headers={"Retry-After": str(error.seconds)}) from None
    except uploads.UploadKeyReused:
        detail = "The key belongs to another file. Use a new key for a new file."
        raise Problem(409, detail, code="idempotency_key_reused") from None
    if upload.state in {"refused", "removed"}:
        raise Problem(409, "That upload is over. Use a new key.", code="upload_over")
    return await _shown(upload)


@api.operation(
    "POST",
    "/uploads/{code}/complete",
    answer=schemas.Upload,
    scope=Scope.OPERATE,
    problems=(404, 409),
    tag="uploads",
)
async def complete_upload(request: Request, user: User, code: str) -> schemas.Upload:
    """Have a file looked at that was put into storage.

    It is judged by its bytes, made clean of what its camera noted, and from then on `ready`. Repeating the call changes
    nothing.
    """
    del request
    try:
        return await _shown(await uploads.complete(user.id, uploads.UploadCode(code)))
    except uploads.UnknownUpload:
        raise _unknown(code) from None
    except uploads.UploadNotReady:
        raise Problem(409, "The bytes have not arrived. Put them, then complete.", code="upload_missing") from None
    except uploads.UploadRefused as error:
        raise _refused(error) from None


@api.operation("GET", "/uploads/{code}", answer=schemas.Upload, problems=(404,), tag="uploads")
async def read_upload(request: Request, user: User, code: str) -> schemas.Upload:
    """One of the person's own uploads. There are no others for them."""
    del request
    try:
        return await _shown(await uploads.find(user.id, code))
    except uploads.UnknownUpload:
        raise _unknown(code) from None
    except uploads.UploadRefused as error:
        raise _refused(error) from None


@api.operation(
    "DELETE",
    "/uploads/{code}",
    answer=schemas.UploadRemoved,
    scope=Scope.OPERATE,
    problems=(409,),
    tag="uploads",
)
async def remove_upload(request: Request, user: User, code: str) -> schemas.UploadRemoved:
    """Remove a file. One that is not there is gone already."""
    del request
    try:
        await uploads.remove(user.id, code)
    except uploads.UploadInUse:
        raise Problem(409, "An order needs this file now.", code="upload_in_use") from None
    return schemas.UploadRemoved(code=code[:64], state="removed")


async def _shown(upload: uploads.Upload) -> schemas.Upload:
    is_ready = upload.state == "ready"
    return schemas.Upload(
        code=upload.code,
        state="ready" if is_ready else "expected",
        mime=upload.mime,
        size=upload.size,
        width=upload.width,
        height=upload.height,
        seconds=upload.seconds,
        put=None if is_ready else await _target(upload),
        url=await storage.storage().link(upload.key, lifetime=SHOWN_FOR) if is_ready else None,
    )


async def _target(upload: uploads.Upload) -> schemas.UploadTarget:
    ticket = await uploads.ticket(upload)
    return schemas.UploadTarget(
        url=ticket.url, method=ticket.method, headers=dict(ticket.headers), expires_at=ticket.expires
    )


def _refused(error: uploads.UploadRefused) -> Problem:
    return Problem(422, WORDS.get(error.code, "This file cannot be used."), code=error.code)


def _unknown(code: str) -> Problem:
    return Problem(404, f"There is no upload {code[:64]!r}.", code="unknown_upload")
