"""Every refusal of an order has its own words in both languages, with the numbers that explain it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from bot.refusals import REFUSED, Refusal, refusal_words
from bot.texts import Words
from core import generations
from core.catalog import CatalogModel, UnknownModel
from core.generations import OrderRefused
from core.ledger import InsufficientTokens
from core.pricing import InvalidParams, Problem
from providers.base import MediaRole
from tests.bot.telegram import visible
from tests.bot.test_offers import a_model, shelf

__all__ = ["shelf"]

MODEL = a_model(display_name="Painter & <Co>")
CASES: list[tuple[Refusal, list[str], list[str]]] = [
    (generations.EmptyPrompt(), ["no words here"], ["не хватает слов"]),
    (generations.PromptTooLong(limit=4000, length=4001), ["4,001 characters", "4,000"], ["4 001 знак,", "4 000"]),
    (generations.TooManyImages(limit=5), ["sent 7 photos", "at most 5"], ["прислали 7 фото", "не больше 5"]),
    (generations.TooManyImages(limit=1), ["takes only 1"], ["берёт только 1"]),
    (generations.ImageRequired(), ["needs a photo"], ["нужно фото"]),
    (generations.ImagesNotSupported(), ["does not work with photos"], ["не работает с фото"]),
    (generations.VideosNotSupported(), ["does not work with videos"], ["не работает с видео"]),
    (generations.VideoRequired(), ["needs a video"], ["нужно видео"]),
    (generations.VideoTooLong(limit=10, seconds=14.2), ["up to 10 s"], ["до 10 с"]),
    (generations.ParentUnusable(), ["too old"], ["слишком старый"]),
    (generations.LinkUnusable(), ["cannot open this link"], ["ссылку я не открою"]),
    (generations.ContentRefused("brand"), ["do not make"], ["не делаю"]),
    (generations.TooManyRefusals(seconds=3600), ["again in 60 min"], ["через 60 мин"]),
    (generations.InputMismatch(MediaRole.MASK), ["does not take this: mask"], ["такое не берёт: маска"]),
    (
        generations.InputMismatch(MediaRole.END, requires={"image_size": ("4K",)}),
        ["last frame", "choose", "Resolution: 4K"],
        ["последний кадр", "выберите", "Разрешение: 4K"],
    ),
    (
        generations.InputMismatch(MediaRole.END, needs=(MediaRole.START,)),
        ["last frame works only together with: first frame"],
        ["последний кадр работает только вместе с: первый кадр"],
    ),
    (
        generations.InputMismatch(MediaRole.REFERENCE, excludes=(MediaRole.START,)),
        ["references does not go with: first frame"],
        ["образцы не сочетается с: первый кадр"],
    ),
    (generations.TooManyRunning(limit=3), ["3 generations running", "/cancel"], ["идут 3 генерации", "/cancel"]),
    (generations.CooldownActive(seconds=30), ["again in 30 s"], ["через 30 с"]),
    (generations.DailyLimitReached(limit=10), ["10 a day"], ["10 в день"]),
    (
        generations.PriceDiffers(price=Decimal("6.40")),
        ["it is 6.40 ⚡ now", "Nothing was charged"],
        ["теперь 6,40 ⚡", "Ничего не списано"],
    ),
    (generations.UserBlocked(), ["closed"], ["закрыт"]),
    (generations.ModelUnavailable("painter", successor=None), ["not available", "/models"], ["недоступна", "/models"]),
    (InvalidParams([Problem("size", "is odd")]), ["no longer takes these settings"], ["больше не принимает"]),
    (UnknownModel("paintr", ["painter"]), ["not available"], ["недоступна"]),
    (OrderRefused("a new kind"), ["Nothing was charged"], ["Ничего не списано"]),
]


def refusals(kind: type[OrderRefused] = OrderRefused) -> Iterator[type[OrderRefused]]:
    for child in kind.__subclasses__():
        yield child
        yield from refusals(child)


@pytest.mark.parametrize(("refusal", "english", "russian"), CASES, ids=[type(case[0]).__name__ for case in CASES])
async def test_a_refusal_is_explained(
    refusal: Refusal, english: list[str], russian: list[str], shelf: list[CatalogModel]
) -> None:
    for words, expected in ((Words("en"), english), (Words("ru"), russian)):
        text = visible(await refusal_words(words, refusal, MODEL, images=7)).replace("\u00a0", " ")
        for part in expected:
            assert part in text


def test_every_kind_of_refusal_is_tested() -> None:
    assert set(refusals()) <= {type(case[0]) for case in CASES}
    assert {InsufficientTokens, InvalidParams, UnknownModel, OrderRefused} == set(REFUSED)


async def test_a_successor_is_offered_when_it_can_be_ordered(shelf: list[CatalogModel]) -> None:
    refusal = generations.ModelUnavailable("painter", successor="heir")
    assert "Choose another model" in await refusal_words(Words("en"), refusal, MODEL, images=0)
    shelf.append(a_model("heir"))
    assert "There is “Heir” instead" in await refusal_words(Words("en"), refusal, MODEL, images=0)


async def test_missing_tokens_are_counted_and_what_is_possible_is_told(shelf: list[CatalogModel]) -> None:
    shelf.append(a_model())
    refusal = InsufficientTokens(balance=Decimal("2.50"), needed=Decimal("6.00"))
    text = visible(await refusal_words(Words("ru"), refusal, MODEL, images=0))
    assert "Не хватает 3,50 ⚡" in text and "Нужно 6 ⚡, на балансе 2,50 ⚡" in text
    assert "На 2,50 ⚡ можно сделать:" in text and "Painter: 3 картинки по 0,80 ⚡" in text


async def test_an_empty_balance_is_not_told_of_possibilities(shelf: list[CatalogModel]) -> None:
    shelf.append(a_model())
    refusal = InsufficientTokens(balance=Decimal(0), needed=Decimal("0.80"))
    text = visible(await refusal_words(Words("en"), refusal, MODEL, images=0))
    assert text == "You are 0.80 ⚡ short.\n\nIt costs 0.80 ⚡, your balance is 0 ⚡."
