"""Operations for `nb smoke`: order a picture for the test user, and put everything away again."""

from __future__ import annotations

from sanic import Request

from core import smoke
from core.audit import Change
from core.generations import OrderRefused
from core.http.openapi import ChangeBody
from core.http.ops import smoke_schemas as schemas
from core.http.ops.api import api
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.settings import Settings


@api.operation(
    "POST",
    "/smoke/generations",
    answer=schemas.SmokeStarted,
    scope=Scope.OPERATE,
    body=ChangeBody,
    tag="smoke",
    action="smoke.generate",
)
async def start_smoke(request: Request, body: ChangeBody, change: Change) -> schemas.SmokeStarted:
    """Have the demonstration make a picture for the test user, end to end but for Telegram. Nobody is charged.

    Refused with a `rule` in production, unless SMOKE_GENERATIONS allows it.
    """
    del body
    settings: Settings = request.app.ctx.settings
    try:
        made = await smoke.begin(change, settings)
    except smoke.SmokeNotAllowed as error:
        raise Problem(403, f"{error}.", code=error.rule, extra={"rule": error.rule}) from None
    except OrderRefused as error:
        raise Problem(409, f"The test user cannot order now: {error}.", code=error.code) from None
    return schemas.SmokeStarted(id=made.run_code, model=made.model, user=str(made.chat_id), tokens=made.tokens)


@api.operation(
    "POST",
    "/smoke/clean",
    answer=schemas.SmokeCleaned,
    scope=Scope.OPERATE,
    body=schemas.SmokeCleanBody,
    tag="smoke",
    action="smoke.clean",
)
async def clean_smoke(request: Request, body: schemas.SmokeCleanBody, change: Change) -> schemas.SmokeCleaned:
    """Put a run away, and those that were left behind: end what runs, remove the files, take back what is left."""
    del request
    cleaned = await smoke.clean(change, body.generation)
    return schemas.SmokeCleaned(
        ended=list(cleaned.ended),
        waiting=list(cleaned.waiting),
        files=cleaned.files,
        tokens=cleaned.tokens,
        balance=cleaned.balance,
    )
