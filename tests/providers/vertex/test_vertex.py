"""What is Vertex's own: where requests go, with what authority, and that they go nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from providers import errors
from providers.base import Finished, InputMedia, Job, MediaKind
from providers.errors import ProviderError
from providers.gemini import VertexProvider
from tests.emulators.gemini import GeminiEmulator, camel
from tests.emulators.gemini import serve as serve_gemini
from tests.emulators.service import serve
from tests.emulators.vertex import BUCKET, VertexEmulator
from tests.providers.gemini.test_contract import picture, words
from tests.providers.media import opened, photo, video_job
from tests.providers.veo.conftest import account

pytestmark = pytest.mark.integration
ROOT = "/v1beta1/projects/emulated-project/locations/global/publishers/google/models"


async def made(provider: VertexProvider, job: Job) -> Finished:
    result = await provider.submit(job)
    assert isinstance(result, Finished)
    return result


async def failure_of(provider: VertexProvider, job: Job) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await provider.submit(job)
    return caught.value


async def test_a_picture_is_made_in_our_project_and_in_global(
    provider: VertexProvider, emulator: VertexEmulator
) -> None:
    job = Job("job-1", "gemini-3-pro-image", MediaKind.IMAGE, "a fox", (), {"aspect_ratio": "16:9", "image_size": "2K"})
    result = await made(provider, job)
    assert opened(result.media[0].data).size == (2048, 1152)
    assert result.cost_usd is not None
    (call,) = emulator.calls
    assert call.path == f"{ROOT}/gemini-3-pro-image:generateContent"
    assert call.body["generationConfig"]["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "2K"}


async def test_a_photo_is_edited(provider: VertexProvider, emulator: VertexEmulator) -> None:
    job = Job("job-1", "gemini-nano-banana-2.1", MediaKind.IMAGE, "mirror it", (photo(),))
    assert (await made(provider, job)).media
    (told, given) = camel(emulator.calls[0].body["contents"][0]["parts"])
    assert (told["text"], given["inlineData"]["mimeType"]) == ("mirror it", "image/jpeg")


async def test_a_reference_is_described(provider: VertexProvider) -> None:
    (media,) = (await made(provider, words("night"))).media
    assert media.data is not None
    assert media.data.decode().endswith("night")


async def test_a_refusal_with_a_status_of_200_is_content_blocked(
    provider: VertexProvider, emulator: VertexEmulator
) -> None:
    for marker in ("#block=PROHIBITED_CONTENT", "#finish=IMAGE_SAFETY", "#refuse"):
        assert type(await failure_of(provider, picture(f"a fox {marker}"))) is errors.ContentBlocked
    assert len(emulator.calls) == 3


async def test_a_stumble_is_asked_for_once_more(provider: VertexProvider, emulator: VertexEmulator) -> None:
    assert (await made(provider, picture("a fox #finish=IMAGE_OTHER #first=1"))).media
    assert len(emulator.calls) == 2


async def test_several_pictures_are_paid_for_with_one_token(provider: VertexProvider, emulator: VertexEmulator) -> None:
    job = Job("job-1", "gemini-nano-banana-2.1", MediaKind.IMAGE, "a fox", (), {"quantity": 4})
    result = await made(provider, job)
    assert (len(result.media), len(emulator.calls), len(emulator.tokens)) == (4, 4, 1)
    assert result.cost_usd == 4 * Decimal("0.035715")


async def test_a_failure_on_vertex_never_becomes_a_call_of_the_public_api(emulator: VertexEmulator) -> None:
    public = GeminiEmulator()
    async with serve_gemini(public):
        provider = VertexProvider(account(emulator), base_url=emulator.address)
        for marker in ("#status=503", "#status=404", "#quota", "#nokey"):
            await failure_of(provider, picture(f"a fox {marker}"))
        await provider.close()
    assert public.calls == []
    assert {call.path for call in emulator.calls} == {f"{ROOT}/gemini-nano-banana-2.1:generateContent"}


async def test_the_environment_of_the_machine_changes_nothing(
    emulator: VertexEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "AIza-of-somebody-else")
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-of-somebody-else")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "somebody-elses")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "us-central1")
    provider = VertexProvider(account(emulator), base_url=emulator.address)
    assert (await made(provider, picture("a fox"))).media
    assert emulator.calls[0].path.startswith(ROOT)
    await provider.close()


async def test_a_region_without_the_model_is_a_model_that_is_gone(emulator: VertexEmulator) -> None:
    provider = VertexProvider(account(emulator), location="us-central1", base_url=emulator.address)
    assert type(await failure_of(provider, picture("a fox"))) is errors.ModelRetired
    await provider.close()


async def test_a_key_that_google_does_not_take_sends_no_order(emulator: VertexEmulator) -> None:
    provider = VertexProvider(account(emulator, "another-key"), base_url=emulator.address)
    assert type(await failure_of(provider, picture("a fox"))) is errors.AuthFailed
    assert emulator.calls == []
    await provider.close()


async def test_a_token_service_that_fails_is_not_ambiguous(emulator: VertexEmulator) -> None:
    async with serve(VertexEmulator(key=emulator.key)) as nowhere:
        pass
    emulator_address, emulator.address = emulator.address, nowhere
    lonely = account(emulator)
    emulator.address = emulator_address
    provider = VertexProvider(lonely, base_url=emulator.address)
    assert type(await failure_of(provider, picture("a fox"))) is errors.ProviderUnavailable
    assert emulator.calls == []
    await provider.close()


async def test_a_revoked_token_is_replaced_for_all_that_wait(
    provider: VertexProvider, emulator: VertexEmulator
) -> None:
    await made(provider, picture("a fox"))
    emulator.revoked.update(emulator.tokens)
    results = await asyncio.gather(*(made(provider, picture("a fox")) for _ in range(3)))
    assert all(result.media for result in results)
    assert len(emulator.tokens) == 2


@pytest.fixture
async def staging(emulator: VertexEmulator) -> AsyncIterator[VertexProvider]:
    """The adapter with a bucket for what is too large for a request."""
    provider = VertexProvider(
        account(emulator),
        base_url=emulator.address,
        staging=f"gs://{BUCKET}/veo",
        storage_url=emulator.address,
        timeout=20,
    )
    yield provider
    await provider.close()


LARGE = InputMedia(b"\x00\x00\x00\x18ftypmp42" + bytes(19 * 1024 * 1024), "video/mp4")


def reference(wishes: str) -> Job:
    return Job("job-1", "gemini-3.8-flash", MediaKind.TEXT, wishes, (LARGE,))


async def test_large_media_go_through_the_bucket_and_are_removed(
    staging: VertexProvider, emulator: VertexEmulator
) -> None:
    assert (await made(staging, reference("night"))).media
    (put, generate, remove) = emulator.calls
    assert (put.method, put.query["name"].rpartition("/")[0]) == ("POST", "veo/references")
    (file, _) = camel(generate.body["contents"][0]["parts"])
    assert file["fileData"]["fileUri"] == f"gs://{BUCKET}/{put.query['name']}"
    assert remove.method == "DELETE"
    assert emulator.objects == {}


async def test_large_media_are_removed_when_the_description_failed(
    staging: VertexProvider, emulator: VertexEmulator
) -> None:
    assert type(await failure_of(staging, reference("#block=SAFETY"))) is errors.ContentBlocked
    assert emulator.calls[-1].method == "DELETE"
    assert emulator.objects == {}


async def test_a_bucket_that_takes_nothing_has_its_class(staging: VertexProvider, emulator: VertexEmulator) -> None:
    emulator.script("#status=503")
    assert type(await failure_of(staging, reference(""))) is errors.ProviderUnavailable
    emulator.script("#echo")
    failure = await failure_of(staging, reference(""))
    assert type(failure) is errors.AuthFailed
    assert "ya29" not in failure.detail
    assert not any(call.path.endswith(":generateContent") for call in emulator.calls)


async def test_media_that_cannot_be_removed_are_no_failure(staging: VertexProvider, emulator: VertexEmulator) -> None:
    small = Job("job-1", "gemini-3.8-flash", MediaKind.TEXT, "", (photo(),))
    assert (await made(staging, small)).media
    emulator.calls.clear()
    emulator.broken_methods.add("DELETE")
    assert (await made(staging, reference("night"))).media
    assert len(emulator.objects) == 1


async def test_media_too_large_for_a_request_are_refused_before_anything_is_sent(
    provider: VertexProvider, emulator: VertexEmulator
) -> None:
    assert type(await failure_of(provider, reference(""))) is errors.InvalidRequest
    assert emulator.calls == []


async def test_a_film_is_refused_before_anything_is_sent(provider: VertexProvider, emulator: VertexEmulator) -> None:
    assert type(await failure_of(provider, video_job("a fox"))) is errors.InvalidRequest
    assert emulator.calls == []
