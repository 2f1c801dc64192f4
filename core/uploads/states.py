"""An upload, and why one is not taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from core.storage import StoredFile
from core.types import UserId

UploadCode = NewType("UploadCode", str)
"""Public id of an upload."""


class UploadRefused(Exception):
    """A file is nothing for us, or would be too much; `code` is stable and says why."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code = code


class TooManyUploads(Exception):
    """This user gave more than one may in an hour or a day. `seconds` later it may be less."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many files; the next one in {seconds} s")
        self.seconds = seconds


class UnknownUpload(Exception):
    """This user has no such upload, or its file was removed."""


class UploadNotReady(Exception):
    """The file has not arrived, or nobody has looked at it yet."""


class UploadInUse(Exception):
    """A generation that is being made, or an order that waits for tokens, needs the file."""


class UploadKeyReused(Exception):
    """The idempotency key belongs to an upload of another type or size."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a user gave or is about to give."""

    code: UploadCode
    user_id: UserId
    state: str
    key: str
    mime: str
    size: int
    width: int
    height: int
    seconds: float
    refusal: str
    created_at: datetime

    @property
    def file(self) -> StoredFile:
        """The file, as orders name it."""
        return StoredFile(self.key, self.mime, self.size, self.width, self.height, self.seconds)
