"""A third gateway: one file is enough. The corner shop sells tokens for dollars and signs what it tells.

It is here to prove the interface: nothing else in the product knows it, and with `gateways.use` it has prices,
invoices, refunds, a webhook, a page and a place in the reconciliation.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import httpx
from pydantic import BaseModel, ValidationError

from core.payments.gateways.base import (
    GatewayRefused,
    GatewayUnavailable,
    Invoice,
    MalformedNotice,
    Notice,
    Outcome,
    Receipt,
)
from core.payments.packages import Package
from core.payments.states import Payment

NAME: Final = "corner"
PAGE: Final = 50


class Bill(BaseModel):
    """What the shop says of a bill."""

    number: str
    order: str
    state: Outcome
    sum: Decimal
    currency: str
    at: datetime

    def receipt(self) -> Receipt:
        return Receipt(NAME, self.number, self.state, self.sum, self.currency, self.order, at=self.at)


class CornerGateway:
    """Talks to the corner shop."""

    name = NAME
    title = "Corner shop"
    needs_email = False

    def __init__(self, key: str, client: httpx.AsyncClient) -> None:
        self._key = key.encode()
        self._client = client
        self._client.headers["Authorization"] = f"Bearer {key}"

    def price(self, package: Package) -> tuple[Decimal, str] | None:
        return package.price_usd, "USD"

    async def create_invoice(self, payment: Payment) -> Invoice:
        # The shop knows an order by our code: asked again, it answers with the same bill.
        wanted = {"order": payment.code, "sum": str(payment.amount), "currency": payment.currency}
        bill = await self._ask("PUT", f"/bills/{payment.code}", json=wanted)
        return Invoice(bill["url"], bill["number"])

    async def look_up(self, payment: Payment) -> Receipt | None:
        found = await self._ask("GET", f"/bills/{payment.code}", missing=None)
        return Bill.model_validate(found).receipt() if found else None

    async def refund(self, payment: Payment) -> None:
        await self._ask("POST", f"/bills/{payment.code}/refund")

    async def receipts(self, since: datetime) -> AsyncIterator[Receipt]:
        start = 0
        while True:
            page = await self._ask("GET", "/bills", params={"since": since.isoformat(), "start": start, "limit": PAGE})
            for bill in page["bills"]:
                yield Bill.model_validate(bill).receipt()
            start += PAGE
            if start >= page["total"]:
                return

    def is_authentic(self, headers: Mapping[str, str], body: bytes) -> bool:
        expected = hmac.new(self._key, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(headers.get("X-Signature", "").encode(errors="replace"), expected.encode())

    def read_notice(self, body: bytes) -> Notice:
        try:
            bill = Bill.model_validate_json(body)
        except ValidationError:
            raise MalformedNotice("Not a bill") from None
        return Notice(f"{bill.state}:{bill.number}", bill.number, bill.receipt(), bill.model_dump_json().encode())

    async def confirm(self, claim: Receipt) -> Receipt | None:
        found = await self._ask("GET", f"/bills/{claim.order_code}", missing=None)
        return Bill.model_validate(found).receipt() if found else None

    async def cancel_subscription(self, payment: Payment) -> Receipt:
        raise GatewayRefused(f"the corner shop sells no subscriptions, so not {payment.code} either")

    async def _ask(self, method: str, path: str, *, missing: object = GatewayRefused, **content: Any) -> Any:
        try:
            response = await self._client.request(method, path, **content)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise GatewayUnavailable(f"corner shop: {type(error).__name__}") from None
        if response.is_success:
            return answer
        if response.status_code == 404 and missing is None:
            return None
        refused = response.is_client_error and response.status_code != 429
        raise (GatewayRefused if refused else GatewayUnavailable)(f"corner shop: {answer.get('error')}")

    async def close(self) -> None:
        await self._client.aclose()
