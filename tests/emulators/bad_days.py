"""A share of calls that goes wrong by chance, as it does in life: errors, rate limits, cut lines, lost answers."""

from __future__ import annotations

from random import Random

KINDS = ("#status=500", "#status=503", "#busy", "#close", "#lost")
"""What may happen to a call. `#lost`: it is done, and nobody hears of it."""


class BadDays:
    """Draws what happens to the next call. The same seed gives the same days."""

    def __init__(self, share: float = 0.0, seed: int = 0) -> None:
        """`share` is how many of a hundred calls go wrong.

        Raises:
            ValueError: it is no share.
        """
        if not 0 <= share <= 100:
            raise ValueError(f"{share} is no percentage")
        self.share = share
        self.drawn = 0
        self._chance = Random(seed)

    def draw(self) -> str:
        """Return one of the kinds, or nothing when the call goes well."""
        if not self.share or self._chance.uniform(0, 100) >= self.share:
            return ""
        self.drawn += 1
        return self._chance.choice(KINDS)
