"""What calls through an SDK have in common: nothing is repeated, redirected or kept waiting by others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from providers.base import Finished, Job, MediaKind, Provider
from providers.errors import ProviderUnavailable
from providers.openai import OpenAiProvider
from providers.runway import RunwayProvider
from tests.emulators.openai import OpenAiEmulator
from tests.emulators.runway import RunwayEmulator
from tests.emulators.service import Refused, Service, serve

pytestmark = pytest.mark.integration
KEY = "sk-test-key-0123456789"
PICTURE = Job("job-1", "gpt-image-2.6-flare", MediaKind.IMAGE, "a fox")
VIDEO = Job("job-1", "gen4.5", MediaKind.VIDEO, "a fox")


def leading(service: type[Service], to: str) -> Service:
    """Return an emulator that sends everybody elsewhere, as a captive gateway does."""

    class Leading(service):  # type: ignore[misc, valid-type]
        def refusal(self, kind: str, value: str = "") -> Refused:
            return Refused(307, {}, {"Location": f"{to}/v1/images/generations"})

    return Leading()


@pytest.fixture
async def elsewhere() -> AsyncIterator[OpenAiEmulator]:
    service = OpenAiEmulator()
    async with serve(service):
        yield service


@pytest.mark.parametrize(
    ("service", "make", "job"),
    [
        (OpenAiEmulator, lambda address: OpenAiProvider(KEY, base_url=f"{address}/v1"), PICTURE),
        (RunwayEmulator, lambda address: RunwayProvider(KEY, base_url=address), VIDEO),
    ],
    ids=["openai", "runway"],
)
async def test_our_key_is_not_carried_to_where_a_redirect_leads(
    elsewhere: OpenAiEmulator, service: type[Service], make: type[Provider], job: Job
) -> None:
    emulator = leading(service, elsewhere.address)
    async with serve(emulator) as address:
        provider = make(address)  # type: ignore[call-arg]
        with pytest.raises(ProviderUnavailable):
            await provider.submit(replace(job, prompt="a fox #busy"))
        await provider.close()
    assert len(emulator.calls) == 1
    assert elsewhere.calls == []


async def test_a_hundred_orders_are_under_way_together(elsewhere: OpenAiEmulator) -> None:
    provider = OpenAiProvider(KEY, base_url=f"{elsewhere.address}/v1", timeout=50)
    jobs = [replace(PICTURE, client_id=f"job-{number}", prompt="a fox #delay=0.5") for number in range(100)]
    async with asyncio.timeout(40):  # one after another they would take fifty seconds
        results = await asyncio.gather(*(provider.submit(job) for job in jobs))
    await provider.close()
    assert all(isinstance(result, Finished) for result in results)
    assert len(elsewhere.calls) == 100


async def test_many_first_calls_open_one_client(elsewhere: OpenAiEmulator) -> None:
    provider = OpenAiProvider(KEY, base_url=f"{elsewhere.address}/v1")
    clients = await asyncio.gather(*(provider._api.connect() for _ in range(10)))
    assert len({id(client) for client in clients}) == 1
    await provider.close()
