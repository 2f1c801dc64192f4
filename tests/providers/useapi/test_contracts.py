"""The three adapters over UseAPI keep what every adapter keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.base import Job, MediaKind
from providers.useapi import UseApiKlingProvider, UseApiMidjourneyProvider, UseApiRunwayProvider
from tests.emulators.useapi import UseApiEmulator
from tests.providers.contract import Case, Contract, Lookup
from tests.providers.useapi.conftest import case_of


class TestKling(Contract):
    """Kling tells no progress and finds nothing."""

    @pytest.fixture
    async def case(self, emulator: UseApiEmulator) -> AsyncIterator[Case]:
        def job(prompt: str) -> Job:
            return Job("job-1", "kling-v2-6", MediaKind.VIDEO, prompt)

        case = case_of(emulator, UseApiKlingProvider, job, Lookup.NEVER)
        yield case
        await case.provider.close()


class TestRunway(Contract):
    """Runway tells progress and finds nothing."""

    @pytest.fixture
    async def case(self, emulator: UseApiEmulator) -> AsyncIterator[Case]:
        def job(prompt: str) -> Job:
            return Job("job-1", "gen4.5", MediaKind.VIDEO, prompt)

        case = case_of(emulator, UseApiRunwayProvider, job, Lookup.NEVER, tells_progress=True)
        yield case
        await case.provider.close()


class TestMidjourney(Contract):
    """Midjourney tells progress and finds what runs."""

    @pytest.fixture
    async def case(self, emulator: UseApiEmulator) -> AsyncIterator[Case]:
        def job(prompt: str) -> Job:
            return Job("job-1", "midjourney-7", MediaKind.IMAGE, prompt)

        case = case_of(emulator, UseApiMidjourneyProvider, job, Lookup.WHILE_IT_RUNS, tells_progress=True)
        yield case
        await case.provider.close()
