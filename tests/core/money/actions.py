"""What people, operators and gateways may want, each in the product's words and in the model's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from core import audit, db, ledger
from core.audit import Change
from core.bonuses import daily, promo, referrals
from core.generations import CannotCancel, GenerationNotFound, Order, TooManyRunning, cancel, submit
from core.ledger import AlreadyResolved, InsufficientTokens, KeyReused, PostingKind
from core.payments import crediting, orders, refunds, repository
from core.payments.gateways.base import GatewayRefused, Outcome, Receipt
from core.payments.orders import OrderKeyReused, Purchase
from core.types import TraceId
from tests.core.ledger.conftest import quote_of
from tests.core.money import model as rules
from tests.core.money import paying
from tests.core.money.model import Model
from tests.core.money.paying import News
from tests.core.money.tills import is_away

if TYPE_CHECKING:
    from tests.core.money.world import World

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANSWERS: dict[type[Exception], str] = {
    AlreadyResolved: "resolved",
    CannotCancel: "cannot",
    GatewayRefused: "refused",
    GenerationNotFound: "not found",
    InsufficientTokens: "insufficient",
    KeyReused: "key reused",
    OrderKeyReused: "key reused",
    TooManyRunning: "too many",
    promo.UsedByYou: "used by you",
    promo.UsedUp: "used up",
    refunds.NotRefundable: "not refundable",
    refunds.TokensSpent: "spent",
}
"""What an expected refusal is called; everything else that is raised is a defect or a crash."""


class Action(Protocol):
    """One wish."""

    async def run(self, world: World) -> str:
        """Have the product do it and return how it answered."""

    def apply(self, model: Model) -> str:
        """Have the model do it and return how it has to be answered."""


async def answer_of(doing: Awaitable[object], otherwise: str = "done") -> str:
    """Return the name of an answer."""
    try:
        await doing
    except tuple(ANSWERS) as refusal:
        return ANSWERS[type(refusal)]
    return otherwise


async def in_transaction(doing: Callable[[], Awaitable[object]]) -> None:
    """Do it as a caller who owns the transaction."""
    async with db.transaction():
        await doing()


@dataclass(frozen=True)
class Adjust:
    """An operator credits or debits."""

    key: str
    person: int
    amount: Decimal

    async def run(self, world: World) -> str:
        user = world.people[self.person]
        change = Change(
            actor="token:operator",
            action="users.credit",
            subject=str(user.chat_id),
            reason="because",
            key=world.key(self.key),
            request={"tokens": self.amount},
        )

        async def perform() -> audit.Result:
            await ledger.post(
                user.id,
                self.amount,
                PostingKind.ADMIN,
                key=change.posting_key,
                actor=change.actor,
                reason=change.reason,
            )
            return {}

        try:
            return await answer_of(audit.once(change, perform))
        except audit.ChangeKeyReused:
            return "key reused"

    def apply(self, model: Model) -> str:
        return model.adjust(self.key, self.person, self.amount)


@dataclass(frozen=True)
class Welcome:
    """A newcomer presses start."""

    person: int

    async def run(self, world: World) -> str:
        posting = await ledger.give_welcome_bonus(world.people[self.person].id)
        return "had it" if posting is None else "done"

    def apply(self, model: Model) -> str:
        return model.welcome(self.person)


@dataclass(frozen=True)
class Charge:
    """Tokens are taken for work."""

    key: str
    person: int
    amount: Decimal

    async def run(self, world: World) -> str:
        user = world.people[self.person]
        return await answer_of(
            in_transaction(lambda: ledger.charge(user.id, quote_of(self.amount), key=world.key(self.key)))
        )

    def apply(self, model: Model) -> str:
        return model.charge(self.key, self.person, self.amount)


@dataclass(frozen=True)
class RefundCharge:
    """Tokens of a charge are given back, all that is left or a part."""

    key: str
    charge: str
    amount: Decimal | None

    async def run(self, world: World) -> str:
        posting = await world.posting(self.charge)
        if posting is None:
            return "resolved"
        return await answer_of(
            in_transaction(lambda: ledger.refund(posting, key=world.key(self.key), amount=self.amount))
        )

    def apply(self, model: Model) -> str:
        return model.refund_charge(self.key, self.charge, self.amount)


@dataclass(frozen=True)
class Settle:
    """The result of a charge was handed over."""

    charge: str

    async def run(self, world: World) -> str:
        posting = await world.posting(self.charge)
        return "resolved" if posting is None else await answer_of(in_transaction(lambda: ledger.settle(posting)))

    def apply(self, model: Model) -> str:
        return model.settle(self.charge)


@dataclass(frozen=True)
class Generate:
    """Somebody orders a picture."""

    key: str
    person: int
    price: Decimal

    async def run(self, world: World) -> str:
        order = Order(
            user=world.people[self.person],
            model="nano-banana",
            prompt="a fox",
            key=world.key(self.key),
            language="en",
            trace_id=TraceId("0" * 32),
        )
        return await answer_of(submit(order))

    def apply(self, model: Model) -> str:
        return model.generate(self.key, self.person, self.price)


@dataclass(frozen=True)
class Cancel:
    """Somebody stops a picture, their own or not."""

    key: str
    person: int

    async def run(self, world: World) -> str:
        run_code = await db.fetch_value(
            "SELECT run_code FROM botapp_genrequest WHERE idempotency_key = $1", world.key(self.key)
        )
        return await answer_of(cancel(run_code, world.people[self.person].id)) if run_code else "not found"

    def apply(self, model: Model) -> str:
        return model.cancel(self.key, self.person)


@dataclass(frozen=True)
class Redeem:
    """Somebody types a promo code."""

    code: str
    person: int

    async def run(self, world: World) -> str:
        try:
            outcome = await promo.redeem(world.people[self.person].id, world.code(self.code), datetime.now(UTC))
        except tuple(ANSWERS) as refusal:
            return ANSWERS[type(refusal)]
        if isinstance(outcome, promo.Given):
            return "done"
        return "promised" if outcome.is_new else "waiting"

    def apply(self, model: Model) -> str:
        return model.redeem(self.code, self.person)


@dataclass(frozen=True)
class Invite:
    """Somebody follows the link of somebody."""

    person: int
    inviter: int

    async def run(self, world: World) -> str:
        accepted = await referrals.accept(
            world.people[self.person].id, world.referral_codes[self.inviter], datetime.now(UTC)
        )
        return "declined" if isinstance(accepted, referrals.Declined) else "done"

    def apply(self, model: Model) -> str:
        return model.invite(self.person, self.inviter)


@dataclass(frozen=True)
class Come:
    """Somebody takes the reward of a day."""

    person: int
    day: int

    async def run(self, world: World) -> str:
        standing = await daily.take(world.people[self.person], NOON + timedelta(days=self.day))
        return "had it" if standing.posting is None else f"day {standing.streak}"

    def apply(self, model: Model) -> str:
        return model.come(self.person, self.day)


@dataclass(frozen=True)
class Place:
    """Somebody orders tokens."""

    key: str
    person: int
    gateway: str
    package: str
    tokens: Decimal
    amount: Decimal
    is_recurring: bool

    async def run(self, world: World) -> str:
        purchase = Purchase(
            user=world.people[self.person],
            package=self.package,
            gateway=self.gateway,
            key=world.key(self.key),
            details=db.to_json({"invoice": world.external(self.gateway, self.key)}),
        )
        return await answer_of(orders.place(purchase))

    def apply(self, model: Model) -> str:
        order = rules.Order(self.person, self.gateway, self.tokens, self.amount, is_recurring=self.is_recurring)
        return paying.place(model, self.key, order)


@dataclass(frozen=True)
class Invoice:
    """Somebody opens the page to pay at."""

    key: str
    external: str | None

    async def run(self, world: World) -> str:
        payment = await repository.by_key(world.key(self.key))
        return "done" if payment is None else await answer_of(orders.invoice(payment))

    def apply(self, model: Model) -> str:
        return paying.invoice(model, self.key, self.external)


@dataclass(frozen=True)
class Hear:
    """A gateway says something."""

    news: News

    async def run(self, world: World) -> str:
        order = await repository.by_key(world.key(self.news.order)) if self.news.order else None
        payer = self.news.payer
        receipt = Receipt(
            gateway=self.news.gateway,
            external_id=world.name + self.news.external,
            outcome=Outcome(self.news.outcome),
            amount=self.news.amount,
            currency=self.news.currency,
            order_code=order.code if order else None,
            payer=world.people[payer].chat_id if payer is not None else None,
            is_recurring=self.news.is_renewal,
        )
        return "nothing" if await crediting.receive(receipt) is None else "done"

    def apply(self, model: Model) -> str:
        return paying.hear(model, self.news)


@dataclass(frozen=True)
class Refund:
    """An operator refunds a payment."""

    order: str
    write_off: bool
    outside: bool

    async def run(self, world: World) -> str:
        payment = await repository.by_key(world.key(self.order))
        if payment is None:
            return "not refundable"
        statuses = []

        async def give_back() -> None:
            after = await refunds.refund(
                payment.code,
                actor="token:operator",
                reason="unhappy",
                write_off=self.write_off,
                is_done_outside=self.outside,
            )
            statuses.append(after.status.value)

        answer = await answer_of(in_transaction(give_back))
        return statuses[0] if answer == "done" else answer

    def apply(self, model: Model) -> str:
        return paying.refund(model, self.order, write_off=self.write_off, outside=self.outside)


@dataclass(frozen=True)
class CarryOut:
    """A worker has the gateway return the money, which it can or cannot."""

    order: str
    works: bool

    async def run(self, world: World) -> str:
        payment = await repository.by_key(world.key(self.order))
        if payment is not None:
            is_away.set(not self.works)
            await refunds.carry_out(payment.code)
        return "done"

    def apply(self, model: Model) -> str:
        return paying.carry_out(model, self.order, works=self.works)
