"""Operations on payments: find them, give money back, look at quarantine, compare with gateways, try a purchase."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from sanic import Request

from core import audit, ledger, users
from core.audit import Change
from core.http.authentication import require
from core.http.openapi import ChangeBody
from core.http.ops import payments_schemas as schemas
from core.http.ops.api import api
from core.http.ops.cursors import cut, row_in
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.payments import Payment, PaymentNotFound, PaymentStatus, gateways, orders, reconciliation, refunds, repository
from core.payments import packages as shop
from core.payments.gateways.base import Gateway, GatewayError, GatewayUnavailable
from core.payments.listing import AmbiguousCode, Filter, named, page, story
from core.payments.orders import BuyerBlocked, Purchase
from core.payments.refunds import NotRefundable, TokensSpent
from core.types import IdempotencyKey
from core.users import User

LONGEST_PERIOD: Final = timedelta(days=90)


@api.operation(
    "GET", "/payments", query=schemas.PaymentQuery, answer=schemas.PaymentPage, problems=(400,), tag="payments"
)
async def list_payments(request: Request, query: schemas.PaymentQuery) -> schemas.PaymentPage:
    """All payments, the newest first: orders that nobody paid and money in quarantine too."""
    del request
    wanted = Filter(
        status=PaymentStatus(query.status) if query.status else None,
        chat_id=query.user,
        gateway=query.gateway,
        is_refund_requested=query.refund_requested,
    )
    rows = await page(wanted, limit=query.limit + 1, before=row_in(query.cursor))
    shown, following = cut(rows, query.limit, lambda payment: payment.id)
    items = [schemas.Payment(**schemas.Payment.values_of(payment)) for payment in shown]
    return schemas.PaymentPage(items=items, next_cursor=following)


@api.operation("GET", "/payments/{code}", answer=schemas.PaymentDetail, problems=(404, 409), tag="payments")
async def read_payment(request: Request, code: str) -> schemas.PaymentDetail:
    """One payment with its postings and what happened to it.

    `code` is the payment's, its first eight or more characters as users are shown them, or the gateway's own id.
    """
    del request
    payment = await _found(code)
    postings = await repository.postings_of(payment)
    given = [posting for posting in postings if posting.amount > 0 and posting.kind is not ledger.PostingKind.ADMIN]
    total = sum((posting.amount for posting in given), Decimal(0))
    first = await repository.by_id(payment.subscription_id) if payment.subscription_id else None
    return schemas.PaymentDetail(
        **schemas.Payment.values_of(payment),
        payment_url=payment.payment_url or None,
        promo_code=payment.promo_code,
        subscription=first.code if first else None,
        subscription_ends_at=payment.subscription_ends_at,
        next_check_at=payment.next_check_at,
        attempts=payment.attempts,
        given=total,
        spent=await _spent(payment, total),
        postings=[
            schemas.PaymentPosting(
                id=str(posting.id),
                at=posting.created_at,
                kind=posting.kind.value,
                amount=posting.amount,
                actor=posting.actor,
                reason=posting.reason,
            )
            for posting in postings
        ],
        events=[
            schemas.PaymentEvent(at=step.at, event=step.event, detail=step.detail) for step in await story(payment)
        ],
    )


async def _spent(payment: Payment, given: Decimal) -> Decimal:
    if payment.status is not PaymentStatus.PAID or payment.user_id is None:
        return Decimal(0)
    return max(given - await ledger.balance_of(payment.user_id), Decimal(0))


@api.operation(
    "POST",
    "/payments/{code}/refund",
    answer=schemas.Refunded,
    scope=Scope.OPERATE,
    body=schemas.RefundOrder,
    problems=(404,),
    tag="payments",
    action="payments.refund",
)
async def refund_payment(request: Request, code: str, body: schemas.RefundOrder, change: Change) -> schemas.Refunded:
    """Take the tokens back at once and have the money returned by a task that repeats until it is done.

    A payment that was refunded before stays as it is. Tokens that are spent make it a matter of `write_off`.
    """
    del request
    try:
        payment = await refunds.refund(
            code,
            actor=change.actor,
            reason=change.reason,
            write_off=body.write_off,
            is_done_outside=body.done_outside,
        )
    except PaymentNotFound as error:
        raise Problem(404, f"{error}.", code="unknown_payment") from None
    except TokensSpent as error:
        extra = {"rule": "refund_takes_all_tokens_back", "missing": f"{error.missing:.2f}"}
        raise Problem(409, f"{error}.", code=error.code, extra=extra) from None
    except NotRefundable as error:
        extra = {"rule": "only_money_that_came_goes_back", "status": error.payment.status.value}
        raise Problem(409, f"{error}.", code=error.code, extra=extra) from None
    postings = await repository.postings_of(payment)
    kinds = {kind: [one.amount for one in postings if one.kind is kind] for kind in ledger.PostingKind}
    return schemas.Refunded(
        code=payment.code,
        status=payment.status.value,
        taken=-sum(kinds[ledger.PostingKind.REVERSAL], Decimal(0)),
        written_off=sum(kinds[ledger.PostingKind.ADMIN], Decimal(0)),
    )


@api.operation(
    "POST",
    "/payments/{code}/dismiss",
    answer=schemas.Dismissed,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="payments",
    action="payments.dismiss",
)
async def dismiss_payment(request: Request, code: str, body: ChangeBody, change: Change) -> schemas.Dismissed:
    """Note that a payment in quarantine was looked at and needs nothing more. Its money stays where it is."""
    del request, body, change
    try:
        payment = await repository.lock((await repository.get(code)).id)
    except PaymentNotFound as error:
        raise Problem(404, f"{error}.", code="unknown_payment") from None
    if payment.status not in {PaymentStatus.QUARANTINED, PaymentStatus.DISMISSED}:
        detail = f"Payment {code} is {payment.status.value}; only what is in quarantine is dismissed."
        raise Problem(409, detail, code="not_in_quarantine", extra={"rule": "only_quarantine_is_dismissed"})
    if payment.status is PaymentStatus.QUARANTINED:
        await repository.move(payment, PaymentStatus.DISMISSED, problem=payment.problem)
    return schemas.Dismissed(code=code, status=PaymentStatus.DISMISSED.value)


@api.operation(
    "POST",
    "/payments/test",
    answer=schemas.Payment,
    scope=Scope.OPERATE,
    body=schemas.TestOrder,
    problems=(404,),
    tag="payments",
    action="payments.test",
)
async def order_test_payment(request: Request, body: schemas.TestOrder, change: Change) -> schemas.Payment:
    """Place an order that an operator pays to see that paying works."""
    buyer = await _tester(body.user or request.app.ctx.settings.alert_chat_id)
    gateway = _gateway(body.gateway)
    wish = Purchase(buyer, body.package or await _cheapest(gateway), gateway.name, IdempotencyKey(change.posting_key))
    try:
        payment = await orders.place(wish)
    except shop.UnknownPackage as error:
        raise Problem(404, f"{error}.", code="unknown_package") from None
    except BuyerBlocked:
        detail = f"User {buyer.chat_id} is blocked; nothing is sold to them."
        raise Problem(409, detail, code="user_blocked", extra={"rule": "blocked_users_buy_nothing"}) from None
    return schemas.Payment(**schemas.Payment.values_of(payment))


@api.operation(
    "POST", "/payments/{code}/invoice", answer=schemas.Invoice, scope=Scope.OPERATE, problems=(404, 409), tag="payments"
)
async def make_invoice(request: Request, code: str) -> schemas.Invoice:
    """Have the gateway make the invoice of an order that waits for its money, unless there is one."""
    del request
    try:
        payment = await orders.invoice(await _found(code))
    except GatewayUnavailable as error:
        raise Problem(503, f"There is no invoice now: {error}.") from None
    except (GatewayError, gateways.GatewayNotConfigured) as error:
        raise Problem(409, f"There is no invoice: {error}.", code="no_invoice") from None
    if not payment.payment_url:
        raise Problem(409, f"Payment {code} is {payment.status.value}.", code="no_invoice")
    return schemas.Invoice(code=payment.code, payment_url=payment.payment_url)


@api.operation(
    "POST",
    "/payments/reconcile",
    answer=schemas.Reconciliation,
    scope=Scope.OPERATE,
    body=schemas.ReconcileOrder,
    problems=(404,),
    tag="payments",
)
async def reconcile_payments(request: Request, body: schemas.ReconcileOrder) -> schemas.Reconciliation:
    """Compare gateways' own lists with ours and put right what we missed, as every night. Doing it twice is harmless.

    It is recorded in the audit when it ends; with `dry_run` it changes nothing and is not.
    """
    since = max(body.since.astimezone(UTC), datetime.now(UTC) - LONGEST_PERIOD)
    chosen = [_gateway(body.gateway)] if body.gateway else gateways.everything()
    results = [await _reconciled(gateway, since, rehearse=body.dry_run) for gateway in chosen]
    problems = [one for result in results for one in result.findings if one.kind not in reconciliation.REPAIRED]
    answer = schemas.Reconciliation(
        ok=not problems and not any(result.error for result in results),
        since=since,
        dry_run=body.dry_run,
        gateways=results,
    )
    if not body.dry_run:
        await _record(request, body, answer)
    return answer


async def _reconciled(gateway: Gateway, since: datetime, *, rehearse: bool) -> schemas.Reconciled:
    try:
        return schemas.Reconciled.of(await reconciliation.reconcile(gateway, since, rehearse=rehearse))
    except GatewayError as error:
        return schemas.Reconciled(gateway=gateway.name, looked_at=0, findings=[], error=str(error))


async def _record(request: Request, body: schemas.ReconcileOrder, answer: schemas.Reconciliation) -> None:
    token = await require(request, Scope.OPERATE)
    change = Change(
        actor=f"token:{token.name}",
        action="payments.reconcile",
        subject=body.gateway or "all",
        reason=body.reason,
        key=IdempotencyKey(f"reconcile:{uuid.uuid4().hex}"),
        request=body.model_dump(mode="json", exclude={"reason"}),
    )

    async def result() -> audit.Result:
        return answer.model_dump(mode="json")

    await audit.once(change, result)


async def _found(name: str) -> Payment:
    try:
        return await named(name)
    except PaymentNotFound as error:
        raise Problem(404, f"{error}.", code="unknown_payment") from None
    except AmbiguousCode as error:
        raise Problem(409, f"{error}; name more of it.", code="ambiguous_payment") from None


def _gateway(name: str) -> Gateway:
    try:
        return gateways.get(name)
    except gateways.GatewayNotConfigured as error:
        near = [gateway.name for gateway in gateways.everything()]
        raise Problem(404, f"{error}.", code="unknown_gateway", extra={"near": near}) from None


async def _tester(chat_id: int | None) -> User:
    if chat_id is None:
        raise Problem(422, "There is no chat of alerts: name the user who pays.", code="no_user")
    user = await users.get(chat_id)
    if user is None:
        raise Problem(404, f"User {chat_id} has never talked to the bot.", code="unknown_user")
    return user


async def _cheapest(gateway: Gateway) -> str:
    sold = [package for package in await shop.everything() if gateway.price(package) is not None]
    if not sold:
        raise Problem(404, f"Nothing is on sale over {gateway.name}.", code="unknown_package")
    return min(sold, key=lambda package: package.price_usd).code
