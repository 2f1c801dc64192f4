"""Runs walks: a number of steps from a seed, over one database. NB_MONEY_SHRINK=1 makes a failure short, in minutes."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

from core.settings import Settings
from tests.core.money.machine import Money, Tally
from tests.core.money.world import product

STEPS_OF_A_WALK = 50
WALKS_OF_A_SEED = 6
PHASES = [Phase.generate, Phase.shrink] if os.environ.get("NB_MONEY_SHRINK") else [Phase.generate]


def walk(settings: Settings, first_seed: int, is_enough: Callable[[Tally], bool]) -> Tally:
    """Walk from growing seeds until it is enough; a failure names its seed and every step of its walk."""
    loop = asyncio.new_event_loop()
    tally = Tally()
    scope = product(settings)
    loop.run_until_complete(scope.__aenter__())
    try:
        for number in itertools.count(first_seed):
            if is_enough(tally):
                break
            _walk_from(number, loop, tally)
        machine = type("Last", (Money,), {"run": staticmethod(loop.run_until_complete), "tally": tally})
        machine().verify()
    finally:
        loop.run_until_complete(scope.__aexit__(None, None, None))
        loop.close()
    return tally


def _walk_from(number: int, loop: asyncio.AbstractEventLoop, tally: Tally) -> None:
    machine: type[Money] = type("Walk", (Money,), {"run": staticmethod(loop.run_until_complete), "tally": tally})
    try:
        run_state_machine_as_test(
            seed(number)(machine),
            settings=hypothesis_settings(
                max_examples=WALKS_OF_A_SEED,
                stateful_step_count=STEPS_OF_A_WALK,
                phases=PHASES,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
            ),
        )
    except FlakyStrategyDefinition:
        # Hypothesis has lost count of its own draws. That ends the walks of this seed and says nothing of money; unless
        # a step has failed, which is then what matters.
        if machine.failure is not None:
            raise machine.failure from None
    except BaseException as error:
        error.add_note(f"Walked from seed {number}; NB_MONEY_SEED={number} begins there.")
        raise
