"""How each provider is doing: shared by all processes, edited by operators."""

from __future__ import annotations

from piccolo.columns import Boolean, Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

from core.db import DB


class ProviderState(Table, tablename="botapp_provider", db=DB):
    """A provider as routes name it. One that nothing was noted of has no row: it is in order and has no limit."""

    name = Varchar(length=40, primary_key=True, default=None, null=False)
    is_enabled = Boolean(default=True, null=False, help_text="Off by an operator: no new job is handed to it.")
    max_running = Integer(default=None, null=True, help_text="Jobs that may be under way there; no limit without.")
    failures = Integer(default=0, null=False, help_text="Failures in a row that speak against the provider itself.")
    parked_until = Timestamptz(default=None, null=True, help_text="The breaker is open until then.")
    reason = Text(default="", null=False, help_text="Code and detail of the last failure.")
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)

    provider_limit_is_positive = Check((max_running.is_null()) | (max_running > 0))
