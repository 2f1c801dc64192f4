"""The Files API of the emulated Gemini: a resumable upload, a file that gets ready after some looks, deletion."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.emulators.gemini_models import Refused

Body = dict[str, Any]


@dataclass
class File:
    """One uploaded file. It is ready after so many looks; `is_broken` ends in FAILED instead."""

    name: str
    mime: str
    size: int
    arrived: int = 0
    looks: int = 0
    ready_after: int = 1
    is_broken: bool = False
    is_there: bool = False
    address: str = ""

    @property
    def state(self) -> str:
        """What Google calls its state."""
        if self.looks < self.ready_after:
            return "PROCESSING"
        return "FAILED" if self.is_broken else "ACTIVE"

    @property
    def uri(self) -> str:
        """The address by which a request names it."""
        return f"{self.address}/files/{self.name}"

    def told(self, address: str) -> Body:
        """Return the document of the file."""
        self.address = address
        told = {
            "name": f"files/{self.name}",
            "mimeType": self.mime,
            "sizeBytes": str(self.size),
            "uri": self.uri,
            "state": self.state,
        }
        return told | ({"error": {"code": 3, "message": "The file cannot be read."}} if self.state == "FAILED" else {})


class Files:
    """What was uploaded. `deleted` counts what was taken away again."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.uploaded = 0
        self.deleted = 0
        self._numbers = itertools.count(1)

    def start(self, headers: Mapping[str, str], markers: Mapping[str, str]) -> str:
        """Begin an upload, as markers say: ``#status=N``, ``#slow=N`` (ready at the Nth look), ``#broken``.

        Raises:
            Refused: it does not begin so, or is not to begin.
        """
        if "status" in markers:
            raise Refused(int(markers["status"]), "emulated failure")
        if (headers.get("X-Goog-Upload-Protocol"), headers.get("X-Goog-Upload-Command")) != ("resumable", "start"):
            raise Refused(400, "Only resumable uploads are supported.")
        name = f"file{next(self._numbers)}"
        mime, size = headers["X-Goog-Upload-Header-Content-Type"], int(headers["X-Goog-Upload-Header-Content-Length"])
        self.files[name] = File(
            name, mime, size, ready_after=int(markers.get("slow", 1)), is_broken="broken" in markers
        )
        return name

    def take(self, name: str, headers: Mapping[str, str], data: bytes) -> File:
        """Take the bytes, which come in pieces.

        Raises:
            Refused: a piece does not begin where the last one ended, or the end comes too early.
        """
        file = self.files[name]
        if int(headers.get("X-Goog-Upload-Offset", 0)) != file.arrived:
            raise Refused(400, "The offset is not where the last piece ended.")
        file.arrived += len(data)
        if "finalize" in headers.get("X-Goog-Upload-Command", ""):
            if file.arrived != file.size:
                raise Refused(400, f"{file.arrived} of {file.size} bytes arrived.")
            file.is_there = True
            self.uploaded += 1
        return file

    def look(self, name: str) -> File:
        """Look at a file, which brings it nearer to being ready."""
        file = self.files.get(name)
        if file is None:
            raise Refused(403, f"You do not have permission to access the File {name} or it may not exist.")
        file.looks += 1
        return file

    def delete(self, name: str) -> None:
        """Take a file away."""
        self.look(name)
        del self.files[name]
        self.deleted += 1

    def ready(self) -> dict[str, str]:
        """Return the addresses that a request may name, with the types of the files."""
        return {file.uri: file.mime for file in self.files.values() if file.state == "ACTIVE"}
