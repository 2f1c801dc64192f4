"""Operations on the statement: one person's, line by line, and everybody's as double entry."""

from __future__ import annotations

import re

from sanic import Request

from core import accounts, ledger
from core.http.ops import ledger_schemas as schemas
from core.http.ops.api import api
from core.http.ops.cursors import cut, row_in
from core.http.ops.users import found
from core.http.problems import Problem
from core.ledger import books
from core.ledger.books import Position


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


@api.operation(
    "GET", "/ledger/entries", query=schemas.EntriesQuery, answer=schemas.BookPage, problems=(400,), tag="ledger"
)
async def read_entries(request: Request, query: schemas.EntriesQuery) -> schemas.BookPage:
    """The books: every posting as an entry whose lines add up to nothing.

    What a charge was settled with follows the charge; money that came and fits no order follows all postings.
    """
    del request
    page = await books.read(_position(query.cursor), limit=query.limit, since=query.since, until=query.until)
    following = page.following
    return schemas.BookPage(
        items=[schemas.BookEntry.of(entry) for entry in page.entries],
        next_cursor=f"{'p' if following.is_in_payments else 't'}{following.row}" if following else None,
    )


def _position(cursor: str | None) -> Position:
    """Return where a page begins.

    Raises:
        Problem: 400, the cursor is none of ours.
    """
    if cursor is None:
        return Position()
    matched = re.fullmatch(r"([tp])(\d{1,18})", cursor, re.ASCII)
    if matched is None:
        raise Problem(400, "The cursor is not one of ours; take next_cursor as it is.", code="bad_cursor")
    return Position(matched[1] == "p", int(matched[2]))
