"""The product as a walk finds it: people, packages, promo codes, gateways; and what the database says of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from core import catalog, db, ledger, pricing, redis, users
from core.bonuses import codes, referrals
from core.payments import gateways, packages
from core.queue import outbox
from core.settings import Settings
from core.types import IdempotencyKey
from tests.core.money.crashes import FragileConnection
from tests.core.money.model import Line, Model, Person, Promo
from tests.core.money.tills import WalkTill

PEOPLE = 3
CONNECTIONS = 12
BANK = "bank"
TILL = "till"
WANTED = frozenset({"charge_without_generation", "unmatched_payment"})
"""What `verify` rightly says of walks: they charge without work, and pay what nobody ordered."""

_numbers = itertools.count(1)

# What no walk may ever leave behind, whoever it was that did it. Cheap enough to be asked after every step.
_INVARIANTS = """
    SELECT 'balance of user ' || balance.user_id AS broken FROM botapp_userbalance AS balance
    WHERE balance.user_id = ANY($1) AND (balance.balance < 0 OR balance.balance <> (
        SELECT coalesce(sum(amount), 0) FROM botapp_transaction WHERE user_id = balance.user_id))
    UNION ALL
    SELECT 'running balance of posting ' || id FROM (
        SELECT id, balance_after, sum(amount) OVER (PARTITION BY user_id ORDER BY id) AS running
        FROM botapp_transaction WHERE user_id = ANY($1)
    ) AS numbered WHERE balance_after <> running
    UNION ALL
    SELECT 'refunds of charge ' || charge.transaction_id FROM botapp_charge AS charge
    JOIN botapp_transaction AS taken ON taken.id = charge.transaction_id
    WHERE taken.user_id = ANY($1) AND (charge.refunded > charge.amount OR charge.refunded <> (
        SELECT coalesce(sum(amount), 0) FROM botapp_transaction
        WHERE related_transaction_id = charge.transaction_id AND type = 'refund'))
    UNION ALL
    SELECT 'deposit of payment ' || payment.code FROM botapp_payment AS payment
    LEFT JOIN botapp_transaction AS deposit ON deposit.id = payment.transaction_id
    WHERE payment.user_id = ANY($1) AND payment.transaction_id IS NOT NULL
        AND (deposit.type, deposit.amount, deposit.user_id)
            IS DISTINCT FROM ('deposit', payment.tokens, payment.user_id)
    UNION ALL
    SELECT 'uses of code ' || promo.code FROM botapp_promocode AS promo WHERE promo.code = ANY($2) AND (
        promo.current_uses > promo.max_uses
        OR promo.current_uses <> (SELECT count(*) FROM botapp_promoredemption WHERE promo_id = promo.id)
        OR promo.total_given <> (SELECT coalesce(sum(posting.amount), 0) FROM botapp_promoredemption AS use
            JOIN botapp_transaction AS posting ON posting.id = use.transaction_id WHERE use.promo_id = promo.id))
"""


class Paid(NamedTuple):
    """What can be seen of a payment. What it gave, bonuses included, is what its refund takes back."""

    status: str
    external: str | None
    gave: Decimal


@dataclass(frozen=True)
class Snapshot:
    """What can be seen of a walk's people: statements, charges, payments, promo codes."""

    lines: dict[int, Counter[Line]]
    charges: dict[str, tuple[Decimal, str]]
    orders: dict[str, Paid]
    held: Counter[Paid]
    promos: dict[str, tuple[int, Decimal]]


@dataclass
class World:
    """The people of one walk. Names that the database shares with other walks begin with the walk's own."""

    name: str
    people: list[users.User] = field(default_factory=list)
    referral_codes: list[str] = field(default_factory=list)
    price: Decimal = Decimal(0)

    def key(self, name: str) -> IdempotencyKey:
        """A key of this walk."""
        return IdempotencyKey(f"{self.name}{name}")

    def code(self, name: str) -> str:
        """A promo code of this walk."""
        return f"{self.name}{name}".replace(":", "-").upper()

    def external(self, gateway: str, order: str) -> str | None:
        """The id that a gateway's invoice for an order has."""
        return f"{self.name}invoice-of-{order}" if gateway == BANK else None

    async def posting(self, key: str) -> int | None:
        """The posting of a charge, made alone or for a picture."""
        found: int | None = await db.fetch_value(
            "SELECT id FROM botapp_transaction WHERE idempotency_key = ANY($1)",
            [self.key(key), f"generation:{self.key(key)}"],
        )
        return found

    async def broken(self) -> list[str]:
        """What of the invariants does not hold."""
        rows = await db.fetch(
            _INVARIANTS, [user.id for user in self.people], [self.code(name) for name in ("FIXED", "SHARE", "TWICE")]
        )
        return [row["broken"] for row in rows]

    async def look(self) -> Snapshot:
        """Read what the database says."""
        numbers = {user.id: number for number, user in enumerate(self.people)}
        lines: dict[int, Counter[Line]] = {number: Counter() for number in numbers.values()}
        for row in await db.fetch(
            "SELECT user_id, type, amount FROM botapp_transaction WHERE user_id = ANY($1)", list(numbers)
        ):
            lines[numbers[row["user_id"]]][Line(row["type"], row["amount"])] += 1
        charges = {
            self._short(row["idempotency_key"]): (row["refunded"], row["state"])
            for row in await db.fetch(
                """SELECT posting.idempotency_key, charge.refunded, charge.state FROM botapp_charge AS charge
                JOIN botapp_transaction AS posting ON posting.id = charge.transaction_id
                WHERE posting.user_id = ANY($1)""",
                list(numbers),
            )
        }
        return Snapshot(lines, charges, *await self._look_at_payments(), await self._look_at_promos())

    async def _look_at_payments(self) -> tuple[dict[str, Paid], Counter[Paid]]:
        orders: dict[str, Paid] = {}
        held: Counter[Paid] = Counter()
        for row in await db.fetch(
            """SELECT idempotency_key, status, external_id, (
                SELECT coalesce(sum(amount), 0) FROM botapp_transaction AS posting WHERE posting.id = transaction_id
                    OR posting.related_transaction_id = transaction_id AND posting.type = 'bonus') AS gave
            FROM botapp_payment WHERE starts_with(idempotency_key, $1) OR starts_with(external_id, $1)""",
            self.name,
        ):
            seen = Paid(row["status"], row["external_id"] and self._short(row["external_id"]), row["gave"])
            if row["idempotency_key"].startswith(self.name):
                orders[self._short(row["idempotency_key"])] = seen
            elif row["status"] != "dismissed":
                held[seen] += 1
        return orders, held

    async def _look_at_promos(self) -> dict[str, tuple[int, Decimal]]:
        rows = await db.fetch(
            "SELECT code, current_uses, total_given FROM botapp_promocode WHERE starts_with(code, $1)", self.code("")
        )
        return {row["code"].removeprefix(self.code("")): (row["current_uses"], row["total_given"]) for row in rows}

    def _short(self, name: str) -> str:
        return name.removeprefix("generation:").removeprefix(self.name)


def expected(model: Model) -> Snapshot:
    """What the database has to say when the model is right."""
    held = [
        Paid(order.status, order.external, order.gave)
        for key, order in model.orders.items()
        if key.startswith(("held:", "renewal:")) and order.status != "dismissed"
    ]
    return Snapshot(
        lines={number: Counter(person.lines) for number, person in model.people.items()},
        charges={key: (charge.refunded, charge.state) for key, charge in model.charges.items()},
        orders={
            key: Paid(order.status, order.external, order.gave)
            for key, order in model.orders.items()
            if not key.startswith(("held:", "renewal:"))
        },
        held=Counter(held),
        promos={name: (len(promo.uses), promo.given) for name, promo in model.promos.items()},
    )


@asynccontextmanager
async def product(settings: Settings) -> AsyncIterator[None]:
    """The product on fragile connections, with packages, models and gateways; the outbox keeps what it is given."""
    whole, flush = db._Connection, outbox.flush

    async def publish_nothing(**_: Any) -> int:
        return 0

    db._Connection, outbox.flush = FragileConnection, publish_nothing  # type: ignore[misc]
    try:
        await db.connect(settings, pool_size=CONNECTIONS)
        await redis.connect(settings)
        await packages.seed()
        await db.execute("UPDATE token_packages SET is_recurring = true WHERE code = 'tokens-200'")
        catalog.configure({"demo"})
        await catalog.sync()
        gateways.use(WalkTill(TILL, gives_ids=False))
        gateways.use(WalkTill(BANK, gives_ids=True))
        yield
    finally:
        catalog.configure(())
        await gateways.disconnect()
        await redis.disconnect()
        await db.disconnect()
        db._Connection, outbox.flush = whole, flush  # type: ignore[misc]


async def begin() -> tuple[World, Model]:
    """Make the people and codes of a walk, and the model of them."""
    number = next(_numbers)
    world = World(f"walk{number}:")
    for person in range(PEOPLE):
        user = await users.upsert(users.Profile(number * 10 + person, f"walker{number}-{person}", "Walker", "", "ru"))
        world.people.append(user)
        world.referral_codes.append(await referrals.code_of(user.id))
    world.price = pricing.quote(await catalog.get("nano-banana")).tokens
    promos = {
        "FIXED": Promo(None, Decimal(7), max_uses=2, per_user=1),
        "TWICE": Promo(None, Decimal("1.25"), max_uses=5, per_user=2),
        "SHARE": Promo(Decimal(25), Decimal(40), max_uses=3, per_user=1),
    }
    for name, promo in promos.items():
        await codes.create(
            codes.NewCode(
                world.code(name),
                promo.percent or promo.tokens,
                is_percentage=promo.percent is not None,
                max_uses=promo.max_uses,
                max_uses_per_user=promo.per_user,
                max_bonus=promo.tokens if promo.percent is not None else None,
            )
        )
    return world, Model(people={person: Person() for person in range(PEOPLE)}, promos=promos)


async def disagreements() -> list[str]:
    """What `nb ledger verify` would say."""
    report = await ledger.verify()
    return [
        f"{problem.kind}: {problem.subject}: {problem.detail}"
        for problem in report.problems
        if problem.kind not in WANTED
    ]
