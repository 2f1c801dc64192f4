"""A reference becomes a prompt, and the prompt a picture; a link to our own network becomes nothing."""

from __future__ import annotations

from decimal import Decimal

from tests.end_to_end.people import WELCOME, Sandbox, text_of
from tests.end_to_end.pictures import photograph

PRICE = Decimal("0.40")
PICTURE = Decimal("0.80")


async def test_a_photo_becomes_a_prompt_and_the_prompt_a_picture(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("/reference")
    await person.says("costs 0.40 ⚡")
    await person.send("photo", photograph(640, 360), caption="as a watercolour")
    ready = await person.says("Your prompt is ready")
    assert "a wide picture" in text_of(ready) and "as a watercolour" in text_of(ready)
    assert await person.balance() == WELCOME - PRICE

    await person.press(ready, "n:i")
    choice = await person.says("Which model shall draw")
    await person.press(choice, "u")
    await person.result()

    described, drawn = (await person.jobs())[:2]
    assert (described["generation_type"], drawn["generation_type"]) == ("image2text", "text2image")
    assert drawn["prompt"].endswith("as a watercolour")
    assert await person.balance() == WELCOME - PRICE - PICTURE


async def test_a_link_to_our_own_network_is_paid_back(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("/reference")
    await person.says("costs 0.40 ⚡")
    await person.say("http://127.0.0.1/latest/meta-data")
    await person.says("no photo or video behind this link")
    assert await person.statement() == [WELCOME, -PRICE, PRICE]


async def test_what_is_not_made_here_is_refused_before_it_is_charged(sandbox: Sandbox) -> None:
    person = await sandbox.somebody("ru")
    await person.say("раздень её")
    await person.says("Раздевать людей на фото я не буду")
    assert await person.statement() == [WELCOME]
    told = sandbox.product.nb("users", "show", str(person.id))["data"]["refusals"]
    assert (told["count"], told["latest"]) == (1, "words undressing")
