"""What is made from a result of an earlier generation: whether that can be done, by whom, and from what.

There are three ways. A provider that keeps its own jobs is told which one to go on with. A picture or video is handed
over as a file. A film whose provider cannot go on with it is continued from its last frame, and joined afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from core import catalog, films
from core.catalog import CatalogModel, FollowUpKind, Route
from core.generations import inputs
from core.generations.refusals import OrderRefused, ParentUnusable, VideoTooLong
from core.generations.states import Continuation, Generation, Stage, Status
from core.pricing import InvalidParams, quote
from core.storage import FileNotStored, StoredFile, storage
from core.types import Tokens
from providers.base import Action, ActionKind, Json, MediaRole

KEPT_BY_PROVIDERS: Final = timedelta(days=14)
"""How long a provider is asked to go on with a job of its own: the shortest of them keeps its files for 15 days."""

_FRAMES: Final = "frames/"
_ACTIONS: Final = {
    FollowUpKind.VARY: ActionKind.VARY,
    FollowUpKind.UPSCALE: ActionKind.UPSCALE,
    FollowUpKind.EXTEND: ActionKind.EXTEND,
}


class Handover(StrEnum):
    """How a route is given what it goes on with."""

    JOB = "job"
    FILE = "file"
    FRAME = "frame"


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be made from a result now: the model that does it, with which options, at what price."""

    kind: FollowUpKind
    model: CatalogModel
    params: Mapping[str, Json]
    price: Tokens


async def offers(generation: Generation) -> list[Offer]:
    """Return what can be made from a generation's results, in the catalogue's order."""
    models = {model.slug: model for model in await catalog.models(only_available=False)}
    own = models.get(generation.model)
    found = []
    for follow_up in own.follow_ups if own is not None and generation.results else ():
        model = models.get(follow_up.model)
        offer = None if model is None or not model.is_available else _offer(generation, follow_up.kind, model)
        if offer is not None:
            found.append(offer)
    return found


def result_of(parent: Generation, continuation: Continuation) -> StoredFile:
    """Return the result that is meant.

    Raises:
        ParentUnusable: it was never there, or not any more.
    """
    is_made = parent.status is Status.DONE or parent.stage is Stage.DELIVERING
    if not is_made or parent.files_removed_at or not 1 <= continuation.number <= len(parent.results):
        raise ParentUnusable(f"{parent.run_code} has no result {continuation.number} now")
    return parent.results[continuation.number - 1]


async def check(parent: Generation, continuation: Continuation, model: CatalogModel) -> None:
    """Refuse what the catalogue does not offer under results of the parent's model, and a result that is gone.

    Raises:
        ParentUnusable: see there.
    """
    offered = (await catalog.get(parent.model)).follow_ups
    if not any(one.kind is continuation.kind and one.model == model.slug for one in offered):
        raise ParentUnusable(f"{model.slug} does not {continuation.kind.value} what {parent.model} made")
    result = result_of(parent, continuation)
    try:
        await storage().size(result.key)
    except FileNotStored:
        raise ParentUnusable(f"{result.key} is gone") from None


def placed(
    model: CatalogModel,
    given: Sequence[StoredFile],
    params: Mapping[str, Json],
    parent: Generation,
    continuation: Continuation,
) -> tuple[StoredFile, ...]:
    """Return the inputs of a job that continues `parent`, the result itself among them where it is handed over.

    Raises:
        ParentUnusable: no route can go on with it.
        OrderRefused: what was given does not fit.
    """
    result = result_of(parent, continuation)
    if continuation.kind is FollowUpKind.EXTEND and result.seconds >= films.LONGEST_SECONDS:
        raise VideoTooLong(limit=films.LONGEST_SECONDS, seconds=result.seconds)
    for route in model.routes:
        how = handover(route, model, params, given, parent, continuation)
        if how is not None:
            files = _files(how, model, params, given, result)
            return tuple(file for file in files if how is Handover.FILE or file.key != result.key)
    if _besides(given, result):
        # It may be what came along that does not fit.
        for how in _handovers(model, continuation.kind):
            _files(how, model, params, given, result)
    raise ParentUnusable(f"no route of {model.slug} can {continuation.kind.value} {parent.run_code}")


def handover(
    route: Route,
    model: CatalogModel,
    params: Mapping[str, Json],
    given: Sequence[StoredFile],
    parent: Generation,
    continuation: Continuation,
) -> Handover | None:
    """Return how a route goes on with a result of `parent`; None when it cannot."""
    result = result_of(parent, continuation)
    for how in _handovers(model, continuation.kind):
        if how is Handover.JOB and not _goes_on(route, parent, continuation):
            continue
        try:
            files = _files(how, model, params, given, result)
        except OrderRefused:
            continue
        if route.carries(params, {MediaRole(file.role) for file in files}):
            return how
    return None


def action(parent: Generation, continuation: Continuation) -> Action:
    """Return what a provider is told that goes on with a job of its own."""
    assert parent.external_id is not None, "handover looked"
    return Action(_ACTIONS[continuation.kind], parent.external_id, continuation.number)


def frame_of(generation: Generation) -> StoredFile | None:
    """Return the last frame that was taken for this job before; None without one."""
    return next((file for file in generation.images if _is_frame(file)), None)


def frame_key(generation: Generation) -> str:
    """Return the key under which the last frame is kept that a job begins with."""
    return f"{_FRAMES}{generation.created_at:%Y/%m}/{generation.run_code}.jpg"


def frame_role(model: CatalogModel) -> MediaRole:
    """Return what a picture is to a model that begins a film with it."""
    return MediaRole.START if model.slot(MediaRole.START) is not None else MediaRole.IMAGE


def _handovers(model: CatalogModel, kind: FollowUpKind) -> tuple[Handover, ...]:
    """Return how a model may go on, the best first."""
    if kind is FollowUpKind.EXTEND:
        return Handover.JOB, Handover.FRAME
    if kind is FollowUpKind.ANIMATE or model.inputs:
        return (Handover.FILE,)
    return (Handover.JOB,)


def _goes_on(route: Route, parent: Generation, continuation: Continuation) -> bool:
    """Say whether the provider of a route can be told to go on with a job of its own."""
    made_at = parent.completed_at or parent.created_at
    is_known = (
        route.provider == parent.provider
        and parent.external_id is not None
        and datetime.now(UTC) - made_at < KEPT_BY_PROVIDERS
    )
    if continuation.kind is not FollowUpKind.EXTEND:
        return is_known
    # The provider knows only the end of a film that we joined.
    is_whole = parent.continuation is None or not parent.continuation.from_frame
    return is_known and route.extends and is_whole


def _files(
    how: Handover, model: CatalogModel, params: Mapping[str, Json], given: Sequence[StoredFile], result: StoredFile
) -> tuple[StoredFile, ...]:
    """Return everything that a provider gets this way; in place of a frame that is yet to be taken stands the film.

    Raises:
        OrderRefused: it does not fit the model.
    """
    besides = _besides(given, result)
    if how is Handover.JOB and not besides:
        return ()
    handed = []
    if how is Handover.FRAME:
        handed = [replace(result, mime="image/jpeg", seconds=0.0, role=frame_role(model).value)]
    elif how is Handover.FILE:
        role = MediaRole.IMAGE if inputs.is_video(result) else frame_role(model)
        handed = [replace(result, role=role.value)]
    return inputs.placed(model, [*handed, *besides], params)


def _besides(given: Sequence[StoredFile], result: StoredFile) -> list[StoredFile]:
    """Return the inputs that do not come from the parent."""
    return [file for file in given if file.key != result.key and not _is_frame(file)]


def _is_frame(file: StoredFile) -> bool:
    return file.key.startswith(_FRAMES)


def _offer(generation: Generation, kind: FollowUpKind, model: CatalogModel) -> Offer | None:
    # All options go on to the same model, to another one the format only.
    is_same = generation.model == model.slug
    kept = {name: value for name, value in generation.params.items() if is_same or name == "aspect_ratio"}
    for params in (kept, {}):
        try:
            price = quote(model, params)
            placed(model, (), price.params, generation, Continuation(kind))
        except (InvalidParams, OrderRefused):
            continue
        return Offer(kind, model, params, price.tokens)
    return None
