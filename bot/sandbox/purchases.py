"""What people do with play Stars: pay an invoice, renew a subscription, cancel it."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from bot.sandbox import limits
from bot.sandbox.documents import JsonObject
from bot.sandbox.methods.queries import open_query
from bot.sandbox.people import must_be_present
from bot.sandbox.refusals import DriverError
from bot.sandbox.state import Person
from bot.sandbox.world import World

STATES: Final = ("canceled", "active", "failed")
"""What a `subscription` update tells."""


def invoice_of(world: World, person: Person, message_id: int, link: str) -> JsonObject:
    """The invoice behind a message or a link."""
    invoice = world.state.invoices.get(link or f"{person.id}:{message_id}")
    if invoice is None:
        raise DriverError(404, f"there is no invoice {link or f'in message {message_id}'}")
    return invoice


async def pay(world: World, person: Person, invoice: JsonObject) -> JsonObject:
    """Ask the bot, take play Stars, tell the bot."""
    must_be_present(person)
    query_id, answer = open_query(world, person.id, limits.PRE_CHECKOUT_SECONDS)
    asked = {"currency": "XTR", "total_amount": invoice["total_amount"], "invoice_payload": invoice["payload"]}
    world.updates.add("pre_checkout_query", {"id": query_id, "from": person.profile, **asked}, person.id)
    done, _ = await asyncio.wait({answer}, timeout=limits.PRE_CHECKOUT_SECONDS)
    if not done:
        return {"ok": False, "error_message": "The bot did not answer the pre-checkout query in time."}
    if not answer.result()["ok"]:
        return {"ok": False, "error_message": answer.result()["error_message"]}
    period = int(invoice.get("subscription_period") or 0)
    first = {"is_recurring": True, "is_first_recurring": True} if period else {}
    return _charge(world, person, invoice["payload"], invoice["total_amount"], period, first)


def renew(world: World, person: Person, charge_id: str) -> JsonObject:
    """Take the Stars of a subscription's next month, as Telegram does without asking anybody."""
    payment = _subscription(world, person, charge_id)
    if payment.get("is_canceled"):
        raise DriverError(409, "the subscription is cancelled")
    period = int(payment["subscription_period"])
    return _charge(world, person, payment["payload"], payment["amount"], period, {"is_recurring": True})


def change_subscription(world: World, person: Person, charge_id: str, state: str) -> JsonObject:
    """Cancel a subscription or take it up again, or have its payment fail; the bot is told."""
    if state not in STATES:
        raise DriverError(400, f"state must be one of {', '.join(STATES)}")
    payment = _subscription(world, person, charge_id)
    if state != "failed":
        world.state.put_payment(charge_id, {**payment, "is_canceled": state == "canceled"})
    change = {"user": person.profile, "invoice_payload": payment["payload"], "state": state}
    world.updates.add("subscription", change, person.id)
    return {"ok": True, "state": state}


def _subscription(world: World, person: Person, charge_id: str) -> JsonObject:
    payment = world.state.payments.get(charge_id)
    if payment is None or payment["user_id"] != person.id or not payment.get("subscription_period"):
        raise DriverError(404, f"there is no subscription {charge_id}")
    return payment


def _charge(world: World, person: Person, payload: str, amount: int, period: int, shown: JsonObject) -> JsonObject:
    charge_id = f"stx{secrets.token_urlsafe(24)}"
    payment: JsonObject = {"user_id": person.id, "amount": amount, "payload": payload, "date": world.state.now()}
    paid: JsonObject = {
        "currency": "XTR",
        "total_amount": amount,
        "invoice_payload": payload,
        "telegram_payment_charge_id": charge_id,
        "provider_payment_charge_id": "",
        **shown,
    }
    if period:
        payment["subscription_period"] = period
        paid["subscription_expiration_date"] = world.state.now() + period
    world.state.put_payment(charge_id, payment)
    message = world.chats.post_as_person(person, {"successful_payment": paid})
    world.updates.add("message", message, person.id)
    return {"ok": True, "telegram_payment_charge_id": charge_id, "message": message}
