"""Leases: who may work on a generation now.

A worker claims a row and renews its lease while it works. A worker that was killed leaves a lease that runs out, and
another one claims the row. Every write names the claim, so a worker that lost its lease can change nothing.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from core import db
from core.generations import repository
from core.generations.states import Generation
from core.queue import outbox

log = structlog.get_logger(__name__)

LEASE_SECONDS = 15.0
RENEWED_EVERY = 5.0
AFTER_A_CRASH = timedelta(seconds=5)
"""Pause before a row is looked at again whose handling ended in an unexpected exception."""

TAKEN_UP_WITHIN = timedelta(seconds=10)

_FREE = "(lease_until IS NULL OR lease_until < now())"


class LeaseLost(Exception):
    """Somebody else owns the generation now; this worker must not write any more."""


@dataclass(slots=True)
class Claim:
    """The right to change one generation."""

    generation: Generation
    owner: str

    async def change(self, **values: Any) -> None:  # noqa: ANN401  Columns have their own types.
        """Write columns.

        Raises:
            LeaseLost: nothing was written.
        """
        columns = ", ".join(f'"{name}" = ${number}' for number, name in enumerate(values, start=3))
        changed = await db.execute(
            f"UPDATE botapp_genrequest SET {columns}, updated_at = now() WHERE id = $1 AND lease_owner = $2",  # noqa: S608
            self.generation.id,
            self.owner,
            *values.values(),
        )
        if not changed:
            raise LeaseLost(self.generation.run_code)

    async def tell(self, event: str, **detail: object) -> None:
        """Add a step to the story."""
        await repository.tell(self.generation.id, event, **detail)

    async def release(self, *, due: timedelta | None, **values: Any) -> None:  # noqa: ANN401
        """Give the right back; somebody looks again when `due` has passed, or never.

        Raises:
            LeaseLost: nothing was written.
        """
        at = None if due is None else datetime.now(UTC) + due
        await self.change(**values, next_action_at=at, lease_owner=None, lease_until=None)


async def claim(run_code: str) -> Claim | None:
    """Claim one generation; None when it needs nobody or somebody has it."""
    owner = uuid.uuid4().hex
    changed = await db.execute(
        f"""
        UPDATE botapp_genrequest SET lease_owner = $2, lease_until = now() + make_interval(secs => $3)
        WHERE run_code = $1 AND status IN ('queued', 'processing') AND stage <> 'delivering' AND {_FREE}
        """,  # noqa: S608
        run_code,
        owner,
        LEASE_SECONDS,
    )
    return Claim(await repository.get(run_code), owner) if changed else None


async def publish_due(limit: int) -> int:
    """Publish the generations whose time has come and that need more than a poll; return how many.

    A message that is lost on the way is published again after `TAKEN_UP_WITHIN`.
    """
    task, _, trace_id = outbox.message("generations.advance", {})
    return await db.execute(
        f"""
        WITH due AS (
            SELECT id FROM botapp_genrequest
            WHERE status IN ('queued', 'processing') AND stage <> 'delivering'
                AND (stage <> 'submitted' OR deadline_at <= now()) AND next_action_at <= now() AND {_FREE}
            ORDER BY next_action_at LIMIT $1 FOR UPDATE SKIP LOCKED
        ), taken AS (
            UPDATE botapp_genrequest AS generation SET next_action_at = now() + $2
            FROM due WHERE generation.id = due.id RETURNING generation.run_code
        )
        INSERT INTO botapp_outbox (task, arguments, trace_id)
        SELECT $3, jsonb_build_object('run_code', run_code), $4 FROM taken
        """,  # noqa: S608
        limit,
        TAKEN_UP_WITHIN,
        task,
        trace_id,
    )


@asynccontextmanager
async def held(claim: Claim) -> AsyncIterator[None]:
    """Renew the lease while the block runs. A block that ends in an exception gives the row back for another look."""
    renewal = asyncio.create_task(_renew(claim))
    try:
        yield
    except LeaseLost:
        log.warning("generation.lease_lost", run_code=claim.generation.run_code)
    except Exception:
        await _give_back(claim)
        raise
    finally:
        renewal.cancel()


async def _give_back(claim: Claim) -> None:
    try:
        await claim.release(due=AFTER_A_CRASH)
    except LeaseLost:
        return
    except db.UNAVAILABLE as error:
        log.warning("generation.lease_runs_out", run_code=claim.generation.run_code, error=type(error).__name__)


async def _renew(claim: Claim) -> None:
    while True:
        await asyncio.sleep(RENEWED_EVERY)
        try:
            await claim.change(lease_until=datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS))
        except LeaseLost:
            return
        except db.UNAVAILABLE as error:
            log.warning("generation.lease_not_renewed", error=type(error).__name__)
