"""Builds the Mini App and runs its own checks: style, types, unit tests."""

from __future__ import annotations

import os
import sys

from cli.local import webapps

SCRIPTS = ("check", "test")
"""Of webapps/package.json, in the order in which they are quick."""


def main() -> int:
    """Build, check, return the exit code of the first that fails."""
    log = webapps.PROJECT / ".nb" / "logs" / "webapps.log"
    return webapps.main() or next((code for script in SCRIPTS if (code := webapps.npm(script, os.environ, log))), 0)


if __name__ == "__main__":
    sys.exit(main())
