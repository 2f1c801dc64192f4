"""Prints where Chromium is, after installing it where the machine has none.

Looked for in this order: the machine's own, the one that Playwright fetched before. A Debian system is asked to install
its package, any other one gets Playwright's build.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Return the path of a Chromium, if there is one."""
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Install Chromium with the system's package manager as root, with Playwright otherwise.

    Raises:
        subprocess.CalledProcessError: neither worked; its output is on stderr.
    """
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"]):
            subprocess.run(["apt-get", "--quiet", *command], check=True, stdout=sys.stderr, env=environment)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True, stdout=sys.stderr)


def main() -> int:
    """Install if need be, print the path, return the exit code."""
    if find() is None:
        sys.stderr.write("Chromium is missing; installing it for the browser tests ...\n")
        install()
    path = find()
    if path is None:
        sys.stderr.write("Chromium could not be installed. Install it and run this again.\n")
        return 1
    sys.stdout.write(path + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
