"""The registry that every operation of the Mini App's API is entered in, and who may call them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from sanic import Request

from core.http import throttle
from core.http.app import identity
from core.http.openapi import Api, Call, Gate, Operation
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.types import IdempotencyKey
from core.users import User

LIFETIMES: Final = {Scope.READ: timedelta(hours=24), Scope.OPERATE: timedelta(hours=1)}
"""How old init data may be for looking at something, and for what orders or spends."""

LIMITS: Final = {
    Scope.READ: throttle.Limit("read", requests=60, seconds=10),
    Scope.OPERATE: throttle.Limit("operate", requests=30, seconds=60),
}
"""What a person may ask for. Somebody who taps fast stays far below, a loop does not."""


class AppGate(Gate[User]):
    """Lets people of Telegram in. Every handler also gets `user`, and that of a change the `key` to make it with."""

    name = "initData"
    scheme: ClassVar[Mapping[str, Any]] = {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "The word `tma`, a space, and `Telegram.WebApp.initData` as it is. It may be a day old for what "
        "has the scope `read`, an hour for what has the scope `operate`.",
    }
    problems = (429,)

    async def admit(self, request: Request, operation: Operation) -> User:
        """Return the account of the person whose init data came with the request."""
        user = await identity.require(request, lifetime=LIFETIMES[operation.scope])
        wait = await throttle.seconds_to_wait(LIMITS[operation.scope], user.id)
        if wait:
            raise Problem(429, f"Too many requests. Try again in {wait} s.", headers={"Retry-After": str(wait)})
        return user

    async def answer(self, call: Call, caller: User) -> str:
        """Answer for that person, and for nobody else."""
        more: dict[str, Any] = {"user": caller}
        if call.operation.action is not None:
            # In front of the person's own key stands who they are: the keys of two people never meet.
            more["key"] = IdempotencyKey(f"app:{caller.id}:{call.key}")
        return (await call.perform(**more)).model_dump_json()


api = Api(
    "app",
    prefix="/api/app/v1",
    title="NanoBanana app API",
    description="What the Mini App asks the service on behalf of the person who opened it.",
    gate=AppGate(),
)
