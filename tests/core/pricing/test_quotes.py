"""Prices: the worked examples, rounding, factors, and options that are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.catalog import CatalogModel, CostUnit, Route
from core.pricing import Factor, InvalidParams, quote, validate
from core.pricing.quotes import name_of
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
        "inputs": (),
        "follow_ups": (),
        "cooldown_seconds": 0,
        "daily_limit": None,
        "typical_seconds": 10,
        "deadline_seconds": 100,
        "is_active": True,
        "is_listed": True,
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


STD_PRO = {"enum": ["std", "pro"], "default": "std"}
SOUND = {"type": "boolean", "default": False}

PREDECESSORS_CARRIERS = [
    # The predecessor had a model of its own for every price; here they are factors of one model.
    ("kling-v2-5-turbo", "0.0420", {"mode": {"pro": "1.6666666667"}}, {"mode": "std"}, "8.40", "16.80"),
    ("kling-v2-5-turbo", "0.0420", {"mode": {"pro": "1.6666666667"}}, {"mode": "pro"}, "14.00", "28.00"),
    ("kling-v2-6", "0.0550", {"sound": {"true": "1.2727272727"}}, {}, "11.00", "22.00"),
    ("kling-v2-6", "0.0550", {"sound": {"true": "1.2727272727"}}, {"sound": True}, "14.00", "28.00"),
    ("kling-v2-1", "0.0400", {"mode": {"pro": "1.75"}}, {}, "8.00", "16.00"),
    ("kling-v2-1", "0.0400", {"mode": {"pro": "1.75"}}, {"mode": "pro"}, "14.00", "28.00"),
    # The vendor asks for sound in pro only what it asks there, and in std nothing more.
    ("kling-v2-6", "0.0550", {"mode+sound": {"pro+true": "1.2727272727"}}, {"sound": True}, "11.00", "22.00"),
    (
        *("kling-v2-6", "0.0550", {"mode+sound": {"pro+true": "1.2727272727"}}),
        *({"sound": True, "mode": "pro"}, "14.00", "28.00"),
    ),
]


@pytest.mark.parametrize(("slug", "cost", "factors", "params", "five", "ten"), PREDECESSORS_CARRIERS)
def test_what_the_predecessor_had_models_for_are_factors(
    slug: str, cost: str, factors: dict[str, dict[str, str]], params: dict[str, Json], five: str, ten: str
) -> None:
    priced = {option: {value: Decimal(factor) for value, factor in named.items()} for option, named in factors.items()}
    offered = model(cost, SECOND, {"duration": DURATION, "mode": STD_PRO, "sound": SOUND}, priced, slug=slug)
    paid = [str(quote(offered, {**params, "duration": seconds}).tokens) for seconds in (5, 10)]
    assert paid == [five, ten]


@pytest.mark.parametrize(
    ("quality", "size", "usd", "tokens"),
    [
        ("low", "1024x1024", "0.0110", "0.44"),
        ("low", "1024x1536", "0.0160", "0.64"),
        ("medium", "1024x1024", "0.0420", "1.68"),
        ("medium", "1024x1536", "0.0630", "2.52"),
        ("high", "1024x1024", "0.1670", "6.68"),
        ("high", "1024x1536", "0.2500", "10.00"),
    ],
)
def test_a_price_list_of_two_options_is_met_to_the_cent(quality: str, size: str, usd: str, tokens: str) -> None:
    together = {
        "quality+size": {
            "low+1024x1024": Decimal("0.2619047619"),
            "low+1024x1536": Decimal("0.3809523810"),
            "medium+1024x1536": Decimal("1.5"),
            "high+1024x1024": Decimal("3.9761904762"),
            "high+1024x1536": Decimal("5.9523809524"),
        }
    }
    options = {
        "quality": {"enum": ["low", "medium", "high"], "default": "medium"},
        "size": {"enum": ["1024x1024", "1024x1536"], "default": "1024x1024"},
    }
    price = quote(model("0.0420", GENERATION, options, together), {"quality": quality, "size": size})
    assert (str(price.usd), str(price.tokens)) == (usd, tokens)


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

    def test_what_costs_us_nothing_is_free(self) -> None:
        price = quote(model("0", GENERATION))
        assert (str(price.usd), str(price.tokens)) == ("0.0000", "0.00")

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

    @pytest.mark.parametrize("fps", [60, 60.0])
    def test_a_number_is_named_as_json_writes_it(self, fps: float) -> None:
        options = {"fps": {"type": "number", "enum": [24, 60]}}
        assert str(quote(model("0.1", GENERATION, options, {"fps": {"60": Decimal(2)}}), {"fps": fps}).tokens) == "8.00"

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (True, "true"),
            (False, "false"),
            (1, "1"),
            (1.0, "1"),
            (0.5, "0.5"),
            (100.0, "100"),
            (None, "null"),
            ("x", "x"),
        ],
    )
    def test_a_value_has_one_name(self, value: Json, name: str) -> None:
        assert name_of(value) == name

    @pytest.mark.parametrize(("clips", "tokens"), [(1, "4.00"), (2, "8.00"), (4, "16.00")])
    def test_a_count_multiplies_whatever_the_unit_is(self, clips: int, tokens: str) -> None:
        offered = model("0.1", GENERATION, {"clips": QUANTITY}, {"clips": {"each": Decimal(1)}})
        price = quote(offered, {"clips": clips})
        assert (str(price.tokens), price.factors) == (tokens, (Factor("clips", str(clips), Decimal(clips)),))

    def test_a_count_and_seconds_multiply_each_other(self) -> None:
        options = {"clips": QUANTITY, "duration": DURATION}
        offered = model("0.05", SECOND, options, {"clips": {"each": Decimal("0.9")}})
        assert str(quote(offered, {"clips": 2, "duration": 10}).tokens) == "36.00"

    def test_a_number_that_has_a_factor_of_its_own_is_not_counted(self) -> None:
        factors = {"clips": {"each": Decimal(1), "4": Decimal(3)}}
        assert str(quote(model("0.1", GENERATION, {"clips": QUANTITY}, factors), {"clips": 4}).tokens) == "12.00"

    @pytest.mark.parametrize("value", ["x", True])
    def test_what_is_no_number_is_not_counted(self, value: Json) -> None:
        options = {"clips": {"enum": ["x", True]}}
        assert quote(model("0.1", GENERATION, options, {"clips": {"each": Decimal(5)}}), {"clips": value}).factors == ()

    def test_a_combination_multiplies_beside_what_each_does_alone(self) -> None:
        factors = {**self.FACTORS, "image_size+sound": {"4K+true": Decimal("0.5")}}
        offered = model("0.1", GENERATION, self.OPTIONS, factors)
        assert str(quote(offered, {"image_size": "4K", "sound": True}).tokens) == "4.32"
        assert str(quote(offered, {"image_size": "4K"}).tokens) == "7.20"

    def test_a_combination_with_an_option_that_was_left_out_is_none(self) -> None:
        options = {"a": {"enum": [1]}, "b": {"enum": [1]}}
        assert quote(model("0.1", GENERATION, options, {"a+b": {"1+1": Decimal(9)}}), {"a": 1}).factors == ()

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

    @given(
        cost=COSTS,
        factor=st.decimals("0.0001", "1", places=4),
        rate=st.decimals("0.0001", "50", places=4),
        seconds=st.sampled_from([3, 5, 8, 10, 15]),
    )
    @hypothesis_settings(deadline=None, database=None)
    def test_what_costs_something_is_never_free(
        self, cost: Decimal, factor: Decimal, rate: Decimal, seconds: int
    ) -> None:
        options = {"duration": DURATION, "size": {"enum": ["s"], "default": "s"}}
        price = quote(model(str(cost), SECOND, options, {"size": {"s": factor}}, rate=rate), {"duration": seconds})
        assert price.tokens >= Decimal("0.01")
        assert price.usd >= Decimal("0.0001")

    @given(cost=COSTS, factor=FACTORS, seconds=st.sampled_from([3, 5, 8, 10, 15]))
    @hypothesis_settings(deadline=None, database=None)
    def test_it_is_the_exact_product_rounded_half_up_twice(self, cost: Decimal, factor: Decimal, seconds: int) -> None:
        options = {"duration": DURATION, "size": {"enum": ["s"], "default": "s"}}
        price = quote(model(str(cost), SECOND, options, {"size": {"s": factor}}), {"duration": seconds})
        exact = Fraction(cost) * seconds * Fraction(factor)
        usd = Fraction(int(exact * 10_000 + Fraction(1, 2)), 10_000) or Fraction(1, 10_000)
        tokens = Fraction(int(usd * 40 * 100 + Fraction(1, 2)), 100) or Fraction(1, 100)
        assert (Fraction(price.usd), Fraction(price.tokens)) == (usd, tokens)

    @given(cost=COSTS, count=st.integers(1, 3))
    @hypothesis_settings(deadline=None, database=None)
    def test_a_count_never_makes_more_cost_less(self, cost: Decimal, count: int) -> None:
        offered = model(str(cost), GENERATION, {"clips": QUANTITY}, {"clips": {"each": Decimal(1)}})
        assert quote(offered, {"clips": count}).tokens <= quote(offered, {"clips": count + 1}).tokens

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
