"""Jobs that fail leave a fault for operators, unless it is their user's own; one for each, with job and person."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import db, errors, users
from core.settings import Settings
from providers.errors import (
    FAILURE_CLASSES,
    ContentBlocked,
    InvalidRequest,
    ProviderError,
    ProviderUnavailable,
    QuotaExhausted,
)
from tests.core.errors.conftest import kept
from tests.core.generations.conftest import Ordering, advance
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def recording(first: ScriptedProvider, settings: Settings) -> AsyncIterator[None]:
    """Faults are written while the test runs."""
    async with errors.recording(settings):
        yield


async def test_a_failure_names_its_job_its_person_and_its_provider(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(InvalidRequest("an odd size"))
    second.answers.append(InvalidRequest("an odd size, too"))
    job = await advance(await order(), times=2)
    assert job.error_code == "invalid_request"
    rows = await kept()
    assert [(row["handler"], row["error_class"]) for row in rows] == [
        ("provider:first:invalid_request", "providers.errors.InvalidRequest"),
        ("provider:second:invalid_request", "providers.errors.InvalidRequest"),
    ]
    assert {(row["gen_request_id"], row["user_id"], row["chat_id"]) for row in rows} == {(job.id, user.id, 4242)}
    assert {(row["origin"], row["severity"]) for row in rows} == {("generation", "warning")}


@pytest.mark.parametrize("failure", FAILURE_CLASSES, ids=lambda failure: failure.code)
async def test_of_every_class_but_blocked_content_operators_have_one_fault(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, failure: type[ProviderError]
) -> None:
    await db.execute("UPDATE botapp_aimodel SET routes = jsonb_build_array(routes -> 0) WHERE slug = 'nano-banana'")
    first.answers.extend(failure("a test") for _ in range(20))
    job = await order()
    for _ in range(20):
        job = await advance(job)
        if job.error_code:
            break
    assert job.error_code
    found = [row for row in await kept() if not row["handler"].endswith(":opened")]
    assert len(found) == (0 if failure is ContentBlocked else 1)


async def test_what_an_operator_has_to_put_right_is_an_error_and_what_passes_a_warning(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    first.answers.append(QuotaExhausted("the account is empty"))
    await advance(await order())
    [row] = [row for row in await kept() if row["error_class"]]
    assert row["severity"] == "error"
    assert not errors.is_passing(ProviderUnavailable("x"))


async def test_a_prompt_is_in_no_fault(order: Ordering, first: ScriptedProvider, second: ScriptedProvider) -> None:
    first.answers.append(InvalidRequest("refused"))
    await advance(await order(prompt="words that nobody else may read"))
    assert await kept()
    assert all("nobody else may read" not in str(dict(row)) for row in await kept())
