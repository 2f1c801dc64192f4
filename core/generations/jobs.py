"""Turns a generation into the job that a provider is handed."""

from __future__ import annotations

from core.catalog import CatalogModel, Route
from core.generations.states import Generation
from core.storage import storage
from providers.base import InputMedia, Job, MediaRole


async def build(generation: Generation, model: CatalogModel, route: Route) -> Job:
    """Return what the route's provider is to make.

    Raises:
        core.storage.FileNotStored: an input is gone.
    """
    inputs = [
        InputMedia(await storage().read(file.key), file.mime, role=MediaRole(file.role)) for file in generation.images
    ]
    return Job(
        client_id=generation.run_code,
        model=route.model,
        kind=model.kind,
        prompt=generation.prompt,
        images=tuple(inputs),
        params=generation.params,
    )
