"""Reads generations as operators see them: with the money, the route and the story behind them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from core import db
from core.http.ops import schemas
from core.http.problems import Problem

_COLUMNS = """
    generation.id, generation.run_code, generation.status, generation.stage, model.slug AS model,
    generation.generation_type, generation.chat_id, generation.cost, generation.cost_usd, generation.created_at,
    generation.completed_at, generation.provider, generation.error_code
"""

_PAGE = f"""
    SELECT {_COLUMNS}
    FROM botapp_genrequest AS generation JOIN botapp_aimodel AS model ON model.id = generation.ai_model_id
    WHERE ($1::text IS NULL OR generation.status = $1) AND ($2::bigint IS NULL OR generation.chat_id = $2)
        AND ($3::text IS NULL OR model.slug = $3) AND ($4::bigint IS NULL OR generation.id < $4)
    ORDER BY generation.id DESC LIMIT $5
"""  # noqa: S608  The columns are above.

_ONE = f"""
    SELECT {_COLUMNS}, generation.prompt, generation.generation_params, generation.input_images, generation.results,
        generation.provider_job_id, generation.trace_id, posting.id AS posting_id, posting.quote,
        charge.amount AS charged, charge.state AS charge_state, charge.refunded
    FROM botapp_genrequest AS generation JOIN botapp_aimodel AS model ON model.id = generation.ai_model_id
        LEFT JOIN botapp_transaction AS posting ON posting.id = generation.transaction_id
        LEFT JOIN botapp_charge AS charge ON charge.transaction_id = posting.id
    WHERE generation.run_code = $1
"""  # noqa: S608  The columns are above.

_EVENTS = "SELECT at, event, detail FROM botapp_genevent WHERE generation_id = $1 ORDER BY id"


async def page(query: schemas.GenerationQuery) -> schemas.GenerationPage:
    """One page, the newest first.

    Raises:
        Problem: 400, the cursor is none of ours.
    """
    before = _read_cursor(query.cursor) if query.cursor is not None else None
    rows = await db.fetch(_PAGE, query.status, query.user, query.model, before, query.limit + 1)
    shown = rows[: query.limit]
    return schemas.GenerationPage(
        items=[schemas.GenerationItem(**_item(row)) for row in shown],
        next_cursor=_make_cursor(shown[-1]["id"]) if len(rows) > query.limit else None,
    )


async def one(run_code: str) -> schemas.Generation | None:
    """Everything about one generation; None when there is none of that id."""
    row = await db.fetch_one(_ONE, run_code)
    if row is None:
        return None
    events = await db.fetch(_EVENTS, row["id"])
    return schemas.Generation(
        **_item(row),
        prompt=row["prompt"],
        params=json.loads(row["generation_params"]),
        inputs=[schemas.InputFile(**_file(file)) for file in json.loads(row["input_images"])],
        results=[_result(file) for file in json.loads(row["results"])],
        external_id=row["provider_job_id"] or None,
        quote=json.loads(row["quote"]) if row["quote"] else None,
        charge=_charge(row),
        events=[
            schemas.GenerationEvent(at=event["at"], event=event["event"], detail=json.loads(event["detail"]))
            for event in events
        ],
        trace_id=row["trace_id"] or None,
    )


def _item(row: db.Row) -> dict[str, Any]:
    return {
        "id": row["run_code"],
        "status": row["status"],
        "stage": row["stage"],
        "model": row["model"],
        "kind": row["generation_type"],
        "user": str(row["chat_id"]),
        "tokens": row["cost"],
        "cost_usd": row["cost_usd"],
        "created_at": row["created_at"],
        "completed_at": row["completed_at"],
        "route": row["provider"] or None,
        "error_code": row["error_code"] or None,
    }


def _file(file: dict[str, Any]) -> dict[str, Any]:
    return {"key": file["key"], "mime": file["mime"], "bytes": file["size"]}


def _result(file: dict[str, Any]) -> schemas.ResultFile:
    return schemas.ResultFile(**_file(file), width=file.get("width") or None, height=file.get("height") or None)


def _charge(row: db.Row) -> schemas.Charge | None:
    if row["charge_state"] is None:
        return None
    return schemas.Charge(
        id=str(row["posting_id"]), tokens=row["charged"], state=row["charge_state"], refunded=row["refunded"]
    )


def _make_cursor(last_id: int) -> str:
    return base64.urlsafe_b64encode(f"generation:{last_id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> int:
    try:
        kind, _, last_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        kind, last_id = "", ""
    if kind != "generation" or not last_id.isdigit() or len(last_id) > 18:
        raise Problem(400, "The cursor is not one of ours; take next_cursor as it is.", code="bad_cursor")
    return int(last_id)
