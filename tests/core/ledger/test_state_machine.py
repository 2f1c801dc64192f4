"""Random walks through the ledger, compared after each step with a model that fits on one page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core import db, ledger
from core.ledger import AlreadyResolved, InsufficientTokens, KeyReused, Posting, PostingKind
from core.settings import Settings
from core.types import IdempotencyKey, UserId
from tests.core.ledger.conftest import at_once, failures, key, quote_of, somebody, successes

pytestmark = pytest.mark.integration

EXAMPLES = 10
STEPS = 20

Result = TypeVar("Result")
PEOPLE = st.integers(0, 2)
AMOUNTS = st.decimals("0.01", "60", places=2)
ANY = st.integers(0, 10_000)


@dataclass
class Charge:
    """What the model knows of a charge."""

    posting: Posting
    refunded: Decimal = Decimal(0)
    state: str = "open"

    @property
    def left(self) -> Decimal:
        """What can still be given back."""
        return -self.posting.amount - self.refunded if self.state == "open" else Decimal(0)


class Ledger(RuleBasedStateMachine):
    """The real ledger beside its model."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]

    def __init__(self) -> None:
        super().__init__()
        self.people: list[UserId] = [self.run(somebody()) for _ in range(3)]
        self.balances = [Decimal(0) for _ in self.people]
        self.welcomed: set[int] = set()
        self.charges: list[Charge] = []
        self.posted: list[Posting] = []

    def expect(self, refusal: type[Exception] | None, action: Coroutine[Any, Any, Posting]) -> Posting | None:
        """Run the action; it must be refused in this way, or return a posting."""
        if refusal is None:
            posting: Posting = self.run(action)
            self.posted.append(posting)
            return posting
        with pytest.raises(refusal):
            self.run(action)
        return None

    @rule(person=PEOPLE, amount=AMOUNTS)
    def deposit(self, person: int, amount: Decimal) -> None:
        self.expect(None, ledger.post(self.people[person], amount, PostingKind.DEPOSIT, key=key()))
        self.balances[person] += amount

    @rule(person=PEOPLE)
    def welcome(self, person: int) -> None:
        bonus = self.run(ledger.give_welcome_bonus(self.people[person]))
        assert (bonus is None) == (person in self.welcomed)
        if bonus is not None:
            self.posted.append(bonus)
            self.balances[person] += ledger.WELCOME_BONUS
        self.welcomed.add(person)

    @rule(person=PEOPLE, amount=AMOUNTS)
    def charge(self, person: int, amount: Decimal) -> None:
        refusal = InsufficientTokens if amount > self.balances[person] else None
        posting = self.expect(refusal, ledger.charge(self.people[person], quote_of(amount), key=key()))
        if posting is not None:
            self.balances[person] -= amount
            self.charges.append(Charge(posting))

    @rule(person=PEOPLE, amount=AMOUNTS, times=st.integers(2, 6))
    def charge_at_once(self, person: int, amount: Decimal, times: int) -> None:
        user = self.people[person]
        outcomes = self.run(at_once(times, lambda _: ledger.charge(user, quote_of(amount), key=key())))
        assert set(failures(outcomes)) <= {InsufficientTokens}
        taken = successes(outcomes)
        assert len(taken) == min(times, int(self.balances[person] / amount))
        self.balances[person] -= amount * len(taken)
        self.charges += [Charge(posting) for posting in taken]
        self.posted += taken

    @precondition(lambda self: self.charges)
    @rule(which=ANY, amount=st.none() | AMOUNTS)
    def refund(self, which: int, amount: Decimal | None) -> None:
        charge = self.charges[which % len(self.charges)]
        wanted = charge.left if amount is None else amount
        refusal = None if 0 < wanted <= charge.left else AlreadyResolved
        if self.expect(refusal, ledger.refund(charge.posting.id, key=key(), amount=amount)) is None:
            return
        charge.refunded += wanted
        charge.state = "refunded" if charge.refunded == -charge.posting.amount else "open"
        self.balances[self.people.index(charge.posting.user_id)] += wanted

    @precondition(lambda self: self.charges)
    @rule(which=ANY)
    def settle(self, which: int) -> None:
        charge = self.charges[which % len(self.charges)]
        if charge.state == "refunded":
            with pytest.raises(AlreadyResolved):
                self.run(ledger.settle(charge.posting.id))
        else:
            self.run(ledger.settle(charge.posting.id))
            charge.state = "settled"

    @precondition(lambda self: self.posted)
    @rule(which=ANY)
    def repeat(self, which: int) -> None:
        first = self.posted[which % len(self.posted)]
        assert self.run(self.again(first, first.key)) == first

    @precondition(lambda self: self.posted)
    @rule(which=ANY, person=PEOPLE, amount=AMOUNTS)
    def reuse_a_key(self, which: int, person: int, amount: Decimal) -> None:
        first = self.posted[which % len(self.posted)]
        if (first.user_id, first.amount) != (self.people[person], -amount):
            self.expect(KeyReused, ledger.charge(self.people[person], quote_of(amount), key=first.key))

    def again(self, first: Posting, used: IdempotencyKey) -> Coroutine[Any, Any, Posting]:
        """The same call once more."""
        if first.kind is PostingKind.GENERATION:
            return ledger.charge(first.user_id, quote_of(-first.amount), key=used)
        if first.related is not None:
            return ledger.refund(first.related, key=used, amount=first.amount)
        return ledger.post(first.user_id, first.amount, first.kind, key=used)

    @invariant()
    def the_books_agree_with_the_model_and_with_themselves(self) -> None:
        assert [self.run(ledger.balance_of(user)) for user in self.people] == self.balances
        rows = self.run(db.fetch("SELECT transaction_id, refunded, state FROM botapp_charge"))
        stored = {row["transaction_id"]: (row["refunded"], row["state"]) for row in rows}
        for charge in self.charges:
            assert stored[charge.posting.id] == (charge.refunded, charge.state)
        problems = self.run(ledger.verify()).problems
        assert [problem for problem in problems if problem.kind != "charge_without_generation"] == []


def test_no_walk_leaves_the_model(settings: Settings) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(db.connect(settings))
    try:
        machine = type("Walk", (Ledger,), {"run": staticmethod(loop.run_until_complete)})
        run_state_machine_as_test(
            machine,
            settings=hypothesis_settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        loop.run_until_complete(db.disconnect())
        loop.close()
