"""The order that a person had too few tokens for: kept until they have them, offered then, started once.

There is one per person, the latest. Whatever brings the tokens, a look at the table every few seconds finds the orders
that can be paid now; starting one is an ordinary order whose key is the cart's, so that two presses start one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog

from core import catalog, db, ledger, pricing, users
from core.catalog import CatalogModel
from core.generations import Continuation, Order
from core.generations.repository import by_key
from core.generations.states import continuation_from
from core.queue import outbox, task
from core.storage import StoredFile
from core.types import IdempotencyKey, Tokens, UserId
from core.users import User
from providers.base import Json

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(days=7)
QUIET = 5.0
"""Seconds in which the message about a payment may make the offer itself."""

AT_ONCE = 100
"""Orders looked at by one tick."""


@dataclass(frozen=True, slots=True)
class Cart:
    """An order that waits for tokens. `price` is what the person was told that it costs."""

    code: str
    user_id: UserId
    model: str
    prompt: str
    params: Mapping[str, Json]
    images: tuple[StoredFile, ...]
    parent: str | None
    continuation: Continuation | None
    price: Tokens
    created_at: datetime

    @property
    def order_key(self) -> IdempotencyKey:
        """Key of the one generation that this becomes."""
        return order_key(self.code)


@dataclass(frozen=True, slots=True)
class Offer:
    """An order that the balance pays for now, at the `price` of now."""

    cart: Cart
    model: CatalogModel
    price: Tokens

    @property
    def has_new_price(self) -> bool:
        """True when it costs something else than the person was told."""
        return self.price != self.cart.price


def order_key(code: str) -> IdempotencyKey:
    """Return the key of the generation that a cart becomes."""
    return IdempotencyKey(f"cart:{code}")


async def keep(order: Order, price: Tokens) -> Cart:
    """Keep an order that could not be paid, in place of the one before."""
    row = await db.fetch_one(
        """
        INSERT INTO botapp_cart (user_id, code, model, prompt, params, images, continuation, parent, price)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (user_id) DO UPDATE SET code = excluded.code, model = excluded.model, prompt = excluded.prompt,
            params = excluded.params, images = excluded.images, continuation = excluded.continuation,
            parent = excluded.parent, price = excluded.price,
            offered_at = NULL, created_at = now()
        RETURNING *
        """,
        order.user.id,
        uuid.uuid4().hex,
        *_content(order),
        order.parent,
        price,
    )
    assert row is not None
    return _from_row(row)


async def of_user(user: UserId) -> Cart | None:
    """Return what waits for a person's tokens, if anything does."""
    row = await db.fetch_one(
        "SELECT * FROM botapp_cart WHERE user_id = $1 AND created_at > now() - $2::interval", user, KEPT_FOR
    )
    return None if row is None else _from_row(row)


async def drop(code: str) -> None:
    """Forget an order; one that is gone is no error."""
    await db.execute("DELETE FROM botapp_cart WHERE code = $1", code)


async def drop_alike(order: Order) -> None:
    """Forget what waits once the very same is ordered, by its button or in words."""
    await db.execute(
        """
        DELETE FROM botapp_cart
        WHERE user_id = $1 AND model = $2 AND prompt = $3 AND params = $4::jsonb AND images = $5::jsonb
            AND continuation IS NOT DISTINCT FROM $6::jsonb AND (continuation IS NULL OR parent = $7)
        """,
        order.user.id,
        *_content(order),
        order.parent,
    )


async def agree(code: str, price: Tokens) -> None:
    """Note the price that the person has been told since."""
    await db.execute("UPDATE botapp_cart SET price = $2 WHERE code = $1", code, price)


async def offer_for(user: User) -> Offer | None:
    """Return what waits for a person's tokens once the balance pays for it; None as long as it cannot be started."""
    kept = None if user.is_blocked else await of_user(user.id)
    if kept is None or await by_key(kept.order_key) is not None:
        return None
    try:
        model = await catalog.get(kept.model)
        price = pricing.quote(model, kept.params).tokens
    except (catalog.UnknownModel, pricing.InvalidParams):
        return None
    if not model.is_available or await ledger.balance_of(user.id) < price:
        return None
    return Offer(kept, model, price)


async def mark_offered(code: str) -> None:
    """Note that the person was told, so that nobody tells them again unasked."""
    await db.execute("UPDATE botapp_cart SET offered_at = now() WHERE code = $1", code)


async def offer_again(user: UserId) -> None:
    """Note that the person was not told after all."""
    await db.execute("UPDATE botapp_cart SET offered_at = NULL WHERE user_id = $1", user)


@task("cart.offer_due")
async def offer_due(quiet: float = QUIET) -> None:
    """Have the bot offer what can be paid now, whatever brought the tokens `quiet` seconds ago or earlier."""
    rows = await db.fetch(
        """
        SELECT cart.code, person.chat_id
        FROM botapp_cart AS cart JOIN botapp_tguser AS person ON person.id = cart.user_id
        JOIN botapp_userbalance AS balance ON balance.user_id = cart.user_id
        WHERE cart.offered_at IS NULL AND cart.created_at > now() - $1::interval AND balance.balance >= cart.price
            AND balance.updated_at <= now() - make_interval(secs => $2)
            AND NOT person.is_blocked AND person.unreachable_since IS NULL
        ORDER BY cart.id LIMIT $3
        """,
        KEPT_FOR,
        quiet,
        AT_ONCE,
    )
    for row in rows:
        await _have_offered(row["code"], row["chat_id"])
    await outbox.flush()


async def _have_offered(code: str, chat_id: int) -> None:
    user = await users.get(chat_id)
    offer = await offer_for(user) if user is not None else None
    if offer is None or offer.cart.code != code:
        return
    async with db.transaction():
        claimed = await db.execute(
            "UPDATE botapp_cart SET offered_at = now() WHERE code = $1 AND offered_at IS NULL", code
        )
        if claimed:
            await outbox.publish_later("bot.offer_cart", {"chat_id": chat_id})
    log.info("cart.offered", code=code)


@task("cart.forget_old")
async def forget_old() -> None:
    """Delete the orders that nobody wanted any more."""
    forgotten = await db.execute("DELETE FROM botapp_cart WHERE created_at < now() - $1::interval", KEPT_FOR)
    log.info("cart.forgotten", orders=forgotten)


def _content(order: Order) -> tuple[str, str, str, str, str | None]:
    """What makes two orders the same: model, words, options, pictures, and what is done with an earlier result."""
    images = db.to_json([image.to_dict() for image in order.images])
    continuation = None if order.continuation is None else db.to_json(asdict(order.continuation))
    return order.model, order.prompt.strip(), db.to_json(dict(order.params)), images, continuation


def _from_row(row: db.Row) -> Cart:
    return Cart(
        code=row["code"],
        user_id=row["user_id"],
        model=row["model"],
        prompt=row["prompt"],
        params=json.loads(row["params"]),
        images=tuple(StoredFile.from_dict(image) for image in json.loads(row["images"])),
        parent=row["parent"],
        continuation=continuation_from(row["continuation"]),
        price=row["price"],
        created_at=row["created_at"],
    )
