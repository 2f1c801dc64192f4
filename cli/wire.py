"""Shapes of what the service answers, and the one function that checks an answer against its shape.

The same shapes describe `data` in the committed JSON Schemas. Unknown keys are kept: a newer service may say more.
"""

from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    TypedDict,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

Shape = TypeVar("Shape")


class UnexpectedShape(ValueError):
    """An answer lacks something or has it in another type."""


class Health(TypedDict):
    """`GET /api/health`."""

    ok: bool
    version: str
    commit: str
    environment: str


CheckState = Literal["ok", "failed", "unknown"]

CheckLevel = Literal["needed", "watched", "noted"]
"""A probe goes red for what is needed; `nb ready` fails for what is watched, too; what is noted fails nothing."""


class Check(TypedDict):
    """One thing that readiness looks at. An older service says neither its level nor its facts: then it is needed."""

    id: str
    state: CheckState
    detail: str
    duration_ms: float
    fix: str | None
    level: NotRequired[CheckLevel]
    facts: NotRequired[dict[str, Any]]


class Readiness(TypedDict):
    """`GET /api/ready`; `checks` and breakers of `providers` only for an ops token."""

    ok: bool
    checks: NotRequired[list[Check]]
    providers: NotRequired[dict[str, str] | None]


class Process(TypedDict):
    """A process that reported itself."""

    kind: str
    instance: str
    commit: str
    started_at: str
    seen_at: str


class QueueDepth(TypedDict):
    """Messages waiting in a queue of the broker."""

    name: str
    depth: int


class InProgress(TypedDict):
    """Generations that are not finished."""

    queued: int
    processing: int
    stuck: int


class Backlog(TypedDict):
    """Rows waiting, and the age of the oldest in seconds."""

    pending: int
    oldest_s: float | None


class ServiceStatus(TypedDict):
    """`GET /api/ops/v1/status`."""

    environment: str
    version: str
    commit: str
    at: str
    processes: list[Process]
    queues: list[QueueDepth]
    generations: InProgress
    inbox: Backlog
    outbox: Backlog


class Generation(TypedDict):
    """A generation as a list shows it. Money is text with two decimals."""

    id: str
    status: str
    stage: str | None
    model: str
    kind: str
    user: str
    tokens: str
    cost_usd: str | None
    created_at: str
    completed_at: str | None
    route: str | None
    error_code: str | None


class GenerationPage(TypedDict):
    """`GET /api/ops/v1/generations`."""

    items: list[Generation]
    next_cursor: str | None


class Media(TypedDict):
    """A stored result."""

    key: str
    mime: str
    bytes: int
    width: int | None
    height: int | None


class Charge(TypedDict):
    """Tokens taken for a generation and what became of them."""

    id: str
    tokens: str
    state: Literal["open", "settled", "refunded"]
    refunded: str


class GenerationEvent(TypedDict):
    """A step in the life of a generation."""

    at: str
    event: str
    detail: dict[str, Any]


class TriedRoute(TypedDict):
    """A way that was tried, and why it was left."""

    provider: str
    model: str
    submissions: int
    left: str | None


class Times(TypedDict):
    """Seconds spent waiting, at the provider, and in all."""

    waited_s: float | None
    at_provider_s: float | None
    total_s: float | None


class Refund(TypedDict):
    """A posting that gave tokens back."""

    id: str
    tokens: str
    reason: str
    at: str


class Delivery(TypedDict):
    """How the result was handed over."""

    attempts: int
    messages: list[int]


class Relative(TypedDict):
    """A generation that another one was made from."""

    id: str
    model: str
    status: str


class GenerationDetail(Generation):
    """`GET /api/ops/v1/generations/<id>`. A service of an earlier day tells less."""

    prompt: str
    params: dict[str, Any]
    inputs: list[Any]
    results: list[Media]
    external_id: str | None
    quote: dict[str, Any] | None
    charge: Charge | None
    events: list[GenerationEvent]
    trace_id: str | None
    routes: NotRequired[list[TriedRoute]]
    attempts: NotRequired[int]
    polls: NotRequired[int]
    times: NotRequired[Times]
    deadline_at: NotRequired[str]
    refunds: NotRequired[list[Refund]]
    delivery: NotRequired[Delivery]
    parent: NotRequired[Relative | None]
    children: NotRequired[list[Relative]]
    continuation: NotRequired[str | None]
    source_url: NotRequired[str | None]
    error_message: NotRequired[str | None]
    is_ambiguous: NotRequired[bool]


class Factor(TypedDict):
    """How a chosen option changes the price."""

    option: str
    value: Any
    factor: str


class Quote(TypedDict):
    """`POST /api/ops/v1/pricing/quote`."""

    model: str
    params: dict[str, Any]
    tokens: str
    usd: str
    units: str
    unit: str
    unit_cost_usd: str
    rate: str
    markup: str
    factors: list[Factor]


class Model(TypedDict):
    """A model of the catalogue with its lowest price."""

    slug: str
    name: str
    kind: str
    is_active: bool
    is_listed: NotRequired[bool]
    price_from: str | None
    unit: str
    routes: list[str]
    available: bool
    retired: NotRequired[bool]
    retires_at: NotRequired[str | None]
    successor: NotRequired[str | None]
    order: NotRequired[int]


class ModelPage(TypedDict):
    """`GET /api/ops/v1/models`."""

    items: list[Model]
    next_cursor: str | None


class LedgerProblem(TypedDict):
    """Something in the statement that does not add up."""

    kind: str
    subject: str
    detail: str


class LedgerReport(TypedDict):
    """`GET /api/ops/v1/ledger/verify`."""

    ok: bool
    users: int
    postings: int
    problems: list[LedgerProblem]
    duration_ms: float


def parse(shape: type[Shape], value: object) -> Shape:
    """`value` as `shape`.

    Raises:
        UnexpectedShape: it differs; the message names the first place that does.
    """
    _check(shape, value, "answer")
    return cast("Shape", value)


def _check(shape: Any, value: object, where: str) -> None:  # noqa: ANN401  A shape may be any type form.
    origin = get_origin(shape)
    if is_typeddict(shape):
        _check_object(shape, value, where)
    elif origin is list:
        (item,) = get_args(shape)
        for index, element in enumerate(_typed(value, list, where)):
            _check(item, element, f"{where}[{index}]")
    elif origin in (Union, UnionType):
        _check_union(get_args(shape), value, where)
    elif origin is Literal:
        if value not in get_args(shape):
            raise UnexpectedShape(f"{where} is none of {', '.join(map(str, get_args(shape)))}")
    elif shape is not Any:
        _typed(value, origin or shape, where)


def _check_object(shape: Any, value: object, where: str) -> None:  # noqa: ANN401
    content = _typed(value, dict, where)
    for name, expected in _fields(shape).items():
        if name in content:
            _check(expected, content[name], f"{where}.{name}")
        elif name in shape.__required_keys__:
            raise UnexpectedShape(f"{where}.{name} is missing")


@cache
def _fields(shape: Any) -> dict[str, Any]:  # noqa: ANN401
    """The fields of a shape; working them out takes longer than the check, and a page holds thousands."""
    return get_type_hints(shape)


def _check_union(choices: tuple[Any, ...], value: object, where: str) -> None:
    if value is None and NoneType in choices:
        return
    (shape,) = (choice for choice in choices if choice is not NoneType)
    _check(shape, value, where)


def _typed(value: object, expected: Any, where: str) -> Any:  # noqa: ANN401
    accepted = (int, float) if expected is float else expected
    if not isinstance(value, accepted) or (isinstance(value, bool) and expected is not bool):
        raise UnexpectedShape(f"{where} is {type(value).__name__}, not {expected.__name__}")
    return value
