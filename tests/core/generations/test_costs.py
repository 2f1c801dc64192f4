"""What a job cost us: what its provider reported, told apart from what its quote expected."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import catalog, db
from core.pricing import fields
from core.pricing.replay import replay
from providers.base import Failed, Finished, Submitted
from providers.errors import AuthFailed, ContentBlocked
from tests.core.generations.conftest import Ordering, advance
from tests.core.generations.scripted import NOW, ScriptedProvider, picture

pytestmark = pytest.mark.integration


async def test_what_the_provider_reports_is_kept_to_six_places(first: ScriptedProvider, order: Ordering) -> None:
    first.answers.append(Finished((picture(),), cost_usd=Decimal("0.0357154")))
    made = await advance(await order())
    assert made.cost_usd == Decimal("0.035715")


async def test_a_provider_that_reports_nothing_leaves_it_open(first: ScriptedProvider, order: Ordering) -> None:
    made = await advance(await order())
    assert made.cost_usd is None


async def test_nothing_is_not_the_same_as_no_report(first: ScriptedProvider, order: Ordering) -> None:
    first.answers.append(Finished((picture(),), cost_usd=Decimal(0)))
    assert (await advance(await order())).cost_usd == 0


async def test_a_report_that_comes_with_a_later_answer_is_kept(first: ScriptedProvider, order: Ordering) -> None:
    first.answers.append(Submitted("job-1", poll_after=NOW))
    first.polls.append(Finished((picture(),), cost_usd=Decimal("0.4")))
    assert (await advance(await order(), times=2)).cost_usd == Decimal("0.4")


async def test_a_job_that_failed_has_no_cost_that_anybody_reported(first: ScriptedProvider, order: Ordering) -> None:
    first.answers.append(Submitted("job-2", poll_after=NOW))
    first.polls.append(Failed(ContentBlocked("no")))
    assert (await advance(await order(), times=2)).cost_usd is None


async def test_reports_fall_back_to_the_quote_and_say_for_how_many(first: ScriptedProvider, order: Ordering) -> None:
    for cost in (Decimal("0.035"), None, None):
        first.answers.append(Finished((picture(),), cost_usd=cost))
        await advance(await order())
        await db.execute("UPDATE botapp_genrequest SET status = 'done', next_action_at = NULL")
    model = await catalog.find("nano-banana")
    found = await replay(model, fields.applied(model, {}), days=1)
    assert (found.jobs, found.reported_jobs, found.reported_usd) == (3, 1, Decimal("0.035000"))
    assert (found.quoted_usd, found.cost_usd) == (Decimal("0.0400"), Decimal("0.08"))


async def test_the_cost_is_that_of_the_route_that_made_it(
    first: ScriptedProvider, second: ScriptedProvider, order: Ordering
) -> None:
    first.answers.append(AuthFailed("the key is wrong"))
    second.answers.append(Finished((picture(),), cost_usd=Decimal("0.05")))
    made = await advance(await order(), times=6)
    assert (made.provider, made.cost_usd) == ("second", Decimal("0.05"))
