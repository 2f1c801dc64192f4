"""Coming back to an order that there were too few tokens for: offering it once they are there, and starting it."""

from __future__ import annotations

from typing import Final

from aiogram import Bot, Router
from aiogram.exceptions import TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import CallbackQuery, InlineKeyboardMarkup

from bot import keyboards_cart, offers
from bot.buttons import Button, Pressed, price_in
from bot.client import LOST_ANSWER
from bot.keyboards import shortened
from bot.ordering import Wish, agrees, order
from bot.refusals import refusal_words
from bot.talk import Talk
from bot.texts import Html, Words, lines
from core import cart, catalog, ledger, storage, users
from core.cart import Cart
from core.catalog import CatalogModel
from core.generations import ModelUnavailable
from core.generations.repository import by_key
from core.logs import get_logger
from core.storage import FileNotStored
from core.types import Tokens
from core.users import User

logger = get_logger(__name__)

LONGEST_PROMPT: Final = 120
"""Characters of a prompt that remind a person of it."""


def router() -> Router:
    """Return the router."""
    router = Router(name="cart")
    router.callback_query.register(start, Pressed(Button.CART, 2))
    return router


async def offer(words: Words, user: User) -> tuple[Html, InlineKeyboardMarkup] | None:
    """Return the offer to start what waited for tokens, None while there is nothing that the balance pays for."""
    made = await cart.offer_for(user)
    if made is None:
        return None
    await cart.mark_offered(made.cart.code)
    text = lines(
        words("cart-offer", prompt=_reminder(words, made.cart), model=made.model.display_name, price=made.price),
        words("cart-offer-new-price", before=made.cart.price) if made.has_new_price else "",
    )
    await cart.agree(made.cart.code, made.price)
    return text, keyboards_cart.payable(words, made.cart.code, made.price)


async def send_offer(bot: Bot, chat_id: int) -> None:
    """Offer it unasked. What Telegram did not take is offered again with the next look at the table."""
    user = await users.get(chat_id)
    made = None if user is None else await offer(Words(user.language), user)
    if user is None or made is None:
        return
    text, keyboard = made
    try:
        await bot.send_message(chat_id, text, reply_markup=keyboard)
    except TelegramForbiddenError:
        logger.info("cart_not_offered", user=user.id, reason="the user blocked the bot")
    except (*LOST_ANSWER, TelegramRetryAfter) as error:
        logger.warning("cart_offered_later", user=user.id, error=type(error).__name__)
        await cart.offer_again(user.id)


async def start(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Start what waited, at the price on the button. However often it is pressed, it starts once."""
    code, shown = arguments
    kept = await cart.of_user(talk.user.id)
    if kept is None or kept.code != code:
        await _explain_missing(query, talk, code)
        return
    model = await _usable_model(query, talk, kept)
    if model is None or not await _is_agreed(query, talk, kept, shown, offers.price_of(model, kept.params)):
        return
    if not await _are_there(kept):
        await cart.drop(kept.code)
        await talk.toast(query, talk.words.plain("cart-photo-gone"), is_alert=True)
        return
    await talk.toast(query, talk.words.plain("cart-started"))
    await order(
        talk,
        Wish(
            prompt=kept.prompt,
            key=kept.order_key,
            model=kept.model,
            params=kept.params,
            images=kept.images,
            parent=kept.parent,
            continuation=kept.continuation,
            shown_price=price_in(shown),
        ),
    )


async def _explain_missing(query: CallbackQuery, talk: Talk, code: str) -> None:
    """Tell an order that has started from one that another took the place of, or that grew too old."""
    started = await by_key(cart.order_key(code))
    is_own = started is not None and started.user_id == talk.user.id
    await talk.toast(query, talk.words.plain("again-already" if is_own else "cart-gone"), is_alert=not is_own)


async def _usable_model(query: CallbackQuery, talk: Talk, kept: Cart) -> CatalogModel | None:
    """Return the model of the order; None when it would be another order now, and the person was told."""
    try:
        model = await catalog.get(kept.model)
    except catalog.UnknownModel:
        await talk.toast(query)
        gone = talk.words("refused-model_unavailable", model=kept.model)
        await talk.say(lines(gone, talk.words("refused-model_unavailable-others")))
        return None
    if not model.is_available:
        await talk.toast(query)
        refusal = ModelUnavailable(model.slug, successor=model.successor)
        await talk.say(await refusal_words(talk.words, refusal, model, images=len(kept.images)))
        return None
    if offers.known_params(model, kept.params) != kept.params:
        await talk.toast(query)
        await talk.say(talk.words("refused-invalid_params", model=model.display_name))
        return None
    return model


async def _is_agreed(query: CallbackQuery, talk: Talk, kept: Cart, shown: str, price: Tokens) -> bool:
    """Say whether the person agreed to what it costs, and has it; tell them where not."""
    balance = await ledger.balance_of(talk.user.id)
    buttons = keyboards_cart.payable if balance >= price else keyboards_cart.waiting
    if not await agrees(talk, query, shown, price, buttons(talk.words, kept.code, price), key=kept.order_key):
        await cart.agree(kept.code, price)
        return False
    if balance < price and await by_key(kept.order_key) is None:
        text = talk.words.plain("cart-still-short", missing=price - balance, balance=balance)
        await talk.toast(query, text, is_alert=True)
        return False
    return True


async def _are_there(kept: Cart) -> bool:
    """Say whether the photos are still in storage."""
    try:
        for image in kept.images:
            await storage.storage().size(image.key)
    except FileNotStored:
        return False
    return True


def _reminder(words: Words, kept: Cart) -> str:
    return shortened(" ".join(kept.prompt.split()), LONGEST_PROMPT) or words.plain("cancel-no-prompt")
