"""The contract of a storage, what is remembered of a stored file, and what can go wrong with one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

ALLOWED_KEY: Final = re.compile(r"(?!\.)[A-Za-z0-9_.-]+(/(?!\.)[A-Za-z0-9_.-]+)*")
LONGEST_KEY: Final = 300
LONGEST_LINK: Final = timedelta(days=7)
"""A link is as good as the file and cannot be taken back."""

PIECE: Final = 256 * 1024
"""How much of a file is in memory at once."""

Source: TypeAlias = bytes | Path | AsyncIterator[bytes]
"""What a file is made from: its bytes, a file on this machine, or a stream."""


class StorageError(Exception):
    """The storage did not do what it was asked. The text holds no address and no key of a service."""


class FileNotStored(StorageError):
    """There is no file under this key."""


class StorageUnavailable(StorageError):
    """The storage cannot be reached, is busy or has no room. The same may work later."""


class StorageRefused(StorageError):
    """The storage will not do this however often it is asked; `code` is its own name for the reason."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in storage: its key there, its type as found in its bytes, its size in bytes and its pixels.

    Attributes:
        seconds: length of a video.
        role: as an input, what it is for; `image` leaves that to the model and the order.
        thumbnail: as a result, key of its small picture; None until somebody wanted one, "" where none can be made.
    """

    key: str
    mime: str
    size: int
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    role: str = "image"
    thumbnail: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a JSON column."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StoredFile:
        """Read back what `to_dict` wrote, here or in a newer version that knows more of a file."""
        return cls(**{name: value for name, value in values.items() if name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """Lets somebody else put one file under one key, until it expires: a request with these headers and the bytes."""

    url: str
    method: str
    expires: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


class Storage(Protocol):
    """Keeps files under keys of `[A-Za-z0-9/_.-]`. Writing a key again replaces the file as a whole.

    Every method may raise `StorageUnavailable` and `StorageRefused`.
    """

    async def put(self, key: str, data: Source, *, mime: str) -> int:
        """Keep a file and return its size. A reader sees the old file or the new one, never a part.

        Files and streams are passed on piece by piece and never held in memory as a whole.
        """
        ...

    async def read(self, key: str) -> bytes:
        """Return a file as a whole: for pictures, not for videos.

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

    async def fetch_to(self, key: str, path: Path) -> int:
        """Write a file to `path`, piece by piece, and return its size.

        Raises:
            FileNotStored: there is none; nothing was written.
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

    async def delete_many(self, keys: Iterable[str]) -> None:
        """Remove files; missing ones are no error. After an error some of them may be gone."""
        ...

    async def link(self, key: str, *, lifetime: timedelta) -> str:
        """Return an address under which anybody can read the file until `lifetime`, a week at most, is over.

        Raises:
            FileNotStored: there is none.
        """
        ...

    async def upload_ticket(self, key: str, *, mime: str, most_bytes: int, lifetime: timedelta) -> UploadTicket:
        """Let somebody else put a file there. Its type and size are what they say, until somebody looks.

        A storage that cannot limit the size or the time to exactly these lets a little more pass: look at the file.
        """
        ...

    async def check(self) -> None:
        """Prove that files can be written, read and removed.

        Raises:
            StorageError: they cannot.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


def checked(key: str) -> str:
    """Return a key that leads to one file and to nothing else.

    Raises:
        FileNotStored: it is none.
    """
    if len(key) > LONGEST_KEY or not ALLOWED_KEY.fullmatch(key):
        raise FileNotStored(f"{key[:LONGEST_KEY]!r} is not a key of a file")
    return key


def checked_lifetime(lifetime: timedelta) -> timedelta:
    """Return the lifetime of a link.

    Raises:
        ValueError: it is longer than a link may live.
    """
    if lifetime > LONGEST_LINK:
        raise ValueError(f"A link lives at most {LONGEST_LINK}, not {lifetime}")
    return lifetime
