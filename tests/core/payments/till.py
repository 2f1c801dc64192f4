"""A gateway of the tests: a till that does what it is told, remembers what it was asked, and breaks on demand."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.payments.gateways.base import GatewayError, Invoice, Outcome, Receipt
from core.payments.packages import Package
from core.payments.states import Payment

_numbers = itertools.count(1)


class Till:
    """Sells every package for dollars. With `gives_ids` an invoice has its external id before it is paid."""

    def __init__(self, name: str = "till", *, gives_ids: bool = False) -> None:
        self.name = name
        self.gives_ids = gives_ids
        self.invoiced: list[Payment] = []
        self.refunded: list[Payment] = []
        self.looked_up: list[str] = []
        self.cancelled: list[str] = []
        self.faults: deque[GatewayError] = deque()
        self.next_ids: deque[str] = deque()
        self.answers: dict[str, Receipt] = {}
        self.listed: list[Receipt] = []
        self.is_closed = False

    def price(self, package: Any) -> tuple[Decimal, str] | None:
        assert isinstance(package, Package)
        return None if package.code.endswith("-not-here") else (package.price_usd, "USD")

    async def create_invoice(self, payment: Payment) -> Invoice:
        self._break()
        self.invoiced.append(payment)
        return Invoice(f"https://till.test/{payment.code}", self._new_id(), {"number": len(self.invoiced)})

    async def look_up(self, payment: Payment) -> Receipt | None:
        self.looked_up.append(payment.code)
        self._break()
        return self.answers.get(payment.code)

    async def refund(self, payment: Payment) -> None:
        self._break()
        self.refunded.append(payment)

    async def cancel_subscription(self, payment: Payment) -> Receipt:
        self._break()
        self.cancelled.append(payment.code)
        assert payment.external_id is not None
        return Receipt(self.name, payment.external_id, Outcome.CANCELLED)

    async def receipts(self, since: datetime) -> AsyncIterator[Receipt]:
        for receipt in self.listed:
            if receipt.at is None or receipt.at >= since:
                yield receipt

    async def close(self) -> None:
        self.is_closed = True

    def _new_id(self) -> str | None:
        if not self.gives_ids:
            return None
        return self.next_ids.popleft() if self.next_ids else f"contract-{next(_numbers)}"

    def _break(self) -> None:
        if self.faults:
            raise self.faults.popleft()
