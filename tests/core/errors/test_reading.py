"""Faults are found by what was folded into them, too, and by an index, however many there are."""

from __future__ import annotations

import pytest

from core import db, errors, logs
from core.errors import Origin, Severity, reading
from core.errors.reading import Wanted
from core.settings import Settings
from core.types import TraceId
from tests.core.errors.conftest import kept, raised

pytestmark = pytest.mark.integration

FIRST, FOLDED = TraceId("41e3046c" + "0" * 24), TraceId("7e32186e" + "1" * 24)


async def _met_twice() -> None:
    for trace, chat_id in ((FIRST, 1), (FOLDED, 2)):
        with logs.trace(trace):
            errors.record(
                raised(ValueError("a test")),
                origin=Origin.OTHER,
                severity=Severity.ERROR,
                handler="GET /a",
                chat_id=chat_id,
                run_code=f"job-{chat_id}",
            )
    assert len(await kept()) == 1


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        (Wanted(trace=FIRST), True),
        (Wanted(trace=FIRST[:8]), True),
        (Wanted(trace=FOLDED), True),
        (Wanted(trace=FOLDED[:8]), True),
        (Wanted(trace=FOLDED[:20]), True),
        (Wanted(trace=FOLDED[:8] + "2"), False),
        (Wanted(trace=FIRST[:8] + "f"), False),
        (Wanted(trace="41e3046d"), False),
        (Wanted(user=1), True),
        (Wanted(user=2), True),
        (Wanted(user=3), False),
        (Wanted(generation="job-2"), True),
        (Wanted(generation="job"), False),
        (Wanted(generation="job-2", user=2, trace=FOLDED, status="open", severity="error"), True),
        (Wanted(generation="job-2", user=2, trace=FOLDED, status="resolved"), False),
        (Wanted(generation="' OR TRUE --"), False),
        (Wanted(service="%"), False),
    ],
)
async def test_a_fault_is_found_by_each_time_that_it_was_met(
    recording: Settings, wanted: Wanted, is_found: bool
) -> None:
    await _met_twice()
    assert (len(await reading.newest(wanted, limit=5)), len(await reading.kinds(wanted, limit=5))) == (
        (1, 1) if is_found else (0, 0)
    )


@pytest.mark.parametrize(
    ("wanted", "indexes"),
    [
        (Wanted(trace=FIRST), {"boterrorevent_by_trace", "boterrorevent_also"}),
        (Wanted(user=1), {"boterrorevent_by_chat", "boterrorevent_by_user", "boterrorevent_also"}),
        (Wanted(generation="job-1"), {"boterrorevent_by_generation", "boterrorevent_also"}),
    ],
)
async def test_what_people_name_has_an_index(recording: Settings, wanted: Wanted, indexes: set[str]) -> None:
    where, arguments = reading._where(wanted)
    async with db.transaction():
        # A table of a few rows is read as a whole sooner; of many, the planner chooses what it is allowed here.
        await db.execute("SET LOCAL enable_seqscan = off")
        await db.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        plan = await db.fetch(
            f"EXPLAIN SELECT id FROM botapp_boterrorevent AS fault WHERE {where} AND $1::int > $2::int",
            1,
            0,
            *arguments,
        )
    told = "\n".join(row[0] for row in plan)
    assert {name for name in indexes if name in told} == indexes, told
