"""Where the platforms' tokens come from: the environment, else the 0600 credentials file. They are read when needed."""

from __future__ import annotations

import os

from cli.environments import credentials


def first_set(*variables: str) -> str | None:
    """The value of the first of these variables that is set to something."""
    return next((value for name in variables if (value := os.environ.get(name, "").strip())), None)


def stored(platform: str, key: str) -> str | None:
    """A token of the credentials file: `{"railway": {"token": "…"}, "github": {"token": "…"}}`.

    Raises:
        NotAuthenticated: the file is readable by others.
    """
    value = credentials().get(platform, {}).get(key)
    return value if isinstance(value, str) and value else None
