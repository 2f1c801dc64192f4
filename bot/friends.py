"""Tells a person that a friend came by their link, and that the friend paid. Good news, not worth a second try."""

from __future__ import annotations

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot.client import LOST_ANSWER
from bot.keyboards import shortened
from bot.texts import Html, Words, one_line
from core.bonuses import referrals
from core.bonuses.referrals import INVITER_GETS, Friendship
from core.logs import get_logger

logger = get_logger(__name__)

LONGEST_NAME = 64


async def tell(bot: Bot, referral: int, news: str) -> None:
    """Tell the inviter what `news` says of their friend: `joined` or `paid`."""
    friendship = await referrals.friendship(referral)
    if friendship is None:
        logger.warning("friend_not_told", referral=referral, reason="there is no such referral")
        return
    try:
        await bot.send_message(friendship.inviter_chat_id, _text(friendship, news))
    except (TelegramAPIError, *LOST_ANSWER) as error:
        logger.info("friend_not_told", referral=referral, news=news, error=type(error).__name__)


def _text(friendship: Friendship, news: str) -> Html:
    words = Words(friendship.language)
    name = shortened(one_line(friendship.friend_name), LONGEST_NAME) or words.plain("friend-nameless")
    if news == "paid" and friendship.reward is not None:
        reward = friendship.reward
        return words("friend-paid", tokens=reward.amount, name=name, balance=reward.balance_after)
    return words("friend-joined", name=name, tokens=INVITER_GETS)
