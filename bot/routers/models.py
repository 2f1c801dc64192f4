"""Choosing a model and its options: the list with prices, purposes and speeds, and the card of one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot import drafts, keyboards, offers
from bot.buttons import Button, Pressed
from bot.drafts import Draft
from bot.talk import Talk
from bot.texts import Html, join, lines
from core import catalog, users
from core.catalog import CatalogModel
from core.generations.inputs import is_video
from core.storage import StoredFile
from providers.base import MediaKind, MediaRole


def router() -> Router:
    """Return the router."""
    router = Router(name="models")
    router.message.register(show_all, Command("models", ignore_case=True))
    router.message.register(create_image, F.text.in_(keyboards.menu_texts("button-create-image")))
    router.message.register(create_video, F.text.in_(keyboards.menu_texts("button-create-video")))
    router.callback_query.register(back_to_all, Pressed(Button.MODELS, 0))
    router.callback_query.register(pick, Pressed(Button.PICK, 1))
    router.callback_query.register(back_to_card, Pressed(Button.CARD, 1))
    router.callback_query.register(show_values, Pressed(Button.VALUES, 2))
    router.callback_query.register(choose_option, Pressed(Button.OPTION, 3))
    return router


async def show_all(_message: Message, talk: Talk) -> None:
    """Show every model that can be ordered."""
    text, keyboard = await _everything(talk)
    await talk.say(text, keyboard=keyboard)


async def back_to_all(query: CallbackQuery, talk: Talk) -> None:
    """Return from a card to the list."""
    await talk.toast(query)
    text, keyboard = await _everything(talk)
    await talk.rewrite(query, text, keyboard)


async def create_image(_message: Message, talk: Talk) -> None:
    """Ask for words; whoever wants another model finds the list here."""
    models = await catalog.models(kind=MediaKind.IMAGE)
    text, keyboard = await _list(talk, models)
    await talk.say(join(talk.words("start-what-now"), text) if models else text, keyboard=keyboard)


async def create_video(_message: Message, talk: Talk) -> None:
    """Show the video models, or the only one there is."""
    models = await catalog.models(kind=MediaKind.VIDEO)
    if not models:
        await talk.say(talk.words("models-none-videos"))
    elif len(models) == 1:
        card, options = await _open(talk, models[0])
        await talk.say(card, keyboard=options)
    else:
        text, keyboard = await _list(talk, models)
        await talk.say(text, keyboard=keyboard)


async def pick(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Open a model's card; an image model also becomes the one that draws what is typed."""
    model = await offers.find(arguments[0])
    if model is None:
        await _say_unavailable(query, talk, arguments[0])
        return
    if model.kind is MediaKind.IMAGE:
        await users.set_preferred_model(talk.user.id, model.slug)
    await talk.toast(query)
    text, keyboard = await _open(talk, model)
    await talk.rewrite(query, text, keyboard)


async def choose_option(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Change one option on the card. Names and values are numbers in the button: they are looked up, never believed."""
    model = await offers.find(arguments[0])
    if model is None:
        await _say_unavailable(query, talk, arguments[0])
        return
    params = await _chosen(talk, model)
    choice = _looked_up(offers.options(talk.words, model, params), model, arguments[1], arguments[2])
    if choice is None:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return
    option, value = choice
    await talk.toast(query)
    text, keyboard = await _open(talk, model, offers.with_choice(model, params, option.name, value.value))
    await talk.rewrite(query, text, keyboard)


async def show_values(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Show the values of one option."""
    model = await offers.find(arguments[0])
    if model is None:
        await _say_unavailable(query, talk, arguments[0])
        return
    choice = _looked_up(offers.options(talk.words, model, await _chosen(talk, model)), model, arguments[1], "0")
    if choice is None:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return
    await talk.toast(query)
    text = talk.words("card-choose-value", model=model.display_name, option=choice[0].label)
    await talk.rewrite(query, text, keyboards.values(talk.words, model, choice[0]))


async def back_to_card(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Return from the values of an option to the card, with what was chosen."""
    model = await offers.find(arguments[0])
    if model is None:
        await _say_unavailable(query, talk, arguments[0])
        return
    await talk.toast(query)
    text, keyboard = await _open(talk, model, await _chosen(talk, model))
    await talk.rewrite(query, text, keyboard)


async def _chosen(talk: Talk, model: CatalogModel) -> drafts.Params:
    """Return the options that were chosen on the model's card."""
    draft = await drafts.read(talk.user.chat_id)
    return draft.params if draft and draft.model == model.slug else {}


async def _open(
    talk: Talk, model: CatalogModel, params: drafts.Params | None = None
) -> tuple[Html, InlineKeyboardMarkup]:
    """Begin a draft with the model and return its card. Photos that wait for words stay with it."""
    before = await drafts.read(talk.user.chat_id) or Draft()
    chosen = offers.known_params(model, params or {})
    images = offers.fitting_files(model, before.images)
    price = str(offers.price_of(model, chosen))
    draft = replace(before, model=model.slug, params=chosen, images=images, parent=None, price=price)
    is_kept = await drafts.keep(talk.user.chat_id, draft)
    options = offers.meaningful(offers.options(talk.words, model, chosen), model, images)
    text = _card(talk, model, chosen, images, options, is_kept=is_kept)
    return text, keyboards.card(talk.words, model, options, talk.mini_app)


def _card(
    talk: Talk,
    model: CatalogModel,
    params: drafts.Params,
    images: Sequence[StoredFile],
    options: Sequence[offers.Option],
    *,
    is_kept: bool,
) -> Html:
    words = talk.words
    price = words(
        "card-price",
        price=offers.price_of(model, params),
        duration=words.duration(model.typical_seconds),
    )
    is_image = model.kind is MediaKind.IMAGE
    return join(
        lines(words("card-title", model=model.display_name), offers.purpose(words, model)),
        lines(price, _about_options(talk, options), words("card-is-preferred") if is_image else ""),
        lines(_about_photos(talk, model, images), "" if is_kept else words("card-not-kept")),
        words("card-ask-image" if is_image else "card-ask-video"),
    )


def _about_options(talk: Talk, options: Sequence[offers.Option]) -> Html:
    """Name what is chosen where the buttons below are bare values, else the prices that lie behind the buttons."""
    words = talk.words
    if keyboards.shows_values(options):
        chosen = [(option.label, keyboards.chosen(words, option)) for option in options]
        return lines(*(words("card-option", option=label, value=value) for label, value in chosen))
    rows = []
    for option in options:
        if option.changes_price:
            priced = [words.plain("card-option-value", value=one.label, price=one.price) for one in option.choices]
            rows.append(words("card-option", option=option.label, value=", ".join(priced)))
    return lines(*rows)


def _about_photos(talk: Talk, model: CatalogModel, images: Sequence[StoredFile]) -> Html | str:
    if any(is_video(file) for file in images):
        return talk.words("card-has-video")
    if images:
        return talk.words("card-has-photos", n=len(images))
    several = offers.inputs_words(talk.words, model)
    if len(several) > 1:
        return _about_inputs(talk, model, several)
    if model.needs_input_video:
        return talk.words("card-needs-video")
    if model.needs_input_image:
        return talk.words("card-needs-photo")
    return talk.words("card-takes-photos", n=model.max_input_images) if model.max_input_images else ""


def _about_inputs(talk: Talk, model: CatalogModel, several: Sequence[str]) -> Html:
    words, inputs = talk.words, ", ".join(several)
    told = words("card-needs-inputs" if model.needs_input_image else "card-takes-inputs", inputs=inputs)
    return lines(told, words("card-frames") if model.slot(MediaRole.END) else "")


def _looked_up(
    options: Sequence[offers.Option], model: CatalogModel, number: str, position: str
) -> tuple[offers.Option, offers.Choice] | None:
    names = list(model.options)
    if not (number.isdecimal() and position.isdecimal() and len(number + position) < 8 and int(number) < len(names)):
        return None
    option = next((option for option in options if option.name == names[int(number)]), None)
    if option is None or int(position) >= len(option.choices):
        return None
    return option, option.choices[int(position)]


async def _everything(talk: Talk) -> tuple[Html, InlineKeyboardMarkup | None]:
    text, keyboard = await _list(talk, await catalog.models())
    return (join(talk.words("models-title"), text) if keyboard else text), keyboard


async def _list(talk: Talk, models: Sequence[CatalogModel]) -> tuple[Html, InlineKeyboardMarkup | None]:
    if not models:
        return talk.words("models-none"), None
    groups = [
        _group(talk, kind, [model for model in models if model.kind is kind])
        for kind in (MediaKind.IMAGE, MediaKind.VIDEO)
    ]
    preferred = await offers.image_model(talk.user)
    text = join(*groups, await _gone(talk, models), talk.words("models-choose"))
    in_groups = sorted(models, key=lambda model: model.kind is not MediaKind.IMAGE)
    chosen = preferred.slug if preferred else None
    return text, keyboards.models(talk.words, in_groups, chosen, talk.mini_app)


def _group(talk: Talk, kind: MediaKind, models: Sequence[CatalogModel]) -> Html | str:
    if not models:
        return ""
    words = talk.words
    entries = [
        words(
            "models-entry",
            model=model.display_name,
            price=offers.price_words(words, model),
            duration=words.duration(model.typical_seconds),
            purpose=offers.purpose(words, model),
        )
        for model in models
    ]
    return join(words("models-images" if kind is MediaKind.IMAGE else "models-videos"), *entries)


async def _gone(talk: Talk, models: Sequence[CatalogModel]) -> Html:
    """Name the models of these kinds that have reached their end, and what to use instead."""
    kinds = {model.kind for model in models}
    rows = [
        talk.words("models-retired", model=old.display_name, successor=new.display_name)
        for old, new in await offers.retired()
        if old.kind in kinds
    ]
    return lines(*rows)


async def _say_unavailable(query: CallbackQuery, talk: Talk, slug: str) -> None:
    known = await offers.find_any(slug)
    successor = await offers.find(known.successor) if known is not None and known.successor else None
    if known is None:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
    elif successor is None:
        await talk.toast(query, talk.words.plain("card-unavailable", model=known.display_name), is_alert=True)
    else:
        text = talk.words.plain("card-retired", model=known.display_name, successor=successor.display_name)
        await talk.toast(query, text, is_alert=True)
        card, options = await _open(talk, successor)
        await talk.say(card, keyboard=options)
