"""Prices before and after an edit, and the order that changes most."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.catalog import CatalogModel
from core.pricing import quote
from core.pricing.checks import least_tokens
from core.pricing.comparison import compare_model, compare_settings, margin
from core.pricing.fields import InvalidPrice
from tests.core.pricing.test_quotes import GENERATION, IMAGE, QUANTITY, model

SIZE: dict[str, Any] = {"size": {"enum": ["1K", "4K"], "default": "1K"}}


def priced(cost: str, factor: str = "2", **changes: Any) -> CatalogModel:
    """A model whose 4K has a factor."""
    return model(cost, GENERATION, SIZE, {"size": {"4K": Decimal(factor)}}, **changes)


def test_rows_say_how_much_each_order_changes() -> None:
    found = compare_model(priced("0.10"), priced("0.11", "1.5"))
    assert [(row.label, str(row.before.tokens), str(row.after.tokens), str(row.percent)) for row in found.rows] == [
        ("defaults", "4.00", "4.40", "10.0"),
        ("size 4K", "8.00", "6.60", "-17.5"),
    ]
    assert (found.largest.label, str(found.largest_percent)) == ("size 4K", "17.5")


@pytest.mark.parametrize(
    ("after", "limit", "exceeds"),
    [("0.13", 30, False), ("0.1301", 30, True), ("0.07", 30, False), ("0.0699", 30, True), ("0.2", 100, False)],
)
def test_exactly_the_limit_is_not_more_than_it(after: str, limit: int, exceeds: bool) -> None:
    assert compare_model(priced("0.10"), priced(after)).exceeds(limit) is exceeds


@pytest.mark.parametrize(
    ("before", "after", "is_absurd"),
    [("0.10", "99.99", False), ("0.10", "100", True), ("100", "0.11", False), ("100", "0.1", True)],
)
def test_a_thousand_times_is_absurd_in_both_directions(before: str, after: str, is_absurd: bool) -> None:
    if is_absurd:
        with pytest.raises(InvalidPrice, match="a thousand times as much or as little"):
            compare_model(priced(before), priced(after))
    else:
        assert compare_model(priced(before), priced(after)).rows


def test_one_absurd_order_among_many_is_enough() -> None:
    with pytest.raises(InvalidPrice, match=r"some-model: 4\.00 would become 4000\.00 tokens"):
        compare_model(priced("0.10", "1"), priced("0.10", "1000"))


def test_a_price_that_cannot_be_made_any_more_is_refused() -> None:
    before = model("0.1", GENERATION, {"quantity": {"enum": ["few", "many"], "default": "few"}})
    with pytest.raises(InvalidPrice, match="has to be a number"):
        compare_model(before, replace(before, cost_unit=IMAGE))


def test_a_model_without_any_valid_order_cannot_be_compared() -> None:
    nothing = model("0.1", GENERATION, params_schema={"type": "object", "required": ["x"]})
    with pytest.raises(InvalidPrice, match="no order of it is valid"):
        compare_model(nothing, replace(nothing, base_cost_usd=Decimal("0.2")))


def test_after_an_edit_of_the_settings_every_model_is_shown_once_and_all_orders_count() -> None:
    models = [priced("0.10", slug="one"), model("0.0001", IMAGE, {"quantity": QUANTITY}, slug="tiny")]
    found = compare_settings([(before, replace(before, markup=Decimal("2.6"))) for before in models])
    assert [(row.model, row.label) for row in found.rows] == [("one", "defaults"), ("tiny", "defaults")]
    # A hundredth is the least step of a tiny price: 0.01 may become 0.02.
    assert found.largest.model in ("one", "tiny")
    assert found.exceeds(29)


def test_without_models_the_settings_cannot_be_compared() -> None:
    with pytest.raises(InvalidPrice, match="settings"):
        compare_settings([])


@pytest.mark.parametrize(("markup", "percent"), [("2", "50.0"), ("1", "0.0"), ("4", "75.0"), ("3", "66.7")])
def test_the_margin_is_what_is_left_of_the_price(markup: str, percent: str) -> None:
    assert str(margin(quote(model("0.1", GENERATION, markup=Decimal(markup))))) == percent


@given(before=st.decimals("0.01", "1", places=4), after=st.decimals("0.01", "1", places=4))
@hypothesis_settings(deadline=None, database=None)
def test_the_largest_change_is_at_least_that_of_every_row(before: Decimal, after: Decimal) -> None:
    found = compare_model(priced(str(before)), priced(str(after)))
    assert all(abs(row.percent) <= found.largest_percent for row in found.rows)
    assert found.exceeds(0) is (found.largest.before.tokens != found.largest.after.tokens)


def test_what_a_price_has_to_be_at_least_is_not_rounded() -> None:
    price = quote(priced("0.00015", "1.5"), {"size": "4K"})
    assert least_tokens(price) == Decimal("0.00015") * Decimal("1.5") * 40
