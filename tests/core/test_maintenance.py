"""Old events go, fresh and unhandled ones stay."""

from __future__ import annotations

import pytest

from core import db, maintenance
from core.settings import Settings
from core.users import User

pytestmark = pytest.mark.integration


@pytest.mark.usefixtures("database")
async def test_only_events_handled_long_ago_are_forgotten(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "AT_ONCE", 2)
    for event, handled in {
        "old 1": "now() - interval '31 days'",
        "old 2": "now() - interval '40 days'",
        "old 3": "now() - interval '400 days'",
        "fresh": "now() - interval '29 days'",
        "waiting": "NULL",
    }.items():
        await db.execute(
            f"""INSERT INTO botapp_inbox (source, event_id, payload, received_at, handled_at)
            VALUES ('telegram', $1, '{{}}', now() - interval '1 year', {handled})""",
            event,
        )
    await maintenance.forget_events()
    left = [row["event_id"] for row in await db.fetch("SELECT event_id FROM botapp_inbox ORDER BY event_id")]
    assert left == ["fresh", "waiting"]


async def test_refusals_of_last_season_are_forgotten(
    service: Settings, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    del service
    monkeypatch.setattr(maintenance, "AT_ONCE", 1)
    for days in (1, 89, 91, 400):
        await db.execute(
            "INSERT INTO botapp_refusal (user_id, at, source) VALUES ($1, now() - interval '1 day' * $2, 'words')",
            user.id,
            days,
        )
    await maintenance.forget_events()
    assert await db.fetch_value("SELECT count(*) FROM botapp_refusal") == 2
