"""The statement as double entry: what each posting moves between the accounts of a bookkeeper.

Tokens of users are a liability, tokens held for a generation in progress another one; they become revenue when the
generation is delivered. Money of gateways stands in its own currency at the price in tokens that it was sold for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

from core import db
from core.ledger.postings import PostingKind
from core.types import Tokens

OWN: Final = "TOKEN"
"""Name of our own currency in the books."""

USERS: Final = "Liabilities:Users"
HELD: Final = "Liabilities:Held"
REVENUE: Final = "Income:Generations"
ADJUSTMENTS: Final = "Expenses:Adjustments"
WRITE_OFFS: Final = "Expenses:WriteOffs"
UNMATCHED: Final = "Equity:Unmatched"
"""Deposits without a payment: `verify` names them."""

STEP: Final = 20
"""How many times more rows than a page holds are looked at for one, where only some days are wanted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry. `tokens` is what an amount of another commodity was exchanged for, without a sign."""

    account: str
    amount: Decimal
    commodity: str = OWN
    tokens: Tokens | None = None


@dataclass(frozen=True, slots=True)
class BookEntry:
    """Lines that add up to nothing.

    Attributes:
        id: unique; `t` with the number of a posting or `p` with that of a payment, and what happened to it.
        user: Telegram id, where it concerns somebody.
        reference: code of the payment or id of the generation.
    """

    id: str
    at: datetime
    what: str
    user: int | None
    reference: str
    actor: str
    reason: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """How far the books are read: first all postings, then the payments that made none."""

    is_in_payments: bool = False
    row: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in the order of their postings, and where the next ones begin; None after the last."""

    entries: list[BookEntry]
    following: Position | None


_POSTINGS = """
    SELECT posting.id, posting.type, posting.amount, posting.created_at, posting.actor, posting.reason,
        posting.related_transaction_id AS related, person.chat_id, charge.state AS charge_state,
        charge.amount - charge.refunded AS kept, charge.resolved_at, generation.run_code,
        coalesce(posting.quote, original.quote) ->> 'model' AS model, original.type AS origin,
        original.reason AS origin_reason, payment.code, payment.gateway, payment.amount AS paid, payment.currency,
        payment.status, payment.refunded_at
    FROM (SELECT * FROM botapp_transaction WHERE id > $1 ORDER BY id LIMIT $2) AS posting
    JOIN botapp_tguser AS person ON person.id = posting.user_id
    LEFT JOIN botapp_charge AS charge ON charge.transaction_id = posting.id
    LEFT JOIN botapp_transaction AS original ON original.id = posting.related_transaction_id
    LEFT JOIN botapp_genrequest AS generation ON generation.transaction_id =
        CASE posting.type WHEN 'generation' THEN posting.id WHEN 'refund' THEN original.id END
    LEFT JOIN botapp_payment AS payment ON payment.transaction_id =
        CASE posting.type WHEN 'deposit' THEN posting.id WHEN 'reversal' THEN original.id END
    WHERE ($3::timestamptz IS NULL OR greatest(posting.created_at, charge.resolved_at, payment.refunded_at) >= $3)
        AND ($4::timestamptz IS NULL OR posting.created_at < $4)
    ORDER BY posting.id LIMIT $5
"""

_SCANNED = """
    SELECT count(*) AS count, max(id) AS last
    FROM (SELECT id FROM botapp_transaction WHERE id > $1 ORDER BY id LIMIT $2) AS scanned
"""

_PAYMENTS = """
    SELECT payment.id, payment.code, payment.gateway, payment.status,
        coalesce((payment.details #>> '{came,amount}')::numeric, payment.amount) AS amount,
        coalesce(payment.details #>> '{came,currency}', payment.currency) AS currency,
        coalesce(payment.paid_at, payment.created_at) AS at, payment.refunded_at, payment.problem, person.chat_id
    FROM botapp_payment AS payment LEFT JOIN botapp_tguser AS person ON person.id = payment.user_id
    WHERE payment.id > $1 AND payment.transaction_id IS NULL
        AND coalesce((payment.details #>> '{came,amount}')::numeric, payment.amount) > 0
        AND payment.status IN ('quarantined', 'refunding', 'refunded')
        AND ($3::timestamptz IS NULL OR greatest(payment.paid_at, payment.created_at, payment.refunded_at) >= $3)
        AND ($4::timestamptz IS NULL OR coalesce(payment.paid_at, payment.created_at) < $4)
    ORDER BY payment.id LIMIT $2
"""


async def read(position: Position, *, limit: int, since: date | None = None, until: date | None = None) -> Page:
    """Return what the next `limit` rows moved on the days (UTC) from `since` to the one before `until`."""
    begin, end = _midnight(since), _midnight(until)
    if position.is_in_payments:
        rows = await db.fetch(_PAYMENTS, position.row, limit, begin, end)
        following = Position(is_in_payments=True, row=rows[-1]["id"]) if len(rows) == limit else None
        made = (entry for row in rows for entry in _of_payment(row))
    else:
        # Of a period that lies far back or ahead a page may be empty, and is looked for in larger steps.
        step = limit if since is None and until is None else limit * STEP
        scanned = await db.fetch_one(_SCANNED, position.row, step)
        assert scanned is not None
        rows = await db.fetch(_POSTINGS, position.row, step, begin, end, limit)
        following = _following(rows, limit, scanned if scanned["count"] == step else None)
        made = (entry for row in rows for entry in _of_posting(row))
    # A charge and its settlement may lie on different days.
    entries = [entry for entry in made if (begin is None or entry.at >= begin) and (end is None or entry.at < end)]
    return Page(entries, following)


def _following(rows: list[db.Row], limit: int, scanned: db.Row | None) -> Position:
    if len(rows) == limit:
        return Position(row=rows[-1]["id"])
    return Position(is_in_payments=True) if scanned is None else Position(row=scanned["last"])


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def _of_posting(row: db.Row) -> Iterator[BookEntry]:
    kind = PostingKind(row["type"])
    yield _entry(row, "", row["created_at"], _what(kind, row), (_of_user(row), _other_side(kind, row)))
    if row["charge_state"] == "settled":
        revenue = _account(REVENUE, row["model"] or "unknown")
        lines = (Line(HELD, row["kept"]), Line(revenue, -row["kept"]))
        yield _entry(row, "-settled", row["resolved_at"], f"delivered: {row['model']}", lines)
    if kind is PostingKind.REVERSAL and row["code"] and row["status"] == "refunded":
        lines = (
            Line(_account("Liabilities:Refunds", row["gateway"]), row["paid"], _currency(row)),
            Line(_account("Assets:Gateways", row["gateway"]), -row["paid"], _currency(row)),
        )
        yield _entry(row, "-returned", row["refunded_at"], "the money went back", lines)


def _of_user(row: db.Row) -> Line:
    return Line(f"{USERS}:{row['chat_id']}", -row["amount"])


def _other_side(kind: PostingKind, row: db.Row) -> Line:
    amount: Tokens = row["amount"]
    match kind:
        case PostingKind.DEPOSIT:
            return _money("Assets:Gateways", row) if row["code"] else Line(UNMATCHED, amount)
        case PostingKind.GENERATION | PostingKind.REFUND:
            return Line(HELD, amount)
        case PostingKind.BONUS | PostingKind.REFERRAL:
            return Line(_bonus(row["reason"]), amount)
        case PostingKind.REVERSAL if row["origin"] == PostingKind.DEPOSIT:
            return _money("Liabilities:Refunds", row) if row["code"] else Line(UNMATCHED, amount)
        case PostingKind.REVERSAL:
            return Line(_bonus(row["origin_reason"]), amount)
        case PostingKind.ADMIN:
            return Line(WRITE_OFFS if row["related"] is not None else ADJUSTMENTS, amount)


def _money(parent: str, row: db.Row) -> Line:
    """The gateway's money for the tokens: it comes with them and goes with them."""
    paid: Decimal = row["paid"] if row["amount"] > 0 else -row["paid"]
    return Line(_account(parent, row["gateway"]), paid, _currency(row), abs(row["amount"]))


def _of_payment(row: db.Row) -> Iterator[BookEntry]:
    """Money that nobody got tokens for is owed to whoever sent it."""
    quarantine = _account("Liabilities:Quarantine", row["gateway"])
    assets = _account("Assets:Gateways", row["gateway"])
    came = (Line(assets, row["amount"], _currency(row)), Line(quarantine, -row["amount"], _currency(row)))
    yield _payment_entry(row, "-quarantined", row["at"], "money that fits no order", came)
    if row["status"] == "refunded":
        went = tuple(Line(line.account, -line.amount, line.commodity) for line in came)
        yield _payment_entry(row, "-returned", row["refunded_at"], "the money went back", went)


def _entry(row: db.Row, suffix: str, at: datetime, what: str, lines: tuple[Line, ...]) -> BookEntry:
    return BookEntry(
        id=f"t{row['id']}{suffix}",
        at=at,
        what=what,
        user=row["chat_id"],
        reference=row["code"] or row["run_code"] or "",
        actor=row["actor"],
        reason=row["reason"],
        lines=lines,
    )


def _payment_entry(row: db.Row, suffix: str, at: datetime, what: str, lines: tuple[Line, ...]) -> BookEntry:
    actor = f"gateway:{row['gateway']}"
    return BookEntry(f"p{row['id']}{suffix}", at, what, row["chat_id"], row["code"], actor, row["problem"], lines)


def _what(kind: PostingKind, row: db.Row) -> str:
    match kind:
        case PostingKind.GENERATION:
            return f"generation: {row['model']}"
        case PostingKind.REFUND:
            return f"refund of a generation: {row['model']}"
        case PostingKind.REVERSAL:
            return f"taken back: {row['origin_reason'] if row['origin'] != PostingKind.DEPOSIT else 'deposit'}"
        case PostingKind.BONUS | PostingKind.REFERRAL:
            return f"{kind.value}: {row['reason']}"
        case PostingKind.ADMIN:
            return "write-off" if row["related"] is not None else "adjustment"
        case PostingKind.DEPOSIT:
            return "deposit"


def _bonus(reason: str) -> str:
    # A promo code's bonus says which code it was; the account is that of all codes.
    return _account("Expenses:Bonuses", reason.partition(":")[0])


def _account(parent: str, name: str) -> str:
    """An account below `parent`. Beancount wants a capital or a digit first, then letters, digits and dashes."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "unknown"
    return f"{parent}:{plain[0].upper()}{plain[1:]}"


def _currency(row: db.Row) -> str:
    # Money in quarantine has whatever its gateway said; XXX is ISO 4217 for no currency.
    currency: str = row["currency"]
    return currency if re.fullmatch(r"[A-Z]{3}", currency) else "XXX"
