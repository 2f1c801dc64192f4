"""Why tokens did not move."""

from __future__ import annotations

from core.types import IdempotencyKey, Tokens


class LedgerError(Exception):
    """Nothing was posted."""


class InsufficientTokens(LedgerError):
    """The balance is below the price; nothing was taken."""

    code = "insufficient_tokens"

    def __init__(self, *, balance: Tokens, needed: Tokens) -> None:
        self.balance = balance
        self.needed = needed
        super().__init__(f"The balance is {balance}, the price is {needed}")

    @property
    def missing(self) -> Tokens:
        """How many tokens are lacking."""
        return self.needed - self.balance


class KeyReused(LedgerError):
    """An idempotency key belongs to a posting of another user, kind or amount."""

    def __init__(self, key: IdempotencyKey) -> None:
        super().__init__(f"Key {key} was used for another posting; use a new key for new content")


class AlreadyResolved(LedgerError):
    """The charge was settled before, its refunds would exceed it, or the deposit was taken back."""

    def __init__(self, posting: int) -> None:
        super().__init__(f"Posting {posting} is settled, refunded or taken back already")
