"""Random histories made by the functions that the service itself uses, and what a simple count makes of them.

What happens is written down while it is done: the count knows neither tables nor queries. Only the clock is moved,
since a history of weeks is to pass within a second.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from core import catalog, db, ledger, users
from core.generations import Order, OrderRefused, delivery, endings, operating, submit
from core.generations.claims import claim
from core.ledger import PostingKind
from core.payments import crediting, orders, packages
from core.payments.gateways.base import Outcome, Receipt
from core.payments.orders import Purchase
from core.types import IdempotencyKey, TraceId, in_tokens
from core.users import Profile, User
from providers.errors import FAILURE_CLASSES

MODELS = ("nano-banana", "nano-banana-pro", "gpt-image-1")
PROVIDERS = ("first", "second", "third")
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 12
RATES = ("20", "25", "16")


@dataclass
class Job:
    """A generation as it was seen from outside."""

    at: datetime
    user: int
    is_test: bool
    model: str
    rate: Decimal
    tokens: Decimal
    quoted_usd: Decimal
    run_code: str
    provider: str = ""
    refunds: list[tuple[datetime, Decimal]] = field(default_factory=list)
    ended: datetime | None = None
    status: str = "queued"
    code: str = ""
    cost: Decimal | None = None


@dataclass
class Paid:
    """A payment as it was seen from outside."""

    at: datetime
    user: int
    is_test: bool
    gateway: str
    amount: Decimal
    tokens: Decimal
    refunded: datetime | None = None


class History:
    """Does things at random and remembers them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.jobs: list[Job] = []
        self.payments: list[Paid] = []
        self.born: list[tuple[datetime, bool]] = []
        self._people: list[tuple[User, bool]] = []
        self._number = 0

    async def happen(self, steps: int) -> None:
        """Do `steps` things, between them let time pass."""
        for number in range(6):
            await self._arrive(is_test=number == 5)
        for _ in range(steps):
            act = self.random.choices(
                (self._order, self._end, self._pay, self._refund, self._reprice), (9, 9, 2, 1, 1)
            )[0]
            await act()

    def moment(self, after: datetime | None = None) -> datetime:
        """Some moment, often one at which a day or a period begins."""
        begin = after or BEGIN
        at = begin + timedelta(seconds=self.random.randrange(1, int(timedelta(days=DAYS).total_seconds())) / 7)
        if after is None and self.random.random() < 0.2:
            at = BEGIN + timedelta(days=self.random.randrange(DAYS))
        return (
            at
            if after is None or self.random.random() < 0.3
            else begin + timedelta(seconds=self.random.randrange(1, 400))
        )

    def _key(self) -> IdempotencyKey:
        self._number += 1
        return IdempotencyKey(f"history-{self._number}")

    async def _arrive(self, *, is_test: bool) -> None:
        self._number += 1
        user = await users.upsert(Profile(1000 + self._number, f"user{self._number}"))
        at = self.moment()
        await db.execute("UPDATE botapp_tguser SET is_test = $2, created_at = $3 WHERE id = $1", user.id, is_test, at)
        await ledger.post(user.id, Decimal(5000), PostingKind.ADMIN, key=self._key(), actor="test", reason="funds")
        self._people.append((user, is_test))
        self.born.append((at, is_test))

    async def _order(self) -> None:
        user, is_test = self.random.choice(self._people)
        model = await catalog.get(self.random.choice(MODELS))
        quantity = self.random.choice((1, 1, 2, 4))
        params: dict[str, Any] = {"quantity": quantity} if "quantity" in model.options else {}
        order = Order(user, model.slug, "a fox", self._key(), "en", TraceId("0" * 32), params=params)
        try:
            made = await submit(order)
        except OrderRefused:
            return
        at = self.moment()
        await db.execute("UPDATE botapp_genrequest SET created_at = $2 WHERE id = $1", made.id, at)
        await _move_posting(made.transaction_id, at)
        quoted = await db.fetch_value(
            "SELECT quote ->> 'usd' FROM botapp_transaction WHERE id = $1", made.transaction_id
        )
        job = Job(at, user.id, is_test, model.slug, model.rate, made.tokens, Decimal(quoted), made.run_code)
        self.jobs.append(job)

    async def _end(self) -> None:
        waiting = [job for job in self.jobs if job.ended is None]
        if not waiting:
            return
        job = self.random.choice(waiting)
        end = self.moment(job.at)
        await self.random.choices((self._deliver, self._fail, self._cancel), (6, 3, 1))[0](job)
        job.ended = end
        row = await db.fetch_one(
            "UPDATE botapp_genrequest SET completed_at = $2 WHERE run_code = $1 RETURNING transaction_id",
            job.run_code,
            end,
        )
        assert row is not None
        for posting in await db.fetch(
            "SELECT id, amount FROM botapp_transaction WHERE related_transaction_id = $1 AND type = 'refund'",
            row["transaction_id"],
        ):
            await _move_posting(posting["id"], end)
            job.refunds.append((end, posting["amount"]))

    async def _deliver(self, job: Job) -> None:
        taken = await claim(job.run_code)
        assert taken is not None
        job.provider = self.random.choice(PROVIDERS)
        job.cost = self.random.choice((None, Decimal(self.random.randrange(1, 900_000)) / 1_000_000))
        if self.random.random() < 0.2 and job.tokens > 1:
            given = in_tokens(job.tokens / 3)
            await ledger.refund(taken.generation.transaction_id, key=self._key(), amount=given)
        await taken.release(
            due=timedelta(0), stage="delivering", status="processing", provider=job.provider, cost_usd=job.cost
        )
        await delivery.record_delivery(job.run_code, [1])
        job.status = "done"

    async def _fail(self, job: Job) -> None:
        taken = await claim(job.run_code)
        assert taken is not None
        job.provider = self.random.choice(("", *PROVIDERS))
        job.cost = self.random.choice((None, None, Decimal("0.01")))
        await taken.change(provider=job.provider, cost_usd=job.cost)
        error = self.random.choice(FAILURE_CLASSES)("as the history has it")
        await endings.fail(taken, error)
        job.status, job.code = "error", error.code

    async def _cancel(self, job: Job) -> None:
        async with db.transaction():
            await operating.cancel(job.run_code)
        job.status = "cancelled"

    async def _pay(self) -> None:
        user, is_test = self.random.choice(self._people)
        package = self.random.choice(await packages.everything())
        at, key = self.moment(), self._key()
        gateway = self.random.choice(("till", "bank"))
        order = await orders.place(Purchase(user, package.code, gateway, key))
        if self.random.random() < 0.2:
            return
        receipt = Receipt(
            gateway, f"external-{key}", Outcome.PAID, amount=order.amount, currency="USD", order_code=order.code, at=at
        )
        await crediting.receive(receipt)
        self.payments.append(Paid(at, user.id, is_test, gateway, order.amount, order.tokens))
        if self.random.random() < 0.3:
            await crediting.receive(Receipt(gateway, f"external-{key}", Outcome.REFUNDED))
            back = self.moment(at)
            changed = await db.execute(
                "UPDATE botapp_payment SET refunded_at = $2 WHERE code = $1 AND status = 'refunded'", order.code, back
            )
            assert changed == 1
            self.payments[-1].refunded = back

    async def _refund(self) -> None:
        """Refund a whole charge that is still open, long after it."""
        waiting = [job for job in self.jobs if job.ended is None and job.tokens > 1 and not job.refunds]
        if not waiting:
            return
        job = self.random.choice(waiting)
        charge = await db.fetch_value("SELECT transaction_id FROM botapp_genrequest WHERE run_code = $1", job.run_code)
        posting = await ledger.refund(charge, key=self._key(), amount=Decimal("0.01"))
        at = self.moment(job.at)
        await _move_posting(posting.id, at)
        await self._end_refunded(job, at, posting.amount)

    async def _end_refunded(self, job: Job, at: datetime, amount: Decimal) -> None:
        job.refunds.append((at, amount))
        await self._cancel(job)
        job.ended = at
        await db.execute("UPDATE botapp_genrequest SET completed_at = $2 WHERE run_code = $1", job.run_code, at)
        for row in await db.fetch(
            """SELECT posting.id, posting.amount FROM botapp_transaction AS posting
            JOIN botapp_genrequest AS generation ON generation.transaction_id = posting.related_transaction_id
            WHERE generation.run_code = $1 AND posting.amount <> $2""",
            job.run_code,
            amount,
        ):
            await _move_posting(row["id"], at)
            job.refunds.append((at, row["amount"]))

    async def _reprice(self) -> None:
        await db.execute("UPDATE pricing_settings SET usd_to_token_rate = $1", Decimal(self.random.choice(RATES)))
        catalog.forget()


@dataclass
class Counted:
    """What a simple count makes of a history in a period."""

    charged: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    refunded: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    revenue_usd: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    cost_usd: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    statuses: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    refunded_jobs: Counter[str] = field(default_factory=Counter)
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)


def count(history: History, since: datetime, until: datetime, by: str) -> Counted:
    """Go through everything that happened and add up what is inside."""
    found = Counted()
    for job in history.jobs:
        if job.is_test:
            continue
        key = partial(_key, job, by)
        if since <= job.at < until:
            found.charged[key(job.at)] += job.tokens
            found.revenue_usd[key(job.at)] += job.tokens / job.rate
        for at, tokens in job.refunds:
            if since <= at < until:
                found.refunded[key(at)] += tokens
                found.revenue_usd[key(at)] -= tokens / job.rate
        if job.ended is None or not since <= job.ended < until:
            continue
        row = key(job.ended)
        found.statuses[row][job.status] += 1
        found.refunded_jobs[row] += bool(job.refunds)
        if job.cost is not None:
            found.cost_usd[row] += job.cost
        elif job.status == "done":
            found.cost_usd[row] += job.quoted_usd
        if job.status == "done":
            found.waits[row].append((job.ended - job.at).total_seconds())
        if job.status == "error":
            found.failures[job.model, job.code] += 1
    return found


def _key(job: Job, by: str, at: datetime) -> str:
    return {"model": job.model, "provider": job.provider, "day": at.astimezone(UTC).date().isoformat()}[by]


async def _move_posting(posting: int, at: datetime) -> None:
    """Date a posting back. Its trigger forbids that, and so the trigger looks away."""
    async with db.transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute("UPDATE botapp_transaction SET created_at = $2 WHERE id = $1", posting, at)
