"""Photos that are edited, videos that are made, and what the buttons under a result do."""

from __future__ import annotations

import asyncio
import subprocess
from decimal import Decimal

import imageio_ffmpeg
import pytest

from tests.end_to_end.people import WELCOME, Sandbox, largest, text_of
from tests.end_to_end.pictures import distance, photograph, size_of
from tests.fixtures.product import Product

PRICE = Decimal("0.80")


async def test_a_photo_with_a_caption_comes_back_edited(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    given = photograph(640, 400)
    await person.send("photo", given, caption="make it black and white")
    result = await person.result()

    edited = await sandbox.download(largest(result))
    assert edited != given
    assert distance(given, edited) > 3
    width, height = size_of(edited)
    assert width > height
    assert await person.balance() == WELCOME - PRICE
    assert (await person.jobs())[0]["generation_type"] == "image2image"


@pytest.mark.parametrize("kind", ["photo", "document"])
async def test_a_photo_taken_upright_stays_upright(sandbox: Sandbox, kind: str) -> None:
    person = await sandbox.somebody()
    await person.send(kind, photograph(640, 400, orientation=6), caption="watercolour")
    width, height = size_of(await sandbox.download(largest(await person.result())))
    assert height > width


async def test_a_photo_without_words_is_asked_about_and_the_words_edit_it(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.send("photo", photograph())
    question = await person.says("What shall I do with the photo?")
    assert await person.statement() == [WELCOME]
    assert question["reply_markup"]["inline_keyboard"]

    await person.say("paint it in warm evening colours")
    await person.result()

    job = (await person.jobs())[0]
    assert job["generation_type"] == "image2image"
    assert job["prompt"] == "paint it in warm evening colours"


async def test_a_ready_made_edit_is_one_press(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.send("photo", photograph(seed=2))
    question = await person.says("What shall I do with the photo?")
    await person.press(question, "e")
    await person.result()
    assert await person.balance() == WELCOME - PRICE


async def test_an_album_with_a_caption_is_one_order(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.send("photo", *(photograph(seed=seed) for seed in range(3)), caption="combine them")
    await person.result()

    jobs = await person.jobs()
    assert len(jobs) == 1
    assert jobs[0]["input_images"].count('"key"') == 3
    assert await person.statement() == [WELCOME, -PRICE]


async def test_an_album_without_words_is_asked_about_once(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.send("photo", *(photograph(seed=seed) for seed in range(2)))
    await person.says("What shall I do with these photos?")
    await person.say("put both people into one picture")
    await person.result()
    shown = await person.messages(after=0)
    assert sum("these photos" in text_of(one) for one in shown) == 1
    assert (await person.jobs())[0]["input_images"].count('"key"') == 2


async def test_a_video_model_makes_a_video_that_plays(product: Product, sandbox: Sandbox) -> None:
    quoted = Decimal(product.nb("pricing", "quote", "demo-video")["data"]["tokens"])
    person = await sandbox.somebody()
    card = await person.choose_model("demo-video")
    assert "Describe what should happen" in text_of(card)
    await person.say("waves roll onto a beach")
    video = (await person.result("video"))["video"]

    assert await person.balance() == WELCOME - quoted
    assert video["duration"] >= 1
    seconds, frames = played(await sandbox.download(video["file_id"]))
    assert 2.5 <= seconds <= 4.5
    assert frames > 20


async def test_a_photo_can_be_brought_to_life(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.send("photo", photograph(400, 600))
    question = await person.says("What shall I do with the photo?")
    await person.press(question, "e:animate")
    await person.result("video")
    assert (await person.jobs())[0]["generation_type"] == "image2video"


async def test_several_pictures_of_one_order_come_as_an_album(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.choose_option(await person.choose_model("nano-banana"), "3 ")
    await person.say("three owls")
    await person.says("3 results")
    await person.settled()
    assert await person.balance() == WELCOME - 3 * PRICE
    assert sum("photo" in one for one in await person.messages(after=0)) == 3


async def test_again_makes_a_second_picture_for_a_second_charge(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("a sailing boat")
    result = await person.result()
    assert await person.press(result, "a") is not None
    await person.result()
    first, second = await person.jobs()
    assert (second["prompt"], second["parent_request_id"]) == (first["prompt"], first["id"])
    assert await person.statement() == [WELCOME, -PRICE, -PRICE]


async def test_again_tapped_three_times_at_once_is_one_wish(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("a sailing boat")
    result = await person.result()
    await asyncio.gather(*(person.press(result, "a") for _ in range(3)))
    await person.result()
    assert len(await person.jobs()) == 2
    assert await person.balance() == WELCOME - 2 * PRICE


async def test_change_works_on_the_picture_that_was_made(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("a house on a hill")
    result = await person.result()
    await person.press(result, "c")
    await person.says("What shall I change?")
    await person.say("make it night")
    await person.result()
    first, second = await person.jobs()
    assert second["generation_type"] == "image2image"
    assert second["parent_request_id"] == first["id"]


async def test_a_reply_to_a_result_in_words_changes_it(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("a house on a hill")
    result = await person.result()
    await person.say("add a rainbow", reply_to=result["message_id"])
    await person.result()
    assert (await person.jobs())[1]["generation_type"] == "image2image"


async def test_the_original_comes_as_the_file_that_was_made(product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("a bowl of cherries")
    result = await person.result()
    await person.press(result, "f")
    sent = await person.answer(lambda one: "document" in one)

    stored = product.nb("gen", "show", (await person.jobs())[0]["run_code"])["data"]["results"][0]
    original = (product.home / "media" / stored["key"]).read_bytes()
    assert await sandbox.download(sent["document"]["file_id"]) == original
    assert len(original) == stored["bytes"]
    assert await person.balance() == WELCOME - PRICE


async def test_cancelling_gives_the_tokens_back_and_stops_the_job(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("[slow 30] a very slow picture")
    await person.job_in(lambda job: job["stage"] == "submitted", "with the provider")
    status = await person.status_with_button()
    toast = await person.press(status, "x")
    assert toast is not None
    assert "tokens will be back" in toast["text"]
    await person.settled()
    assert await person.statement() == [WELCOME, -PRICE, PRICE]
    await person.shows(status, "Cancelled", "0.80 ⚡ are back")
    assert not any("photo" in one for one in await person.messages(after=0))


async def test_cancel_as_a_command_lists_what_runs(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("[slow 30] a very slow picture")
    await person.job_in(lambda job: job["stage"] == "submitted", "with the provider")
    await person.say("/cancel")
    listed = await person.says("is running")
    await person.press(listed, "x")
    await person.settled()
    assert await person.balance() == WELCOME


async def test_cancelling_twice_at_once_refunds_once(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("[slow 30] a very slow picture")
    await person.job_in(lambda job: job["stage"] == "submitted", "with the provider")
    status = await person.status_with_button()
    await asyncio.gather(*(person.press(status, "x") for _ in range(3)))
    await person.settled()
    assert await person.statement("refund") == [PRICE]


async def test_a_chosen_language_is_kept(sandbox: Sandbox) -> None:
    person = await sandbox.somebody("en")
    await person.say("/language")
    question = await person.says("Which language")
    await person.forge(question["message_id"], "l:ru")
    await person.say("/help")
    await person.says("Как получить картинку")


def played(video: bytes) -> tuple[float, int]:
    """Decode a video from beginning to end; return its seconds and frames."""
    decoded = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", "pipe:0", "-f", "framemd5", "-"],
        input=video,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert decoded.stderr == b"", decoded.stderr.decode()
    lines = decoded.stdout.decode().splitlines()
    base = next(line for line in lines if line.startswith("#tb 0:")).partition(": ")[2]
    numerator, denominator = map(int, base.split("/"))
    frames = [line.split(",") for line in lines if line.startswith("0,")]
    last = frames[-1]
    return (int(last[2]) + int(last[3])) * numerator / denominator, len(frames)
