"""What workers do about payments."""

from __future__ import annotations

from datetime import UTC, datetime

from core.payments import checks, reconciliation, refunds
from core.queue import task


@task("payments.check")
async def check() -> None:
    """Ask gateways about orders and refunds that are due."""
    await checks.check_due()


@task("payments.refund")
async def refund(code: str) -> None:
    """Have the money of a refunded payment returned."""
    await refunds.carry_out(code)


@task("payments.reconcile")
async def reconcile() -> None:
    """Compare the last days with every gateway's own list."""
    await reconciliation.reconcile_all(datetime.now(UTC) - reconciliation.LOOKED_BACK)
