"""What a link leads to becomes the input of a job: cleaned, in storage, or the job ends with its tokens back."""

from __future__ import annotations

import io
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core import catalog, ledger, providers, references, storage, users
from core.generations import Generation, ImageRequired, Order, OrderRefused, Status, execution, get, submit
from core.generations.failures import policy_for
from core.queue import outbox
from core.references.errors import FAILURES, LinkFailed, LinkNotSupported, LinkTooLarge, LinkTooLong
from core.references.limits import Limits
from core.settings import Settings
from core.types import IdempotencyKey, TraceId
from providers.base import Finished, Media, MediaKind, MediaRole
from tests.core.generations.scripted import ScriptedProvider
from tests.core.references.website import Website, gate
from tests.emulators import media

pytestmark = pytest.mark.integration
Ordering = Callable[..., Awaitable[Generation]]
WORDS = Media("text/plain; charset=utf-8", data=b"a red fox in the snow")
_keys = itertools.count()


@pytest.fixture
async def describer(service: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedProvider]:
    """The provider that describes; nobody publishes what is written to the outbox."""
    del service

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)
    provider = ScriptedProvider()
    providers.use("demo", provider)
    catalog.configure(providers.names())
    yield provider


@pytest.fixture
async def somebody(describer: ScriptedProvider) -> users.User:
    """A person with 50 tokens."""
    del describer
    person = await users.upsert(users.Profile(4242, "fox", "Fox", "", "en"))
    await ledger.give_welcome_bonus(person.id)
    return person


@pytest.fixture
def order(somebody: users.User) -> Ordering:
    """Order a description; keywords are fields of `Order`."""

    async def place(**fields: Any) -> Generation:
        values: dict[str, Any] = {
            "user": somebody,
            "model": references.MODEL,
            "prompt": "",
            "key": IdempotencyKey(f"reference-{next(_keys)}"),
            "language": "en",
            "trace_id": TraceId("0" * 32),
        }
        return await submit(Order(**{**values, **fields}))

    return place


def jpeg(size: tuple[int, int] = (80, 60)) -> bytes:
    """A picture that says where it was taken."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    Image.new("RGB", size, "red").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


async def test_a_picture_is_cleaned_and_kept(website: Website, order: Ordering) -> None:
    """As one that a user sent. Fetched again after a crash it is the same file."""
    website.page("/fox", jpeg(), Content_Type="text/plain")
    generation = await order(source_url=website.address("/fox"))
    first = await references.fetch_input(generation, gate=gate())
    file = await references.fetch_input(generation, gate=gate())
    assert file is not None and file == first
    assert (file.mime, file.width, file.height, file.role) == ("image/jpeg", 80, 60, "image")
    assert file.key == f"references/{generation.run_code}.jpg"
    kept = await storage.storage().read(file.key)
    assert len(kept) == file.size and b"secret place" not in kept


async def test_a_video_is_kept_as_a_video(website: Website, order: Ordering) -> None:
    """With its length, by which it is refused when it is too long."""
    film = await media.film("16:9")
    website.page("/fox.mp4", film)
    generation = await order(source_url=website.address("/fox.mp4"))
    file = await references.fetch_input(generation, gate=gate())
    assert file is not None
    assert (file.mime, file.role, file.size) == ("video/mp4", MediaRole.VIDEO.value, len(film))
    assert file.seconds > 0
    with pytest.raises(LinkTooLong):
        await references.fetch_input(generation, gate=gate(), limits=Limits(length=0))


async def test_what_is_no_picture_or_video_is_refused(website: Website, order: Ordering) -> None:
    """By its bytes, whatever its name and type say; a bomb of pixels is too large."""
    website.page("/fox.jpg", b"%PDF-1.4 nonsense", Content_Type="image/jpeg")
    with pytest.raises(LinkNotSupported):
        await references.fetch_input(await order(source_url=website.address("/fox.jpg")), gate=gate())
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    website.page("/bomb.png", buffer.getvalue())
    with pytest.raises(LinkTooLarge):
        await references.fetch_input(await order(source_url=website.address("/bomb.png")), gate=gate())


async def test_nothing_is_fetched_where_nothing_has_to_be(order: Ordering, tmp_path: Path) -> None:
    """A video on YouTube is read by the provider."""
    del tmp_path
    generation = await order(source_url="https://youtu.be/abcdefghijk?si=x")
    assert await references.fetch_input(generation) is None
    assert references.readable_address(generation) == "https://www.youtube.com/watch?v=abcdefghijk"


async def test_a_description_needs_something_to_describe(order: Ordering, somebody: users.User) -> None:
    """Words alone are refused, and so is a link that is none; nothing is charged."""
    with pytest.raises(OrderRefused):
        await order(prompt="make it blue")
    with pytest.raises(ImageRequired):
        await order()
    for link in ("file:///etc/passwd", "http://user@example.com/", "http://localhost/"):
        with pytest.raises(OrderRefused):
            await order(source_url=link)
    assert str(await ledger.balance_of(somebody.id)) == "50.00"


async def test_a_video_of_youtube_is_described_and_its_words_are_the_result(
    order: Ordering, describer: ScriptedProvider, somebody: users.User
) -> None:
    """The provider is told the address, the wishes and the language."""
    describer.answers.append(Finished((WORDS,)))
    generation = await order(source_url="https://youtu.be/abcdefghijk", prompt="in winter")
    await execution.advance(generation.run_code)
    [job] = describer.jobs
    assert (job.kind, job.prompt, job.images) == (MediaKind.TEXT, "in winter", ())
    assert job.params["source_url"] == "https://www.youtube.com/watch?v=abcdefghijk"
    assert job.params["language"] == "en"
    done = await get(generation.run_code)
    [file] = done.results
    assert await storage.storage().read(file.key) == WORDS.data
    assert str(await ledger.balance_of(somebody.id)) == "49.60"


@pytest.mark.parametrize("link", ["http://127.0.0.1/secret", "http://127.0.0.1:6379/", "https://[::1]/"])
async def test_a_link_to_our_own_network_ends_the_job_with_its_tokens_back(
    order: Ordering, describer: ScriptedProvider, somebody: users.User, link: str
) -> None:
    """With the gate as it is in production; the provider is never asked."""
    generation = await order(source_url=link)
    assert str(await ledger.balance_of(somebody.id)) == "49.60"
    await execution.advance(generation.run_code)
    ended = await get(generation.run_code)
    assert (ended.status, ended.error_code) == (Status.ERROR, "link_not_supported")
    assert str(await ledger.balance_of(somebody.id)) == "50.00"
    assert describer.jobs == []


@pytest.mark.parametrize("failure", [LinkFailed, *FAILURES])
def test_a_link_that_fails_wakes_no_operator(failure: type[LinkFailed]) -> None:
    """It is the user's link, or a site's mood: the tokens go back, and that is all."""
    policy = policy_for(failure("why"))
    assert not policy.alerts and not policy.next_route and policy.retries == 0
