"""Files that appear whole or not at all, and keys that lead nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import storage
from core.settings import Settings
from core.storage import FileNotStored, Links, Storage, StorageUnavailable, StoredFile
from core.storage.base import PIECE
from core.storage.local import LocalStorage
from tests.fixtures.servers import make_settings

KEY = "results/ab/cd.png"
LARGE = bytes(range(256)) * (PIECE // 256 * 2) + b"the end"


@pytest.fixture
def service_settings(tmp_path: Path) -> Settings:
    """Settings that keep media in a temporary folder."""
    return make_settings("postgresql://nobody@127.0.0.1/nothing", "redis://127.0.0.1:1/0", home=tmp_path / "home")


@pytest.fixture
def folder(service_settings: Settings) -> Path:
    """Where the files lie."""
    return service_settings.media_path


@pytest.fixture
def files(service_settings: Settings) -> Storage:
    """A storage in that folder."""
    return LocalStorage(service_settings.media_path, Links(service_settings))


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    """A stream of these."""
    for piece in data:
        yield piece


async def streamed(files: Storage, key: str, **part: Any) -> bytes:
    """What `stream` yields, in one piece."""
    return b"".join([piece async for piece in files.stream(key, **part)])


def open_files() -> int:
    """How many files this process has open."""
    for descriptors in (Path("/proc/self/fd"), Path("/dev/fd")):
        if descriptors.is_dir():
            return len(list(descriptors.iterdir()))
    return 0


def everything(folder: Path) -> list[str]:
    """Every file in the folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class TestKeeping:
    """Writing and reading."""

    async def test_what_is_put_is_read(self, files: Storage) -> None:
        assert await files.put(KEY, b"pixels", mime="image/png") == 6
        assert await files.read(KEY) == b"pixels"
        assert await files.size(KEY) == 6

    async def test_an_empty_file_is_a_file(self, files: Storage) -> None:
        assert await files.put(KEY, b"", mime="text/plain") == 0
        assert await files.read(KEY) == b""
        assert await streamed(files, KEY) == b""

    async def test_a_stream_is_kept_whole(self, files: Storage) -> None:
        assert await files.put(KEY, pieces(b"pix", b"", b"els"), mime="image/png") == 6
        assert await files.read(KEY) == b"pixels"

    async def test_putting_again_replaces_the_file(self, files: Storage, folder: Path) -> None:
        await files.put(KEY, b"a long first version", mime="image/png")
        await files.put(KEY, b"short", mime="image/png")
        assert await files.read(KEY) == b"short"
        assert everything(folder) == [KEY]

    async def test_deleting_twice_is_fine(self, files: Storage) -> None:
        await files.put(KEY, b"pixels", mime="image/png")
        await files.delete(KEY)
        await files.delete(KEY)
        with pytest.raises(FileNotStored):
            await files.read(KEY)

    async def test_other_files_stay_when_one_is_deleted(self, files: Storage) -> None:
        await files.put("a/1", b"1", mime="text/plain")
        await files.put("a/2", b"2", mime="text/plain")
        await files.delete("a/1")
        assert await files.read("a/2") == b"2"

    async def test_checking_proves_it_and_leaves_nothing(self, files: Storage, folder: Path) -> None:
        await files.check()
        assert everything(folder) == []

    async def test_checking_a_folder_that_cannot_be_written_fails(
        self, service_settings: Settings, tmp_path: Path
    ) -> None:
        (tmp_path / "a-file").write_text("in the way")
        blocked = LocalStorage(tmp_path / "a-file", Links(service_settings))
        with pytest.raises(StorageUnavailable, match="a-file"):
            await blocked.check()

    async def test_what_is_remembered_of_a_file_survives_a_json_column(self) -> None:
        file = StoredFile(KEY, "image/png", 6, 3, 2)
        assert StoredFile.from_dict(file.to_dict()) == file


class TestAtomicity:
    """A reader sees the old file or the new one, never a part."""

    async def test_a_stream_that_fails_leaves_the_old_file_and_nothing_else(self, files: Storage, folder: Path) -> None:
        async def failing() -> AsyncIterator[bytes]:
            yield b"half of the new "
            raise ConnectionResetError

        await files.put(KEY, b"old", mime="image/png")
        with pytest.raises(ConnectionResetError):
            await files.put(KEY, failing(), mime="image/png")
        assert await files.read(KEY) == b"old"
        assert everything(folder) == [KEY]

    async def test_while_a_stream_runs_the_old_file_is_read(self, files: Storage) -> None:
        written, go_on = asyncio.Event(), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"half of "
            written.set()
            await go_on.wait()
            yield b"the new"

        await files.put(KEY, b"old", mime="image/png")
        putting = asyncio.create_task(files.put(KEY, slow(), mime="image/png"))
        await written.wait()
        assert await files.read(KEY) == b"old"
        go_on.set()
        await putting
        assert await files.read(KEY) == b"half of the new"

    async def test_a_cancelled_put_leaves_nothing(self, files: Storage, folder: Path) -> None:
        written = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield b"x"
            written.set()
            await asyncio.Event().wait()

        putting = asyncio.create_task(files.put(KEY, endless(), mime="image/png"))
        await written.wait()
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        assert everything(folder) == []

    async def test_of_many_writers_at_once_one_wins_whole(self, files: Storage, folder: Path) -> None:
        versions = [bytes([number]) * 100_000 for number in range(16)]
        await asyncio.gather(*(files.put(KEY, version, mime="image/png") for version in versions))
        assert await files.read(KEY) in versions
        assert everything(folder) == [KEY]

    async def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end(self, files: Storage) -> None:
        await files.put(KEY, LARGE, mime="image/png")
        stream = files.stream(KEY)
        first = await anext(stream)
        await files.put(KEY, b"new", mime="image/png")
        rest = b"".join([piece async for piece in stream])
        assert first + rest == LARGE


class TestStreaming:
    """Pieces and ranges."""

    async def test_a_large_file_comes_in_pieces(self, files: Storage) -> None:
        await files.put(KEY, LARGE, mime="video/mp4")
        sizes = [len(piece) async for piece in files.stream(KEY)]
        assert sizes == [PIECE, PIECE, 7]

    @pytest.mark.parametrize(
        ("start", "length"),
        [(0, 1), (0, PIECE + 1), (PIECE - 1, 2), (5, 0), (len(LARGE) - 1, 1), (100, None), (len(LARGE), None)],
    )
    async def test_a_range_is_exactly_that(self, files: Storage, start: int, length: int | None) -> None:
        await files.put(KEY, LARGE, mime="video/mp4")
        end = len(LARGE) if length is None else start + length
        assert await streamed(files, KEY, start=start, length=length) == LARGE[start:end]

    @pytest.mark.parametrize(("start", "length"), [(0, len(LARGE) * 2), (len(LARGE) + 5, None), (len(LARGE) + 5, 10)])
    async def test_a_range_beyond_the_end_stops_there(self, files: Storage, start: int, length: int | None) -> None:
        await files.put(KEY, LARGE, mime="video/mp4")
        assert await streamed(files, KEY, start=start, length=length) == LARGE[start:]

    @pytest.mark.parametrize("part", [{}, {"start": 1}, {"length": 5}])
    async def test_a_file_that_is_not_there_is_not_stored(self, files: Storage, part: dict[str, int]) -> None:
        with pytest.raises(FileNotStored, match=KEY):
            await streamed(files, KEY, **part)

    async def test_a_reader_who_leaves_early_closes_the_file(self, files: Storage) -> None:
        await files.put(KEY, LARGE, mime="video/mp4")
        before = open_files()
        for _ in range(20):
            stream = files.stream(KEY)
            await anext(stream)
            await stream.aclose()  # type: ignore[attr-defined]
        assert open_files() <= before + 1


ODD_KEYS = [
    "",
    ".",
    "..",
    "../secret",
    "a/../../secret",
    "a/..",
    "/etc/passwd",
    "//etc/passwd",
    "a//b",
    "a/",
    "/",
    ".hidden",
    "a/.hidden",
    "a\\..\\b",
    "C:\\Windows",
    "a b",
    "a\nb",
    "a\n",
    "a\0b",
    "лиса.png",
    "a%2e%2e/b",
    "~root",
    "a?b",
    "a#b",
    "*",
    "ａ.png",
    "a\u202eb",
]


class TestKeys:
    """Keys are plain, and lead nowhere but into the folder."""

    @pytest.fixture
    def secret(self, folder: Path) -> Iterator[Path]:
        folder.mkdir(parents=True)
        path = folder.parent / "secret"
        path.write_bytes(b"keep out")
        yield path
        assert path.read_bytes() == b"keep out"

    @pytest.mark.parametrize("key", ODD_KEYS)
    async def test_an_odd_one_is_refused_everywhere(self, files: Storage, secret: Path, folder: Path, key: str) -> None:
        with pytest.raises(FileNotStored):
            await files.put(key, b"x", mime="text/plain")
        with pytest.raises(FileNotStored):
            await files.read(key)
        with pytest.raises(FileNotStored):
            await files.size(key)
        with pytest.raises(FileNotStored):
            await files.delete(key)
        with pytest.raises(FileNotStored):
            await streamed(files, key)
        assert everything(folder) == []

    @pytest.mark.parametrize("key", ["a", "a.png", "a-b_c.D/1..2/x", "0" * 200])
    async def test_a_plain_one_is_taken(self, files: Storage, key: str) -> None:
        await files.put(key, b"x", mime="text/plain")
        assert await files.read(key) == b"x"

    async def test_a_folder_is_not_a_file(self, files: Storage) -> None:
        await files.put("a/b/c", b"x", mime="text/plain")
        for read in (files.read, files.size):
            with pytest.raises(FileNotStored):
                await read("a/b")
        with pytest.raises(FileNotStored):
            await streamed(files, "a/b")
        await files.delete("a/b")
        assert await files.read("a/b/c") == b"x"

    async def test_below_a_file_there_is_nothing(self, files: Storage) -> None:
        await files.put("a", b"x", mime="text/plain")
        with pytest.raises(FileNotStored):
            await files.read("a/b")
        await files.delete("a/b")


class TestTheProcessStorage:
    """The one that the rest of the service uses."""

    async def test_it_is_there_between_connecting_and_disconnecting(self, service_settings: Settings) -> None:
        with pytest.raises(RuntimeError, match=r"core\.storage\.connect"):
            storage.storage()
        await storage.connect(service_settings)
        try:
            await storage.storage().put(KEY, b"x", mime="text/plain")
            assert (service_settings.media_path / KEY).read_bytes() == b"x"
        finally:
            await storage.disconnect()
        with pytest.raises(RuntimeError):
            storage.storage()
