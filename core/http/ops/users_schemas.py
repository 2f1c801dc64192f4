"""What the ops API takes and answers about people."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from core.http.openapi import ChangeBody
from core.http.ops.ledger_schemas import Posting
from core.http.values import Answer, Moment, Tokens

MOST_TOKENS = Decimal(100_000)
"""Most that one adjustment moves: a mistyped amount is refused, not booked."""


class Balance(Answer):
    """Tokens of a person. `held` is charged for generations that are not finished yet."""

    tokens: Tokens
    held: Tokens
    spent: Tokens
    deposited: Tokens
    bonuses: Tokens


class Referral(Answer):
    """Friends: the code to invite with, who invited this person, and whom they invited."""

    code: str | None
    invited_by: str | None
    invited: int
    rewards: Tokens


class UserPayment(Answer):
    """An order of a person, and how far its money is. `amount` is in units of `currency`."""

    code: str
    gateway: str
    status: str
    package: str | None
    tokens: Tokens
    amount: Tokens
    currency: str
    created_at: Moment
    paid_at: Moment | None
    refunded_at: Moment | None


class Refusals(Answer):
    """Orders that were refused for their content in the last 30 days; with many of them a person has to wait.

    `latest` says by whom and for what: `words sexual`, `moderation hate`, `provider content_blocked`.
    """

    count: int
    latest: str | None
    latest_at: Moment | None
    paused_until: Moment | None


class UserNote(Answer):
    """What an operator wrote down about a person, and which one."""

    at: Moment
    by: str
    text: str


class NewNote(ChangeBody):
    """A note about a person. Its text is the `reason`, which the audit keeps as it is."""


class Noted(Answer):
    """What was written down, and how many notes there are about the person."""

    user: str
    text: str
    notes: int


class User(Answer):
    """A person with their latest postings and payments, the newest first. `id` is the Telegram id."""

    id: str
    username: str | None
    first_name: str
    last_name: str
    language: str
    timezone: str | None
    is_premium: bool
    is_blocked: bool
    unreachable_since: Moment | None
    created_at: Moment
    generations: int
    postings_total: int
    balance: Balance
    referral: Referral
    refusals: Refusals
    postings: list[Posting]
    payments: list[UserPayment]
    notes: list[UserNote]


class Adjustment(ChangeBody):
    """Tokens to give or to take."""

    tokens: Decimal = Field(
        description="How many: above 0, at most two decimals.", gt=0, le=MOST_TOKENS, max_digits=8, decimal_places=2
    )


class Adjusted(Answer):
    """What was posted, and the balance after it. `amount` is negative for tokens taken."""

    user: str
    posting: str
    amount: Tokens
    balance: Tokens


class Blocking(Answer):
    """Whether a person is shut out now, and whether that is new."""

    user: str
    state: Literal["blocked", "open"]
    changed: bool
