"""Buttons under gifts: topping up with a promo code, sending one's link, choosing one's clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from urllib.parse import quote

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.buttons import Button, button
from bot.texts import Words
from core.bonuses import zones as known
from core.bonuses.referrals import INVITEE_GETS

ZONES: Final = (
    "America/Los_Angeles",
    "America/Chicago",
    "America/New_York",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Kyiv",
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Europe/Samara",
    "Asia/Dubai",
    "Asia/Tbilisi",
    "Asia/Yekaterinburg",
    "Asia/Almaty",
    "Asia/Tashkent",
    "Asia/Kolkata",
    "Asia/Omsk",
    "Asia/Novosibirsk",
    "Asia/Krasnoyarsk",
    "Asia/Bangkok",
    "Asia/Irkutsk",
    "Asia/Shanghai",
    "Asia/Yakutsk",
    "Asia/Tokyo",
    "Asia/Vladivostok",
    "Australia/Sydney",
    "Asia/Magadan",
    "Asia/Kamchatka",
    "Pacific/Auckland",
)
"""Cities that most people who come here live near, from west to east."""

OFFSETS: Final = ("UTC", *(f"Etc/GMT{hours:+d}" for hours in (*range(12, 0, -1), *range(-1, -15, -1))))
"""Whole hours from UTC. The names of these zones have the sign the other way round."""

BY_OFFSET: Final = "offset"
CITIES_IN_A_ROW: Final = 2
OFFSETS_IN_A_ROW: Final = 3


def top_up(words: Words) -> InlineKeyboardMarkup:
    """Under a promo code that waits for a deposit."""
    return _inline([[button(words.plain("button-top-up"), Button.TOP_UP)]])


def share(words: Words, link: str) -> InlineKeyboardMarkup:
    """Send one's link to a chat of one's choice, with a line of words."""
    text = words.plain("invite-share", tokens=INVITEE_GETS)
    url = f"https://t.me/share/url?url={quote(link, safe='')}&text={quote(text, safe='')}"
    return _inline([[InlineKeyboardButton(text=words.plain("button-share"), url=url)]])


def zone(words: Words) -> InlineKeyboardMarkup:
    """Under the ladder."""
    return _inline([[button(words.plain("button-zone"), Button.ZONE)]])


def daily(words: Words) -> InlineKeyboardMarkup:
    """Take the reward that waits."""
    return _inline([[button(words.plain("button-daily"), Button.DAILY)]])


def zones(words: Words, names: Iterable[str], now: datetime) -> InlineKeyboardMarkup:
    """One button per zone that this machine knows, with the time there: people know what their clock shows."""
    buttons = [
        button(f"{now.astimezone(found):%H:%M} · {zone_name(words, name)}", Button.ZONE, name)
        for name in names
        if (found := known.find(name)) is not None
    ]
    width = OFFSETS_IN_A_ROW if names is OFFSETS else CITIES_IN_A_ROW
    rows = [buttons[start : start + width] for start in range(0, len(buttons), width)]
    if names is OFFSETS:
        rows.append([button(words.plain("button-zones-cities"), Button.ZONE)])
    else:
        rows.append([button(words.plain("button-zones-offsets"), Button.ZONE, BY_OFFSET)])
    return _inline(rows)


def zone_name(words: Words, name: str) -> str:
    """Return what a zone is called: its city, or its hours from UTC."""
    key = f"zone-{name.replace('/', '-').lower()}"
    if words.has(key):
        return words.plain(key)
    _, is_offset, hours = name.partition("Etc/GMT")
    return f"UTC{-int(hours):+d}".replace("-", "−") if is_offset else name


def _inline(rows: list[list[InlineKeyboardButton]]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=rows)
