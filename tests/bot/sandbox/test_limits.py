"""Flood limits: generous, but they are there."""

from __future__ import annotations

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter

from bot.sandbox.limits import FloodLimits
from bot.sandbox.refusals import Refused
from tests.bot.sandbox.conftest import Clock


def spent(flood: FloodLimits, chat: int, times: int) -> int | None:
    """Send; returns retry_after of the first refusal."""
    for _ in range(times):
        try:
            flood.spend(chat)
        except Refused as refused:
            assert refused.error_code == 429
            return refused.retry_after
    return None


def test_a_burst_to_one_chat_is_allowed_and_then_one_message_a_second() -> None:
    clock = Clock()
    flood = FloodLimits(clock=clock)
    assert spent(flood, 1, 20) is None
    assert spent(flood, 1, 1) == 1
    clock.now += 1
    assert spent(flood, 1, 2) == 1


def test_another_chat_has_its_own_burst() -> None:
    flood = FloodLimits(clock=Clock())
    assert spent(flood, 1, 20) is None
    assert spent(flood, 2, 20) is None


def test_all_chats_together_send_thirty_a_second() -> None:
    clock = Clock()
    flood = FloodLimits(clock=clock)
    assert [spent(flood, chat, 1) for chat in range(60)] == [None] * 60
    assert spent(flood, 100, 1) == 1
    clock.now += 1
    assert [spent(flood, chat, 1) for chat in range(200, 230)] == [None] * 30
    assert spent(flood, 300, 1) == 1


def test_retry_after_is_rounded_up_to_whole_seconds() -> None:
    flood = FloodLimits(chat_burst=1, chat_rate=0.1, clock=Clock())
    assert spent(flood, 1, 2) == 10


def test_new_limits_begin_with_a_full_burst() -> None:
    flood = FloodLimits(chat_burst=1, clock=Clock())
    assert spent(flood, 1, 2) is not None
    flood.configure(chat_burst=3, chat_rate=1, total_burst=60, total_rate=30)
    assert spent(flood, 1, 3) is None
    assert spent(flood, 1, 1) is not None


@pytest.mark.integration
async def test_a_bot_that_floods_is_told_when_to_come_back(
    bot: Bot, user: int, http: httpx.AsyncClient, clock: Clock
) -> None:
    await http.post("/limits", json={"chat_burst": 2, "chat_rate": 0.5})
    await bot.send_message(user, "1")
    await bot.send_message(user, "2")
    with pytest.raises(TelegramRetryAfter) as refused:
        await bot.send_message(user, "3")
    assert refused.value.retry_after == 2
    assert await bot.send_chat_action(user, "typing"), "only messages are counted"
    clock.now += 2
    assert (await bot.send_message(user, "3")).text == "3"
