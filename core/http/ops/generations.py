"""Gives generations the shape in which operators see them: with the money, the route and the story behind them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from core import db, generations
from core.generations import Filter, Generation, Status, StoryEvent, operating, repository, routing
from core.generations.repository import BadCursor
from core.http.ops import schemas
from core.http.problems import Problem
from core.storage import StoredFile


async def page(query: schemas.GenerationQuery) -> schemas.GenerationPage:
    """One page, the newest first; of stuck ones the longest waiting first.

    Raises:
        Problem: 400, the cursor is none of ours.
    """
    if query.stuck:
        found = await operating.stuck(query.limit)
        return schemas.GenerationPage(items=[schemas.GenerationItem(**_item(item)) for item in found], next_cursor=None)
    wanted = Filter(
        status=Status(query.status) if query.status is not None else None,
        model=query.model,
        chat_id=query.user,
        is_ambiguous=query.ambiguous,
    )
    try:
        part = await generations.page(wanted, limit=query.limit, cursor=query.cursor)
    except BadCursor:
        raise Problem(400, "The cursor is not one of ours; take next_cursor as it is.", code="bad_cursor") from None
    return schemas.GenerationPage(
        items=[schemas.GenerationItem(**_item(item)) for item in part.items], next_cursor=part.next_cursor
    )


async def one(run_code: str) -> schemas.Generation:
    """Everything about one generation.

    Raises:
        GenerationNotFound: there is none of that id.
    """
    generation = await generations.get(run_code)
    story = await generations.story(run_code)
    quote = await db.fetch_value("SELECT quote FROM botapp_transaction WHERE id = $1", generation.transaction_id)
    parent = await generations.get(generation.parent) if generation.parent else None
    wish = generation.continuation
    return schemas.Generation(
        **_item(generation),
        routes=_routes(story),
        attempts=generation.attempts,
        polls=generation.polls,
        times=_times(generation),
        deadline_at=generation.deadline_at,
        refunds=await _refunds(generation),
        delivery=schemas.Delivery(attempts=generation.delivery_attempts, messages=list(generation.result_message_ids)),
        parent=_relative(parent) if parent else None,
        children=[_relative(child) for child in await repository.children(generation.id)],
        continuation=f"{wish.kind.value} of {wish.number}" if wish else None,
        source_url=generation.source_url or None,
        error_message=generation.error_message or None,
        is_ambiguous=any(step.event == "lookup" for step in story),
        prompt=generation.prompt,
        params=dict(generation.params),
        inputs=[
            schemas.InputFile(key=file.key, mime=file.mime, bytes=file.size, role=file.role)
            for file in generation.images
        ],
        results=[_result(file) for file in generation.results],
        external_id=generation.external_id or None,
        quote=json.loads(quote) if quote else None,
        charge=schemas.Charge(
            id=str(generation.transaction_id),
            tokens=generation.tokens,
            state=generation.charge_state,
            refunded=generation.refunded,
        ),
        events=[schemas.GenerationEvent(at=step.at, event=step.event, detail=dict(step.detail)) for step in story],
        trace_id=generation.trace_id or None,
    )


def changed(generation: Generation) -> schemas.GenerationChanged:
    """A generation after an operator's change."""
    return schemas.GenerationChanged(**_item(generation), refunded=generation.refunded)


def _routes(story: Sequence[StoryEvent]) -> list[schemas.TriedRoute]:
    """The ways that a story tells of, in the order in which they were first tried."""
    tried: dict[tuple[str, str], dict[str, Any]] = {}
    for step in story:
        if step.event not in {"submitting", routing.LEFT}:
            continue
        key = (step.detail["provider"], step.detail["model"])
        seen = tried.setdefault(key, {"provider": key[0], "model": key[1], "submissions": 0, "left": None})
        if step.event == "submitting":
            seen["submissions"] += 1
        else:
            seen["left"] = step.detail["code"]
    return [schemas.TriedRoute(**seen) for seen in tried.values()]


def _times(generation: Generation) -> schemas.Times:
    created, started = generation.created_at, generation.started_at
    submitted, completed = generation.submitted_at, generation.completed_at
    now = datetime.now(UTC)
    return schemas.Times(
        waited_s=_seconds(created, started or completed or now),
        at_provider_s=_seconds(submitted or started, completed or now) if started else None,
        total_s=_seconds(created, completed) if completed else None,
    )


def _seconds(since: datetime | None, until: datetime) -> float | None:
    return None if since is None else round((until - since).total_seconds(), 1)


async def _refunds(generation: Generation) -> list[schemas.Refund]:
    rows = await db.fetch(
        """
        SELECT id, amount, reason, created_at FROM botapp_transaction
        WHERE related_transaction_id = $1 AND type = 'refund' ORDER BY id
        """,
        generation.transaction_id,
    )
    return [
        schemas.Refund(id=str(row["id"]), tokens=row["amount"], reason=row["reason"], at=row["created_at"])
        for row in rows
    ]


def _relative(generation: Generation) -> schemas.Relative:
    return schemas.Relative(id=generation.run_code, model=generation.model, status=generation.status.value)


def _item(generation: Generation) -> dict[str, Any]:
    return {
        "id": generation.run_code,
        "status": generation.status.value,
        "stage": generation.stage.value,
        "model": generation.model,
        "kind": generation.kind.value,
        "user": str(generation.chat_id),
        "tokens": generation.tokens,
        "cost_usd": generation.cost_usd,
        "created_at": generation.created_at,
        "completed_at": generation.completed_at,
        "route": generation.provider or None,
        "error_code": generation.error_code or None,
    }


def _result(file: StoredFile) -> schemas.ResultFile:
    return schemas.ResultFile(
        key=file.key, mime=file.mime, bytes=file.size, width=file.width or None, height=file.height or None
    )
