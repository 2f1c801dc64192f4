"""Both storages: a folder, and Supabase as an emulator speaks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.settings import Settings
from core.storage import Links, Storage
from core.storage.local import LocalStorage
from core.storage.supabase import SupabaseStorage
from tests.emulators.service import serve
from tests.emulators.supabase import SupabaseService
from tests.fixtures.servers import make_settings

SECRET_KEY = "sb_secret_abcdefghijklmnop_tests"
TOKEN_KEY = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl"


@dataclass
class Pauses:
    """Takes the place of waiting, and notes how long it would have been."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    """What the storage waited."""
    return Pauses()


@pytest.fixture
async def project() -> AsyncIterator[SupabaseService]:
    """A project that takes one secret key."""
    service = SupabaseService(key=SECRET_KEY)
    async with serve(service):
        yield service


@pytest.fixture
async def supabase(project: SupabaseService, pauses: Pauses) -> AsyncIterator[SupabaseStorage]:
    """The storage of that project, with its bucket made."""
    opened = SupabaseStorage(project.address, SECRET_KEY, bucket="pictures", video_bucket="videos", sleep=pauses)
    await opened.prepare()
    yield opened
    await opened.close()


@pytest.fixture
def service_settings(tmp_path: Path) -> Settings:
    """Settings that keep media in a temporary folder."""
    return make_settings("postgresql://nobody@127.0.0.1/nothing", "redis://127.0.0.1:1/0", home=tmp_path / "home")


@pytest.fixture
def local(service_settings: Settings) -> LocalStorage:
    """A storage in a folder."""
    return LocalStorage(service_settings.media_path, Links(service_settings))


@pytest.fixture(params=["local", "supabase"])
def either(request: pytest.FixtureRequest) -> Storage:
    """One storage after the other."""
    found: Storage = request.getfixturevalue(request.param)
    return found
