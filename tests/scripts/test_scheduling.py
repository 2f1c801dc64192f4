"""Tests that need a whole product share a worker, and what takes long is given out first."""

from __future__ import annotations

import pytest

from tests.fixtures.scheduling import FIRST, group_of, place_of

SHARED = "the shared product"
OWN = "products of their own"
EMULATED = "the emulated product"


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/end_to_end/test_main_job.py::test_a[en]", SHARED),
        ("tests/cli/local/test_real_product.py::test_a", SHARED),
        ("tests/cli/test_product.py::test_a", SHARED),
        ("tests/end_to_end/crashes/test_any_process_killed.py::test_a", OWN),
        ("tests/end_to_end/emulated/test_every_model.py::test_a", EMULATED),
        ("tests/proofs/test_chaos.py::test_a", EMULATED),
        ("tests/core/test_db.py::test_a::x", "tests/core/test_db.py"),
    ],
)
def test_a_test_is_run_with_its_group(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group


def test_what_takes_minutes_is_given_out_first() -> None:
    given = ["tests/bot/test_cart.py::a", "tests/core/money/test_walk.py::a", "tests/end_to_end/test_prices.py::a"]

    assert [place_of(nodeid) for nodeid in given] == [len(FIRST), 3, 2]
    assert place_of("tests/end_to_end/crashes/test_a.py::a") == 0
