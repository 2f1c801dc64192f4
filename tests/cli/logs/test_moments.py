"""Moments for --since and --until as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cli.logs.moments import parse_when

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=timezone(timedelta(hours=3)))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", "2026-11-22T09:30"),
        ("90s", "2026-11-22T09:28:30"),
        ("15m", "2026-11-22T09:15"),
        ("1.5h", "2026-11-22T08:00"),
        ("2h ago", "2026-11-22T07:30"),
        ("3d", "2026-11-19T09:30"),
        ("1w", "2026-11-15T09:30"),
        ("today", "2026-11-21T21:00"),
        ("Yesterday", "2026-11-20T21:00"),
        ("12:00", "2026-11-22T09:00"),
        ("9:05", "2026-11-22T06:05"),
        ("12:00:03", "2026-11-22T09:00:03"),
        ("2026-11-22", "2026-11-21T21:00"),
        ("2026-11-22T10:00", "2026-11-22T07:00"),
        ("2026-11-22 10:00:01.5", "2026-11-22T07:00:01.5"),
        ("2026-11-22T10:00Z", "2026-11-22T10:00"),
        ("2026-11-22T10:00+05:00", "2026-11-22T05:00"),
    ],
)
def test_a_moment_is_by_the_clock_that_is_shown(text: str, meant: str) -> None:
    assert parse_when(text, NOW) == datetime.fromisoformat(meant).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2x", "-5m", "25:00", "2026-13-01", "tomorrow", "999999w", "12", "٣m"])
def test_what_is_no_moment_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="15m, 2h, 3d, 12:30, today, yesterday"):
        parse_when(text, NOW)
