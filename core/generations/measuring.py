"""What jobs of a model usually take: the median of people's last ones, where there were enough."""

from __future__ import annotations

from core import db
from core.users import FIRST_TEST_ID

ENOUGH = 20
LAST = 200
DAYS = 7


async def measure() -> int:
    """Write the usual time of each model; one without enough jobs goes back to what it ships with. Return how many
    changed."""
    return await db.execute(
        """
        WITH measured AS (
            SELECT model.id, CASE WHEN count(took.seconds) >= $1
                THEN greatest(1, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY took.seconds)))::int END AS seconds
            FROM botapp_aimodel AS model LEFT JOIN LATERAL (
                SELECT extract(epoch FROM completed_at - started_at)::float AS seconds FROM botapp_genrequest
                WHERE ai_model_id = model.id AND status = 'done' AND started_at IS NOT NULL AND chat_id < $4
                    AND completed_at > now() - make_interval(days => $3)
                ORDER BY completed_at DESC LIMIT $2
            ) AS took ON true
            GROUP BY model.id
        )
        UPDATE botapp_aimodel AS model SET measured_seconds = measured.seconds
        FROM measured WHERE measured.id = model.id AND model.measured_seconds IS DISTINCT FROM measured.seconds
        """,
        ENOUGH,
        LAST,
        DAYS,
        FIRST_TEST_ID,
    )
