"""What uploads take and answer in the Mini App's API."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.http.values import Answer, Moment, Question

UploadState = Literal["expected", "ready"]


class UploadRequest(Question):
    """A file that is about to be put into storage, as the browser describes it."""

    mime: str = Field(min_length=3, max_length=60, examples=["image/jpeg", "video/mp4"])
    size: int = Field(description="Bytes.", ge=1, le=10**12)


class UploadTarget(Answer):
    """Where the bytes go: one request with these headers and nothing but the bytes."""

    url: str
    method: str
    headers: dict[str, str]
    expires_at: Moment


class Upload(Answer):
    """A file of this person. Orders name it by `code` once it is `ready`; its sizes are zero before."""

    code: str
    state: UploadState
    mime: str
    size: int
    width: int
    height: int
    seconds: float = Field(description="Length of a video.")
    put: UploadTarget | None = Field(description="Null for a file that has arrived.")
    url: str | None = Field(description="Shows a ready file for an hour.")


class UploadRemoved(Answer):
    """The file is gone."""

    code: str
    state: Literal["removed"]
