"""JSON documents in one SQLite file. Each write is committed at once, so that a killed sandbox loses nothing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]


class Documents:
    """Documents by kind and key."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # In WAL mode NORMAL does not wait for the disk at every commit and still survives a killed process.
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS documents"
            " (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )

    def put(self, kind: str, key: str | int, body: JsonObject) -> None:
        """Store the document, replacing one of the same kind and key."""
        self._connection.execute(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, str(key), json.dumps(body, ensure_ascii=False))
        )

    def delete(self, kind: str, key: str | int) -> None:
        """Forget the document, if there is one."""
        self._connection.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, str(key)))

    def load(self, kind: str) -> list[tuple[str, JsonObject]]:
        """All documents of a kind; keys that are numbers come in numeric order."""
        rows = self._connection.execute(
            "SELECT key, body FROM documents WHERE kind = ? ORDER BY CAST(key AS INTEGER), key", (kind,)
        )
        return [(key, json.loads(body)) for key, body in rows]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
