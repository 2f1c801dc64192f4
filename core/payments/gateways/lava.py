"""Lava.top: invoices in dollars over API v3, its webhook, its list of sales, the end of a subscription.

Facts: developers.lava.top and gate.lava.top/docs. Lava has no order id and no idempotency key of ours: our code travels
in `clientUtm.utm_content`, and an invoice is looked for by it before one is made. It has no refunds over its API.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from core.logs import get_logger
from core.payments.gateways.base import (
    GatewayRefused,
    GatewayUnavailable,
    Invoice,
    MalformedNotice,
    Notice,
    Outcome,
    Receipt,
    RefundIsManual,
)
from core.payments.gateways.lava_wire import NAME, OUTCOMES, LavaEvent, LavaInvoice, Page, PaymentParams
from core.payments.packages import Package
from core.payments.states import Payment

log = get_logger(__name__)

CURRENCY: Final = "USD"
UTM_SOURCE: Final = "telegram_bot"
TIMEOUT: Final = httpx.Timeout(8.0, connect=3.0)
PAGE: Final = 100
CLOCKS_DIFFER: Final = timedelta(hours=1)

_EMAIL: Final = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+")

Parsed = TypeVar("Parsed", bound=BaseModel)


class LavaGateway:
    """Talks to gate.lava.top, or whatever speaks its API."""

    name = NAME
    title = "Lava.top"
    needs_email = True

    def __init__(
        self,
        api_key: str,
        webhook_secret: str,
        *,
        base_url: str,
        pages_url: str,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._key = api_key
        self._secret = webhook_secret.encode()
        self._pages = f"{pages_url.rstrip('/')}/pay"
        self._takes_http = base_url.startswith("http://")
        self._client = client or httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT)
        self._client.headers["X-Api-Key"] = api_key

    def price(self, package: Package) -> tuple[Decimal, str] | None:
        """Dollars of a package; None when it has no offer at Lava."""
        return (package.price_usd, CURRENCY) if package.offers.get(NAME) else None

    async def create_invoice(self, payment: Payment) -> Invoice:
        """See `Gateway`. An invoice whose answer was lost is found again, and the address of its page with it."""
        if not payment.details.get("email"):
            raise GatewayRefused("Lava.top makes no invoice without the payer's e-mail")
        if not payment.details.get("offer"):
            raise GatewayRefused(f"the order of {payment.package} names no offer of Lava.top")
        made = await self._made_before(payment)
        if made is not None:
            log.info("lava.invoice_found_again", code=payment.code, contract=made.id)
            # Deprecated, and the only call that tells the address of the page again.
            answer = await self._call("GET", "/api/v1/invoice", PaymentParams, params={"id": made.id})
        else:
            answer = await self._call("POST", "/api/v3/invoice", PaymentParams, json=self._wanted(payment))
        return self._invoice(answer, payment)

    async def _made_before(self, payment: Payment) -> LavaInvoice | None:
        """Look for an invoice whose answer may have been lost. The first time that Lava is asked there is none."""
        if payment.details.get("asks") == 1:
            return None
        made = await self._of_order(payment)
        return next((invoice for invoice in made if invoice.outcome is not Outcome.FAILED), None)

    def _wanted(self, payment: Payment) -> dict[str, Any]:
        """`CreateInvoiceV3`. The offer knows its price, so no amount is sent; the answer's is compared."""
        page = f"{self._pages}/{payment.code}"
        return {
            "email": payment.details["email"],
            "offerId": payment.details["offer"],
            "currency": payment.currency,
            "periodicity": "MONTHLY" if payment.is_recurring else "ONE_TIME",
            "buyerLanguage": payment.language.upper(),
            "clientUtm": {"utm_source": UTM_SOURCE, "utm_content": payment.code},
            "successful_return_url": f"{page}/success",
            "failure_return_url": f"{page}/failed",
            "cancel_return_url": f"{page}/cancelled",
        }

    def _invoice(self, answer: PaymentParams, payment: Payment) -> Invoice:
        total = answer.amountTotal
        if (total.amount, total.currency) != (payment.amount, payment.currency):
            raise GatewayRefused(
                f"the offer of {payment.package} costs {total.amount} {total.currency} at Lava.top, the order "
                f"{payment.amount} {payment.currency}"
            )
        url = urlsplit(answer.paymentUrl or "")
        if not url.hostname or url.scheme not in {"https", *(["http"] if self._takes_http else [])}:
            raise GatewayRefused(f"contract {answer.id} has no page to pay at")
        return Invoice(url=url.geturl(), external_id=answer.id)

    async def look_up(self, payment: Payment) -> Receipt | None:
        """See `Gateway`. Where the answer with the contract was lost, it is searched for."""
        if payment.external_id:
            invoice = await self._read(payment.external_id)
            return invoice.receipt_of() if invoice else None
        found = await self._of_order(payment)
        return found[0].receipt_of() if found else None

    async def _of_order(self, payment: Payment) -> list[LavaInvoice]:
        """Invoices that carry an order's code: paid ones first, failed ones last.

        Lava cannot search for the code, but for who pays, under every address that this order was asked for with.
        """
        found = []
        addresses = {*payment.details.get("asked_as", []), payment.details.get("email", "")} - {""}
        for email in sorted(addresses):
            filters: dict[str, str | list[str]] = {
                "buyerEmail": email,
                "beginDate": _moment(payment.created_at - CLOCKS_DIFFER),
                "invoiceStatuses": list(OUTCOMES),
            }
            found += [
                invoice
                for invoice in await self._list(filters)
                if invoice.order_code == payment.code and invoice.parent is None
            ]
        ranks = {Outcome.PAID: 0, Outcome.PENDING: 1, Outcome.FAILED: 2}
        return sorted(found, key=lambda invoice: ranks[invoice.outcome])

    async def refund(self, payment: Payment) -> None:
        """See `Gateway`: the API has no refunds."""
        raise RefundIsManual(f"Lava.top gives contract {payment.external_id} back in its cabinet only")

    async def receipts(self, since: datetime) -> AsyncIterator[Receipt]:
        """See `Gateway`. Sales only: Lava tells of no refunds."""
        # What is sold meanwhile pushes others to later pages: they are seen twice, and none is missed.
        window: dict[str, str | list[str]] = {"beginDate": _moment(since), "invoiceStatuses": ["COMPLETED"]}
        receipts = [invoice.receipt_of() for invoice in await self._list(window)]
        for receipt in sorted(receipts, key=lambda receipt: receipt.at or since):
            yield receipt

    async def _list(self, filters: Mapping[str, str | list[str]]) -> list[LavaInvoice]:
        """All invoices of a list, page by page.

        Raises:
            GatewayUnavailable: pages are missing.
        """
        found: dict[str, LavaInvoice] = {}
        number = 1
        while True:
            query = {**filters, "invoiceTypes": ["ONE_TIME", "RECURRING"], "page": number, "size": PAGE}
            page = await self._call("GET", "/api/v1/invoices", Page, params=query)
            before = len(found)
            found.update((invoice.id, invoice) for invoice in page.items)
            if len(found) >= (page.total or 0) and (page.total is not None or len(page.items) < PAGE):
                return list(found.values())
            if len(found) == before:
                raise GatewayUnavailable(f"the list has {page.total} invoices and shows {len(found)}")
            number += 1

    async def cancel_subscription(self, payment: Payment) -> Receipt:
        """See `WebGateway`."""
        if not payment.external_id:
            raise GatewayRefused(f"order {payment.code} has no contract at Lava.top")
        query = {"contractId": payment.external_id, "email": str(payment.details.get("email", ""))}
        try:
            await self._send("DELETE", "/api/v1/subscriptions", params=query)
        except GatewayRefused:
            ended = await self._cancellation(payment.external_id)
            if ended is None:
                raise
            return ended
        ended = await self._cancellation(payment.external_id)
        return ended or Receipt(NAME, payment.external_id, Outcome.CANCELLED, is_recurring=True)

    async def _cancellation(self, contract: str) -> Receipt | None:
        invoice = await self._read(contract)
        return invoice.cancellation() if invoice else None

    def is_authentic(self, headers: Mapping[str, str], body: bytes) -> bool:
        """See `WebGateway`. The cabinet offers a key in X-Api-Key or Basic; the setting holds the one or the other."""
        del body
        key = headers.get("X-Api-Key", "").encode(errors="replace")
        kind, _, encoded = headers.get("Authorization", "").partition(" ")
        login = b""
        if kind.lower() == "basic":
            try:
                login = base64.b64decode(encoded.strip().encode(errors="replace"), validate=True)
            except binascii.Error:
                login = b""
        is_key = hmac.compare_digest(key, self._secret)
        is_login = hmac.compare_digest(login, self._secret)
        return is_key or is_login

    def read_notice(self, body: bytes) -> Notice:
        """See `WebGateway`. Lava's events have no id: type, contract and parent are one."""
        try:
            event = LavaEvent.model_validate_json(body).without_what_cannot_be_kept()
        except ValidationError as error:
            places = sorted({".".join(map(str, problem["loc"]))[:40] for problem in error.errors()}) or ["body"]
            raise MalformedNotice(f"Not an event of Lava.top: {', '.join(places)[:200] or 'not JSON'}") from None
        if event.eventType != "subscription.cancelled" and (event.amount is None or event.currency is None):
            raise MalformedNotice("Not an event of Lava.top: amount or currency is missing")
        return Notice(
            key=f"{event.eventType}:{event.contractId}:{event.parentContractId or ''}",
            subject=event.parentContractId or event.contractId,
            claim=event.claim(),
            payload=event.model_dump_json(exclude_none=True).encode(),
        )

    async def confirm(self, claim: Receipt) -> Receipt | None:
        """See `WebGateway`."""
        invoice = await self._read(claim.external_id)
        if invoice is None:
            return None
        if claim.outcome is Outcome.CANCELLED:
            return invoice.cancellation() or Receipt(
                NAME, invoice.parent or invoice.id, Outcome.PENDING, is_recurring=True
            )
        return invoice.receipt_of()

    async def _read(self, contract: str) -> LavaInvoice | None:
        response = await self._send("GET", f"/api/v2/invoices/{contract}", is_unknown=(400, 404))
        return None if response is None else _parse(LavaInvoice, response)

    async def _call(self, method: str, path: str, answer: type[Parsed], **content: Any) -> Parsed:  # noqa: ANN401
        response = await self._send(method, path, **content)
        assert response is not None, "nothing is said to be unknown"
        return _parse(answer, response)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        is_unknown: Iterable[int] = (),
        **content: Any,  # noqa: ANN401  httpx's own.
    ) -> httpx.Response | None:
        """Ask Lava; None where its status is one of `is_unknown`.

        Raises:
            GatewayUnavailable: no answer, 429, 5xx, or an answer of something between us.
            GatewayRefused: 4xx.
        """
        try:
            response = await self._client.request(method, path, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise GatewayUnavailable(f"Lava.top, {method} {path}: {type(error).__name__}") from None
        if response.is_success:
            return response
        if response.status_code in is_unknown:
            return None
        problem = f"Lava.top, {method} {path}: {response.status_code} {self._words_of(response)}".rstrip()
        if response.is_client_error and response.status_code not in {408, 429}:
            raise GatewayRefused(problem)
        raise GatewayUnavailable(problem)

    def _words_of(self, response: httpx.Response) -> str:
        """What an error answer says, without our key and anybody's e-mail."""
        try:
            words = json.loads(response.content)["error"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""
        return _EMAIL.sub("[e-mail]", str(words).replace(self._key, "[redacted]"))[:200]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _parse(form: type[Parsed], response: httpx.Response) -> Parsed:
    try:
        return form.model_validate_json(response.content)
    except ValidationError as error:
        raise GatewayUnavailable(f"Lava.top answered in another form: {error.error_count()} problems") from None


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
