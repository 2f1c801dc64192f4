"""Orders that differ in price: typical ones, every combination, and how many are too many."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.pricing import quote
from core.pricing.options import MOST_COMBINATIONS, combinations, priced_options, typical, unknown_factors, values_of
from tests.core.pricing.test_quotes import DURATION, GENERATION, IMAGE, QUANTITY, SECOND, model

SIZE = {"type": "string", "enum": ["1K", "2K", "4K"], "default": "1K"}
SOUND = {"type": "boolean", "default": False}


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (SIZE, ["1K", "2K", "4K"]),
        (SOUND, [False, True]),
        (QUANTITY, [1, 2, 3, 4]),
        ({"const": "x"}, ["x"]),
        ({"type": "integer", "minimum": 0, "maximum": 1000, "default": 200}, [0, 200, 1000]),
        ({"type": "integer", "minimum": 0, "maximum": 1000}, [0, 1000]),
        ({"type": "number", "minimum": 0, "maximum": 1, "default": 0.5}, [0, 0.5, 1]),
        ({"type": "integer", "minimum": 3}, [3]),
        ({"type": "integer"}, []),
        ({"type": "string"}, []),
        ({}, []),
    ],
)
def test_the_values_of_an_option_are_named_or_stand_for_its_range(schema: dict[str, Any], values: list[Any]) -> None:
    assert values_of(schema) == values


def test_only_options_that_the_price_depends_on_are_looked_at() -> None:
    options = {
        "ratio": {"enum": ["1:1"]},
        "size": SIZE,
        "quantity": QUANTITY,
        "mode": {"enum": ["a", "b"]},
        "sound": SOUND,
    }
    factors = {"size": {"4K": Decimal(2)}, "mode+sound": {"b+true": Decimal(2)}}
    assert priced_options(model("1", IMAGE, options, factors)) == ["size", "quantity", "mode", "sound"]
    assert priced_options(model("1", GENERATION, options)) == []


def test_typical_orders_are_the_defaults_and_one_step_from_them() -> None:
    found = typical(model("1", SECOND, {"duration": DURATION, "sound": SOUND}, {"sound": {"true": Decimal(2)}}))
    assert [order.label for order in found] == [
        *("defaults", "duration 3", "duration 8", "duration 10", "duration 15"),
        "sound true",
    ]


def test_what_is_priced_after_an_edit_is_typical_as_well() -> None:
    before = model("1", GENERATION, {"size": SIZE})
    after = model("1", GENERATION, {"size": SIZE}, {"size": {"4K": Decimal(2)}})
    assert [order.label for order in typical(before, after)] == ["defaults", "size 2K", "size 4K"]


def test_options_that_are_priced_together_are_shown_together() -> None:
    options = {"mode": {"enum": ["std", "pro"], "default": "std"}, "sound": SOUND}
    found = typical(model("1", GENERATION, options, {"mode+sound": {"pro+true": Decimal(2), "pro+loud": Decimal(3)}}))
    assert [order.label for order in found] == ["defaults", "mode pro", "sound true", "mode pro, sound true"]
    assert found[-1].params == {"mode": "pro", "sound": True}


def test_every_combination_comes_once() -> None:
    options = {"size": SIZE, "sound": SOUND, "quantity": QUANTITY}
    factors = {"size": {"4K": Decimal(2)}, "sound": {"true": Decimal(2)}}
    found = combinations(model("1", IMAGE, options, factors))
    assert (len(found.orders), found.is_complete) == (3 * 2 * 4, True)
    assert len({str(order) for order in found.orders}) == 24


def test_an_option_without_a_default_may_also_be_left_out() -> None:
    found = combinations(model("1", GENERATION, {"tail": {"enum": ["x"]}}, {"tail": {"x": Decimal(2)}}))
    assert found.orders == [{}, {"tail": "x"}]


def test_what_the_schema_forbids_together_is_no_order() -> None:
    schema = {
        "type": "object",
        "properties": {"mode": {"enum": ["std", "pro"], "default": "std"}, "sound": SOUND},
        "if": {"properties": {"sound": {"const": True}}},
        "then": {"properties": {"mode": {"const": "pro"}}},
    }
    factors = {"mode": {"pro": Decimal(2)}, "sound": {"true": Decimal(2)}}
    found = combinations(model("1", GENERATION, None, factors, params_schema=schema))
    assert {"mode": "std", "sound": True} not in found.orders
    assert len(found.orders) == 3
    assert [order.label for order in typical(model("1", GENERATION, None, factors, params_schema=schema))] == [
        "defaults",
        "mode pro",
    ]


def test_too_many_combinations_are_said_to_be_too_many() -> None:
    options = {f"o{n}": {"enum": list(range(10)), "default": 0} for n in range(4)}
    factors = {name: {"1": Decimal(2)} for name in options}
    found = combinations(model("1", GENERATION, options, factors))
    assert not found.is_complete
    assert len(found.orders) == 1 + 4 * 9 < MOST_COMBINATIONS


@pytest.mark.parametrize(
    ("factors", "unknown"),
    [
        ({"size": {"4K": Decimal(2)}}, []),
        ({"size": {"8K": Decimal(2)}}, [("size", "8K")]),
        ({"colour": {"red": Decimal(2)}}, [("colour", "red")]),
        ({"sound": {"True": Decimal(2)}}, [("sound", "True")]),
        ({"sound+size": {"true+4K": Decimal(2), "true+9K": Decimal(2)}}, [("sound+size", "true+9K")]),
        ({"quantity": {"each": Decimal(1)}}, []),
    ],
)
def test_factors_that_nobody_pays_are_named(factors: dict[str, Any], unknown: list[tuple[str, str]]) -> None:
    options = {"size": SIZE, "sound": SOUND, "quantity": QUANTITY}
    assert list(unknown_factors(model("1", GENERATION, options, factors))) == unknown


@given(
    sizes=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True),
    flag=st.booleans(),
    most=st.integers(1, 6),
)
@hypothesis_settings(deadline=None, database=None)
def test_every_combination_has_a_price(sizes: list[str], flag: bool, most: int) -> None:
    options: dict[str, Any] = {
        "size": {"enum": sizes},
        "sound": {"type": "boolean", **({"default": True} if flag else {})},
        "quantity": {"type": "integer", "minimum": 1, "maximum": most, "default": 1},
    }
    factors = {"size": {sizes[0]: Decimal("1.3")}, "sound": {"true": Decimal("1.1")}}
    offered = model("0.02", IMAGE, options, factors)
    found = combinations(offered)
    assert len(found.orders) == (len(sizes) + 1) * (2 if flag else 3) * most
    assert all(quote(offered, order).tokens > 0 for order in found.orders)
