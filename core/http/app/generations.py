"""Ordering from the Mini App, and how a person's own generations stand. There are no others for them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sanic import Request

from core import catalog, generations, pricing, thumbnails, uploads
from core.catalog import CatalogModel, FollowUpKind
from core.generations import Continuation, Filter, Generation, Order, Stage, continuations
from core.generations.repository import BadCursor, by_key
from core.http.app import generation_schemas as schemas
from core.http.app.api import api
from core.http.app.refusals import REFUSED, problem_of
from core.http.problems import Problem
from core.logs import current_trace
from core.ops_tokens import Scope
from core.storage import StorageError, StoredFile, storage
from core.types import IdempotencyKey, TraceId
from core.users import User
from providers.base import MediaRole

LINK_LIFETIME: Final = timedelta(hours=1)
CANCELLABLE: Final = frozenset({Stage.QUEUED, Stage.SUBMITTED})


@api.operation(
    "POST",
    "/generations",
    body=schemas.GenerationRequest,
    answer=schemas.Generation,
    scope=Scope.OPERATE,
    action="generations.order",
    problems=(402, 404),
    tag="generations",
    status=201,
)
async def order_generation(
    request: Request, user: User, body: schemas.GenerationRequest, key: IdempotencyKey
) -> schemas.Generation:
    """Order a picture, a video or words, and pay for it.

    The same key gives the same generation, however often it is tapped. Nothing is charged for what is refused; `code`
    says why, with what a form needs to say it: `limit`, `role`, `successor`, `price`, `seconds`, `errors`.
    """
    del request
    wanted = body.continuation
    order = Order(
        user=user,
        model=body.model,
        prompt=body.prompt,
        key=key,
        language=user.language,
        trace_id=TraceId(current_trace() or ""),
        images=await _inputs(user, body, key),
        params=body.params,
        source_url=body.source_url,
        parent=body.parent,
        continuation=None if wanted is None else Continuation(FollowUpKind(wanted.kind), wanted.number),
        agreed=body.agreed,
    )
    try:
        generation = await generations.submit(order)
    except REFUSED as refusal:
        raise problem_of(refusal) from None
    if not _is_same(generation, order):
        detail = "The key belongs to another generation. Use a new key for a new one."
        raise Problem(409, detail, code="idempotency_key_reused")
    return await _shown(generation)


@api.operation(
    "GET",
    "/generations",
    query=schemas.GenerationQuery,
    answer=schemas.GenerationPage,
    problems=(400,),
    tag="generations",
)
async def list_generations(request: Request, user: User, query: schemas.GenerationQuery) -> schemas.GenerationPage:
    """The person's generations, the newest first."""
    del request
    try:
        found = await generations.page(Filter(chat_id=user.chat_id), limit=query.limit, cursor=query.cursor)
    except BadCursor:
        raise Problem(400, "The cursor is not one of ours; take next_cursor as it is.", code="bad_cursor") from None
    await thumbnails.wish(found.items)
    items = await asyncio.gather(*(_item(generation) for generation in found.items))
    return schemas.GenerationPage(
        items=[schemas.GenerationItem(**item) for item in items], next_cursor=found.next_cursor
    )


@api.operation("GET", "/generations/{run_code}", answer=schemas.Generation, problems=(404,), tag="generations")
async def read_generation(request: Request, user: User, run_code: str) -> schemas.Generation:
    """How one of the person's generations stands, with its results and what can be made from them."""
    del request
    return await _shown(await _own(user, run_code))


@api.operation(
    "POST",
    "/generations/{run_code}/cancel",
    answer=schemas.Generation,
    scope=Scope.OPERATE,
    problems=(404, 409),
    tag="generations",
)
async def cancel_generation(request: Request, user: User, run_code: str) -> schemas.Generation:
    """Stop a generation and give its tokens back. Cancelling once more changes nothing."""
    del request
    await _own(user, run_code)
    try:
        return await _shown(await generations.cancel(run_code, user.id))
    except generations.CannotCancel:
        raise Problem(409, "It cannot be cancelled any more.", code="cannot_cancel") from None


@api.operation("GET", "/generations/{run_code}/repeat", answer=schemas.Repeat, problems=(404,), tag="generations")
async def read_repeat(request: Request, user: User, run_code: str) -> schemas.Repeat:
    """What was ordered, to fill a form with: a continuation is repeated on the same result."""
    del request
    generation = await _own(user, run_code)
    model = await catalog.get(generation.model)
    # What comes from the parent or from behind a link comes from there again.
    given = () if generation.continuation or generation.source_url else generation.images
    try:
        price = pricing.quote(model, generation.params).tokens
    except pricing.InvalidParams:
        price = None
    return schemas.Repeat(
        model=generation.model,
        prompt=generation.prompt,
        params=dict(generation.params),
        inputs=await _repeat_inputs(user, given),
        source_url=generation.source_url,
        parent=generation.parent if generation.continuation else generation.run_code,
        continuation=_continuation(generation),
        price=price,
        is_available=model.is_available,
        successor=model.successor,
    )


async def _own(user: User, run_code: str) -> Generation:
    try:
        generation = await generations.get(run_code)
    except generations.GenerationNotFound:
        generation = None
    if generation is None or generation.user_id != user.id:
        raise Problem(404, f"There is no generation {run_code[:64]!r}.", code="unknown_generation")
    return generation


async def _inputs(user: User, body: schemas.GenerationRequest, key: IdempotencyKey) -> tuple[StoredFile, ...]:
    """Return the uploads that an order names.

    Raises:
        Problem: 422, one of them is not there for this person.
    """
    files, errors = [], []
    for number, given in enumerate(body.inputs):
        try:
            files.append(replace(await uploads.of(user.id, given.upload), role=given.role))
        except (uploads.UnknownUpload, uploads.UploadNotReady, uploads.UploadRefused) as error:
            message = f"{error}" if isinstance(error, uploads.UploadRefused) else "there is none that is ready"
            errors.append({"param": f"inputs.{number}.upload", "message": message})
    if errors:
        before = await by_key(key)
        if before is not None and len(before.images) == len(body.inputs):
            # Uploads of an order that was taken may be gone by the time that it is repeated.
            return before.images
        raise Problem(422, "An upload is not there.", code="unknown_upload", extra={"errors": errors})
    return tuple(files)


def _is_same(generation: Generation, order: Order) -> bool:
    """Say whether a generation is what the order asks for, as far as the order says it."""
    prompt = order.prompt.strip()
    given = [file.key for file in order.images]
    wanted = order.continuation and (order.continuation.kind, order.continuation.number)
    made = generation.continuation and (generation.continuation.kind, generation.continuation.number)
    return (
        generation.model == order.model
        and (generation.prompt == prompt or (not prompt and order.continuation is not None))
        and all(generation.params.get(name) == value for name, value in order.params.items())
        and (generation.source_url, generation.parent, made) == (order.source_url, order.parent, wanted)
        and (bool(wanted or order.source_url) or [file.key for file in generation.images] == given)
    )


async def _shown(generation: Generation) -> schemas.Generation:
    item, results, offers, place = await asyncio.gather(
        _item(generation),
        _results(generation),
        continuations.offers(generation),
        generations.queue_place(generation),
    )
    ended = generation.completed_at or datetime.now(UTC)
    return schemas.Generation(
        **item,
        params=dict(generation.params),
        source_url=generation.source_url or None,
        parent=generation.parent,
        continuation=_continuation(generation),
        progress=generation.progress,
        queue_place=place,
        elapsed_seconds=max(0, round((ended - generation.created_at).total_seconds())),
        usual_seconds=generation.typical_seconds,
        can_cancel=not generation.status.is_final and generation.stage in CANCELLABLE,
        ordered=generation.quantity,
        results=results,
        follow_ups=[_follow_up(offer) for offer in offers],
    )


async def _item(generation: Generation) -> dict[str, Any]:
    first = generation.results[:1]
    return {
        "run_code": generation.run_code,
        "model": generation.model,
        "model_name": generation.model_name,
        "kind": generation.kind.value,
        "prompt": generation.prompt,
        "status": generation.status.value,
        "stage": generation.stage.value,
        "error": generation.error_code or None,
        "price": generation.tokens,
        "refunded": generation.refunded,
        "created_at": generation.created_at,
        "completed_at": generation.completed_at,
        "preview": await _result(generation, 1, first[0]) if first else None,
    }


async def _results(generation: Generation) -> list[schemas.Result]:
    numbered = enumerate(generation.results, start=1)
    return list(await asyncio.gather(*(_result(generation, number, file) for number, file in numbered)))


async def _result(generation: Generation, number: int, file: StoredFile) -> schemas.Result:
    is_there = generation.files_removed_at is None
    return schemas.Result(
        number=number,
        mime=file.mime,
        bytes=file.size,
        width=file.width,
        height=file.height,
        seconds=file.seconds,
        url=await _link(file.key) if is_there else None,
        thumbnail_url=await _link(file.thumbnail) if is_there and file.thumbnail else None,
        text=await _text(file) if is_there else None,
    )


async def _link(key: str) -> str | None:
    try:
        return await storage().link(key, lifetime=LINK_LIFETIME)
    except StorageError:
        return None


async def _text(file: StoredFile) -> str | None:
    if not file.mime.startswith("text/plain"):
        return None
    try:
        return (await storage().read(file.key)).decode()
    except StorageError:
        return None


def _continuation(generation: Generation) -> schemas.Continuation | None:
    found = generation.continuation
    return None if found is None else schemas.Continuation(kind=found.kind.value, number=found.number)


def _follow_up(offer: continuations.Offer) -> schemas.FollowUpOffer:
    model: CatalogModel = offer.model
    return schemas.FollowUpOffer(
        kind=offer.kind.value,
        model=model.slug,
        model_name=model.display_name,
        params=dict(offer.params),
        price=offer.price,
    )


async def _repeat_inputs(user: User, given: tuple[StoredFile, ...]) -> list[schemas.RepeatInput]:
    codes = await uploads.codes_of(user.id, [file.key for file in given])
    return [
        schemas.RepeatInput(
            upload=codes.get(file.key),
            role=MediaRole(file.role).value,
            mime=file.mime,
            width=file.width,
            height=file.height,
            seconds=file.seconds,
            url=await _link(file.key),
        )
        for file in given
    ]
