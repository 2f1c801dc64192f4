"""Balances and the append-only statement behind them.

Every token that moves goes through a posting. `charge`, `refund` and `settle` run inside the caller's transaction;
nothing here commits.
"""

from core.ledger.errors import AlreadyResolved, InsufficientTokens, KeyReused, LedgerError
from core.ledger.history import Entry, extent, history
from core.ledger.postings import (
    WELCOME_BONUS,
    Posting,
    PostingKind,
    balance_of,
    charge,
    get,
    give_once,
    give_welcome_bonus,
    post,
    refund,
    reverse,
    settle,
    statement,
)
from core.ledger.verification import Problem, Report, verify

__all__ = [
    "WELCOME_BONUS",
    "AlreadyResolved",
    "Entry",
    "InsufficientTokens",
    "KeyReused",
    "LedgerError",
    "Posting",
    "PostingKind",
    "Problem",
    "Report",
    "balance_of",
    "charge",
    "extent",
    "get",
    "give_once",
    "give_welcome_bonus",
    "history",
    "post",
    "refund",
    "reverse",
    "settle",
    "statement",
    "verify",
]
