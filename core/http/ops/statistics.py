"""The operation of the ops API that counts a period."""

from __future__ import annotations

from datetime import UTC, datetime

from sanic import Request

from core import statistics
from core.http.ops import statistics_schemas as schemas
from core.http.ops.api import api
from core.http.problems import Problem
from core.statistics.figures import BadPeriod


@api.operation("GET", "/statistics", query=schemas.StatisticsQuery, answer=schemas.StatisticsAnswer, tag="statistics")
async def read_statistics(request: Request, query: schemas.StatisticsQuery) -> schemas.StatisticsAnswer:
    """Revenue, cost and margin, outcomes and latencies, payments and people of a period of at most 366 days."""
    del request
    try:
        period = statistics.Period(query.since, query.until or datetime.now(UTC))
    except BadPeriod as error:
        raise Problem(422, f"{error}.".capitalize(), code="invalid_period") from None
    return schemas.StatisticsAnswer.of(await statistics.read(period, statistics.Grouping(query.by)))
