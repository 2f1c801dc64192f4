"""What the client repeats, what it waits for, and what it leaves to its caller."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramBadRequest,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import EditMessageText, GetMe, SendMessage, SendPhoto, TelegramMethod
from aiogram.types import BufferedInputFile
from aiohttp import ClientConnectorError, ClientOSError
from aiohttp.client_reqrep import ConnectionKey

from bot.client import ATTEMPTS, LONGEST_WAIT, Patience, create_bot, is_safe_to_repeat
from tests.bot.telegram import FakeTelegram
from tests.fixtures.servers import make_settings

SETTINGS = make_settings("postgresql://nobody@127.0.0.1:9/none", "redis://127.0.0.1:9/0")


class Line:
    """A connection that fails as often as told, and then works."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0
        self.slept: list[float] = []

    async def request(self, bot: Bot, method: TelegramMethod[Any]) -> Any:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


MESSAGE = SendMessage(chat_id=1, text="x")
EDIT = EditMessageText(chat_id=1, message_id=1, text="x")


async def call(line: Line, method: TelegramMethod[Any]) -> Any:
    return await Patience(line.sleep)(line.request, Bot("42:token"), method)


async def test_it_waits_as_long_as_telegram_asks() -> None:
    line = Line(TelegramRetryAfter(MESSAGE, "slow down", 3), TelegramRetryAfter(MESSAGE, "slow down", 2))
    assert await call(line, MESSAGE) == "done"
    assert line.slept == [3, 2]


async def test_a_long_wait_is_left_to_the_caller() -> None:
    line = Line(TelegramRetryAfter(MESSAGE, "slow down", LONGEST_WAIT + 1))
    with pytest.raises(TelegramRetryAfter):
        await call(line, MESSAGE)
    assert line.slept == []


async def test_waiting_has_an_end() -> None:
    line = Line(*(TelegramRetryAfter(MESSAGE, "slow down", 1) for _ in range(ATTEMPTS)))
    with pytest.raises(TelegramRetryAfter):
        await call(line, MESSAGE)
    assert line.calls == ATTEMPTS


@pytest.mark.parametrize(
    "failure",
    [
        TelegramNetworkError(EDIT, "lost"),
        TelegramServerError(EDIT, "Bad Gateway"),
        ClientDecodeError("Failed to decode object", ValueError(), "<html>502</html>"),
    ],
)
async def test_a_lost_answer_repeats_only_what_may_be_repeated(failure: Exception) -> None:
    line = Line(failure)
    assert await call(line, EDIT) == "done"
    line = Line(failure)
    with pytest.raises(type(failure)):
        await call(line, MESSAGE)
    assert line.calls == 1


async def test_a_message_that_never_left_is_sent_again() -> None:
    failure = TelegramNetworkError(MESSAGE, "no connection")
    failure.__cause__ = ClientConnectorError(ConnectionKey("t", 443, True, True, None, None, None), OSError())
    line = Line(failure)
    assert await call(line, MESSAGE) == "done"


async def test_a_message_whose_connection_broke_is_not_sent_again() -> None:
    failure = TelegramNetworkError(MESSAGE, "reset")
    failure.__cause__ = ClientOSError()
    with pytest.raises(TelegramNetworkError):
        await call(Line(failure), MESSAGE)


async def test_repeating_has_an_end() -> None:
    line = Line(*(TelegramNetworkError(EDIT, "lost") for _ in range(ATTEMPTS)))
    with pytest.raises(TelegramNetworkError):
        await call(line, EDIT)
    assert line.calls == ATTEMPTS


async def test_a_refusal_is_not_repeated() -> None:
    line = Line(TelegramBadRequest(EDIT, "message is not modified"))
    with pytest.raises(TelegramBadRequest):
        await call(line, EDIT)
    assert line.calls == 1


def test_what_posts_is_never_safe_to_repeat() -> None:
    assert is_safe_to_repeat(GetMe()) and is_safe_to_repeat(EDIT)
    assert not is_safe_to_repeat(SendPhoto(chat_id=1, photo=BufferedInputFile(b"", "x.png")))


async def test_the_bot_calls_the_configured_server_and_speaks_html() -> None:
    bot = create_bot(SETTINGS.model_copy(update={"telegram_api_base_url": "http://sandbox:8001"}))
    try:
        assert bot.session.api.api_url("T", "getMe") == "http://sandbox:8001/botT/getMe"
        assert bot.session.api.file_url("T", "a/b.jpg") == "http://sandbox:8001/file/botT/a/b.jpg"
        assert bot.default.parse_mode == "HTML"
    finally:
        await bot.session.close()


async def test_a_session_of_tests_is_used_as_it_is() -> None:
    telegram = FakeTelegram()
    bot = create_bot(SETTINGS, session=telegram)
    await bot.send_message(1, "<b>x</b>")
    assert telegram.last["text"] == "x"
