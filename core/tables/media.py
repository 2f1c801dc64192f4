"""Files that users gave, and orders that were refused for their content."""

from __future__ import annotations

from piccolo.columns import BigInt, BigSerial, DoublePrecision, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

from core.db import DB
from core.tables.users import User


class Upload(Table, tablename="botapp_upload", db=DB):
    """A picture or video that a user gave, by chat or directly. Only `ready` ones may be used in an order."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=32, default=None, null=False, unique=True, help_text="Public id.")
    user = ForeignKey(db_column_name="user_id", references=User, null=False, index=True, on_delete=OnDelete.cascade)
    state = Varchar(length=10, default="expected", null=False, help_text="expected, ready, refused or removed.")
    key = Varchar(length=300, default=None, null=False, help_text="Where its bytes are in storage.")
    mime = Varchar(length=60, default="", null=False, help_text="Found in its bytes; declared while expected.")
    size = BigInt(default=0, null=False)
    width = Integer(default=0, null=False)
    height = Integer(default=0, null=False)
    seconds = DoublePrecision(default=0.0, null=False, help_text="Length of a video.")
    digest = Varchar(length=64, default="", null=False, help_text="SHA-256 of what is kept.")
    refusal = Varchar(length=40, default="", null=False, help_text="Code of why it was refused.")
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    used_at = Timestamptz(default=TimestamptzNow(), null=False, help_text="Last time an order named it.")

    upload_state_is_known = Check(
        (state == "expected") | (state == "ready") | (state == "refused") | (state == "removed")
    )


class Refusal(Table, tablename="botapp_refusal", db=DB):
    """An order that was refused for its content, by us or by a provider. Many of one user slow that user down."""

    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, on_delete=OnDelete.cascade)
    at = Timestamptz(default=TimestamptzNow(), null=False)
    source = Varchar(length=20, default=None, null=False, help_text="words, moderation or provider.")
    category = Varchar(length=60, default="", null=False)
    digest = Varchar(length=64, default="", null=False, help_text="SHA-256 of the prompt, to see repetitions by.")
