"""Which failures pass by themselves: whoever met one tries again, and an operator has nothing to put right here."""

from __future__ import annotations

import socket

import asyncpg
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

BACKEND_AWAY: tuple[type[BaseException], ...] = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    RedisConnectionError,
    RedisTimeoutError,
)
"""What handlers raise when the database or Redis is away, or the database takes nothing for now.

Narrower than `core.db.UNAVAILABLE`: a missing file is an `OSError` too, and a bug.
"""

_expected: set[type[BaseException]] = set(BACKEND_AWAY)


def expect(*kinds: type[BaseException]) -> None:
    """Count more kinds of failures as passing: upper layers know those of the services that they call."""
    _expected.update(kinds)


def is_passing(error: BaseException) -> bool:
    """Say whether a failure is over in a moment."""
    return isinstance(error, tuple(_expected))
