"""Prints where hledger and bean-check are, after installing them where the machine has none; the tests run both.

hledger is the system's package: as root it is installed, otherwise its files are unpacked into `.nb/accounting`.
Beancount is under the GPL and no part of the product: it lives in an environment of its own in the same folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".nb" / "accounting"
BEANCOUNT = "beancount==3.2.3"
HLEDGER_HELP = (
    "hledger is missing and could not be installed. As root: apt-get install hledger. On other systems see "
    "https://hledger.org/install.html; it only has to be on PATH."
)


def find_hledger() -> str | None:
    """Return the path of hledger: the machine's own, or the one that was unpacked before."""
    unpacked = FOLDER / "hledger" / "usr" / "bin" / "hledger"
    return shutil.which("hledger") or (str(unpacked) if unpacked.is_file() else None)


def find_bean_check() -> str | None:
    """Return the path of Beancount's checker: the machine's own, or the one that was installed before."""
    installed = FOLDER / "beancount" / "bin" / "bean-check"
    return shutil.which("bean-check") or (str(installed) if installed.is_file() else None)


def install_hledger() -> None:
    """Install hledger with apt-get as root; without root unpack the package, which runs from anywhere.

    Raises:
        subprocess.CalledProcessError, OSError: that did not work; its output is on stderr.
    """
    if shutil.which("apt-get") is None:
        raise FileNotFoundError("there is no apt-get here")
    if os.geteuid() == 0:
        _run("apt-get", "--quiet", "update")
        _run("apt-get", "--quiet", "install", "--yes", "--no-install-recommends", "hledger")
        return
    downloads = FOLDER / "packages"
    state = downloads / "state"
    for folder in (state / "lists" / "partial", downloads / "cache" / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    own = (f"--option=Dir::State::lists={state / 'lists'}", f"--option=Dir::Cache={downloads / 'cache'}")
    _run("apt-get", "--quiet", *own, "update")
    _run("apt-get", "--quiet", *own, "download", "hledger", folder=downloads)
    package = max(downloads.glob("hledger_*.deb"), key=lambda path: path.stat().st_mtime)
    _run("dpkg", "--extract", str(package), str(FOLDER / "hledger"))


def install_beancount() -> None:
    """Install Beancount into an environment of its own.

    Raises:
        subprocess.CalledProcessError: that did not work; its output is on stderr.
    """
    environment = FOLDER / "beancount"
    python = str(environment / "bin" / "python")
    uv = shutil.which("uv") or _executable(ROOT / ".nb" / "uv" / "bin" / "uv")
    if uv is not None:
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment))
        _run(uv, "pip", "install", "--quiet", "--python", python, BEANCOUNT)
    else:
        _run(sys.executable, "-m", "venv", "--clear", str(environment))
        _run(python, "-m", "pip", "install", "--quiet", BEANCOUNT)


def main() -> int:
    """Install what is missing, print the paths, return the exit code."""
    programs = (
        (find_hledger, install_hledger, HLEDGER_HELP),
        (find_bean_check, install_beancount, f"{BEANCOUNT} is missing."),
    )
    missing = 0
    for find, install, help_text in programs:
        if find() is None:
            sys.stderr.write(f"{install.__name__.partition('_')[2]} is missing; installing it for the tests ...\n")
            try:
                install()
            except (OSError, subprocess.CalledProcessError) as error:
                sys.stderr.write(f"{error}\n")
        path = find()
        if path is None:
            sys.stderr.write(f"{help_text}\n")
            missing += 1
        else:
            sys.stdout.write(f"{path}\n")
    return 1 if missing else 0


def _run(*command: str, folder: Path | None = None) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, check=True, stdout=sys.stderr, env=environment, cwd=folder)


def _executable(path: Path) -> str | None:
    return str(path) if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
