"""Operations that change a generation by hand: look at it now, stop it, give its tokens back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sanic import Request

from core.audit import Change
from core.generations import Generation, GenerationNotFound, operating
from core.generations.operating import NotAllowed
from core.http.openapi import ChangeBody
from core.http.ops import generations, schemas
from core.http.ops.api import api
from core.http.problems import Problem
from core.ops_tokens import Scope


@api.operation(
    "POST",
    "/generations/{run_code}/retry",
    answer=schemas.GenerationChanged,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="generations",
    action="generations.retry",
)
async def retry_generation(
    request: Request, run_code: str, body: ChangeBody, change: Change
) -> schemas.GenerationChanged:
    """Have an unfinished generation looked at now, at the step where it stands. Nothing is submitted twice."""
    del request, body, change
    return await _done(operating.retry, run_code)


@api.operation(
    "POST",
    "/generations/{run_code}/cancel",
    answer=schemas.GenerationChanged,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="generations",
    action="generations.cancel",
)
async def cancel_generation(
    request: Request, run_code: str, body: ChangeBody, change: Change
) -> schemas.GenerationChanged:
    """Stop a waiting or running generation with a full refund; its provider is asked to stop."""
    del request, body, change
    return await _done(operating.cancel, run_code)


@api.operation(
    "POST",
    "/generations/{run_code}/refund",
    answer=schemas.GenerationChanged,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="generations",
    action="generations.refund",
)
async def refund_generation(
    request: Request, run_code: str, body: ChangeBody, change: Change
) -> schemas.GenerationChanged:
    """End a generation that does not come to an end, at whatever step, and give its tokens back."""
    del request, body, change
    return await _done(operating.refund, run_code)


async def _done(perform: Callable[[str], Awaitable[Generation]], run_code: str) -> schemas.GenerationChanged:
    try:
        return generations.changed(await perform(run_code))
    except GenerationNotFound:
        raise Problem(404, f"There is no generation {run_code[:64]!r}.", code="unknown_generation") from None
    except NotAllowed as error:
        raise Problem(409, str(error), code=error.rule, extra={"rule": error.rule}) from None
