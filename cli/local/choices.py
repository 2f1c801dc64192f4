"""What the person decided about a local run: ports, servers of their own, a bot of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cli.local.launch import LocalError

USUAL_PORTS = {"web": 8000, "sandbox": 8001, "postgres": 5433, "redis": 6380}
PORT_VARIABLES = {service: f"NB_{service.upper()}_PORT" for service in USUAL_PORTS}

NB = (sys.executable, "-m", "cli.main")

COMMANDS: dict[str, tuple[str, ...]] = {
    "web": (*NB, "serve"),
    "worker": (*NB, "worker"),
    "beat": (*NB, "beat"),
    "poller": (*NB, "bot", "poll"),
    "sandbox": (*NB, "sandbox"),
    "prepare": (sys.executable, "-m", "cli.local.prepare"),
    "emulators": (sys.executable, "-m", "tests.emulators"),
}

GIVEN_SERVER_LIMIT = 10.0
"""Seconds that a given server may take to accept a connection."""


@dataclass(frozen=True)
class Choices:
    """What the person decided, by options and environment."""

    ports: Mapping[str, int | None] = field(default_factory=lambda: dict.fromkeys(USUAL_PORTS))
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: COMMANDS)
    emulate: bool = False
    """Emulators play the vendors."""
    emulate_failures: int = 0
    """How many of a hundred calls to an emulator go wrong."""

    @property
    def database_url(self) -> str | None:
        """A server that is not ours to start."""
        return self.environment.get("DATABASE_URL") or None

    @property
    def redis_url(self) -> str | None:
        """A server that is not ours to start."""
        return self.environment.get("REDIS_URL") or None

    @property
    def is_telegram_given(self) -> bool:
        """True when the person brought a bot of their own; otherwise the sandbox is Telegram."""
        return bool(self.environment.get("TELEGRAM_BOT_TOKEN"))

    @property
    def is_polling(self) -> bool:
        """True when updates are fetched. A machine without a public address cannot be pushed to by Telegram."""
        usual = "polling" if self.is_telegram_given else "webhook"
        return self.environment.get("TELEGRAM_UPDATES", usual) == "polling"

    @property
    def embedded(self) -> list[str]:
        """Services that need a port of this machine."""
        return [
            "web",
            *([] if self.is_telegram_given else ["sandbox"]),
            *([] if self.database_url else ["postgres"]),
            *([] if self.redis_url else ["redis"]),
        ]


async def require_server(variable: str, url: str, schemes: tuple[str, ...], usual_port: int) -> None:
    """Make sure that somebody listens at an address that the person gave.

    Raises:
        LocalError: it is no address of such a server, or nobody answers there.
    """
    fix = f"Correct {variable}, or remove it to have the server started for you."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or usual_port
    except ValueError:
        raise LocalError(f"{variable} is no address", fix=fix) from None
    if parts.scheme not in schemes:
        raise LocalError(f"{variable} does not start with {schemes[0]}://", fix=fix)
    if host is None:
        return  # A socket in the file system; the processes say what is wrong with it.
    try:
        async with asyncio.timeout(GIVEN_SERVER_LIMIT):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        reason = (
            "no answer in time"
            if isinstance(error, TimeoutError)
            else os.strerror(error.errno)
            if error.errno
            else str(error)
        )
        raise LocalError(f"nobody answers at {host}:{port}, from {variable} ({reason})", fix=fix) from None
    writer.close()


def without_password(url: str) -> str:
    """Return an address that may be shown; nothing of it when it cannot be understood."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "?"
    if "://" not in url:
        return "?"
    user = parts.username or ""
    host = parts.hostname or ""
    place = f"{user}@{host}" if user else host
    return f"{parts.scheme}://{place}" + (f":{port}" if port else "") + parts.path
