"""Operations on faults: find them, look at one, see which kinds there are, take and resolve them."""

from __future__ import annotations

import re
from typing import Any

from sanic import Request

from core.audit import Change
from core.errors import reading
from core.errors.reading import FaultNotFound, KeptFault, Kind, Wanted
from core.http.openapi import ChangeBody
from core.http.ops import errors_schemas as schemas
from core.http.ops.api import api
from core.http.ops.cursors import cut, row_in
from core.http.problems import Problem
from core.ops_tokens import Scope

LISTED_MESSAGE = 300
"""Characters of a message in a list; the fault itself has all of it."""


@api.operation("GET", "/errors", query=schemas.ErrorQuery, answer=schemas.ErrorPage, problems=(400,), tag="errors")
async def list_errors(request: Request, query: schemas.ErrorQuery) -> schemas.ErrorPage:
    """Faults that the service met, the newest first."""
    del request
    found = await reading.newest(_wanted(query), limit=query.limit + 1, before=row_in(query.cursor))
    page, following = cut(found, query.limit, lambda fault: fault.id)
    return schemas.ErrorPage(items=[_item(fault) for fault in page], next_cursor=following)


@api.operation(
    "GET", "/errors/groups", query=schemas.ErrorQuery, answer=schemas.ErrorGroupPage, problems=(400,), tag="errors"
)
async def list_error_groups(request: Request, query: schemas.ErrorQuery) -> schemas.ErrorGroupPage:
    """The same faults by their kind: class, handler and place in our code."""
    del request
    found = await reading.kinds(_wanted(query), limit=query.limit + 1, before=row_in(query.cursor))
    page, following = cut(found, query.limit, lambda kind: kind.newest.id)
    return schemas.ErrorGroupPage(items=[_kind(kind) for kind in page], next_cursor=following)


@api.operation("GET", "/errors/{error}", answer=schemas.Error, problems=(404,), tag="errors")
async def read_error(request: Request, error: str) -> schemas.Error:
    """One fault with its stack, and what else was folded into it."""
    del request
    try:
        fault = await reading.get(_named(error))
    except FaultNotFound:
        raise _unknown(error) from None
    extra = dict(fault.extra)
    also = extra.pop("also", [])
    return schemas.Error(
        **_fields(fault),
        message=fault.message,
        commit=fault.commit,
        stacktrace=fault.stacktrace,
        extra=extra,
        also=[
            schemas.Occurrence(
                at=met["at"],
                trace_id=met.get("trace"),
                generation=met.get("generation"),
                user=str(met["user"]) if met.get("user") else None,
            )
            for met in also
        ],
        resolved_at=fault.resolved_at,
        resolved_by=fault.resolved_by or None,
        resolution=fault.resolution or None,
    )


@api.operation(
    "POST",
    "/errors/{error}/take",
    answer=schemas.ErrorChanged,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="errors",
    action="errors.take",
)
async def take_error(request: Request, error: str, body: ChangeBody, change: Change) -> schemas.ErrorChanged:
    """Say that somebody looks into a fault, or into a kind of them."""
    del request, body, change
    try:
        return schemas.ErrorChanged(id=error, status="in_progress", changed=await reading.take(_named(error)))
    except FaultNotFound:
        raise _unknown(error) from None


@api.operation(
    "POST",
    "/errors/{error}/resolve",
    answer=schemas.ErrorChanged,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="errors",
    action="errors.resolve",
)
async def resolve_error(request: Request, error: str, body: ChangeBody, change: Change) -> schemas.ErrorChanged:
    """Close a fault, or all of a kind; the reason says what was done. The next one of the kind is new again."""
    del request
    try:
        changed = await reading.resolve(_named(error), by=change.actor, resolution=body.reason)
    except FaultNotFound:
        raise _unknown(error) from None
    return schemas.ErrorChanged(id=error, status="resolved", changed=changed)


def _named(error: str) -> str:
    """The id of a fault or a kind.

    Raises:
        FaultNotFound: it cannot be one.
    """
    if not re.fullmatch(schemas.ID_PATTERN, error, re.ASCII):
        raise FaultNotFound(error)
    return error


def _wanted(query: schemas.ErrorQuery) -> Wanted:
    return Wanted(
        status=query.status,
        severity=query.severity,
        origin=query.origin,
        service=query.service,
        since=query.since,
        fingerprint=query.fingerprint,
        trace=query.trace.replace("-", "").lower() if query.trace else None,
        generation=query.generation,
        user=query.user,
    )


def _item(fault: KeptFault) -> schemas.ErrorItem:
    return schemas.ErrorItem(**_fields(fault), message=fault.message[:LISTED_MESSAGE])


def _kind(kind: Kind) -> schemas.ErrorGroup:
    return schemas.ErrorGroup(
        fingerprint=kind.newest.fingerprint,
        rows=kind.rows,
        times=kind.times,
        open=kind.open,
        first_at=kind.first_at,
        last_at=kind.last_at,
        sample=_item(kind.newest),
    )


def _fields(fault: KeptFault) -> dict[str, Any]:
    return {
        "id": fault.code,
        "fingerprint": fault.fingerprint,
        "status": fault.status,
        "severity": fault.severity,
        "origin": fault.origin,
        "service": fault.service,
        "handler": fault.handler,
        "error_class": fault.error_class,
        "at": fault.occurred_at,
        "last_at": fault.last_at,
        "times": fault.times,
        "came_back": fault.came_back,
        "trace_id": fault.trace_id or None,
        "generation": fault.generation,
        "user": str(fault.user) if fault.user else None,
    }


def _unknown(name: str) -> Problem:
    detail = f"There is no error {name[:64]!r}; its id begins with e_, that of a kind with k_."
    return Problem(404, detail, code="unknown_error")
