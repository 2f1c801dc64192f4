"""Names for values that are easily mixed up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NewType

UserId = NewType("UserId", int)
"""Key of `botapp_tguser`, not the Telegram id."""

IdempotencyKey = NewType("IdempotencyKey", str)
TraceId = NewType("TraceId", str)
"""32 hexadecimal digits that follow one event through every process."""

Language = Literal["ru", "en"]

Tokens = Decimal
"""An amount of ⚡, a multiple of `TOKEN_QUANTUM`."""

TOKEN_QUANTUM = Decimal("0.01")


def in_tokens(amount: Decimal) -> Tokens:
    """Round to the smallest amount that can be posted, half up."""
    return amount.quantize(TOKEN_QUANTUM, rounding=ROUND_HALF_UP)
