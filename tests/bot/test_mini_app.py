"""The buttons that open the Mini App: in the list, on a card, beside the input field, never in a reply keyboard."""

from __future__ import annotations

import pytest
from aiogram import Bot
from aiogram.types import MenuButtonCommands, MenuButtonWebApp

from bot import keyboards, offers, profile
from bot.client import create_bot
from bot.mini_app import MiniApp
from bot.texts import LANGUAGES, Words
from core.settings import Settings
from tests.bot.telegram import FakeTelegram
from tests.bot.test_offers import a_model

APP = MiniApp("https://bot.example.com/webapps/")
SANDBOX = "http://127.0.0.1:8071"


@pytest.mark.parametrize(
    ("base", "telegram", "opens"),
    [
        ("https://bot.example.com", "https://api.telegram.org", True),
        ("https://bot.example.com", SANDBOX, True),
        ("http://127.0.0.1:8000", SANDBOX, True),
        ("http://localhost:8000", "http://localhost:8071", True),
        ("http://127.0.0.1:8000", "https://api.telegram.org", False),
        ("http://bot.example.com", SANDBOX, False),
        ("http://bot.example.com", "https://api.telegram.org", False),
    ],
)
@pytest.mark.integration
def test_there_are_buttons_only_where_telegram_would_open_the_app(
    settings: Settings, base: str, telegram: str, opens: bool
) -> None:
    there = settings.model_copy(update={"public_base_url": base, "telegram_api_base_url": telegram})
    app = MiniApp.of(there)
    assert (app is not None) is opens
    assert app is None or app.base == f"{base}/webapps/"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_ends_with_the_app_and_a_card_leads_to_the_models_form(language: str) -> None:
    words, model = Words(language), a_model("veo3 fast")  # type: ignore[arg-type]
    [*_, last] = keyboards.models(words, [model], None, APP).inline_keyboard
    assert last[0].web_app is not None and last[0].web_app.url == APP.base
    *_, form, back = keyboards.card(words, model, offers.options(words, model, {}), APP).inline_keyboard
    assert form[0].web_app is not None and form[0].web_app.url == f"{APP.base}?model=veo3%20fast"
    assert back[0].callback_data is not None


def test_without_an_app_the_keyboards_are_as_before() -> None:
    words, model = Words("en"), a_model()
    rows = [*keyboards.models(words, [model], None).inline_keyboard, *keyboards.card(words, model, []).inline_keyboard]
    assert not [one for row in rows for one in row if one.web_app]


def test_a_reply_keyboard_never_opens_it() -> None:
    assert not [one for row in keyboards.menu(Words("ru")).keyboard for one in row if one.web_app]


@pytest.fixture
def bot(settings: Settings, telegram: FakeTelegram) -> Bot:
    """A bot whose calls are seen."""
    return create_bot(settings, session=telegram)


@pytest.mark.integration
async def test_the_menu_button_opens_it_where_it_can_be_opened(bot: Bot, telegram: FakeTelegram) -> None:
    await profile.publish(bot, APP)
    await profile.publish(bot, None)
    first, second = (call.menu_button for call in telegram.named("setChatMenuButton"))
    assert isinstance(first, MenuButtonWebApp) and first.web_app.url == APP.base
    assert isinstance(second, MenuButtonCommands)
