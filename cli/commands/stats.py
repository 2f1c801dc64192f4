"""`nb stats`: what a period brought and cost, as tables, JSON, CSV or a chart."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli import files, statistics_view
from cli.client import connect
from cli.envelope import Outcome
from cli.errors import UsageMistake
from cli.invocation import DEFAULT_TIMEOUT, current
from cli.output import Screen
from cli.periods import begin_of
from cli.shapes import StatisticsData
from cli.wire_statistics import Statistics

PATH = "/api/ops/v1/statistics"

PATIENCE = 60.0
"""Seconds, where --timeout says nothing: a year of a busy service takes some."""


class By(StrEnum):
    """What a row stands for."""

    MODEL = "model"
    DAY = "day"
    PROVIDER = "provider"


class Form(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    SVG = "svg"


def stats(
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="7d (whole days, today included), 24h, or 2026-11-01.")
    ] = "7d",
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Just before this; a day or a moment. Now by default.")
    ] = None,
    by: Annotated[By, typer.Option("--by", help="What each row stands for.")] = By.MODEL,
    form: Annotated[Form, typer.Option("--format", help="How it is written; svg draws revenue and cost.")] = Form.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; stdout without it.")
    ] = None,
) -> Outcome:
    """Show revenue, cost and margin, failures, refunds and latencies, payments and people of a period. All in UTC.

    Examples:
        nb stats --since 7d --env production
        nb stats --since 2026-11-01 --until 2026-12-01 --by day --format svg --output november.svg
        nb stats --since 24h --by provider --json
    """
    if form in (Form.CSV, Form.SVG) and output is None and current().json:
        raise UsageMistake("--json prints one document; this form needs a file", fix="add --output FILE")
    if output is not None:
        files.refuse_existing(output)
    now = datetime.now(UTC)
    begin, end = begin_of("--since", since, now), begin_of("--until", until, now) if until is not None else now
    if begin >= end:
        raise UsageMistake("--until is not after --since", fix="nb stats --since 2026-11-01 --until 2026-12-01")
    if current().timeout == DEFAULT_TIMEOUT:
        current().timeout = PATIENCE
    client = connect()
    query = {"since": begin.isoformat(), "until": end.isoformat(), "by": by.value}
    found = client.read(Statistics, client.get(PATH, query))
    text = None if form is Form.TABLE else _written(found, form, client.target.name)
    if output is not None:
        files.write_whole(output, text if text is not None else statistics_view.plain(found, client.target.name))
    data: StatisticsData = {**found, "format": form.value, "output": str(output) if output is not None else None}
    return Outcome(data=data, show=lambda screen: _show(screen, data, text, client.target.name))


def _written(found: Statistics, form: Form, name: str) -> str:
    if form is Form.JSON:
        return json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    return statistics_view.csv_of(found) if form is Form.CSV else statistics_view.svg_of(found, name)


def _show(screen: Screen, data: StatisticsData, text: str | None, name: str) -> None:
    if data["output"] is not None:
        total = data["total"]
        sold = f"{statistics_view.dollars(Decimal(total['revenue_usd']))} of revenue, {total['orders']} orders"
        screen.state("ok", f"{data['output']}: {data['format']}, {sold}")
    elif text is not None:
        # As it is: what reads it knows what it is, and a terminal is not meant.
        screen.stream.write(text)
    else:
        statistics_view.show(screen, data, name)
