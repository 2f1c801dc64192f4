"""Where the Mini App is, for buttons that open it.

It is opened from the menu button, from buttons under messages and from links only: a reply keyboard would open it
without init data, and nobody would know who asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from aiogram.types import InlineKeyboardButton, MenuButtonWebApp, WebAppInfo

from core.settings import Settings

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class MiniApp:
    """The Mini App at an address that Telegram opens."""

    base: str

    @classmethod
    def of(cls, settings: Settings) -> MiniApp | None:
        """The one of these settings; None where Telegram would refuse its address.

        Telegram opens https:// only; its stand-in on this machine opens what is on this machine, too.
        """
        parts = urlsplit(settings.public_base_url)
        is_sandbox = urlsplit(settings.telegram_api_base_url).hostname in LOOPBACK
        is_opened = parts.scheme == "https" or (is_sandbox and parts.hostname in LOOPBACK)
        return cls(f"{settings.public_base_url}/webapps/") if is_opened else None

    def address(self, model: str = "") -> str:
        """The page of all models, or the form of one."""
        return f"{self.base}?model={quote(model, safe='')}" if model else self.base

    def button(self, text: str, model: str = "") -> InlineKeyboardButton:
        """A button under a message that opens it."""
        return InlineKeyboardButton(text=text, web_app=WebAppInfo(url=self.address(model)))

    def menu_button(self, text: str) -> MenuButtonWebApp:
        """The button beside the input field."""
        return MenuButtonWebApp(text=text, web_app=WebAppInfo(url=self.base))
