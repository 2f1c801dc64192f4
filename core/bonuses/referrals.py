"""Inviting friends: a link of one's own, tokens for who comes by it, and for oneself once that friend pays."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import asyncpg

from core import db, ledger
from core.bonuses.person import has_paid, lock_person
from core.ledger import Posting, PostingKind
from core.logs import get_logger
from core.queue import outbox
from core.types import IdempotencyKey, Language, Tokens, UserId
from core.users import language_for

log = get_logger(__name__)

INVITEE_GETS: Tokens = Decimal("5.00")
"""At once."""

INVITER_GETS: Tokens = Decimal("10.00")
"""With the friend's first deposit."""

NEW_FOR = timedelta(hours=24)
"""An account that is older was not brought by a link."""

PREFIX = "ref_"
_CODE = re.compile(r"REF[0-9A-F]{8}")


class Declined(StrEnum):
    """Why a link brought nothing. None of it is an error: the person is here all the same."""

    UNKNOWN = "unknown"
    OWN = "own"
    NOT_NEW = "not_new"
    INVITED_BEFORE = "invited_before"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A friend came by a link and got tokens."""

    inviter: UserId
    inviter_name: str
    posting: Posting


@dataclass(frozen=True, slots=True)
class Invitations:
    """What came of somebody's link."""

    came: int
    paid: int
    earned: Tokens


@dataclass(frozen=True, slots=True)
class Friendship:
    """Who invited whom, for telling the inviter. `reward` is there once the friend has paid."""

    inviter_chat_id: int
    language: Language
    friend_name: str
    reward: Posting | None


class _Rejected(Exception):
    def __init__(self, why: Declined) -> None:
        self.why = why


async def code_of(user: UserId) -> str:
    """Return the code that a person invites with. It is made when it is first asked for and then stays."""
    while True:
        await db.execute(
            """
            UPDATE botapp_userbalance SET referral_code = $2
            WHERE user_id = $1 AND referral_code IS NULL
                AND NOT EXISTS (SELECT FROM botapp_userbalance WHERE referral_code = $2)
            """,
            user,
            f"REF{secrets.token_hex(4).upper()}",
        )
        code: str | None = await db.fetch_value("SELECT referral_code FROM botapp_userbalance WHERE user_id = $1", user)
        if code is not None:
            return code


def link(bot_name: str, code: str) -> str:
    """Return the address that opens the bot with an invitation."""
    return f"https://t.me/{bot_name}?start={PREFIX}{code}"


def code_in(payload: str) -> str | None:
    """Return the code that a deep link carries, `ref_REF1A2B3C4D`; None when it carries none of ours."""
    code = payload.strip().upper()
    code = code.removeprefix(PREFIX.upper())
    return code if _CODE.fullmatch(code) else None


async def accept(user: UserId, payload: str, now: datetime) -> Accepted | Declined:
    """Note who invited a newcomer and give the newcomer tokens, in a transaction of its own.

    The first link counts, wherever it was opened, in the chat or in the Mini App.

    Args:
        payload: what the link carries, with or without `ref_`.
    """
    code = code_in(payload)
    if code is None:
        return Declined.UNKNOWN
    try:
        inviter, name = await _inviter(user, code)
        # The Mini App brings its link along with every call: nearly all of them end here, without a lock.
        await _refuse_unless_new(user, now)
        async with db.transaction():
            await lock_person(user)
            await _refuse_unless_new(user, now)
            posting = await _accept(user, inviter)
    except _Rejected as rejection:
        return rejection.why
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != "referral_makes_no_loop":
            raise
        return Declined.LOOP
    await outbox.flush()
    log.info("referral.accepted", inviter=inviter, invitee=user)
    return Accepted(inviter, name, posting)


async def _inviter(user: UserId, code: str) -> tuple[UserId, str]:
    row = await db.fetch_one(
        """
        SELECT person.id, person.first_name
        FROM botapp_userbalance AS balance JOIN botapp_tguser AS person ON person.id = balance.user_id
        WHERE balance.referral_code = $1 AND NOT person.is_blocked
        """,
        code,
    )
    if row is None:
        raise _Rejected(Declined.UNKNOWN)
    if row["id"] == user:
        raise _Rejected(Declined.OWN)
    return row["id"], row["first_name"]


async def _accept(user: UserId, inviter: UserId) -> Posting:
    referral = await db.fetch_value(
        "INSERT INTO botapp_referral (inviter_id, invitee_id) VALUES ($1, $2) RETURNING id", inviter, user
    )
    posting = await ledger.post(
        user, INVITEE_GETS, PostingKind.BONUS, key=IdempotencyKey(f"invited:{user}"), reason="invited"
    )
    await outbox.publish_later("bot.tell_bonus", {"referral": referral, "news": "joined"})
    return posting


async def _refuse_unless_new(user: UserId, now: datetime) -> None:
    person = await db.fetch_one(
        """
        SELECT person.created_at, EXISTS (SELECT FROM botapp_referral WHERE invitee_id = person.id) AS was_invited
        FROM botapp_tguser AS person WHERE person.id = $1
        """,
        user,
    )
    assert person is not None, "whoever opens a link has an account by then"
    if person["was_invited"]:
        raise _Rejected(Declined.INVITED_BEFORE)
    if now - person["created_at"] >= NEW_FOR or await has_paid(user):
        raise _Rejected(Declined.NOT_NEW)


async def reward(invitee: UserId, deposit: Posting) -> Posting | None:
    """Give who invited the payer their tokens, with the payer's first deposit; None when there is nothing to give.

    Runs in the transaction that credits the deposit, which holds the lock of the payer. A refund of the deposit leaves
    it: the inviter did what was asked of them.
    """
    row = await db.fetch_one(
        "SELECT id, inviter_id FROM botapp_referral WHERE invitee_id = $1 AND transaction_id IS NULL", invitee
    )
    if row is None:
        return None
    posting = await ledger.post(
        row["inviter_id"],
        INVITER_GETS,
        PostingKind.REFERRAL,
        key=IdempotencyKey(f"referral:{invitee}"),
        related=deposit.id,
        reason="friend_paid",
    )
    await db.execute("UPDATE botapp_referral SET transaction_id = $2 WHERE id = $1", row["id"], posting.id)
    await outbox.publish_later("bot.tell_bonus", {"referral": row["id"], "news": "paid"})
    return posting


async def invitations(user: UserId) -> Invitations:
    """Say how many friends came by a person's link, how many of them paid, and what that earned."""
    row = await db.fetch_one(
        """
        SELECT count(*) AS came, count(referral.transaction_id) AS paid, coalesce(sum(posting.amount), 0) AS earned
        FROM botapp_referral AS referral LEFT JOIN botapp_transaction AS posting ON posting.id = referral.transaction_id
        WHERE referral.inviter_id = $1
        """,
        user,
    )
    assert row is not None
    return Invitations(row["came"], row["paid"], row["earned"])


async def friendship(referral: int) -> Friendship | None:
    """Return who invited whom, by the row's id."""
    row = await db.fetch_one(
        """
        SELECT inviter.chat_id, inviter.language_code, settings.interface_language, friend.first_name,
            referral.transaction_id
        FROM botapp_referral AS referral JOIN botapp_tguser AS inviter ON inviter.id = referral.inviter_id
        JOIN botapp_tguser AS friend ON friend.id = referral.invitee_id
        LEFT JOIN botapp_usersettings AS settings ON settings.user_id = inviter.id
        WHERE referral.id = $1
        """,
        referral,
    )
    if row is None:
        return None
    return Friendship(
        inviter_chat_id=row["chat_id"],
        language=row["interface_language"] or language_for(row["language_code"]),
        friend_name=row["first_name"],
        reward=None if row["transaction_id"] is None else await ledger.get(row["transaction_id"]),
    )
