"""People who talk to the bot."""

from __future__ import annotations

from typing import Any

from piccolo.columns import BigInt, BigSerial, Boolean, ForeignKey, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.reference import LazyTableReference
from piccolo.constraints import Check
from piccolo.table import Table

from core.db import DB

LANGUAGES = ("ru", "en")


class User(Table, tablename="botapp_tguser", db=DB):
    """One row per Telegram account; `chat_id` is the Telegram user id, since only private chats are served."""

    id = BigSerial(primary_key=True)
    chat_id = BigInt(null=False, unique=True)
    username = Varchar(length=255, default="", null=False)
    first_name = Varchar(length=255, default="", null=False)
    last_name = Varchar(length=255, default="", null=False)
    language_code = Varchar(length=10, default="ru", null=False, help_text="As Telegram tells it.")
    is_premium = Boolean(default=False, null=False)
    is_blocked = Boolean(default=False, null=False, help_text="An operator shut this user out.")
    is_test = Boolean(default=False, null=False, help_text="Made by `nb smoke`: no person, and in no statistics.")
    unreachable_since = Timestamptz(default=None, null=True, help_text="The user blocked the bot at this time.")
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)


class UserSettings(Table, tablename="botapp_usersettings", db=DB):
    """What a user chose."""

    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, unique=True, on_delete=OnDelete.cascade)
    interface_language = Varchar(length=2, default=None, null=True, help_text="None: follow Telegram's language.")
    timezone = Varchar(length=40, default=None, null=True, help_text="Name of the IANA zone; None: by language.")
    preferred_model: Any = ForeignKey(
        db_column_name="preferred_model_id",
        references=LazyTableReference(table_class_name="AIModel", module_path="core.tables.catalog"),
        null=True,
        on_delete=OnDelete.set_null,
        help_text="Makes the pictures for prompts that are typed outside a dialogue.",
    )
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)

    usersettings_language_is_known = Check((interface_language == "ru") | (interface_language == "en"))
