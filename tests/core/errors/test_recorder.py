"""A fault is recorded once, by whoever met it, without waiting, and a flood of them is one row with a count."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from core import db, errors, logs, users
from core.errors import Origin, Severity, recorder, store
from core.settings import Settings
from tests.core.errors.conftest import kept, raised

pytestmark = pytest.mark.integration

TRACE = logs.new_trace()


def meet(message: str = "a test", *, handler: str = "GET /a", severity: Severity = Severity.ERROR) -> None:
    """Record one fault of a kind."""
    errors.record(raised(ValueError(message)), origin=Origin.OTHER, severity=severity, handler=handler)


async def test_a_fault_is_kept_with_all_that_is_known_of_it(recording: Settings) -> None:
    person = await users.upsert(users.Profile(4242, "fox", "Fox"))
    with logs.trace(TRACE):
        errors.record(
            raised(ValueError("number 7")),
            origin=Origin.MINIAPP,
            severity=Severity.CRITICAL,
            handler="GET /api/app/v1/me",
            chat_id=4242,
            extra={"attempts": 2},
        )
    [row] = await kept()
    assert (row["origin"], row["severity"], row["status"]) == ("miniapp", "critical", "new")
    assert (row["handler"], row["error_class"], row["message"]) == ("GET /api/app/v1/me", "ValueError", "number 7")
    assert row["stacktrace"].endswith("ValueError: number 7")
    assert (row["trace_id"], row["chat_id"], row["user_id"], row["times"]) == (TRACE, 4242, person.id, 1)
    assert row["commit"] == recording.commit
    assert json.loads(row["extra"])["attempts"] == 2


async def test_a_transaction_that_is_taken_back_takes_no_fault_with_it(recording: Settings) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.transaction():
            meet()
            raise ZeroDivisionError
    assert len(await kept()) == 1


async def test_a_fault_is_written_while_its_transaction_is_still_open(recording: Settings) -> None:
    async with db.transaction():
        meet()
        await asyncio.wait_for(_is_there(), 10)


async def _is_there() -> None:
    while not await db.fetch_value("SELECT count(*) FROM botapp_boterrorevent"):  # noqa: ASYNC110  The database tells nobody.
        await asyncio.sleep(0.02)


async def test_one_exception_that_passes_several_hooks_is_one_fault(recording: Settings) -> None:
    error = raised(ValueError("a test"))
    for handler in ("poll", "task", "inbox"):
        errors.record(error, origin=Origin.OTHER, severity=Severity.ERROR, handler=handler)
    assert [row["handler"] for row in await kept()] == ["poll"]


async def test_what_was_raised_from_a_recorded_fault_is_the_same_fault(recording: Settings) -> None:
    cause = raised(ValueError("a test"))
    errors.record(cause, origin=Origin.OTHER, severity=Severity.ERROR, handler="inner")
    try:
        raise RuntimeError("consequence") from cause
    except RuntimeError as error:
        errors.record(error, origin=Origin.OTHER, severity=Severity.ERROR, handler="outer")
    assert [row["handler"] for row in await kept()] == ["inner"]


async def test_of_a_group_each_member_is_a_fault_unless_it_is_recorded(recording: Settings) -> None:
    known = raised(ValueError("known"))
    errors.record(known, origin=Origin.GENERATION, severity=Severity.CRITICAL, handler="poll")
    group = ExceptionGroup("a tick", [known, raised(KeyError("new"))])
    errors.record(group, origin=Origin.CELERY_TASK, severity=Severity.CRITICAL, handler="generations.tick")
    assert [row["error_class"] for row in await kept()] == ["ValueError", "KeyError"]


async def test_the_same_within_a_minute_raises_the_count_of_one_row(recording: Settings) -> None:
    meet("number 1")
    assert len(await kept()) == 1
    meet("number 2")
    meet("number 3")
    [row] = await kept()
    assert (row["times"], row["message"]) == (3, "number 1")
    assert row["last_at"] > row["occurred_at"]


async def test_what_is_folded_is_remembered_by_its_trace(recording: Settings) -> None:
    traces = [logs.new_trace() for _ in range(store.MOST_MET + 5)]
    for trace in traces:
        with logs.trace(trace):
            meet()
        await errors.written()
    [row] = await kept()
    assert row["trace_id"] == traces[0]
    assert [met["trace"] for met in json.loads(row["extra"])["also"]] == traces[-store.MOST_MET :]


async def test_the_same_after_a_minute_is_a_new_row(recording: Settings) -> None:
    meet()
    await kept()
    await db.execute("UPDATE botapp_boterrorevent SET occurred_at = occurred_at - interval '61 seconds'")
    meet()
    assert [row["times"] for row in await kept()] == [1, 1]


async def test_beyond_so_many_rows_an_hour_the_newest_one_counts(recording: Settings) -> None:
    for _ in range(store.MOST_ROWS + 3):
        meet()
        await errors.written()
        await db.execute("UPDATE botapp_boterrorevent SET occurred_at = occurred_at - interval '61 seconds'")
    rows = await kept()
    assert len(rows) == store.MOST_ROWS
    assert rows[-1]["times"] == 4


async def test_after_it_was_resolved_the_same_is_a_new_row_at_once(recording: Settings) -> None:
    meet()
    await kept()
    await db.execute("UPDATE botapp_boterrorevent SET status = 'resolved'")
    meet()
    assert [row["status"] for row in await kept()] == ["resolved", "new"]


async def test_one_that_somebody_looks_into_goes_on_counting(recording: Settings) -> None:
    meet()
    await kept()
    await db.execute("UPDATE botapp_boterrorevent SET status = 'in_progress'")
    meet()
    [row] = await kept()
    assert (row["status"], row["times"]) == ("in_progress", 2)


async def test_processes_that_meet_the_same_at_once_share_a_row(recording: Settings) -> None:
    others = [recorder.Recorder(recording, asyncio.get_running_loop()) for _ in range(6)]
    met = errors.faults.Met(errors.faults.now())
    for other in others:
        other.take(errors.Fault("k_same", Origin.OTHER, Severity.ERROR, "h", "c", "m", met))
    await asyncio.gather(*(other.write() for other in others))
    [row] = await kept()
    assert row["times"] == 6


async def test_thousands_a_second_cost_next_to_nothing(recording: Settings) -> None:
    error_of = [ValueError(f"number {number}") for number in range(20_000)]
    started = time.process_time()
    for error in error_of:
        errors.record(error, origin=Origin.OTHER, severity=Severity.ERROR, handler="GET /flood")
    each = (time.process_time() - started) / len(error_of)
    assert each < 0.0002
    [row] = await kept()
    assert row["times"] == 20_000


async def test_more_kinds_than_wait_at_once_are_left_to_the_log(recording: Settings) -> None:
    words = [f"{first}{second}" for first in "abcdefghijklmnop" for second in "abcdefghijklmnopqrstuvwxyz"]
    for word in words:
        meet(handler=word)
    assert len(await kept()) == recorder.MOST_KINDS < len(words)


async def test_a_fault_of_another_thread_is_recorded_with_the_trace_it_names(recording: Settings) -> None:
    def work() -> None:
        error = raised(ValueError("a test"))
        errors.record(error, origin=Origin.CELERY_TASK, severity=Severity.CRITICAL, handler="a.task", trace_id=TRACE)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    [row] = await kept()
    assert row["trace_id"] == TRACE


@pytest.mark.parametrize(
    ("error", "severity"),
    [(ConnectionResetError("gone"), "warning"), (TimeoutError(), "warning"), (FileNotFoundError("x"), "critical")],
)
async def test_what_passes_by_itself_is_a_warning(recording: Settings, error: Exception, severity: str) -> None:
    errors.record(raised(error), origin=Origin.CELERY_TASK, severity=Severity.CRITICAL, handler="a.task")
    assert [row["severity"] for row in await kept()] == [severity]


class _Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("cannot be told")


async def test_a_fault_that_cannot_be_told_hurts_nobody(recording: Settings) -> None:
    errors.record(_Unspeakable(), origin=Origin.OTHER, severity=Severity.ERROR, handler="x")
    assert await kept() == []


async def test_text_that_no_column_holds_hurts_nobody(recording: Settings) -> None:
    errors.record(raised(ValueError("a\0b\ud800")), origin=Origin.OTHER, severity=Severity.ERROR, handler="h" * 1000)
    errors.note("k\0\ud800", "text\0", origin=Origin.OTHER, severity=Severity.INFO)
    meet("the next one")
    assert [row["message"] for row in await kept()][-1] == "the next one"


async def test_outside_of_a_process_that_records_there_is_only_the_log(database: Settings) -> None:
    meet()
    await errors.written()
    assert await db.fetch_value("SELECT count(*) FROM botapp_boterrorevent") == 0


async def test_what_waits_is_written_when_the_process_stops(database: Settings) -> None:
    async with errors.recording(database):
        meet()
    assert await db.fetch_value("SELECT count(*) FROM botapp_boterrorevent") == 1


async def test_while_the_database_is_away_faults_wait_and_are_counted(database: Settings) -> None:
    waiting = recorder.Recorder(database, asyncio.get_running_loop())
    met = errors.faults.Met(errors.faults.now())
    assert db.DB.pool is not None
    await db.DB.pool.close()
    for _ in range(2):
        waiting.take(errors.Fault("k_same", Origin.OTHER, Severity.ERROR, "h", "c", "m", met))
        assert not await waiting.write()
    db.DB.pool = None
    await db.connect(database)
    assert await waiting.write()
    [row] = await kept()
    assert row["times"] == 2


async def test_one_that_is_resolved_while_the_same_is_written_is_not_counted_in_it(recording: Settings) -> None:
    """The operator closed what was known by then: what came meanwhile is to be seen."""
    meet()
    await kept()
    other = await asyncpg.connect(recording.database_url.get_secret_value())
    try:
        async with other.transaction():
            await other.execute("UPDATE botapp_boterrorevent SET status = 'resolved'")
            meet()
            writing = asyncio.create_task(errors.written())
            await _blocked(other)
        await writing
    finally:
        await other.close()
    assert [(row["status"], row["times"]) for row in await kept()] == [("resolved", 1), ("new", 1)]


@pytest.mark.parametrize("is_written_between", [False, True])
async def test_a_row_is_as_bad_as_the_worst_that_was_folded_into_it(
    recording: Settings, is_written_between: bool
) -> None:
    for severity in (Severity.WARNING, Severity.CRITICAL, Severity.INFO):
        meet(severity=severity)
        if is_written_between:
            await errors.written()
    [row] = await kept()
    assert (row["severity"], row["times"]) == ("critical", 3)


async def test_a_mild_one_that_waits_with_a_bad_one_is_as_bad_once_they_are_joined(database: Settings) -> None:
    met = errors.faults.Met(errors.faults.now())
    mild, bad = (
        store.Gathered(errors.Fault("k_same", Origin.OTHER, severity, "h", "c", "m", met), "web", "")
        for severity in (Severity.WARNING, Severity.CRITICAL)
    )
    mild.join(bad)
    await store.keep(mild)
    assert await db.fetch_value("SELECT severity FROM botapp_boterrorevent") == "critical"


async def test_however_long_the_database_hangs_no_more_kinds_wait_than_may(database: Settings) -> None:
    met = errors.faults.Met(errors.faults.now())
    waiting = recorder.Recorder(database, asyncio.get_running_loop())

    def take_many(name: str) -> None:
        for index in range(recorder.MOST_KINDS):
            waiting.take(errors.Fault(f"k_{name}{index}", Origin.OTHER, Severity.ERROR, "h", "c", "m", met))

    async with _hanging(database) as other:
        take_many("first")
        for name in ("second", "third"):
            writing = asyncio.create_task(waiting.write())
            await _blocked(other)
            take_many(name)
            writing.cancel()
            await asyncio.wait({writing})
    assert await waiting.write()
    rows = await kept()
    assert len(rows) == recorder.MOST_KINDS
    assert all(row["fingerprint"].startswith("k_first") for row in rows), "the first ones say how it began"


@asynccontextmanager
async def _hanging(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A database in which nobody else can write a fault while the block runs."""
    other = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        async with other.transaction():
            await other.execute("LOCK TABLE botapp_boterrorevent IN EXCLUSIVE MODE")
            yield other
    finally:
        await other.close()


async def _blocked(other: asyncpg.Connection) -> None:
    while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110  As above.
        await asyncio.sleep(0.01)


async def test_faults_are_forgotten_by_age_whether_they_were_resolved_or_not(recording: Settings) -> None:
    from core.errors import tasks

    for handler in ("old", "old too", "young"):
        meet(handler=handler)
    await kept()
    await db.execute(
        "UPDATE botapp_boterrorevent SET last_at = now() - $1::interval WHERE handler LIKE 'old%'", timedelta(days=31)
    )
    await db.execute("UPDATE botapp_boterrorevent SET status = 'resolved' WHERE handler = 'old too'")
    await tasks.forget()
    assert [row["handler"] for row in await kept()] == ["young"]
