"""Two gateways for random walks: one that gives its id with the payment, one that gives it with the invoice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextvars import ContextVar
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.payments.gateways.base import GatewayUnavailable, Invoice, Outcome, Receipt
from core.payments.states import Payment

is_away: ContextVar[bool] = ContextVar("is_away", default=False)
"""The gateway cannot be reached by the task that sets this."""


class WalkTill:
    """A gateway without memory: an invoice's id is the one that its order asks for in `details`."""

    def __init__(self, name: str, *, gives_ids: bool) -> None:
        self.name = name
        self._gives_ids = gives_ids

    def price(self, package: Any) -> tuple[Decimal, str] | None:
        return package.price_usd, "USD"

    async def create_invoice(self, payment: Payment) -> Invoice:
        return Invoice(f"https://till.test/{payment.code}", payment.details["invoice"] if self._gives_ids else None)

    async def look_up(self, payment: Payment) -> Receipt | None:
        return None

    async def refund(self, payment: Payment) -> None:
        if is_away.get():
            raise GatewayUnavailable("502")

    async def cancel_subscription(self, payment: Payment) -> Receipt:
        assert payment.external_id is not None
        return Receipt(self.name, payment.external_id, Outcome.CANCELLED)

    async def receipts(self, since: datetime) -> AsyncIterator[Receipt]:
        nothing: tuple[Receipt, ...] = ()
        for receipt in nothing:
            yield receipt

    async def close(self) -> None:
        pass
