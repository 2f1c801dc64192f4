"""OpenAI's moderation is asked where there is a key, within a time limit, and missed by nobody when it is away."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable

import pytest
from PIL import Image
from pydantic import SecretStr

from core import db, moderation, storage, users
from core.generations import ContentRefused
from core.moderation.endpoint import FAILURES_IN_A_ROW, THRESHOLDS, Endpoint, category_of
from core.settings import Settings
from core.storage import StoredFile
from tests.emulators.openai import OpenAiEmulator
from tests.emulators.service import serve

pytestmark = pytest.mark.integration
KEY = "sk-secret-of-the-tests"


@pytest.fixture
async def openai() -> AsyncIterator[OpenAiEmulator]:
    """The service."""
    service = OpenAiEmulator(key=KEY)
    async with serve(service):
        yield service


@pytest.fixture
async def endpoint(openai: OpenAiEmulator) -> AsyncIterator[Endpoint]:
    """The endpoint of the service."""
    made = Endpoint(KEY, base_url=f"{openai.address}/v1", time_limit=1.0)
    yield made
    await made.close()


@pytest.fixture
async def stored(service: Settings) -> Callable[..., StoredFile]:
    """Names for files in storage."""
    del service

    def file(key: str, mime: str = "image/png", role: str = "image") -> StoredFile:
        return StoredFile(key, mime, 10, role=role)

    return file


async def put_picture(key: str, size: tuple[int, int] = (1600, 1200)) -> None:
    """Keep a real picture with transparency."""
    buffer = io.BytesIO()
    Image.new("RGBA", size, (200, 80, 40, 128)).save(buffer, "PNG")
    await storage.storage().put(key, buffer.getvalue(), mime="image/png")


@pytest.mark.parametrize("name", THRESHOLDS)
def test_each_threshold_of_the_table_refuses_from_its_score_on(name: str) -> None:
    """And not below it."""
    threshold, category = THRESHOLDS[name]
    assert category_of({name: threshold}) == category
    assert category_of({name: threshold - 0.001}) is None


def test_scores_that_are_not_in_the_table_refuse_nothing() -> None:
    """Battles and arguments are ordered every day; a category may come without a score."""
    assert category_of({"violence": 0.99, "harassment": 0.99, "hate": 0.99, "illicit": 0.99, "sexual": None}) is None


def test_minors_come_before_everything_else() -> None:
    """Of several categories the first of the table is told."""
    assert category_of({"sexual": 1.0, "sexual/minors": 1.0}) == "minors"


async def test_words_that_are_flagged_are_refused(endpoint: Endpoint) -> None:
    """By the scores, not by the service's own verdict."""
    assert await endpoint.category_of("a scene #flag=sexual", []) == "sexual"
    assert await endpoint.category_of("a scene #flag=violence", []) is None
    assert await endpoint.category_of("a fox", []) is None
    assert endpoint.missed == 0


async def test_pictures_are_asked_about_one_by_one_and_small(
    endpoint: Endpoint, openai: OpenAiEmulator, stored: Callable[..., StoredFile]
) -> None:
    """The service refuses two in a request; masks and videos show it nothing, a lost file is not its business."""
    await put_picture("a.png")
    await put_picture("b.png")
    files = [
        stored("a.png"),
        stored("b.png"),
        stored("m.png", role="mask"),
        stored("v.mp4", "video/mp4"),
        stored("gone.png"),
    ]
    assert await endpoint.category_of("a fox", files) is None
    inputs = sorted((call.body["input"] for call in openai.calls), key=lambda parts: parts[0]["type"])
    assert [parts[0]["type"] for parts in inputs] == ["image_url", "image_url", "text"]
    assert all(len(parts) == 1 for parts in inputs)
    url = inputs[0][0]["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,")
    assert len(url) < 60_000
    assert endpoint.missed == 0


async def test_nothing_to_look_at_asks_nobody(endpoint: Endpoint, openai: OpenAiEmulator) -> None:
    """An order without words and pictures."""
    assert await endpoint.category_of("  ", []) is None
    assert openai.calls == []


async def test_a_key_that_is_refused_is_told_to_the_operators(
    endpoint: Endpoint, openai: OpenAiEmulator, service: Settings
) -> None:
    """Nobody else would notice: orders go on. The key itself is not told."""
    del service
    openai.script("#echo")
    assert await endpoint.category_of("a scene #flag=sexual", []) is None
    [row] = await db.fetch("SELECT task, arguments FROM botapp_outbox")
    assert row["task"] == "bot.alert" and "moderation:auth_failed" in row["arguments"]
    assert KEY not in row["arguments"]


@pytest.mark.parametrize("markers", ["#status=500", "#busy", "#close", "#garbage", "#odd", "#delay=1.5"])
async def test_when_it_is_away_the_order_goes_on_and_is_counted(
    endpoint: Endpoint, openai: OpenAiEmulator, markers: str
) -> None:
    """Whatever it answers instead, within the time limit."""
    openai.script(markers)
    assert await endpoint.category_of("a scene #flag=sexual", []) is None
    assert endpoint.missed == 1


async def test_a_sick_service_is_left_alone_for_a_while(endpoint: Endpoint, openai: OpenAiEmulator) -> None:
    """It would slow every order down; one good answer makes it well again."""
    openai.script("#status=500", FAILURES_IN_A_ROW - 1)
    for _ in range(FAILURES_IN_A_ROW - 1):
        await endpoint.category_of("a fox", [])
    assert await endpoint.category_of("a scene #flag=sexual", []) == "sexual"
    openai.script("#status=500", FAILURES_IN_A_ROW)
    for _ in range(FAILURES_IN_A_ROW):
        await endpoint.category_of("a fox", [])
    calls = len(openai.calls)
    assert await endpoint.category_of("a scene #flag=sexual", []) is None
    assert len(openai.calls) == calls
    assert endpoint.missed == 2 * FAILURES_IN_A_ROW


async def test_a_service_that_nobody_can_reach_stops_no_order() -> None:
    """Nothing listens there."""
    endpoint = Endpoint(KEY, base_url="http://127.0.0.1:9/v1", time_limit=1.0)
    assert await endpoint.category_of("a scene #flag=sexual", []) is None
    assert endpoint.missed == 1
    await endpoint.close()


async def test_the_check_asks_it_after_the_words_and_remembers(service: Settings, openai: OpenAiEmulator) -> None:
    """Words that our own list refuses are not even sent."""
    settings = service.model_copy(update={"openai_api_key": SecretStr(KEY), "openai_base_url": f"{openai.address}/v1"})
    user = await users.upsert(users.Profile(4242, "fox", "Fox", "", "en"))
    await moderation.connect(settings)
    try:
        await moderation.check(user.id, "a fox in the snow")
        with pytest.raises(ContentRefused, match="hate"):
            await moderation.check(user.id, "a scene #flag=hate/threatening")
        with pytest.raises(ContentRefused, match="minors"):
            await moderation.check(user.id, "naked child")
        assert len(openai.calls) == 2
        sources = [row["source"] for row in await db.fetch("SELECT source FROM botapp_refusal ORDER BY id")]
        assert sources == ["moderation", "words"]
        await moderation.connect(settings.model_copy(update={"moderation_enabled": False}))
        await moderation.check(user.id, "a scene #flag=hate/threatening")
        assert len(openai.calls) == 2
    finally:
        await moderation.disconnect()
