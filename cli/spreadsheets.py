"""Text for a cell of a spreadsheet, which takes some texts for formulas and runs them."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a formula begins; the wide signs are read as the usual ones where Chinese or Japanese is written."""


def as_text(value: str) -> str:
    """The same, marked as text where a spreadsheet would take it for a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value
