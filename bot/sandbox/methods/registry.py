"""Finds and runs a Bot API method: faults first, then the method, then a line in the calls log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.documents import JsonObject
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import Refused
from bot.sandbox.world import World

Method = Callable[[World, Parameters], Awaitable[Any]]

_METHODS: dict[str, tuple[str, Method]] = {}


@dataclass(frozen=True)
class Outcome:
    """An answer of the Bot API."""

    status: int
    body: JsonObject


def method(name: str) -> Callable[[Method], Method]:
    """Register a coroutine under the name of a Bot API method. Telegram does not look at its case."""

    def register(function: Method) -> Method:
        _METHODS[name.lower()] = (name, function)
        return function

    return register


def names() -> list[str]:
    """All implemented methods."""
    return [name for name, _ in _METHODS.values()]


async def execute(world: World, name: str, parameters: Parameters) -> Outcome:
    """Run a method and log the call."""
    name, function = _METHODS.get(name.lower(), (name, _unknown))
    try:
        fault = _take_fault(world, name)
        if fault and not fault["takes_effect"]:
            raise _refusal(fault)
        outcome = Outcome(200, {"ok": True, "result": await function(world, parameters)})
        if fault:
            raise _refusal(fault)
    except Refused as refused:
        outcome = Outcome(refused.error_code, refused.envelope())
    _log(world, name, parameters, outcome)
    return outcome


async def _unknown(_world: World, _parameters: Parameters) -> bool:
    raise Refused(404, "Not Found: method not found")


def _take_fault(world: World, name: str) -> JsonObject | None:
    """The failure that a test asked for, counted."""
    for fault in world.state.faults:
        if fault["method"].lower() in {name.lower(), "*"}:
            fault["times"] -= 1
            world.state.faults[:] = [other for other in world.state.faults if other["times"] > 0]
            return fault
    return None


def _refusal(fault: JsonObject) -> Refused:
    return Refused(fault["error_code"], fault["description"], retry_after=fault["retry_after"])


def _log(world: World, name: str, parameters: Parameters, outcome: Outcome) -> None:
    call: JsonObject = {
        "id": world.state.next_number("call"),
        "method": name,
        "params": parameters.shown(),
        "ok": outcome.body["ok"],
        "at": world.state.clock(),
    }
    for key in ("error_code", "description"):
        if key in outcome.body:
            call[key] = outcome.body[key]
    world.state.put_call(call)
    world.events.publish_to_all("call", call=call)
