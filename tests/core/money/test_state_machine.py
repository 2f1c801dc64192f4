"""Ten thousand random steps through money, many at the same moment, and not one that the model cannot explain."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.ledger import Posting
from core.payments import Payment, crediting, refunds, repository
from core.settings import Settings
from tests.core.money.walking import walk

pytestmark = pytest.mark.integration

STEPS = int(os.environ.get("NB_MONEY_STEPS", "10000"))
FIRST_SEED = int(os.environ.get("NB_MONEY_SEED", random.SystemRandom().randrange(1_000_000)))
FOUND_WITHIN = 2000
"""Steps in which a planted defect has to be found."""


@pytest.mark.timeout(600)
def test_no_walk_leaves_the_model(settings: Settings, figure: Callable[[str], None]) -> None:
    begin = time.perf_counter()
    tally = walk(settings, FIRST_SEED, lambda tally: tally.steps >= STEPS)
    took = time.perf_counter() - begin
    figure(f"money: {tally} in {took:.0f} s ({tally.steps / took:.0f} steps/s), from seed {FIRST_SEED}")
    assert tally.steps >= STEPS
    assert tally.crashes > tally.steps / 100


async def _nothing(*_: Any, **__: Any) -> None:
    """Lock nothing."""


async def _only_the_deposit(payment: Payment) -> list[Posting]:
    return (await _GIVEN_WITH(payment))[:1]


def _no_mismatch(*_: Any) -> str:
    return ""


_GIVEN_WITH: Callable[[Payment], Awaitable[list[Posting]]] = refunds.given_with

PLANTED: dict[str, tuple[Any, str, Any]] = {
    "the amount that was paid is not looked at": (crediting, "_mismatch", _no_mismatch),
    "a refund leaves the bonuses": (refunds, "given_with", _only_the_deposit),
    "news of one payment do not wait for each other": (repository, "lock_external_id", _nothing),
    "a payment is read without a lock": (repository, "lock", repository.by_id),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_walk_finds(settings: Settings, monkeypatch: pytest.MonkeyPatch, planted: str) -> None:
    """The walk is able to fail: each of these defects ends it."""
    monkeypatch.setattr(*PLANTED[planted])
    with pytest.raises(Exception) as caught:
        walk(settings, 1, lambda tally: tally.steps >= FOUND_WITHIN)
    assert "Walked from seed" in "".join(getattr(caught.value, "__notes__", []))
