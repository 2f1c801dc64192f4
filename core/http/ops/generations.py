"""Gives generations the shape in which operators see them: with the money, the route and the story behind them."""

from __future__ import annotations

import json
from typing import Any

from core import db, generations
from core.generations import Filter, Generation, Status
from core.generations.repository import BadCursor
from core.http.ops import schemas
from core.http.problems import Problem
from core.storage import StoredFile


async def page(query: schemas.GenerationQuery) -> schemas.GenerationPage:
    """One page, the newest first.

    Raises:
        Problem: 400, the cursor is none of ours.
    """
    wanted = Filter(
        status=Status(query.status) if query.status is not None else None, model=query.model, chat_id=query.user
    )
    try:
        found = await generations.page(wanted, limit=query.limit, cursor=query.cursor)
    except BadCursor:
        raise Problem(400, "The cursor is not one of ours; take next_cursor as it is.", code="bad_cursor") from None
    return schemas.GenerationPage(
        items=[schemas.GenerationItem(**_item(item)) for item in found.items], next_cursor=found.next_cursor
    )


async def one(run_code: str) -> schemas.Generation:
    """Everything about one generation.

    Raises:
        GenerationNotFound: there is none of that id.
    """
    generation = await generations.get(run_code)
    quote = await db.fetch_value("SELECT quote FROM botapp_transaction WHERE id = $1", generation.transaction_id)
    return schemas.Generation(
        **_item(generation),
        prompt=generation.prompt,
        params=dict(generation.params),
        inputs=[schemas.InputFile(key=file.key, mime=file.mime, bytes=file.size) for file in generation.images],
        results=[_result(file) for file in generation.results],
        external_id=generation.external_id or None,
        quote=json.loads(quote) if quote else None,
        charge=schemas.Charge(
            id=str(generation.transaction_id),
            tokens=generation.tokens,
            state=generation.charge_state,
            refunded=generation.refunded,
        ),
        events=[
            schemas.GenerationEvent(at=step.at, event=step.event, detail=dict(step.detail))
            for step in await generations.story(run_code)
        ],
        trace_id=generation.trace_id or None,
    )


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
