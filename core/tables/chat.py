"""What was said in each chat, for support."""

from __future__ import annotations

from piccolo.columns import JSONB, BigSerial, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from core.db import DB
from core.tables.users import User


class ChatThread(Table, tablename="botapp_chatthread", db=DB):
    """A user's conversation with the bot; what a list of chats shows."""

    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, unique=True, on_delete=OnDelete.cascade)
    last_message_text = Varchar(length=160, default="", null=False)
    last_message_type = Varchar(length=20, default="text", null=False)
    last_message_direction = Varchar(length=10, default="incoming", null=False)
    last_message_at = Timestamptz(default=TimestamptzNow(), null=False, index=True)
    unread_count = Integer(default=0, null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)

    chatthread_unread_is_not_negative = Check(unread_count >= 0)


class ChatMessage(Table, tablename="botapp_chatmessage", db=DB):
    """A message or a pressed button."""

    id = BigSerial(primary_key=True)
    thread = ForeignKey(db_column_name="thread_id", references=ChatThread, null=False, on_delete=OnDelete.cascade)
    direction = Varchar(length=10, default=None, null=False)
    message_type = Varchar(length=20, default="text", null=False)
    telegram_id = Varchar(length=40, default=None, null=False, help_text="Message id, or `cb<id>` of a pressed button.")
    text = Text(default="", null=False)
    media_file_id = Varchar(length=255, default="", null=False)
    payload = JSONB(default="{}", null=False)
    trace_id = Varchar(length=32, default="", null=False)
    message_date = Timestamptz(default=TimestamptzNow(), null=False)

    chatmessage_is_stored_once = Unique([thread, direction, telegram_id])
    chatmessage_direction_is_known = Check((direction == "incoming") | (direction == "outgoing"))
