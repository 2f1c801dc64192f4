"""Changing one's mind: /cancel drops what was begun and offers to stop what is running; the buttons really stop it."""

from __future__ import annotations

from typing import Final

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import asking, drafts, keyboards
from bot.buttons import Button, Pressed
from bot.progress import CANCELLABLE
from bot.talk import Talk
from core import generations
from core.generations import CannotCancel, Generation, GenerationNotFound

LOOKED_AT: Final = 20


def router() -> Router:
    """Return the router."""
    router = Router(name="cancelling")
    router.message.register(offer, Command("cancel", ignore_case=True))
    router.callback_query.register(cancel, Pressed(Button.CANCEL, 1))
    return router


async def offer(_message: Message, talk: Talk) -> None:
    """Forget the draft and the question that was asked; list the jobs that can still be stopped."""
    was_asked = await asking.drop(talk)
    was_begun = await drafts.drop(talk.user.chat_id) or was_asked
    running = await _running(talk)
    if running:
        text = talk.words("cancel-running", n=len(running))
        await talk.say(text, keyboard=keyboards.running_list(talk.words, running))
        return
    await talk.say(talk.words("cancel-dropped" if was_begun else "cancel-nothing"))


async def cancel(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Stop a job and give its tokens back. Its own status message says so a moment later."""
    try:
        generation = await generations.cancel(arguments[0], talk.user.id)
    except CannotCancel:
        await talk.toast(query, talk.words.plain("cancel-too-late"), is_alert=True)
        return
    except GenerationNotFound:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return
    await talk.toast(query, talk.words.plain("cancel-asked"))
    if query.message is not None and query.message.message_id != generation.status_message_id:
        await _rewrite_list(query, talk)


async def _rewrite_list(query: CallbackQuery, talk: Talk) -> None:
    running = await _running(talk)
    if running:
        text = talk.words("cancel-running", n=len(running))
        await talk.rewrite(query, text, keyboards.running_list(talk.words, running))
    else:
        await talk.rewrite(query, talk.words("finished-cancelled"), None)


async def _running(talk: Talk) -> list[Generation]:
    latest = await generations.of_user(talk.user.id, limit=LOOKED_AT)
    return [job for job in latest if not job.status.is_final and job.stage in CANCELLABLE]
