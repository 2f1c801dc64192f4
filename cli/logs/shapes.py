"""What `data` of `nb logs` holds, and what each line is with --follow."""

from typing import Literal, TypedDict


class LogLine(TypedDict):
    """One line, or several of one fault: `count` says how many, `last_at` when the last of them came.

    Secrets are masked. `exception` is the traceback.
    """

    at: str | None
    service: str
    level: str
    event: str
    trace_id: str | None
    fields: dict[str, object]
    exception: str | None
    deployment: str | None
    count: int
    last_at: str | None


class Failing(TypedDict):
    """What --fail-on found: `count` lines of `level` or worse since `since`, which is null for the oldest line."""

    level: str
    count: int
    since: str | None


class LogsData(TypedDict):
    """`nb logs`. With --follow `lines` is empty: each was a document of its own before this one.

    `counts` are of the lines that were printed. `truncated` says that older ones were wanted, too.
    """

    source: Literal["files", "railway", "railway-cli"]
    services: list[str]
    since: str | None
    until: str | None
    lines: list[LogLine]
    counts: dict[str, int]
    truncated: bool
    failing: Failing | None
