"""What the supervisor itself has to say, as JSON lines in `logs/nb.log`, in the same form as the services' logs."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path


class Journal:
    """Appends lines about one run."""

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.run = run

    def write(self, level: str, event: str, **fields: object) -> None:
        """Add a line."""
        entry = {"at": datetime.now(UTC).isoformat(), "level": level, "event": event, **fields}
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
