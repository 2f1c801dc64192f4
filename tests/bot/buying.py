"""People who buy tokens in tests: the updates that Telegram sends when somebody pays, honest or forged."""

from __future__ import annotations

import itertools
import time
from typing import Any

from bot.cashier import stars
from core import db
from core.payments import Payment, repository
from core.payments.states import COLUMNS, SOURCE, from_row
from tests.bot.people import Person
from tests.bot.telegram import buttons

_charges = itertools.count(1)


async def order(person: Person, label: str = "100 ⚡") -> Payment:
    """Press a package of the list and return the order that it made."""
    await person.send("/topup")
    await person.press(label)
    return (await orders(person))[-1]


async def orders(person: Person) -> list[Payment]:
    """Everything that a person ordered or paid, oldest first."""
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM {SOURCE} WHERE person.chat_id = $1 ORDER BY payment.id",
        person.id,
    )
    return [from_row(row) for row in rows]


async def now(payment: Payment) -> Payment:
    """The payment as it stands now."""
    return await repository.by_id(payment.id)


def question(person: Person, payment: Payment, **changes: Any) -> dict[str, Any]:
    """A pre-checkout query about an order."""
    return {
        "id": f"query{next(_charges)}",
        "from": person.profile,
        "currency": "XTR",
        "total_amount": int(payment.amount),
        "invoice_payload": stars().payload(payment),
        **changes,
    }


def paid(person: Person, payment: Payment, charge: str = "", **changes: Any) -> dict[str, Any]:
    """A message that says that an order was paid."""
    content = {
        "currency": "XTR",
        "total_amount": int(payment.amount),
        "invoice_payload": stars().payload(payment),
        "telegram_payment_charge_id": charge or f"stx{next(_charges)}",
        "provider_payment_charge_id": "",
        **changes,
    }
    return person.message(successful_payment=content)


def refunded(person: Person, message: dict[str, Any]) -> dict[str, Any]:
    """The service message that takes a payment back."""
    kept = {"currency", "total_amount", "invoice_payload", "telegram_payment_charge_id"}
    content = {name: value for name, value in message["successful_payment"].items() if name in kept}
    return person.message(refunded_payment=content)


async def ask(person: Person, query: dict[str, Any]) -> tuple[bool, str]:
    """Have the bot asked, and return what it answered and how it put a no."""
    await person.update(pre_checkout_query=query)
    answer = person.telegram.named("answerPreCheckoutQuery")[-1]
    assert answer.pre_checkout_query_id == query["id"]
    return answer.ok, answer.error_message or ""


async def buy(person: Person, label: str = "100 ⚡") -> Payment:
    """Order and pay a package, and have the worker tell about it."""
    placed = await order(person, label)
    await person.update(message=paid(person, placed))
    await person.world.work()
    return await now(placed)


def labels(message: dict[str, Any]) -> list[str]:
    """What the buttons of a message say, with ordinary spaces."""
    return [label.replace("\u00a0", " ") for label in buttons(message)]


def moment() -> int:
    """Now, as Telegram writes it."""
    return int(time.time())
