"""Supabase with its quirks: true codes in bodies, both kinds of keys, broken connections, links that end."""

from __future__ import annotations

import base64
import json
import logging
import tempfile
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from core import storage
from core.storage import FileNotStored, StorageRefused, StorageUnavailable
from core.storage.supabase import SMALL, SupabaseStorage
from core.storage.supabase_errors import error_of
from core.storage.tus import CHUNK
from core.temporary import folder as temporary_folder
from tests.core.storage.conftest import SECRET_KEY, TOKEN_KEY, Pauses
from tests.core.storage.test_contract import FILM, KEY, LARGE, as_file, as_stream, streamed
from tests.emulators.service import serve
from tests.emulators.supabase import SupabaseService
from tests.fixtures.servers import make_settings

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
PIXELS = bytes(range(256)) * 4


def asked(project: SupabaseService, method: str, part: str = "") -> int:
    """How often the project was asked so."""
    return sum(call.method == method and part in call.path for call in project.calls)


async def answered(url: str, **options: object) -> httpx.Response:
    """What somebody gets who has nothing but an address."""
    async with httpx.AsyncClient() as client:
        return await client.get(url, **options)  # type: ignore[arg-type]


class TestBuckets:
    """They are private, and there."""

    async def test_missing_ones_are_made_private(self, supabase: SupabaseStorage, project: SupabaseService) -> None:
        assert {name: made["public"] for name, made in project.buckets.items()} == {"pictures": False, "videos": False}

    async def test_those_that_are_there_are_left_as_they_are(self, supabase: SupabaseStorage) -> None:
        await supabase.prepare()
        await supabase.check()

    async def test_videos_go_to_their_own(self, supabase: SupabaseStorage, project: SupabaseService) -> None:
        await supabase.put(KEY, b"x", mime="image/png")
        await supabase.put(FILM, b"x", mime="video/mp4")
        assert set(project.objects) == {("pictures", KEY), ("videos", FILM)}

    async def test_one_bucket_is_enough(self, project: SupabaseService) -> None:
        one = SupabaseStorage(project.address, SECRET_KEY, bucket="everything")
        await one.prepare()
        await one.put(FILM, b"x", mime="video/mp4")
        assert set(project.objects) == {("everything", FILM)}
        await one.close()

    async def test_a_public_one_is_no_place_for_peoples_photos(
        self, supabase: SupabaseStorage, project: SupabaseService
    ) -> None:
        project.buckets["videos"]["public"] = True
        with pytest.raises(StorageRefused, match="PublicBucket: the bucket videos is public"):
            await supabase.check()

    async def test_a_process_starts_without_supabase_and_says_that_it_is_not_ready(
        self, supabase: SupabaseStorage, project: SupabaseService
    ) -> None:
        project.script("#status=503", times=2)
        await supabase.prepare()
        with pytest.raises(StorageUnavailable, match="503"):
            await supabase.check()

    async def test_a_check_that_went_well_is_believed_for_a_while(
        self, supabase: SupabaseStorage, project: SupabaseService
    ) -> None:
        await supabase.check()
        count = len(project.calls)
        await supabase.check()
        assert len(project.calls) == count
        assert project.objects == {}


class TestKeys:
    """The old token and the new opaque key."""

    async def test_both_kinds_work(self, tmp_path: Path) -> None:
        for key in (SECRET_KEY, TOKEN_KEY):
            service = SupabaseService(key=key)
            async with serve(service):
                opened = SupabaseStorage(service.address, key, bucket="media")
                await opened.prepare()
                await opened.put(FILM, as_file(LARGE, tmp_path), mime="video/mp4")
                assert await streamed(opened, FILM) == LARGE
                await opened.close()

    async def test_a_wrong_one_is_refused_and_never_repeated(self, project: SupabaseService, pauses: Pauses) -> None:
        wrong = SupabaseStorage(project.address, "sb_secret_wrong_one", bucket="media", sleep=pauses)
        for attempt in (wrong.check(), wrong.put(KEY, b"x", mime="image/png"), wrong.read(KEY), wrong.size(KEY)):
            with pytest.raises(StorageRefused, match="AccessDenied: is SUPABASE_SERVICE_ROLE_KEY right") as refusal:
                await attempt
            assert "sb_secret" not in str(refusal.value)
        with pytest.raises(StorageRefused, match="AccessDenied"):
            await wrong.put(FILM, LARGE, mime="video/mp4")
        assert pauses.seconds == []
        await wrong.close()

    @pytest.mark.parametrize(
        ("key", "host"),
        [(TOKEN_KEY, "https://abcdef.storage.supabase.co"), (SECRET_KEY, "https://abcdef.supabase.co")],
    )
    async def test_large_files_go_where_the_key_is_understood(self, key: str, host: str) -> None:
        opened = SupabaseStorage("https://abcdef.supabase.co", key, bucket="media")
        assert opened._uploader._endpoint == f"{host}/storage/v1/upload/resumable"
        await opened.close()


class TestErrors:
    """The true code, in our words and without theirs."""

    @pytest.mark.parametrize(
        ("status", "message", "kind"),
        [
            (404, "Object not found", FileNotStored),
            (404, "Bucket not found", StorageRefused),
            (403, "new row violates row-level security policy", StorageRefused),
            (400, "Invalid Compact JWS", StorageRefused),
            (413, "The object exceeded the maximum allowed size", StorageRefused),
            (415, "mime type text/html is not supported", StorageRefused),
            (423, "resource is locked", StorageUnavailable),
            (429, "Too many connections issued to the database", StorageUnavailable),
            (500, "Internal Server Error", StorageUnavailable),
            (544, "DatabaseTimeout", StorageUnavailable),
        ],
    )
    async def test_a_code_is_an_error_of_ours(self, status: int, message: str, kind: type[Exception]) -> None:
        error = error_of(status, message)
        assert type(error) is kind and message not in str(error)

    async def test_the_code_in_the_body_counts(self, supabase: SupabaseStorage, project: SupabaseService) -> None:
        project.script("#status=413")
        with pytest.raises(StorageRefused, match="EntityTooLarge") as refusal:
            await supabase.put(KEY, b"x", mime="image/png")
        assert refusal.value.code == "EntityTooLarge"

    @pytest.mark.parametrize("trouble", ["#status=429", "#status=503", "#status=544", "#close", "#garbage", "#lost"])
    async def test_a_bad_moment_is_waited_out(
        self, supabase: SupabaseStorage, project: SupabaseService, pauses: Pauses, trouble: str
    ) -> None:
        project.script(trouble, times=2)
        assert await supabase.put(KEY, b"pixels", mime="image/png") == 6
        assert await supabase.read(KEY) == b"pixels"
        assert [0.8 <= pauses.seconds[0] <= 1.2, 1.6 <= pauses.seconds[1] <= 2.4] == [True, True]

    async def test_a_bad_hour_is_not(self, supabase: SupabaseStorage, project: SupabaseService, pauses: Pauses) -> None:
        project.script("#status=503", times=10)
        with pytest.raises(StorageUnavailable, match="Supabase answers 503"):
            await supabase.size(KEY)
        assert asked(project, "GET", "/info/") == 4 == len(pauses.seconds) + 1

    async def test_a_project_that_is_away_is_told_without_its_address(self, pauses: Pauses) -> None:
        away = SupabaseStorage("http://127.0.0.1:1", SECRET_KEY, bucket="media", sleep=pauses)
        with pytest.raises(StorageUnavailable, match="ConnectError") as trouble:
            await away.read(KEY)
        assert "127.0.0.1" not in str(trouble.value)
        await away.close()

    async def test_the_key_is_in_no_log(
        self, supabase: SupabaseStorage, project: SupabaseService, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            project.script("#status=500", times=4)
            with pytest.raises(StorageUnavailable) as trouble:
                await supabase.read(KEY)
        assert SECRET_KEY not in caplog.text + "".join(traceback.format_exception(trouble.value))


class TestLargeFiles:
    """Resumable uploads."""

    async def test_they_go_up_in_chunks_of_six_mebibytes(
        self, supabase: SupabaseStorage, project: SupabaseService, tmp_path: Path
    ) -> None:
        await supabase.put(FILM, as_file(LARGE, tmp_path), mime="video/mp4")
        sizes = [call.body["bytes"] for call in project.calls if call.method == "PATCH"]
        assert sizes == [CHUNK, CHUNK, len(LARGE) - 2 * CHUNK]
        assert project.objects["videos", FILM].mime == "video/mp4"

    @pytest.mark.parametrize(("more", "chunks"), [(0, 0), (1, 2)])
    async def test_only_those_above_six_mebibytes_do(
        self, supabase: SupabaseStorage, project: SupabaseService, more: int, chunks: int
    ) -> None:
        await supabase.put(KEY, bytes(SMALL + more), mime="image/png")
        assert asked(project, "PATCH") == chunks
        assert await supabase.size(KEY) == SMALL + more

    @pytest.mark.parametrize(
        "trouble",
        ["#cut=0", "#cut=1", "#cut=3000000", "#lost", "#close", "#locked", "#status=409", "#status=503", "#status=500"],
    )
    async def test_a_chunk_that_breaks_is_gone_on_with(
        self, supabase: SupabaseStorage, project: SupabaseService, tmp_path: Path, trouble: str
    ) -> None:
        project.script("#calm")
        project.script("#calm")
        project.script(trouble)
        await supabase.put(FILM, as_file(LARGE, tmp_path), mime="video/mp4")
        assert await streamed(supabase, FILM) == LARGE
        assert asked(project, "HEAD") == 1 and asked(project, "POST", "resumable") == 1

    async def test_nothing_that_arrived_is_sent_twice(
        self, supabase: SupabaseStorage, project: SupabaseService, tmp_path: Path
    ) -> None:
        project.script("#calm")
        project.script("#cut=5000000")
        await supabase.put(FILM, as_file(LARGE, tmp_path), mime="video/mp4")
        sent = [call.body["bytes"] for call in project.calls if call.method == "PATCH"]
        assert sum(sent) - len(LARGE) == CHUNK - 5_000_000

    async def test_an_upload_that_was_forgotten_begins_anew(
        self, supabase: SupabaseStorage, project: SupabaseService, tmp_path: Path
    ) -> None:
        for markers in ("#calm", "#calm", "#gone"):
            project.script(markers)
        await supabase.put(FILM, as_file(LARGE, tmp_path), mime="video/mp4")
        assert asked(project, "POST", "resumable") == 2
        assert await streamed(supabase, FILM) == LARGE

    async def test_one_that_is_forgotten_always_is_given_up(
        self, supabase: SupabaseStorage, project: SupabaseService, tmp_path: Path
    ) -> None:
        for _ in range(5):
            project.script("#calm")
            project.script("#gone")
        with pytest.raises(StorageUnavailable, match="again and again"):
            await supabase.put(FILM, as_file(LARGE, tmp_path), mime="video/mp4")

    async def test_one_that_gets_no_further_is_given_up(
        self, supabase: SupabaseStorage, project: SupabaseService, pauses: Pauses, tmp_path: Path
    ) -> None:
        project.script("#calm")
        project.script("#locked", times=50)
        with pytest.raises(StorageUnavailable, match="gets no further"):
            await supabase.put(FILM, as_file(LARGE, tmp_path), mime="video/mp4")
        assert len(pauses.seconds) == 5

    @pytest.mark.parametrize("trouble", ["#close", "#locked", "#status=500"])
    async def test_a_beginning_that_fails_is_repeated(
        self, supabase: SupabaseStorage, project: SupabaseService, tmp_path: Path, trouble: str
    ) -> None:
        project.script(trouble, times=2)
        await supabase.put(FILM, as_file(LARGE, tmp_path), mime="video/mp4")
        assert await supabase.size(FILM) == len(LARGE)

    async def test_what_the_plan_does_not_take_is_refused_at_once(
        self, supabase: SupabaseStorage, project: SupabaseService, pauses: Pauses, tmp_path: Path
    ) -> None:
        project.largest = 10 * 1024 * 1024
        with pytest.raises(StorageRefused, match="EntityTooLarge"):
            await supabase.put(FILM, as_file(LARGE, tmp_path), mime="video/mp4")
        assert pauses.seconds == [] and asked(project, "PATCH") == 0

    async def test_a_stream_leaves_no_temporary_file(
        self, supabase: SupabaseStorage, project: SupabaseService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A folder of the test's own: others put theirs into the common one meanwhile.
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        await supabase.put(FILM, as_stream(LARGE, tmp_path), mime="video/mp4")
        project.largest = 1
        with pytest.raises(StorageRefused):
            await supabase.put(FILM, as_stream(LARGE, tmp_path), mime="video/mp4")
        assert list(temporary_folder().iterdir()) == []

    async def test_the_credentials_go_to_no_other_host(
        self, supabase: SupabaseStorage, project: SupabaseService, tmp_path: Path
    ) -> None:
        """The emulator names itself `storage.internal`, which nobody reaches."""
        await supabase.put(FILM, as_file(LARGE, tmp_path), mime="video/mp4")
        assert asked(project, "PATCH", "/storage/v1/upload/resumable/") == 3


class TestDownloads:
    """Streams that go on."""

    @pytest.mark.parametrize("trouble", ["#cut=0", "#cut=1000000", "#close", "#status=503"])
    async def test_a_broken_connection_is_gone_on_with(
        self, supabase: SupabaseStorage, project: SupabaseService, trouble: str
    ) -> None:
        await supabase.put(FILM, LARGE, mime="video/mp4")
        project.script(trouble, times=3)
        assert await streamed(supabase, FILM, start=7) == LARGE[7:]

    async def test_what_arrived_is_not_asked_for_again(
        self, supabase: SupabaseStorage, project: SupabaseService
    ) -> None:
        await supabase.put(KEY, LARGE, mime="image/png")
        project.script("#cut=1000000")
        sizes = [len(piece) async for piece in supabase.stream(KEY)]
        assert sum(sizes) == len(LARGE)

    async def test_a_file_that_was_replaced_meanwhile_is_not_mixed_with_the_new_one(
        self, supabase: SupabaseStorage, project: SupabaseService
    ) -> None:
        await supabase.put(FILM, LARGE, mime="video/mp4")
        project.script("#cut=1000000")
        stream = supabase.stream(FILM)
        await anext(stream)
        await supabase.put(FILM, LARGE[::-1], mime="video/mp4")
        with pytest.raises(StorageUnavailable, match="replaced"):
            async for _ in stream:
                pass

    async def test_a_project_that_breaks_always_is_given_up(
        self, supabase: SupabaseStorage, project: SupabaseService, pauses: Pauses
    ) -> None:
        await supabase.put(FILM, LARGE, mime="video/mp4")
        project.script("#cut=0", times=20)
        with pytest.raises(StorageUnavailable, match="cannot be read"):
            await streamed(supabase, FILM)
        assert len(pauses.seconds) == 3


class TestLinks:
    """For somebody who has nothing but the address."""

    async def test_a_link_opens_one_file_until_it_ends(
        self, supabase: SupabaseStorage, project: SupabaseService
    ) -> None:
        await supabase.put(KEY, PIXELS, mime="image/png")
        link = await supabase.link(KEY, lifetime=HOUR)
        found = await answered(link)
        assert (found.status_code, found.content, found.headers["content-type"]) == (200, PIXELS, "image/png")
        part = await answered(link, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, PIXELS[10:20])
        project.shift = 3601
        assert (await answered(link)).json()["error"] == "InvalidJWT"

    async def test_without_a_link_nothing_is_seen(self, supabase: SupabaseStorage, project: SupabaseService) -> None:
        await supabase.put(KEY, PIXELS, mime="image/png")
        assert (await answered(f"{project.address}/storage/v1/object/pictures/{KEY}")).is_error
        link = await supabase.link(KEY, lifetime=HOUR)
        assert (await answered(link.replace("fox-0", "fox-1"))).is_error
        assert SECRET_KEY not in link

    async def test_a_link_to_a_removed_file_is_dead(self, supabase: SupabaseStorage) -> None:
        await supabase.put(KEY, PIXELS, mime="image/png")
        link = await supabase.link(KEY, lifetime=HOUR)
        await supabase.delete(KEY)
        assert (await answered(link)).json()["statusCode"] == "404"

    async def test_with_a_ticket_the_bytes_go_there_directly(
        self, supabase: SupabaseStorage, project: SupabaseService
    ) -> None:
        ticket = await supabase.upload_ticket(KEY, mime="image/png", most_bytes=10_000, lifetime=HOUR)
        async with httpx.AsyncClient() as client:
            put = await client.request(ticket.method, ticket.url, headers=dict(ticket.headers), content=PIXELS)
        assert put.status_code == 200
        assert await supabase.read(KEY) == PIXELS
        assert project.objects["pictures", KEY].mime == "image/png"

    async def test_a_ticket_is_for_one_key_and_ends(self, supabase: SupabaseStorage, project: SupabaseService) -> None:
        ticket = await supabase.upload_ticket(KEY, mime="image/png", most_bytes=10_000, lifetime=HOUR)
        async with httpx.AsyncClient() as client:
            elsewhere = await client.put(ticket.url.replace("fox-0", "fox-1"), content=b"x")
            project.shift = 7201
            late = await client.put(ticket.url, content=b"x")
        assert elsewhere.is_error and late.is_error and project.objects == {}

    async def test_a_ticket_ends_when_the_server_says_and_not_later(self, supabase: SupabaseStorage) -> None:
        ticket = await supabase.upload_ticket(KEY, mime="image/png", most_bytes=1, lifetime=timedelta(hours=12))
        token = ticket.url.partition("token=")[2].split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))["exp"]
        assert ticket.expires == datetime.fromtimestamp(said, UTC) < datetime.now(UTC) + timedelta(hours=3)


async def test_more_than_a_thousand_files_are_removed_in_parts(
    supabase: SupabaseStorage, project: SupabaseService
) -> None:
    await supabase.put("a/1500.png", b"x", mime="image/png")
    await supabase.delete_many(f"a/{number}.png" for number in range(2100))
    removals = [len(call.body["prefixes"]) for call in project.calls if call.method == "DELETE"]
    assert removals == [1000, 1000, 100] and project.objects == {}


@pytest.fixture
async def chosen(project: SupabaseService, tmp_path: Path) -> AsyncIterator[None]:
    """The storage of this process, as settings with an address of Supabase choose it."""
    settings = make_settings(
        "postgresql://nobody@127.0.0.1/nothing",
        "redis://127.0.0.1:1/0",
        home=tmp_path,
        supabase_url=project.address,
        supabase_service_role_key=SECRET_KEY,
    )
    await storage.connect(settings)
    yield
    await storage.disconnect()


async def test_the_settings_choose_it(chosen: None, project: SupabaseService) -> None:
    await storage.storage().put(KEY, b"x", mime="image/png")
    assert set(project.objects) == {("bot-images", KEY)}
