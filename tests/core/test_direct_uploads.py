"""Bytes that go from a browser to Supabase, past us, and what we make of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from core import db, retention, storage, uploads
from core.settings import Settings
from core.storage import UploadTicket
from core.uploads import Upload, UploadRefused
from core.users import User
from tests.core.media.films import PLACE, contents, film
from tests.core.storage.conftest import SECRET_KEY
from tests.core.test_uploads import a_key, picture, state_of
from tests.emulators.service import serve
from tests.emulators.supabase import SupabaseService

pytestmark = pytest.mark.integration


@pytest.fixture
async def project(database: Settings) -> AsyncIterator[SupabaseService]:
    """The storage of this process, at Supabase."""
    service = SupabaseService(key=SECRET_KEY)
    async with serve(service) as address:
        changes = {"supabase_url": address, "supabase_service_role_key": SecretStr(SECRET_KEY)}
        await storage.connect(database.model_copy(update=changes))
        yield service
        await storage.disconnect()


async def put(ticket: UploadTicket, data: bytes) -> httpx.Response:
    """What a browser does with a ticket."""
    async with httpx.AsyncClient() as browser:
        return await browser.request(ticket.method, ticket.url, headers=dict(ticket.headers), content=data)


async def given(user: User, data: bytes, mime: str = "image/jpeg", *, size: int | None = None) -> Upload:
    """An upload whose bytes were put."""
    upload = await uploads.expect(user.id, mime, len(data) if size is None else size, a_key())
    assert (await put(await uploads.ticket(upload), data)).status_code == 200
    return upload


def keys(project: SupabaseService) -> list[str]:
    """Everything that is in the project."""
    return sorted(key for _, key in project.objects)


async def test_a_picture_is_looked_at_where_it_lies(project: SupabaseService, user: User) -> None:
    ready = await uploads.complete(user.id, (await given(user, picture(comment=b"secret"))).code)
    assert (ready.state, ready.width, ready.height) == ("ready", 64, 48)
    assert keys(project) == [ready.key]
    assert b"secret" not in await storage.storage().read(ready.key)


async def test_a_video_is_made_clean(project: SupabaseService, user: User, tmp_path: Path) -> None:
    path = film(tmp_path / "film.mov", "-c:v", "libx264", "-metadata", f"location={PLACE}")
    ready = await uploads.complete(user.id, (await given(user, contents(path), "video/quicktime")).code)
    assert ready.mime == "video/mp4" and ready.seconds == pytest.approx(1, abs=0.1)
    assert PLACE.encode() not in await storage.storage().read(ready.key)


async def test_more_than_was_announced_is_found_out_and_removed(project: SupabaseService, user: User) -> None:
    upload = await given(user, picture(), size=100)
    with pytest.raises(UploadRefused, match="instead of 100"):
        await uploads.complete(user.id, upload.code)
    assert keys(project) == []


async def test_a_bad_moment_of_supabase_refuses_nobody(project: SupabaseService, user: User) -> None:
    upload = await given(user, picture())
    project.script("#status=503")
    assert (await uploads.complete(user.id, upload.code)).state == "ready"


async def test_bytes_that_are_put_once_more_afterwards_are_swept(project: SupabaseService, user: User) -> None:
    upload = await uploads.expect(user.id, "image/png", len(picture()), a_key())
    ticket = await uploads.ticket(upload)
    await put(ticket, picture())
    ready = await uploads.complete(user.id, upload.code)
    assert (await put(ticket, b"late")).status_code == 200
    assert keys(project) == sorted([upload.key, ready.key])
    await db.execute("UPDATE botapp_upload SET created_at = created_at - interval '25 hours'")
    await retention.run()
    assert keys(project) == [ready.key]


async def test_what_was_never_completed_goes_after_a_day(project: SupabaseService, user: User) -> None:
    upload = await given(user, picture())
    await db.execute("UPDATE botapp_upload SET created_at = created_at - interval '25 hours'")
    assert (await retention.run()).unfinished == 1
    assert keys(project) == [] and await state_of(upload.code) == "removed"
