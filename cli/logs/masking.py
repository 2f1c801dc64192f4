"""Takes secrets out of lines before anybody sees them: by form, and by value where this machine knows the value."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cli.logs.lines import Line
from cli.masking import masked
from core.redaction import Redactor

VARIABLES = ("TOKEN", "SECRET", "PASSWORD", "KEY")
"""Ends of the names of variables that hold secrets."""


def masker(home: Path | None = None) -> Callable[[Line], Line]:
    """What masks lines; with a home also by the secrets that `nb up` made there."""
    redact = Redactor({*_of_environment(), *(_of_home(home) if home is not None else ())})

    def clean(text: str) -> str:
        return masked(redact(text))

    def of_value(value: Any) -> Any:  # noqa: ANN401  Whatever JSON holds.
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, Mapping):
            return {clean(str(name)): _named(str(name), inner, of_value) for name, inner in value.items()}
        if isinstance(value, list):
            return [of_value(inner) for inner in value]
        return value

    def mask(line: Line) -> Line:
        return replace(line, event=clean(line.event), fields=of_value(line.fields), traceback=clean(line.traceback))

    return mask


def _named(name: str, value: Any, of_value: Callable[[Any], Any]) -> Any:  # noqa: ANN401
    """A value after its name: what is secret by its name alone is known by the two together."""
    if isinstance(value, str):
        together = of_value(f"{name}={value}")
        return together.removeprefix(f"{name}=") if together.startswith(f"{name}=") else of_value(value)
    return of_value(value)


def _of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if name.upper().endswith(VARIABLES) and len(value) >= 8:
            yield value


def _of_home(home: Path) -> Iterator[str]:
    yield from (value for value in _read(home / "secrets.json").values() if isinstance(value, str))
    for entry in _read(home / "credentials.json").values():
        if isinstance(entry, dict):
            yield from (value for name, value in entry.items() if name != "url" and isinstance(value, str))


def _read(path: Path) -> Mapping[str, Any]:
    """What a file of the home says; one that cannot be read tells no secrets that could be masked."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
