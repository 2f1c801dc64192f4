"""The person themselves: balance, invitations, bonuses, and where the tokens went."""

from __future__ import annotations

from datetime import UTC, datetime

from sanic import Request

from core import ledger
from core.bonuses import daily, deposits, person, referrals
from core.http import bot_name
from core.http.app import paging, schemas
from core.http.app.api import api
from core.ledger import PostingKind
from core.ledger.history import Entry, history
from core.users import User

GIVEN = frozenset({PostingKind.BONUS, PostingKind.REFERRAL})


@api.operation("GET", "/me", answer=schemas.Me, tag="account")
async def read_me(request: Request, user: User) -> schemas.Me:
    """Who the person is to us, and what they have."""
    return schemas.Me(
        id=str(user.chat_id),
        name=user.first_name,
        username=user.username,
        language=user.language,
        balance=await ledger.balance_of(user.id),
        referral=await _referral(user, await bot_name.of(request.app)),
        bonuses=await _bonuses(user),
    )


@api.operation("GET", "/history", query=schemas.PageQuery, answer=schemas.HistoryPage, problems=(400,), tag="account")
async def list_history(request: Request, user: User, query: schemas.PageQuery) -> schemas.HistoryPage:
    """The statement of the person's tokens, the newest row first."""
    del request
    found = await history(user.id, limit=query.limit + 1, before=paging.before(query))
    items, next_cursor = paging.cut(found, query, id_of=lambda entry: entry.posting.id)
    return schemas.HistoryPage(items=[_row(entry) for entry in items], next_cursor=next_cursor)


async def _referral(user: User, name: str | None) -> schemas.Referral:
    code = await referrals.code_of(user.id)
    friends = await referrals.invitations(user.id)
    return schemas.Referral(
        code=code,
        link=referrals.link(name, code) if name else None,
        inviter_gets=referrals.INVITER_GETS,
        friend_gets=referrals.INVITEE_GETS,
        came=friends.came,
        paid=friends.paid,
        earned=friends.earned,
    )


async def _bonuses(user: User) -> schemas.Bonuses:
    first = schemas.FirstDeposit(percent=deposits.FIRST_DEPOSIT_SHARE * 100, at_most=deposits.FIRST_DEPOSIT_MOST)
    return schemas.Bonuses(
        first_deposit=None if await person.has_paid(user.id) else first,
        daily=await daily.available(user, datetime.now(UTC)),
    )


def _row(entry: Entry) -> schemas.HistoryItem:
    posting = entry.posting
    return schemas.HistoryItem(
        id=str(posting.id),
        at=posting.created_at,
        kind=posting.kind.value,
        amount=posting.amount,
        balance_after=posting.balance_after,
        what=schemas.What(
            model=entry.model,
            model_name=entry.model_name,
            generation=entry.generation,
            order=entry.payment,
            package=entry.package,
            promo_code=entry.promo_code,
            # An operator's words are for operators: only the names that we give ourselves are handed out.
            bonus=posting.reason.partition(":")[0] if posting.kind in GIVEN else None,
        ),
    )
