"""Prices: the worked examples, rounding, factors, and options that are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.catalog import CatalogModel, CostUnit, Route
from core.pricing import Factor, InvalidParams, quote, validate
from providers.base import Json, MediaKind

QUANTITY = {"type": "integer", "minimum": 1, "maximum": 4, "default": 1}
DURATION = {"type": "integer", "enum": [3, 5, 8, 10, 15], "default": 5}


def model(
    cost: str = "0.02",
    unit: CostUnit = CostUnit.IMAGE,
    options: Mapping[str, Any] | None = None,
    factors: Mapping[str, Mapping[str, Decimal]] | None = None,
    **changes: Any,
) -> CatalogModel:
    """A model of this price; keywords are fields of `CatalogModel`."""
    values: dict[str, Any] = {
        "id": 1,
        "slug": "some-model",
        "display_name": "Some Model",
        "kind": MediaKind.IMAGE,
        "purpose": {"ru": "", "en": ""},
        "params_schema": {"type": "object", "additionalProperties": False, "properties": dict(options or {})},
        "routes": (Route("demo", "demo"),),
        "max_prompt_length": 4000,
        "max_input_images": 0,
        "needs_input_image": False,
        "cooldown_seconds": 0,
        "daily_limit": None,
        "typical_seconds": 10,
        "deadline_seconds": 100,
        "is_active": True,
        "order": 1,
        "retires_at": None,
        "successor": None,
        "rate": Decimal("20"),
        "markup": Decimal("2"),
    }
    return CatalogModel(
        **{**values, **changes}, base_cost_usd=Decimal(cost), cost_unit=unit, option_factors=factors or {}
    )


IMAGE, SECOND, GENERATION = CostUnit.IMAGE, CostUnit.SECOND, CostUnit.GENERATION

WORKED_EXAMPLES = [
    ("nano-banana", "0.0200", IMAGE, {}, "0.0200", "0.80"),
    ("nano-banana-pro", "0.1500", GENERATION, {}, "0.1500", "6.00"),
    ("nano-banana-pro", "0.1500", GENERATION, {"quantity": 4}, "0.1500", "6.00"),
    ("gpt-image-1", "0.0400", IMAGE, {"quantity": 1}, "0.0400", "1.60"),
    ("gpt-image-1", "0.0400", IMAGE, {"quantity": 2}, "0.0800", "3.20"),
    ("gpt-image-1", "0.0400", IMAGE, {"quantity": 4}, "0.1600", "6.40"),
    ("midjourney-v7-fast", "0.0400", IMAGE, {}, "0.0400", "1.60"),
    ("veo3-fast", "0.0500", SECOND, {"duration": 8}, "0.4000", "16.00"),
    ("sora2", "0.0200", SECOND, {"duration": 8}, "0.1600", "6.40"),
    ("sora2", "0.0200", SECOND, {"duration": 10}, "0.2000", "8.00"),
    ("sora2", "0.0200", SECOND, {"duration": 15}, "0.3000", "12.00"),
    ("kling-v2-5-turbo", "0.0420", SECOND, {"duration": 5}, "0.2100", "8.40"),
    ("kling-v2-5-turbo", "0.0420", SECOND, {"duration": 10}, "0.4200", "16.80"),
    ("kling-v2-5-turbo-pro", "0.0700", SECOND, {"duration": 5}, "0.3500", "14.00"),
    ("kling-v2-5-turbo-pro", "0.0700", SECOND, {"duration": 10}, "0.7000", "28.00"),
    ("kling-v2-6", "0.0550", SECOND, {"duration": 5}, "0.2750", "11.00"),
    ("kling-v2-6", "0.0550", SECOND, {"duration": 10}, "0.5500", "22.00"),
    ("kling-v2-6 + sound", "0.0700", SECOND, {"duration": 5}, "0.3500", "14.00"),
    ("kling-v2-6 + sound", "0.0700", SECOND, {"duration": 10}, "0.7000", "28.00"),
    ("kling-v2-1 std", "0.0400", SECOND, {"duration": 5}, "0.2000", "8.00"),
    ("kling-v2-1 pro", "0.0700", SECOND, {"duration": 5}, "0.3500", "14.00"),
    ("kling-v2-1 master", "0.1600", SECOND, {"duration": 5}, "0.8000", "32.00"),
    ("kling_O1", "0.1000", SECOND, {"duration": 3}, "0.3000", "12.00"),
    ("kling_O1", "0.1000", SECOND, {"duration": 5}, "0.5000", "20.00"),
    ("kling_O1", "0.1000", SECOND, {"duration": 10}, "1.0000", "40.00"),
    ("runway_gen4", "0.0200", SECOND, {"duration": 5}, "0.1000", "4.00"),
    ("runway_gen4", "0.0200", SECOND, {"duration": 10}, "0.2000", "8.00"),
    ("runway_aleph", "0.5000", GENERATION, {}, "0.5000", "20.00"),
    ("midjourney-video", "0.0150", SECOND, {"duration": 5}, "0.0750", "3.00"),
    ("gemini-2.5-pro", "0.0100", GENERATION, {}, "0.0100", "0.40"),
]


@pytest.mark.parametrize(("slug", "cost", "unit", "params", "usd", "tokens"), WORKED_EXAMPLES)
def test_a_worked_example_holds(
    slug: str, cost: str, unit: CostUnit, params: dict[str, Json], usd: str, tokens: str
) -> None:
    price = quote(model(cost, unit, {"quantity": QUANTITY, "duration": DURATION}, slug=slug), params)
    assert (price.model, str(price.usd), str(price.tokens)) == (slug, usd, tokens)


def test_a_price_carries_everything_that_it_was_made_from() -> None:
    options = {"image_size": {"enum": ["1K", "4K"], "default": "1K"}, "quantity": QUANTITY}
    factors = {"image_size": {"4K": Decimal("1.8")}}
    price = quote(model("0.15", IMAGE, options, factors), {"image_size": "4K", "quantity": 2})
    assert price.params == {"image_size": "4K", "quantity": 2}
    assert (price.units, price.unit, price.unit_cost_usd) == (2, IMAGE, Decimal("0.15"))
    assert (price.rate, price.markup) == (Decimal(20), Decimal(2))
    assert price.factors == (Factor("image_size", "4K", Decimal("1.8")),)
    assert (price.usd, price.tokens) == (Decimal("0.5400"), Decimal("21.60"))


def test_what_is_stored_holds_money_as_strings_and_survives_json() -> None:
    options = {"image_size": {"enum": ["1K", "4K"], "default": "4K"}}
    price = quote(model("0.15", GENERATION, options, {"image_size": {"4K": Decimal("1.8")}}))
    stored = json.loads(json.dumps(price.to_dict()))
    assert stored == {
        "model": "some-model",
        "params": {"image_size": "4K"},
        "tokens": "10.80",
        "usd": "0.2700",
        "units": 1,
        "unit": "generation",
        "unit_cost_usd": "0.15",
        "rate": "20",
        "markup": "2",
        "factors": [{"option": "image_size", "value": "4K", "factor": "1.8"}],
    }


class TestRounding:
    """Half up, first USD to four places, then tokens to two."""

    @pytest.mark.parametrize(
        ("cost", "factor", "usd", "tokens"),
        [
            ("0.0001", "0.5", "0.0001", "0.01"),  # 0.00005 rounds up to 0.0001; 0.0040 tokens are the least
            ("0.0001", "0.4", "0.0001", "0.01"),  # 0.00004 would round down to nothing
            ("0.0003", "0.5", "0.0002", "0.01"),  # 0.00015 up to 0.0002; 0.008 up to 0.01
            ("0.0201", "1.5", "0.0302", "1.21"),  # 0.03015 up; 1.208 up
            ("0.0005", "0.25", "0.0001", "0.01"),
        ],
    )
    def test_both_roundings_are_half_up(self, cost: str, factor: str, usd: str, tokens: str) -> None:
        options = {"mode": {"enum": ["x"], "default": "x"}}
        price = quote(model(cost, GENERATION, options, {"mode": {"x": Decimal(factor)}}))
        assert (str(price.usd), str(price.tokens)) == (usd, tokens)

    def test_a_half_of_the_smallest_token_is_charged(self) -> None:
        price = quote(model("0.0001", GENERATION, rate=Decimal("50"), markup=Decimal("1")))
        assert str(price.tokens) == "0.01"

    @pytest.mark.parametrize(
        ("rate", "markup", "tokens"), [("20", "2", "0.80"), ("20", "1", "0.40"), ("33.3333", "1.5", "1.00")]
    )
    def test_rate_and_markup_multiply_the_cost(self, rate: str, markup: str, tokens: str) -> None:
        assert str(quote(model("0.02", rate=Decimal(rate), markup=Decimal(markup))).tokens) == tokens


class TestFactors:
    """Options that cost the provider more cost the user more."""

    OPTIONS: ClassVar[dict[str, Any]] = {
        "image_size": {"enum": ["1K", "2K", "4K"], "default": "1K"},
        "sound": {"type": "boolean", "default": False},
        "speed": {"type": "integer", "enum": [1, 2], "default": 1},
    }
    FACTORS: ClassVar[dict[str, Any]] = {
        "image_size": {"4K": Decimal("1.8")},
        "sound": {"true": Decimal("1.2")},
        "speed": {"2": Decimal("2")},
    }

    @pytest.mark.parametrize(
        ("params", "tokens"),
        [
            ({}, "4.00"),
            ({"image_size": "2K"}, "4.00"),
            ({"image_size": "4K"}, "7.20"),
            ({"sound": True}, "4.80"),
            ({"sound": False}, "4.00"),
            ({"speed": 2}, "8.00"),
            ({"image_size": "4K", "sound": True, "speed": 2}, "17.28"),
        ],
    )
    def test_they_multiply(self, params: dict[str, Json], tokens: str) -> None:
        assert str(quote(model("0.1", GENERATION, self.OPTIONS, self.FACTORS), params).tokens) == tokens

    def test_one_for_a_default_is_applied_without_being_asked_for(self) -> None:
        factors = {"image_size": {"1K": Decimal("0.5")}}
        assert str(quote(model("0.1", GENERATION, self.OPTIONS, factors)).tokens) == "2.00"

    def test_one_for_an_option_that_was_not_chosen_is_not_applied(self) -> None:
        options = {"seed": {"type": "integer"}}
        assert quote(model("0.1", GENERATION, options, {"seed": {"None": Decimal(9)}})).factors == ()


class TestOptions:
    """What fits a model's schema and what does not."""

    OPTIONS: ClassVar[dict[str, Any]] = {
        "aspect_ratio": {"type": "string", "enum": ["1:1", "16:9"]},
        "quantity": QUANTITY,
        "sound": {"type": "boolean", "default": False},
        "strength": {"type": "number", "minimum": 0, "maximum": 1},
    }

    def problems(self, params: dict[str, Any]) -> dict[str, str]:
        with pytest.raises(InvalidParams) as refusal:
            quote(model(options=self.OPTIONS), params)
        return {problem.param: problem.message for problem in refusal.value.problems}

    def test_defaults_are_filled_in_in_the_schemas_order(self) -> None:
        filled = validate(model(options=self.OPTIONS), {"strength": 0.5, "aspect_ratio": "1:1"})
        assert list(filled.items()) == [
            ("aspect_ratio", "1:1"),
            ("quantity", 1),
            ("sound", False),
            ("strength", 0.5),
        ]

    def test_an_option_without_a_default_stays_away(self) -> None:
        assert "aspect_ratio" not in quote(model(options=self.OPTIONS)).params

    def test_what_was_given_is_not_changed(self) -> None:
        given: dict[str, Json] = {"quantity": 2}
        quote(model(options=self.OPTIONS), given)
        assert given == {"quantity": 2}

    def test_an_unknown_option_is_named_beside_the_known_ones(self) -> None:
        assert self.problems({"size": "big"}) == {
            "size": "some-model has no such option; it has: aspect_ratio, quantity, sound, strength"
        }

    def test_a_model_without_options_says_so(self) -> None:
        with pytest.raises(InvalidParams, match="it has: none"):
            quote(model(), {"size": "big"})

    @pytest.mark.parametrize(
        ("param", "value"),
        [
            ("aspect_ratio", "4:3"),
            ("aspect_ratio", 1),
            ("aspect_ratio", None),
            ("aspect_ratio", ["1:1"]),
            ("quantity", 0),
            ("quantity", 5),
            ("quantity", -1),
            ("quantity", "2"),
            ("quantity", 1.5),
            ("quantity", True),
            ("quantity", None),
            ("sound", 1),
            ("sound", "true"),
            ("strength", 1.01),
            ("strength", True),
            ("strength", float("inf")),
            ("strength", "0.5"),
        ],
    )
    def test_a_value_that_does_not_fit_is_refused_by_name(self, param: str, value: Any) -> None:
        assert list(self.problems({param: value})) == [param]

    def test_every_problem_is_named_at_once(self) -> None:
        assert set(self.problems({"quantity": 9, "sound": "loud", "size": 1, "colour": 2})) == {
            "quantity",
            "sound",
            "colour, size",
        }

    def test_the_refusal_reads_as_a_sentence(self) -> None:
        with pytest.raises(InvalidParams, match=r"quantity: 9 is greater than the maximum of 4"):
            quote(model(options=self.OPTIONS), {"quantity": 9})

    def test_a_whole_number_that_arrives_as_a_fraction_is_counted(self) -> None:
        price = quote(model(options=self.OPTIONS), {"quantity": 3.0})
        assert (price.units, str(price.tokens)) == (3, "2.40")

    @pytest.mark.parametrize("duration", [{"enum": [3, 5]}, {"type": "integer"}, {"type": "number"}])
    def test_seconds_are_paid_whatever_kind_of_number_they_come_as(self, duration: dict[str, Any]) -> None:
        assert quote(model("0.02", SECOND, {"duration": duration}), {"duration": 5.0}).units == 5

    def test_a_second_that_was_begun_is_paid(self) -> None:
        assert quote(model("0.02", SECOND, {"duration": {"type": "number"}}), {"duration": 4.2}).units == 5

    def test_a_whole_number_is_sent_to_the_provider_as_one(self) -> None:
        sent = quote(model("0.02", SECOND, {"duration": {"enum": [3, 5]}}), {"duration": 5.0}).params["duration"]
        assert (sent, type(sent)) == (5, int)

    @pytest.mark.parametrize("value", ["5", True, None])
    def test_what_is_paid_by_has_to_be_a_number(self, value: Json) -> None:
        with pytest.raises(InvalidParams, match="paid by it"):
            quote(model("0.02", SECOND, {"duration": {"enum": ["5", True, None]}}), {"duration": value})

    def test_not_a_number_is_refused(self) -> None:
        assert list(self.problems({"strength": float("nan")})) == ["strength"]

    def test_required_options_that_are_missing_are_named(self) -> None:
        schema = {
            "type": "object",
            "properties": {"duration": {"type": "integer"}, "mode": {"enum": ["std"]}},
            "required": ["mode", "duration"],
            "additionalProperties": False,
        }
        with pytest.raises(InvalidParams) as refusal:
            quote(model(params_schema=schema), {})
        assert [problem.param for problem in refusal.value.problems] == ["duration, mode"]


COSTS = st.decimals("0.0001", "20", places=4)
FACTORS = st.decimals("0.1", "9", places=2)


class TestProperties:
    """What holds for every price."""

    @given(cost=COSTS, quantity=st.integers(1, 3))
    @hypothesis_settings(deadline=None, database=None)
    def test_more_never_costs_less(self, cost: Decimal, quantity: int) -> None:
        offered = model(str(cost), IMAGE, {"quantity": QUANTITY})
        less, more = (quote(offered, {"quantity": number}) for number in (quantity, quantity + 1))
        assert less.tokens <= more.tokens
        assert less.usd < more.usd

    @given(cost=COSTS, small=FACTORS, large=FACTORS)
    @hypothesis_settings(deadline=None, database=None)
    def test_a_larger_factor_never_costs_less(self, cost: Decimal, small: Decimal, large: Decimal) -> None:
        small, large = sorted((small, large))
        options = {"size": {"enum": ["s", "l"], "default": "s"}}
        offered = model(str(cost), GENERATION, options, {"size": {"s": small, "l": large}})
        assert quote(offered, {"size": "s"}).tokens <= quote(offered, {"size": "l"}).tokens

    @given(cost=COSTS, rate=st.decimals("1", "100", places=4), markup=st.decimals("1", "5", places=3))
    @hypothesis_settings(deadline=None, database=None)
    def test_every_price_can_be_posted(self, cost: Decimal, rate: Decimal, markup: Decimal) -> None:
        price = quote(model(str(cost), rate=rate, markup=markup))
        assert price.tokens.as_tuple().exponent == -2
        assert price.usd.as_tuple().exponent == -4
        assert abs(price.tokens - cost * rate * markup) <= Decimal("0.005") or price.tokens == Decimal("0.01")

    @given(cost=COSTS, quantity=st.integers(1, 4))
    @hypothesis_settings(deadline=None, database=None)
    def test_the_same_order_always_costs_the_same(self, cost: Decimal, quantity: int) -> None:
        offered = model(str(cost), IMAGE, {"quantity": QUANTITY})
        assert quote(offered, {"quantity": quantity}) == quote(offered, {"quantity": quantity})
