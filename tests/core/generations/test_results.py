"""What a provider made is kept as what its bytes are, through a file, once, and what is missing is paid back once."""

from __future__ import annotations

import asyncio
import gzip
import io
import itertools
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import repeat
from pathlib import Path

import pytest

from core import catalog, db, ledger, providers, temporary, users
from core.generations import Generation, Stage, Status, fetching, jobs, results, story
from core.generations.fetching import MOST_BYTES
from core.storage import StorageUnavailable, StoredFile, storage
from providers.base import Finished, Media, Submitted
from providers.errors import ProviderUnavailable
from tests.core.clips import clip
from tests.core.generations.conftest import (
    Ordering,
    advance,
    assert_books_agree,
    balance,
    tasks_waiting,
)
from tests.core.generations.scripted import NOW, ScriptedProvider, picture
from tests.core.generations.site import Page, Site, site

pytestmark = pytest.mark.integration

PNG = picture().data or b""


@pytest.fixture
async def host() -> AsyncIterator[Site]:
    """The vendor's storage."""
    async with site() as opened:
        yield opened


@pytest.fixture
async def cdn() -> AsyncIterator[Site]:
    """Where the vendor's storage may send us on to."""
    async with site() as opened:
        yield opened


async def kind(of: str) -> None:
    """Have the ordered model make something else than pictures."""
    await db.execute("UPDATE botapp_aimodel SET type = $1 WHERE slug = 'nano-banana'", of)
    catalog.configure(providers.names())


async def events(generation: Generation) -> list[str]:
    """The steps of a generation's story."""
    return [step.event for step in await story(generation.run_code)]


async def refunds(user: users.User) -> list[str]:
    """Amounts of all refunds."""
    return [str(row.amount) for row in await ledger.statement(user.id) if row.kind is ledger.PostingKind.REFUND]


async def test_a_result_behind_a_link_is_kept_as_what_it_is(
    order: Ordering, first: ScriptedProvider, host: Site
) -> None:
    link = host.put("/result.jpg?token=secret", Page(body=PNG, headers={"Content-Type": "image/jpeg"}))
    first.answers.append(Finished((Media("image/jpeg", url=link, headers={"Authorization": "Bearer key"}),)))
    done = await advance(await order())
    (result,) = done.results
    assert (result.mime, result.size, result.width, result.height) == ("image/png", len(PNG), 32, 24)
    assert result.key == f"results/{done.created_at:%Y/%m}/{done.run_code}-0.png"
    assert await storage().read(result.key) == PNG
    assert host.asked[0][1]["authorization"] == "Bearer key"
    assert "secret" not in str(await story(done.run_code))


@pytest.mark.parametrize(("suffix", "mime"), [(".mp4", "video/mp4"), (".webm", "video/webm")])
async def test_a_film_is_kept_with_its_size_and_length(
    order: Ordering, first: ScriptedProvider, host: Site, suffix: str, mime: str
) -> None:
    await kind("video")
    film = clip("red", suffix=suffix, seconds=1.5)
    first.answers.append(Finished((Media("video/mp4", url=host.put("/film", Page(body=film))),)))
    (result,) = (await advance(await order())).results
    assert (result.mime, result.size, result.width, result.height) == (mime, len(film), 160, 90)
    assert result.seconds == pytest.approx(1.5, abs=0.1)
    assert result.key.endswith(suffix)


async def test_words_are_kept_as_plain_text(order: Ordering, first: ScriptedProvider, user: users.User) -> None:
    await kind("text")
    await db.execute("""UPDATE botapp_aimodel SET inputs = '[{"role": "image", "most": 1}]'""")
    catalog.configure(providers.names())
    await storage().put("uploads/in.png", PNG, mime="image/png")
    first.answers.append(Finished((Media("text/plain; charset=utf-8", data="лиса 🦊\n".encode()),)))
    done = await advance(await order(prompt="", images=(StoredFile("uploads/in.png", "image/png", len(PNG)),)))
    (result,) = done.results
    assert (result.mime, result.key[-4:]) == ("text/plain; charset=utf-8", ".txt")
    assert (await storage().read(result.key)).decode() == "лиса 🦊"
    assert first.jobs[-1].params["language"] == "en"


@pytest.mark.parametrize(
    ("of", "data"),
    [
        ("image", b"<html>502 Bad Gateway</html>"),
        ("image", b""),
        ("image", clip("red")),
        ("video", PNG),
        ("video", b"\x00" * 100),
        ("image", b"only words"),
    ],
)
async def test_what_is_not_what_was_ordered_is_a_failure_with_all_tokens_back(
    order: Ordering, first: ScriptedProvider, user: users.User, of: str, data: bytes
) -> None:
    await kind(of)
    first.answers.append(Finished((Media("image/png", data=data),)))
    failed = await advance(await order())
    assert (failed.status, failed.error_code) == (Status.ERROR, "bad_result")
    assert await balance(user) == "50.00"
    await assert_books_agree()


@pytest.mark.parametrize(("data"), [b"", b" \n", b"\xff\xfe", b"a\x00b", b"x" * 100_001])
async def test_what_are_no_words_are_a_failure(order: Ordering, first: ScriptedProvider, data: bytes) -> None:
    await kind("text")
    await storage().put("uploads/in.png", PNG, mime="image/png")
    first.answers.append(Finished((Media("text/plain", data=data),)))
    failed = await advance(await order(images=(StoredFile("uploads/in.png", "image/png", len(PNG)),)))
    assert failed.error_code == "bad_result"


async def test_fewer_than_ordered_pay_the_rest_back_once_and_say_so(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Finished((picture("red"), picture("blue")), blocked=1))
    done = await advance(await order(params={"quantity": 4}))
    assert (len(done.results), done.refunded) == (2, Decimal("1.60"))
    await advance(done, 3)
    assert await refunds(user) == ["1.60"]
    (told,) = [step.detail for step in await story(done.run_code) if step.event == "partial"]
    assert told == {"ordered": 4, "missing": 2, "blocked": 1}
    await assert_books_agree()


async def test_a_damaged_one_of_several_is_paid_back(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Finished((picture(), Media("image/png", data=b"broken"), picture("blue"))))
    done = await advance(await order(params={"quantity": 3}))
    assert len(done.results) == 2
    assert await refunds(user) == ["0.80"]


async def test_more_than_ordered_are_kept_and_cost_nothing(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Finished(tuple(picture(colour) for colour in ("red", "blue", "lime", "black"))))
    done = await advance(await order())
    assert (len(done.results), await refunds(user), await balance(user)) == (4, [], "49.20")


async def test_one_link_that_is_named_twice_is_one_result(
    order: Ordering, first: ScriptedProvider, user: users.User, host: Site
) -> None:
    link = host.put("/a", Page(body=PNG))
    first.answers.append(Finished((Media("image/png", url=link), Media("image/png", url=link))))
    done = await advance(await order(params={"quantity": 2}))
    assert len(done.results) == len(host.asked) == 1
    assert await refunds(user) == ["0.80"]


async def test_all_withheld_is_a_refusal_of_the_provider_and_not_damage(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Finished((), blocked=2))
    failed = await advance(await order(params={"quantity": 2}))
    assert (failed.status, failed.error_code) == (Status.ERROR, "content_blocked")
    assert await refunds(user) == ["1.60"]


async def test_expired_links_are_asked_for_again_and_the_cost_stays(
    order: Ordering, first: ScriptedProvider, host: Site
) -> None:
    dead, live = host.put("/dead", Page(403)), host.put("/live", Page(body=PNG))
    first.answers.append(Submitted("ext-1", NOW))
    first.polls.extend(
        [
            Finished((Media("image/png", url=dead),), cost_usd=Decimal("0.04")),
            Finished((Media("image/png", url=live),)),
        ]
    )
    waiting = await advance(await order(), 2)
    assert (waiting.stage, waiting.external_id) == (Stage.SUBMITTED, "ext-1")
    done = await advance(waiting)
    assert (done.stage, done.cost_usd) == (Stage.DELIVERING, Decimal("0.04"))
    assert len(first.jobs) == 1


async def test_pauses_before_fetching_again_grow(order: Ordering, first: ScriptedProvider, host: Site) -> None:
    dead = Finished((Media("image/png", url=host.put("/dead", Page(500))),))
    first.answers.append(Submitted("ext-1", NOW))
    first.polls.extend([dead] * 4)
    generation = await advance(await order())
    pauses = []
    for _ in range(4):
        await advance(generation)
        sql = "SELECT extract(epoch FROM next_action_at - now()) FROM botapp_genrequest WHERE id = $1"
        pauses.append(round(float(await db.fetch_value(sql, generation.id))))
    assert pauses == [3, 6, 12, 24]


async def test_a_result_that_never_comes_does_not_keep_the_others_back_for_ever(
    order: Ordering, first: ScriptedProvider, user: users.User, host: Site
) -> None:
    made = Finished((picture(), Media("image/png", url=host.put("/dead", Page(404)))))
    first.answers.append(Submitted("ext-1", NOW))
    first.polls.extend(repeat(made, 5))
    generation = await advance(await order(params={"quantity": 2}))
    for _ in range(4):
        assert (await advance(generation)).stage is Stage.SUBMITTED
    done = await advance(generation)
    assert (done.stage, len(done.results)) == (Stage.DELIVERING, 1)
    assert await refunds(user) == ["0.80"]
    assert (await tasks_waiting()).count("bot.deliver") == 1


async def test_storing_twice_after_a_crash_writes_the_same_keys_and_pays_back_once(
    order: Ordering, first: ScriptedProvider, user: users.User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    made = Finished((picture("red"), picture("blue")))
    first.polls.extend([made, made])
    generation = await advance(await order(params={"quantity": 3}))
    put = type(storage()).put
    written: list[str] = []

    async def crash_at_the_second(self: object, key: str, *args: object, **more: object) -> int:
        written.append(key)
        if len(written) == 2:
            raise RuntimeError("killed")
        return await put(self, key, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(type(storage()), "put", crash_at_the_second)
    with pytest.raises(BaseException, match=r"killed|sub-exception"):
        await advance(generation)
    done = await advance(generation, 2)
    assert done.stage is Stage.DELIVERING
    assert [file.key for file in done.results] == written[:2] == written[2:4]
    assert await refunds(user) == ["0.80"]
    await assert_books_agree()


@pytest.mark.parametrize("away_for", [1, 4])
async def test_a_result_that_came_with_the_answer_waits_for_the_storage(
    order: Ordering, first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch, away_for: int
) -> None:
    put = type(storage()).put
    tries = itertools.count(1)

    async def away_at_first(self: object, *args: object, **more: object) -> int:
        if next(tries) <= away_for:
            raise StorageUnavailable("no room")
        return await put(self, *args, **more)  # type: ignore[arg-type]

    generation = await order()
    monkeypatch.setattr(type(storage()), "put", away_at_first)
    monkeypatch.setattr(results, "STORAGE_PAUSES", (0.0,) * 4)
    done = await advance(generation)
    assert (done.stage, len(first.jobs)) == (Stage.DELIVERING, 1)


async def test_two_workers_that_store_the_same_result_deliver_and_pay_back_once(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    made = Finished((picture(),))
    first.polls.extend([made, made, made])
    generation = await advance(await order(params={"quantity": 2}))
    await asyncio.gather(*(advance(generation) for _ in range(3)))
    assert (await tasks_waiting()).count("bot.deliver") == 1
    assert await refunds(user) == ["0.80"]


async def fetched(tmp: io.BytesIO, media: Media) -> None:
    """Fetch a result into memory, for a test that looks at the bytes."""
    async with temporary.temporary_file() as path:
        await fetching.fetch(media, path)
        tmp.write(path.read_bytes())


async def test_redirects_are_followed_and_headers_stay_with_the_provider(host: Site, cdn: Site) -> None:
    target = cdn.put("/file", Page(body=PNG))
    host.put("/moved", Page(302, headers={"Location": target}))
    link = host.put("/start", Page(307, headers={"Location": "/moved"}))
    data = io.BytesIO()
    await fetched(data, Media("image/png", url=link, headers={"Authorization": "Bearer key", "X-Api-Key": "key"}))
    assert data.getvalue() == PNG
    assert [(path, "x-api-key" in headers) for path, headers in host.asked] == [("/start", True), ("/moved", True)]
    assert not {"authorization", "x-api-key", "cookie"} & set(cdn.asked[0][1])


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/", "data:text/plain,x"])
async def test_a_redirect_away_from_the_web_is_not_followed(host: Site, location: str) -> None:
    link = host.put("/start", Page(302, headers={"Location": location}))
    with pytest.raises(ProviderUnavailable):
        await fetched(io.BytesIO(), Media("image/png", url=link))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/x", "/relative", "http://", "http://[::1"])
async def test_a_link_that_is_none_of_the_web_is_not_followed(url: str) -> None:
    with pytest.raises(ProviderUnavailable):
        await fetched(io.BytesIO(), Media("image/png", url=url))


async def test_a_circle_of_redirects_ends(host: Site) -> None:
    link = host.put("/round", Page(302, headers={"Location": "/round"}))
    with pytest.raises(ProviderUnavailable, match="more than 5"):
        await fetched(io.BytesIO(), Media("image/png", url=link))
    assert len(host.asked) == 6


@pytest.mark.parametrize(
    "page",
    [
        Page(404),
        Page(500, b"oops"),
        Page(302),
        Page(body=PNG, is_cut=True),
        Page(body=b"", headers={"Content-Length": str(MOST_BYTES + 1)}),
    ],
)
async def test_what_cannot_be_had_is_told_without_the_link(host: Site, page: Page) -> None:
    link = host.put("/start?key=secret", page)
    with pytest.raises(ProviderUnavailable) as failure:
        await fetched(io.BytesIO(), Media("image/png", url=link))
    assert "secret" not in str(failure.value)


def endless() -> Iterator[bytes]:
    """Bytes without an end."""
    return repeat(b"x" * 65536)


async def test_a_result_without_an_end_is_cut_off(host: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 1024 * 1024)
    link = host.put("/start", Page(body=endless()))
    with pytest.raises(ProviderUnavailable, match="more than 1048576 bytes"):
        await fetched(io.BytesIO(), Media("image/png", url=link))


async def test_a_result_that_drips_ends_at_its_time(host: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LONGEST_SECONDS", 0.2)
    link = host.put("/start", Page(body=endless()))
    with pytest.raises(ProviderUnavailable, match="did not come"):
        await fetched(io.BytesIO(), Media("image/png", url=link))


async def test_a_large_film_passes_with_little_memory(order: Ordering, first: ScriptedProvider, host: Site) -> None:
    await kind("video")
    film = clip("red")
    # A box that players skip makes it 60 MB without anybody holding them.
    padding, count = b"\0" * 1024 * 1024, 60
    head = (len(padding) * count + 8).to_bytes(4, "big") + b"free"
    body = (film, head, *[padding] * count)
    first.answers.append(Finished((Media("video/mp4", url=host.put("/film", Page(body=body))),)))
    generation = await order()
    tracemalloc.start()
    try:
        done = await advance(generation)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert done.results[0].size == len(film) + 8 + len(padding) * count
    assert peak < 20 * 1024 * 1024


async def test_no_temporary_file_is_left(
    order: Ordering, first: ScriptedProvider, host: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first.answers.append(Finished((Media("image/png", url=host.put("/a", Page(body=PNG))),)))
    await advance(await order())
    first.answers.append(Finished((Media("image/png", url=host.put("/b", Page(body=b"broken"))),)))
    await advance(await order())
    assert temporary.folder().parent == tmp_path
    assert list(temporary.folder().iterdir()) == []


async def test_a_link_of_a_day_goes_to_the_provider_with_the_bytes(order: Ordering, first: ScriptedProvider) -> None:
    await storage().put("uploads/in.png", PNG, mime="image/png")
    await advance(await order(images=(StoredFile("uploads/in.png", "image/png", len(PNG)),)))
    (image,) = first.jobs[-1].images
    assert image.data == PNG
    assert image.url is not None
    assert image.url.startswith("http")
    assert timedelta(hours=24) <= jobs.LINK_LIFETIME


INSIDE = ("http://127.0.0.1:9/", "http://localhost:9/", "http://169.254.169.254/latest/meta-data/", "http://[::1]:9/")


@pytest.mark.parametrize("url", [*INSIDE, "http://10.1.2.3/", "http://[::ffff:127.0.0.1]:9/", "http://2130706433:9/"])
async def test_a_link_into_our_own_network_is_not_opened(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "hosts", frozenset)
    with pytest.raises(ProviderUnavailable, match="LinkNotSupported"):
        await fetched(io.BytesIO(), Media("image/png", url=url))


@pytest.mark.parametrize("url", INSIDE[1:])
async def test_a_redirect_into_our_own_network_is_not_followed(host: Site, url: str) -> None:
    link = host.put("/start", Page(302, headers={"Location": url}))
    with pytest.raises(ProviderUnavailable, match="LinkNotSupported"):
        await fetched(io.BytesIO(), Media("image/png", url=link))


async def test_a_packed_result_is_unpacked(host: Site) -> None:
    link = host.put("/packed", Page(body=gzip.compress(PNG), headers={"Content-Encoding": "gzip"}))
    data = io.BytesIO()
    await fetched(data, Media("image/png", url=link))
    assert data.getvalue() == PNG


async def test_a_result_that_says_it_is_packed_and_is_not_is_no_result(host: Site) -> None:
    link = host.put("/packed", Page(body=PNG, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(ProviderUnavailable, match="DecodingError"):
        await fetched(io.BytesIO(), Media("image/png", url=link))
