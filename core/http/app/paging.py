"""Lists in parts, the newest first: the cursor is the id of the last row that was shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from core.http.app import schemas
from core.http.problems import Problem

Row = TypeVar("Row")


def before(query: schemas.PageQuery) -> int | None:
    """Return the row that the page comes after; None for the first page.

    Raises:
        Problem: 400, the cursor is none of ours.
    """
    if query.cursor is None:
        return None
    if not re.match(schemas.CURSOR_PATTERN, query.cursor) or query.cursor.endswith("\n"):
        raise Problem(400, "The cursor is not one of ours; take next_cursor as it is.", code="bad_cursor")
    return int(query.cursor)


def cut(found: Sequence[Row], query: schemas.PageQuery, *, id_of: Callable[[Row], int]) -> tuple[list[Row], str | None]:
    """Return what fits on the page out of one row more than that, and the cursor of the next one."""
    items = list(found[: query.limit])
    return items, str(id_of(items[-1])) if len(found) > query.limit else None
