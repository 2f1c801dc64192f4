"""What workers do about payments."""

from __future__ import annotations

from core.payments import checks, refunds
from core.queue import task


@task("payments.check")
async def check() -> None:
    """Ask gateways about orders and refunds that are due."""
    await checks.check_due()


@task("payments.refund")
async def refund(code: str) -> None:
    """Have the money of a refunded payment returned."""
    await refunds.carry_out(code)
