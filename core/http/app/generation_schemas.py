"""What the Mini App's API takes and answers about generations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from core.generations.repository import CURSOR_PATTERN
from core.http.app.schemas import PageQuery
from core.http.values import Answer, Moment, Question, Tokens

Kind = Literal["image", "video", "text"]
Role = Literal["image", "start", "end", "reference", "mask", "video"]
Status = Literal["queued", "processing", "done", "error", "cancelled"]
Stage = Literal["queued", "fetching", "submitting", "submitted", "storing", "delivering", "finished"]
FollowUpKind = Literal["vary", "upscale", "animate", "extend"]


class InputRequest(Question):
    """A file to work from. Without a role it takes the model's first free slot for its kind."""

    upload: str = Field(description="Code of an upload of this person.", min_length=1, max_length=64)
    role: Role = "image"


class ContinuationRequest(Question):
    """What to do with a result of `parent`: one of its `follow_ups`."""

    kind: FollowUpKind
    number: int = Field(1, description="Which of the results.", ge=1, le=16)


class GenerationRequest(Question):
    """What to make. Options that are left out have their defaults."""

    model: str = Field(min_length=1, max_length=50)
    prompt: str = Field("", description="Left out with a continuation: the words of the parent.", max_length=20_000)
    params: dict[str, Any] = Field(default_factory=dict)
    inputs: list[InputRequest] = Field(default_factory=list, max_length=16)
    source_url: str = Field("", description="A link to a photo or video to work from.", max_length=2000)
    parent: str | None = Field(None, description="The generation that is repeated or continued.", max_length=64)
    continuation: ContinuationRequest | None = None
    agreed: Decimal | None = Field(
        None,
        description="The price that the person saw; nothing else is charged.",
        ge=0,
        max_digits=12,
        decimal_places=2,
        examples=["0.80"],
    )


class Result(Answer):
    """Something that was made. `url` is good for an hour; null where the file is gone or storage is away."""

    number: int
    mime: str
    bytes: int
    width: int
    height: int
    seconds: float
    url: str | None
    thumbnail_url: str | None = Field(
        description="A small picture of it, 320 pixels at most. Made after the first look at a list: null until then."
    )
    text: str | None = Field(description="The words, where words were made.")


class FollowUpOffer(Answer):
    """Something that can be made from a result now, by an order with `parent` and `continuation`."""

    kind: FollowUpKind
    model: str
    model_name: str
    params: dict[str, Any]
    price: Tokens


class Continuation(Answer):
    """What was done with a result of the parent."""

    kind: FollowUpKind
    number: int


class GenerationItem(Answer):
    """A generation in the list. `preview` is the first result."""

    run_code: str
    model: str
    model_name: str
    kind: Kind
    prompt: str
    status: Status
    stage: Stage
    error: str | None = Field(description="Stable code of what went wrong; the tokens are back then.")
    price: Tokens
    refunded: Tokens
    created_at: Moment
    completed_at: Moment | None
    preview: Result | None


class GenerationPage(Answer):
    """A page of the person's generations; `next_cursor` is null on the last one."""

    items: list[GenerationItem]
    next_cursor: str | None


class Generation(GenerationItem):
    """A generation as it stands now."""

    params: dict[str, Any]
    source_url: str | None
    parent: str | None
    continuation: Continuation | None
    progress: int | None = Field(description="Percent, where the provider tells.")
    queue_place: int | None = Field(description="How many go first, plus one; null once it is being made.")
    elapsed_seconds: int = Field(description="Since it was ordered, until it ended.")
    usual_seconds: int
    can_cancel: bool
    ordered: int = Field(description="How many results were paid for; fewer `results` were refunded in part.")
    results: list[Result]
    follow_ups: list[FollowUpOffer]


class RepeatInput(Answer):
    """An input of the earlier order. Without an `upload` it cannot be used again."""

    upload: str | None
    role: Role
    mime: str
    width: int
    height: int
    seconds: float
    url: str | None


class Repeat(Answer):
    """What a form is filled with to make the same again: a body for `POST /generations`, and what it costs now."""

    model: str
    prompt: str
    params: dict[str, Any]
    inputs: list[RepeatInput]
    source_url: str
    parent: str | None
    continuation: Continuation | None
    price: Tokens | None = Field(description="Null where these options cannot be ordered any more.")
    is_available: bool
    successor: str | None


class GenerationQuery(PageQuery):
    """Which part of the list, the newest first."""

    cursor: str | None = Field(
        None,
        description="`next_cursor` of the page before.",
        max_length=100,
        json_schema_extra={"pattern": CURSOR_PATTERN},
    )
