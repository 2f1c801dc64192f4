"""Orders at the start of a prompt are told from words in brackets."""

from __future__ import annotations

import pytest

from providers.demo import directives
from providers.demo.directives import Directives
from providers.errors import FAILURE_CLASSES, InvalidRequest, ProviderError, RateLimited


@pytest.mark.parametrize(
    ("prompt", "orders"),
    [
        ("[slow 5] fox", Directives(slow=5)),
        ("[slow] fox", Directives(slow=5)),
        ("[slow 0.5] fox", Directives(slow=0.5)),
        ("[SLOW 2]fox", Directives(slow=2)),
        ("  [ slow 2 ] fox", Directives()),
        ("[lose] fox", Directives(lose=True)),
        ("[lose early] fox", Directives(lose_early=float("inf"))),
        ("[lose early 1] fox", Directives(lose_early=1)),
        ("[never] fox", Directives(never=True)),
        ("[garbage] fox", Directives(garbage=True)),
        ("[none] fox", Directives(none=True)),
        ("[partial] fox", Directives(partial=True)),
        ("[flaky 2] fox", Directives(flaky=2)),
        ("[poll flaky 2] fox", Directives(poll_flaky=2)),
        ("[limit 3] fox", Directives(limit=3)),
        ("[limit] fox", Directives(limit=3)),
        ("[fail content_blocked] fox", Directives(fail="content_blocked")),
        ("[fail later timed_out] fox", Directives(fail_later="timed_out")),
        ("[slow 1] [poll flaky 1][garbage] fox", Directives(slow=1, poll_flaky=1, garbage=True)),
    ],
)
def test_orders_are_read(prompt: str, orders: Directives) -> None:
    found, rest = directives.read(prompt)
    assert found == orders
    if orders != Directives():
        assert rest == "fox"


@pytest.mark.parametrize(
    "prompt",
    [
        "fox",
        "[test] fox",
        "fox [slow 5]",
        "[slow five] fox",
        "[[slow 5]] fox",
        "[never 3] fox",
        "[]",
        "",
        "[slow 5",
        "[медленно] лиса",
    ],
)
def test_brackets_without_an_order_are_words(prompt: str) -> None:
    assert directives.read(prompt) == (Directives(), prompt)


def test_words_after_an_unknown_bracket_are_not_searched_for_orders() -> None:
    assert directives.read("[slow 1] [blue] [never] fox") == (Directives(slow=1), "[blue] [never] fox")


def test_a_prompt_of_orders_alone_leaves_no_words() -> None:
    assert directives.read("[slow 1]") == (Directives(slow=1), "")


def test_a_failure_that_does_not_exist_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"nonsense.*content_blocked"):
        directives.read("[fail nonsense] fox")


@pytest.mark.parametrize("failure", FAILURE_CLASSES)
def test_every_failure_can_be_ordered(failure: type[ProviderError]) -> None:
    assert type(directives.failure(failure.code)) is failure


def test_an_ordered_rate_limit_says_when_to_return() -> None:
    failure = directives.failure("rate_limited")
    assert isinstance(failure, RateLimited)
    assert failure.retry_after is not None


@pytest.mark.parametrize(
    ("prompt", "is_polled"),
    [
        ("[slow 1]", True),
        ("[never]", True),
        ("[fail later timed_out]", True),
        ("[poll flaky 1]", True),
        ("[lose]", False),
        ("", False),
    ],
)
def test_some_orders_make_a_picture_wait(prompt: str, is_polled: bool) -> None:
    assert directives.read(prompt)[0].is_polled is is_polled
