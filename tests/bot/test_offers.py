"""The catalogue in words: prices, options, and what a balance pays for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bot import keyboards, offers
from bot.buttons import LONGEST, Button, Pressed, button
from bot.texts import Words
from core import catalog
from core.catalog import CatalogModel, CostUnit, InputSlot, Route
from core.storage import StoredFile
from core.types import UserId
from core.users import User
from providers.base import MediaKind, MediaRole

EN, RU = Words("en"), Words("ru")
SIZE = {"type": "string", "enum": ["1K", "4K"], "default": "1K", "x-label": {"ru": "Разрешение", "en": "Resolution"}}
SOUND = {
    "type": "boolean",
    "default": False,
    "x-label": {"ru": "Звук", "en": "Sound"},
    "x-labels": {"true": {"ru": "со звуком", "en": "with sound"}, "false": {"ru": "без звука", "en": "silent"}},
}
MIA = User(UserId(1), 7, "Mia", "", "en", False, None)


def a_model(slug: str = "painter", **changes: Any) -> CatalogModel:
    """A model at 0.80 ⚡; keywords are its fields, `options` the properties of its schema."""
    options = changes.pop("options", {"image_size": SIZE, "sound": SOUND})
    schema = {"type": "object", "additionalProperties": False, "properties": options}
    model = CatalogModel(
        id=1,
        slug=slug,
        display_name=slug.title(),
        kind=MediaKind.IMAGE,
        purpose={"ru": "рисует <быстро>", "en": "draws <fast>"},
        base_cost_usd=Decimal("0.02"),
        cost_unit=CostUnit.GENERATION,
        option_factors={"image_size": {"4K": Decimal("1.8")}},
        params_schema=schema,
        routes=(Route("demo", "x"),),
        max_prompt_length=100,
        inputs=(InputSlot(MediaRole.IMAGE, 2),),
        follow_ups=(),
        cooldown_seconds=0,
        daily_limit=None,
        typical_seconds=15,
        deadline_seconds=60,
        is_active=True,
        is_listed=True,
        order=1,
        retires_at=None,
        successor=None,
        rate=Decimal(20),
        markup=Decimal(2),
    )
    return replace(model, **changes)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> list[CatalogModel]:
    """The models on offer; tests put them there."""
    models: list[CatalogModel] = []

    async def on_offer(*, kind: MediaKind | None = None, only_available: bool = True) -> Sequence[CatalogModel]:
        return [model for model in models if kind in {None, model.kind}]

    monkeypatch.setattr(catalog, "models", on_offer)
    return models


def test_every_value_of_an_option_has_its_price() -> None:
    size, sound = offers.options(EN, a_model(), {})
    assert (size.label, size.changes_price) == ("Resolution", True)
    assert [(choice.label, choice.price, choice.is_chosen) for choice in size.choices] == [
        ("1K", Decimal("0.80"), True),
        ("4K", Decimal("1.44"), False),
    ]
    assert (sound.label, sound.changes_price) == ("Sound", False)
    assert [choice.label for choice in sound.choices] == ["silent", "with sound"]


def test_prices_of_one_option_count_the_others_in() -> None:
    model = a_model(
        options={"image_size": SIZE, "quantity": {"type": "integer", "minimum": 1, "maximum": 2, "default": 1}},
        cost_unit=CostUnit.IMAGE,
    )
    _, quantity = offers.options(EN, model, {"image_size": "4K"})
    assert [choice.price for choice in quantity.choices] == [Decimal("1.44"), Decimal("2.88")]


def test_options_speak_the_language() -> None:
    size, sound = offers.options(RU, a_model(), {})
    assert size.label == "Разрешение" and [choice.label for choice in sound.choices] == ["без звука", "со звуком"]


def test_an_option_without_default_can_be_left_to_the_model() -> None:
    [ratio] = offers.options(EN, a_model(options={"aspect_ratio": {"type": "string", "enum": ["1:1", "2:3"]}}), {})
    assert [(choice.value, choice.is_chosen) for choice in ratio.choices] == [
        (None, True),
        ("1:1", False),
        ("2:3", False),
    ]


def test_a_wide_range_is_offered_in_a_few_stops_and_its_default() -> None:
    schema = {"type": "integer", "minimum": 0, "maximum": 1000, "multipleOf": 10, "default": 200}
    [option] = offers.options(Words("en"), a_model(options={"style": schema}), {})
    assert [choice.value for choice in option.choices] == [0, 200, 250, 500, 750, 1000]
    assert [choice.value for choice in option.choices if choice.is_chosen] == [200]


def test_what_does_not_go_with_a_choice_gives_way() -> None:
    model = a_model(options={"mode": {"enum": ["std", "pro"], "default": "std"}, "sound": SOUND})
    needs_pro = {
        "if": {"properties": {"sound": {"const": True}}, "required": ["sound"]},
        "then": {"properties": {"mode": {"const": "pro"}}},
    }
    model = replace(model, params_schema={**model.params_schema, **needs_pro})
    assert offers.with_choice(model, {"mode": "std"}, "sound", True) == {"mode": "pro", "sound": True}
    assert offers.with_choice(model, {"mode": "pro", "sound": True}, "mode", "std") == {"mode": "std", "sound": False}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "default": "x"},
        {"type": "string", "enum": ["only"], "default": "only"},
        {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
    ],
)
def test_options_that_no_buttons_can_show_keep_their_default(schema: dict[str, Any]) -> None:
    assert offers.options(EN, a_model(options={"strange": schema}), {}) == []


def test_options_that_a_model_no_longer_takes_are_left_out() -> None:
    model = a_model()
    assert offers.known_params(model, {"image_size": "4K", "gone": 1}) == {"image_size": "4K"}
    assert offers.known_params(model, {"image_size": "8K", "sound": True}) == {"sound": True}
    assert offers.price_of(model, {"image_size": "8K"}) == Decimal("0.80")


def test_an_option_that_is_left_out_leaves_the_others_their_price() -> None:
    assert offers.price_of(a_model(), {"image_size": "4K", "gone": 1}) == Decimal("1.44")
    assert offers.price_of(a_model(), {"image_size": "4K", "sound": "loud"}) == Decimal("1.44")


def test_chosen_options_are_told_in_short() -> None:
    model = a_model()
    told = offers.params_words(EN, model, {"image_size": "4K", "sound": True, "quantity": 1, "duration": 5, "x": None})
    assert told == " · 4K · with sound · 5 s"
    assert offers.params_words(RU, None, {"quantity": 3, "sound": True, "loop": False}) == " · × 3 · sound"


def test_an_option_that_a_photo_decides_is_not_offered_beside_it() -> None:
    ratio = {"type": "string", "enum": ["16:9", "9:16"], "x-without": ["start"], "x-label": {"en": "Format"}}
    model = a_model(options={"image_size": SIZE, "aspect_ratio": ratio}, inputs=(InputSlot(MediaRole.START, 1),))
    both, photo = offers.options(EN, model, {}), StoredFile("uploads/1/a.jpg", "image/jpeg", 900, 64, 48)
    assert offers.meaningful(both, model, ()) == tuple(both)
    assert [option.name for option in offers.meaningful(both, model, (photo,))] == ["image_size"]


@pytest.mark.parametrize(("duration", "told"), [((8,), "Duration: 8 s"), ((5, 10), "Duration: 5 s / 10 s")])
def test_a_length_that_an_input_needs_is_told_in_seconds(duration: tuple[int, ...], told: str) -> None:
    model = a_model(options={"duration": {"type": "integer", "enum": [5, 8, 10], "x-label": {"en": "Duration, s"}}})
    assert offers.required_words(EN, model, {"duration": duration}) == told


def test_prices_name_their_unit() -> None:
    clip = a_model(
        kind=MediaKind.VIDEO,
        cost_unit=CostUnit.SECOND,
        options={"duration": {"type": "integer", "enum": [5, 10], "default": 5}},
    )
    assert offers.price_words(EN, a_model(cost_unit=CostUnit.IMAGE)) == "0.80 ⚡ per picture"
    assert offers.price_words(EN, a_model()) == "0.80 ⚡", "an order may make four pictures for one price"
    assert offers.price_words(EN, clip) == "4 ⚡ for 5 s"
    assert offers.price_words(EN, replace(clip, params_schema={}, cost_unit=CostUnit.GENERATION)) == "0.80 ⚡"
    assert offers.price_words(EN, a_model(cost_unit=CostUnit.SECOND)) == "0.80 ⚡"


def test_a_purpose_is_escaped_and_may_be_missing() -> None:
    assert offers.purpose(EN, a_model()) == "draws &lt;fast&gt;"
    assert offers.purpose(EN, a_model(purpose={})) == ""


async def test_a_balance_pays_for_whole_orders_only(shelf: list[CatalogModel]) -> None:
    shelf += [a_model(), a_model("master", base_cost_usd=Decimal("0.15")), a_model("gift", base_cost_usd=Decimal(0))]
    assert [(model.slug, count) for model, count in await offers.affordable(Decimal("7.99"))] == [
        ("painter", 9),
        ("master", 1),
    ]
    assert await offers.affordable(Decimal("0.79")) == []
    lines = offers.affordable_words(EN, await offers.affordable(Decimal("6.00")))
    assert lines == ["Painter: 7 pictures at 0.80 ⚡", "Master: 1 picture at 6 ⚡"]


async def test_the_preferred_model_draws(shelf: list[CatalogModel]) -> None:
    shelf += [a_model("first"), a_model("second")]
    assert await slug_of(MIA) == "first"
    assert await slug_of(replace(MIA, preferred_model="second")) == "second"
    assert await slug_of(replace(MIA, preferred_model="gone")) == "first"


async def test_photos_go_to_a_model_that_takes_so_many_or_most(shelf: list[CatalogModel]) -> None:
    shelf += [a_model("words", inputs=()), a_model("two"), a_model("five", inputs=(InputSlot(MediaRole.IMAGE, 5),))]
    assert [await slug_of(MIA, images) for images in (0, 1, 3, 9)] == ["words", "two", "five", "five"]
    assert await slug_of(replace(MIA, preferred_model="five"), 1) == "five"


async def test_words_alone_never_go_to_a_model_that_needs_a_photo(shelf: list[CatalogModel]) -> None:
    shelf += [a_model("editor", inputs=(InputSlot(MediaRole.IMAGE, 1, 1),))]
    assert await slug_of(MIA) is None
    assert await slug_of(MIA, 1) == "editor"


async def test_photos_are_animated_by_a_video_model_that_takes_them(shelf: list[CatalogModel]) -> None:
    shelf += [a_model("still"), a_model("words", kind=MediaKind.VIDEO, inputs=())]
    assert await offers.animator(MIA) is None
    shelf += [a_model("mover", kind=MediaKind.VIDEO)]
    mover = await offers.animator(MIA)
    assert mover is not None and mover.slug == "mover"


async def slug_of(user: User, images: int = 0) -> str | None:
    model = await offers.image_model(user, images=images)
    return model.slug if model else None


def test_a_card_holds_a_button_for_every_choice() -> None:
    model = a_model(options={"image_size": SIZE, "ratio": {"type": "string", "enum": [f"{n}:1" for n in range(1, 8)]}})
    keyboard = keyboards.card(EN, model, offers.options(EN, model, {"ratio": "2:1"}))
    rows = [[button.text for button in row] for row in keyboard.inline_keyboard]
    assert rows == [
        ["✓ 1K · 0.80 ⚡", "4K · 1.44 ⚡"],
        ["auto", "1:1", "✓ 2:1", "3:1", "4:1"],
        ["5:1", "6:1", "7:1"],
        ["‹ All models"],
    ]


def test_the_longest_slug_and_run_code_fit_button_data() -> None:
    model = a_model("s" * 50)
    for row in keyboards.card(EN, model, offers.options(EN, model, {})).inline_keyboard:
        for one in row:
            assert len((one.callback_data or "").encode()) <= LONGEST
    assert len((button("x", Button.AGAIN, "f" * 32).callback_data or "").encode()) <= LONGEST


def test_button_data_over_the_limit_is_a_defect() -> None:
    with pytest.raises(ValueError, match="longer than 64 bytes"):
        button("x", Button.PICK, "s" * 70)


def test_kinds_of_buttons_are_told_apart() -> None:
    assert len({kind.value for kind in Button}) == len(Button)
    assert all(":" not in kind.value for kind in Button)


@pytest.mark.parametrize(
    ("data", "arguments"),
    [("p:a", ["a"]), ("p:", [""]), ("p", None), ("p:a:b", None), ("q:a", None), (None, None)],
)
async def test_a_press_is_known_by_its_kind_and_number_of_arguments(
    data: str | None, arguments: list[str] | None
) -> None:
    query = type("Query", (), {"data": data})()
    found = await Pressed(Button.PICK, 1)(query)
    assert found == ({"arguments": arguments} if arguments else False)


def test_the_menu_is_recognized_in_every_language() -> None:
    assert keyboards.menu_texts("button-balance") == {"⚡ Баланс", "⚡ Balance"}
    assert not any(button.web_app for row in keyboards.menu(EN).keyboard for button in row)


def test_long_labels_are_cut() -> None:
    assert keyboards.shortened("x" * 41) == "x" * 39 + "…"
    assert keyboards.shortened("x" * 40) == "x" * 40


def test_of_many_models_that_a_balance_pays_for_a_few_of_each_kind_are_named() -> None:
    pictures = [(a_model(f"painter-{n}"), n + 1) for n in range(5)]
    videos = [(a_model(f"mover-{n}", kind=MediaKind.VIDEO), 1) for n in range(2)]
    told = "\n".join(offers.affordable_words(EN, [*pictures, *videos]))
    assert [name for name in ("Painter-0", "Painter-2", "Mover-0", "Mover-1") if name in told] == [
        "Painter-0",
        "Painter-2",
        "Mover-0",
        "Mover-1",
    ]
    assert "Painter-3" not in told and len(told.splitlines()) == 5
