"""What a fault is made of: where it comes from, which kind it is of, and what of it may be kept.

Nothing that a person wrote and no secret is kept: texts are redacted, exceptions are told without the input that
pydantic quotes, stacks are told without values, and of `extra` what is named like a secret or a text is left out.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from core.logs import redact

LONGEST: Final = 8000
"""Characters of a message, and of a stack."""

LONGEST_NAME: Final = 255
LONGEST_VALUE: Final = 500
MOST_VALUES: Final = 30
DEEPEST: Final = 3
LIBRARY_FRAMES: Final = 2
"""Frames at the end of a stack that are told even where they are not ours."""

LONGEST_CHAIN: Final = 4
"""Exceptions that caused one another and are told of."""

LONGEST_SEGMENT: Final = 24

LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"

_ROOT: Final = str(Path(__file__).resolve().parents[2])
_OURS: Final = frozenset({"core", "bot", "cli", "providers"})

_LEFT_OUT: Final = re.compile(
    r"header|token|secret|password|authorization|cookie|api_?key|init_?data|prompt|text|caption|payload|body|email",
    re.IGNORECASE,
)
_ID: Final = re.compile(r"[^\s/:.#-]*\d[^\s/:.#-]*")


class Origin(StrEnum):
    """What the service was doing."""

    WEBHOOK = "webhook"
    TELEGRAM_HANDLER = "telegram_handler"
    CELERY_TASK = "celery_task"
    GENERATION = "generation"
    PAYMENT = "payment"
    MINIAPP = "miniapp"
    OTHER = "other"


class Severity(StrEnum):
    """How bad a fault is.

    Critical: the service itself broke off what it was asked to do. Error: an operator has to act. Warning: one job
    suffered, and was put right. Info: worth knowing.
    """

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Status(StrEnum):
    """How far operators are with it."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Met:
    """One time that a fault was met: when, and whom or what it hit."""

    at: datetime
    trace_id: str = ""
    run_code: str = ""
    chat_id: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as it was met. `fingerprint` names its kind: class, handler and the place in our code."""

    fingerprint: str
    origin: Origin
    severity: Severity
    handler: str
    error_class: str
    message: str
    met: Met
    stacktrace: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    code: str = field(default_factory=lambda: "e_" + "".join(secrets.choice(LETTERS) for _ in range(10)))


def fingerprint(error_class: str, handler: str, place: str = "") -> str:
    """Name a kind of fault. Numbers and ids in the handler's name make no other kind."""
    kind = f"{error_class}|{without_ids(handler)}|{place}"
    return f"k_{hashlib.sha256(kind.encode('utf-8', 'replace')).hexdigest()[:14]}"


def without_ids(name: str) -> str:
    """A name with a `#` for each part that holds a digit or is too long for a word."""
    if len(name) > LONGEST_SEGMENT:
        parts = re.split(r"([\s/:.#-])", name)
        name = "".join("#" if len(part) > LONGEST_SEGMENT else part for part in parts)
    return _ID.sub("#", name)


def name_of(error: BaseException) -> str:
    """The class of an exception, with its module where it is not Python's own."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return name[:LONGEST_NAME]


def place_of(error: BaseException, *, within: str = "") -> str:
    """The last place in our code that the exception came through, such as `core.ledger.postings:charge`.

    Args:
        within: only modules whose names begin like this, and the first of them in place of the last.
    """
    found = ""
    for place in _places(error.__traceback__):
        if within and place.startswith(within):
            return place
        found = place
    return "" if within else found


def _places(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        code = trace.tb_frame.f_code
        if (module := _module_of(code.co_filename)) is not None:
            yield f"{module}:{code.co_qualname}"
        trace = trace.tb_next


def message_of(error: BaseException) -> str:
    """What an exception says, without the input that pydantic quotes."""
    problems = getattr(error, "errors", None)
    if callable(problems) and type(error).__module__.startswith("pydantic"):
        said = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['type']}"
            for problem in problems(include_url=False, include_input=False, include_context=False)
        )
    else:
        said = str(error)
    return clean(said)


def stack_of(error: BaseException) -> str:
    """The way that an exception came, causes first, without values. Of a long one the end is kept."""
    told = [
        "\n".join([*_frames(link), f"{name_of(link)}: {message_of(link)[:LONGEST_VALUE]}"])
        for link in reversed(list(_chain(error)))
    ]
    return clean("\n\nwhich led to\n\n".join(told), keep_end=True)


def _frames(error: BaseException) -> Iterator[str]:
    """Every frame of ours; of libraries only the last ones, which tell what happened, the others as a number."""
    frames = traceback.extract_tb(error.__traceback__)
    left_out = 0
    for number, frame in enumerate(frames):
        module = _module_of(frame.filename)
        if module is None and number < len(frames) - LIBRARY_FRAMES:
            left_out += 1
            continue
        if left_out:
            yield f"  … {left_out} more in libraries"
            left_out = 0
        path = frame.filename if module is None else frame.filename[len(_ROOT) + 1 :]
        yield f'  File "{path}", line {frame.lineno}, in {frame.name}'
        if frame.line:
            yield f"    {frame.line}"


def _module_of(path: str) -> str | None:
    """The module of ours that a file holds, None for a file of somebody else."""
    if not path.startswith(_ROOT):
        return None
    module = path[len(_ROOT) + 1 :].removesuffix(".py").replace("/", ".")
    return module if module.partition(".")[0] in _OURS else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(LONGEST_CHAIN):
        if link is None:
            return
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def clean(text: str, *, limit: int = LONGEST, keep_end: bool = False) -> str:
    """Text that PostgreSQL keeps, without secrets and not longer than the limit.

    Secrets are taken out before anything is cut: the half of one would not be recognised.
    """
    text = redact(text.replace("\0", "").encode("utf-8", "replace").decode("utf-8"))
    if len(text) <= limit:
        return text
    return f"…{text[1 - limit :]}" if keep_end else f"{text[: limit - 1]}…"


def plain(value: object, depth: int = 0) -> Any:  # noqa: ANN401  JSON is any of its types.
    """A value as JSON, cut to what is worth keeping."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if depth < DEEPEST and isinstance(value, Mapping):
        named = [(str(name), item) for name, item in list(value.items())[:MOST_VALUES]]
        return {
            clean(name, limit=LONGEST_NAME): plain(item, depth + 1)
            for name, item in named
            if not _LEFT_OUT.search(name)
        }
    if depth < DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in list(value)[:MOST_VALUES]]
    return clean(str(value), limit=LONGEST_VALUE)


def now() -> datetime:
    """The moment that a fault is met."""
    return datetime.now(UTC)
