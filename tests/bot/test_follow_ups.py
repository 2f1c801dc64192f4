"""Going on from a result: which one, with which words, at the price on the button, and nothing from somebody else's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.buttons import Button
from core import catalog, db, providers
from core.catalog import FollowUpKind
from core.generations import Continuation
from providers.base import Finished, Media
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.scripted import ScriptedProvider, picture

pytestmark = pytest.mark.integration


async def offer(*follow_ups: tuple[str, str], of: str = "nano-banana") -> None:
    """Let a model's results be continued in these ways by these models."""
    await db.execute(
        "UPDATE botapp_aimodel SET follow_ups = $2 WHERE slug = $1",
        of,
        json.dumps([{"kind": kind, "model": model} for kind, model in follow_ups]),
    )
    catalog.configure(providers.names())


@pytest.fixture
async def shown(mia: Person, world: World, telegram: FakeTelegram) -> dict[str, Any]:
    """A picture of Mia's that can be animated, as it stands in the chat."""
    await offer(("animate", "demo-video"), ("vary", "nano-banana"))
    await mia.send("a fox")
    await world.work()
    return telegram.last


async def test_a_result_offers_what_can_be_made_from_it_with_its_price(shown: dict[str, Any]) -> None:
    assert {"🎬 Animate · 2.40 ⚡", "🎲 Variation · 0.80 ⚡"} < set(buttons(shown))


async def test_what_nobody_can_do_now_is_not_offered(mia: Person, world: World, telegram: FakeTelegram) -> None:
    await offer(("animate", "no-such-model"), ("upscale", "nano-banana-pro"))
    await db.execute("UPDATE botapp_aimodel SET is_active = false WHERE slug = 'nano-banana-pro'")
    catalog.configure(providers.names())
    await mia.send("a fox")
    await world.work()
    assert not [text for text in buttons(telegram.last) if "Animate" in text or "Upscale" in text]


async def test_animating_takes_the_next_words(mia: Person, world: World, shown: dict[str, Any]) -> None:
    [question] = await mia.press("Animate")
    assert "Describe the motion" in question["text"] and "Demo Video" in question["text"]
    [status] = await mia.send("it winks")
    assert "Demo Video" in status["text"] and "2.40 ⚡" in status["text"]
    first, second = await mia.jobs()
    assert (second.model, second.prompt, second.parent) == ("demo-video", "it winks", first.run_code)
    assert second.continuation == Continuation(FollowUpKind.ANIMATE, 1)


async def test_animating_as_it_is_needs_no_words(mia: Person, shown: dict[str, Any]) -> None:
    await mia.press("Animate")
    [status] = await mia.press("Animate as it is · 2.40")
    assert "Demo Video" in status["text"]
    first, second = await mia.jobs()
    assert second.parent == first.run_code and second.prompt
    assert await mia.balance() == "46.80"


async def test_a_variation_starts_at_once_with_the_same_words(mia: Person, shown: dict[str, Any]) -> None:
    [status] = await mia.press("Variation")
    assert "Nano Banana" in status["text"]
    first, second = await mia.jobs()
    assert (second.prompt, second.continuation) == (first.prompt, Continuation(FollowUpKind.VARY, 1))


async def test_of_several_results_one_is_chosen(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await offer(("vary", "nano-banana"))
    provider.answers.append(Finished((picture("red"), picture("blue"))))
    await mia.send("/models")
    await mia.press("Nano Banana ·")
    await mia.press("2 · 1.60")
    await mia.send("two foxes")
    await world.work()
    [question] = await mia.press("Variation")
    assert "Which picture" in question["text"] and list(buttons(question)) == ["No. 1", "No. 2"]
    await mia.press("No. 2", question)
    assert (await mia.jobs())[-1].continuation == Continuation(FollowUpKind.VARY, 2)


async def test_another_price_is_asked_for_again(mia: Person, shown: dict[str, Any]) -> None:
    await mia.press("Animate")
    await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 0.03 WHERE slug = 'demo-video'")
    catalog.configure(providers.names())
    assert await mia.press("Animate as it is") == []
    assert "3.60 ⚡" in mia.toasts[-1]
    assert len(await mia.jobs()) == 1


@pytest.mark.parametrize("number", ["3", "-1", "x", "99999999999"])
async def test_a_result_that_is_not_there_is_refused(mia: Person, shown: dict[str, Any], number: str) -> None:
    [job] = await mia.jobs()
    await mia.tap(f"{Button.FOLLOW.value}:{job.run_code}:animate:{number}:240", shown)
    assert "cannot be used" in mia.toasts[-1]
    assert len(await mia.jobs()) == 1


async def test_somebody_elses_result_is_not_continued(
    mia: Person, shown: dict[str, Any], somebody: Callable[..., Person]
) -> None:
    [job] = await mia.jobs()
    stranger = somebody(name="Leo")
    await stranger.send("/start")
    await stranger.tap(f"{Button.GO_ON.value}:{job.run_code}:animate:1:240")
    assert await stranger.jobs() == [] and await stranger.balance() == "50.00"


async def test_a_kind_that_is_not_offered_is_refused(mia: Person, shown: dict[str, Any]) -> None:
    [job] = await mia.jobs()
    for kind in ("upscale", "extend", "destroy"):
        await mia.tap(f"{Button.FOLLOW.value}:{job.run_code}:{kind}:1:1", shown)
    assert len(await mia.jobs()) == 1


async def test_once_more_of_a_continuation_continues_the_same_result(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram, shown: dict[str, Any]
) -> None:
    provider.answers.append(Finished((Media("video/mp4", data=b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"),)))
    await mia.press("Animate")
    await mia.press("Animate as it is")
    await world.work()
    await mia.press("Again")
    first, second, third = await mia.jobs()
    assert (third.parent, third.continuation) == (first.run_code, second.continuation)
