"""How a measurement is written down: with its yardstick, its target, and the machine it was made on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One measure. Where a target is about a ratio, `ratio` is `value / yardstick_value`."""

    name: str
    value: float
    unit: str
    yardstick: str | None
    yardstick_value: float | None
    ratio: float | None
    target: str
    ok: bool

    @classmethod
    def of_ratio(
        cls,
        name: str,
        value: float,
        unit: str,
        *,
        yardstick: str,
        yardstick_value: float,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> Row:
        """A measure that is judged by its ratio to the yardstick."""
        ratio = value / yardstick_value
        target, ok = _judged(ratio, at_most, at_least, "x")
        return cls(name, value, unit, yardstick, yardstick_value, ratio, target, ok)

    @classmethod
    def of_value(
        cls, name: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
    ) -> Row:
        """A measure that is judged by itself."""
        target, ok = _judged(value, at_most, at_least, f" {unit}")
        return cls(name, value, unit, None, None, None, target, ok)


def _judged(value: float, at_most: float | None, at_least: float | None, unit: str) -> tuple[str, bool]:
    if (at_most is None) == (at_least is None):
        raise ValueError("a target is either a most or a least")
    if at_most is not None:
        return f"<= {at_most:g}{unit}", value <= at_most
    assert at_least is not None
    return f">= {at_least:g}{unit}", value >= at_least


def machine() -> dict[str, str | int]:
    """What the numbers depend on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory_gb() -> int:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3)
    except (ValueError, OSError):
        return 0


def render(rows: Sequence[Row], about: dict[str, str | int]) -> str:
    """The table for people, at most 80 columns wide."""
    lines = [
        f"{about['processor']}, {about['cores']} cores, {about['memory_gb']} GB"[:80],
        f"{about['system']}, Python {about['python']}"[:80],
        "",
        f"{'measure':<38}{'value':>14}{'ratio':>8}{'target':>13}  ok",
        "-" * 78,
    ]
    for row in rows:
        value = f"{_number(row.value)} {row.unit}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
        lines.append(f"{row.name[:38]:<38}{value:>14}{ratio:>8}{row.target:>13}  {'yes' if row.ok else 'NO'}")
        if row.yardstick is not None and row.yardstick_value is not None:
            lines.append(f"{'  ' + row.yardstick[:36]:<38}{_number(row.yardstick_value) + ' ' + row.unit:>14}")
    return "\n".join(lines)


def as_json(rows: Sequence[Row], about: dict[str, str | int]) -> str:
    """The same for machines."""
    return json.dumps({"machine": about, "rows": [asdict(row) for row in rows]}, indent=2, ensure_ascii=False)


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
