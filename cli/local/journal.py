"""What the supervisor itself has to say, as JSON lines in `logs/nb.log`, in the same form as the services' logs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from cli.local.launch import open_log


class Journal:
    """Appends lines about one run."""

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.run = run

    def write(self, level: str, event: str, **fields: object) -> None:
        """Add a line."""
        entry = {"at": datetime.now(UTC).isoformat(), "level": level, "event": event, **fields}
        with open_log(self.path) as file:
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
