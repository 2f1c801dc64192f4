"""What every adapter must keep, tested against its emulated service.

The tests of a service that hands jobs over make a `Case` as the fixture ``case`` and inherit from `Contract`; those of
one that answers at once make an `InstantCase` and inherit from `InstantContract`.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from io import BytesIO
from typing import Protocol

import httpx
import pytest
from PIL import Image

from providers import errors
from providers.base import Failed, Finished, Job, LookupUnsupported, Media, Provider, Running, Submitted
from providers.errors import ProviderError
from tests.emulators.service import Service


class Lookup(StrEnum):
    """What a service can tell of a job by our id."""

    NEVER = "never"
    BY_RESULT = "by its result"
    WHILE_IT_RUNS = "while it runs"
    ALWAYS = "always"


@dataclass
class Case:
    """An adapter, the emulated service that it talks to, and what the service can do.

    Attributes:
        make: builds the adapter; takes `base_url`, `timeout` and `key`.
        job: the simplest job with these words.
        orders: how often the service was asked to make something.
        has_webhooks: whether an address can be given with a job; some services call one address for everything.
        expected: failures that this service means in another way than most.
    """

    service: Service
    make: Callable[..., Provider]
    job: Callable[[str], Job]
    keys: tuple[str, ...]
    lookup: Lookup
    orders: Callable[[], int]
    has_webhooks: bool = True
    tells_progress: bool = False
    expected: dict[str, type[ProviderError]] = field(default_factory=dict)
    provider: Provider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = self.make()

    def was_asked(self) -> bool:
        """Say whether anything reached the service."""
        return bool(self.service.calls)


@dataclass
class InstantCase:
    """An adapter whose service answers at once and keeps nothing; fields as those of `Case`.

    Attributes:
        calls: every request that reached the service.
    """

    make: Callable[..., Provider]
    job: Callable[[str], Job]
    keys: tuple[str, ...]
    calls: Callable[[], Sequence[object]]
    expected: dict[str, type[ProviderError]] = field(default_factory=dict)
    provider: Provider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = self.make()

    def orders(self) -> int:
        """Return how often the service was asked to make something."""
        return len(self.calls())

    def was_asked(self) -> bool:
        """Say whether anything reached the service."""
        return bool(self.calls())


class Subject(Protocol):
    """What both kinds of cases have."""

    make: Callable[..., Provider]
    job: Callable[[str], Job]
    keys: tuple[str, ...]
    expected: dict[str, type[ProviderError]]
    provider: Provider

    @property
    def orders(self) -> Callable[[], int]:
        """How often the service was asked to make something."""
        ...

    def was_asked(self) -> bool:
        """Say whether anything reached the service."""
        ...


NOT_ACCEPTED: dict[str, type[ProviderError]] = {
    "#busy": errors.RateLimited,
    "#retry=17": errors.RateLimited,
    "#quota": errors.QuotaExhausted,
    "#nokey": errors.AuthFailed,
    "#block": errors.ContentBlocked,
    "#status=400": errors.InvalidRequest,
    "#status=500": errors.ProviderUnavailable,
    "#status=503": errors.ProviderUnavailable,
    "#status=504": errors.Ambiguous,
    "#garbage": errors.Ambiguous,
    "#odd": errors.Ambiguous,
    "#close": errors.Ambiguous,
    "#lose": errors.Ambiguous,
}
GIVEN_UP: dict[str, type[ProviderError]] = {
    "#fail": errors.ProviderUnavailable,
    "#blocked": errors.ContentBlocked,
    "#none": errors.ProviderUnavailable,
    "#gone": errors.ProviderUnavailable,
}


async def submitted(provider: Provider, job: Job) -> str:
    """Hand a job over and return its external id."""
    answer = await provider.submit(job)
    assert isinstance(answer, Submitted)
    assert answer.poll_after >= timedelta(seconds=1)
    return answer.external_id


async def finished(provider: Provider, external_id: str) -> Finished:
    """Return the result of a job that needs one look."""
    answer = await provider.poll(external_id)
    assert isinstance(answer, Finished), answer
    return answer


async def failure_of(provider: Provider, job: Job) -> ProviderError:
    """Return why a job is not accepted."""
    with pytest.raises(ProviderError) as caught:
        await provider.submit(job)
    return caught.value


def address_of_nobody() -> str:
    """Return an address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def fetched(media: Media) -> httpx.Response:
    """Fetch a result as the service does."""
    assert media.url is not None
    async with httpx.AsyncClient(verify=False, trust_env=False, follow_redirects=True) as client:
        return await client.get(media.url, headers=dict(media.headers))


def is_media(media: Media, data: bytes) -> bool:
    """Say whether the bytes are what the result claims to be."""
    if media.mime.startswith("video/"):
        return data[4:8] == b"ftyp"
    if media.mime.startswith("text/"):
        return bool(data.decode().strip())
    Image.open(BytesIO(data)).verify()
    return True


class Common:
    """What all adapters keep, at once or later."""

    pytestmark = pytest.mark.integration

    def test_the_adapter_keeps_the_contract(self, case: Subject) -> None:
        assert isinstance(case.provider, Provider)

    @pytest.mark.parametrize("marker", NOT_ACCEPTED)
    async def test_every_refusal_has_its_class_and_is_not_repeated(self, case: Subject, marker: str) -> None:
        failure = await failure_of(case.provider, case.job(f"a fox {marker}"))
        assert type(failure) is case.expected.get(marker, NOT_ACCEPTED[marker]), failure.detail
        assert case.orders() <= (2 if marker == "#nokey" else 1)

    async def test_a_pause_is_kept_when_the_service_names_one(self, case: Subject) -> None:
        failure = await failure_of(case.provider, case.job("a fox #retry=17"))
        assert isinstance(failure, errors.RateLimited)
        assert failure.retry_after == timedelta(seconds=17)

    async def test_an_answer_that_does_not_come_in_time_is_ambiguous(self, case: Subject) -> None:
        hasty = case.make(timeout=0.3)
        assert type(await failure_of(hasty, case.job("a fox #delay=1"))) is errors.Ambiguous
        await hasty.close()

    async def test_an_address_where_nobody_listens_is_unavailable(self, case: Subject) -> None:
        lonely = case.make(base_url=address_of_nobody())
        assert type(await failure_of(lonely, case.job("a fox"))) is errors.ProviderUnavailable
        await lonely.close()

    async def test_the_key_is_struck_out_of_what_the_service_says(self, case: Subject) -> None:
        failure = await failure_of(case.provider, case.job("a fox #echo"))
        assert "[key]" in failure.detail
        for key in case.keys:
            assert key not in f"{failure!r} {failure} {failure.detail} {failure.args}"
        assert failure.__cause__ is None
        assert failure.__suppress_context__

    async def test_a_wrong_key_is_told_as_such(self, case: Subject) -> None:
        stranger = case.make(key="wrong-key-0123456789")
        assert type(await failure_of(stranger, case.job("a fox"))) is errors.AuthFailed
        await stranger.close()

    @pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "ключ"])
    def test_a_key_that_cannot_be_a_header_is_refused_without_being_shown(self, case: Subject, key: str) -> None:
        with pytest.raises(ValueError, match="key") as caught:
            case.make(key=key)
        assert not key or key not in str(caught.value)

    @pytest.mark.parametrize(
        "body", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"data": {"task_id": {}}}', b"[" * 9999]
    )
    def test_nonsense_on_the_webhook_names_nothing(self, case: Subject, body: bytes) -> None:
        assert case.provider.parse_webhook({"content-type": "application/json"}, body) is None

    async def test_nothing_is_sent_for_neither_words_nor_pictures(self, case: Subject) -> None:
        assert type(await failure_of(case.provider, replace(case.job(""), images=()))) is errors.InvalidRequest
        assert not case.was_asked()


class InstantContract(Common):
    """What an adapter keeps whose service answers at once. `case` is a fixture of the service's own test module."""

    async def test_words_become_a_result_at_once(self, case: InstantCase) -> None:
        result = await case.provider.submit(case.job("рыжая лиса 🦊 в снегу"))
        assert isinstance(result, Finished)
        assert result.media
        for media in result.media:
            assert media.data is not None
            assert is_media(media, media.data)

    async def test_there_is_no_job_to_look_at_or_to_find(self, case: InstantCase) -> None:
        await case.provider.submit(case.job("a fox"))
        with pytest.raises(LookupUnsupported):
            await case.provider.find("job-1")
        assert isinstance(await case.provider.poll("job-1"), Failed)
        await case.provider.cancel("job-1")
        assert len(case.calls()) == 1

    async def test_the_client_opens_again_after_it_was_closed(self, case: InstantCase) -> None:
        await case.provider.submit(case.job("a fox"))
        await case.provider.close()
        await case.provider.close()
        await case.provider.submit(case.job("a fox"))
        assert len(case.calls()) == 2


class Contract(Common):
    """The tests. `case` is a fixture of the service's own test module."""

    async def test_words_become_media_that_can_be_fetched(self, case: Case) -> None:
        result = await finished(case.provider, await submitted(case.provider, case.job("рыжая лиса 🦊 в снегу")))
        assert result.media
        for media in result.media:
            response = await fetched(media)
            assert response.status_code == 200
            assert is_media(media, response.content)

    async def test_words_arrive_unharmed(self, case: Case) -> None:
        await submitted(case.provider, case.job("рыжая лиса 🦊 «в снегу» & <вьюга>"))
        (job,) = case.service.jobs.values()
        assert "рыжая лиса 🦊 «в снегу» & <вьюга>" in job.prompt

    async def test_a_late_result_is_waited_for(self, case: Case) -> None:
        external_id = await submitted(case.provider, case.job("a fox #polls=3"))
        for _ in range(2):
            answer = await case.provider.poll(external_id)
            assert isinstance(answer, Running)
            assert answer.poll_after >= timedelta(seconds=1)
            assert answer.progress is None or 0 < answer.progress < 1
            assert case.tells_progress == (answer.progress is not None)
        await finished(case.provider, external_id)

    async def test_a_job_of_one_process_is_finished_by_another(self, case: Case) -> None:
        external_id = await submitted(case.provider, case.job("a fox"))
        another = case.make()
        assert (await finished(another, external_id)).media
        await another.close()

    @pytest.mark.parametrize("marker", GIVEN_UP)
    async def test_a_job_that_was_given_up_has_failed(self, case: Case, marker: str) -> None:
        external_id = await submitted(case.provider, case.job(f"a fox {marker}"))
        answer = await case.provider.poll(external_id)
        assert isinstance(answer, Failed)
        assert type(answer.error) is case.expected.get(marker, GIVEN_UP[marker]), answer.error.detail

    @pytest.mark.parametrize("marker", ["#status=503", "#status=504", "#garbage", "#close", "#busy"])
    async def test_a_look_that_failed_says_nothing_of_the_job(self, case: Case, marker: str) -> None:
        external_id = await submitted(case.provider, case.job("a fox"))
        case.service.script(marker)
        with pytest.raises((errors.ProviderUnavailable, errors.RateLimited)):
            await case.provider.poll(external_id)
        assert (await finished(case.provider, external_id)).media

    async def test_a_lost_answer_is_found_by_our_own_id_where_the_service_can(self, case: Case) -> None:
        job = replace(case.job("a fox #lose #polls=9"), client_id="3f1c7d52-lost")
        assert type(await failure_of(case.provider, job)) is errors.Ambiguous
        if case.lookup is Lookup.NEVER:
            with pytest.raises(LookupUnsupported):
                await case.provider.find(job.client_id)
            return
        external_id = await case.provider.find(job.client_id)
        assert external_id is not None
        assert isinstance(await case.provider.poll(external_id), Running)

    async def test_a_job_that_never_arrived_is_not_found(self, case: Case) -> None:
        await submitted(case.provider, case.job("a fox #never"))
        if case.lookup is Lookup.BY_RESULT:
            # It cannot be told from one that is still being made: it is waited for.
            waiting = await case.provider.find("another-job")
            assert waiting is not None
            assert isinstance(await case.provider.poll(waiting), Running)
        elif case.lookup is Lookup.ALWAYS:
            assert await case.provider.find("another-job") is None
        else:
            with pytest.raises(LookupUnsupported):
                await case.provider.find("another-job")

    async def test_an_expired_link_is_replaced_by_another_look(self, case: Case) -> None:
        external_id = await submitted(case.provider, case.job("a fox #expired"))
        assert (await fetched((await finished(case.provider, external_id)).media[0])).status_code == 403
        assert (await fetched((await finished(case.provider, external_id)).media[0])).status_code == 200

    async def test_a_webhook_however_often_it_comes_names_the_job(self, case: Case) -> None:
        callback = f"{case.service.address}/emulator/webhook/secret"
        job = replace(case.job("a fox #twice"), callback_url=callback)
        external_id = await submitted(case.provider, job)
        await case.service.settle()
        told = [case.provider.parse_webhook({}, json.dumps(body).encode()) for body in case.service.webhooks]
        assert told == ([external_id, external_id] if case.has_webhooks else [])

    @pytest.mark.parametrize("external_id", ["", "../../accounts", "x/../../y", "a?b=c", "text2video/../x"])
    async def test_an_id_that_is_none_leads_nowhere(self, case: Case, external_id: str) -> None:
        with pytest.raises(errors.InvalidRequest):
            await case.provider.poll(external_id)
        assert case.service.calls == []

    async def test_cancelling_harms_nothing(self, case: Case) -> None:
        external_id = await submitted(case.provider, case.job("a fox #polls=9"))
        await case.provider.cancel(external_id)
        assert isinstance(await case.provider.poll(external_id), Running | Failed)

    async def test_the_client_opens_again_after_it_was_closed(self, case: Case) -> None:
        await submitted(case.provider, case.job("a fox"))
        await case.provider.close()
        await case.provider.close()
        await submitted(case.provider, replace(case.job("a fox"), client_id="job-2"))
        assert len(case.service.jobs) == 2

    async def test_an_address_with_a_slash_at_its_end_works(self, case: Case) -> None:
        slashed = case.make(base_url=case.service.address + "/")
        await submitted(slashed, case.job("a fox"))
        await slashed.close()
