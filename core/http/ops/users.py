"""Operations on people: look at one, give or take tokens, shut out."""

from __future__ import annotations

from decimal import Decimal

from sanic import Request

from core import accounts, audit, ledger, moderation
from core.accounts import AmbiguousName, UserNotFound
from core.audit import Change
from core.http.openapi import ChangeBody
from core.http.ops import users_schemas as schemas
from core.http.ops.api import api
from core.http.ops.ledger_schemas import Posting
from core.http.ops.unknown import unknown
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.payments import Payment, repository
from core.types import UserId

SHOWN = 10
SHOWN_NOTES = 50
NOTE = "users.note"


async def found(name: str) -> UserId:
    """Return whose Telegram id or @username this is.

    Raises:
        Problem: 404 nobody's; 409 that of several.
    """
    try:
        return await accounts.find(name)
    except UserNotFound:
        raise unknown("user", name, await accounts.names_like(name), code="unknown_user") from None
    except AmbiguousName as error:
        raise Problem(409, f"{error}.", code="ambiguous_user", extra={"near": [*map(str, error.chat_ids)]}) from None


@api.operation("GET", "/users/{user}", answer=schemas.User, problems=(404, 409), tag="users")
async def read_user(request: Request, user: str) -> schemas.User:
    """One person: names, tokens, friends, the latest postings and payments.

    `user` is a Telegram id or an @username.
    """
    del request
    account = await accounts.get(await found(user))
    return schemas.User(
        id=str(account.chat_id),
        username=account.username or None,
        first_name=account.first_name,
        last_name=account.last_name,
        language=account.language,
        timezone=account.timezone,
        is_premium=account.is_premium,
        is_blocked=account.is_blocked,
        unreachable_since=account.unreachable_since,
        created_at=account.created_at,
        generations=account.generations,
        postings_total=account.postings,
        balance=schemas.Balance(
            tokens=account.balance,
            held=account.held,
            spent=account.total_spent,
            deposited=account.total_deposited,
            bonuses=account.bonuses,
        ),
        referral=schemas.Referral(
            code=account.referral_code,
            invited_by=str(account.invited_by) if account.invited_by else None,
            invited=account.invited,
            rewards=account.rewards,
        ),
        refusals=_refusals(await moderation.record_of(account.id)),
        postings=[Posting.of(entry) for entry in await ledger.history(account.id, limit=SHOWN)],
        payments=[_payment(payment) for payment in await repository.of_user(account.id, limit=SHOWN)],
        notes=[
            schemas.UserNote(at=event.at, by=event.actor, text=event.reason)
            for event in await audit.newest(action=NOTE, subject=str(account.chat_id), limit=SHOWN_NOTES)
        ],
    )


def _refusals(record: moderation.Record) -> schemas.Refusals:
    latest = record.refusals[0] if record.refusals else None
    return schemas.Refusals(
        count=len(record.refusals),
        latest=f"{latest.source} {latest.category}" if latest else None,
        latest_at=latest.at if latest else None,
        paused_until=record.paused_until,
    )


def _payment(payment: Payment) -> schemas.UserPayment:
    return schemas.UserPayment(
        code=payment.code,
        gateway=payment.gateway,
        status=payment.status.value,
        package=payment.package,
        tokens=payment.tokens,
        amount=payment.amount,
        currency=payment.currency,
        created_at=payment.created_at,
        paid_at=payment.paid_at,
        refunded_at=payment.refunded_at,
    )


@api.operation(
    "POST",
    "/users/{user}/credit",
    answer=schemas.Adjusted,
    scope=Scope.OPERATE,
    body=schemas.Adjustment,
    problems=(404,),
    tag="users",
    action="users.credit",
)
async def credit_user(request: Request, user: str, body: schemas.Adjustment, change: Change) -> schemas.Adjusted:
    """Give a person tokens: a posting with actor and reason."""
    del request
    return await _adjusted(user, body.tokens, change)


@api.operation(
    "POST",
    "/users/{user}/debit",
    answer=schemas.Adjusted,
    scope=Scope.OPERATE,
    body=schemas.Adjustment,
    problems=(404,),
    tag="users",
    action="users.debit",
)
async def debit_user(request: Request, user: str, body: schemas.Adjustment, change: Change) -> schemas.Adjusted:
    """Take tokens from a person: a posting with actor and reason. A balance never becomes negative."""
    del request
    return await _adjusted(user, -body.tokens, change)


async def _adjusted(user: str, amount: Decimal, change: Change) -> schemas.Adjusted:
    person = await _named_by_id(user)
    try:
        posting = await accounts.adjust(person, amount, change)
    except ledger.InsufficientTokens as error:
        detail = f"User {user} has {error.balance} tokens; {error.needed} cannot be taken."
        raise Problem(409, detail, code="insufficient_tokens", extra={"rule": "balance_is_never_negative"}) from None
    return schemas.Adjusted(user=user, posting=str(posting.id), amount=posting.amount, balance=posting.balance_after)


@api.operation(
    "POST",
    "/users/{user}/block",
    answer=schemas.Blocking,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="users",
    action="users.block",
)
async def block_user(request: Request, user: str, body: ChangeBody, change: Change) -> schemas.Blocking:
    """Shut a person out: the bot answers them nothing but that. Their tokens stay."""
    del request, body, change
    changed = await accounts.set_blocked(await _named_by_id(user), is_blocked=True)
    return schemas.Blocking(user=user, state="blocked", changed=changed)


@api.operation(
    "POST",
    "/users/{user}/unblock",
    answer=schemas.Blocking,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="users",
    action="users.unblock",
)
async def unblock_user(request: Request, user: str, body: ChangeBody, change: Change) -> schemas.Blocking:
    """Let a person in again."""
    del request, body, change
    changed = await accounts.set_blocked(await _named_by_id(user), is_blocked=False)
    return schemas.Blocking(user=user, state="open", changed=changed)


@api.operation(
    "POST",
    "/users/{user}/note",
    answer=schemas.Noted,
    scope=Scope.OPERATE,
    body=schemas.NewNote,
    problems=(404,),
    tag="users",
    action=NOTE,
)
async def note_user(request: Request, user: str, body: schemas.NewNote, change: Change) -> schemas.Noted:
    """Write something down about a person, for other operators. The note is the record of the change itself."""
    del request, change
    await _named_by_id(user)
    return schemas.Noted(user=user, text=body.reason, notes=await audit.count(action=NOTE, subject=user))


async def _named_by_id(user: str) -> UserId:
    """A change names the Telegram id: a name may belong to somebody else by the time it is made."""
    if not user.isdigit():
        raise Problem(404, "A change names the Telegram id, not a name.", code="unknown_user")
    return await found(user)
