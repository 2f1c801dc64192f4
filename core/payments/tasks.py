"""What workers do about payments."""

from __future__ import annotations

from datetime import UTC, datetime

from core.payments import checks, reconciliation, refunds, subscriptions
from core.queue import task


@task("payments.check")
async def check() -> None:
    """Ask gateways about orders and refunds that are due."""
    await checks.check_due()


@task("payments.refund")
async def refund(code: str) -> None:
    """Have the money of a refunded payment returned."""
    await refunds.carry_out(code)


@task("payments.end_subscription")
async def end_subscription(code: str) -> None:
    """Have nothing more paid for the subscription of a refunded payment."""
    await subscriptions.end_refunded(code)


@task("payments.reconcile")
async def reconcile() -> None:
    """Compare the last days with every gateway's own list."""
    await reconciliation.reconcile_all(datetime.now(UTC) - reconciliation.LOOKED_BACK)
