"""The model of payments: what gateways may say in any order, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from tests.core.money.model import AWAITED, FIRST_MOST, FIRST_SHARE, INVITER_GETS, ZERO, Line, Model, Order, cents


@dataclass(frozen=True)
class News:
    """What a gateway says. `order` is the key of the order that it carries back, `payer` a person's number."""

    gateway: str
    external: str
    outcome: str
    amount: Decimal
    currency: str
    order: str | None
    payer: int | None
    is_renewal: bool = False


def place(model: Model, key: str, order: Order) -> str:
    """Write an order down, once for its key."""
    first = model.orders.get(key)
    if first is None:
        model.orders[key] = order
        return "done"
    is_same = (first.person, first.gateway, first.tokens) == (order.person, order.gateway, order.tokens)
    return "done" if is_same else "key reused"


def invoice(model: Model, key: str, external: str | None) -> str:
    """Give a pending order an address to pay at, and let go of money that was quicker."""
    order = model.orders.get(key)
    if order is None or order.is_invoiced or order.status != "pending":
        return "done"
    if order.external is None and external is not None:
        held = _known(model, order.gateway, external)
        if held is not None:
            if model.orders[held].status != "quarantined":
                return "refused"
            model.orders[held] = replace(model.orders[held], status="dismissed", external=None)
        order = replace(order, external=external)
    model.orders[key] = replace(order, is_invoiced=True)
    return "done"


def hear(model: Model, news: News) -> str:
    """Act upon what a gateway says."""
    known = _known(model, news.gateway, news.external)
    target = known
    if target is None and news.order in model.orders and model.orders[news.order].gateway == news.gateway:
        target = news.order
    if news.outcome == "paid":
        target = _paid(model, news, target, is_known=known is not None)
    elif news.outcome == "failed":
        _failed(model, news, target)
    else:
        target = _refunded(model, news, known)
    return "nothing" if target is None else "done"


def _known(model: Model, gateway: str, external: str) -> str | None:
    for key, order in model.orders.items():
        if order.gateway == gateway and order.external == external:
            return key
    return None


def _paid(model: Model, news: News, target: str | None, *, is_known: bool) -> str:
    if target is None:
        return _hold(model, news)
    order = model.orders[target]
    fits = news.amount == order.amount and news.currency == "USD" and (news.payer is None or news.payer == order.person)
    if order.status not in AWAITED:
        if not is_known and order.is_recurring and news.is_renewal and fits:
            return _renew(model, news, order)
        return target if is_known else _hold(model, news)
    if order.external not in {None, news.external}:
        return _hold(model, news)
    if fits:
        _credit(model, target, news.external)
        return target
    if is_known:
        model.orders[target] = replace(order, status="quarantined")
        return target
    return _hold(model, news)


def _hold(model: Model, news: News, status: str = "quarantined") -> str:
    key = f"held:{news.gateway}:{news.external}:{len(model.orders)}"
    model.orders[key] = Order(news.payer, news.gateway, ZERO, news.amount, status, news.external)
    return key


def _renew(model: Model, news: News, order: Order) -> str:
    key = f"renewal:{news.gateway}:{news.external}"
    model.orders[key] = Order(
        order.person, order.gateway, order.tokens, order.amount, external=news.external, is_recurring=True
    )
    _credit(model, key, news.external)
    return key


def _credit(model: Model, key: str, external: str) -> None:
    order = model.orders[key]
    assert order.person is not None
    person = model.people[order.person]
    given = [Line("deposit", order.tokens)]
    if not person.has_paid:
        given.append(Line("bonus", min(cents(order.tokens * FIRST_SHARE), FIRST_MOST)))
    promised = [code for code, promo in model.promos.items() if order.person in promo.waiting]
    if promised:
        promo = model.promos[promised[0]]
        assert promo.percent is not None
        bonus = min(cents(order.tokens * promo.percent / 100), promo.tokens)
        given.append(Line("bonus", bonus))
        waiting = tuple(one for one in promo.waiting if one != order.person)
        model.promos[promised[0]] = replace(promo, waiting=waiting, given=promo.given + bonus)
    model.people[order.person] = replace(person, has_paid=True, lines=(*person.lines, *given))
    model.orders[key] = replace(order, status="paid", external=external, given=tuple(given))
    if person.invited_by is not None and not person.is_rewarded:
        model.people[order.person] = replace(model.people[order.person], is_rewarded=True)
        model.post(person.invited_by, "referral", INVITER_GETS)


def _failed(model: Model, news: News, target: str | None) -> None:
    if target is None:
        return
    order = model.orders[target]
    if order.status in {"pending", "expired"} and order.external in {None, news.external}:
        model.orders[target] = replace(order, status="failed")


def _refunded(model: Model, news: News, known: str | None) -> str:
    if known is None:
        return _hold(model, news, "refunded")
    order = model.orders[known]
    if order.status == "paid":
        _take_back(model, known, "refunded")
    elif order.status in {*AWAITED, "refunding", "quarantined"}:
        model.orders[known] = replace(order, status="refunded")
    return known


def _take_back(model: Model, key: str, status: str) -> None:
    """Take what a payment gave; what is spent is written off first, so that nobody owes anything."""
    order = model.orders[key]
    assert order.person is not None
    missing = order.gave - model.people[order.person].balance
    if missing > 0:
        model.post(order.person, "admin", missing)
    for line in order.given:
        model.post(order.person, "reversal", -line.amount)
    model.orders[key] = replace(order, status=status)


def refund(model: Model, key: str, *, write_off: bool, outside: bool) -> str:
    """An operator gives a payment back."""
    order = model.orders.get(key)
    if order is None or order.status in AWAITED:
        return "not refundable"
    if order.status == "refunded" or (order.status == "refunding" and not outside):
        return order.status
    end = "refunded" if outside else "refunding"
    if order.status == "paid":
        assert order.person is not None
        if order.gave > model.people[order.person].balance and not write_off:
            return "spent"
        _take_back(model, key, end)
    else:
        model.orders[key] = replace(order, status=end)
    return end


def carry_out(model: Model, key: str, *, works: bool) -> str:
    """The gateway returns the money, or says that it cannot now."""
    order = model.orders.get(key)
    if order is not None and order.status == "refunding" and works:
        model.orders[key] = replace(order, status="refunded")
    return "done"
