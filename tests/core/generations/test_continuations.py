"""What is made from results: by the provider that made them, from their file, or from the last frame of a film."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core import catalog, db, films, generations, providers, storage, users
from core.catalog import FollowUpKind
from core.generations import Continuation, Generation, ParentUnusable, Stage, Status, continuations, story
from core.storage import StoredFile
from providers.base import Action, ActionKind, Finished, Media, MediaRole, Submitted
from providers.errors import ProviderUnavailable
from tests.core.clips import clip, colours
from tests.core.generations.conftest import Ordering, advance, assert_books_agree, balance
from tests.core.generations.scripted import NOW, ScriptedProvider, picture

pytestmark = pytest.mark.integration

VARY, UPSCALE = Continuation(FollowUpKind.VARY), Continuation(FollowUpKind.UPSCALE)
ANIMATE, EXTEND = Continuation(FollowUpKind.ANIMATE), Continuation(FollowUpKind.EXTEND)
FOLLOW_UPS = [
    {"kind": "vary", "model": "midjourney-vary"},
    {"kind": "upscale", "model": "midjourney-upscale"},
    {"kind": "vary", "model": "nano-banana-pro"},
    {"kind": "animate", "model": "demo-video"},
]
EXTENDING = [{"kind": "extend", "model": "demo-video"}]


def film(colour: str = "red", **more: Any) -> Media:
    """A finished film."""
    return Media("video/mp4", data=clip(colour, **more))


async def edit(slug: str, **columns: Any) -> None:
    """Edit a model as an operator may; lists are JSON."""
    for name, value in columns.items():
        written = json.dumps(value) if isinstance(value, list) else value
        await db.execute(f"UPDATE botapp_aimodel SET {name} = $2 WHERE slug = $1", slug, written)
    catalog.configure(providers.names())


@pytest.fixture(autouse=True)
async def shelf(first: ScriptedProvider) -> None:
    """Models over two providers, of which `first` goes on with jobs of its own."""
    await edit("nano-banana", follow_ups=FOLLOW_UPS)
    for slug in ("midjourney-vary", "midjourney-upscale"):
        await edit(slug, routes=[{"provider": "first", "model": "mj"}], follow_ups=[], inputs=[])
    both = [{"provider": "first", "model": "film-1"}, {"provider": "second", "model": "film-2"}]
    await edit("nano-banana-pro", routes=both)
    await edit("demo-video", routes=both, inputs=[{"role": "start", "most": 1}], follow_ups=EXTENDING)
    await edit("demo-video", cooldown_seconds=0)


async def delivered(generation: Generation, times: int = 1) -> Generation:
    """Have a job made and handed over."""
    ready = await advance(generation, times)
    assert ready.stage is Stage.DELIVERING, ready.error_message
    await generations.claim_delivery(ready.run_code)
    await generations.record_delivery(ready.run_code, [1])
    return await generations.get(ready.run_code)


@pytest.fixture
async def pictures(order: Ordering, first: ScriptedProvider) -> Generation:
    """Four pictures that the first provider made as its job `ext-1`."""
    first.answers.append(Submitted("ext-1", NOW))
    first.polls.append(Finished(tuple(picture(colour) for colour in ("red", "lime", "blue", "black"))))
    return await delivered(await order(params={"quantity": 4}), 2)


@pytest.fixture
async def red_film(order: Ordering, first: ScriptedProvider) -> Generation:
    """A film of a second that the first provider made as its job `film-1`."""
    first.answers.append(Submitted("film-1", NOW))
    first.polls.append(Finished((film("red"),)))
    return await delivered(await order(model="demo-video"), 2)


async def stored(file: StoredFile, folder: Path) -> Path:
    """Return a stored file on this machine."""
    path = folder / "film.mp4"
    await storage.storage().fetch_to(file.key, path)
    return path


async def events(generation: Generation) -> list[str]:
    """The steps of a generation's story."""
    return [step.event for step in await story(generation.run_code)]


@pytest.mark.parametrize(
    ("continuation", "model", "action"),
    [
        (Continuation(FollowUpKind.VARY, 2), "midjourney-vary", Action(ActionKind.VARY, "ext-1", 2)),
        (Continuation(FollowUpKind.UPSCALE, 4), "midjourney-upscale", Action(ActionKind.UPSCALE, "ext-1", 4)),
    ],
)
async def test_a_provider_is_told_which_job_of_its_own_to_go_on_with(
    order: Ordering,
    first: ScriptedProvider,
    pictures: Generation,
    continuation: Continuation,
    model: str,
    action: Action,
) -> None:
    child = await order(model=model, prompt="", parent=pictures.run_code, continuation=continuation)
    done = await delivered(child)
    job = first.jobs[-1]
    assert (job.action, job.images, job.prompt) == (action, (), pictures.prompt)
    assert (done.parent, done.continuation, len(done.results)) == (pictures.run_code, continuation, 1)
    await assert_books_agree()


async def test_the_follow_ups_model_says_what_it_costs(order: Ordering, pictures: Generation, user: users.User) -> None:
    offers = {(one.kind.value, one.model.slug): one for one in await continuations.offers(pictures)}
    assert set(offers) == {(one["kind"], one["model"]) for one in FOLLOW_UPS}
    before = await balance(user)
    offer = offers["upscale", "midjourney-upscale"]
    child = await order(
        model="midjourney-upscale",
        parent=pictures.run_code,
        continuation=UPSCALE,
        params=offer.params,
        agreed=offer.price,
    )
    assert child.tokens == offer.price
    assert float(before) - float(await balance(user)) == pytest.approx(float(offer.price))


async def test_another_provider_cannot_go_on_with_the_job_and_nothing_is_charged(
    order: Ordering, pictures: Generation, user: users.User
) -> None:
    await edit("midjourney-upscale", routes=[{"provider": "second", "model": "mj"}])
    before = await balance(user)
    with pytest.raises(ParentUnusable):
        await order(model="midjourney-upscale", parent=pictures.run_code, continuation=UPSCALE)
    assert await balance(user) == before
    assert ("upscale", "midjourney-upscale") not in {
        (one.kind.value, one.model.slug) for one in await continuations.offers(pictures)
    }


async def test_a_job_without_an_id_at_the_provider_is_not_gone_on_with(order: Ordering, user: users.User) -> None:
    at_once = await delivered(await order())
    before = await balance(user)
    with pytest.raises(ParentUnusable):
        await order(model="midjourney-upscale", parent=at_once.run_code, continuation=UPSCALE)
    assert await balance(user) == before


@pytest.mark.parametrize(
    "change",
    [
        "completed_at = now() - interval '15 days'",
        "files_removed_at = now()",
        "status = 'error', stage = 'finished'",
        "results = '[]'",
    ],
)
async def test_a_result_that_is_too_old_gone_or_never_was_is_refused_before_it_is_paid(
    order: Ordering, pictures: Generation, user: users.User, change: str
) -> None:
    await db.execute(f"UPDATE botapp_genrequest SET {change} WHERE id = $1", pictures.id)
    before = await balance(user)
    with pytest.raises(ParentUnusable):
        await order(model="midjourney-upscale", parent=pictures.run_code, continuation=UPSCALE)
    assert await balance(user) == before


async def test_a_result_whose_file_is_gone_is_refused_before_it_is_paid(
    order: Ordering, pictures: Generation, user: users.User
) -> None:
    await storage.storage().delete(pictures.results[0].key)
    before = await balance(user)
    with pytest.raises(ParentUnusable):
        await order(model="demo-video", parent=pictures.run_code, continuation=ANIMATE)
    assert await balance(user) == before


@pytest.mark.parametrize(
    ("model", "continuation"),
    [
        ("demo-video", EXTEND),
        ("demo-video", VARY),
        ("nano-banana", VARY),
        ("midjourney-upscale", Continuation(FollowUpKind.UPSCALE, 5)),
        ("midjourney-upscale", Continuation(FollowUpKind.UPSCALE, 0)),
    ],
)
async def test_what_is_not_offered_under_a_result_is_refused(
    order: Ordering, pictures: Generation, user: users.User, model: str, continuation: Continuation
) -> None:
    before = await balance(user)
    with pytest.raises(ParentUnusable):
        await order(model=model, parent=pictures.run_code, continuation=continuation)
    assert await balance(user) == before


async def test_nobody_goes_on_with_what_is_not_theirs(order: Ordering, pictures: Generation) -> None:
    stranger = await users.upsert(users.Profile(777, "wolf", "Wolf", "", "en"))
    for fields in (
        {"model": "demo-video", "continuation": ANIMATE},
        {"model": "nano-banana"},
    ):
        with pytest.raises(ParentUnusable):
            await order(user=stranger, parent=pictures.run_code, **fields)
    with pytest.raises(ParentUnusable):
        await order(model="demo-video", continuation=ANIMATE)
    with pytest.raises(ParentUnusable):
        await order(parent="0" * 32)


async def test_one_key_continues_once(order: Ordering, pictures: Generation, user: users.User) -> None:
    fields = {
        "model": "midjourney-upscale",
        "parent": pictures.run_code,
        "continuation": UPSCALE,
        "key": "the same press",
    }
    first = await order(**fields)
    after = await balance(user)
    # What can be continued the first time may be gone the second time; the job that was ordered stands.
    await db.execute("UPDATE botapp_genrequest SET files_removed_at = now() WHERE id = $1", pictures.id)
    assert (await order(**fields)).run_code == first.run_code
    assert await balance(user) == after


async def test_a_picture_is_the_first_frame_of_the_film_it_becomes(
    order: Ordering, first: ScriptedProvider, pictures: Generation
) -> None:
    first.answers.append(Finished((film("lime"),)))
    chosen = Continuation(FollowUpKind.ANIMATE, 2)
    child = await order(model="demo-video", prompt="wind", parent=pictures.run_code, continuation=chosen)
    done = await delivered(child)
    job = first.jobs[-1]
    assert (job.action, job.prompt, [image.role for image in job.images]) == (None, "wind", [MediaRole.START])
    image = Image.open(io.BytesIO(job.images[0].data)).convert("RGB")
    assert image.getpixel((5, 5)) == (0, 255, 0), "the second of the pictures"
    assert (done.images[0].key, done.images[0].role) == (pictures.results[1].key, "start")
    assert (done.results[0].mime, done.results[0].width) == ("video/mp4", 160)
    assert done.results[0].seconds == pytest.approx(1.0, abs=0.1)


async def test_a_model_that_takes_pictures_varies_the_file_whoever_made_it(
    order: Ordering, second: ScriptedProvider, first: ScriptedProvider, pictures: Generation
) -> None:
    await edit("nano-banana-pro", routes=[{"provider": "second", "model": "edit"}])
    child = await order(model="nano-banana-pro", parent=pictures.run_code, continuation=VARY)
    await delivered(child)
    job = second.jobs[-1]
    assert (job.action, [image.role for image in job.images]) == (None, [MediaRole.IMAGE])


async def test_a_film_is_continued_from_its_last_frame_and_comes_as_one(
    order: Ordering, first: ScriptedProvider, red_film: Generation, tmp_path: Path
) -> None:
    first.answers.append(Submitted("film-2", NOW))
    first.polls.append(Finished((film("blue", size=(90, 160), has_sound=True),)))
    child = await order(model="demo-video", prompt="", parent=red_film.run_code, continuation=EXTEND)
    assert child.images == ()
    done = await delivered(child, 2)
    (frame,) = first.jobs[-1].images
    assert (first.jobs[-1].action, frame.role, frame.mime) == (None, MediaRole.START, "image/jpeg")
    with Image.open(io.BytesIO(frame.data)) as image:
        red, green, blue = image.convert("RGB").getpixel((80, 45))  # type: ignore[misc]
        assert image.size == (160, 90)
        assert red > 200
        assert green < 60 > blue
    (result,) = done.results
    path = await stored(result, tmp_path)
    made = await films.look(path)
    assert (made.width, made.height, made.has_sound) == (160, 90, True)
    assert (result.width, result.height) == (160, 90)
    assert result.seconds == pytest.approx(2.0, abs=0.2)
    assert colours(path, 0.5, 1.5) == ["red", "blue"]
    assert done.continuation == Continuation(FollowUpKind.EXTEND, 1, from_frame=True)
    assert [one for one in await events(done) if one in {"frame_taken", "joined"}] == ["frame_taken", "joined"]
    await assert_books_agree()


async def test_a_film_is_continued_again_and_again(
    order: Ordering, first: ScriptedProvider, red_film: Generation, tmp_path: Path
) -> None:
    parent = red_film
    for colour in ("lime", "blue"):
        first.answers.append(Finished((film(colour),)))
        parent = await delivered(await order(model="demo-video", parent=parent.run_code, continuation=EXTEND))
    path = await stored(parent.results[0], tmp_path)
    assert colours(path, 0.5, 1.5, 2.5) == ["red", "green", "blue"]


@pytest.fixture
async def extends(shelf: None) -> None:
    """The first provider goes on with films of its own; the second one animates frames."""
    await edit(
        "demo-video",
        routes=[
            {"provider": "first", "model": "film-1", "extends": True},
            {"provider": "second", "model": "film-2"},
        ],
    )


@pytest.mark.usefixtures("extends")
@pytest.mark.parametrize(
    ("is_continuation", "seconds", "seen"),
    [
        (False, 2.0, ["blue", "blue"]),
        (True, 1.0, ["red", "blue"]),
        (True, 2.0, ["red", "blue", "blue"]),
        # It says nothing, and a whole film would be longer than the one that it began with.
        (False, 1.0, ["red", "blue"]),
    ],
)
async def test_a_provider_that_extends_is_given_its_own_job(
    order: Ordering,
    first: ScriptedProvider,
    red_film: Generation,
    tmp_path: Path,
    is_continuation: bool,
    seconds: float,
    seen: list[str],
) -> None:
    first.answers.append(Finished((film("blue", seconds=seconds),), is_continuation=is_continuation))
    done = await delivered(await order(model="demo-video", parent=red_film.run_code, continuation=EXTEND))
    assert first.jobs[-1].action == Action(ActionKind.EXTEND, "film-1", 1)
    assert first.jobs[-1].images == ()
    assert done.continuation == EXTEND
    path = await stored(done.results[0], tmp_path)
    assert colours(path, *(number + 0.5 for number in range(len(seen)))) == seen


@pytest.mark.usefixtures("extends")
async def test_where_the_provider_is_away_another_one_goes_on_from_the_last_frame(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, red_film: Generation, tmp_path: Path
) -> None:
    first.answers.extend([ProviderUnavailable("away")] * 9)
    second.answers.append(Finished((film("blue"),)))
    child = await order(model="demo-video", parent=red_film.run_code, continuation=EXTEND)
    done = await advance(child, 6)
    assert (done.provider, done.stage) == ("second", Stage.DELIVERING)
    assert [image.role for image in second.jobs[-1].images] == [MediaRole.START]
    assert colours(await stored(done.results[0], tmp_path), 0.5, 1.5) == ["red", "blue"]


@pytest.mark.usefixtures("extends")
async def test_a_film_that_we_joined_is_not_given_to_who_knows_only_its_end(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, red_film: Generation
) -> None:
    await edit("demo-video", routes=[{"provider": "first", "model": "film-1"}])
    first.answers.append(Submitted("film-2", NOW))
    first.polls.append(Finished((film("blue"),)))
    joined = await delivered(await order(model="demo-video", parent=red_film.run_code, continuation=EXTEND), 2)
    await edit("demo-video", routes=[{"provider": "first", "model": "film-1", "extends": True}])
    first.answers.append(Finished((film("lime"),)))
    done = await delivered(await order(model="demo-video", parent=joined.run_code, continuation=EXTEND))
    assert first.jobs[-1].action is None
    assert done.results[0].seconds == pytest.approx(3.0, abs=0.3)


async def test_a_worker_that_dies_after_the_frame_was_taken_takes_no_other(
    order: Ordering, first: ScriptedProvider, red_film: Generation
) -> None:
    def die() -> None:
        raise RuntimeError("killed")

    child = await order(model="demo-video", parent=red_film.run_code, continuation=EXTEND)
    first.on_submit = die
    with pytest.raises(RuntimeError):
        await advance(child)
    first.on_submit = lambda: None
    first.answers.append(Finished((film("blue"),)))
    done = await advance(child, 3)
    assert done.stage is Stage.DELIVERING
    assert (await events(done)).count("frame_taken") == 1
    assert [file.key for file in done.images] == [continuations.frame_key(done)]


async def test_a_film_that_cannot_be_joined_is_delivered_by_itself_and_somebody_hears_of_it(
    order: Ordering, first: ScriptedProvider, red_film: Generation
) -> None:
    first.answers.append(Submitted("film-2", NOW))
    child = await order(model="demo-video", parent=red_film.run_code, continuation=EXTEND)
    await advance(child)
    await storage.storage().delete(red_film.results[0].key)
    first.polls.append(Finished((film("blue"),)))
    done = await advance(child)
    assert done.results[0].seconds == pytest.approx(1.0, abs=0.2)
    assert "not_joined" in await events(done)


async def test_a_frame_that_cannot_be_taken_ends_the_job_with_all_tokens_back(
    order: Ordering, first: ScriptedProvider, red_film: Generation, user: users.User
) -> None:
    before = await balance(user)
    child = await order(model="demo-video", parent=red_film.run_code, continuation=EXTEND)
    await storage.storage().put(red_film.results[0].key, b"no film any more", mime="video/mp4")
    asked = len(first.jobs)
    failed = await advance(child)
    assert (failed.status, len(first.jobs)) == (Status.ERROR, asked)
    assert await balance(user) == before
    await assert_books_agree()


async def test_a_film_that_is_as_long_as_films_may_be_is_not_continued(
    order: Ordering, red_film: Generation, user: users.User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "LONGEST_SECONDS", 1.0)
    before = await balance(user)
    with pytest.raises(generations.VideoTooLong) as refusal:
        await order(model="demo-video", parent=red_film.run_code, continuation=EXTEND)
    assert refusal.value.limit == 1.0
    assert await balance(user) == before


async def test_a_repeated_continuation_begins_with_its_own_frame(
    order: Ordering, first: ScriptedProvider, red_film: Generation
) -> None:
    first.answers.append(Finished((film("blue"),)))
    once = await delivered(await order(model="demo-video", parent=red_film.run_code, continuation=EXTEND))
    first.answers.append(Finished((film("lime"),)))
    # As a form may send it: with the inputs and the continuation as the row has them.
    again = await order(model="demo-video", parent=once.parent, continuation=once.continuation, images=once.images)
    done = await delivered(again)
    assert [file.key for file in done.images] == [continuations.frame_key(done)]
    assert len(first.jobs[-1].images) == 1


async def test_offers_end_with_the_files_and_with_a_model_that_is_off(pictures: Generation) -> None:
    await edit("demo-video", is_active=False)
    kinds = {one.model.slug for one in await continuations.offers(pictures)}
    assert kinds == {"midjourney-vary", "midjourney-upscale", "nano-banana-pro"}
    await db.execute("UPDATE botapp_genrequest SET files_removed_at = now() WHERE id = $1", pictures.id)
    assert await continuations.offers(await generations.get(pictures.run_code)) == []
