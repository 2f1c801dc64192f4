"""Statistics for people: tables on a screen, rows for a spreadsheet, a chart."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal

from cli.charts import Bars, Chart, draw, money
from cli.moments import say_moment
from cli.output import Column, Screen
from cli.spreadsheets import as_text
from cli.wire_statistics import Statistics, StatisticsRow

MOST_FAILURES = 10
MOST_NAMES = 15
"""Models or providers in a chart; the others are one bar."""

MONEY = (
    Column("orders", "number"),
    Column("tokens", "number"),
    Column("refunded", "number", optional=True),
    Column("revenue", "number"),
    Column("cost", "number"),
    Column("margin", "number"),
)
WORK = (
    Column("done", "number"),
    Column("failed", "number"),
    Column("failures", "number"),
    Column("refunds", "number"),
    Column("p50 s", "number"),
    Column("p95 s", "number"),
    Column("p99 s", "number", optional=True),
)
FAILURES = (Column("model", "id"), Column("class", "id"), Column("jobs", "number"), Column("share", "number"))
PAYMENTS = (
    Column("gateway", "id"),
    Column("payments", "number"),
    Column("came", "number"),
    Column("tokens", "number"),
    Column("went back", "number"),
)


def show(screen: Screen, found: Statistics, name: str) -> None:
    """Everything as tables."""
    screen.line(f"{name}: {_period(found)}", style="1")
    people = found["people"]
    screen.pairs(
        {
            "active": f"{people['active']} ordered, {people['paying']} paid",
            "new": f"{people['new']} of {people['total']} users",
        }
    )
    everything: StatisticsRow = {**found["total"], "key": "all"}
    rows = [*found["rows"], everything]
    screen.heading("Revenue and cost")
    key = Column(found["by"], "id")
    screen.table((key, *MONEY), [_money(row) for row in rows])
    if found["total"]["estimated"]:
        screen.wrapped(
            f"{found['total']['estimated']} jobs reported no cost: what their quotes expected was taken instead."
        )
    screen.heading("Jobs that ended")
    screen.table((key, *WORK), [_work(row) for row in rows])
    if found["failures"]:
        screen.heading("Failures")
        listed = found["failures"][:MOST_FAILURES]
        screen.table(FAILURES, [(one["model"], one["code"], one["count"], percent(one["rate"])) for one in listed])
    if found["payments"]:
        screen.heading("Payments")
        screen.table(PAYMENTS, [_payment(one) for one in found["payments"]])


def plain(found: Statistics, name: str) -> str:
    """The tables as a text file."""
    text = io.StringIO()
    show(Screen(text, color=False), found, name)
    return text.getvalue()


def csv_of(found: Statistics) -> str:
    """One line for each row; the total is left to who adds up."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [name for name in StatisticsRow.__annotations__ if name not in ("key", "latency")]
    writer.writerow([found["by"], *names, "p50_s", "p95_s", "p99_s"])
    for row in found["rows"]:
        values: Mapping[str, object] = {**row}
        latency = row["latency"]
        times = ("", "", "") if latency is None else (latency["p50_s"], latency["p95_s"], latency["p99_s"])
        writer.writerow(
            [as_text(row["key"]), *("" if values[name] is None else values[name] for name in names), *times]
        )
    return text.getvalue()


def svg_of(found: Statistics, name: str) -> str:
    """Revenue and cost of each row as bars."""
    is_timeline = found["by"] == "day"
    bars = [Bars(row["key"] or "-", (Decimal(row["revenue_usd"]), Decimal(row["cost_usd"]))) for row in found["rows"]]
    if not is_timeline and len(bars) > MOST_NAMES:
        rest = bars[MOST_NAMES - 1 :]
        others = (sum((one.values[0] for one in rest), Decimal(0)), sum((one.values[1] for one in rest), Decimal(0)))
        bars = [*bars[: MOST_NAMES - 1], Bars(f"{len(rest)} others", others)]
    total = found["total"]
    sums = f"revenue {dollars(Decimal(total['revenue_usd']))}, cost {dollars(Decimal(total['cost_usd']))}"
    sums += f", margin {percent(total['margin'])}" if total["margin"] is not None else ""
    listed = "; ".join(f"{one.name}: revenue {money(one.values[0])}, cost {money(one.values[1])}" for one in bars)
    chart = Chart(
        title=f"Revenue and cost by {found['by']}, {name}",
        subtitle=f"{_period(found)}: {sums}",
        description=f"USD in the period {_period(found)}. All together {sums}. {listed}",
        series=("revenue", "cost"),
        bars=[Bars(one.name[5:], one.values) for one in bars] if is_timeline else bars,
        is_timeline=is_timeline,
    )
    return draw(chart)


def percent(share: str | None) -> str:
    """A share as percent, a dash of nothing."""
    return "-" if share is None else f"{Decimal(share) * 100:.1f} %"


def dollars(amount: Decimal) -> str:
    """Dollars and cents."""
    return f"-${-amount:,.2f}" if amount < 0 else f"${amount:,.2f}"


def _period(found: Statistics) -> str:
    return f"{_moment(found['since'])} to {_moment(found['until'])} {found['timezone']}"


def _moment(text: str) -> str:
    """A moment without what is zero about it."""
    return say_moment(text).removesuffix(":00").removesuffix(" 00:00")


def _money(row: StatisticsRow) -> Sequence[object]:
    usd = dollars(Decimal(row["revenue_usd"])), dollars(Decimal(row["cost_usd"]))
    return row["key"] or "-", row["orders"], row["tokens"], row["refunded"], *usd, percent(row["margin"])


def _work(row: StatisticsRow) -> Sequence[object]:
    latency = row["latency"]
    said: tuple[str | None, ...] = (None, None, None)
    if latency is not None:
        said = tuple(f"{seconds:.1f}" for seconds in (latency["p50_s"], latency["p95_s"], latency["p99_s"]))
    rates = percent(row["failure_rate"]), percent(row["refund_rate"])
    return row["key"] or "-", row["done"], row["failed"], *rates, *said


def _payment(one: Mapping[str, object]) -> Sequence[object]:
    back = f"{one['refunded']} {one['currency']}" if one["refunds"] else None
    return one["gateway"], one["payments"], f"{one['amount']} {one['currency']}", one["tokens"], back
