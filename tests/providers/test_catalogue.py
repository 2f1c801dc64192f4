"""What is sold can be made: every order that the catalogue admits is taken by every route that carries it.

Each route of each shipped model is walked: all combinations of its options (where they are too many, every value, and
the priced ones together), with the fillings of its slots, through the real adapter to its emulated service.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from core.catalog import CatalogModel, FollowUpKind, Route
from core.generations import OrderRefused, inputs
from core.pricing import InvalidParams, validate
from core.pricing.options import priced_options, values_of
from core.storage import StoredFile
from providers.base import Action, ActionKind, InputMedia, Job, Json, MediaKind, MediaRole, Provider, Submitted
from providers.demo import DemoProvider
from providers.gemini import GeminiProvider, VertexProvider
from providers.kie import KieProvider
from providers.kling import KlingProvider
from providers.openai import OpenAiProvider
from providers.runway import RunwayProvider
from providers.snapgen import SnapGenProvider
from providers.useapi import UseApiKlingProvider, UseApiMidjourneyProvider, UseApiRunwayProvider
from providers.veo import VeoProvider
from tests.core.catalog.shipped import SHIPPED, shipped
from tests.emulators import gemini
from tests.emulators.kie import KieEmulator
from tests.emulators.kling import KlingEmulator
from tests.emulators.openai import OpenAiEmulator
from tests.emulators.runway import RunwayEmulator
from tests.emulators.service import Service, serve
from tests.emulators.snapgen import SnapGenEmulator
from tests.emulators.useapi import UseApiEmulator
from tests.emulators.vertex import BUCKET, VertexEmulator
from tests.providers.contract import finished
from tests.providers.media import photo
from tests.providers.veo.conftest import account

pytestmark = pytest.mark.integration

MOST_COMBINATIONS = 24
"""Of a model with more, single choices and combinations of what is priced are walked."""

KEY = "a-key-for-everything-0123456789"
PHOTO = photo((640, 480))
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
WORDS = "a fox at the sea"

IGNORED = {
    ("useapi-kling", "kling-v2-5", "mode"): "the site makes it in the better quality only",
    ("demo", "demo-image", "aspect_ratio"): "the demonstration keeps no record of what it was asked",
    ("demo", "demo-image", "quantity"): "the same",
    ("demo", "demo-image", "image_size"): "the same",
    ("demo", "demo-video", "duration"): "the same",
    ("demo", "demo-video", "aspect_ratio"): "the same",
}
"""Options that make no difference on one way, and why that is right."""

Filling = tuple[InputMedia, ...]


@dataclass
class Place:
    """An adapter, and what its emulated service was asked."""

    provider: Provider
    asked: Callable[[], list[Any]]


def of_service(service: Service) -> Callable[[], list[Any]]:
    """What an emulated service was asked, as it would be compared."""
    return lambda: [(call.path, call.body) for call in service.calls if call.method == "POST"]


@asynccontextmanager
async def place_of(name: str, folder: Path) -> AsyncIterator[Place]:
    """Start the service behind a route, and the adapter that talks to it."""
    if name == "demo":
        yield Place(DemoProvider(folder), list)
        return
    if name == "gemini":
        emulator = gemini.GeminiEmulator(api_key=KEY)
        async with gemini.serve(emulator) as address:
            yield Place(GeminiProvider(KEY, base_url=address, timeout=20), lambda: list(emulator.calls))
        return
    service, make = _SERVICES[name]
    running = service()
    async with serve(running):
        yield Place(make(running), of_service(running))


def _veo(service: Any) -> Provider:
    address = service.address
    return VeoProvider(account(service, KEY), f"gs://{BUCKET}/veo", base_url=address, storage_url=address, timeout=20)


_SERVICES: Mapping[str, tuple[Callable[[], Any], Callable[[Any], Provider]]] = {
    "vertex": (lambda: VertexEmulator(key=KEY), lambda it: VertexProvider(account(it, KEY), base_url=it.address)),
    "veo": (lambda: VertexEmulator(key=KEY), _veo),
    "openai": (lambda: OpenAiEmulator(key=KEY), lambda it: OpenAiProvider(KEY, base_url=f"{it.address}/v1")),
    "runway": (lambda: RunwayEmulator(key=KEY), lambda it: RunwayProvider(KEY, base_url=it.address)),
    "kling": (
        lambda: KlingEmulator(key=KEY, secret=KEY * 2),
        lambda it: KlingProvider(KEY, KEY * 2, base_url=it.address),
    ),
    "useapi-kling": (lambda: UseApiEmulator(key=KEY), lambda it: UseApiKlingProvider(KEY, base_url=it.address)),
    "useapi-runway": (lambda: UseApiEmulator(key=KEY), lambda it: UseApiRunwayProvider(KEY, base_url=it.address)),
    "useapi-midjourney": (
        lambda: UseApiEmulator(key=KEY),
        lambda it: UseApiMidjourneyProvider(KEY, base_url=it.address),
    ),
    "kie": (lambda: KieEmulator(key=KEY), lambda it: KieProvider(KEY, base_url=it.address)),
    "snapgen": (lambda: SnapGenEmulator(key=KEY), lambda it: SnapGenProvider(KEY, base_url=it.address)),
}


def sold() -> list[Any]:
    """Every route of every model that can still be ordered."""
    models = [shipped(slug) for slug in SHIPPED]
    return [
        pytest.param(model, route, id=f"{model.slug}-{route.provider}-{number}")
        for model in models
        if model.is_active and not model.is_retired
        for number, route in enumerate(model.all_routes)
    ]


def choices(model: CatalogModel) -> list[dict[str, Json]]:
    """Combinations of options that the schema admits, defaults filled in."""
    values = {name: values_of(schema) for name, schema in model.options.items()}
    every = (dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values()))
    found = list(itertools.islice(every, MOST_COMBINATIONS + 1))
    if len(found) > MOST_COMBINATIONS:
        found = [{}, *({name: value} for name in values for value in values[name])]
        priced = {name: values[name] for name in priced_options(model)}
        found += [dict(zip(priced, chosen, strict=True)) for chosen in itertools.product(*priced.values())]
    admitted = []
    for params in found:
        try:
            chosen = validate(model, params)
        except InvalidParams:
            continue
        if chosen not in admitted:
            admitted.append(chosen)
    return admitted


def fillings(model: CatalogModel, params: Mapping[str, Json]) -> list[Filling]:
    """Ways to fill the slots that an order may have."""
    counts = [sorted({0, slot.least, 1, slot.most, *slot.fewer.values()}) for slot in model.inputs]
    found = []
    for chosen in itertools.product(*counts):
        roles = [slot.role for slot, count in zip(model.inputs, chosen, strict=True) for _ in range(count)]
        try:
            placed = inputs.placed(model, [_file(role) for role in roles], params)
        except OrderRefused:
            continue
        if placed or model.kind is not MediaKind.TEXT:
            found.append(tuple(_media(MediaRole(file.role)) for file in placed))
    return found


def _file(role: MediaRole) -> StoredFile:
    mime = "video/mp4" if role is MediaRole.VIDEO else "image/jpeg"
    return StoredFile(f"uploads/{role.value}", mime, 1000, seconds=3.0, role=role.value)


def _media(role: MediaRole) -> InputMedia:
    if role is MediaRole.VIDEO:
        return InputMedia(FILM, "video/mp4", "https://media.example/a.mp4", role)
    return replace(PHOTO, url="https://media.example/a.jpg", role=role)


def job_for(model: CatalogModel, route: Route, params: Mapping[str, Json], filling: Filling, number: int = 1) -> Job:
    """The job that the service would hand over."""
    return Job(f"job-{number}", route.model, model.kind, WORDS, filling, dict(params))


def carried(model: CatalogModel, route: Route) -> Iterator[tuple[dict[str, Json], Filling]]:
    """Orders that this route is given: of videos all, of pictures every choice and every filling."""
    for number, params in enumerate(choices(model)):
        possible = fillings(model, params)
        # Pictures are made at once, which takes its time; their slots depend on no option.
        some = possible if number == 0 or model.kind is MediaKind.VIDEO else [possible[number % len(possible)]]
        for filling in some:
            if route.carries(params, {image.role for image in filling}):
                yield params, filling


def differing_in(option: str, model: CatalogModel, route: Route) -> list[list[tuple[dict[str, Json], Filling]]]:
    """Groups of orders that are the same but for one option, and that the service has to be told apart."""
    if (route.provider, route.model, option) in IGNORED:
        return []
    silent = {*model.options[option].get("x-without", ())}
    groups: dict[str, list[tuple[dict[str, Json], Filling]]] = {}
    for params, filling in ((chosen, one) for chosen in choices(model) for one in fillings(model, chosen)):
        roles = [image.role.value for image in filling]
        if (
            option in params
            and route.carries(params, {image.role for image in filling})
            and not silent.intersection(roles)
        ):
            groups.setdefault(json.dumps([{**params, option: None}, roles]), []).append((params, filling))
    several = [orders for orders in groups.values() if len(orders) > 1]
    return [several[0], several[-1]] if len(several) > 1 else several


def by_action(model: CatalogModel) -> ActionKind | None:
    """What is done with an earlier job, for a model that is reached from a result only and takes no file."""
    if model.is_listed or model.inputs or model.kind is MediaKind.TEXT:
        return None
    offers = [one for slug in SHIPPED for one in shipped(slug).follow_ups]
    (kind,) = {one.kind for one in offers if one.model == model.slug}
    return {FollowUpKind.VARY: ActionKind.VARY, FollowUpKind.UPSCALE: ActionKind.UPSCALE}[kind]


async def parent(place: Place, model: CatalogModel, route: Route) -> str:
    """External id of a finished job of the same service that can be gone on with."""
    job = Job("parent-1", route.model, model.kind, WORDS)
    submitted = await place.provider.submit(job)
    assert isinstance(submitted, Submitted)
    await finished(place.provider, submitted.external_id)
    return submitted.external_id


@pytest.mark.parametrize(("model", "route"), sold())
async def test_no_route_refuses_what_was_sold(model: CatalogModel, route: Route, tmp_path: Path) -> None:
    async with place_of(route.provider, tmp_path) as place:
        kind, number = by_action(model), 0
        action = None if kind is None else Action(kind, await parent(place, model, route), 2)
        for number, (params, filling) in enumerate(carried(model, route), start=1):
            await place.provider.submit(replace(job_for(model, route, params, filling, number), action=action))
        await place.provider.close()
    assert number, "the route is never taken"


@pytest.mark.parametrize(("model", "route"), sold())
async def test_no_option_is_sold_that_the_service_is_not_told(
    model: CatalogModel, route: Route, tmp_path: Path
) -> None:
    numbers = itertools.count(1)
    async with place_of(route.provider, tmp_path) as place:
        for option in model.options:
            for orders in differing_in(option, model, route):
                told = set()
                for params, filling in orders:
                    number, before = next(numbers), len(place.asked())
                    await place.provider.submit(job_for(model, route, params, filling, number))
                    told.add(str(place.asked()[before:]).replace(f"job-{number}", "job"))
                assert len(told) == len(orders), f"a choice of {option} is not told"
        await place.provider.close()


@pytest.mark.parametrize("slug", SHIPPED)
def test_what_can_be_chosen_can_be_made_by_some_route(slug: str) -> None:
    model = shipped(slug)
    if model.is_retired:
        return
    for params in choices(model):
        for filling in fillings(model, params):
            roles = {image.role for image in filling}
            assert any(route.carries(params, roles) for route in model.all_routes), (params, roles)
