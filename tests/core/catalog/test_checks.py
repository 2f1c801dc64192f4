"""What the check of the catalogue finds, each on a model that was in order before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import providers
from core.catalog import CatalogModel, FollowUp, FollowUpKind, Route
from core.catalog.checks import Finding, check
from providers.base import MediaRole
from tests.core.catalog.shipped import SHIPPED, shipped

CATALOGUE = [shipped(slug) for slug in SHIPPED]


def found(slug: str, **changes: Any) -> list[Finding]:
    """What is found about one model after a change that was not found before."""
    before = check(CATALOGUE, providers.known()).findings
    models = [replace(model, **changes) if model.slug == slug else model for model in CATALOGUE]
    return [finding for finding in check(models, providers.known()).findings if finding not in before]


def kinds(slug: str, **changes: Any) -> list[tuple[str, str]]:
    """Level and kind of what is found."""
    return [(finding.level, finding.kind) for finding in found(slug, **changes) if finding.subject == slug]


def with_option(slug: str, **option: Any) -> Mapping[str, Any]:
    """The schema of a model with one more option."""
    usual: dict[str, Any] = {"type": "string", "enum": ["a1", "b2"], "default": "a1"}
    labels = {
        "x-label": {"ru": "Что-то", "en": "Something"},
        "x-labels": {name: {"ru": name, "en": name} for name in ("a1", "b2")},
    }
    schema = shipped(slug).params_schema
    name = option.pop("name", "extra")
    return {**schema, "properties": {**schema["properties"], name: {**usual, **labels, **option}}}


def slots(slug: str, **changes: Any) -> tuple[Any, ...]:
    """The slots of a model, the first of them changed."""
    first, *others = shipped(slug).inputs
    return (replace(first, **changes), *others)


def in_days(days: int) -> datetime:
    """A moment from now."""
    return datetime.now(UTC) + timedelta(days=days)


def test_what_ships_fails_nowhere_and_names_what_has_ended() -> None:
    report = check(CATALOGUE, providers.known())
    assert report.ok
    assert {(finding.kind, finding.subject) for finding in report.findings} == {
        ("ended", "imagen-3"),
        ("ended", "sora2"),
    }


class TestEnds:
    """Models that end, and what comes after them."""

    def test_an_end_that_is_near_is_told(self) -> None:
        assert kinds("veo3-fast", retires_at=in_days(29), successor="veo3-pro") == [("warning", "ends_soon")]

    def test_an_end_that_is_far_is_not(self) -> None:
        assert kinds("veo3-fast", retires_at=in_days(31)) == []

    def test_an_end_without_a_successor_fails(self) -> None:
        assert kinds("veo3-fast", retires_at=in_days(3)) == [("failed", "no_successor")]

    @pytest.mark.parametrize("successor", ["nobody", "imagen-3", "kling-v2-1-pro"])
    def test_a_successor_that_cannot_be_used_fails(self, successor: str) -> None:
        (finding,) = found("veo3-pro", retires_at=in_days(-3), successor=successor)
        assert (finding.level, finding.kind) == ("failed", "no_successor")
        assert successor in finding.detail

    def test_a_model_that_is_off_is_not_looked_at(self) -> None:
        assert kinds("veo3-pro", is_active=False, retires_at=in_days(-3)) == []


class TestForms:
    """Schemas, labels, prices of options."""

    @pytest.mark.parametrize("name", ["resolution_of_film", "quality", "mode_2", "sound"])
    def test_a_choice_that_is_known_to_cost_more_needs_a_factor(self, name: str) -> None:
        assert kinds("nano-banana", params_schema=with_option("nano-banana", name=name)) == [
            ("warning", "unpriced_option")
        ]
        free = with_option("nano-banana", name=name, **{"x-free": True})
        assert kinds("nano-banana", params_schema=free) == []

    def test_another_choice_needs_none(self) -> None:
        assert kinds("nano-banana", params_schema=with_option("nano-banana", name="shape")) == []

    @pytest.mark.parametrize("label", [{}, {"ru": "Вид"}, {"ru": "", "en": "Kind"}])
    def test_an_option_needs_a_label_in_both_languages(self, label: dict[str, str]) -> None:
        schema = with_option("nano-banana", **{"x-label": label})
        assert kinds("nano-banana", params_schema=schema) == [("failed", "no_label")]

    def test_a_value_that_does_not_speak_for_itself_needs_one(self) -> None:
        words = with_option("nano-banana", enum=["low", "16:9", "4K", "720p", "7"], default="4K", **{"x-labels": {}})
        (finding,) = found("nano-banana", params_schema=words)
        assert (finding.kind, "low" in finding.detail) == ("no_label", True)

    def test_a_default_that_is_not_valid_fails(self) -> None:
        schema = with_option("nano-banana", default="c3")
        assert kinds("nano-banana", params_schema=schema) == [("failed", "bad_default")]

    def test_a_schema_that_is_none_fails(self) -> None:
        assert kinds("nano-banana", params_schema={"type": "nothing"}) == [("failed", "bad_schema")]

    def test_a_purpose_is_told_in_both_languages(self) -> None:
        assert kinds("nano-banana", purpose={"ru": "картинки"}) == [("failed", "no_label")]


class TestSlots:
    """Places for pictures that cannot be filled."""

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"least": 2}, "takes from 2 to 1"),
            ({"most": 0}, "takes from 0 to 0"),
            ({"needs": frozenset({MediaRole.MASK})}, "speaks of mask"),
            ({"fewer": {MediaRole.VIDEO: 1}}, "speaks of video"),
            (
                {"needs": frozenset({MediaRole.END}), "excludes": frozenset({MediaRole.END})},
                "needs end and excludes it",
            ),
            ({"requires": {"colour": ("red",)}}, "requires the option colour"),
            ({"requires": {"mode": ("best",)}}, "requires mode best"),
            ({"role": MediaRole.END}, "is there more than once"),
            ({"label": {"ru": "Кадр"}}, "is not labelled"),
        ],
    )
    def test_a_slot_that_contradicts_fails(self, changes: dict[str, Any], said: str) -> None:
        findings = found("kling-v2-5-turbo", inputs=slots("kling-v2-5-turbo", **changes))
        assert {finding.kind for finding in findings} <= {"bad_slot", "bad_route"}
        assert any(said in finding.detail for finding in findings)

    def test_slots_that_are_both_required_and_exclude_each_other_fail(self) -> None:
        start, end = shipped("kling-v2-5-turbo").inputs
        both = (replace(start, least=1, excludes=frozenset({MediaRole.END})), replace(end, least=1, needs=frozenset()))
        assert kinds("kling-v2-5-turbo", inputs=both) == [("failed", "bad_slot")]

    def test_a_slot_that_no_route_takes_fails(self) -> None:
        only = (Route("kling", "kling-v2-5-turbo", takes=frozenset({MediaRole.START})),)
        assert kinds("kling-v2-5-turbo", all_routes=only) == [("failed", "bad_slot")]


class TestRoutes:
    """Ways that lead nowhere."""

    def test_a_provider_that_there_is_no_adapter_for_fails(self) -> None:
        assert kinds("nano-banana", all_routes=(Route("klong", "x"),)) == [("failed", "unknown_provider")]

    def test_a_model_that_no_provider_is_configured_for_is_a_warning(self) -> None:
        (finding,) = found("nano-banana", routes=())
        assert (finding.level, finding.kind) == ("warning", "no_route")
        assert "gemini" in finding.detail

    def test_a_condition_that_cannot_be_chosen_fails(self) -> None:
        route = Route("gemini", "x", requires={"quantity": (5,)})
        assert kinds("nano-banana", all_routes=(route,)) == [("failed", "bad_route")]

    def test_an_input_that_is_no_slot_fails(self) -> None:
        takes = frozenset({MediaRole.IMAGE, MediaRole.VIDEO})
        assert kinds("nano-banana", all_routes=(Route("gemini", "x", takes=takes),)) == [("failed", "bad_route")]


@pytest.mark.parametrize("target", ["nobody", "sora2", "kling-v2-1-pro"])
def test_a_follow_up_that_cannot_be_ordered_fails(target: str) -> None:
    offered = (FollowUp(FollowUpKind.ANIMATE, target),)
    assert kinds("nano-banana", follow_ups=offered) == [("failed", "bad_follow_up")]


def test_what_failed_comes_before_what_only_warns() -> None:
    models: list[CatalogModel] = [replace(model, routes=(), follow_ups=()) for model in CATALOGUE]
    models[0] = replace(models[0], purpose={})
    report = check(models, providers.known())
    assert [finding.level for finding in report.findings] == sorted(finding.level for finding in report.findings)
    assert not report.ok
