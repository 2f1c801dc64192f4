"""Invoices in Stars, refunds, the bot's Stars."""

from __future__ import annotations

import secrets

from bot.sandbox import limits
from bot.sandbox.documents import JsonObject
from bot.sandbox.keyboards import reply_markup
from bot.sandbox.methods.registry import method
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import bad_request
from bot.sandbox.world import World

LINK_PREFIX = "https://t.me/$"
SUBSCRIPTION_SECONDS = 2_592_000
MOST_STARS = 100_000


def _invoice(parameters: Parameters) -> JsonObject:
    """The checked invoice."""
    title, description = parameters.text("title"), parameters.text("description")
    payload = parameters.text("payload")
    if not 1 <= len(title) <= limits.INVOICE_TITLE_LENGTH:
        raise bad_request("INVOICE_TITLE_INVALID")
    if not 1 <= len(description) <= limits.INVOICE_DESCRIPTION_LENGTH:
        raise bad_request("INVOICE_DESCRIPTION_INVALID")
    if not 1 <= len(payload.encode()) <= limits.INVOICE_PAYLOAD_BYTES:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if parameters.text("currency") != "XTR" or parameters.text("provider_token"):
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    return {
        "title": title,
        "description": description,
        "payload": payload,
        "currency": "XTR",
        "total_amount": _total(parameters.objects("prices")),
        "photo_url": parameters.text("photo_url") or None,
    }


def _total(prices: list[JsonObject]) -> int:
    """Stars ask for exactly one price."""
    if len(prices) != 1:
        raise bad_request("STARS_INVOICE_INVALID")
    amount = prices[0].get("amount")
    if not isinstance(amount, int) or not 1 <= amount <= MOST_STARS:
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    return amount


@method("sendInvoice")
async def send_invoice(world: World, parameters: Parameters) -> JsonObject:
    """A message with a button that pays."""
    person = world.chats.reachable(parameters)
    invoice, markup = _invoice(parameters), reply_markup(parameters, is_invoice=True)
    world.flood.spend(person.id)
    shown = {key: invoice[key] for key in ("title", "description", "currency", "total_amount")}
    pay = {"inline_keyboard": [[{"text": f"Pay ⭐️{invoice['total_amount']}", "pay": True}]]}
    content = {"invoice": {**shown, "start_parameter": parameters.text("start_parameter")}}
    message = world.chats.post_as_bot(person, content, parameters, markup or pay)
    world.state.put_invoice(f"{person.id}:{message['message_id']}", invoice)
    return message


@method("createInvoiceLink")
async def create_invoice_link(world: World, parameters: Parameters) -> str:
    """A link that opens a payment anywhere."""
    invoice = _invoice(parameters)
    period = parameters.integer("subscription_period")
    if period and period != SUBSCRIPTION_SECONDS:
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
    link = LINK_PREFIX + secrets.token_urlsafe(16)
    world.state.put_invoice(link, {**invoice, "subscription_period": period or None})
    return link


@method("refundStarPayment")
async def refund_star_payment(world: World, parameters: Parameters) -> bool:
    """Give the Stars of a payment back, once."""
    charge_id = parameters.text("telegram_payment_charge_id")
    payment = world.state.payments.get(charge_id)
    if payment is None or payment["user_id"] != parameters.integer("user_id"):
        raise bad_request("CHARGE_ID_INVALID")
    if payment.get("refunded_at"):
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    world.state.put_payment(charge_id, {**payment, "refunded_at": world.state.now()})
    person = world.state.people[payment["user_id"]]
    refunded = {
        "currency": "XTR",
        "total_amount": payment["amount"],
        "invoice_payload": payment["payload"],
        "telegram_payment_charge_id": charge_id,
    }
    message = world.chats.post_as_person(person, {"refunded_payment": refunded})
    world.updates.add("message", message, person.id)
    return True


@method("editUserStarSubscription")
async def edit_user_star_subscription(world: World, parameters: Parameters) -> bool:
    """Cancel a subscription or allow it again, on behalf of the bot."""
    charge_id = parameters.text("telegram_payment_charge_id")
    payment = world.state.payments.get(charge_id)
    is_own = payment is not None and payment["user_id"] == parameters.integer("user_id")
    if payment is None or not is_own or not payment.get("subscription_period"):
        raise bad_request("CHARGE_ID_INVALID")
    world.state.put_payment(charge_id, {**payment, "is_canceled": parameters.flag("is_canceled")})
    return True


def _transactions(world: World) -> list[JsonObject]:
    """Payments and refunds as getStarTransactions lists them, oldest first."""
    listed = []
    for charge_id, payment in world.state.payments.items():
        partner = {
            "type": "user",
            "transaction_type": "invoice_payment",
            "user": world.state.people[payment["user_id"]].profile,
            "invoice_payload": payment["payload"],
        }
        if payment.get("subscription_period"):
            partner["subscription_period"] = payment["subscription_period"]
        common = {"id": charge_id, "amount": payment["amount"]}
        listed.append({**common, "date": payment["date"], "source": partner})
        if payment.get("refunded_at"):
            listed.append({**common, "date": payment["refunded_at"], "receiver": partner})
    return sorted(listed, key=lambda transaction: transaction["date"])


@method("getStarTransactions")
async def get_star_transactions(world: World, parameters: Parameters) -> JsonObject:
    """The bot's Star transactions in chronological order."""
    offset = parameters.integer("offset")
    limit = min(100, max(1, parameters.integer("limit", 100)))
    return {"transactions": _transactions(world)[offset : offset + limit]}


@method("getMyStarBalance")
async def get_my_star_balance(world: World, _parameters: Parameters) -> JsonObject:
    """What payments brought, less refunds."""
    kept = (payment["amount"] for payment in world.state.payments.values() if not payment.get("refunded_at"))
    return {"amount": sum(kept)}
