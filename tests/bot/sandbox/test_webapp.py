"""Launching a Mini App: init data that a bot's own check accepts."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from aiogram.utils.web_app import check_webapp_signature, safe_parse_webapp_init_data

from bot.sandbox.documents import JsonObject
from tests.bot.sandbox.conftest import TOKEN, Clock

pytestmark = pytest.mark.integration


async def launch(http: httpx.AsyncClient, user: int, url: str, **more: str) -> JsonObject:
    answer = await http.get(f"/chats/{user}/webapp", params={"url": url, **more})
    assert answer.status_code == 200
    body: JsonObject = answer.json()
    return body


async def test_init_data_is_signed_with_the_token(http: httpx.AsyncClient, user: int, clock: Clock) -> None:
    data = (await launch(http, user, "https://app.example.com/"))["init_data"]
    parsed = safe_parse_webapp_init_data(TOKEN, data)
    assert parsed.user is not None
    assert (parsed.user.id, parsed.user.first_name, parsed.user.language_code) == (user, "Аня", "ru")
    assert int(parsed.auth_date.timestamp()) == int(clock.now)
    assert {"query_id", "signature", "hash"} <= dict(parse_qsl(data)).keys()
    assert not check_webapp_signature("42:other", data)
    assert not check_webapp_signature(TOKEN, data.replace("%3A7%2C", "%3A8%2C"))


async def test_the_launch_address_carries_what_telegram_web_puts_there(http: httpx.AsyncClient, user: int) -> None:
    answer = await launch(http, user, "https://app.example.com/veo/?x=1", theme="dark")
    parts = urlsplit(answer["url"])
    assert (parts.netloc, parts.path, parts.query) == ("app.example.com", "/veo/", "x=1")
    fields = dict(parse_qsl(parts.fragment))
    assert fields["tgWebAppData"] == answer["init_data"]
    assert fields["tgWebAppPlatform"] == "web"
    assert float(fields["tgWebAppVersion"]) >= 8
    assert json.loads(fields["tgWebAppThemeParams"])["bg_color"] == "#17212b"


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("https://a.example/#/page", "https://a.example/#/page?tgWebAppData="),
        ("https://a.example/#x=1", "https://a.example/#x=1&tgWebAppData="),
        ("https://a.example/#", "https://a.example/#tgWebAppData="),
    ],
)
async def test_an_own_fragment_stays(http: httpx.AsyncClient, user: int, url: str, start: str) -> None:
    assert (await launch(http, user, url))["url"].startswith(start)


async def test_a_start_parameter_is_signed_too(http: httpx.AsyncClient, user: int) -> None:
    data = (await launch(http, user, "https://a.example/", start_param="ref_1"))["init_data"]
    assert safe_parse_webapp_init_data(TOKEN, data).start_param == "ref_1"


async def test_an_app_opened_from_a_reply_keyboard_gets_no_init_data(http: httpx.AsyncClient, user: int) -> None:
    answer = await launch(http, user, "https://a.example/", source="keyboard")
    assert answer["init_data"] == ""
    assert "tgWebAppData=&" in answer["url"]


async def test_each_launch_has_its_own_query(http: httpx.AsyncClient, user: int) -> None:
    first = await launch(http, user, "https://a.example/")
    second = await launch(http, user, "https://a.example/")
    assert dict(parse_qsl(first["init_data"]))["query_id"] != dict(parse_qsl(second["init_data"]))["query_id"]


async def test_an_address_that_is_none_is_refused(http: httpx.AsyncClient, user: int) -> None:
    answer = await http.get(f"/chats/{user}/webapp", params={"url": "javascript:alert(1)"})
    assert (answer.status_code, answer.json()["error"]) == (400, "url must be an http or https address")
