"""Buying tokens: what is on sale, and a person's own orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from sanic import Request

from core import bonuses
from core.http.app import paging, schemas
from core.http.app.api import api
from core.http.problems import RETRY_AFTER_SECONDS, Problem
from core.ops_tokens import Scope
from core.payments import Payment, gateways, orders, packages, repository
from core.payments.gateways import stars
from core.payments.states import PaymentStatus
from core.settings import Settings
from core.types import IdempotencyKey
from core.users import User

STATUSES: Final[Mapping[PaymentStatus, schemas.OrderStatus]] = {
    PaymentStatus.PENDING: "pending",
    PaymentStatus.FAILED: "failed",
    PaymentStatus.EXPIRED: "expired",
    PaymentStatus.PAID: "paid",
    PaymentStatus.REFUNDING: "refunding",
    PaymentStatus.REFUNDED: "refunded",
    PaymentStatus.QUARANTINED: "held",
    PaymentStatus.DISMISSED: "failed",
}
"""How far an order is, as the person who made it needs to know."""


@api.operation("GET", "/packages", answer=schemas.PackageList, tag="payments")
async def list_packages(request: Request, user: User) -> schemas.PackageList:
    """The packages on sale, with their prices over every gateway."""
    del request
    offered = [await _offered(package, user) for package in await packages.everything()]
    return schemas.PackageList(items=[package for package in offered if package.prices])


@api.operation(
    "POST",
    "/orders",
    body=schemas.OrderRequest,
    answer=schemas.Order,
    scope=Scope.OPERATE,
    action="orders.place",
    problems=(404, 502),
    tag="payments",
)
async def place_order(request: Request, user: User, body: schemas.OrderRequest, key: IdempotencyKey) -> schemas.Order:
    """Order a package and get the address where it is paid.

    The same key gives the same order. Where the gateway is away the answer is 503 and the order waits: ask again with
    the same key.
    """
    try:
        order = await orders.place(orders.Purchase(user, body.package, body.gateway, key))
    except packages.UnknownPackage as error:
        raise Problem(404, f"{error}.", code="unknown_package") from None
    except gateways.GatewayNotConfigured as error:
        raise Problem(404, f"{error}.", code="unknown_gateway") from None
    except orders.OrderKeyReused:
        detail = "The key belongs to another order. Use a new key for a new order."
        raise Problem(409, detail, code="idempotency_key_reused") from None
    return _order(await _with_invoice(order), request)


@api.operation("GET", "/orders", query=schemas.PageQuery, answer=schemas.OrderPage, problems=(400,), tag="payments")
async def list_orders(request: Request, user: User, query: schemas.PageQuery) -> schemas.OrderPage:
    """The person's orders, the newest first."""
    found = await repository.orders_of(user.id, limit=query.limit + 1, before=paging.before(query))
    items, next_cursor = paging.cut(found, query, id_of=lambda order: order.id)
    return schemas.OrderPage(items=[_order(order, request) for order in items], next_cursor=next_cursor)


@api.operation("GET", "/orders/{code}", answer=schemas.Order, problems=(404,), tag="payments")
async def read_order(request: Request, user: User, code: str) -> schemas.Order:
    """One of the person's orders. There are no others for them."""
    order = await repository.find(code)
    if order is None or order.user_id != user.id or order.package is None:
        raise Problem(404, f"There is no order {code[:64]!r}.", code="unknown_order")
    return _order(order, request)


async def _with_invoice(order: Payment) -> Payment:
    if gateways.of_page(order.gateway) is not None:
        # Its page asks for an address to send the receipt to, and has the invoice made then.
        return order
    try:
        return await orders.invoice(order)
    except gateways.GatewayUnavailable:
        detail = "The payment service cannot be reached. The order waits: try again with the same key."
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        raise Problem(503, detail, code="gateway_unavailable", headers=headers, extra={"order": order.code}) from None
    except gateways.GatewayError:
        detail = "The payment service made no invoice for this order. Choose another way to pay."
        raise Problem(502, detail, code="gateway_refused", extra={"order": order.code}) from None


async def _offered(package: packages.Package, user: User) -> schemas.Package:
    prices = [(gateway.name, gateway.price(package)) for gateway in gateways.everything()]
    return schemas.Package(
        code=package.code,
        title=package.title,
        tokens=package.tokens,
        bonus=(await bonuses.expected(user.id, package.tokens)).tokens,
        is_recurring=package.is_recurring,
        prices=[
            schemas.Price(gateway=name, amount=_amount(*price), currency=price[1])
            for name, price in prices
            if price is not None
        ],
    )


def _order(order: Payment, request: Request) -> schemas.Order:
    return schemas.Order(
        code=order.code,
        status=STATUSES[order.status],
        package=order.package or "",
        tokens=order.tokens,
        gateway=order.gateway,
        amount=_amount(order.amount, order.currency),
        currency=order.currency,
        payment_url=_address(order, request.app.ctx.settings),
        opens="invoice" if order.gateway == stars.NAME else "page",
        created_at=order.created_at,
        expires_at=order.expires_at,
        paid_at=order.paid_at,
        refunded_at=order.refunded_at,
    )


def _address(order: Payment, settings: Settings) -> str | None:
    if order.status is not PaymentStatus.PENDING:
        return None
    if gateways.of_page(order.gateway) is not None:
        return f"{settings.public_base_url}/pay/{order.code}"
    return order.payment_url or None


def _amount(amount: Decimal, currency: str) -> str:
    return f"{amount:.0f}" if currency == stars.CURRENCY else f"{amount:.2f}"
