"""Proves that balances, statement, charges, generations, payments and bonuses agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core import db
from core.ledger import disagreements


@dataclass(frozen=True, slots=True)
class Problem:
    """One disagreement: what kind, whose, and the numbers."""

    kind: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` looked at and found."""

    users: int
    postings: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """True when everything agrees."""
        return not self.problems


SHOWN: Final = 100
"""Problems of one kind that a report names; more would not help whoever reads it."""

READS_WHOLE_TABLES: Final = "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"
"""Where all is well every row is looked at and none is found. The planner expects to find many and to stop early, and
follows indexes row by row: with its own plans a million postings take three times as long."""


async def verify() -> Report:
    """Look for every disagreement in one snapshot; nothing that moves meanwhile is seen by halves."""
    problems: list[Problem] = []
    async with db.transaction():
        await db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await db.execute(READS_WHOLE_TABLES)
        for kind, sql in disagreements.ALL.items():
            rows = await db.fetch(f"{sql} LIMIT {SHOWN}")
            problems += [Problem(kind, row["subject"], row["detail"]) for row in rows]
        users = await db.fetch_value("SELECT count(*) FROM botapp_userbalance")
        postings = await db.fetch_value("SELECT count(*) FROM botapp_transaction")
    return Report(users=users, postings=postings, problems=tuple(problems))
