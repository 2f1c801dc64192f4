"""Inviting friends: one's own link, a button that sends it, and what has come of it."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import keyboards_bonuses
from bot.buttons import Button, Pressed
from bot.talk import Talk
from bot.texts import Html, join, lines
from core.bonuses import referrals
from core.bonuses.referrals import INVITEE_GETS, INVITER_GETS


def router() -> Router:
    """Return the router."""
    router = Router(name="invite")
    router.message.register(command, Command("invite", ignore_case=True))
    router.callback_query.register(pressed, Pressed(Button.INVITE, 0))
    return router


async def command(_message: Message, talk: Talk) -> None:
    """Show the link."""
    await show(talk)


async def pressed(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Show the link below the message whose button was pressed."""
    del arguments
    await talk.toast(query)
    await show(talk)


async def show(talk: Talk) -> None:
    """Show the person's link, what it brings, and what it has brought."""
    bot_name = (await talk.bot.me()).username or ""
    link = referrals.link(bot_name, await referrals.code_of(talk.user.id))
    text = join(
        lines(
            talk.words("invite-title"),
            talk.words("invite-terms", friend=INVITEE_GETS, you=INVITER_GETS),
        ),
        talk.words("invite-link", link=link),
        await _outcome(talk),
    )
    await talk.say(text, keyboard=keyboards_bonuses.share(talk.words, link))


async def _outcome(talk: Talk) -> Html:
    so_far = await referrals.invitations(talk.user.id)
    if not so_far.came:
        return talk.words("invite-nobody-yet")
    return talk.words("invite-so-far", came=so_far.came, paid=so_far.paid, earned=so_far.earned)
