"""What is sent for everything that is sold has the shape that the vendors' own SDKs declare for it, and nothing more.

The types are those of the installed `openai` and `runwayml`: a new version of either that knows another field, or
another value of one, is found here and not by a customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NotRequired, Required, get_args, get_origin

import pytest
from openai.types import image_generate_params
from pydantic import TypeAdapter, ValidationError
from runwayml.types import image_to_video_create_params, text_to_video_create_params, video_to_video_create_params
from typing_extensions import get_type_hints

from core.catalog import CatalogModel, Route
from tests.providers.test_catalogue import carried, job_for, place_of, sold

pytestmark = pytest.mark.integration

SHAPES: Mapping[tuple[str, str], type] = {
    ("/v1/images/generations", ""): image_generate_params.ImageGenerateParamsNonStreaming,
    ("/v1/image_to_video", "gen4_turbo"): image_to_video_create_params.Gen4Turbo,
    ("/v1/image_to_video", "gen4.5"): image_to_video_create_params.Gen4_5,
    ("/v1/text_to_video", "gen4.5"): text_to_video_create_params.Gen4_5,
    ("/v1/video_to_video", "aleph2"): video_to_video_create_params.Variant0,
}


def fields_of(shape: type) -> dict[str, tuple[Any, bool]]:
    """What a document may hold: names on the wire, their types, and whether one must be there."""
    found = {}
    for name, hint in get_type_hints(shape, include_extras=True).items():
        origin: Any = get_origin(hint)
        is_needed = origin is Required
        kind = get_args(hint)[0] if origin in (Required, NotRequired) else hint
        told = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
        aliases = [part.alias for part in told if getattr(part, "alias", None)]
        found[aliases[0] if aliases else name] = (kind, is_needed)
    return found


def problems(body: Mapping[str, object], shape: type) -> list[str]:
    """Where a document is not of the shape."""
    fields = fields_of(shape)
    found = [f"{name} is unknown" for name in body if name not in fields]
    found += [f"{name} is missing" for name, (_, is_needed) in fields.items() if is_needed and name not in body]
    for name, value in body.items():
        try:
            TypeAdapter(fields.get(name, (Any, False))[0]).validate_python(value, strict=True)
        except ValidationError as error:
            found.append(f"{name} is {value!r}: {error.errors()[0]['msg']}")
    return found


def typed() -> list[Any]:
    """Routes of models that are sold, to vendors who publish types."""
    return [case for case in sold() if case.values[1].provider in ("openai", "runway")]


@pytest.mark.parametrize(("model", "route"), typed())
async def test_what_is_sold_is_sent_as_the_vendors_sdk_declares_it(
    model: CatalogModel, route: Route, tmp_path: Path
) -> None:
    wrong, seen = [], 0
    async with place_of(route.provider, tmp_path) as place:
        for number, (params, filling) in enumerate(carried(model, route), start=1):
            await place.provider.submit(job_for(model, route, params, filling, number))
        for path, body in place.asked():
            shape = SHAPES.get((path, "")) or SHAPES.get((path, str(body.get("model"))))
            if shape is not None:
                seen += 1
                wrong += [f"{path} {params}: {problem}" for problem in problems(body, shape)]
        await place.provider.close()
    assert seen, "nothing was sent that could be checked"
    assert not wrong, "\n".join(wrong)


def test_what_is_not_of_the_shape_is_found() -> None:
    shape = image_to_video_create_params.Gen4Turbo
    body = {"model": "gen4_turbo", "promptImage": "https://media.example/a.jpg", "ratio": "1:1", "seconds": 5}
    found = problems(body, shape)
    assert [problem.partition(" is ")[0] for problem in found] == ["seconds", "ratio"]
