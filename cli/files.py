"""Files that a command writes: there whole or not at all, and none is replaced unasked."""

from __future__ import annotations

import os
from pathlib import Path

from cli.errors import CommandFailed, Conflict
from cli.invocation import current


def refuse_existing(path: Path) -> None:
    """Say so before any work is done.

    Raises:
        Conflict: the file exists, and nobody said --yes.
    """
    if path.is_dir() or (path.exists() and not current().yes):
        raise Conflict(f"{path} exists", code="file_exists", fix="add --yes to replace it, or name another file")


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step.

    Raises:
        CommandFailed: it cannot be written; what was there before still is.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, "utf-8", newline="")
        partial.replace(path)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}", code="not_writable") from None
    finally:
        partial.unlink(missing_ok=True)
