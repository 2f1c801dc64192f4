"""Operations on the statement: one person's, line by line."""

from __future__ import annotations

from sanic import Request

from core import accounts, ledger
from core.http.ops import ledger_schemas as schemas
from core.http.ops.api import api
from core.http.ops.cursors import cut, row_in
from core.http.ops.users import found


@api.operation(
    "GET",
    "/ledger/statement/{user}",
    query=schemas.StatementQuery,
    answer=schemas.Statement,
    problems=(400, 404, 409),
    tag="ledger",
)
async def read_statement(request: Request, user: str, query: schemas.StatementQuery) -> schemas.Statement:
    """Every posting of a person, the newest first, and what it was for.

    `user` is a Telegram id or an @username.
    """
    del request
    before = row_in(query.cursor)
    person = await found(user)
    entries = await ledger.history(person, limit=query.limit + 1, before=before)
    page, following = cut(entries, query.limit, lambda entry: entry.posting.id)
    account = await accounts.get(person)
    return schemas.Statement(
        user=str(account.chat_id),
        balance=account.balance,
        items=[schemas.Posting.of(entry) for entry in page],
        next_cursor=following,
    )
