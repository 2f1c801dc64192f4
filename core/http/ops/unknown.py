"""How the operations say that nothing is called so: 404 with what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from core.http.problems import Problem

LONGEST = 64
"""Characters of a wrong name that are repeated to whoever gave it."""


def unknown(what: str, name: str, known: Iterable[str], *, code: str) -> Problem:
    """There is no `what` of that name; the nearest of those that are known are named, capitals aside."""
    by_lower = {one.lower(): one for one in known}
    near = [by_lower[one] for one in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]
    said = f"There is no {what} {name[:LONGEST]!r}" + (f"; near: {', '.join(near)}." if near else ".")
    return Problem(404, said, code=code, extra={"near": near})
