"""Says what moved somebody's tokens: a line per posting, in their language and by their calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from bot.talk import Talk
from bot.texts import Html, Words
from core.bonuses import zones
from core.ledger import Entry, PostingKind


async def lines_of(talk: Talk, entries: Iterable[Entry]) -> list[Html]:
    """A line for each posting."""
    zone = zones.find(await zones.name_of(talk.user.id, talk.user.language)) or UTC
    return [line(talk.words, entry, zone, talk.event.received_at) for entry in entries]


def line(words: Words, entry: Entry, zone: tzinfo, today: datetime) -> Html:
    """One posting: the day where the person lives, how much, what for, and what was left after it."""
    posting = entry.posting
    amount = words.plain("amount-taken" if posting.amount < 0 else "amount-given", amount=abs(posting.amount))
    return words(
        "history-line",
        date=_day(words, posting.created_at.astimezone(zone), today.astimezone(zone)),
        amount=amount,
        what=what(words, entry),
        balance=posting.balance_after,
    )


def what(words: Words, entry: Entry) -> str:
    """What a posting was for."""
    match entry.posting.kind:
        case PostingKind.GENERATION | PostingKind.REFUND:
            key = f"posting-{entry.posting.kind.value}"
            return words.plain(key, model=entry.model_name) if entry.model_name else words.plain(f"{key}-unknown")
        case PostingKind.DEPOSIT:
            if entry.package:
                return words.plain("posting-deposit-package", package=entry.package)
            return words.plain("posting-deposit")
        case PostingKind.BONUS:
            return _gift(words, entry)
        case PostingKind.REVERSAL:
            return words.plain("posting-reversal" if entry.origin is PostingKind.DEPOSIT else "posting-reversal-gift")
        case PostingKind.ADMIN:
            return words.plain("posting-admin-write-off" if entry.is_write_off else "posting-admin")
        case PostingKind.REFERRAL:
            return words.plain("posting-referral")


def _gift(words: Words, entry: Entry) -> str:
    if entry.promo_code:
        return words.plain("posting-bonus-promo", code=entry.promo_code)
    key = f"posting-bonus-{entry.posting.reason}"
    return words.plain(key if words.has(key) else "posting-bonus")


def _day(words: Words, moment: datetime, today: datetime) -> str:
    """The day, with its year where that is another one than now."""
    if words.language == "ru":
        return moment.strftime("%d.%m" if moment.year == today.year else "%d.%m.%y")
    return moment.strftime("%d %b" if moment.year == today.year else "%d %b %Y")
