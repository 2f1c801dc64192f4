"""The HTTP API with which tests, scripts and the chat page play the people: `/sandbox/v1/…`, JSON in and out."""

from __future__ import annotations

import json
from typing import Any

from sanic import Blueprint, HTTPResponse, Request, response

from bot.sandbox import misdelivery, people, purchases, webapp
from bot.sandbox.api import read_parameters
from bot.sandbox.documents import JsonObject
from bot.sandbox.methods import names
from bot.sandbox.methods.account import commands_for, menu_button_for
from bot.sandbox.multipart import read_form
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import DriverError, Refused
from bot.sandbox.state import Person
from bot.sandbox.world import World

_TOLD = {
    400: "Bad Request: told so by the sandbox",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: told so by the sandbox",
    429: "Too Many Requests: retry after {retry_after}",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


def _json(body: object, status: int = 200) -> HTTPResponse:
    return response.json(body, status=status, dumps=lambda value: json.dumps(value, ensure_ascii=False))


def _body(request: Request) -> JsonObject:
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise DriverError(400, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise DriverError(400, "the body is not a JSON object")
    return body


def _whole(body: JsonObject, name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DriverError(400, f"{name} must be a whole number")
    return value


def _number(body: JsonObject, name: str) -> float:
    value = body.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise DriverError(400, f"{name} must be a number")
    return float(value)


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise DriverError(400, f"{name} must be a text that is not empty")
    return value


def _after(request: Request) -> int:
    try:
        return int(request.args.get("after", 0))
    except ValueError as error:
        raise DriverError(400, "after must be a whole number") from error


def described(world: World, person: Person) -> JsonObject:
    """A person and what their chat shows beside the messages."""
    prefix = f"reaction:{person.id}:"
    reactions = {
        name.removeprefix(prefix): world.state.setting(name)["emoji"]
        for name in world.state.setting_names()
        if name.startswith(prefix)
    }
    language = person.profile.get("language_code", "")
    descriptions = (world.state.setting(f"description:{code}").get("description") for code in (language, ""))
    return {
        "user": person.profile,
        "has_blocked_bot": person.has_blocked_bot,
        "reply_keyboard": person.reply_keyboard,
        "commands": commands_for(world, person),
        "menu_button": menu_button_for(world, person),
        "pinned": person.pinned,
        "reactions": reactions,
        "bot": {**world.bot, "description": next((text for text in descriptions if text), "")},
    }


def _people_routes(world: World, driver: Blueprint) -> None:
    @driver.post("/users")
    async def create_user(request: Request) -> HTTPResponse:
        return _json(people.appear(world, _body(request)).profile, 201)

    @driver.get("/users")
    async def list_users(_request: Request) -> HTTPResponse:
        return _json({"users": [person.profile for person in world.state.people.values()]})

    @driver.post("/users/<user_id:int>/block")
    async def block(_request: Request, user_id: int) -> HTTPResponse:
        people.set_blocked(world, people.find(world, user_id), is_blocked=True)
        return _json({"ok": True})

    @driver.post("/users/<user_id:int>/unblock")
    async def unblock(_request: Request, user_id: int) -> HTTPResponse:
        people.set_blocked(world, people.find(world, user_id), is_blocked=False)
        return _json({"ok": True})

    @driver.get("/chats/<chat_id:int>")
    async def describe(_request: Request, chat_id: int) -> HTTPResponse:
        return _json(described(world, people.find(world, chat_id)))


async def _written(world: World, person: Person, request: Request) -> list[JsonObject]:
    """The messages that a POST makes: JSON text, or a form with files or text."""
    if (request.content_type or "").startswith("application/json") or not request.content_type:
        body = _body(request)
        reply_to = _whole({"reply_to_message_id": 0} | body, "reply_to_message_id")
        return [people.write(world, person, _text(body, "text"), reply_to)]
    details = read_parameters(request)
    received = read_form(request.content_type or "", request.body).files if details.uploads else []
    files = [(kind, upload) for kind in people.MEDIA_KINDS for name, upload in received if name == kind]
    if not files:
        return [people.write(world, person, details.text("text"), details.integer("reply_to_message_id"))]
    return await people.send_files(world, person, files, Parameters(details.values))


def _message_routes(world: World, driver: Blueprint) -> None:
    @driver.post("/chats/<chat_id:int>/messages")
    async def post_message(request: Request, chat_id: int) -> HTTPResponse:
        messages = await _written(world, people.find(world, chat_id), request)
        return _json({"message": messages[0], "messages": messages}, 201)

    @driver.get("/chats/<chat_id:int>/messages")
    async def list_messages(request: Request, chat_id: int) -> HTTPResponse:
        person, after = people.find(world, chat_id), _after(request)
        stored = world.state.messages.get(chat_id, {})
        messages = [one.body for message_id, one in sorted(stored.items()) if message_id > after]
        return _json({"messages": messages, "reply_keyboard": person.reply_keyboard})

    @driver.post("/chats/<chat_id:int>/callbacks")
    async def press(request: Request, chat_id: int) -> HTTPResponse:
        person, body = people.find(world, chat_id), _body(request)
        wait = _number({"wait": people.CALLBACK_WAIT_SECONDS} | body, "wait")
        return _json(await people.press(world, person, _whole(body, "message_id"), _text(body, "data"), wait))

    @driver.post("/chats/<chat_id:int>/pay")
    async def pay(request: Request, chat_id: int) -> HTTPResponse:
        person, body = people.find(world, chat_id), _body(request)
        link = body.get("invoice_link") or ""
        message_id = 0 if link else _whole(body, "message_id")
        return _json(await purchases.pay(world, person, purchases.invoice_of(world, person, message_id, str(link))))

    @driver.get("/chats/<chat_id:int>/invoice")
    async def show_invoice(request: Request, chat_id: int) -> HTTPResponse:
        invoice = purchases.invoice_of(world, people.find(world, chat_id), 0, request.args.get("link", ""))
        shown = {key: invoice[key] for key in ("title", "description", "currency", "total_amount")}
        period = invoice.get("subscription_period")
        return _json(shown | ({"subscription_period": period} if period else {}))

    @driver.post("/chats/<chat_id:int>/renew")
    async def renew(request: Request, chat_id: int) -> HTTPResponse:
        charge_id = _text(_body(request), "telegram_payment_charge_id")
        return _json(purchases.renew(world, people.find(world, chat_id), charge_id))

    @driver.post("/chats/<chat_id:int>/subscription")
    async def change_subscription(request: Request, chat_id: int) -> HTTPResponse:
        person, body = people.find(world, chat_id), _body(request)
        charge_id, state = _text(body, "telegram_payment_charge_id"), _text(body, "state")
        return _json(purchases.change_subscription(world, person, charge_id, state))

    @driver.post("/chats/<chat_id:int>/webapp_data")
    async def web_app_data(request: Request, chat_id: int) -> HTTPResponse:
        person, body = people.find(world, chat_id), _body(request)
        button = str(body.get("button_text") or "")
        return _json({"message": people.send_web_app_data(world, person, _text(body, "data"), button)}, 201)

    @driver.get("/chats/<chat_id:int>/webapp")
    async def web_app(request: Request, chat_id: int) -> HTTPResponse:
        person, url = people.find(world, chat_id), request.args.get("url", "")
        if not url.startswith(("http://", "https://")):
            raise DriverError(400, "url must be an http or https address")
        is_dark = request.args.get("theme") == "dark"
        is_keyboard = request.args.get("source") == "keyboard"
        start_param = request.args.get("start_param", "")
        opened = webapp.launch(world, person, url, is_dark=is_dark, start_param=start_param, is_keyboard=is_keyboard)
        return _json(opened)


def _fault(body: JsonObject) -> JsonObject:
    error_code, times = _whole(body, "error_code"), body.get("times", 1)
    if not 400 <= error_code <= 599:
        raise DriverError(400, "error_code must be from 400 to 599")
    if not isinstance(times, int) or times < 1:
        raise DriverError(400, "times must be a positive whole number")
    retry_after: Any = body.get("retry_after")
    if retry_after is None and error_code == 429:
        retry_after = 1
    if retry_after is not None and not isinstance(retry_after, int):
        raise DriverError(400, "retry_after must be a whole number of seconds")
    description = str(body.get("description") or _TOLD.get(error_code, "Told so by the sandbox"))
    return {
        "method": _text(body, "method"),
        "error_code": error_code,
        "description": description.format(retry_after=retry_after) if error_code == 429 else description,
        "retry_after": retry_after,
        "times": times,
        # The call works and its answer is lost: the bot cannot tell this from a failure.
        "takes_effect": bool(body.get("takes_effect")),
    }


def _tool_routes(world: World, driver: Blueprint) -> None:
    @driver.get("/health")
    async def health(_request: Request) -> HTTPResponse:
        return _json({"ok": True})

    @driver.get("/calls")
    async def list_calls(request: Request) -> HTTPResponse:
        after = _after(request)
        return _json({"calls": [call for call in world.state.calls if call["id"] > after]})

    @driver.get("/methods")
    async def list_methods(_request: Request) -> HTTPResponse:
        return _json({"methods": sorted(names())})

    @driver.get("/delivery")
    async def show_delivery(_request: Request) -> HTTPResponse:
        webhook = world.state.setting("webhook")
        shown = {key: webhook.get(key) for key in ("url", "last_error_date", "last_error_message")}
        counted = {"pending_update_count": len(world.updates.waiting), "is_polling": world.updates.is_polling}
        return _json(shown | counted)

    @driver.post("/faults")
    async def add_fault(request: Request) -> HTTPResponse:
        body = _body(request)
        if "update" in body:
            planned = misdelivery.planned(body)
            world.updates.misdeliveries.append(planned)
            return _json(planned.shown(), 201)
        fault = _fault(body)
        world.state.faults.append(fault)
        return _json(fault, 201)

    @driver.get("/faults")
    async def list_faults(_request: Request) -> HTTPResponse:
        updates = [planned.shown() for planned in world.updates.misdeliveries]
        return _json({"faults": world.state.faults, "updates": updates})

    @driver.delete("/faults")
    async def clear_faults(_request: Request) -> HTTPResponse:
        world.state.faults.clear()
        world.updates.misdeliveries.clear()
        return _json({"ok": True})

    @driver.post("/limits")
    async def set_limits(request: Request) -> HTTPResponse:
        body = _body(request)
        names = ("chat_burst", "chat_rate", "total_burst", "total_rate")
        values = {name: _number({name: getattr(world.flood, name)} | body, name) for name in names}
        if min(values.values()) <= 0:
            raise DriverError(400, "limits must be positive")
        world.flood.configure(**values)
        return _json(values)


def blueprint(world: World) -> Blueprint:
    """All driver routes, and how they fail."""
    driver = Blueprint("driver", url_prefix="/sandbox/v1")
    _people_routes(world, driver)
    _message_routes(world, driver)
    _tool_routes(world, driver)

    @driver.middleware("request")
    async def refuse_foreign_pages(request: Request) -> HTTPResponse | None:
        # Any page in the same browser can reach loopback addresses; only our own page may play the people.
        origin = request.headers.get("origin")
        if origin and origin.partition("://")[2] != request.headers.get("host"):
            return _json({"error": "requests from other origins are not accepted"}, 403)
        return None

    @driver.exception(DriverError)
    async def show_driver_error(_request: Request, error: DriverError) -> HTTPResponse:
        return _json({"error": str(error)}, error.status)

    @driver.exception(Refused)
    async def show_refusal(_request: Request, refused: Refused) -> HTTPResponse:
        return _json({"error": refused.description}, refused.error_code)

    return driver
