"""What `nb` expects of statistics and smoke runs is what the emulator answers and what the service promises."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from cli import wire_statistics as wire
from core.http.ops import smoke_schemas, statistics_schemas
from tests.cli import answers_statistics as answers

PAIRS: list[tuple[Any, type[BaseModel]]] = [
    (wire.Statistics, statistics_schemas.StatisticsAnswer),
    (wire.StatisticsRow, statistics_schemas.StatisticsRow),
    (wire.StatisticsLatency, statistics_schemas.StatisticsLatency),
    (wire.StatisticsFailure, statistics_schemas.StatisticsFailure),
    (wire.StatisticsPayments, statistics_schemas.StatisticsPayments),
    (wire.StatisticsPeople, statistics_schemas.StatisticsPeople),
    (wire.SmokeStarted, smoke_schemas.SmokeStarted),
    (wire.SmokeCleaned, smoke_schemas.SmokeCleaned),
]


@pytest.mark.parametrize(("shape", "schema"), PAIRS, ids=lambda value: getattr(value, "__name__", ""))
def test_the_fields_are_the_same(shape: Any, schema: type[BaseModel]) -> None:
    assert set(get_type_hints(shape)) == set(schema.model_fields)


def test_what_the_emulator_answers_is_what_the_service_can_answer() -> None:
    statistics_schemas.StatisticsAnswer.model_validate(answers.statistics())
    smoke_schemas.SmokeStarted.model_validate(answers.STARTED)
    smoke_schemas.SmokeCleaned.model_validate(answers.CLEANED)
