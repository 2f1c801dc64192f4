"""The folder that holds everything `nb up` keeps: `.nb/` in the project, or NB_HOME.

`data/` servers, `media/`, `sandbox/`, `logs/<service>.log`, `run/` lock and state, `secrets.json`, `credentials.json`.
A marker says that the folder is ours; without it nothing in it is ever deleted.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.local.launch import LocalError

MARKER = "nb-home.json"
KEPT_FOR_PEOPLE = ("uv", "node")
"""What may lie in the home without being data: the tools that `./run` fetched."""


@dataclass(frozen=True)
class Secrets:
    """Made once per home, never shown."""

    telegram_token: str
    webhook_secret: str
    postgres_password: str
    redis_password: str

    @classmethod
    def generate(cls) -> Secrets:
        """Return new ones."""
        return cls(
            # Telegram's form: a number, a colon and 35 characters.
            telegram_token=f"{secrets.randbelow(9 * 10**9) + 10**9}:{secrets.token_urlsafe(26)[:35]}",
            webhook_secret=secrets.token_urlsafe(32),
            postgres_password=secrets.token_urlsafe(24),
            redis_password=secrets.token_urlsafe(24),
        )


@dataclass(frozen=True)
class Home:
    """Paths inside the home."""

    root: Path

    @classmethod
    def find(cls, environment: Mapping[str, str], start: Path) -> Home:
        """Return NB_HOME, else `.nb` of the project that the folder lies in, else `.nb` right there."""
        if environment.get("NB_HOME"):
            return cls(Path(environment["NB_HOME"]).expanduser().resolve())
        for folder in (start, *start.parents):
            if (folder / "nb.toml").exists() or (folder / ".nb" / MARKER).exists():
                return cls((folder / ".nb").resolve())
        return cls((start / ".nb").resolve())

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's cluster."""
        return self.root / "data" / "postgres"

    @property
    def redis_data(self) -> Path:
        """Redis's append-only file."""
        return self.root / "data" / "redis"

    @property
    def media(self) -> Path:
        """Pictures and videos."""
        return self.root / "media"

    @property
    def sandbox(self) -> Path:
        """The local Telegram's memory."""
        return self.root / "sandbox"

    @property
    def logs(self) -> Path:
        """One file per service."""
        return self.root / "logs"

    def log(self, service: str) -> Path:
        """One service's log file."""
        return self.logs / f"{service}.log"

    @property
    def run(self) -> Path:
        """What matters only while something runs, and the ports of the last time."""
        return self.root / "run"

    @property
    def credentials_file(self) -> Path:
        """Addresses and tokens per environment, for `nb --env`."""
        return self.root / "credentials.json"

    @property
    def secrets_file(self) -> Path:
        """Passwords of the embedded servers and the sandbox's token."""
        return self.root / "secrets.json"

    @property
    def is_marked(self) -> bool:
        """True when `nb up` made this folder."""
        return (self.root / MARKER).is_file()

    def create(self) -> bool:
        """Make the folder and what belongs into it. Returns False when it was there already.

        Raises:
            LocalError: the folder cannot be written.
        """
        is_new = not self.is_marked
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.root / "data", self.media, self.sandbox, self.logs, self.run):
                folder.mkdir(exist_ok=True, mode=0o700)
            if is_new:
                write_private(self.root / MARKER, {"schema": "nb-home/1"})
        except OSError as error:
            raise LocalError(
                f"{self.root} cannot be written: {error.strerror}",
                fix="Make it writable for you, or set NB_HOME to another folder.",
            ) from None
        return is_new

    def secrets(self) -> Secrets:
        """Return the home's secrets; they are made the first time.

        Raises:
            LocalError: the file is there but cannot be used.
        """
        try:
            return Secrets(**json.loads(self.secrets_file.read_text()))
        except FileNotFoundError:
            made = Secrets.generate()
            write_private(self.secrets_file, asdict(made))
            return made
        except (ValueError, TypeError):
            raise LocalError(
                f"{self.secrets_file} is damaged",
                fix="Restore it, or start over with `nb down --wipe`: the database cannot be opened without it.",
            ) from None

    def require_marked(self) -> None:
        """Make sure that the folder is a home of ours.

        Raises:
            LocalError: it is not.
        """
        if not self.is_marked:
            raise LocalError(
                f"{self.root} was not made by `nb up`; nothing was deleted",
                fix="See that NB_HOME names the right folder.",
            )

    def wipe(self) -> None:
        """Delete all local data. Tokens of other environments and fetched tools stay.

        Raises:
            LocalError: the folder is not a home of ours, or something in it cannot be deleted.
        """
        self.require_marked()
        credentials = read_json(self.credentials_file)
        credentials.pop("local", None)
        try:
            for path in self.root.iterdir():
                if path.name in (*KEPT_FOR_PEOPLE, MARKER):
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            if credentials:
                write_private(self.credentials_file, credentials)
            # The marker goes last, so that an interrupted wipe can be repeated.
            (self.root / MARKER).unlink()
            if not any(self.root.iterdir()):
                self.root.rmdir()
        except OSError as error:
            raise LocalError(
                f"{error.filename} cannot be deleted: {error.strerror}",
                fix="Delete it by hand, as the user it belongs to.",
            ) from None


def write_private(path: Path, content: object) -> None:
    """Write JSON that only its owner can read; a reader sees the old content or the new one, never a part.

    A link to a file that is kept elsewhere stays one.
    """
    path = path.resolve()
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    unfinished.replace(path)


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object; an empty one when the file is missing or damaged."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
