"""Pictures and videos that users give, by chat or straight into storage."""

from __future__ import annotations

from core.uploads.rows import KINDS, MOST_AN_HOUR, MOST_BYTES_A_DAY, awaits_bytes, codes_of
from core.uploads.service import complete, expect, find, keep, of, remove, ticket
from core.uploads.states import (
    TooManyUploads,
    UnknownUpload,
    Upload,
    UploadCode,
    UploadInUse,
    UploadKeyReused,
    UploadNotReady,
    UploadRefused,
)

__all__ = [
    "KINDS",
    "MOST_AN_HOUR",
    "MOST_BYTES_A_DAY",
    "TooManyUploads",
    "UnknownUpload",
    "Upload",
    "UploadCode",
    "UploadInUse",
    "UploadKeyReused",
    "UploadNotReady",
    "UploadRefused",
    "awaits_bytes",
    "codes_of",
    "complete",
    "expect",
    "find",
    "keep",
    "of",
    "remove",
    "ticket",
]
