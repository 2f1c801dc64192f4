"""Telegram is told where updates go and what the bot looks like: when it must be, and until it has heard it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramServerError, TelegramUnauthorizedError

from bot import profile, subscription
from bot.client import create_bot
from bot.subscription import keep_subscribed, set_webhook
from core import redis
from core.settings import Settings
from core.telegram_webhook import PATH, UPDATES
from tests.bot.telegram import FakeTelegram

pytestmark = pytest.mark.integration


@pytest.fixture
async def bot(settings: Settings, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    monkeypatch.setattr(subscription, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(subscription, "LONGEST_PAUSE", 0.002)
    await redis.connect(settings)
    yield create_bot(settings, session=telegram)
    await redis.disconnect()


async def test_the_webhook_is_set_with_its_secret_and_only_once(
    bot: Bot, settings: Settings, telegram: FakeTelegram
) -> None:
    assert await set_webhook(bot, settings) is True
    [call] = telegram.named("setWebhook")
    assert call.url == f"http://127.0.0.1:8000{PATH}" and call.secret_token == "webhook-secret-of-the-tests"
    assert tuple(call.allowed_updates) == UPDATES
    assert await set_webhook(bot, settings) is False
    assert len(telegram.named("setWebhook")) == 1


async def test_a_new_secret_or_address_is_told(bot: Bot, settings: Settings, telegram: FakeTelegram) -> None:
    await set_webhook(bot, settings)
    renewed = settings.model_copy(update={"telegram_webhook_secret": type(settings.telegram_webhook_secret)("new")})
    assert await set_webhook(bot, renewed) is True
    moved = renewed.model_copy(update={"public_base_url": "https://bot.example.com"})
    assert await set_webhook(bot, moved) is True
    assert telegram.webhook.url == f"https://bot.example.com{PATH}"


async def test_a_webhook_that_somebody_changed_is_put_right(
    bot: Bot, settings: Settings, telegram: FakeTelegram
) -> None:
    await set_webhook(bot, settings)
    telegram.webhook = telegram.webhook.model_copy(update={"allowed_updates": ["message"]})
    assert await set_webhook(bot, settings) is True


async def test_without_redis_the_webhook_is_set_each_time(bot: Bot, settings: Settings) -> None:
    nowhere = type(settings.redis_url)("redis://127.0.0.1:9/0")
    await redis.connect(settings.model_copy(update={"redis_url": nowhere}))
    assert await set_webhook(bot, settings) is True
    assert await set_webhook(bot, settings) is True


async def test_it_goes_on_until_telegram_is_back(bot: Bot, settings: Settings, telegram: FakeTelegram) -> None:
    telegram.fail("getWebhookInfo", lambda method: TelegramUnauthorizedError(method, "Unauthorized"))
    telegram.fail("setWebhook", lambda method: TelegramUnauthorizedError(method, "Unauthorized"))
    await keep_subscribed(bot, settings)
    assert len(telegram.named("setWebhook")) == 2
    assert telegram.named("setChatMenuButton")


async def test_polling_takes_the_webhook_away(bot: Bot, settings: Settings, telegram: FakeTelegram) -> None:
    telegram.fail("deleteWebhook", lambda method: TelegramServerError(method, "Bad Gateway"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.client.ATTEMPTS", 1)
        await keep_subscribed(bot, settings.model_copy(update={"telegram_updates": "polling"}))
    assert len(telegram.named("deleteWebhook")) == 2 and telegram.named("setWebhook") == []
    assert not any(call.drop_pending_updates for call in telegram.named("deleteWebhook"))


async def test_commands_and_descriptions_are_published_in_every_language_once(bot: Bot, telegram: FakeTelegram) -> None:
    await profile.publish(bot, None)
    commands = {call.language_code: call.commands for call in telegram.named("setMyCommands")}
    assert set(commands) == {None, "ru", "en"}
    assert [command.command for command in commands["ru"]] == list(profile.COMMANDS)
    assert commands["ru"][1].description == "Модели и цены" and commands[None][1].description == "Models and prices"
    before = len(telegram.calls)
    await profile.publish(bot, None)
    assert not [call for call in telegram.calls[before:] if call.__api_method__.startswith("setMy")]
