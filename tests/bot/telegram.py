"""A Telegram inside the process: a session that answers every method by its return type and refuses bad messages.

It keeps what the bot posted, as it stands after edits, and can be told to fail.
"""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, cast

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramBadRequest
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import (
    BotCommand,
    BotDescription,
    BotShortDescription,
    File,
    ForceReply,
    InputFile,
    Message,
    User,
    WebhookInfo,
)

BOT_ID = 4242
ALLOWED_TAGS = frozenset({"b", "i", "u", "s", "a", "code", "pre", "blockquote", "tg-spoiler"})
Failure = Callable[[TelegramMethod[Any]], Exception]


class _Markup(HTMLParser):
    """Reads HTML as strictly as Telegram does."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED_TAGS, f"Telegram does not know <{tag}>"
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another tag"

    def handle_data(self, data: str) -> None:
        self.text += data


def visible(markup: str) -> str:
    """Return what a person reads. Fails on markup that Telegram would refuse."""
    parser = _Markup()
    parser.feed(markup)
    parser.close()
    assert not parser.open, f"{parser.open} stay open"
    return parser.text


class FakeTelegram(BaseSession):
    """Answers at once and remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[TelegramMethod[Any]] = []
        self.posted: dict[int, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.uploads: dict[int, bytes] = {}
        self.invoices: dict[int, tuple[str, int]] = {}
        self.webhook = WebhookInfo(url="", has_custom_certificate=False, pending_update_count=0)
        self.failures: defaultdict[str, deque[Failure]] = defaultdict(deque)
        self._ids = itertools.count(1000)

    def fail(self, method: str, *failures: Failure) -> None:
        """Let the next calls of a method fail, one failure each."""
        self.failures[method].extend(failures)

    def named(self, name: str) -> list[Any]:
        """Return the calls of one method."""
        return [call for call in self.calls if call.__api_method__ == name]

    @property
    def now_shown(self) -> list[dict[str, Any]]:
        """What the bot posted and did not delete, as it stands now, in order."""
        return [message for _, message in sorted(self.posted.items())]

    @property
    def last(self) -> dict[str, Any]:
        """The newest message of the bot."""
        return self.now_shown[-1]

    async def make_request(
        self, bot: Bot, method: TelegramMethod[TelegramType], timeout: int | None = None
    ) -> TelegramType:
        self.calls.append(method)
        planned = self.failures[method.__api_method__]
        if planned:
            raise planned.popleft()(method)
        return cast("TelegramType", await self._answer(bot, method))

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,
        chunk_size: int = 65536,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        content = self.files[url.rpartition("/")[2]]
        for start in range(0, len(content), chunk_size):
            yield content[start : start + chunk_size]

    async def close(self) -> None:
        pass

    async def _answer(self, bot: Bot, method: Any) -> Any:
        name = method.__api_method__
        if name == "getMe":
            return User(id=BOT_ID, is_bot=True, first_name="NanoBanana", username="nanobanana_bot")
        if name == "getFile":
            content = self.files.get(method.file_id)
            if content is None:
                raise TelegramBadRequest(method, "Bad Request: wrong file_id or the file is temporarily unavailable")
            return File(file_id=method.file_id, file_unique_id="u", file_size=len(content), file_path=method.file_id)
        if name == "getWebhookInfo":
            return self.webhook
        if name == "setWebhook":
            self.webhook = self.webhook.model_copy(
                update={"url": method.url, "allowed_updates": method.allowed_updates}
            )
            return True
        if name in {"getMyCommands", "getMyDescription", "getMyShortDescription"}:
            return self._profile(name, method.language_code)
        if name == "sendMediaGroup":
            return [await self._post(bot, method, item) for item in method.media]
        if name.startswith("send") and name != "sendChatAction":
            return await self._post(bot, method, method)
        if name.startswith("editMessage"):
            return await self._edit(bot, method)
        if name == "deleteMessage" and self.posted.pop(method.message_id, None) is None:
            raise TelegramBadRequest(method, "Bad Request: message to delete not found")
        return True

    def _profile(self, name: str, language: str | None) -> Any:
        setter = name.replace("get", "set", 1)
        latest = next((call for call in reversed(self.named(setter)) if call.language_code == language), None)
        if name == "getMyCommands":
            return [] if latest is None else [BotCommand(**command.model_dump()) for command in latest.commands]
        if name == "getMyDescription":
            return BotDescription(description=latest.description if latest else "")
        return BotShortDescription(short_description=latest.short_description if latest else "")

    async def _post(self, bot: Bot, method: Any, item: Any) -> Message:
        message_id = next(self._ids)
        body: dict[str, Any] = {
            "message_id": message_id,
            "date": int(datetime.now(UTC).timestamp()),
            "chat": {"id": method.chat_id, "type": "private"},
            "from": {"id": BOT_ID, "is_bot": True, "first_name": "NanoBanana"},
        }
        reply = getattr(method, "reply_parameters", None)
        if reply is not None:
            body["reply_to"] = reply.message_id
        if method.__api_method__ == "sendInvoice":
            (price,) = method.prices
            self.invoices[message_id] = (method.payload, price.amount)
            shown = {name: getattr(method, name) for name in ("title", "description", "currency")}
            body["invoice"] = {**shown, "total_amount": price.amount, "start_parameter": ""}
        self._write(body, item)
        await self._keep_upload(bot, body, item)
        self._markup(body, getattr(method, "reply_markup", None))
        self.posted[message_id] = body
        return Message.model_validate(body, context={"bot": bot})

    async def _edit(self, bot: Bot, method: Any) -> Message:
        body = self.posted.get(method.message_id)
        if body is None:
            raise TelegramBadRequest(method, "Bad Request: message to edit not found")
        before = {**body}
        item = getattr(method, "media", None) or method
        if item is not method:
            body.pop("text", None)
            await self._keep_upload(bot, body, item)
        self._write(body, item)
        self._markup(body, method.reply_markup)
        if body == before and item is method:
            raise TelegramBadRequest(method, "Bad Request: message is not modified")
        return Message.model_validate(body, context={"bot": bot})

    def _write(self, body: dict[str, Any], item: Any) -> None:
        for field, limit in (("text", 4096), ("caption", 1024)):
            markup = getattr(item, field, None)
            if markup is not None:
                body[field] = visible(markup)
                assert 0 < len(body[field].encode("utf-16-le")) // 2 <= limit, f"{field} does not fit"

    async def _keep_upload(self, bot: Bot, body: dict[str, Any], item: Any) -> None:
        kinds = {"photo": "photo", "video": "video", "document": "document"}
        kind = next((name for name in kinds if getattr(item, name, None) is not None), getattr(item, "type", None))
        upload = getattr(item, str(kind), None) or getattr(item, "media", None)
        if kind not in kinds or not isinstance(upload, InputFile):
            return
        content = b"".join([chunk async for chunk in upload.read(bot)])
        file_id = f"posted{body['message_id']}"
        self.files[file_id] = self.uploads[body["message_id"]] = content
        about = {"file_id": file_id, "file_unique_id": file_id, "file_size": len(content)}
        if kind == "photo":
            body["photo"] = [{**about, "width": 64, "height": 64}]
        elif kind == "video":
            body["video"] = {
                **about,
                "width": item.width or 0,
                "height": item.height or 0,
                "duration": item.duration or 0,
            }
        else:
            body["document"] = {**about, "file_name": upload.filename}

    @staticmethod
    def _markup(body: dict[str, Any], markup: Any) -> None:
        inline = getattr(markup, "inline_keyboard", None)
        if inline is None:
            body.pop("reply_markup", None)
            if isinstance(markup, ForceReply):
                body["asks"] = markup.input_field_placeholder
            elif markup is not None:
                body["menu"] = [[button.text for button in row] for row in markup.keyboard]
            return
        for row in inline:
            for button in row:
                assert button.url or 1 <= len(button.callback_data.encode()) <= 64, button.callback_data
                assert 1 <= len(button.text) <= 64, button.text
        body["reply_markup"] = {
            "inline_keyboard": [[button.model_dump(exclude_none=True) for button in row] for row in inline]
        }


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """Return the inline buttons of a message: data, or the address that they open, by text."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {button["text"]: button.get("callback_data") or button["url"] for row in rows for button in row}
