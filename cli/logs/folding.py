"""Puts repetitions of one fault into one line that says how often it was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from cli.logs.lines import Line, rank


def folded(lines: Iterable[Line]) -> list[Line]:
    """Lines with every traceback once, where it was seen first, with its count and the last time."""
    found: list[Line] = []
    places: dict[tuple[str, str, str], int] = {}
    for line in lines:
        if not line.traceback:
            found.append(line)
            continue
        key = (line.service, line.level, line.traceback)
        if key in places:
            first = found[places[key]]
            found[places[key]] = replace(first, count=first.count + line.count, last_at=line.last_at or line.at)
        else:
            places[key] = len(found)
            found.append(line)
    return found


def counts(lines: Iterable[Line]) -> dict[str, int]:
    """How many lines there are of each level, the worst first."""
    found: Counter[str] = Counter()
    for line in lines:
        found[line.level] += line.count
    return dict(sorted(found.items(), key=lambda item: (-rank(item[0]), item[0])))
