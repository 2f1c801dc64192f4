"""Accounts as operators see them: found by Telegram id or name, credited, debited, blocked.

Callers own the transaction and record the change in the audit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from core import db, ledger
from core.audit import Change
from core.ledger import Posting, PostingKind
from core.types import Tokens, UserId

_TELEGRAM_ID = re.compile(r"[1-9][0-9]{0,18}")
_USERNAME = re.compile(r"@?([A-Za-z][A-Za-z0-9_]{0,31})")


class UserNotFound(Exception):
    """Nobody of that name or Telegram id has written to the bot."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no user {name[:64]!r}")


class AmbiguousName(Exception):
    """Several accounts have had that name; Telegram lets a name move on. The ids tell them apart."""

    def __init__(self, name: str, chat_ids: list[int]) -> None:
        super().__init__(f"{name} is the name of users {', '.join(map(str, chat_ids))}; use the Telegram id")
        self.chat_ids = chat_ids


@dataclass(frozen=True, slots=True)
class Account:
    """A person with their money.

    `held` is charged for generations that are not finished, `rewards` came for friends.
    """

    id: UserId
    chat_id: int
    username: str
    first_name: str
    last_name: str
    language: str
    timezone: str | None
    is_premium: bool
    is_blocked: bool
    unreachable_since: datetime | None
    created_at: datetime
    balance: Tokens
    held: Tokens
    total_spent: Tokens
    total_deposited: Tokens
    bonuses: Tokens
    postings: int
    generations: int
    referral_code: str | None
    invited_by: int | None
    invited: int
    rewards: Tokens


_ACCOUNT = """
    SELECT person.id, person.chat_id, person.username, person.first_name, person.last_name, person.is_premium,
        person.is_blocked, person.unreachable_since, person.created_at, settings.timezone,
        coalesce(settings.interface_language, person.language_code) AS language,
        coalesce(balance.balance, 0) AS balance, coalesce(balance.total_spent, 0) AS total_spent,
        coalesce(balance.total_deposited, 0) AS total_deposited, coalesce(balance.bonus_balance, 0) AS bonuses,
        balance.referral_code, inviter.chat_id AS invited_by,
        (SELECT coalesce(sum(charge.amount - charge.refunded), 0) FROM botapp_genrequest AS generation
            JOIN botapp_charge AS charge USING (transaction_id)
            WHERE generation.user_id = person.id AND generation.status IN ('queued', 'processing')) AS held,
        (SELECT count(*) FROM botapp_transaction WHERE user_id = person.id) AS postings,
        (SELECT count(*) FROM botapp_genrequest WHERE user_id = person.id) AS generations,
        (SELECT count(*) FROM botapp_referral WHERE inviter_id = person.id) AS invited,
        (SELECT coalesce(sum(amount), 0) FROM botapp_transaction
            WHERE user_id = person.id AND type = 'referral') AS rewards
    FROM botapp_tguser AS person
    LEFT JOIN botapp_usersettings AS settings ON settings.user_id = person.id
    LEFT JOIN botapp_userbalance AS balance ON balance.user_id = person.id
    LEFT JOIN botapp_referral AS referral ON referral.invitee_id = person.id
    LEFT JOIN botapp_tguser AS inviter ON inviter.id = referral.inviter_id
    WHERE person.id = $1
"""


async def find(name: str) -> UserId:
    """Return whose Telegram id or @username this is.

    Raises:
        UserNotFound: nobody's.
        AmbiguousName: that of several accounts.
    """
    if _TELEGRAM_ID.fullmatch(name) and int(name) < 2**63:
        rows = await db.fetch("SELECT id, chat_id FROM botapp_tguser WHERE chat_id = $1", int(name))
    elif username := _USERNAME.fullmatch(name):
        rows = await db.fetch(
            "SELECT id, chat_id FROM botapp_tguser WHERE lower(username) = lower($1) ORDER BY chat_id LIMIT 10",
            username[1],
        )
    else:
        rows = []
    if not rows:
        raise UserNotFound(name)
    if len(rows) > 1:
        raise AmbiguousName(name, [row["chat_id"] for row in rows])
    return UserId(rows[0]["id"])


async def names_like(name: str, *, most: int = 200) -> list[str]:
    """The @usernames that begin like this one, to find what was meant by a slip; of a number nothing is near."""
    username = _USERNAME.fullmatch(name)
    if username is None or _TELEGRAM_ID.fullmatch(name):
        return []
    rows = await db.fetch(
        "SELECT username FROM botapp_tguser WHERE starts_with(lower(username), lower($1)) LIMIT $2",
        username[1][:2],
        most,
    )
    return [f"@{row['username']}" for row in rows]


async def get(user: UserId) -> Account:
    """Return everything that operators see of a person."""
    row = await db.fetch_one(_ACCOUNT, user)
    assert row is not None
    return Account(**{name: row[name] for name in Account.__slots__})


async def adjust(user: UserId, amount: Tokens, change: Change) -> Posting:
    """Give tokens, or take them with a negative amount, as a posting with the change's actor and reason.

    Raises:
        InsufficientTokens: the balance is below what is to be taken; nothing was taken.
    """
    return await ledger.post(
        user, amount, PostingKind.ADMIN, key=change.posting_key, actor=change.actor, reason=change.reason
    )


async def set_blocked(user: UserId, *, is_blocked: bool) -> bool:
    """Shut a person out or let them in again; False when they were so already."""
    changed = await db.execute(
        "UPDATE botapp_tguser SET is_blocked = $2, updated_at = now() WHERE id = $1 AND is_blocked <> $2",
        user,
        is_blocked,
    )
    return changed == 1
