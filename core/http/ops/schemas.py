"""What the ops API takes and answers. Money is text, times are ISO 8601 in UTC, ids are text."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import Field

from core.generations.repository import CURSOR_PATTERN
from core.heartbeat import ProcessKind
from core.http.values import Answer as Answer
from core.http.values import Moment as Moment
from core.http.values import Number as Number
from core.http.values import Question as Question
from core.http.values import Tokens as Tokens
from core.http.values import Usd as Usd
from core.ledger import Problem as LedgerProblemFound

MAXIMUM_LIMIT = 200

GenerationStatus: TypeAlias = Literal["queued", "processing", "done", "error", "cancelled"]


class Process(Answer):
    """A process that reported itself in the last seconds."""

    kind: ProcessKind
    instance: str
    commit: str
    started_at: Moment
    seen_at: Moment


class Queue(Answer):
    """Tasks that wait in a queue of the broker."""

    name: str
    depth: int


class InProgress(Answer):
    """Generations that are not finished. Stuck ones are overdue and nobody takes them up."""

    queued: int
    processing: int
    stuck: int


class Waiting(Answer):
    """Rows that wait, and the age of the oldest in seconds."""

    pending: int
    oldest_s: float | None


class Status(Answer):
    """What the service is doing now."""

    environment: str
    version: str
    commit: str
    at: Moment
    processes: list[Process]
    queues: list[Queue]
    generations: InProgress
    inbox: Waiting
    outbox: Waiting


class GenerationQuery(Question):
    """Which generations to list, the newest first."""

    status: GenerationStatus | None = Field(None, description="Only those with this status.")
    user: int | None = Field(None, description="Only those of this Telegram user id.", ge=1, le=2**63 - 1)
    model: str | None = Field(None, description="Only those of the model with this slug.", min_length=1, max_length=50)
    stuck: bool = Field(False, description="Only those that are overdue and that nobody takes up, in one page.")
    ambiguous: bool = Field(False, description="Only those whose submission got no answer and was looked up.")
    limit: int = Field(50, description="How many at most.", ge=1, le=MAXIMUM_LIMIT)
    cursor: str | None = Field(
        None,
        description="`next_cursor` of the page before.",
        max_length=100,
        # Told, not enforced here: a cursor of another form is answered with `bad_cursor`.
        json_schema_extra={"pattern": CURSOR_PATTERN},
    )


class GenerationItem(Answer):
    """A generation as a list shows it. `user` is the Telegram user id."""

    id: str
    status: GenerationStatus
    stage: str
    model: str
    kind: Literal["image", "video", "text"]
    user: str
    tokens: Tokens
    cost_usd: Usd | None
    created_at: Moment
    completed_at: Moment | None
    route: str | None
    error_code: str | None


class GenerationPage(Answer):
    """A page of generations; `next_cursor` is null on the last one."""

    items: list[GenerationItem]
    next_cursor: str | None


class InputFile(Answer):
    """A picture or video that the user sent, and what it is for."""

    key: str
    mime: str
    bytes: int
    role: str


class ResultFile(Answer):
    """A file that was made."""

    key: str
    mime: str
    bytes: int
    width: int | None
    height: int | None


class Charge(Answer):
    """The tokens taken for a generation and what became of them."""

    id: str
    tokens: Tokens
    state: Literal["open", "settled", "refunded"]
    refunded: Tokens


class GenerationEvent(Answer):
    """One step in the story of a generation."""

    at: Moment
    event: str
    detail: dict[str, Any]


class TriedRoute(Answer):
    """A way that was tried: how often it was submitted, and why it was left, null for the last one while it holds."""

    provider: str
    model: str
    submissions: int
    left: str | None


class Times(Answer):
    """Seconds that a generation spent waiting, at the provider and until its end; null where it has not been there."""

    waited_s: float | None
    at_provider_s: float | None
    total_s: float | None


class Refund(Answer):
    """A posting that gave tokens of the charge back."""

    id: str
    tokens: Tokens
    reason: str
    at: Moment


class Delivery(Answer):
    """How the result was handed over."""

    attempts: int
    messages: list[int]


class Relative(Answer):
    """A generation that this one was made from, or that was made from it."""

    id: str
    model: str
    status: GenerationStatus


class GenerationChanged(GenerationItem):
    """A generation after an operator's change, and the tokens that were given back so far."""

    refunded: Tokens


class Generation(GenerationItem):
    """Everything that is known of a generation. `quote` is what was agreed when it was ordered."""

    routes: list[TriedRoute]
    attempts: int
    polls: int
    times: Times
    deadline_at: Moment
    refunds: list[Refund]
    delivery: Delivery
    parent: Relative | None
    children: list[Relative]
    continuation: str | None
    source_url: str | None
    error_message: str | None
    is_ambiguous: bool
    prompt: str
    params: dict[str, Any]
    inputs: list[InputFile]
    results: list[ResultFile]
    external_id: str | None
    quote: dict[str, Any] | None
    charge: Charge | None
    events: list[GenerationEvent]
    trace_id: str | None


class QuoteRequest(Question):
    """A model with options; options that are left out have their defaults."""

    model: str = Field(min_length=1, max_length=50)
    params: dict[str, Any] = Field(default_factory=dict)


class Factor(Answer):
    """A chosen option that changes the price."""

    option: str
    value: str
    factor: Number


class Quote(Answer):
    """A price and everything that it was made from."""

    model: str
    params: dict[str, Any]
    tokens: Tokens
    usd: Usd
    units: str
    unit: str
    unit_cost_usd: Usd
    rate: Number
    markup: Number
    factors: list[Factor]


class LedgerProblem(Answer):
    """Numbers that disagree."""

    kind: str
    subject: str
    detail: str

    @classmethod
    def of(cls, problem: LedgerProblemFound) -> LedgerProblem:
        """The same for the outside."""
        return cls(kind=problem.kind, subject=problem.subject, detail=problem.detail)


class LedgerReport(Answer):
    """Whether balances, statement, charges and generations agree."""

    ok: bool
    users: int
    postings: int
    problems: list[LedgerProblem]
    duration_ms: float
