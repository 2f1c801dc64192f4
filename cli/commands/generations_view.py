"""How `nb gen show` tells the story of a generation."""

from __future__ import annotations

from cli.moments import say_moment
from cli.output import Screen, State
from cli.wire import Generation, GenerationDetail, Relative, TriedRoute

SIGN_OF_STATUS: dict[str, State] = {"done": "ok", "error": "failed", "cancelled": "note"}

ALWAYS = {"route", "cost, USD", "completed", "error", "external id", "trace"}
"""What is shown even where there is nothing to show: that it is missing says something."""


def state_of(item: Generation) -> str:
    """Status, with the step or the class of the failure where there is one."""
    if item["error_code"]:
        return f"{item['status']} ({item['error_code']})"
    return item["stage"] if item["status"] == "processing" and item["stage"] else item["status"]


def show(screen: Screen, found: GenerationDetail) -> None:
    """Print everything: what was ordered, which ways were tried, what it cost, what came of it, and each step."""
    screen.state(SIGN_OF_STATUS.get(found["status"], "unknown"), f"{found['id']}  {state_of(found)}")
    known = _order(found) | _money(found) | _work(found)
    screen.pairs({name: value for name, value in known.items() if value is not None or name in ALWAYS}, indent=2)
    for title, lines in (
        ("Inputs", [_said(media) for media in found["inputs"]]),
        ("Routes", [_route(route) for route in found.get("routes", [])]),
        ("Results", [_result(found, number) for number in range(len(found["results"]))]),
        ("Refunds", [f"{one['tokens']}  {one['reason']}  posting {one['id']}" for one in found.get("refunds", [])]),
        ("Made from it", [_relative(child) for child in found.get("children", [])]),
        ("Events", [_event(found, number) for number in range(len(found["events"]))]),
    ):
        if lines:
            screen.heading(title)
            for line in lines:
                screen.wrapped(line, indent=2)


def _order(found: GenerationDetail) -> dict[str, object]:
    parent = found.get("parent")
    wish = found.get("continuation")
    return {
        "model": found["model"],
        "user": found["user"],
        "prompt": found["prompt"],
        "options": _said(found["params"]),
        "link": found.get("source_url"),
        "made from": f"{_relative(parent)}{f', {wish}' if wish else ''}" if parent else None,
    }


def _money(found: GenerationDetail) -> dict[str, object]:
    charge = found["charge"]
    return {
        "tokens": found["tokens"],
        "charge": f"{charge['id']}, {charge['tokens']}, {charge['state']}, returned {charge['refunded']}"
        if charge
        else None,
        "cost, USD": _cost(found),
        "quoted, USD": (found["quote"] or {}).get("usd") if found["cost_usd"] is not None else None,
    }


def _work(found: GenerationDetail) -> dict[str, object]:
    times, delivery = found.get("times"), found.get("delivery")
    return {
        "created": say_moment(found["created_at"]),
        "waited": _seconds(times["waited_s"]) if times else None,
        "route": found["route"],
        "external id": found["external_id"],
        "at provider": _at_provider(found),
        "completed": say_moment(found["completed_at"]),
        "deadline": _deadline(found),
        "delivery": _delivered(delivery["attempts"], delivery["messages"]) if delivery else None,
        "error": found["error_code"],
        "vendor said": found.get("error_message"),
        "ambiguous": "its answer was lost; it was looked up" if found.get("is_ambiguous") else None,
        "trace": found["trace_id"],
    }


def _deadline(found: GenerationDetail) -> str | None:
    is_open = found["status"] in ("queued", "processing")
    return say_moment(found["deadline_at"]) if is_open and "deadline_at" in found else None


def _at_provider(found: GenerationDetail) -> str | None:
    times = found.get("times")
    if times is None or times["at_provider_s"] is None:
        return None
    return f"{_seconds(times['at_provider_s'])}, submissions {found.get('attempts', 0)}, polls {found.get('polls', 0)}"


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:g} s"


def _delivered(attempts: int, messages: list[int]) -> str | None:
    if not attempts:
        return None
    sent = f", messages {', '.join(map(str, messages))}" if messages else ""
    return f"{attempts} {'try' if attempts == 1 else 'tries'}{sent}"


def _cost(found: GenerationDetail) -> str | None:
    expected = (found["quote"] or {}).get("usd")
    if found["cost_usd"] is not None:
        return f"{found['cost_usd']}, reported by {found['route'] or 'its provider'}"
    return None if expected is None else f"{expected} by its quote; nothing was reported"


def _route(route: TriedRoute) -> str:
    left = f", left: {route['left']}" if route["left"] else ""
    return f"{route['provider']} as {route['model']}, submissions {route['submissions']}{left}"


def _result(found: GenerationDetail, number: int) -> str:
    media = found["results"][number]
    size = f"{media['width']} x {media['height']}, " if media["width"] and media["height"] else ""
    return f"{media['key']}  {media['mime']}, {size}{media['bytes']:,} bytes"


def _relative(relative: Relative) -> str:
    return f"{relative['id']}  {relative['model']}, {relative['status']}"


def _event(found: GenerationDetail, number: int) -> str:
    event = found["events"][number]
    return f"{say_moment(event['at'])}  {event['event']}  {_said(event['detail'])}".rstrip()


def _said(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in values.items())


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
