"""Turns numbers that hypothesis draws into wishes that make sense now: about orders, charges and codes that exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from tests.core.money import actions
from tests.core.money.actions import Action
from tests.core.money.model import Model
from tests.core.money.paying import News
from tests.core.money.world import BANK, PEOPLE, TILL

T = TypeVar("T")

PACKAGES = (
    ("tokens-100", Decimal(100), Decimal(5), False),
    ("tokens-200", Decimal(200), Decimal(10), True),
    ("tokens-500", Decimal(500), Decimal(25), False),
)
CODES = ("FIXED", "TWICE", "SHARE")
UNKNOWN = "nobody's"


@dataclass(frozen=True)
class Draft:
    """A kind of wish and three numbers that say which."""

    kind: str
    a: int
    b: int
    c: int

    def action(self, model: Model, price: Decimal) -> Action:
        """Return the wish."""
        return KINDS[self.kind](self, model, price)


def _pick(options: Sequence[T], number: int) -> T:
    return options[number % len(options)]


def _amount(number: int) -> Decimal:
    return Decimal(1 + number * 7 % 6000) / 100


def _charge_key(model: Model, number: int) -> str:
    return _pick([*sorted(model.charges), UNKNOWN], number)


def _order_key(model: Model, number: int) -> str:
    known = [key for key in model.orders if not key.startswith(("held:", "renewal:"))]
    return _pick([*known, UNKNOWN], number)


def _adjust(draft: Draft, model: Model, price: Decimal) -> Action:
    amount = _amount(draft.c) * (-1 if draft.b % 3 == 0 else 1)
    return actions.Adjust(f"adjust-{draft.b % 40}", draft.a % PEOPLE, amount)


def _charge(draft: Draft, model: Model, price: Decimal) -> Action:
    return actions.Charge(f"charge-{draft.b % 40}", draft.a % PEOPLE, _amount(draft.c))


def _refund_charge(draft: Draft, model: Model, price: Decimal) -> Action:
    amount = _amount(draft.c) if draft.c % 2 else None
    key = _charge_key(model, draft.a)
    # Work that was ordered gives its charge back by its own end.
    return actions.RefundCharge(f"refund-{draft.b % 40}", UNKNOWN if key.startswith("picture") else key, amount)


def _settle(draft: Draft, model: Model, price: Decimal) -> Action:
    key = _charge_key(model, draft.a)
    return actions.Settle(UNKNOWN if key.startswith("picture") else key)


def _generate(draft: Draft, model: Model, price: Decimal) -> Action:
    return actions.Generate(f"picture-{draft.b % 12}", draft.a % PEOPLE, price)


def _cancel(draft: Draft, model: Model, price: Decimal) -> Action:
    key = _pick([*sorted(model.generations), UNKNOWN], draft.b)
    owner = model.charges[key].person if key in model.charges else 0
    return actions.Cancel(key, (owner + (draft.a % 8 == 7)) % PEOPLE)


def _place(draft: Draft, model: Model, price: Decimal) -> Action:
    code, tokens, amount, is_recurring = _pick(PACKAGES, draft.c)
    gateway = _pick((TILL, BANK), draft.a // PEOPLE)
    return actions.Place(f"order-{draft.b % 12}", draft.a % PEOPLE, gateway, code, tokens, amount, is_recurring)


def _invoice(draft: Draft, model: Model, price: Decimal) -> Action:
    key = _order_key(model, draft.a)
    has_id = key in model.orders and model.orders[key].gateway == BANK
    return actions.Invoice(key, f"invoice-of-{key}" if has_id else None)


def _hear(draft: Draft, model: Model, price: Decimal) -> Action:
    """News of an order: mostly true, sometimes of another amount, currency, person, id or order."""
    key = _order_key(model, draft.a)
    order = model.orders.get(key)
    gateway = order.gateway if order else _pick((TILL, BANK), draft.b)
    outcome = _pick(("paid", "paid", "paid", "failed", "refunded"), draft.b)
    external = f"invoice-of-{key}" if gateway == BANK else f"charge-for-{key}"
    amount, currency, payer = (order.amount, "USD", order.person) if order else (Decimal(5), "USD", None)
    named: str | None = key
    flaw, is_renewal = draft.c % 16, False
    if flaw == 8:
        amount -= Decimal("0.01")
    elif flaw == 9:
        currency = "RUB"
    elif flaw == 10:
        payer = (draft.a + 1) % PEOPLE if payer is None else (payer + 1) % PEOPLE
    elif flaw == 11:
        payer = None
    elif flaw == 12 and outcome == "paid":
        external = f"another-{draft.a % 4}"
    elif flaw in {13, 14} and outcome == "paid":
        external, is_renewal = f"month-{draft.a % 3}-of-{key}", True
    elif flaw == 15:
        named = None
    return actions.Hear(News(gateway, external, outcome, amount, currency, named, payer, is_renewal))


def _refund(draft: Draft, model: Model, price: Decimal) -> Action:
    return actions.Refund(_order_key(model, draft.a), write_off=draft.b % 2 == 1, outside=draft.c % 4 == 3)


def _carry_out(draft: Draft, model: Model, price: Decimal) -> Action:
    return actions.CarryOut(_order_key(model, draft.a), works=draft.b % 3 != 2)


def _redeem(draft: Draft, model: Model, price: Decimal) -> Action:
    return actions.Redeem(_pick(CODES, draft.b), draft.a % PEOPLE)


def _invite(draft: Draft, model: Model, price: Decimal) -> Action:
    return actions.Invite(draft.a % PEOPLE, draft.b % PEOPLE)


def _come(draft: Draft, model: Model, price: Decimal) -> Action:
    return actions.Come(draft.a % PEOPLE, draft.b % 9)


def _welcome(draft: Draft, model: Model, price: Decimal) -> Action:
    return actions.Welcome(draft.a % PEOPLE)


KINDS: dict[str, Callable[[Draft, Model, Decimal], Action]] = {
    "adjust": _adjust,
    "charge": _charge,
    "refund_charge": _refund_charge,
    "settle": _settle,
    "generate": _generate,
    "cancel": _cancel,
    "place": _place,
    "invoice": _invoice,
    "hear": _hear,
    "refund": _refund,
    "carry_out": _carry_out,
    "redeem": _redeem,
    "invite": _invite,
    "come": _come,
    "welcome": _welcome,
}
OFTEN = [*KINDS, "hear", "hear", "hear", "place", "charge", "refund"]
"""Kinds as often as they are drawn."""
