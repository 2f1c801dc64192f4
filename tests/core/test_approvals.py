"""Consent of somebody else: to exactly one content, within a day, once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core import approvals, audit, db
from core.approvals import Approval, ApprovalRefused, ApprovalRequired, ApprovalState, UnknownApproval, Wish
from core.audit import Change
from core.settings import Settings
from core.types import IdempotencyKey

pytestmark = pytest.mark.integration

_numbers = itertools.count(1)


def wish(price: str = "0.30", by: str = "token:mia", **changes: Any) -> Wish:
    """Somebody's wish to change a price."""
    values: dict[str, Any] = {
        "action": "pricing.set",
        "subject": "veo",
        "content": {"price": price},
        "reason": "dearer",
    }
    return Wish(**{**values, **changes}, requested_by=by)


async def transact(perform: Callable[[], Awaitable[Any]]) -> Any:
    """Run inside a transaction."""
    async with db.transaction():
        return await perform()


async def approve(code: str, by: str = "token:boss", *, own: bool = False) -> Approval:
    """Agree as an administrator."""
    change = Change(by, "approvals.approve", code, "right", IdempotencyKey(f"key-{next(_numbers)}"))
    found: Approval = await transact(lambda: approvals.approve(code, change, may_approve_own=own))
    return found


async def use(code: str | None, wanted: Wish) -> str:
    """Use it as a change would."""
    found: str = await transact(lambda: approvals.use(code, wanted, why="too much"))
    return found


async def let_pass(hours: int) -> None:
    """Let time pass for every approval."""
    await db.execute("UPDATE botapp_approval SET expires_at = expires_at - make_interval(hours => $1)", hours)


async def test_a_request_holds_what_exactly_is_wanted(database: Settings) -> None:
    asked = await approvals.request(wish())
    assert (asked.state, asked.content, asked.requested_by) == (ApprovalState.PENDING, {"price": "0.30"}, "token:mia")
    assert (asked.expires_at - asked.requested_at).total_seconds() == 24 * 3600
    assert asked == await approvals.get(asked.code)


async def test_the_same_content_keeps_its_code_whoever_asks_and_however_often(database: Settings) -> None:
    asked = await asyncio.gather(*(approvals.request(wish(by=f"token:{n}")) for n in range(5)))
    assert len({approval.code for approval in asked}) == 1
    assert len(await approvals.newest()) == 1


@pytest.mark.parametrize(
    "other", [wish("0.31"), wish(subject="kling"), wish(action="payments.refund"), wish(content={"price": 0.30})]
)
async def test_any_other_content_gets_a_code_of_its_own(database: Settings, other: Wish) -> None:
    first = await approvals.request(wish())
    assert (await approvals.request(other)).code != first.code


async def test_the_order_of_keys_makes_no_other_content(database: Settings) -> None:
    first = await approvals.request(wish(content={"a": 1, "b": 2}))
    assert (await approvals.request(wish(content={"b": 2, "a": 1}))).code == first.code


async def test_consent_is_used_once(database: Settings) -> None:
    asked = await approvals.request(wish())
    approved = await approve(asked.code)
    assert (approved.state, approved.approved_by) == (ApprovalState.APPROVED, "token:boss")
    assert await use(asked.code, wish()) == asked.code
    with pytest.raises(ApprovalRequired, match="was used before"):
        await use(asked.code, wish())
    assert (await approvals.get(asked.code)).state is ApprovalState.USED


async def test_used_by_ten_at_once_it_holds_for_one(database: Settings) -> None:
    asked = await approvals.request(wish())
    await approve(asked.code)
    used = await asyncio.gather(*(use(asked.code, wish()) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(result, str) for result in used) == 1


async def test_a_change_that_is_taken_back_does_not_use_it(database: Settings) -> None:
    asked = await approvals.request(wish())
    await approve(asked.code)
    change = Change("token:mia", "x", "veo", "why", IdempotencyKey("key-rehearsal"))

    async def rehearse() -> dict[str, Any]:
        return {"code": await approvals.use(asked.code, wish(), why="")}

    await audit.once(change, rehearse, dry_run=True)
    assert (await approvals.get(asked.code)).state is ApprovalState.APPROVED


@pytest.mark.parametrize("other", [wish("0.31"), wish(subject="kling"), wish(action="payments.refund")])
async def test_it_does_not_hold_for_another_change(database: Settings, other: Wish) -> None:
    asked = await approvals.request(wish())
    await approve(asked.code)
    with pytest.raises(ApprovalRequired, match="approves something else"):
        await use(asked.code, other)


@pytest.mark.parametrize(
    ("code", "said"), [(None, "too much"), ("NOSUCHCODE", "is no approval"), ("", "is no approval")]
)
async def test_without_consent_the_change_is_refused_with_the_wish(
    database: Settings, code: str | None, said: str
) -> None:
    with pytest.raises(ApprovalRequired, match=said) as refusal:
        await use(code, wish())
    assert refusal.value.wish == wish()


async def test_before_it_is_approved_it_holds_for_nothing(database: Settings) -> None:
    asked = await approvals.request(wish())
    with pytest.raises(ApprovalRequired, match="not approved yet"):
        await use(asked.code, wish())


async def test_nobody_agrees_with_themselves_except_where_they_are_alone(database: Settings) -> None:
    asked = await approvals.request(wish())
    with pytest.raises(ApprovalRefused) as refusal:
        await approve(asked.code, "token:mia")
    assert refusal.value.code == "own_approval"
    assert (await approvals.get(asked.code)).approved_by is None
    assert (await approve(asked.code, "token:mia", own=True)).state is ApprovalState.APPROVED


async def test_agreeing_twice_is_agreeing_once(database: Settings) -> None:
    asked = await approvals.request(wish())
    first = await approve(asked.code)
    again = await approve(asked.code.lower(), "token:other")
    assert (again.approved_by, again.approved_at) == ("token:boss", first.approved_at)


async def test_after_a_day_it_is_neither_given_nor_used(database: Settings) -> None:
    late, approved = await approvals.request(wish()), await approvals.request(wish("0.31"))
    await approve(approved.code)
    await let_pass(24)
    with pytest.raises(ApprovalRefused) as refusal:
        await approve(late.code)
    assert refusal.value.code == "approval_expired"
    with pytest.raises(ApprovalRequired, match="is over"):
        await use(approved.code, wish("0.31"))
    assert (await approvals.request(wish())).code != late.code


async def test_what_was_used_is_not_approved_again(database: Settings) -> None:
    asked = await approvals.request(wish())
    await approve(asked.code)
    await use(asked.code, wish())
    with pytest.raises(ApprovalRefused) as refusal:
        await approve(asked.code)
    assert refusal.value.code == "approval_used"


async def test_an_unknown_code_is_refused(database: Settings) -> None:
    with pytest.raises(UnknownApproval, match="NOSUCHCODE"):
        await approve("NOSUCHCODE")


async def test_they_are_listed_newest_first_and_by_what_waits(database: Settings) -> None:
    asked = [await approvals.request(wish(f"0.{n}")) for n in (31, 32, 33)]
    await approve(asked[0].code)
    assert [found.code for found in await approvals.newest(limit=2)] == [asked[2].code, asked[1].code]
    assert [found.code for found in await approvals.newest(only_pending=True)] == [asked[2].code, asked[1].code]
