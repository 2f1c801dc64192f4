"""How faults look to people."""

from __future__ import annotations

from cli.moments import say_moment
from cli.output import Column, Screen, State
from cli.wire_errors import ErrorDetail, ErrorGroup, ErrorItem

LIST_COLUMNS = (
    Column("error", "id"),
    Column("last met", "id"),
    Column("severity", "id"),
    Column("state", "id"),
    Column("times", "number"),
    Column("what, where"),
)
GROUP_COLUMNS = (
    Column("kind", "id"),
    Column("times", "number"),
    Column("open", "number"),
    Column("last met", "id"),
    Column("what, where"),
)

SIGNS: dict[str, State] = {"critical": "failed", "error": "failed", "warning": "unknown", "info": "note"}

STATES = {"in_progress": "taken"}
"""How far operators are with it, in a word; `again` is new after it was resolved."""

SHOWN_OTHERS = 10
MOST_LETTERS = 60
"""Of what was said, in a list; `show` has all of it."""


def what(item: ErrorItem) -> str:
    """The class of an error without its module, or what was said where there is none."""
    return item["error_class"].rpartition(".")[2] or _beginning(item["message"])


def _beginning(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS].rsplit(' ', 1)[0]}…"


def _what_where(item: ErrorItem) -> str:
    """One column that folds between the two: each of them may be long."""
    return f"{what(item)} {item['handler']}"


def list_row(item: ErrorItem) -> tuple[object, ...]:
    """A row of `nb errors list`."""
    state = STATES.get(item["status"], item["status"])
    return (
        item["id"],
        say_moment(item["last_at"], short=True),
        item["severity"],
        "again" if item["came_back"] and item["status"] == "new" else state,
        item["times"],
        _what_where(item),
    )


def group_row(group: ErrorGroup) -> tuple[object, ...]:
    """A row of `nb errors group`."""
    sample = group["sample"]
    return (
        group["fingerprint"],
        group["times"],
        group["open"],
        say_moment(group["last_at"], short=True),
        _what_where(sample),
    )


def tail_line(screen: Screen, item: ErrorItem) -> None:
    """Print an error in one line, folded where the screen is narrow."""
    times = f" ×{item['times']}" if item["times"] > 1 else ""
    said = f": {item['message'][:120]}" if item["error_class"] else ""
    text = f"{say_moment(item['last_at'])} {item['id']} {item['severity']} {item['handler']} {what(item)}{said}{times}"
    screen.state(SIGNS.get(item["severity"], "unknown"), " ".join(text.split()))


def show_error(screen: Screen, found: ErrorDetail) -> None:
    """Print everything that is known of an error."""
    state = "ok" if found["status"] == "resolved" else SIGNS.get(found["severity"], "unknown")
    came_back = ", came back after it was resolved" if found["came_back"] else ""
    screen.state(state, f"{found['id']}  {found['severity']}, {_say_status(found)}{came_back}")
    times = None
    if found["times"] > 1:
        times = f"{found['times']}, the last {say_moment(found['last_at'])}"
    known = {
        "what": found["error_class"] or None,
        "message": found["message"] or None,
        "in": found["handler"],
        "from": f"{found['origin']}, {found['service'] or 'a process without a name'}",
        "met": say_moment(found["at"]),
        "times": times,
        "trace": found["trace_id"],
        "job": found["generation"],
        "user": found["user"],
        "kind": found["fingerprint"],
        "commit": found["commit"],
        "resolved": f"{say_moment(found['resolved_at'])} by {found['resolved_by']}" if found["resolved_at"] else None,
        "done": found["resolution"],
        **{name: str(value) for name, value in found["extra"].items() if value not in (None, "", {}, [])},
    }
    screen.pairs({name: value for name, value in known.items() if value is not None}, indent=2)
    if found["stacktrace"]:
        screen.heading("Stack")
        for line in found["stacktrace"].splitlines():
            screen.wrapped(line, indent=2)
    if found["also"]:
        screen.heading(f"Met again, the last {min(len(found['also']), SHOWN_OTHERS)} of {found['times'] - 1}")
        for met in found["also"][-SHOWN_OTHERS:]:
            about = [met["trace_id"], met["generation"], f"user {met['user']}" if met["user"] else None]
            screen.wrapped(" ".join([say_moment(met["at"]), *filter(None, about)]), indent=2)


def _say_status(item: ErrorItem) -> str:
    return item["status"].replace("_", " ")
