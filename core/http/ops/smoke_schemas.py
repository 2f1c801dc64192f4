"""What the operations about `nb smoke` take and answer."""

from __future__ import annotations

from pydantic import Field

from core.http.openapi import ChangeBody
from core.http.ops.schemas import Answer, Tokens


class SmokeStarted(Answer):
    """A generation that was ordered for the test user, and its price. `GET /generations/<id>` tells how it stands."""

    id: str
    model: str
    user: str
    tokens: Tokens


class SmokeCleanBody(ChangeBody):
    """Which run to put away; without it only those that nobody waits for any more."""

    generation: str | None = Field(None, description="Id of the run's generation.", min_length=1, max_length=64)


class SmokeCleaned(Answer):
    """What was put away. `waiting` are generations that a worker works on: ask again. `balance` is the test user's."""

    ended: list[str]
    waiting: list[str]
    files: int
    tokens: Tokens
    balance: Tokens
