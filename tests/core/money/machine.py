"""A random walk through money: one to four wishes at once, some of them cut short, and a look after each step.

The model is tried in every order that the wishes may have happened in, since they ran at the same moment; a wish that
crashed may have happened or not. One of those orders has to explain every answer and all that the database says then.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from core import db
from tests.core.money.actions import Action
from tests.core.money.crashes import Doom, Manner, doom
from tests.core.money.drafts import OFTEN, Draft
from tests.core.money.model import Model
from tests.core.money.world import Snapshot, World, begin, disagreements, expected

CRASHED = "crashed"
ENDINGS: tuple[type[BaseException], ...] = (asyncio.CancelledError, *db.UNAVAILABLE)
LIMIT = 20.0
VERIFIED_EVERY = 500
"""Steps after which all the books are verified, those of earlier walks included."""

NUMBERS = st.integers(0, 2000)
DRAFTS = st.builds(Draft, st.sampled_from(OFTEN), NUMBERS, NUMBERS, NUMBERS)
DOOMS = st.tuples(st.integers(0, 3), st.sampled_from(list(Manner)), st.integers(0, 8))


@dataclass
class Tally:
    """What was done so far, by every walk of a process."""

    steps: int = 0
    actions: int = 0
    crashes: int = 0
    checks: int = 0
    verifications: int = 0

    def __str__(self) -> str:
        return (
            f"{self.steps} steps, {self.actions} actions, {self.crashes} crashes, "
            f"{self.checks} checks of the invariants, {self.verifications} verifications of all books"
        )


class Money(RuleBasedStateMachine):
    """The product beside its model. `run` is the loop of whoever makes the machine."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    tally: Tally
    failure: BaseException | None = None

    def __init__(self) -> None:
        super().__init__()
        self.past: list[Action] = []

    @initialize()
    def begin(self) -> None:
        self.world: World
        self.model: Model
        self.world, self.model = self.run(begin())

    @rule(draft=DRAFTS)
    def alone(self, draft: Draft) -> None:
        self.step([self.meant(draft)])

    @rule(drafts=st.lists(DRAFTS, min_size=2, max_size=4))
    def together(self, drafts: list[Draft]) -> None:
        self.step([self.meant(draft) for draft in drafts])

    @rule(draft=DRAFTS, times=st.integers(2, 4))
    def in_many_windows(self, draft: Draft, times: int) -> None:
        self.step([self.meant(draft)] * times)

    @rule(drafts=st.lists(DRAFTS, max_size=2), again=st.lists(NUMBERS, min_size=1, max_size=2))
    def once_more(self, drafts: list[Draft], again: list[int]) -> None:
        repeated = [self.past[-1 - number % min(len(self.past), 25)] for number in again if self.past]
        self.step([*(self.meant(draft) for draft in drafts), *repeated])

    @rule(drafts=st.lists(DRAFTS, min_size=1, max_size=3), end=DOOMS)
    def cut_short(self, drafts: list[Draft], end: tuple[int, Manner, int]) -> None:
        victim, manner, statement = end
        self.step([self.meant(draft) for draft in drafts], victim % len(drafts), Doom(manner, statement))

    def meant(self, draft: Draft) -> Action:
        """The wish that a draft stands for now."""
        return draft.action(self.model, self.world.price)

    def step(self, wishes: Sequence[Action], victim: int | None = None, end: Doom | None = None) -> None:
        """Take a step, and look after it."""
        try:
            self.go(wishes, victim, end)
            self.look()
        except BaseException as error:
            type(self).failure = type(self).failure or error
            raise

    def go(self, wishes: Sequence[Action], victim: int | None, end: Doom | None) -> None:
        """Have the wishes happen at the same moment, and find an order of them that explains what came of it."""
        for number, wish in enumerate(wishes):
            note(f"{wish}{f' {end}' if number == victim else ''}")
        answers = self.run(self.at_once(wishes, victim, end))
        seen: Snapshot = self.run(self.world.look())
        note(f"answers: {answers}")
        possible = explanations(self.model, list(zip(wishes, answers, strict=True)))
        after = next((after for after in possible if expected(after) == seen), None)
        assert after is not None, f"no order explains {answers} of {list(wishes)}; the database says {seen}"
        self.model = after
        self.past += wishes
        self.tally.steps += 1
        self.tally.actions += len(wishes)
        self.tally.crashes += answers.count(CRASHED)

    async def at_once(self, wishes: Sequence[Action], victim: int | None, end: Doom | None) -> list[str]:
        """Run the wishes in tasks of their own and return how each was answered."""

        async def one(number: int, wish: Action) -> str:
            doomed = end if number == victim else None
            doom.set(doomed)
            try:
                return await wish.run(self.world)
            except ENDINGS:
                if doomed is None or not doomed.is_done:
                    raise
                return CRASHED

        async with asyncio.timeout(LIMIT):
            return list(await asyncio.gather(*(one(number, wish) for number, wish in enumerate(wishes))))

    def look(self) -> None:
        """See that no invariant is broken, and now and then that all books agree."""
        broken = self.run(self.world.broken())
        assert not broken, f"an invariant is broken: {broken}"
        self.tally.checks += 1
        if self.tally.steps % VERIFIED_EVERY == VERIFIED_EVERY - 1:
            self.verify()

    def verify(self) -> None:
        """Verify all books as an operator does."""
        found = self.run(disagreements())
        assert not found, f"the books disagree: {found}"
        self.tally.verifications += 1


def explanations(model: Model, answered: Sequence[tuple[Action, str]]) -> Iterator[Model]:
    """Every state that the wishes may have led to, in whatever order, that fits their answers."""
    if not answered:
        yield model
        return
    tried = set()
    for number, (wish, answer) in enumerate(answered):
        if (wish, answer) in tried:
            continue
        tried.add((wish, answer))
        rest = [*itertools.islice(answered, number), *itertools.islice(answered, number + 1, None)]
        after = model.copy()
        if wish.apply(after) == answer or answer == CRASHED:
            yield from explanations(after, rest)
        if answer == CRASHED:
            yield from explanations(model, rest)
