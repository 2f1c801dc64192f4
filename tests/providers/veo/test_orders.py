"""What Veo is asked for, on the wire, and what is refused before anything is sent."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from google.genai import types

from providers.base import Action, ActionKind, InputMedia, Job, Json, MediaKind, MediaRole
from providers.errors import InvalidRequest
from providers.veo import VeoProvider
from tests.emulators.service import Call
from tests.emulators.vertex import BUCKET, VertexEmulator
from tests.providers.contract import finished, submitted
from tests.providers.media import image_job, photo
from tests.providers.veo.conftest import FAST, film

pytestmark = pytest.mark.integration
PATH = "/v1beta1/projects/emulated-project/locations/us-central1/publishers/google/models"


def of_role(role: MediaRole) -> InputMedia:
    return replace(photo(), role=role)


def order(emulator: VertexEmulator) -> Call:
    (call,) = [call for call in emulator.calls if call.path.endswith(":predictLongRunning")]
    return call


def parts(emulator: VertexEmulator) -> tuple[dict[str, Any], dict[str, Any]]:
    body = order(emulator).body
    (instance,) = body["instances"]
    return instance, body["parameters"]


async def test_words_alone_are_an_order_with_everything_told(provider: VeoProvider, emulator: VertexEmulator) -> None:
    external_id = await submitted(provider, film("a fox", client_id="3f1c7d52"))
    assert order(emulator).path == f"{PATH}/{FAST}:predictLongRunning"
    instance, parameters = parts(emulator)
    assert instance == {"prompt": "a fox"}
    assert parameters == {
        "sampleCount": 1,
        "durationSeconds": 8,
        "resolution": "720p",
        "generateAudio": True,
        "personGeneration": "allow_adult",
        "storageUri": f"gs://{BUCKET}/veo/3f1c7d52/{FAST}/8s-720p-sound/",
    }
    assert order(emulator).body["labels"] == {"job": "3f1c7d52"}
    assert external_id.startswith(f"projects/emulated-project/locations/us-central1/publishers/google/models/{FAST}/")
    assert external_id.endswith("@3f1c7d52")


async def test_every_option_is_sent_as_it_was_priced(provider: VeoProvider, emulator: VertexEmulator) -> None:
    await submitted(
        provider,
        film(
            "a fox",
            aspect_ratio="9:16",
            duration=4,
            resolution="1080p",
            sound=False,
            negative_prompt="text",
            quantity=3,
        ),
    )
    _, parameters = parts(emulator)
    assert parameters["storageUri"].endswith("/4s-1080p-silent/")
    assert {name: value for name, value in parameters.items() if name not in ("storageUri", "personGeneration")} == {
        "aspectRatio": "9:16",
        "durationSeconds": 4,
        "resolution": "1080p",
        "generateAudio": False,
        "negativePrompt": "text",
        "sampleCount": 3,
    }


@pytest.mark.parametrize("role", [MediaRole.IMAGE, MediaRole.START])
async def test_a_first_frame_is_sent_as_it_is(provider: VeoProvider, emulator: VertexEmulator, role: MediaRole) -> None:
    given = of_role(role)
    await submitted(provider, film("it moves", given))
    instance, _ = parts(emulator)
    assert instance["image"]["mimeType"] == "image/jpeg"
    assert base64.b64decode(instance["image"]["bytesBase64Encoded"]) == given.data


async def test_a_picture_needs_no_words(provider: VeoProvider, emulator: VertexEmulator) -> None:
    await submitted(provider, film("", of_role(MediaRole.START)))
    assert "prompt" not in parts(emulator)[0]


async def test_a_last_frame_goes_beside_the_first(provider: VeoProvider, emulator: VertexEmulator) -> None:
    start, end = of_role(MediaRole.START), replace(photo(color=(9, 9, 9)), role=MediaRole.END)
    await submitted(provider, film("it moves", end, start))
    instance, _ = parts(emulator)
    assert base64.b64decode(instance["image"]["bytesBase64Encoded"]) == start.data
    assert base64.b64decode(instance["lastFrame"]["bytesBase64Encoded"]) == end.data


@pytest.mark.parametrize("quantity", [1, 3])
async def test_reference_pictures_are_assets(provider: VeoProvider, emulator: VertexEmulator, quantity: int) -> None:
    await submitted(provider, film("both walk", *[of_role(MediaRole.REFERENCE)] * quantity))
    instance, parameters = parts(emulator)
    assert [item["referenceType"] for item in instance["referenceImages"]] == ["ASSET"] * quantity
    assert "image" not in instance
    assert parameters["durationSeconds"] == 8


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (film("a fox", duration=5), "duration"),
        (film("a fox", duration=7), "duration"),
        (film("a fox", duration="long"), "duration"),
        (film("a fox", aspect_ratio="1:1"), "aspect_ratio"),
        (film("a fox", resolution="480p"), "resolution"),
        (film("a fox", quantity=5), "quantity"),
        (film("a fox", quantity=0), "quantity"),
        (film("a fox", sound="loud"), "sound"),
        (film("a fox", of_role(MediaRole.END)), "first one"),
        (film("a fox", of_role(MediaRole.VIDEO)), "video"),
        (film("a fox", of_role(MediaRole.MASK)), "mask"),
        (film("a fox", photo(), photo(), photo()), "3 pictures"),
        (film("", of_role(MediaRole.REFERENCE)), "description"),
        (film("a fox", of_role(MediaRole.REFERENCE), duration=4), "8 s"),
        (film("a fox", *[of_role(MediaRole.REFERENCE)] * 4), "up to 3"),
        (film("a fox", of_role(MediaRole.REFERENCE), of_role(MediaRole.START)), "not both"),
        (film("a fox", replace(photo(), mime="image/webp")), "image/webp"),
        (image_job("a fox"), "videos"),
        (film("a fox", client_id="../escape"), "folder"),
    ],
)
async def test_what_veo_cannot_do_is_refused_before_anything_is_sent(
    provider: VeoProvider, emulator: VertexEmulator, job: Job, said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said):
        await provider.submit(job)
    assert emulator.calls == []
    assert emulator.tokens == []


async def test_another_region_and_project_can_be_configured(emulator: VertexEmulator) -> None:
    from tests.providers.veo.conftest import OUTPUT, account

    address = emulator.address
    provider = VeoProvider(
        account(emulator), OUTPUT, project="ours", location="europe-west4", base_url=address, storage_url=address
    )
    external_id = await submitted(provider, film("a fox"))
    assert external_id.startswith("projects/ours/locations/europe-west4/")
    assert (await finished(provider, external_id)).media
    await provider.close()


async def test_a_region_without_veo_is_a_model_that_is_gone(emulator: VertexEmulator) -> None:
    from providers.errors import ModelRetired
    from tests.providers.veo.conftest import OUTPUT, account

    provider = VeoProvider(account(emulator), OUTPUT, location="global", base_url=emulator.address)
    with pytest.raises(ModelRetired, match="not found"):
        await provider.submit(film("a fox"))
    await provider.close()


@pytest.mark.parametrize(
    "output", ["", "bucket/veo", "https://storage.googleapis.com/b", "gs://", "gs://B/veo", "gs://a"]
)
def test_an_output_that_is_no_folder_is_refused_at_once(emulator: VertexEmulator, output: str) -> None:
    from tests.providers.veo.conftest import account

    with pytest.raises(ValueError, match="gs://bucket/folder"):
        VeoProvider(account(emulator), output)


def extension(parent: str, prompt: str = "and it runs away", number: int = 1, **params: Json) -> Job:
    return Job("job-2", FAST, MediaKind.VIDEO, prompt, (), params, Action(ActionKind.EXTEND, parent, number))


async def test_an_extension_goes_on_from_the_video_in_our_bucket(
    provider: VeoProvider, emulator: VertexEmulator
) -> None:
    parent = await submitted(provider, film("a fox", quantity=2))
    first = (await finished(provider, parent)).media
    emulator.calls.clear()
    result = await finished(provider, await submitted(provider, extension(parent, number=2)))
    instance, parameters = parts(emulator)
    assert instance["video"]["gcsUri"].endswith("/sample_1.mp4")
    assert instance["video"]["gcsUri"].rpartition("/")[2] in str(first[1].url)
    assert instance["video"]["mimeType"] == "video/mp4"
    assert "durationSeconds" not in parameters
    assert parameters["storageUri"].endswith("/job-2/veo-3.1-fast-generate-001/7s-720p-sound-extension/")
    assert not result.is_continuation, "what comes back begins with the parent"


async def test_an_extension_has_the_shape_of_its_parent(provider: VeoProvider, emulator: VertexEmulator) -> None:
    parent = await submitted(provider, film("a fox", aspect_ratio="9:16"))
    emulator.calls.clear()
    await submitted(provider, extension(parent, aspect_ratio="16:9"))
    assert "aspectRatio" not in parts(emulator)[1]


async def test_an_extension_can_be_extended(provider: VeoProvider) -> None:
    parent = await submitted(provider, film("a fox"))
    child = await submitted(provider, extension(parent))
    grandchild = replace(extension(child), client_id="job-3")
    assert (await finished(provider, await submitted(provider, grandchild))).media


async def test_the_parent_is_found_when_google_has_forgotten_its_operation(provider: VeoProvider) -> None:
    parent = await submitted(provider, film("a fox #forgotten"))
    assert (await finished(provider, await submitted(provider, extension(parent)))).media


@pytest.mark.parametrize("number", [0, 2])
async def test_a_video_that_the_parent_does_not_have_cannot_be_extended(provider: VeoProvider, number: int) -> None:
    parent = await submitted(provider, film("a fox"))
    with pytest.raises(InvalidRequest, match="to extend"):
        await provider.submit(extension(parent, number=number))


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (replace(film("a fox"), action=Action(ActionKind.UPSCALE, "x")), "upscale"),
        (replace(extension("x"), images=(photo(),)), "no pictures"),
        (extension("x", duration=8), "7 s"),
        (extension("x", resolution="1080p"), "720p"),
        (extension("https://elsewhere.example/video.mp4"), "no operation"),
    ],
)
async def test_an_impossible_extension_is_refused_before_anything_is_sent(
    provider: VeoProvider, emulator: VertexEmulator, job: Job, said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said):
        await provider.submit(job)
    assert emulator.calls == []


def test_the_emulator_knows_every_parameter_that_the_sdk_can_send() -> None:
    from tests.emulators import vertex_orders

    told = vertex_orders.PARAMETERS.keys() | vertex_orders.FREE
    written = {
        "number_of_videos": "sampleCount",
        "output_gcs_uri": "storageUri",
        "generate_audio": "generateAudio",
    }
    elsewhere = {"http_options", "labels", "last_frame", "reference_images", "mask", "webhook_config"}
    names = types.GenerateVideosConfig.model_fields.keys() - elsewhere
    camel = types.GenerateVideosConfig.model_config["alias_generator"]
    assert callable(camel)
    assert {written.get(name, camel(name)) for name in names} == told
