"""What is sent to OpenAI's videos API, and what is made of its answers."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from providers import errors
from providers.base import Action, ActionKind, Failed, InputMedia, Job, MediaKind, MediaRole
from providers.errors import InvalidRequest
from providers.sora import SoraProvider, _quietly
from tests.emulators.openai import OpenAiEmulator
from tests.providers.contract import failure_of, fetched, finished, submitted
from tests.providers.media import photo
from tests.providers.sora.conftest import KEY, video

pytestmark = pytest.mark.integration
PICTURE = photo()


def last(emulator: OpenAiEmulator) -> dict[str, Any]:
    return emulator.calls[-1].body


async def test_what_is_ordered_is_sent_as_the_schema_has_it(provider: SoraProvider, emulator: OpenAiEmulator) -> None:
    await submitted(provider, video("a fox", duration=8, aspect_ratio="9:16"))
    assert last(emulator) == {"prompt": "a fox", "model": "sora-2", "seconds": "8", "size": "720x1280"}


@pytest.mark.parametrize(
    ("model", "params", "size"),
    [
        ("sora-2", {}, "1280x720"),
        ("sora-2-pro", {"aspect_ratio": "16:9", "resolution": "1024p"}, "1792x1024"),
        ("sora-2-pro", {"aspect_ratio": "9:16", "resolution": "1024p"}, "1024x1792"),
        ("sora-2-2025-12-08", {"aspect_ratio": "9:16"}, "720x1280"),
    ],
)
async def test_every_shape_has_its_size(
    provider: SoraProvider, emulator: OpenAiEmulator, model: str, params: dict[str, str], size: str
) -> None:
    await submitted(provider, video("a fox", model=model, **params))
    assert last(emulator)["size"] == size


@pytest.mark.parametrize("role", [MediaRole.IMAGE, MediaRole.START])
async def test_a_picture_is_cut_to_the_size_of_the_video(
    provider: SoraProvider, emulator: OpenAiEmulator, role: MediaRole
) -> None:
    external_id = await submitted(provider, video("run", replace(PICTURE, role=role), aspect_ratio="9:16"))
    assert "image/jpeg" in last(emulator)["input_reference"]
    assert (await finished(provider, external_id)).media


@pytest.mark.parametrize(
    ("model", "params", "cost"),
    [
        ("sora-2", {"duration": 12}, "1.20"),
        ("sora-2-pro", {"duration": 4}, "1.20"),
        ("sora-2-pro", {"duration": 4, "resolution": "1024p"}, "2.00"),
    ],
)
async def test_the_cost_is_that_of_its_seconds(
    provider: SoraProvider, model: str, params: dict[str, Any], cost: str
) -> None:
    result = await finished(provider, await submitted(provider, video("a fox", model=model, **params)))
    assert result.cost_usd == Decimal(cost)


async def test_the_content_is_not_given_to_strangers(provider: SoraProvider) -> None:
    (media,) = (await finished(provider, await submitted(provider, video("a fox")))).media
    assert media.url is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(media.url)).status_code == 401
        assert (await client.get(media.url, headers=dict(media.headers))).content[4:8] == b"ftyp"
    assert KEY not in repr(media)


async def test_the_link_is_what_the_sdk_itself_downloads(provider: SoraProvider) -> None:
    external_id = await submitted(provider, video("a fox"))
    (media,) = (await finished(provider, external_id)).media
    client = await provider._api.connect()
    downloaded = await _quietly(lambda: client.videos.download_content(external_id))
    assert downloaded.content == (await fetched(media)).content
    assert str(downloaded.response.url) == media.url


async def test_organization_and_project_are_told_with_every_call(emulator: OpenAiEmulator) -> None:
    provider = SoraProvider(KEY, base_url=f"{emulator.address}/v1", organization="org-1", project="proj-1")
    (media,) = (await finished(provider, await submitted(provider, video("a fox")))).media
    assert media.headers["OpenAI-Organization"] == "org-1"
    assert media.headers["OpenAI-Project"] == "proj-1"
    await provider.close()


async def test_a_cancelled_video_is_deleted(provider: SoraProvider, emulator: OpenAiEmulator) -> None:
    external_id = await submitted(provider, video("a fox #polls=9"))
    await provider.cancel(external_id)
    await provider.cancel(external_id)
    assert isinstance(await provider.poll(external_id), Failed)
    assert [call.method for call in emulator.calls[1:3]] == ["DELETE", "DELETE"]


async def test_a_service_that_is_closed_says_so(provider: SoraProvider) -> None:
    assert type(await failure_of(provider, video("a fox #retired"))) is errors.ModelRetired


async def test_half_a_document_tells_nothing(provider: SoraProvider, emulator: OpenAiEmulator) -> None:
    assert type(await failure_of(provider, video("a fox #torn"))) is errors.Ambiguous
    external_id = await submitted(provider, video("a fox"))
    emulator.script("#torn")
    with pytest.raises(errors.ProviderUnavailable):
        await provider.poll(external_id)


async def test_the_sdks_warnings_are_held_back_here_and_nowhere_else(provider: SoraProvider) -> None:
    await submitted(provider, video("a fox"))
    with pytest.raises(DeprecationWarning, match="ours"):
        warnings.warn("ours", DeprecationWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (video("a fox", duration=5), "duration 5"),
        (video("a fox", resolution="1024p"), "1024p"),
        (video("a fox", aspect_ratio="1:1"), "1:1"),
        (video("a fox", model="sora-1"), "sora-1"),
        (video("a fox", seed=7), "no option seed"),
        (video(" "), "description"),
        (video("a" * 32_001), "32000 characters"),
        (video("a fox", PICTURE, PICTURE), "one picture"),
        (video("a fox", replace(PICTURE, role=MediaRole.MASK)), "as mask"),
        (video("a fox", InputMedia(b"no picture", "image/png")), "cannot be opened"),
        (replace(video("a fox"), kind=MediaKind.IMAGE), "makes videos"),
        (replace(video("a fox"), action=Action(ActionKind.EXTEND, "video_1")), "cannot extend"),
    ],
)
async def test_what_cannot_be_is_refused_before_any_call(
    provider: SoraProvider, emulator: OpenAiEmulator, job: Job, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await provider.submit(job)
    assert emulator.calls == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id": "evt_1", "type": "video.completed", "data": {"id": "video_1"}}', "video_1"),
        (b'{"id": "evt_1", "type": "video.failed", "data": {"id": "video_2"}}', "video_2"),
        (b'{"id": "evt_1", "type": "response.completed", "data": {"id": "resp_1"}}', None),
        (b'{"type": "video.completed", "data": {}}', None),
    ],
)
def test_an_event_of_the_account_names_the_video(body: bytes, expected: str | None) -> None:
    assert SoraProvider(KEY).parse_webhook({}, body) == expected


async def test_the_emulated_event_is_read(provider: SoraProvider, emulator: OpenAiEmulator) -> None:
    external_id = await submitted(provider, video("a fox"))
    event = json.dumps(emulator.webhook(emulator.jobs[external_id])).encode()
    assert provider.parse_webhook({}, event) == external_id
