"""Updates that arrive twice, late, changed or never: what a test asks of the way between Telegram and the bot.

Telegram repeats an update under its own number until the bot confirms it, and may be late with it. A changed update and
a copy under a new number are what a forger would send.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, field
from typing import Final

from bot.sandbox.documents import JsonObject
from bot.sandbox.refusals import DriverError

MOST: Final = 100
LONGEST_DELAY: Final = 3600
FORMS: Final = {
    "update": "a kind of updates, or what a message holds, such as successful_payment",
    "times": f"a whole number from 1 to {MOST}",
    "copies": f"a whole number from 1 to {MOST}",
    "delay": f"seconds from 0 to {LONGEST_DELAY}",
    "changes": "an object",
}


@dataclass
class Misdelivery:
    """What happens to the next updates of a kind: the kind of an update, or what its message holds.

    Attributes:
        copies: how often it arrives in all.
        with_new_ids: the copies are updates of their own.
        delay: seconds that it is late.
        is_lost: it never arrives.
        changes: values that stand in it instead of the true ones.
    """

    update: str
    times: int = 1
    copies: int = 1
    with_new_ids: bool = False
    delay: float = 0.0
    is_lost: bool = False
    changes: JsonObject = field(default_factory=dict)

    def concerns(self, kind: str, payload: JsonObject) -> bool:
        """Say whether an update is one of those."""
        return self.update == kind or (kind == "message" and self.update in payload)

    def changed(self, kind: str, payload: JsonObject) -> JsonObject:
        """The update's content as it arrives."""
        arriving = copy.deepcopy(payload)
        part = arriving if self.update == kind else arriving[self.update]
        part.update(self.changes)
        return arriving

    def shown(self) -> JsonObject:
        """The same as JSON."""
        return asdict(self)


def planned(body: JsonObject) -> Misdelivery:
    """What a request asks for.

    Raises:
        DriverError: 400, it cannot be understood.
    """
    known = {name: body[name] for name in Misdelivery.__dataclass_fields__ if name in body}
    if unknown := set(body) - set(known):
        raise DriverError(400, f"{min(unknown)} is not known; known are {', '.join(Misdelivery.__dataclass_fields__)}")
    problems = {
        "update": not isinstance(body.get("update"), str) or not body["update"],
        "times": not _is_count(known.get("times", 1)),
        "copies": not _is_count(known.get("copies", 1)),
        "delay": not isinstance(known.get("delay", 0), int | float) or not 0 <= known.get("delay", 0) <= LONGEST_DELAY,
        "changes": not isinstance(known.get("changes", {}), dict),
    }
    if wrong := [name for name, is_wrong in problems.items() if is_wrong]:
        raise DriverError(400, f"{wrong[0]} must be {FORMS[wrong[0]]}")
    return Misdelivery(**known)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST
