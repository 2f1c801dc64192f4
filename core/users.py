"""Accounts: who a person is, which language they read, which model they like."""

from __future__ import annotations

from dataclasses import dataclass

from core import db
from core.text import storable
from core.types import Language, UserId

RUSSIAN_SPEAKERS = frozenset({"ru", "uk", "be", "kk", "ky", "uz", "tg", "hy", "az", "ka"})
"""Telegram languages whose speakers are greeted in Russian."""

FIRST_TEST_ID = 2**52
"""Telegram's ids have fewer bits. Who has this one or a greater is no person: nothing is ever sent to them."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What Telegram says of somebody."""

    chat_id: int
    username: str = ""
    first_name: str = ""
    last_name: str = ""
    language_code: str = ""
    is_premium: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """An account. `language` is the one that they chose, else the one nearest to Telegram's."""

    id: UserId
    chat_id: int
    first_name: str
    username: str
    language: Language
    is_blocked: bool
    preferred_model: str | None


_SELECT = """
    SELECT person.id, person.chat_id, person.first_name, person.username, person.language_code, person.is_blocked,
        settings.interface_language, model.slug AS preferred_model
    FROM botapp_tguser AS person
    JOIN botapp_usersettings AS settings ON settings.user_id = person.id
    LEFT JOIN botapp_aimodel AS model ON model.id = settings.preferred_model_id
    WHERE person.chat_id = $1
"""

_UPSERT = """
    WITH person AS (
        INSERT INTO botapp_tguser (chat_id, username, first_name, last_name, language_code, is_premium)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (chat_id) DO UPDATE SET username = $2, first_name = $3, last_name = $4, language_code = $5,
            is_premium = $6, unreachable_since = NULL, updated_at = now()
        RETURNING id
    ), balance AS (
        INSERT INTO botapp_userbalance (user_id) SELECT id FROM person ON CONFLICT DO NOTHING
    )
    INSERT INTO botapp_usersettings (user_id) SELECT id FROM person ON CONFLICT DO NOTHING
"""


async def upsert(profile: Profile) -> User:
    """Create the account with its empty balance, or bring its names up to date."""
    await db.execute(
        _UPSERT,
        profile.chat_id,
        *map(storable, (profile.username, profile.first_name, profile.last_name, profile.language_code)),
        profile.is_premium,
    )
    user = await get(profile.chat_id)
    assert user is not None
    return user


async def get(chat_id: int) -> User | None:
    """Return the account of a Telegram id, if there is one."""
    row = await db.fetch_one(_SELECT, chat_id)
    if row is None:
        return None
    return User(
        id=row["id"],
        chat_id=row["chat_id"],
        first_name=row["first_name"],
        username=row["username"],
        language=row["interface_language"] or language_for(row["language_code"]),
        is_blocked=row["is_blocked"],
        preferred_model=row["preferred_model"],
    )


def is_test(chat_id: int) -> bool:
    """Say whether this is no person, but whom `nb smoke` orders for."""
    return chat_id >= FIRST_TEST_ID


def language_for(language_code: str) -> Language:
    """Return the language to greet somebody in, by Telegram's language code. Russian when Telegram says nothing."""
    return "ru" if not language_code or language_code.lower().split("-")[0] in RUSSIAN_SPEAKERS else "en"


async def set_language(user: UserId, language: Language) -> None:
    """Remember the language that the user chose."""
    await db.execute(
        "UPDATE botapp_usersettings SET interface_language = $2, updated_at = now() WHERE user_id = $1", user, language
    )


async def set_preferred_model(user: UserId, slug: str) -> None:
    """Remember the model that makes pictures for prompts typed outside a dialogue."""
    await db.execute(
        """
        UPDATE botapp_usersettings
        SET preferred_model_id = (SELECT id FROM botapp_aimodel WHERE slug = $2), updated_at = now()
        WHERE user_id = $1
        """,
        user,
        slug,
    )


async def mark_unreachable(chat_id: int) -> None:
    """Remember that the user blocked the bot; the next message of theirs forgets it."""
    await db.execute(
        "UPDATE botapp_tguser SET unreachable_since = now() WHERE chat_id = $1 AND unreachable_since IS NULL", chat_id
    )
