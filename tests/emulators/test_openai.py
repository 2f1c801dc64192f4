"""The emulator refuses what OpenAI refuses and answers what the SDK's types accept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from openai.types import ImagesResponse, Model, ModerationCreateResponse, image_edit_params, image_generate_params
from PIL import Image

from tests.emulators import openai_rules as rules
from tests.emulators.openai import CATEGORIES, OpenAiEmulator
from tests.emulators.service import serve

pytestmark = pytest.mark.integration
KEY = "sk-test-key-0123456789"
RIGHT = {"model": "gpt-image-2.6-flare", "prompt": "a fox"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(OpenAiEmulator(key=KEY)) as address,
        httpx.AsyncClient(
            base_url=f"{address}/v1", headers={"Authorization": f"Bearer {KEY}"}, trust_env=False, timeout=20
        ) as client,
    ):
        yield client


def png(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> bytes:
    buffer = BytesIO()
    Image.new(mode, size).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_known_parameters_are_those_of_the_sdk() -> None:
    generate = set(image_generate_params.ImageGenerateParamsBase.__annotations__) | {"stream"}
    edit = set(image_edit_params.ImageEditParamsBase.__annotations__) | {"stream"}
    assert generate - rules.LEGACY == rules.GENERATE
    assert edit - rules.LEGACY == rules.EDIT - {"image[]"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({}, 200, None),
        ({"n": 2, "size": "1280x768", "quality": "xhigh", "output_format": "webp", "output_compression": 5}, 200, None),
        ({"response_format": "b64_json"}, 400, "unknown_parameter"),
        ({"style": "vivid"}, 400, "unknown_parameter"),
        ({"seed": 1}, 400, "unknown_parameter"),
        ({"format": "png"}, 400, "unknown_parameter"),
        ({"input_fidelity": "high"}, 400, "unknown_parameter"),
        ({"model": "gpt-image-1"}, 404, "model_not_found"),
        ({"model": "dall-e-3"}, 404, "model_not_found"),
        ({"model": "gpt-4o"}, 404, "model_not_found"),
        ({"prompt": ""}, 400, "invalid_value"),
        ({"prompt": "a" * 32_001}, 400, "invalid_value"),
        ({"n": 0}, 400, "invalid_value"),
        ({"n": 11}, 400, "invalid_value"),
        ({"n": True}, 400, "invalid_value"),
        ({"size": "512x512"}, 400, "invalid_value"),
        ({"size": "1000x1000"}, 400, "invalid_value"),
        ({"size": "3840x3840"}, 400, "invalid_value"),
        ({"size": "3200x1024"}, 400, "invalid_value"),
        ({"model": "gpt-image-1.5", "size": "1280x768"}, 400, "invalid_value"),
        ({"model": "gpt-image-2", "quality": "max"}, 400, "invalid_value"),
        ({"quality": "standard"}, 400, "invalid_value"),
        ({"model": "gpt-image-2", "complexity": "low"}, 400, "unsupported_parameter"),
        ({"background": "transparent", "output_format": "jpeg"}, 400, None),
        ({"output_compression": 5}, 400, None),
        ({"output_format": "gif"}, 400, "invalid_value"),
    ],
)
async def test_only_right_orders_are_taken(
    client: httpx.AsyncClient, change: dict[str, Any], status: int, code: str | None
) -> None:
    response = await client.post("/images/generations", json={**RIGHT, **change})
    assert response.status_code == status, response.text
    if status != 200:
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}
        assert response.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ([("image[]", ("1.png", png(), "image/png"))], 200),
        ([("image", ("1.png", png(), "image/png"))], 200),
        ([("image[]", ("1.png", png(), "image/png"))] * 16, 200),
        ([("image[]", ("1.png", png(), "image/png"))] * 17, 400),
        ([("image[]", ("1.png", png(), "application/octet-stream"))], 400),
        ([("image[]", ("1.png", b"no picture", "image/png"))], 400),
        ([("image[]", ("1.png", png(), "image/png")), ("mask", ("m.png", png("RGBA"), "image/png"))], 200),
        ([("image[]", ("1.png", png(), "image/png")), ("mask", ("m.png", png("RGB"), "image/png"))], 400),
        ([("image[]", ("1.png", png(), "image/png")), ("mask", ("m.png", png("RGBA", (9, 9)), "image/png"))], 400),
        ([("mask", ("m.png", png("RGBA"), "image/png"))], 400),
    ],
)
async def test_only_right_files_are_taken(client: httpx.AsyncClient, files: list[Any], status: int) -> None:
    response = await client.post("/images/edits", data=RIGHT, files=files)
    assert response.status_code == status, response.text


async def test_an_edit_has_no_moderation_and_wants_a_form(client: httpx.AsyncClient) -> None:
    files = [("image[]", ("1.png", png(), "image/png"))]
    assert (await client.post("/images/edits", data={**RIGHT, "moderation": "low"}, files=files)).status_code == 400
    assert (await client.post("/images/edits", json=RIGHT)).status_code == 400


@pytest.mark.parametrize("change", [{}, {"n": 3, "quality": "high"}, {"background": "transparent"}])
async def test_an_answer_passes_the_sdks_own_validation(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    response = await client.post("/images/generations", json={**RIGHT, **change})
    made = ImagesResponse.model_validate(response.json(), strict=True)
    assert made.data is not None
    assert made.usage is not None
    assert len(made.data) == change.get("n", 1)
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens


async def test_the_list_of_models_tells_their_end(client: httpx.AsyncClient) -> None:
    told = (await client.get("/models")).json()
    listed = {model.id: model for model in (Model.model_validate(item, strict=True) for item in told["data"])}
    assert listed["gpt-image-1-mini"].shutdown_date == "2026-12-01"
    assert listed["gpt-image-2.6-flare"].shutdown_date is None
    assert "gpt-image-1" not in listed


async def judged(client: httpx.AsyncClient, given: object) -> list[Any]:
    """Return the verdicts, as the SDK reads them."""
    response = await client.post("/moderations", json={"model": "omni-moderation-latest", "input": given})
    assert response.status_code == 200, response.text
    return ModerationCreateResponse.model_validate(response.json(), strict=True).results


async def test_words_are_flagged_when_they_say_so(client: httpx.AsyncClient) -> None:
    (clean,) = await judged(client, "a fox")
    assert not clean.flagged
    (flagged,) = await judged(client, "a fox #flag=violence,self-harm/intent")
    assert flagged.flagged
    assert flagged.categories.violence
    assert flagged.categories.self_harm_intent
    assert not flagged.categories.hate
    assert flagged.category_scores.violence > 0.9


async def test_several_texts_have_a_verdict_each_and_parts_have_one(client: httpx.AsyncClient) -> None:
    assert [verdict.flagged for verdict in await judged(client, ["a fox", "a fox #flag=hate"])] == [False, True]
    parts = [
        {"type": "text", "text": "a fox #flag=sexual"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    ]
    (verdict,) = await judged(client, parts)
    assert verdict.categories.sexual
    assert verdict.category_applied_input_types.sexual == ["text", "image"]
    assert verdict.category_applied_input_types.hate == ["text"]


async def test_an_unknown_category_flags_nothing(client: httpx.AsyncClient) -> None:
    assert "rudeness" not in CATEGORIES
    assert not (await judged(client, "a fox #flag=rudeness"))[0].flagged


@pytest.mark.parametrize(
    "body",
    [
        {"input": []},
        {"input": 5},
        {},
        {"input": [{"type": "video"}]},
        {"input": "a fox", "n": 1},
        {"input": [{"type": "image_url", "image_url": {"url": "data:,"}}] * 2},
    ],
)
async def test_a_wrong_question_is_refused(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    response = await client.post("/moderations", json=body)
    assert response.status_code == 400
    assert "error" in response.json()


async def test_the_wrong_key_opens_nothing(client: httpx.AsyncClient) -> None:
    for path in ("/images/generations", "/moderations", "/videos"):
        response = await client.post(path, json=RIGHT, headers={"Authorization": "Bearer sk-another"})
        assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"prompt": "a fox"}, 200),
        ({"prompt": "a fox", "model": "sora-2-pro", "size": "1792x1024", "seconds": "12"}, 200),
        ({"model": "sora-2"}, 400),
        ({"prompt": "a fox", "seconds": "5"}, 400),
        ({"prompt": "a fox", "size": "1792x1024"}, 400),
        ({"prompt": "a fox", "size": "1x1"}, 400),
        ({"prompt": "a fox", "n": "2"}, 400),
        ({"prompt": "a fox", "model": "sora-3"}, 404),
    ],
)
async def test_only_right_orders_for_videos_are_taken(
    client: httpx.AsyncClient, form: dict[str, str], status: int
) -> None:
    response = await client.post("/videos", files={name: (None, value) for name, value in form.items()})
    assert response.status_code == status, response.text


async def test_a_picture_of_another_size_is_no_first_frame(client: httpx.AsyncClient) -> None:
    for size, status in (((720, 1280), 200), ((1280, 720), 400)):
        file = {"input_reference": ("1.png", png(size=size), "image/png")}
        assert (await client.post("/videos", data={"prompt": "run"}, files=file)).status_code == status


async def test_the_content_is_there_when_the_video_is(client: httpx.AsyncClient) -> None:
    made = (await client.post("/videos", files={"prompt": (None, "a fox #polls=1")})).json()
    assert (await client.get(f"/videos/{made['id']}/content")).status_code == 404
    assert (await client.get(f"/videos/{made['id']}")).json()["status"] == "completed"
    assert (await client.get(f"/videos/{made['id']}/content")).content[4:8] == b"ftyp"
    thumbnail = await client.get(f"/videos/{made['id']}/content", params={"variant": "thumbnail"})
    assert thumbnail.headers["content-type"] == "image/webp"
    assert (await client.get(f"/videos/{made['id']}/content", params={"variant": "gif"})).status_code == 404
