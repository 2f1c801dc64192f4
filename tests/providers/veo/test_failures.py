"""Each way in which a video does not come has its class, and nothing that was paid for is lost or repeated."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal

import pytest

from providers import errors
from providers.base import Failed, Running
from providers.errors import ProviderError
from providers.google import failures
from providers.veo import VeoProvider, folders
from tests.emulators.service import serve
from tests.emulators.vertex import VertexEmulator
from tests.providers.contract import failure_of, fetched, finished, submitted
from tests.providers.veo.conftest import FAST, Clock, account, film

pytestmark = pytest.mark.integration


async def ending(provider: VeoProvider, prompt: str, quantity: int = 1) -> ProviderError:
    answer = await provider.poll(await submitted(provider, film(prompt, quantity=quantity)))
    assert isinstance(answer, Failed)
    return answer.error


async def test_a_film_that_was_withheld_is_content_blocked_with_googles_reason(provider: VeoProvider) -> None:
    error = await ending(provider, "a fox #blocked", quantity=2)
    assert type(error) is errors.ContentBlocked
    assert "all 2 videos" in error.detail
    assert "15236754" in error.detail


async def test_films_that_were_not_withheld_are_handed_over(provider: VeoProvider) -> None:
    result = await finished(provider, await submitted(provider, film("a fox #partly=1", quantity=3)))
    assert (len(result.media), result.blocked) == (2, 1)
    assert result.cost_usd == 2 * 8 * Decimal("0.15"), "what was withheld is not charged"


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("#rai", errors.ContentBlocked),
        ("#fail=3", errors.InvalidRequest),
        ("#fail=4", errors.TimedOut),
        ("#fail=5", errors.ModelRetired),
        ("#fail=7", errors.AuthFailed),
        ("#fail=8", errors.RateLimited),
        ("#fail=13", errors.ProviderUnavailable),
        ("#fail=14", errors.ProviderUnavailable),
        ("#fail=99", errors.ProviderUnavailable),
        ("#none", errors.ProviderUnavailable),
    ],
)
async def test_every_code_of_an_operation_has_its_class(
    provider: VeoProvider, marker: str, expected: type[ProviderError]
) -> None:
    assert type(await ending(provider, f"a fox {marker}")) is expected


async def test_an_error_without_a_code_is_a_fault_of_google() -> None:
    assert type(failures.from_operation(2, "Unknown")) is errors.ProviderUnavailable


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("#status=401", errors.AuthFailed),
        ("#status=403", errors.AuthFailed),
        ("#status=404", errors.ModelRetired),
        ("#status=408", errors.Ambiguous),
        ("#status=499", errors.Ambiguous),
        ("#status=502", errors.ProviderUnavailable),
    ],
)
async def test_more_answers_to_an_order_have_their_class(
    provider: VeoProvider, emulator: VertexEmulator, marker: str, expected: type[ProviderError]
) -> None:
    assert type(await failure_of(provider, film(f"a fox {marker}"))) is expected
    assert emulator.jobs == {}


async def test_a_quota_of_a_minute_is_a_pause_and_no_empty_account(provider: VeoProvider) -> None:
    failure = await failure_of(provider, film("a fox #busy"))
    assert isinstance(failure, errors.RateLimited)
    assert "per_minute" in failure.detail
    assert failure.retry_after is None


async def test_a_model_that_was_withdrawn_is_retired_and_no_other_is_tried(
    provider: VeoProvider, emulator: VertexEmulator
) -> None:
    failure = await failure_of(provider, film("a fox", model="veo-3.0-generate-001"))
    assert type(failure) is errors.ModelRetired
    assert len(emulator.calls) == 1


async def test_a_bucket_that_google_may_not_write_to_is_told_to_an_operator(emulator: VertexEmulator) -> None:
    provider = VeoProvider(account(emulator), "gs://somebody-elses", base_url=emulator.address)
    failure = await failure_of(provider, film("a fox"))
    assert type(failure) is errors.AuthFailed
    assert "storage.objects.create" in failure.detail
    await provider.close()


async def test_films_are_found_when_google_has_forgotten_the_operation(provider: VeoProvider) -> None:
    result = await finished(provider, await submitted(provider, film("a fox #forgotten", quantity=2)))
    assert len(result.media) == 2
    assert result.cost_usd == Decimal("2.40")


async def test_a_link_needs_the_token_that_comes_with_it(provider: VeoProvider, emulator: VertexEmulator) -> None:
    (media,) = (await finished(provider, await submitted(provider, film("a fox")))).media
    assert media.data is None
    assert media.url is not None
    assert media.url.startswith(f"{emulator.address}/storage/v1/b/emulated-bucket/o/veo%2Fjob-1%2F")
    assert media.headers == {"Authorization": f"Bearer {emulator.tokens[-1]}"}
    assert "ya29" not in repr(media)
    assert (await fetched(media)).status_code == 200


async def test_a_lost_film_is_delivered_when_it_comes(
    provider: VeoProvider, emulator: VertexEmulator, clock: Clock
) -> None:
    assert type(await failure_of(provider, film("a fox #lose #polls=3"))) is errors.Ambiguous
    waiting = await provider.find("job-1")
    assert waiting is not None
    for _ in range(2):
        clock.now += 60
        assert isinstance(await provider.poll(waiting), Running)
    result = await finished(provider, waiting)
    assert result.cost_usd == Decimal("1.20")
    assert (await fetched(result.media[0])).status_code == 200
    assert len(emulator.jobs) == 1, "it is never ordered again"


async def test_a_film_that_never_comes_is_given_up_after_ten_minutes(provider: VeoProvider, clock: Clock) -> None:
    waiting = await provider.find("job-that-was-never-sent")
    assert waiting is not None
    clock.now += timedelta(minutes=10).total_seconds() - 1
    assert isinstance(await provider.poll(waiting), Running)
    clock.now += 1
    answer = await provider.poll(waiting)
    assert isinstance(answer, Failed)
    assert type(answer.error) is errors.Ambiguous


async def test_a_lost_film_is_not_mistaken_for_that_of_another_job(provider: VeoProvider) -> None:
    await submitted(provider, film("a fox", client_id="job-10"))
    waiting = await provider.find("job-1")
    assert waiting is not None
    assert isinstance(await provider.poll(waiting), Running)


async def test_a_token_that_was_revoked_is_replaced_without_a_second_order(
    provider: VeoProvider, emulator: VertexEmulator
) -> None:
    await submitted(provider, film("a fox"))
    emulator.revoked.update(emulator.tokens)
    await submitted(provider, film("a fox", client_id="job-2"))
    assert (len(emulator.tokens), len(emulator.jobs)) == (2, 2)


async def test_one_token_serves_many_calls(provider: VeoProvider, emulator: VertexEmulator) -> None:
    external_id = await submitted(provider, film("a fox #polls=3"))
    for _ in range(3):
        await provider.poll(external_id)
    assert len(emulator.tokens) == 1


async def test_no_token_and_no_key_is_ever_logged(
    provider: VeoProvider, emulator: VertexEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await finished(provider, await submitted(provider, film("a fox")))
        await failure_of(provider, film("a fox #echo"))
        await failure_of(provider, film("a fox #close"))
    assert emulator.tokens
    assert all(token not in caplog.text for token in emulator.tokens)
    assert "PRIVATE KEY" not in caplog.text


async def test_a_bucket_that_is_not_reached_says_nothing_of_a_lost_film(emulator: VertexEmulator) -> None:
    async with serve(VertexEmulator()) as address:
        pass
    provider = VeoProvider(account(emulator), "gs://emulated-bucket", base_url=emulator.address, storage_url=address)
    waiting = await provider.find("job-1")
    assert waiting is not None
    with pytest.raises(errors.ProviderUnavailable):
        await provider.poll(waiting)
    await provider.close()


async def test_what_the_bucket_says_of_our_token_is_struck_out(provider: VeoProvider, emulator: VertexEmulator) -> None:
    waiting = await provider.find("job-1")
    assert waiting is not None
    emulator.script("#echo")
    with pytest.raises(errors.AuthFailed) as caught:
        await provider.poll(waiting)
    assert "[key]" in caught.value.detail
    assert "ya29" not in f"{caught.value!r} {caught.value.detail}"


@pytest.mark.parametrize(
    ("folder", "cost"),
    [
        (f"{FAST}/8s-1080p-sound/", Decimal("1.20")),
        (f"{FAST}/4s-720p-silent/", Decimal("0.40")),
        (f"{FAST}/7s-720p-sound-extension/", Decimal("1.05")),
        ("veo-3.1-generate-001/8s-4k-sound/", Decimal("4.80")),
        (f"{FAST}/8s-4k-sound/", None),
        ("veo-3.1-lite-generate-001/8s-720p-sound/", None),
        ("", None),
    ],
)
def test_the_cost_is_read_from_the_folder(folder: str, cost: Decimal | None) -> None:
    assert folders.cost((f"gs://bucket/veo/job-1/{folder}123/sample_0.mp4",)) == cost
