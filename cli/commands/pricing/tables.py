"""How prices are drawn: orders before and after, fields, revisions, past jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cli.output import Column, Screen
from cli.wire_prices import PriceChange, PricePreview, Replay

CHANGES = (
    Column("order"),
    Column("now, ⚡", "number"),
    Column("new, ⚡", "number"),
    Column("change", "number"),
    Column("margin now", "number", optional=True),
    Column("margin new", "number"),
)


def draw_preview(screen: Screen, preview: PricePreview) -> None:
    """What an edit would do: the fields, then the orders that show it, then the past."""
    screen.wrapped(f"{preview['subject']}: {said_change(preview['before'], preview['after'])}", style="1")
    draw_changes(screen, preview["rows"])
    if preview["needs_approval"]:
        limit, largest = preview["limit_percent"], preview["largest_percent"]
        screen.state("unknown", f"{largest} % is more than {limit} %: somebody else has to approve it")
    if preview["replay"] is not None:
        draw_replay(screen, preview["replay"])


def draw_changes(screen: Screen, rows: Sequence[PriceChange]) -> None:
    """Orders before and after, with the model where there are several."""
    several = len({row["model"] for row in rows}) > 1
    screen.table(
        CHANGES,
        (
            (
                f"{row['model']}, {row['label']}" if several else row["label"],
                row["tokens"],
                row["tokens_new"],
                f"{signed(row['percent'])} %",
                f"{row['margin']} %",
                f"{row['margin_new']} %",
            )
            for row in rows
        ),
    )


def draw_replay(screen: Screen, replay: Replay) -> None:
    """The jobs of the last days at both prices."""
    screen.heading(f"Jobs of the last {replay['days']} days: {replay['jobs']}")
    if replay["unpriced_jobs"]:
        screen.state("unknown", f"{replay['unpriced_jobs']} more cannot be priced and are left out")
    if not replay["jobs"]:
        return
    columns = (Column(""), Column("then", "number"), Column("at the new price", "number"))
    screen.table(
        columns,
        (
            ("tokens", replay["tokens"], replay["tokens_new"]),
            ("revenue, USD", replay["revenue_usd"], replay["revenue_usd_new"]),
            ("cost, USD", replay["cost_usd"], replay["cost_usd_new"]),
            ("margin, %", replay["margin"], replay["margin_new"]),
        ),
    )
    reported, jobs = replay["reported_jobs"], replay["jobs"]
    screen.wrapped(
        f"USD {replay['reported_usd']} of the cost were reported by providers, for {reported} of {jobs} jobs."
    )


def said_change(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """Fields with their old and new values."""
    if not after:
        return "nothing would be different"
    return ", ".join(f"{_named(name)} {_value(before.get(name))} → {_value(after[name])}" for name in after)


def signed(number: str) -> str:
    """A percentage with its sign."""
    return number if number.startswith("-") else f"+{number}"


def _named(field: str) -> str:
    return field.removeprefix("option_factors.")


def _value(value: object) -> str:
    return "1" if value is None else str(value)
