"""Pictures, buttons and videos of Midjourney over UseAPI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from providers import errors
from providers.base import Action, ActionKind, Failed, InputMedia, Job, Json, LookupUnsupported, MediaKind, MediaRole
from providers.errors import InvalidRequest
from providers.useapi import UseApiMidjourneyProvider
from tests.emulators.useapi import GRID, SINGLE, UseApiEmulator
from tests.providers.contract import fetched, finished, submitted
from tests.providers.media import photo
from tests.providers.useapi.conftest import KEY

pytestmark = pytest.mark.integration
LINKED = replace(photo(), url="https://media.example/a.jpg?token=x")
END = replace(LINKED, url="https://media.example/b.jpg", role=MediaRole.END)


@pytest.fixture
async def provider(emulator: UseApiEmulator) -> AsyncIterator[UseApiMidjourneyProvider]:
    provider = UseApiMidjourneyProvider(KEY, base_url=emulator.address)
    yield provider
    await provider.close()


def picture(prompt: str, *images: InputMedia, **params: Json) -> Job:
    return Job("job-1", "midjourney-7", MediaKind.IMAGE, prompt, images, params)


def video(prompt: str, *images: InputMedia, **params: Json) -> Job:
    return Job("job-1", "midjourney-video", MediaKind.VIDEO, prompt, images, params)


def pressed(parent: str, action: Action | str, prompt: str = "", client_id: str = "job-2") -> Job:
    made = Action(ActionKind.BUTTON, parent, button=action) if isinstance(action, str) else action
    return replace(picture(prompt), action=made, client_id=client_id)


async def test_streaming_is_always_off(provider: UseApiMidjourneyProvider, emulator: UseApiEmulator) -> None:
    parent = await submitted(provider, picture("a fox"))
    await submitted(provider, pressed(parent, "V1"))
    sent = [call.body for call in emulator.calls if call.method == "POST"]
    assert [body["stream"] for body in sent] == [False, False]
    assert sent[0] == {"prompt": "a fox", "stream": False, "replyRef": "job-1"}


async def test_options_are_flags_and_flags_of_people_are_not(
    provider: UseApiMidjourneyProvider, emulator: UseApiEmulator
) -> None:
    await submitted(provider, picture("a fox --turbo --no rain", aspect_ratio="3:2", speed="relaxed", version="7"))
    assert emulator.calls[0].body["prompt"] == "a fox --no rain --ar 3:2 --v 7 --relax"


async def test_inputs_go_as_links(provider: UseApiMidjourneyProvider, emulator: UseApiEmulator) -> None:
    reference = replace(LINKED, url="https://media.example/r.jpg", role=MediaRole.REFERENCE)
    await submitted(provider, picture("in this manner", LINKED, reference))
    assert emulator.calls[0].body["prompt"] == f"{LINKED.url} in this manner --oref {reference.url}"


async def test_four_pictures_come_through_the_proxy_with_our_token(provider: UseApiMidjourneyProvider) -> None:
    made = await finished(provider, await submitted(provider, picture("a fox")))
    assert len(made.media) == 4
    bodies = set()
    for media in made.media:
        assert media.url is not None
        assert "/proxy/cdn-midjourney?url=https%3A%2F%2Fcdn.midjourney.com%2F" in media.url
        assert KEY not in repr(media)
        bodies.add((await fetched(media)).content)
    assert len(bodies) == 4
    assert (await fetched(replace(made.media[0], headers={}))).status_code == 401


async def test_the_buttons_of_this_very_job_are_told(provider: UseApiMidjourneyProvider) -> None:
    parent = await submitted(provider, picture("a fox"))
    assert (await finished(provider, parent)).actions == tuple(GRID)
    child = await submitted(provider, pressed(parent, Action(ActionKind.UPSCALE, parent, 2)))
    made = await finished(provider, child)
    assert made.actions == tuple(SINGLE)
    (media,) = made.media
    assert media.mime == "image/png"
    assert media.headers == {}


@pytest.mark.parametrize(
    ("kind", "label"),
    [(ActionKind.UPSCALE, "U3"), (ActionKind.VARY, "V3")],
)
async def test_upscale_and_vary_are_buttons(
    provider: UseApiMidjourneyProvider, emulator: UseApiEmulator, kind: ActionKind, label: str
) -> None:
    parent = await submitted(provider, picture("a fox"))
    await submitted(provider, pressed(parent, Action(kind, parent, 3)))
    assert emulator.calls[-1].body == {"jobid": parent, "button": label, "stream": False, "replyRef": "job-2"}


async def test_a_button_that_is_a_picture_arrives_exactly(
    provider: UseApiMidjourneyProvider, emulator: UseApiEmulator
) -> None:
    parent = await submitted(provider, picture("a fox"))
    await submitted(provider, pressed(parent, "\U0001f504", "a cat --turbo"))
    assert (emulator.calls[-1].body["button"], emulator.calls[-1].body["prompt"]) == ("\U0001f504", "a cat")


async def test_pressing_upscale_twice_is_one_job(provider: UseApiMidjourneyProvider) -> None:
    parent = await submitted(provider, picture("a fox"))
    assert await submitted(provider, pressed(parent, "U1")) == await submitted(
        provider, pressed(parent, "U1", client_id="job-3")
    )


@pytest.mark.parametrize("label", ["Zoom Out 2x", "u1", "--turbo"])
async def test_a_button_that_is_not_offered_is_not_pressed(
    provider: UseApiMidjourneyProvider, emulator: UseApiEmulator, label: str
) -> None:
    parent = await submitted(provider, picture("a fox"))
    with pytest.raises(InvalidRequest, match="offers no button"):
        await provider.submit(pressed(parent, label))
    assert not any(call.path.endswith("/button") for call in emulator.calls)


async def test_a_running_job_has_no_buttons_yet(provider: UseApiMidjourneyProvider) -> None:
    parent = await submitted(provider, picture("a fox #never"))
    with pytest.raises(InvalidRequest, match="only none"):
        await provider.submit(pressed(parent, "U1"))


async def test_a_picture_comes_alive(provider: UseApiMidjourneyProvider, emulator: UseApiEmulator) -> None:
    made = await finished(provider, await submitted(provider, video("it runs", LINKED, END, motion="high")))
    assert emulator.calls[0].body["prompt"] == f"{LINKED.url} it runs --video --motion high --end {END.url}"
    assert [media.mime for media in made.media] == ["video/mp4"] * 4
    assert (await fetched(made.media[0])).content[4:8] == b"ftyp"


async def test_the_animate_button_makes_videos(provider: UseApiMidjourneyProvider) -> None:
    parent = await submitted(provider, picture("a fox"))
    single = await submitted(provider, pressed(parent, "U1"))
    film = await submitted(provider, pressed(single, "Animate (Low motion)", client_id="job-3"))
    assert {media.mime for media in (await finished(provider, film)).media} == {"video/mp4"}


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (picture("--turbo"), "needs a description"),
        (picture("", LINKED), "needs a description"),
        (picture("a fox", photo()), "links only"),
        (picture("a fox", END), "as end"),
        (picture("a" * 5001), "5000 characters"),
        (video("it runs"), "there is none"),
        (video("it runs", photo()), "links only"),
        (video("it runs", END), "there is none"),
        (pressed("j1", Action(ActionKind.EXTEND, "j1")), "no button for extend"),
        (pressed("../accounts", "U1"), "no id of a job"),
    ],
)
async def test_what_cannot_be_is_refused_before_any_call(
    provider: UseApiMidjourneyProvider, emulator: UseApiEmulator, job: Job, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await provider.submit(job)
    assert emulator.calls == []


async def test_a_job_that_does_not_give_our_id_back_is_not_found(provider: UseApiMidjourneyProvider) -> None:
    await submitted(provider, picture("a fox #silent #never"))
    with pytest.raises(LookupUnsupported):
        await provider.find("job-1")


async def test_a_job_that_has_ended_cannot_be_ruled_out(provider: UseApiMidjourneyProvider) -> None:
    await submitted(provider, picture("a fox"))
    with pytest.raises(LookupUnsupported, match="running jobs only"):
        await provider.find("job-1")


async def test_a_cancelled_job_has_ended(provider: UseApiMidjourneyProvider) -> None:
    external_id = await submitted(provider, picture("a fox #never"))
    await provider.cancel(external_id)
    answer = await provider.poll(external_id)
    assert isinstance(answer, Failed)
    assert type(answer.error) is errors.TimedOut


async def test_the_users_words_are_not_taken_for_a_reason(provider: UseApiMidjourneyProvider) -> None:
    answer = await provider.poll(await submitted(provider, picture("a poster of the safety policy #fail")))
    assert isinstance(answer, Failed)
    assert type(answer.error) is errors.ProviderUnavailable


async def test_cancelling_what_is_gone_is_no_failure(provider: UseApiMidjourneyProvider) -> None:
    await provider.cancel("j404-bot:midjourney")


async def test_a_channel_that_wants_a_person_is_told_to_the_operator(provider: UseApiMidjourneyProvider) -> None:
    with pytest.raises(errors.AuthFailed, match="596"):
        await provider.submit(picture("a fox #captcha"))
