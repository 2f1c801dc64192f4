"""Where entries are kept in the repository, and how they get there: a file for each, there whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cli import suggestions
from cli.agent_log import document
from cli.agent_log.entry import Entry
from cli.agent_log.frontmatter import Malformed
from cli.environments import project_root
from cli.errors import CommandFailed, NotFound, UsageMistake

LARGEST = 256 * 1024
"""Bytes of an entry; a longer file is none."""

SHORTEST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry with the text of its file."""

    path: Path
    text: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is no entry, and why."""

    path: Path
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Log:
    """The folder of the log in one repository."""

    root: Path

    @property
    def folder(self) -> Path:
        """`Документация`, whatever character set the locale has for names of files."""
        return self.root / os.fsdecode("Документация".encode())

    @property
    def entries(self) -> Path:
        """Below it there is a folder for each year and month."""
        return self.folder / "logs"

    @property
    def view(self) -> Path:
        """The page that is rendered from all entries."""
        return self.folder / "AGENTS_LOGS.md"

    def path_of(self, entry: Entry) -> Path:
        """Where the file of an entry is."""
        return self.entries / f"{entry.date.year:04d}" / f"{entry.date.month:02d}" / f"{entry.id}.md"

    def shown(self, path: Path) -> str:
        """A path as it is named to people and machines: from the root, with slashes, in UTF-8."""
        try:
            path = path.relative_to(self.root)
        except ValueError:
            return str(path)
        return os.fsencode(path.as_posix()).decode("utf-8", "replace")

    def read(self) -> tuple[list[Stored], list[Broken]]:
        """Every entry, the newest first, and every file that is none."""
        found: list[Stored] = []
        broken: list[Broken] = []
        for path in self._files():
            try:
                text = _read(path)
                found.append(Stored(path, text, document.read(text)))
            except Malformed as error:
                broken.append(Broken(path, error.line, error.what))
            except (OSError, UnicodeDecodeError, OverflowError) as error:
                why = "is no UTF-8" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error}"
                broken.append(Broken(path, 1, why))
        found.sort(key=lambda stored: (stored.entry.date, stored.entry.id), reverse=True)
        return found, broken

    def find(self, wanted: str) -> Stored:
        """The entry of an id, of the beginning of one or of its ULID, or the `latest`.

        Raises:
            NotFound: there is none; the message names near ones.
            UsageMistake: several begin so.
        """
        found, _ = self.read()
        if wanted == "latest":
            if not found:
                raise NotFound("the log has no entry yet", fix='nb agent-log add "Что сделано"')
            return found[0]
        key = wanted.removesuffix(".md").rpartition("/")[2].upper()
        exact = [stored for stored in found if stored.entry.id == key]
        matches = exact or [
            stored
            for stored in found
            if len(key) >= SHORTEST_PREFIX and (stored.entry.id.startswith(key) or stored.entry.id[11:].startswith(key))
        ]
        if len(matches) == 1 or exact:
            return matches[0]
        ids = [stored.entry.id for stored in matches or found]
        if matches:
            message = f"{len(matches)} entries begin with {wanted!r}: {', '.join(ids[:5])}"
            raise UsageMistake(message, code="ambiguous", fix="more letters")
        near = suggestions.nearest(wanted, ["latest"]) or suggestions.nearest(key, ids, most=3, cutoff=0.5)
        message = f"there is no entry {wanted[:60]!r}.{suggestions.hint(near)}"
        data = suggestions.as_data(near)
        raise NotFound(message, code="unknown_entry", fix="nb agent-log list", data=data)

    def write(self, path: Path, text: str) -> None:
        """Write a file whole or not at all; who interrupts finds the old one, or none.

        Raises:
            CommandFailed: the folder cannot be written.
        """
        partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        with told_when_not_writable(self.shown(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with partial.open("w", encoding="utf-8", newline="\n") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(path)
            finally:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)

    def _files(self) -> Sequence[Path]:
        return sorted(
            path
            for path in self.entries.rglob("*.md")
            if not path.name.startswith(".") and path.name != "README.md" and path.is_file()
        )


@contextmanager
def told_when_not_writable(what: str) -> Iterator[None]:
    """Turn a refusal of the file system into one line with its fix."""
    try:
        yield
    except OSError as error:
        fix = "free some space" if error.errno == errno.ENOSPC else "make the folder writable, or use another checkout"
        raise CommandFailed(
            f"{what} cannot be written: {(error.strerror or str(error)).lower()}", code="cannot_write", fix=fix
        ) from None


def open_log() -> Log:
    """The log of the repository that nb was called in.

    Raises:
        UsageMistake: it was called in none.
    """
    root = project_root()
    here = Path.cwd()
    if root not in (here, *here.parents):
        # What is found without a repository is where nb itself lives, and that is nobody's log.
        raise UsageMistake(
            "nb.toml is in no folder above this one", code="no_project", fix="run nb inside the repository"
        )
    return Log(root)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Malformed(1, f"is longer than {LARGEST // 1024} kB")
    return content.decode("utf-8")
