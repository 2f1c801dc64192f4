"""What a generation costs: the one quote that everybody is given, and the record of every price that was edited.

`revisions` edits prices, `replay` and `checks` look at what they bring; quoting needs none of them.
"""

from core.pricing.quotes import USD_QUANTUM, Factor, InvalidParams, Problem, Quote, quote, validate

__all__ = ["USD_QUANTUM", "Factor", "InvalidParams", "Problem", "Quote", "quote", "validate"]
