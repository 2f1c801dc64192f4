"""The contract of a storage, and what is remembered of a stored file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Protocol


class FileNotStored(Exception):
    """There is no file under this key."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in storage: its key there, its type as found in its bytes, its size in bytes and its pixels.

    Attributes:
        seconds: length of a video.
        role: as an input, what it is for; `image` leaves that to the model and the order.
    """

    key: str
    mime: str
    size: int
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    role: str = "image"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a JSON column."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StoredFile:
        """Read back what `to_dict` wrote."""
        return cls(**values)


class Storage(Protocol):
    """Keeps files under keys of `[A-Za-z0-9/_.-]`. Writing a key again replaces the file as a whole."""

    async def put(self, key: str, data: bytes | AsyncIterator[bytes], *, mime: str) -> int:
        """Keep a file and return its size. A reader sees the old file or the new one, never a part."""
        ...

    async def read(self, key: str) -> bytes:
        """Return a file.

        Raises:
            FileNotStored: there is none.
        """
        ...

    def stream(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield a file, or `length` bytes of it from `start`, in pieces.

        Raises:
            FileNotStored: there is none.
        """
        ...

    async def size(self, key: str) -> int:
        """Return a file's size in bytes.

        Raises:
            FileNotStored: there is none.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove a file; a missing one is no error."""
        ...

    def link(self, key: str, *, lifetime: timedelta) -> str:
        """Return an address under which anybody can read the file until `lifetime` is over."""
        ...

    def is_valid_link(self, key: str, expires: str, signature: str) -> bool:
        """True when `link` made this link and its time is not over."""
        ...

    async def check(self) -> None:
        """Prove that files can be written, read and removed.

        Raises:
            OSError: they cannot.
        """
        ...
