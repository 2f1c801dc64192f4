"""Draws bars as SVG by hand: values side by side for each day, or below each other for each name.

One file for light and dark screens (`prefers-color-scheme`), with a title, a description and the value of every bar for
who cannot see it. Nothing in it is fetched or run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from math import ceil, floor, log10

from cli.output import STEERING

WIDTH = 960
LEFT, RIGHT, TOP = 72, 24, 96
PLOT_HEIGHT = 280
ROW_HEIGHT = 46
NAMES_WIDTH = 190
MOST_LABELS = 12
LONGEST_NAME = 24

STYLE = """
svg { color-scheme: light dark; background: var(--paper);
  --paper: #ffffff; --ink: #1f2933; --soft: #5b6774; --line: #d9dee4; --first: #1d5fbf; --second: #c2570c; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #14181d; --ink: #e8ecf1; --soft: #a3afbc; --line: #333c46; --first: #74aaf5; --second: #f2a15c; } }
text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--soft); }
.title { font-size: 19px; font-weight: 600; fill: var(--ink); }
.name, .value { fill: var(--ink); }
.number { text-anchor: end; }
.middle { text-anchor: middle; }
.grid { stroke: var(--line); stroke-width: 1; }
.zero { stroke: var(--soft); stroke-width: 1.5; }
.first { fill: var(--first); }
.second { fill: var(--second); }
"""
CLASSES = ("first", "second")


@dataclass(frozen=True, slots=True)
class Bars:
    """A name and one value for each series."""

    name: str
    values: tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn. `is_timeline`: the bars follow one another in time, from left to right."""

    title: str
    subtitle: str
    description: str
    series: tuple[str, str]
    bars: Sequence[Bars]
    is_timeline: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values lie between two ends; `marks` are the round values in between."""

    low: float
    high: float
    begin: float
    end: float
    marks: tuple[float, ...]

    def at(self, value: Decimal | float) -> float:
        """The place of a value."""
        return self.begin + (float(value) - self.low) / (self.high - self.low) * (self.end - self.begin)


def draw(chart: Chart) -> str:
    """The whole file."""
    height, body = _timeline(chart) if chart.is_timeline else _names(chart)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            ' role="img" aria-labelledby="title description">',
            f'<title id="title">{_said(chart.title)}</title>',
            f'<desc id="description">{_said(chart.description)}</desc>',
            f"<style>{STYLE}</style>",
            _text(24, 34, chart.title, "title"),
            _text(24, 56, chart.subtitle),
            *_legend(chart.series),
            *body,
            "</svg>",
            "",
        ]
    )


def scale(values: Sequence[Decimal], begin: float, end: float) -> Scale:
    """A scale from zero, or from below where there are negative values, to a round value above all of them."""
    top = max([float(value) for value in values] + [0.0])
    bottom = min([float(value) for value in values] + [0.0])
    step = _round_step(max(top - bottom, 0.01) / 5)
    low, high = floor(bottom / step) * step, ceil(top / step) * step
    high = high if high > low else low + step
    marks = tuple(low + number * step for number in range(round((high - low) / step) + 1))
    return Scale(low, high, begin, end, marks)


def _round_step(rough: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)


def _timeline(chart: Chart) -> tuple[int, list[str]]:
    bottom = TOP + PLOT_HEIGHT
    up = scale([value for bars in chart.bars for value in bars.values], bottom, TOP)
    lines: list[str] = []
    for mark in up.marks:
        y = up.at(mark)
        lines.append(_line(LEFT, y, WIDTH - RIGHT, y, "grid"))
        lines.append(_text(LEFT - 8, y + 4, money(mark), "number"))
    room = (WIDTH - RIGHT - LEFT) / max(1, len(chart.bars))
    thick = max(1.0, min(34.0, room * 0.38))
    every = ceil(len(chart.bars) / MOST_LABELS)
    for number, bars in enumerate(chart.bars):
        middle = LEFT + room * (number + 0.5)
        for place, value in enumerate(bars.values):
            upper, lower = sorted((up.at(value), up.at(0)))
            words = f"{bars.name}: {chart.series[place]} {money(value)}"
            lines.append(_bar(middle + (place - 1) * thick, upper, thick, lower - upper, CLASSES[place], words))
        if number % every == 0:
            lines.append(_text(middle, bottom + 22, bars.name, "middle"))
    lines.append(_line(LEFT, up.at(0), WIDTH - RIGHT, up.at(0), "zero"))
    return bottom + 44, lines


def _names(chart: Chart) -> tuple[int, list[str]]:
    bottom = TOP + ROW_HEIGHT * max(1, len(chart.bars))
    left = 24 + NAMES_WIDTH
    # The value stands behind its bar, or before it where that goes to the left.
    across = scale([value for bars in chart.bars for value in bars.values], left, WIDTH - RIGHT - 72)
    lines: list[str] = []
    for mark in across.marks:
        lines.append(_line(across.at(mark), TOP, across.at(mark), bottom, "grid"))
        lines.append(_text(across.at(mark), bottom + 20, money(mark), "middle"))
    for number, bars in enumerate(chart.bars):
        top = TOP + ROW_HEIGHT * number + 5
        name = bars.name if len(bars.name) <= LONGEST_NAME else f"{bars.name[: LONGEST_NAME - 1]}…"
        lines.append(_text(left - 12, top + 22, name, "name number"))
        for place, value in enumerate(bars.values):
            x = sorted((across.at(value), across.at(0)))
            y = top + place * 18
            words = f"{bars.name}: {chart.series[place]} {money(value)}"
            lines.append(_bar(x[0], y, x[1] - x[0], 16, CLASSES[place], words))
            lines.append(_text(x[1] + 6, y + 13, money(value), "value"))
    lines.append(_line(across.at(0), TOP, across.at(0), bottom, "zero"))
    return bottom + 40, lines


def money(value: Decimal | float) -> str:
    """Dollars, with cents where there are some: $1,250, $0.40, -$3."""
    number = Decimal(str(value)).quantize(Decimal("0.01"))
    text = f"{abs(number):,.2f}".removesuffix(".00")
    return f"-${text}" if number < 0 else f"${text}"


def _said(words: str) -> str:
    """Words that XML can hold, and that nobody can turn round or end early."""
    return escape(STEERING.sub("�", words))


def _legend(series: tuple[str, str]) -> Iterator[str]:
    x = WIDTH - RIGHT - 200
    for place, name in enumerate(series):
        yield f'<rect class="{CLASSES[place]}" x="{x + place * 100}" y="45" width="12" height="12" rx="2"/>'
        yield _text(x + place * 100 + 18, 56, name, "name")


def _bar(x: float, y: float, width: float, height: float, kind: str, words: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}"'
    return f'<rect class="{kind}" {place} rx="1.5"><title>{_said(words)}</title></rect>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:.1f}" y="{y:.1f}">{_said(words)}</text>'
