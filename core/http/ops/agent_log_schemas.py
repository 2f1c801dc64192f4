"""What the ops API takes and answers about the agents' log."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from core.http.openapi import ChangeBody
from core.http.ops.cursors import limit_field
from core.http.values import Answer, Moment, Question

ID_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-7][0-9A-HJKMNP-TV-Z]{25}$"
DIGEST_PATTERN = r"^[0-9a-f]{64}$"
LONGEST_TEXT = 64_000
MOST_FACTS = 64_000

Kind = Literal["staging-deploy", "production-deploy", "work", "incident"]
Status = Literal["open", "done", "failed"]


class AgentLogQuery(Question):
    """Which entries to list, the newest first."""

    since: date | None = Field(None, description="Of this day and later ones.")
    kind: Kind | None = Field(None, description="Of this kind.")
    status: Status | None = Field(None, description="In this state.")
    agent: str | None = Field(None, description="Of this agent, in any case.", max_length=100)
    pull_request: int | None = Field(None, description="Of this pull request.", ge=1, le=2**31 - 1)
    limit: int = limit_field()
    cursor: str | None = Field(
        None,
        description="`next_cursor` of the page before.",
        max_length=100,
        # Told, not enforced here: a cursor of another form is answered with `bad_cursor`.
        json_schema_extra={"pattern": ID_PATTERN},
    )


class AgentLogBody(ChangeBody):
    """An entry as its file in the repository has it."""

    id: str = Field(description="The entry's id: its date and a ULID.", pattern=ID_PATTERN)
    date: date
    kind: Kind
    status: Status
    title: str = Field(min_length=1, max_length=300)
    agent: str = Field("", max_length=100)
    branch: str = Field("", max_length=255)
    pull_request: int | None = Field(None, ge=1, le=2**31 - 1)
    facts: dict[str, Any] = Field(default_factory=dict, description="Commits, deployments, verdict, runs.")
    text: str = Field(description="The entry as it is rendered.", min_length=1, max_length=LONGEST_TEXT)
    digest: str = Field(description="SHA-256 of the file; the same is not taken twice.", pattern=DIGEST_PATTERN)

    @property
    def code(self) -> str:
        """What the audit names as its subject."""
        return self.id

    @field_validator("facts")
    @classmethod
    def _are_few(cls, facts: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(facts)) > MOST_FACTS:
            raise ValueError(f"are longer than {MOST_FACTS} characters")
        return facts

    @model_validator(mode="after")
    def _is_of_its_day(self) -> Self:
        if not self.id.startswith(self.date.isoformat()):
            raise ValueError("the id begins with another date")
        return self


class AgentLogSummary(Answer):
    """An entry in a list."""

    id: str
    date: date
    kind: Kind
    status: Status
    title: str
    agent: str
    branch: str
    pull_request: int | None
    digest: str
    received_at: Moment


class AgentLogPage(Answer):
    """A page of entries; `next_cursor` is null on the last one."""

    items: list[AgentLogSummary]
    next_cursor: str | None


class AgentLogEntry(AgentLogSummary):
    """An entry in full."""

    facts: dict[str, Any]
    text: str


class AgentLogReceived(Answer):
    """What was kept; `changed` is false where the service had it so."""

    id: str
    digest: str
    changed: bool
