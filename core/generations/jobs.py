"""Turns a generation into the job that a provider is handed.

`gather` brings what has to be there first, such as the file behind a link; it may take a while, and whoever comes after
resumes it. `build` reads what is there. Inputs are read into memory one job at a time: pictures have four megapixels,
videos `core.media.MAX_VIDEO_BYTES` at most. Who takes links gets those beside the bytes.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Final

from core import db, films, media, references
from core.catalog import CatalogModel, Route
from core.generations import callbacks, continuations, inputs, repository
from core.generations.claims import Claim
from core.generations.continuations import Handover
from core.generations.refusals import OrderRefused
from core.generations.states import Continuation, Generation, Stage
from core.storage import FileNotStored, StoredFile, storage
from core.temporary import temporary_file
from providers.base import Action, InputMedia, Job, Json, MediaKind, MediaRole
from providers.errors import InvalidRequest

LINK_LIFETIME: Final = timedelta(hours=48)
"""Vendors fetch inputs when a job's turn comes, which may be a day later."""


async def can_take(generation: Generation, model: CatalogModel, route: Route) -> bool:
    """Say whether a route can do this job: its options, its inputs, and the result that it continues."""
    if generation.continuation is None:
        return route.carries(generation.params, {MediaRole(file.role) for file in generation.images})
    return await _handover(generation, generation.continuation, model, route) is not None


async def gather(taken: Claim, model: CatalogModel, route: Route) -> None:
    """Bring what the job works from into storage, and write down what it is. Repeating it changes nothing.

    Raises:
        ProviderError: it cannot be had; nobody was asked to do anything yet.
        LeaseLost: somebody else owns the generation.
    """
    if taken.generation.source_url and not taken.generation.images:
        await _fetch_source(taken, model)
    if taken.generation.continuation is not None:
        await _prepare_continuation(taken, taken.generation.continuation, model, route)


async def build(generation: Generation, model: CatalogModel, route: Route) -> Job:
    """Return what the route's provider is to make.

    Raises:
        core.storage.FileNotStored: an input is gone.
    """
    action, files = None, generation.images
    if generation.continuation is not None:
        action = await _action(generation, generation.continuation, model, route)
        files = () if action is not None else files
    return Job(
        client_id=generation.run_code,
        model=route.model,
        kind=model.kind,
        prompt=generation.prompt,
        images=tuple([await _input(file) for file in files]),
        params=_params(generation),
        action=action,
        callback_url=callbacks.address(route.provider),
    )


async def _input(file: StoredFile) -> InputMedia:
    return InputMedia(
        data=await storage().read(file.key),
        mime=file.mime,
        url=await storage().link(file.key, lifetime=LINK_LIFETIME),
        role=MediaRole(file.role),
    )


def _params(generation: Generation) -> dict[str, Json]:
    """Return the options, and for words what those depend on: their language, and a link that the provider reads."""
    params = dict(generation.params)
    if generation.kind is MediaKind.TEXT:
        params.setdefault("language", generation.language)
        address = references.readable_address(generation)
        if address is not None:
            params["source_url"] = address
    return params


async def _handover(
    generation: Generation, continuation: Continuation, model: CatalogModel, route: Route
) -> Handover | None:
    parent = await _parent(generation)
    if parent is None:
        return None
    try:
        return continuations.handover(route, model, generation.params, generation.images, parent, continuation)
    except OrderRefused:
        return None


async def _action(
    generation: Generation, continuation: Continuation, model: CatalogModel, route: Route
) -> Action | None:
    if await _handover(generation, continuation, model, route) is not Handover.JOB:
        return None
    parent = await _parent(generation)
    return None if parent is None else continuations.action(parent, continuation)


async def _fetch_source(taken: Claim, model: CatalogModel) -> None:
    """Keep what the link leads to as the job's input."""
    await taken.change(stage=Stage.FETCHING.value)
    await taken.tell("fetching")
    try:
        file = await references.fetch_input(taken.generation)
        files = () if file is None else inputs.placed(model, (file,), taken.generation.params)
    except OrderRefused as error:
        raise InvalidRequest(f"what the link leads to does not fit: {error}") from None
    await _keep_inputs(taken, files)


async def _prepare_continuation(taken: Claim, continuation: Continuation, model: CatalogModel, route: Route) -> None:
    generation = taken.generation
    how = await _handover(generation, continuation, model, route)
    if how is None:
        raise InvalidRequest("the result that it continues cannot be used any more")
    from_frame = how is Handover.FRAME
    if continuation.from_frame != from_frame:
        continuation = replace(continuation, from_frame=from_frame)
        await taken.change(continuation=db.to_json(asdict(continuation)))
        taken.generation = generation = replace(generation, continuation=continuation)
    if from_frame and continuations.frame_of(generation) is None:
        frame = await _take_frame(generation, continuation, model)
        await _keep_inputs(taken, (frame, *generation.images))
        await taken.tell("frame_taken", file=frame.key)


async def _take_frame(generation: Generation, continuation: Continuation, model: CatalogModel) -> StoredFile:
    """Put the last frame of the parent's film into storage."""
    parent = await _parent(generation)
    if parent is None:
        raise InvalidRequest("the film that it continues is gone")
    film = continuations.result_of(parent, continuation)
    async with temporary_file() as path, temporary_file(".jpg") as picture:
        try:
            await storage().fetch_to(film.key, path)
            await films.last_frame(path, picture)
        except (FileNotStored, films.FilmError) as error:
            raise InvalidRequest(f"the last frame of the film cannot be had: {error}") from None
        frame = await media.inspect(picture)
        key = continuations.frame_key(generation)
        size = await storage().put(key, picture, mime=frame.mime)
    role = continuations.frame_role(model).value
    return StoredFile(key, frame.mime, size, frame.width, frame.height, role=role)


async def _keep_inputs(taken: Claim, files: tuple[StoredFile, ...]) -> None:
    await taken.change(stage=Stage.QUEUED.value, input_images=db.to_json([file.to_dict() for file in files]))
    taken.generation = replace(taken.generation, images=files)


async def _parent(generation: Generation) -> Generation | None:
    return None if generation.parent is None else await repository.get(generation.parent)
