"""What money does, in plain Python and apart from the product: the rules that the database is compared with.

A model is a value: `copy` is cheap, so that every order in which concurrent actions may have happened can be tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

ZERO = Decimal(0)
FIRST_SHARE, FIRST_MOST = Decimal("0.20"), Decimal(50)
INVITER_GETS, INVITEE_GETS = Decimal(10), Decimal(5)
LADDER = tuple(map(Decimal, ("1", "1.5", "2", "2.5", "3", "4", "5")))
WELCOME = Decimal(50)
MOST_RUNNING = 3
AWAITED = {"pending", "failed", "expired"}


def cents(amount: Decimal) -> Decimal:
    """Round as tokens are rounded."""
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


class Line(NamedTuple):
    """A posting, without what the model cannot know."""

    kind: str
    amount: Decimal


@dataclass(frozen=True)
class Person:
    """Somebody's statement and what bonuses remember of them."""

    lines: tuple[Line, ...] = ()
    has_paid: bool = False
    is_welcome: bool = False
    invited_by: int | None = None
    is_rewarded: bool = False
    day: int | None = None
    streak: int = 0

    @property
    def balance(self) -> Decimal:
        """The sum of the statement."""
        return sum((line.amount for line in self.lines), ZERO)


@dataclass(frozen=True)
class Charge:
    """A charge: what was taken, given back, and whether it may still be given back."""

    person: int
    amount: Decimal
    refunded: Decimal = ZERO
    state: str = "open"


@dataclass(frozen=True)
class Order:
    """An order for tokens, or money in quarantine, which is nobody's order."""

    person: int | None
    gateway: str
    tokens: Decimal
    amount: Decimal
    status: str = "pending"
    external: str | None = None
    is_recurring: bool = False
    is_invoiced: bool = False
    given: tuple[Line, ...] = ()

    @property
    def gave(self) -> Decimal:
        """Tokens that the order gave, bonuses included."""
        return sum((line.amount for line in self.given), ZERO)


@dataclass(frozen=True)
class Promo:
    """A promo code and what was made of it."""

    percent: Decimal | None
    tokens: Decimal
    max_uses: int
    per_user: int
    uses: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()
    given: Decimal = ZERO


@dataclass
class Model:
    """Everything that is known, and what each wish would do to it. A method returns how the wish is answered."""

    people: dict[int, Person] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    promos: dict[str, Promo] = field(default_factory=dict)
    generations: dict[str, str] = field(default_factory=dict)
    keys: dict[str, tuple[object, ...]] = field(default_factory=dict)
    """Content of every posting that has a key of the outside's choice."""

    def copy(self) -> Model:
        """Return a model that changes without this one."""
        return Model(
            dict(self.people),
            dict(self.charges),
            dict(self.orders),
            dict(self.promos),
            dict(self.generations),
            dict(self.keys),
        )

    def post(self, person: int, kind: str, amount: Decimal) -> None:
        """Add a line to a statement."""
        somebody = self.people[person]
        self.people[person] = replace(somebody, lines=(*somebody.lines, Line(kind, amount)))

    def adjust(self, key: str, person: int, amount: Decimal) -> str:
        """An operator gives or takes tokens."""
        if key in self.keys:
            return "done" if self.keys[key] == (person, amount) else "key reused"
        if self.people[person].balance + amount < 0:
            return "insufficient"
        self.keys[key] = (person, amount)
        self.post(person, "admin", amount)
        return "done"

    def welcome(self, person: int) -> str:
        """A newcomer gets tokens once."""
        if self.people[person].is_welcome:
            return "had it"
        self.people[person] = replace(self.people[person], is_welcome=True)
        self.post(person, "bonus", WELCOME)
        return "done"

    def charge(self, key: str, person: int, amount: Decimal) -> str:
        """Take tokens for work."""
        if key in self.keys:
            return "done" if self.keys[key] == (person, -amount) else "key reused"
        if self.people[person].balance < amount:
            return "insufficient"
        self.keys[key] = (person, -amount)
        self.charges[key] = Charge(person, amount)
        self.post(person, "generation", -amount)
        return "done"

    def refund_charge(self, key: str, charge_key: str, amount: Decimal | None) -> str:
        """Give a charge back, or a part of it."""
        charge = self.charges.get(charge_key)
        if charge is None:
            return "resolved"
        if key in self.keys:
            first = self.keys[key]
            is_same = first[0] == charge_key and amount in {None, first[1]}
            return "done" if is_same else "key reused"
        left = charge.amount - charge.refunded if charge.state == "open" else ZERO
        wanted = left if amount is None else amount
        if not 0 < wanted <= left:
            return "resolved"
        self.keys[key] = (charge_key, wanted)
        refunded = charge.refunded + wanted
        state = "refunded" if refunded == charge.amount else "open"
        self.charges[charge_key] = replace(charge, refunded=refunded, state=state)
        self.post(charge.person, "refund", wanted)
        return "done"

    def settle(self, charge_key: str) -> str:
        """Keep what a charge took."""
        charge = self.charges.get(charge_key)
        if charge is None or charge.state == "refunded":
            return "resolved"
        self.charges[charge_key] = replace(charge, state="settled")
        return "done"

    def generate(self, key: str, person: int, price: Decimal) -> str:
        """Order work that is charged."""
        if key in self.generations:
            return "done" if self.charges[key].person == person else "key reused"
        if self.people[person].balance < price:
            return "insufficient"
        queued = [one for one, state in self.generations.items() if state == "queued"]
        if sum(self.charges[one].person == person for one in queued) >= MOST_RUNNING:
            return "too many"
        self.generations[key] = "queued"
        self.charges[key] = Charge(person, price)
        self.post(person, "generation", -price)
        return "done"

    def cancel(self, key: str, person: int) -> str:
        """Have work stopped and the tokens back."""
        if key not in self.generations or self.charges[key].person != person:
            return "not found"
        if self.generations[key] == "queued":
            self.generations[key] = "cancelled"
            charge = self.charges[key]
            self.charges[key] = replace(charge, refunded=charge.amount, state="refunded")
            self.post(person, "refund", charge.amount)
        return "done"

    def redeem(self, code: str, person: int) -> str:
        """Use a promo code: a fixed one gives at once, a percentage promises."""
        promo = self.promos[code]
        if person in promo.waiting:
            return "waiting"
        if promo.uses.count(person) >= promo.per_user:
            return "used by you"
        if len(promo.uses) >= promo.max_uses:
            return "used up"
        promo = replace(promo, uses=(*promo.uses, person))
        if promo.percent is not None:
            self.promos[code] = replace(promo, waiting=(*promo.waiting, person))
            return "promised"
        self.promos[code] = replace(promo, given=promo.given + promo.tokens)
        self.post(person, "bonus", promo.tokens)
        return "done"

    def invite(self, person: int, inviter: int) -> str:
        """A newcomer follows somebody's link."""
        newcomer = self.people[person]
        if newcomer.invited_by is not None or newcomer.has_paid:
            return "declined"
        above: int | None = inviter
        while above is not None:
            if above == person:
                return "declined"
            above = self.people[above].invited_by
        self.people[person] = replace(newcomer, invited_by=inviter)
        self.post(person, "bonus", INVITEE_GETS)
        return "done"

    def come(self, person: int, day: int) -> str:
        """Take the reward of a day."""
        somebody = self.people[person]
        if somebody.day is not None and day <= somebody.day:
            return "had it"
        streak = somebody.streak + 1 if somebody.day == day - 1 else 1
        self.people[person] = replace(somebody, day=day, streak=streak)
        self.post(person, "bonus", LADDER[min(streak, len(LADDER)) - 1])
        return f"day {streak}"
