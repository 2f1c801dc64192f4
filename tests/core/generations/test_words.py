"""Characters that are in JSON and in no text: NUL and halves of characters, in what people order and vendors answer."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import cart, generations, users
from core.generations import Order, Status
from core.types import IdempotencyKey, TraceId
from providers.base import Failed, Submitted
from providers.errors import ContentBlocked, InvalidRequest, ProviderUnavailable
from tests.core.generations.conftest import Ordering, advance, assert_books_agree, balance
from tests.core.generations.scripted import NOW, ScriptedProvider

pytestmark = pytest.mark.integration

SPOILT = ["a\x00 fox", "a\ud83d fox", "\x00a fox\udc00", "\ud83d\x00a fox"]


@pytest.mark.parametrize("words", SPOILT)
async def test_an_order_is_kept_without_characters_that_are_none(order: Ordering, words: str, user: users.User) -> None:
    generation = await order(prompt=words)
    assert generation.prompt == "a fox"
    assert (await advance(generation)).prompt == "a fox"
    assert await balance(user) == "49.20"


async def test_an_order_of_nothing_but_such_characters_is_empty(order: Ordering, user: users.User) -> None:
    with pytest.raises(generations.EmptyPrompt):
        await order(prompt="\x00\ud83d")
    assert await balance(user) == "50.00"


async def test_a_character_of_two_halves_is_left_whole(order: Ordering) -> None:
    assert (await order(prompt="a 🦊 \\u0000 in the snow\n")).prompt == "a 🦊 \\u0000 in the snow"


@pytest.mark.parametrize("words", SPOILT)
async def test_an_order_that_waits_for_tokens_is_kept_and_forgotten_by_its_words(user: users.User, words: str) -> None:
    waiting = Order(user, "nano-banana", words, IdempotencyKey("x"), "en", TraceId("0" * 32))
    kept = await cart.keep(waiting, Decimal("0.80"))
    assert kept.prompt == "a fox"
    await cart.drop_alike(waiting)
    assert await cart.of_user(user.id) is None


@pytest.mark.parametrize("words", SPOILT)
async def test_a_refusal_in_broken_words_gives_the_tokens_back_at_once(
    order: Ordering, first: ScriptedProvider, words: str, user: users.User
) -> None:
    first.answers.append(ContentBlocked(words))
    job = await advance(await order())
    assert (job.status, job.error_code) == (Status.ERROR, "content_blocked")
    assert await balance(user) == "50.00"
    await assert_books_agree()


@pytest.mark.parametrize("words", SPOILT)
async def test_a_job_that_failed_in_broken_words_is_not_asked_for_again(
    order: Ordering, first: ScriptedProvider, words: str, user: users.User
) -> None:
    first.answers.append(Submitted("made-1", poll_after=NOW))
    first.polls.extend([ProviderUnavailable(words), Failed(InvalidRequest(words))])
    job = await advance(await order(), times=3)
    assert (job.status, job.error_code) == (Status.ERROR, "invalid_request")
    assert await balance(user) == "50.00"
    assert len(first.polled) == 2
    await assert_books_agree()


async def test_a_name_in_broken_characters_makes_an_account(user: users.User) -> None:
    somebody = await users.upsert(users.Profile(4343, "f\x00x", "F\ud83dox", "\x00", "e\x00n"))
    assert (somebody.username, somebody.first_name, somebody.language) == ("fx", "Fox", "en")
