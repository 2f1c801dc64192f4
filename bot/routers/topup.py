"""Buying tokens: the packages of a way to pay, an order, its invoice."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, LabeledPrice, Message

from bot import keyboards, keyboards_payments, offers
from bot.buttons import Button, Pressed, price_in
from bot.cashier import stars
from bot.keyboards_payments import OnSale
from bot.payment_words import money_words
from bot.talk import Talk
from bot.texts import Html, Words, join, lines
from core import bonuses, ledger
from core.bonuses.deposits import FIRST_DEPOSIT_MOST, FIRST_DEPOSIT_SHARE
from core.logs import get_logger
from core.payments import Payment, PaymentStatus, gateways, orders, packages, repository
from core.payments.gateways.base import Gateway, GatewayError, WebGateway
from core.payments.gateways.stars import CURRENCY, NAME
from core.payments.orders import Purchase
from core.types import Tokens
from providers.base import MediaKind

logger = get_logger(__name__)

PERCENT: Final = 100


def router() -> Router:
    """Return the router."""
    router = Router(name="topup")
    router.message.register(show, Command("topup", ignore_case=True))
    router.message.register(show, F.text.in_(keyboards.menu_texts("button-top-up")))
    router.callback_query.register(show_anew, Pressed(Button.TOP_UP, 0))
    router.callback_query.register(show_gateway, Pressed(Button.TOP_UP, 1))
    router.callback_query.register(buy, Pressed(Button.BUY, 3))
    return router


async def show(_message: Message, talk: Talk) -> None:
    """Show the packages, each with what it costs in Stars."""
    await offer(talk)


async def show_anew(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Show the packages below the message whose button was pressed, which stays as it is."""
    del arguments
    await talk.toast(query)
    await offer(talk)


async def show_gateway(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Show what the packages cost over another way to pay."""
    gateway = _gateway(arguments[0])
    if gateway is None:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return
    text, keyboard = await _list(talk, gateway)
    await talk.rewrite(query, text, keyboard)


async def offer(talk: Talk) -> None:
    """Say what tokens cost. Where nothing is on sale, say that."""
    gateway = _gateway(NAME) or next(iter(gateways.everything()), None)
    if gateway is None:
        await talk.say(talk.words("topup-none"))
        return
    text, keyboard = await _list(talk, gateway)
    await talk.say(text, keyboard=keyboard)


async def buy(query: CallbackQuery, talk: Talk, arguments: list[str], public_base_url: str) -> None:
    """Take an order at the price on the button, and hand its invoice over. An update handled again orders once."""
    code, name, shown = arguments
    gateway = _gateway(name)
    if gateway is None:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return
    if await repository.by_key(talk.key) is None and not await _is_as_shown(query, talk, gateway, code, shown):
        return
    payment = await orders.place(Purchase(talk.user, code, name, talk.key))
    await talk.toast(query)
    try:
        await _hand_over(talk, payment, gateway, public_base_url)
    except GatewayError as error:
        logger.warning("invoice_not_made", code=payment.code, error=str(error))
        await talk.say(talk.words("topup-try-later"))


async def _is_as_shown(query: CallbackQuery, talk: Talk, gateway: Gateway, code: str, shown: str) -> bool:
    """Say whether the package costs what the button says. If not, the person is told, and the list is made anew."""
    found = next((one for one in await _on_sale(talk, gateway) if one.package.code == code), None)
    if found is not None and found.amount == price_in(shown):
        return True
    if found is None:
        told = talk.words.plain("topup-gone")
    else:
        told = talk.words.plain("topup-new-price", amount=money_words(talk.words, found.amount, found.currency))
    await talk.toast(query, told, is_alert=True)
    text, keyboard = await _list(talk, gateway)
    await talk.rewrite(query, text, keyboard)
    return False


async def _hand_over(talk: Talk, payment: Payment, gateway: Gateway, public_base_url: str) -> None:
    """Send what is paid: Telegram's own invoice, a link to one, since it sells subscriptions over links only, or the
    address of our payment page.
    """
    if payment.message_id is not None or payment.status is not PaymentStatus.PENDING:
        return
    if isinstance(gateway, WebGateway):
        sent = await _send_link(talk, payment, f"{public_base_url}/pay/{payment.code}")
    elif payment.currency == CURRENCY and not payment.is_recurring:
        fields = stars().invoice_fields(payment)
        prices = [LabeledPrice(**price) for price in fields.pop("prices")]
        sent = await talk.bot.send_invoice(talk.user.chat_id, prices=prices, **fields)
    else:
        sent = await _send_link(talk, payment, (await orders.invoice(payment)).payment_url)
    await repository.attach_message(payment, sent.message_id)


async def _send_link(talk: Talk, payment: Payment, url: str) -> Message:
    amount = money_words(talk.words, payment.amount, payment.currency)
    keyboard = keyboards_payments.link(talk.words.plain("topup-open-button", amount=amount), url)
    is_telegrams = payment.currency == CURRENCY
    key = "topup-open-monthly" if is_telegrams and payment.is_recurring else "topup-open"
    return await talk.say(talk.words(key, tokens=payment.tokens, amount=amount), keyboard=keyboard)


async def _list(talk: Talk, gateway: Gateway) -> tuple[Html, InlineKeyboardMarkup]:
    on_sale = await _on_sale(talk, gateway)
    # A way to pay that sells nothing would be a button to nowhere.
    others = [
        other.name for other in gateways.everything() if other.name != gateway.name and await _on_sale(talk, other)
    ]
    keyboard = keyboards_payments.packages(talk.words, gateway.name, on_sale, others)
    if not on_sale:
        return talk.words("topup-none"), keyboard
    balance = await ledger.balance_of(talk.user.id)
    text = join(
        lines(talk.words("topup-title"), talk.words("payment-balance", balance=balance)),
        lines(talk.words("topup-hint"), *[await _line(talk.words, one) for one in on_sale]),
        await _promise(talk),
        _how(talk.words, gateway),
    )
    return text, keyboard


async def _promise(talk: Talk) -> Html | str:
    """Promise the bonus of a first deposit to whom it will be given."""
    if not await bonuses.first_deposit_bonus(talk.user.id, Decimal(PERCENT)):
        return ""
    percent, most = int(FIRST_DEPOSIT_SHARE * PERCENT), FIRST_DEPOSIT_MOST
    return talk.words("topup-first-bonus", percent=percent, most=most)


def _how(words: Words, gateway: Gateway) -> Html:
    if gateway.name == NAME:
        return words("topup-stars")
    key = f"topup-gateway-{gateway.name}"
    return words(key if words.has(key) else "topup-gateway-other")


async def _on_sale(talk: Talk, gateway: Gateway) -> list[OnSale]:
    found = []
    for package in await packages.everything():
        price = gateway.price(package)
        if price is not None:
            amount, currency = price
            expected = await bonuses.expected(talk.user.id, package.tokens)
            found.append(OnSale(package, amount, currency, expected.tokens))
    return found


async def _line(words: Words, one: OnSale) -> Html:
    tokens, pays = one.package.tokens, await _pays_for(words, one.package.tokens + one.bonus)
    if one.bonus:
        line = words("topup-package-bonus", tokens=tokens, bonus=one.bonus, pays=pays)
    else:
        line = words("topup-package", tokens=tokens, pays=pays)
    return words("topup-package-monthly", line=line) if one.package.is_recurring else line


async def _pays_for(words: Words, tokens: Tokens) -> str:
    """Say roughly what so many tokens pay for: pictures and videos of the first models in the catalogue."""
    possible = await offers.affordable(tokens)
    counts = {kind: next((n for model, n in possible if model.kind is kind), 0) for kind in MediaKind}
    pictures, videos = _roughly(counts[MediaKind.IMAGE]), _roughly(counts[MediaKind.VIDEO])
    if pictures and videos:
        return words.plain("topup-pays-both", n=pictures, videos=videos)
    return words.plain("topup-pays-images", n=pictures) if pictures else ""


def _roughly(count: int) -> int:
    """Round down what nobody counts to the last one: 687 pictures are 680."""
    return count if count < PERCENT else count - count % 10


def _gateway(name: str) -> Gateway | None:
    return next((gateway for gateway in gateways.everything() if gateway.name == name), None)
