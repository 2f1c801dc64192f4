"""Telegram Stars: invoices in XTR for stored orders, refunds, and Telegram's own list of transactions.

Facts: https://core.telegram.org/bots/payments-stars and the Bot API's createInvoiceLink, refundStarPayment,
getStarTransactions, SuccessfulPayment, RefundedPayment, BotSubscriptionUpdated. The invoice payload is our order's code
with a signature, so that nobody can pay for an order that was not made here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import httpx

from core.payments.gateways.base import GatewayRefused, GatewayUnavailable, Invoice, Outcome, Receipt
from core.payments.packages import Package
from core.payments.states import Payment

NAME: Final = "stars"
CURRENCY: Final = "XTR"
TIMEOUT: Final = 10.0
PAGE: Final = 100
SUBSCRIPTION_SECONDS: Final = 2_592_000
"""The only period that Telegram sells: 30 days."""

SUBSCRIPTION_OUTCOMES: Final = {"canceled": Outcome.CANCELLED, "active": Outcome.RESUMED}
"""By the state that Telegram names. `failed` is followed by nothing: no money came."""

ALREADY_REFUNDED: Final = "CHARGE_ALREADY_REFUNDED"


@dataclass(frozen=True, slots=True)
class InvoiceText:
    """What Telegram shows on an invoice: title up to 32 characters, description up to 255, label of the price."""

    title: str
    description: str
    label: str


TEXTS: Final[Mapping[str, InvoiceText]] = {
    "ru": InvoiceText(
        "{tokens} ⚡", "{tokens} токенов для картинок и видео. Начисляются сразу после оплаты.", "{tokens} ⚡"
    ),
    "en": InvoiceText(
        "{tokens} ⚡", "{tokens} tokens for pictures and videos. Added right after the payment.", "{tokens} ⚡"
    ),
}


class MalformedPayment(Exception):
    """Telegram told of a payment in another form than the documented one; nothing is guessed about money."""


class StarsGateway:
    """Talks to the Bot API. Any server that speaks it will do."""

    name = NAME

    def __init__(self, token: str, *, base_url: str, client: httpx.AsyncClient | None = None) -> None:
        self._key = hmac.new(token.encode(), b"nanobanana stars orders", hashlib.sha256).digest()
        self._client = client or httpx.AsyncClient(base_url=f"{base_url.rstrip('/')}/bot{token}/", timeout=TIMEOUT)

    def price(self, package: Package) -> tuple[Decimal, str] | None:
        """Stars of a package; None when it is not sold for Stars."""
        return (Decimal(package.stars), CURRENCY) if package.stars > 0 else None

    def payload(self, payment: Payment) -> str:
        """What an invoice carries: at most 128 bytes."""
        return f"{payment.code}.{self._signature(payment.code)}"

    def order_code(self, payload: str) -> str | None:
        """Our order's code out of an invoice payload; None when the signature is not ours."""
        code, _, signature = payload.partition(".")
        # Compared as bytes: a payload is anybody's text.
        is_ours = hmac.compare_digest(signature.encode(), self._signature(code).encode())
        return code if is_ours else None

    def _signature(self, code: str) -> str:
        digest = hmac.new(self._key, code.encode(), hashlib.sha256).digest()[:18]
        return base64.urlsafe_b64encode(digest).decode()

    def invoice_fields(self, payment: Payment) -> dict[str, Any]:
        """The parameters that sendInvoice and createInvoiceLink share."""
        text = TEXTS[payment.language]
        tokens = f"{payment.tokens.normalize():f}"
        return {
            "title": text.title.format(tokens=tokens),
            "description": text.description.format(tokens=tokens),
            "payload": self.payload(payment),
            "currency": CURRENCY,
            "prices": [{"label": text.label.format(tokens=tokens), "amount": int(payment.amount)}],
        }

    async def create_invoice(self, payment: Payment) -> Invoice:
        """See `Gateway`. The charge id comes with the payment."""
        fields = self.invoice_fields(payment)
        if payment.is_recurring:
            fields["subscription_period"] = SUBSCRIPTION_SECONDS
        return Invoice(url=str(await self._call("createInvoiceLink", fields)))

    async def look_up(self, payment: Payment) -> Receipt | None:
        """Telegram cannot be asked about one order: its events and the reconciliation tell."""
        del payment
        return None

    async def refund(self, payment: Payment) -> None:
        """See `Gateway`."""
        payer = payment.chat_id or payment.details.get("payer")
        try:
            await self._call("refundStarPayment", {"user_id": payer, "telegram_payment_charge_id": payment.external_id})
        except GatewayRefused as error:
            if ALREADY_REFUNDED not in str(error):
                raise

    def payment_receipt(self, message: Mapping[str, Any]) -> Receipt:
        """Read a message with `successful_payment`.

        Raises:
            MalformedPayment: it lacks what a payment has.
        """
        return self._told(message, "successful_payment", Outcome.PAID)

    def refund_receipt(self, message: Mapping[str, Any]) -> Receipt:
        """Read a service message with `refunded_payment`.

        Raises:
            MalformedPayment: it lacks what a refund has.
        """
        return self._told(message, "refunded_payment", Outcome.REFUNDED)

    def _told(self, message: Mapping[str, Any], kind: str, outcome: Outcome) -> Receipt:
        try:
            payment = message[kind]
            return Receipt(
                gateway=NAME,
                external_id=_text(payment["telegram_payment_charge_id"]),
                outcome=outcome,
                amount=Decimal(int(payment["total_amount"])),
                currency=_text(payment["currency"]),
                order_code=self.order_code(_text(payment["invoice_payload"])),
                # A private chat has the id of its person; the sender of a service message may be the bot itself.
                payer=int(message["chat"]["id"]),
                is_recurring=bool(payment.get("is_recurring") or payment.get("is_first_recurring")),
                at=datetime.fromtimestamp(int(message["date"]), UTC),
                raw=payment,
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise MalformedPayment(f"{kind}: {type(error).__name__}") from None

    def subscription_receipt(self, change: Mapping[str, Any]) -> Receipt | None:
        """Read a `subscription` update; None where it changes nothing for us.

        Raises:
            MalformedPayment: it lacks what such an update has.
        """
        try:
            code, payer, state = self.order_code(change["invoice_payload"]), int(change["user"]["id"]), change["state"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedPayment(f"subscription: {type(error).__name__}") from None
        outcome = SUBSCRIPTION_OUTCOMES.get(state)
        if outcome is None or code is None:
            return None
        return Receipt(NAME, f"subscription:{code}", outcome, order_code=code, payer=payer, raw=change)

    async def cancel_subscription(self, payment: Payment) -> Receipt:
        """See `Gateway`. Telegram knows a subscription by the charge of its first payment."""
        fields = {
            "user_id": payment.chat_id,
            "telegram_payment_charge_id": payment.external_id,
            "is_canceled": True,
        }
        await self._call("editUserStarSubscription", fields)
        return Receipt(NAME, str(payment.external_id), Outcome.CANCELLED, is_recurring=True)

    async def receipts(self, since: datetime) -> AsyncIterator[Receipt]:
        """See `Gateway`. Telegram lists from its first transaction on, so the first one that counts is searched for:
        what was read in former nights is not read again.
        """
        offset = await self._first_since(since)
        while True:
            transactions = await self._transactions(offset, PAGE)
            for transaction in transactions:
                receipt = self._receipt(transaction)
                if receipt is not None and (receipt.at is None or receipt.at >= since):
                    yield receipt
            if len(transactions) < PAGE:
                return
            offset += PAGE

    async def _first_since(self, since: datetime) -> int:
        """Return how many transactions are older: steps that double, then halves, each a question about one row."""
        before, step = 0, PAGE
        while await self._is_before(before + step - 1, since):
            before, step = before + step, step * 2
        after = before + step - 1
        while before < after:
            middle = (before + after) // 2
            if await self._is_before(middle, since):
                before = middle + 1
            else:
                after = middle
        return before

    async def _is_before(self, position: int, since: datetime) -> bool:
        """Say whether there is a transaction at this position, and it is older."""
        found = await self._transactions(position, 1)
        return bool(found) and datetime.fromtimestamp(found[0]["date"], UTC) < since

    async def _transactions(self, offset: int, limit: int) -> list[Mapping[str, Any]]:
        answer = await self._call("getStarTransactions", {"offset": offset, "limit": limit})
        return list(answer["transactions"])

    def _receipt(self, transaction: Mapping[str, Any]) -> Receipt | None:
        partner = transaction.get("source") or transaction.get("receiver") or {}
        if partner.get("type") != "user" or partner.get("transaction_type", "invoice_payment") != "invoice_payment":
            return None
        return Receipt(
            gateway=NAME,
            external_id=str(transaction["id"]),
            outcome=Outcome.PAID if transaction.get("source") else Outcome.REFUNDED,
            amount=Decimal(transaction["amount"]),
            currency=CURRENCY,
            order_code=self.order_code(partner.get("invoice_payload") or ""),
            payer=partner["user"]["id"],
            is_recurring=bool(partner.get("subscription_period")),
            at=datetime.fromtimestamp(transaction["date"], UTC),
            raw=transaction,
        )

    async def _call(self, method: str, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401  Methods answer what they like.
        try:
            response = await self._client.post(method, json=dict(fields))
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            # Without the exception's own text, which holds the address and with it the token.
            raise GatewayUnavailable(f"{method}: {type(error).__name__}") from None
        if answer.get("ok"):
            return answer["result"]
        description = f"{method}: {answer.get('error_code')} {answer.get('description')}"
        if answer.get("error_code") == 429 or int(answer.get("error_code") or 500) >= 500:
            raise GatewayUnavailable(description)
        raise GatewayRefused(description)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a text")
    return value
