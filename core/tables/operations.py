"""What operators and the schedule need, and the record of what operators changed."""

from __future__ import annotations

from piccolo.columns import JSONB, Array, BigSerial, Boolean, Date, Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

from core.db import DB


class OpsToken(Table, tablename="botapp_opstoken", db=DB):
    """A token of the ops API. Only its SHA-256 is kept."""

    id = BigSerial(primary_key=True)
    name = Varchar(length=100, default=None, null=False)
    prefix = Varchar(length=12, default=None, null=False, help_text="First characters, to recognise it by.")
    token_hash = Varchar(length=64, default=None, null=False, unique=True)
    scopes = Array(base_column=Varchar(length=10), default=list, null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    expires_at = Timestamptz(default=None, null=True)
    revoked_at = Timestamptz(default=None, null=True)
    last_used_at = Timestamptz(default=None, null=True)


class ScheduleEntry(Table, tablename="botapp_schedule", db=DB):
    """A task that beat publishes at an interval. Operators may edit it while the service runs."""

    id = BigSerial(primary_key=True)
    name = Varchar(length=80, default=None, null=False, unique=True)
    task = Varchar(length=80, default=None, null=False)
    arguments = JSONB(default="{}", null=False)
    every_ms = Integer(default=None, null=False)
    is_enabled = Boolean(default=True, null=False)
    next_run_at = Timestamptz(default=TimestamptzNow(), null=False)
    last_run_at = Timestamptz(default=None, null=True)

    schedule_interval_is_sane = Check(every_ms >= 100)


class AuditEvent(Table, tablename="botapp_auditevent", db=DB):
    """A change that an operator made, written in the transaction that made it. Never changed, never deleted."""

    id = BigSerial(primary_key=True)
    at = Timestamptz(default=TimestamptzNow(), null=False)
    actor = Varchar(length=100, default=None, null=False)
    action = Varchar(length=60, default=None, null=False, help_text="What was done: users.credit, pricing.set.")
    subject = Varchar(length=120, default="", null=False, help_text="Whom or what it was done to.")
    reason = Text(default=None, null=False)
    request = JSONB(default="{}", null=False)
    result = JSONB(default=None, null=True, help_text="What was answered; the same key is answered the same.")
    idempotency_key = Varchar(length=200, default=None, null=False, unique=True)
    trace_id = Varchar(length=32, default="", null=False)


class Approval(Table, tablename="botapp_approval", db=DB):
    """A change that waits for somebody else's consent, and the consent. It holds for exactly that change, once."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=32, default=None, null=False, unique=True)
    action = Varchar(length=60, default=None, null=False)
    subject = Varchar(length=120, default="", null=False)
    content = JSONB(default=None, null=False, help_text="The change, as the approver is shown it.")
    content_hash = Varchar(length=64, default=None, null=False)
    requested_by = Varchar(length=100, default=None, null=False)
    reason = Text(default="", null=False)
    requested_at = Timestamptz(default=TimestamptzNow(), null=False)
    expires_at = Timestamptz(default=None, null=False)
    approved_by = Varchar(length=100, default=None, null=True)
    approved_at = Timestamptz(default=None, null=True)
    used_at = Timestamptz(default=None, null=True)


class AgentLogEntry(Table, tablename="botapp_agentlog", db=DB):
    """An entry of the agents' log, as its file in the repository has it."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=40, default=None, null=False, unique=True, help_text="The entry's id in its front matter.")
    date = Date(default=None, null=False)
    kind = Varchar(length=40, default="", null=False, help_text="staging-deploy, production-deploy, work, incident.")
    status = Varchar(length=12, default="open", null=False, help_text="open until its result is known, then done.")
    title = Varchar(length=300, default=None, null=False)
    agent = Varchar(length=100, default="", null=False)
    branch = Varchar(length=255, default="", null=False)
    pull_request = Integer(default=None, null=True)
    facts = JSONB(default="{}", null=False, help_text="Commits, deployments, verdict, runs.")
    text = Text(default="", null=False, help_text="The entry as it is rendered.")
    digest = Varchar(length=64, default="", null=False, help_text="SHA-256 of the file; the same needs no update.")
    received_at = Timestamptz(default=TimestamptzNow(), null=False)

    agentlog_status_is_known = Check((status == "open") | (status == "done") | (status == "failed"))
