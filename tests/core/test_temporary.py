"""Temporary files that go with whoever made them, and those of crashed processes that are found."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest

from core import temporary


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's folder for such files."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def written(path: Path) -> Path:
    """Write something."""
    path.write_bytes(b"x")
    return path


async def test_a_file_is_gone_afterwards() -> None:
    async with temporary.temporary_file(".mp4") as path:
        written(path)
        assert path.suffix == ".mp4"
    assert list(temporary.folder().iterdir()) == []


async def test_one_that_was_never_written_is_no_trouble() -> None:
    async with temporary.temporary_file():
        pass


async def test_it_is_gone_after_an_error_and_after_a_cancellation() -> None:
    is_there = asyncio.Event()

    async def work() -> None:
        async with temporary.temporary_file() as path:
            written(path)
            is_there.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await is_there.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(temporary.folder().iterdir()) == []


async def test_nobody_else_may_look_into_the_folder() -> None:
    async with temporary.temporary_file():
        assert temporary.folder().stat().st_mode & 0o077 == 0


def test_only_what_nobody_has_written_to_for_long_is_removed(home: Path) -> None:
    old, new = written(home / "old"), written(home / "new")
    os.utime(old, (time.time() - 7200,) * 2)
    (home / "folder").mkdir()
    assert temporary.remove_abandoned(home, older_than=timedelta(hours=1)) == 1
    assert not old.exists() and new.exists()


def test_a_folder_that_is_not_there_has_nothing_to_remove(home: Path) -> None:
    assert temporary.remove_abandoned(home / "none") == 0
