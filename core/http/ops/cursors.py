"""Cursors of lists that are ordered by a row's number, the newest first: the number of the last row that was given."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import Field

from core.http.problems import Problem

PATTERN = r"^[1-9][0-9]{0,18}$"
MAXIMUM_LIMIT = 200

Row = TypeVar("Row")


def cursor_field() -> Any:  # noqa: ANN401  As `pydantic.Field` itself.
    """The `cursor` of a query."""
    return Field(
        None,
        description="`next_cursor` of the page before.",
        max_length=100,
        # Told, not enforced here: a cursor of another form is answered with `bad_cursor`.
        json_schema_extra={"pattern": PATTERN},
    )


def limit_field(default: int = 50, maximum: int = MAXIMUM_LIMIT) -> Any:  # noqa: ANN401  As above.
    """The `limit` of a query."""
    return Field(default, description="How many at most.", ge=1, le=maximum)


def row_in(cursor: str | None) -> int | None:
    """Return the row that a cursor stands for.

    Raises:
        Problem: 400, the cursor is none of ours.
    """
    if cursor is None:
        return None
    if not re.fullmatch(PATTERN, cursor, re.ASCII) or int(cursor) >= 2**63:
        raise Problem(400, "The cursor is not one of ours; take next_cursor as it is.", code="bad_cursor")
    return int(cursor)


def cut(rows: Sequence[Row], limit: int, number: Callable[[Row], int]) -> tuple[Sequence[Row], str | None]:
    """Split rows, one more than the page holds where there is one, into the page and the cursor of the next."""
    page = rows[:limit]
    return page, str(number(page[-1])) if len(rows) > limit else None
