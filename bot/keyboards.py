"""Every keyboard: the small one below the input field, and the buttons under messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, KeyboardButton, ReplyKeyboardMarkup

from bot import offers
from bot.buttons import Button, button, in_hundredths
from bot.mini_app import MiniApp
from bot.texts import LANGUAGES, Words
from core.catalog import CatalogModel
from core.generations import Generation
from core.generations.continuations import Offer
from core.types import Tokens

MENU: Final = (
    ("button-create-image", "button-create-video"),
    ("button-balance", "button-top-up"),
    ("button-reference", "button-help"),
)
LANGUAGE_NAMES: Final = {"ru": "🇷🇺 Русский", "en": "🇬🇧 English"}
READY_EDITS: Final = ("enhance", "background", "watercolour", "cartoon")
ANIMATE: Final = "animate"
SEVERAL_PHOTOS_EDITS: Final = ("combine", "watercolour", "cartoon")

ROW_WIDTHS: Final = ((6, 5), (11, 3))
"""Longest label, and how many such buttons a phone shows in a row without cutting them; longer ones go by two."""

LONGEST_LABEL: Final = 40

MOST_VALUES_ON_A_CARD: Final = 16
"""Values of all options together that a card shows at once; more of them open one option at a time."""


def menu(words: Words) -> ReplyKeyboardMarkup:
    """The keyboard below the input field."""
    return ReplyKeyboardMarkup(
        keyboard=[[KeyboardButton(text=words.plain(key)) for key in row] for row in MENU],
        resize_keyboard=True,
        is_persistent=True,
        input_field_placeholder=words.plain("input-placeholder"),
    )


def menu_texts(key: str) -> set[str]:
    """What a button of the menu says, in every language: an old keyboard still works after a change of language."""
    return {Words(language).plain(key) for language in LANGUAGES}


def account(words: Words) -> InlineKeyboardMarkup:
    """Under the balance: more tokens, where they went, and what is given."""
    return _inline(
        [
            [
                button(words.plain("button-top-up"), Button.TOP_UP),
                button(words.plain("button-history"), Button.HISTORY, 0),
            ],
            [button(words.plain("button-daily"), Button.DAILY), button(words.plain("button-promo"), Button.PROMO)],
            [button(words.plain("button-invite"), Button.INVITE)],
        ]
    )


def models(
    words: Words, entries: Iterable[CatalogModel], preferred: str | None, mini_app: MiniApp | None = None
) -> InlineKeyboardMarkup:
    """One button per model, with price and speed, and the Mini App with all of them."""
    rows = []
    for model in entries:
        text = words.plain(
            "models-button-preferred" if model.slug == preferred else "models-button",
            model=model.display_name,
            price=offers.price_of(model),
            duration=words.duration(model.typical_seconds),
        )
        rows.append([button(text, Button.PICK, model.slug)])
    if mini_app is not None:
        rows.append([mini_app.button(words.plain("button-open-app"))])
    return _inline(rows)


def card(
    words: Words, model: CatalogModel, options: Sequence[offers.Option], mini_app: MiniApp | None = None
) -> InlineKeyboardMarkup:
    """The options of a model: all their values where these are few, else a button per option that opens its values.
    Its form in the Mini App is one button more."""
    if shows_values(options):
        rows = [row for option in options for row in _values(words, model, option)]
    else:
        rows = [[_opener(words, model, option)] for option in options]
    if mini_app is not None:
        rows.append([mini_app.button(words.plain("button-open-form"), model.slug)])
    rows.append([button(words.plain("button-all-models"), Button.MODELS)])
    return _inline(rows)


def shows_values(options: Sequence[offers.Option]) -> bool:
    """True when a card has room for every value of the options."""
    return sum(len(option.choices) for option in options) <= MOST_VALUES_ON_A_CARD


def values(words: Words, model: CatalogModel, option: offers.Option) -> InlineKeyboardMarkup:
    """The values of one option, each with its price where it matters, and the way back to the card."""
    back = button(words.plain("button-back-to-card", model=model.display_name), Button.CARD, model.slug)
    return _inline([*_values(words, model, option), [back]])


def photo_edits(words: Words, count: int, price: Tokens, animation: Tokens | None) -> InlineKeyboardMarkup:
    """Ready-made edits of a photo at a price, and animating it at another where a model can."""
    names = READY_EDITS if count == 1 else SEVERAL_PHOTOS_EDITS
    buttons = [ready_edit(words, name, price) for name in names]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    if animation is not None and count == 1:
        rows.append([ready_edit(words, ANIMATE, animation)])
    return _inline(rows)


def video_uses(words: Words, editors: Iterable[CatalogModel], describing: Tokens | None) -> InlineKeyboardMarkup:
    """What can be done with a video: a model that changes it, or a prompt made from it."""
    rows = [
        [
            button(
                words.plain("video-edit", model=model.display_name, price=offers.price_of(model)),
                Button.PICK,
                model.slug,
            )
        ]
        for model in editors
    ]
    if describing is not None:
        text = words.plain("reference-describe", price=describing)
        rows.append([button(text, Button.DESCRIBE, in_hundredths(describing))])
    return _inline(rows)


def ready_edit(words: Words, name: str, price: Tokens) -> InlineKeyboardButton:
    """One ready-made edit."""
    text = words.plain("edit-animate", price=price) if name == ANIMATE else words.plain(f"edit-{name}")
    return button(text, Button.EDIT, name, in_hundredths(price))


def draw_it(words: Words, price: Tokens) -> InlineKeyboardMarkup:
    """Draw the message that this one answers."""
    return _inline([[button(words.plain("draw-it", price=price), Button.DRAW, in_hundredths(price))]])


def running(words: Words, generation: Generation) -> InlineKeyboardMarkup:
    """Under the status message of a job."""
    return _inline([[button(words.plain("button-cancel"), Button.CANCEL, generation.run_code)]])


def running_list(words: Words, generations: Iterable[Generation]) -> InlineKeyboardMarkup:
    """One button per job that could be cancelled."""
    rows = []
    for generation in generations:
        prompt = " ".join(generation.prompt.split()) or words.plain("cancel-no-prompt")
        text = words.plain("cancel-one", model=generation.model_name, prompt=prompt)
        rows.append([button(shortened(text), Button.CANCEL, generation.run_code)])
    return _inline(rows)


def retry(words: Words, generation: Generation, price: Tokens) -> InlineKeyboardMarkup:
    """Under a job that failed or was cancelled. `price` is what doing it again costs now."""
    text = words.plain("button-retry", price=price)
    return _inline([[button(text, Button.AGAIN, generation.run_code, in_hundredths(price))]])


def result(words: Words, generation: Generation, price: Tokens, more: Sequence[Offer] = ()) -> InlineKeyboardMarkup:
    """Under a result. `price` is what doing it again costs now, `more` what can be made from it."""
    code = generation.run_code
    going_on = [
        button(
            words.plain(f"button-follow-{offer.kind.value}", price=offer.price),
            Button.FOLLOW,
            code,
            offer.kind.value,
            0 if len(generation.results) > 1 else 1,
            in_hundredths(offer.price),
        )
        for offer in more
    ]
    return _inline(
        [
            [button(words.plain("button-again", price=price), Button.AGAIN, code, in_hundredths(price))],
            *(going_on[start : start + 2] for start in range(0, len(going_on), 2)),
            [
                button(words.plain("button-change"), Button.CHANGE, code),
                button(words.plain("button-original"), Button.ORIGINAL, code),
            ],
        ]
    )


def which_result(words: Words, generation: Generation, offer: Offer) -> InlineKeyboardMarkup:
    """One button per result of several: which of them is to be continued."""
    price = in_hundredths(offer.price)
    row = [
        button(words.plain("button-follow-number", n=n), Button.FOLLOW, generation.run_code, offer.kind.value, n, price)
        for n in range(1, len(generation.results) + 1)
    ]
    return _inline([row[start : start + 5] for start in range(0, len(row), 5)])


def as_it_is(words: Words, generation: Generation, offer: Offer, number: int) -> InlineKeyboardMarkup:
    """Continue a result without further words."""
    text = words.plain(f"button-go-{offer.kind.value}", price=offer.price)
    price = in_hundredths(offer.price)
    return _inline([[button(text, Button.GO_ON, generation.run_code, offer.kind.value, number, price)]])


def languages() -> InlineKeyboardMarkup:
    """The languages, each in its own words."""
    return _inline([[button(LANGUAGE_NAMES[language], Button.LANGUAGE, language) for language in LANGUAGES]])


def shortened(text: str, limit: int = LONGEST_LABEL) -> str:
    """Cut a plain text that would not fit on a button."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def chosen(words: Words, option: offers.Option) -> str:
    """Return what the chosen value of an option is called."""
    return next((choice.label for choice in option.choices if choice.is_chosen), words.plain("card-auto"))


def _opener(words: Words, model: CatalogModel, option: offers.Option) -> InlineKeyboardButton:
    text = words.plain("card-option", option=option.label, value=chosen(words, option))
    return button(shortened(text), Button.VALUES, model.slug, list(model.options).index(option.name))


def _values(words: Words, model: CatalogModel, option: offers.Option) -> list[list[InlineKeyboardButton]]:
    number = list(model.options).index(option.name)
    row = [
        button(_choice_label(words, option, choice), Button.OPTION, model.slug, number, position)
        for position, choice in enumerate(option.choices)
    ]
    longest = max(len(one.text) for one in row)
    width = next((width for limit, width in ROW_WIDTHS if longest <= limit), 2)
    return [row[start : start + width] for start in range(0, len(row), width)]


def _choice_label(words: Words, option: offers.Option, choice: offers.Choice) -> str:
    label = choice.label
    if option.changes_price:
        label = words.plain("card-option-button-priced", value=label, price=choice.price)
    return words.plain("card-option-button-chosen", value=label) if choice.is_chosen else label


def _inline(rows: list[list[InlineKeyboardButton]]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=rows)
