"""The fields of a price: read, checked and applied, each in one form only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.catalog import CostUnit
from core.pricing.fields import InvalidPrice, applied, checked, fields_of, settings_of, text_of
from tests.core.pricing.test_quotes import DURATION, GENERATION, IMAGE, QUANTITY, model

OPTIONS: dict[str, Any] = {
    "size": {"enum": ["1K", "4K"], "default": "1K"},
    "fps": {"enum": [24, 59.94], "default": 24},
    "sound": {"type": "boolean", "default": False},
    "quantity": QUANTITY,
    "strength": {"type": "number", "minimum": 0.1, "maximum": 1},
    "style": {"type": "string"},
}
OFFERED = model("0.1500", GENERATION, OPTIONS, {"size": {"4K": Decimal("1.80")}})


@pytest.mark.parametrize(
    ("number", "text"),
    [("0.1500", "0.15"), ("20.0000", "20"), ("100", "100"), ("1E+2", "100"), ("0.0001", "0.0001"), ("0", "0")],
)
def test_a_number_has_one_text(number: str, text: str) -> None:
    assert text_of(Decimal(number)) == text


def test_the_fields_of_a_model_are_flat() -> None:
    assert fields_of(OFFERED) == {
        "base_cost_usd": "0.15",
        "cost_unit": "generation",
        "option_factors.size.4K": "1.8",
    }
    assert settings_of(Decimal("20.0000"), Decimal("2.000")) == {"usd_to_token_rate": "20", "markup_multiplier": "2"}


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("base_cost_usd", " 0.1500 ", "0.15"),
        ("base_cost_usd", "1000", "1000"),
        ("base_cost_usd", "0.0001", "0.0001"),
        ("base_cost_usd", "00.5", "0.5"),
        ("cost_unit", "image", "image"),
        ("option_factors.size.4K", "1.80", "1.8"),
        ("option_factors.size.4K", "1", None),
        ("option_factors.size.4K", "1.000", None),
        ("option_factors.size.4K", None, None),
        ("option_factors.gone.4K", None, None),
        ("option_factors.gone.4K", "1", None),
        ("option_factors.fps.59.94", "2", "2"),
        ("option_factors.sound.true", "1.2727272727", "1.2727272727"),
        ("option_factors.size+sound.4K+true", "1000", "1000"),
        ("option_factors.quantity.each", "0.5", "0.5"),
        ("option_factors.strength.each", "2", "2"),
        ("option_factors.quantity.4", "0.9", "0.9"),
        ("option_factors.style.noir", "1.1", "1.1"),
    ],
)
def test_a_value_is_kept_in_one_form(name: str, given: str | None, kept: str | None) -> None:
    assert checked(OFFERED, {name: given}) == {name: kept}


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("base_cost_usd", "0.00011", "more than 4 decimals"),
        ("base_cost_usd", "1000.0001", "above 1000"),
        ("base_cost_usd", "1,5", "is not a number such as 0.15"),
        ("base_cost_usd", "+1", "is not a number"),
        ("cost_unit", None, "none of"),
        ("cost_unit", "IMAGE", "none of"),
        ("option_factors.size.4K", "1.00000000001", "more than 10 decimals"),
        ("option_factors.size.4K", "1000.1", "above 1000"),
        ("option_factors.size.8K", "2", "size has no value 8K; it has: 1K, 4K"),
        ("option_factors.fps.60", "2", "it has: 24, 59.94"),
        ("option_factors.sound.True", "2", "it has: false, true"),
        ("option_factors.size+sound.4K", "2", r"it has: 1K\+false, 1K\+true, 4K\+false, 4K\+true"),
        ("option_factors.sound+size.4K+true", "2", r"it has: false\+1K"),
        ("option_factors.size+gone.4K+x", "2", "has no option gone"),
        ("option_factors.size.each", "2", "is no number"),
        ("option_factors.quantity+size.each", "2", "is no number"),
        ("option_factors.zise.4K", "2", r"did you mean size\?"),
        ("option_factors.zzzzzz.4K", "2", "it has: size, fps, sound, quantity, strength, style"),
        ("option_factors..4K", "2", "has no option"),
        ("option_factors.size.", "2", "a model has base_cost_usd"),
        ("option_factor.size.4K", "2", "a model has base_cost_usd"),
        ("", "2", "a model has base_cost_usd"),
    ],
)
def test_what_is_no_price_is_refused(name: str, given: str | None, said: str) -> None:
    with pytest.raises(InvalidPrice, match=said) as refusal:
        checked(OFFERED, {name: given})
    assert [problem.param for problem in refusal.value.problems] == [name]


def test_a_model_without_options_says_so() -> None:
    with pytest.raises(InvalidPrice, match="it has: none"):
        checked(model(), {"option_factors.size.4K": "2"})


@pytest.mark.parametrize(("markup", "is_valid"), [("1", True), ("0.999", False), ("100", True), ("100.001", False)])
def test_a_markup_is_at_least_one(markup: str, is_valid: bool) -> None:
    if is_valid:
        assert checked(None, {"markup_multiplier": markup}) == {"markup_multiplier": markup}
    else:
        with pytest.raises(InvalidPrice):
            checked(None, {"markup_multiplier": markup})


def test_a_rate_may_be_below_one() -> None:
    assert checked(None, {"usd_to_token_rate": "0.5000"}) == {"usd_to_token_rate": "0.5"}
    with pytest.raises(InvalidPrice, match="above 9999"):
        checked(None, {"usd_to_token_rate": "9999.0001"})


def test_only_what_can_be_paid_by_the_second_is() -> None:
    with pytest.raises(InvalidPrice, match="no option duration"):
        checked(OFFERED, {"cost_unit": "second"})
    timed = model("1", IMAGE, {"duration": DURATION})
    assert checked(timed, {"cost_unit": "second"}) == {"cost_unit": "second"}
    # Without the option a picture is one picture.
    assert checked(timed, {"cost_unit": "image"}) == {"cost_unit": "image"}


class TestApplying:
    """A model with other fields."""

    def test_what_is_not_named_stays(self) -> None:
        edited = applied(OFFERED, {"base_cost_usd": "0.2"})
        assert (edited.base_cost_usd, edited.cost_unit, edited.rate) == (Decimal("0.2"), GENERATION, OFFERED.rate)
        assert edited.option_factors == OFFERED.option_factors
        assert OFFERED.base_cost_usd == Decimal("0.1500")

    def test_factors_are_added_and_removed_without_a_trace(self) -> None:
        edited = applied(OFFERED, {"option_factors.fps.59.94": "2", "option_factors.size.4K": None})
        assert edited.option_factors == {"fps": {"59.94": Decimal(2)}}
        assert OFFERED.option_factors == {"size": {"4K": Decimal("1.8")}}

    def test_removing_what_is_not_there_changes_nothing(self) -> None:
        assert applied(OFFERED, {"option_factors.fps.24": None}).option_factors == OFFERED.option_factors

    def test_the_settings_come_with_every_model(self) -> None:
        edited = applied(OFFERED, {"usd_to_token_rate": "21", "markup_multiplier": "2.5"})
        assert (edited.rate, edited.markup) == (Decimal(21), Decimal("2.5"))

    def test_a_unit_is_a_unit(self) -> None:
        assert applied(OFFERED, {"cost_unit": "image"}).cost_unit is CostUnit.IMAGE

    @given(
        cost=st.decimals("0.0001", "999", places=4),
        factors=st.dictionaries(
            st.sampled_from(["1K", "4K"]), st.decimals("0.01", "9", places=2).filter(lambda factor: factor != 1)
        ),
    )
    @hypothesis_settings(deadline=None, database=None)
    def test_what_was_applied_is_read_back(self, cost: Decimal, factors: dict[str, Decimal]) -> None:
        wanted: dict[str, str | None] = {"base_cost_usd": text_of(cost)}
        wanted |= {f"option_factors.size.{value}": text_of(factor) for value, factor in factors.items()}
        bare = model("0.15", GENERATION, OPTIONS)
        assert fields_of(applied(bare, checked(bare, wanted))) == {**wanted, "cost_unit": "generation"}
