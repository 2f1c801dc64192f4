"""Opening a Mini App: the launch address with init data signed as Telegram signs it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from urllib.parse import quote, urlencode, urlsplit

from bot.sandbox.documents import JsonObject
from bot.sandbox.state import Person
from bot.sandbox.world import World

VERSION = "9.1"
LIGHT = {
    "bg_color": "#ffffff",
    "text_color": "#0f1720",
    "hint_color": "#6b7785",
    "link_color": "#1b72c4",
    "button_color": "#1b72c4",
    "button_text_color": "#ffffff",
    "secondary_bg_color": "#f0f2f5",
    "header_bg_color": "#ffffff",
    "bottom_bar_bg_color": "#ffffff",
    "accent_text_color": "#1b72c4",
    "section_bg_color": "#ffffff",
    "section_header_text_color": "#1b72c4",
    "section_separator_color": "#e3e7ec",
    "subtitle_text_color": "#6b7785",
    "destructive_text_color": "#c62f3b",
}
DARK = {
    "bg_color": "#17212b",
    "text_color": "#f3f6f9",
    "hint_color": "#8fa1b3",
    "link_color": "#6ab7ff",
    "button_color": "#2f8fe0",
    "button_text_color": "#ffffff",
    "secondary_bg_color": "#0e1621",
    "header_bg_color": "#17212b",
    "bottom_bar_bg_color": "#17212b",
    "accent_text_color": "#6ab7ff",
    "section_bg_color": "#17212b",
    "section_header_text_color": "#6ab7ff",
    "section_separator_color": "#101921",
    "subtitle_text_color": "#8fa1b3",
    "destructive_text_color": "#ff6b74",
}


def sign(token: str, fields: dict[str, str]) -> str:
    """The `hash` of init data: HMAC-SHA256 over the sorted fields with a key made from the bot token."""
    key = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    check = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    return hmac.new(key, check.encode(), hashlib.sha256).hexdigest()


def init_data(world: World, person: Person, start_param: str = "") -> str:
    """Signed init data of a person. Telegram's own Ed25519 key is not ours: `signature` is well-formed, no more."""
    profile = person.profile
    names = ("id", "first_name", "last_name", "username", "language_code", "is_premium")
    user = {name: profile[name] for name in names if name in profile} | {"allows_write_to_pm": True}
    fields = {
        "query_id": f"AA{secrets.token_urlsafe(16)}",
        "user": json.dumps(user, ensure_ascii=False, separators=(",", ":")),
        "auth_date": str(world.state.now()),
        "signature": base64.urlsafe_b64encode(secrets.token_bytes(64)).decode().rstrip("="),
    }
    if start_param:
        fields |= {"start_param": start_param, "chat_type": "private", "chat_instance": str(person.id)}
    return urlencode({**fields, "hash": sign(world.token, fields)}, quote_via=quote)


def launch(
    world: World, person: Person, url: str, *, is_dark: bool = False, start_param: str = "", is_keyboard: bool = False
) -> JsonObject:
    """The address to open in the iframe, and the init data in it; from a reply keyboard an app gets none."""
    data = "" if is_keyboard else init_data(world, person, start_param)
    theme = json.dumps(DARK if is_dark else LIGHT, separators=(",", ":"))
    fragment = urlencode(
        {"tgWebAppData": data, "tgWebAppVersion": VERSION, "tgWebAppPlatform": "web", "tgWebAppThemeParams": theme},
        quote_via=quote,
    )
    own = urlsplit(url).fragment
    joint = ("&" if "=" in own else "?") if own else "" if url.endswith("#") else "#"
    return {"url": f"{url}{joint}{fragment}", "init_data": data}
