"""The schema that requests and answers are held against says what OpenAI's own generated types say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Required, get_args, get_origin, get_type_hints

import httpx
import jsonschema
import pytest
from openai.types import (
    Video,
    VideoDeleteResponse,
    VideoModel,
    VideoSeconds,
    VideoSize,
    video_create_params,
    video_download_content_params,
)

from tests.emulators.openai import OpenAiEmulator
from tests.emulators.openai_videos import held
from tests.providers.sora.conftest import KEY

DEFINITIONS = json.loads((Path(__file__).parent / "schema.json").read_text())["$defs"]


def literals(type_: Any) -> set[str]:
    """Return the values of a Literal, wherever in the type it is."""
    if get_origin(type_) is Literal:
        return set(get_args(type_))
    return {value for inner in get_args(type_) for value in literals(inner)}


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("VideoModel", VideoModel),
        ("VideoSeconds", VideoSeconds),
        ("VideoSize", VideoSize),
        ("VideoStatus", Video.model_fields["status"].annotation),
        (
            "VideoContentVariant",
            get_type_hints(video_download_content_params.VideoDownloadContentParams)["variant"],
        ),
    ],
)
def test_the_values_are_those_of_the_sdk(name: str, type_: Any) -> None:
    assert set(DEFINITIONS[name]["enum"]) == literals(type_)


@pytest.mark.parametrize(("name", "model"), [("VideoResource", Video), ("DeletedVideoResource", VideoDeleteResponse)])
def test_the_fields_are_those_of_the_sdk(name: str, model: Any) -> None:
    assert set(DEFINITIONS[name]["properties"]) == set(model.model_fields)
    needed = {field for field, info in model.model_fields.items() if info.is_required()}
    assert needed <= set(DEFINITIONS[name]["required"])


def test_the_fields_of_a_request_are_those_of_the_sdk() -> None:
    told = get_type_hints(video_create_params.VideoCreateParams, include_extras=True)
    assert set(DEFINITIONS["CreateVideoBody"]["properties"]) == set(told)
    needed = {name for name, type_ in told.items() if get_origin(type_) is Required}
    assert set(DEFINITIONS["CreateVideoBody"]["required"]) == needed


@pytest.mark.parametrize(
    "change", [{"status": "done"}, {"progress": 0.5}, {"seconds": 4}, {"size": "1x1"}, {"url": "https://x"}]
)
def test_an_answer_that_is_none_does_not_pass(change: dict[str, Any]) -> None:
    right = {
        "id": "video_1",
        "object": "video",
        "model": "sora-2",
        "status": "queued",
        "progress": 0,
        "created_at": 1,
        "completed_at": None,
        "expires_at": None,
        "prompt": "a fox",
        "size": "720x1280",
        "seconds": "4",
        "remixed_from_video_id": None,
        "error": None,
    }
    assert held("VideoResource", right) is right
    with pytest.raises(jsonschema.ValidationError):
        held("VideoResource", {**right, **change})


@pytest.mark.integration
@pytest.mark.parametrize("marker", ["", "#polls=5", "#fail", "#blocked"])
async def test_the_emulated_answers_pass_the_sdks_own_validation(emulator: OpenAiEmulator, marker: str) -> None:
    async with httpx.AsyncClient(
        base_url=f"{emulator.address}/v1", headers={"Authorization": f"Bearer {KEY}"}, trust_env=False
    ) as client:
        form = {"prompt": (None, f"a fox {marker}"), "model": (None, "sora-2")}
        made = Video.model_validate((await client.post("/videos", files=form)).json(), strict=True)
        seen = Video.model_validate((await client.get(f"/videos/{made.id}")).json(), strict=True)
        assert seen.id == made.id
        assert (await client.get("/videos")).json()["data"][0]["id"] == made.id
        gone = VideoDeleteResponse.model_validate((await client.delete(f"/videos/{made.id}")).json(), strict=True)
        assert gone.deleted


@pytest.mark.integration
async def test_an_error_has_the_published_shape(emulator: OpenAiEmulator) -> None:
    async with httpx.AsyncClient(base_url=f"{emulator.address}/v1", trust_env=False) as client:
        held("ErrorResponse", (await client.get("/videos/video_404")).json())
