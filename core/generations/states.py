"""A generation as the rest of the service sees it, and the states that it goes through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from core import db
from core.catalog import FollowUpKind
from core.storage import StoredFile
from core.types import Language, Tokens, TraceId, UserId
from providers.base import Json, MediaKind

ChargeState: TypeAlias = Literal["open", "settled", "refunded"]


class Status(StrEnum):
    """What became of a job."""

    QUEUED = "queued"
    PROCESSING = "processing"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True when nothing more happens."""
        return self in {Status.DONE, Status.ERROR, Status.CANCELLED}


class Stage(StrEnum):
    """The step at which a job stands; somebody who takes it over resumes there.

    SUBMITTING is written before the provider is called: who finds it did not see the answer and has to look the job up.
    """

    QUEUED = "queued"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    FETCHING = "fetching"
    STORING = "storing"
    DELIVERING = "delivering"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Continuation:
    """What a job does with a result of its parent.

    Attributes:
        number: which of the results is meant, from 1.
        from_frame: it began with the last frame of the result, and what it makes is joined to it.
    """

    kind: FollowUpKind
    number: int = 1
    from_frame: bool = False


@dataclass(frozen=True, slots=True)
class Generation:
    """A job at one moment.

    Attributes:
        run_code: its public id, 32 hexadecimal digits.
        model: slug.
        tokens: what was charged; `refunded` of it was given back, and `charge_state` says how the charge stands.
        progress: percent, where the provider tells.
        error_code: class of the failure, empty without one.
        source_url: a link whose picture or video is fetched as the input, empty without one.
        parent: run code of the job that this one repeats, changes or continues.
        continuation: what is done with the parent's result, where it is continued.
        route: how many routes were tried and left; the story names them.
        provider: the one that works on it, or that it waits for.
        attempts: submissions tried there.
        polls: how often that provider was asked how it stands.
        files_removed_at: when its files were removed as too old.
    """

    id: int
    run_code: str
    user_id: UserId
    chat_id: int
    model: str
    model_name: str
    kind: MediaKind
    prompt: str
    images: tuple[StoredFile, ...]
    source_url: str
    parent: str | None
    continuation: Continuation | None
    params: Mapping[str, Json]
    quantity: int
    tokens: Tokens
    refunded: Tokens
    charge_state: ChargeState
    cost_usd: Decimal | None
    transaction_id: int
    status: Status
    stage: Stage
    progress: int | None
    error_code: str
    error_message: str
    attempts: int
    route: int
    provider: str
    external_id: str | None
    polls: int
    results: tuple[StoredFile, ...]
    language: Language
    status_message_id: int | None
    result_message_ids: tuple[int, ...]
    delivery_attempts: int
    trace_id: TraceId
    typical_seconds: int
    created_at: datetime
    started_at: datetime | None
    submitted_at: datetime | None
    completed_at: datetime | None
    deadline_at: datetime
    files_removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """One step of what happened to a job."""

    at: datetime
    event: str
    detail: Mapping[str, Any]


COLUMNS = """
    generation.*, model.slug, model.display_name, model.type AS model_type,
    charge.refunded, charge.state AS charge_state,
    (SELECT parent.run_code FROM botapp_genrequest AS parent WHERE parent.id = generation.parent_request_id) AS parent
"""
JOINED = """
    JOIN botapp_aimodel AS model ON model.id = generation.ai_model_id
    JOIN botapp_charge AS charge ON charge.transaction_id = generation.transaction_id
"""
SOURCE = f"botapp_genrequest AS generation {JOINED}"


def from_row(row: db.Row) -> Generation:
    """Build a generation from a row of `COLUMNS` out of `SOURCE`."""
    return Generation(
        id=row["id"],
        run_code=row["run_code"],
        user_id=row["user_id"],
        chat_id=row["chat_id"],
        model=row["slug"],
        model_name=row["display_name"],
        kind=MediaKind(row["model_type"]),
        prompt=row["prompt"],
        images=_files(row["input_images"]),
        source_url=row["source_url"],
        parent=row["parent"],
        continuation=continuation_from(row["continuation"]),
        params=json.loads(row["generation_params"]),
        quantity=row["quantity"],
        tokens=row["cost"],
        refunded=row["refunded"],
        charge_state=row["charge_state"],
        cost_usd=row["cost_usd"],
        transaction_id=row["transaction_id"],
        status=Status(row["status"]),
        stage=Stage(row["stage"]),
        progress=row["progress"],
        error_code=row["error_code"],
        error_message=row["error_message"],
        attempts=row["attempts"],
        route=row["route"],
        provider=row["provider"],
        external_id=row["provider_job_id"],
        polls=row["polls"],
        results=_files(row["results"]),
        language=row["language"],
        status_message_id=row["status_message_id"],
        result_message_ids=tuple(json.loads(row["result_message_ids"])),
        delivery_attempts=row["delivery_attempts"],
        trace_id=row["trace_id"],
        typical_seconds=row["typical_seconds"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        submitted_at=row["submitted_at"],
        completed_at=row["completed_at"],
        deadline_at=row["deadline_at"],
        files_removed_at=row["files_removed_at"],
    )


def _files(value: str) -> tuple[StoredFile, ...]:
    if value == "[]":
        return ()
    return tuple(StoredFile.from_dict(item) for item in json.loads(value))


def continuation_from(value: str | None) -> Continuation | None:
    """Read what a JSON column holds of a continuation."""
    if value is None:
        return None
    found = json.loads(value)
    return Continuation(FollowUpKind(found["kind"]), found["number"], found.get("from_frame", False))
