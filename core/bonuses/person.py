"""What every bonus asks about a person first: one thing at a time, and did they ever pay.

Bonuses take locks in one order, which keeps them from waiting for each other in a circle: first the person, then the
promo code, then the person's balance, last the balance of who invited them. The last step makes no circle either: the
chain of who invited whom has none, see `referral_makes_no_loop` in the migrations.
"""

from __future__ import annotations

from core import db
from core.types import UserId


async def lock_person(user: UserId) -> None:
    """Have the bonuses of one person happen one after the other, until the open transaction ends."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"bonuses:{user}")


async def has_paid(user: UserId) -> bool:
    """Say whether a payment of this person was ever credited, even if it was refunded since."""
    return bool(
        await db.fetch_value(
            "SELECT EXISTS (SELECT FROM botapp_payment WHERE user_id = $1 AND transaction_id IS NOT NULL)", user
        )
    )
