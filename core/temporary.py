"""Temporary files of this service, in one folder, so that those of crashed processes are found and removed."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

ABANDONED_AFTER: Final = timedelta(hours=6)
"""No download, conversion or upload takes as long."""


def folder() -> Path:
    """Return the folder of this user's temporary files; it may not exist yet."""
    return Path(tempfile.gettempdir()) / f"nanobanana-{os.getuid()}"


@asynccontextmanager
async def temporary_file(suffix: str = "") -> AsyncIterator[Path]:
    """Yield a path at which nothing is yet; what is there afterwards is removed."""
    home = await asyncio.to_thread(_own_folder)
    path = home / f"{secrets.token_hex(12)}{suffix}"
    try:
        yield path
    finally:
        # Not in a thread: a cancelled task could not wait for it.
        path.unlink(missing_ok=True)


def _own_folder() -> Path:
    """Make the folder. One that somebody else made under our name is not written to: its maker could read there."""
    home = folder()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_uid != os.getuid():
        raise PermissionError(f"{home} belongs to somebody else")
    return home


def remove_abandoned(home: Path, *, older_than: timedelta = ABANDONED_AFTER) -> int:
    """Remove the files that nobody has written to for long, and return how many they were."""
    removed = 0
    limit = time.time() - older_than.total_seconds()
    with suppress(FileNotFoundError):
        for path in home.iterdir():
            # Another process may be cleaning the same folder.
            with suppress(FileNotFoundError, IsADirectoryError, PermissionError):
                if path.is_file() and path.lstat().st_mtime < limit:
                    path.unlink()
                    removed += 1
    return removed
