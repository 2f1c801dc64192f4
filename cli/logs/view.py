"""How lines leave: for people as columns, for machines as objects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TextIO

from cli.logs.lines import Line
from cli.logs.rendering import render
from cli.logs.shapes import LogLine
from cli.logs.source import said
from cli.output import Screen


def as_data(line: Line) -> LogLine:
    """A line as an object."""
    return {
        "at": said(line.at),
        "service": line.service,
        "level": line.level,
        "event": line.event,
        "trace_id": line.trace_id,
        "fields": {name: value for name, value in line.fields.items() if name != "trace_id"},
        "exception": line.traceback or None,
        "deployment": line.deployment,
        "count": line.count,
        "last_at": said(line.last_at),
    }


def show(screen: Screen, lines: Iterable[Line]) -> None:
    """Print lines for people."""
    today = datetime.now().astimezone().date()
    for line in lines:
        for text in render(line, screen, today=today):
            screen.stream.write(text + "\n")


def write(stream: TextIO, lines: Iterable[Line]) -> None:
    """Print lines for machines, a document each."""
    for line in lines:
        content = json.dumps(as_data(line), ensure_ascii=False) + "\n"
        if hasattr(stream, "buffer"):
            # JSON is UTF-8 whatever the locale is.
            stream.buffer.write(content.encode("utf-8", "backslashreplace"))
        else:
            stream.write(content)
