"""What every installation has from the start: the shipped models and, where nobody sells anything yet, packages.

Loading again changes nothing that an operator edited.
"""

from __future__ import annotations

from dataclasses import dataclass

from core import catalog
from core.catalog import SyncReport
from core.payments import packages


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was added; `packages` are the codes."""

    catalogue: SyncReport
    packages: list[str]


async def seed() -> Seeded:
    """Load what ships, each part in a transaction of its own."""
    return Seeded(catalogue=await catalog.sync(), packages=await packages.seed())
