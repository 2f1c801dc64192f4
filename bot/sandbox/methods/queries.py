"""Answers to what people pressed: callback queries and pre-checkout queries. The asking side waits for them here."""

from __future__ import annotations

import asyncio
import secrets

from bot.sandbox import limits
from bot.sandbox.documents import JsonObject
from bot.sandbox.methods.registry import method
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import bad_request
from bot.sandbox.world import World

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def open_query(world: World, chat_id: int, lifetime: float) -> tuple[str, asyncio.Future[JsonObject]]:
    """A new query: its id, and a future that the bot's answer resolves."""
    query_id = str(secrets.randbelow(9 * 10**17) + 10**17)
    answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
    now = world.state.clock()
    for old, query in tuple(world.state.queries.items()):
        if query["expires_at"] < now:
            del world.state.queries[old]
    world.state.queries[query_id] = {"chat_id": chat_id, "expires_at": now + lifetime, "answer": answer}
    return query_id, answer


def _close_query(world: World, query_id: str, answer: JsonObject) -> int:
    query = world.state.queries.get(query_id)
    if query is None or query["expires_at"] < world.state.clock():
        raise bad_request(TOO_OLD)
    if not query["answer"].done():
        query["answer"].set_result(answer)
    return int(query["chat_id"])


@method("answerCallbackQuery")
async def answer_callback_query(world: World, parameters: Parameters) -> bool:
    """End the spinner on a pressed button, perhaps with a text."""
    text = parameters.text("text")
    if len(text) > limits.CALLBACK_ANSWER_LENGTH:
        raise bad_request("MESSAGE_TOO_LONG")
    answer = {"text": text or None, "show_alert": parameters.flag("show_alert"), "url": parameters.text("url") or None}
    chat_id = _close_query(world, parameters.text("callback_query_id"), answer)
    world.events.publish(chat_id, "answer", **answer)
    return True


@method("answerPreCheckoutQuery")
async def answer_pre_checkout_query(world: World, parameters: Parameters) -> bool:
    """Let a payment go on, or say why not."""
    ok, error = parameters.flag("ok"), parameters.text("error_message")
    if not ok and not error:
        raise bad_request("error message is empty")
    _close_query(world, parameters.text("pre_checkout_query_id"), {"ok": ok, "error_message": error or None})
    return True
