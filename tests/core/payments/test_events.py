"""What Lava.top tells is stored at once, handled once, and believed only when Lava says it again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import db, ledger
from core.payments import PaymentStatus, checks, get, of_user
from core.payments.reconciliation import reconcile
from core.settings import Settings
from tests.core.payments.conftest import payments, tasks
from tests.core.payments.gateways.front import Front, opened

pytestmark = pytest.mark.integration

DEPOSIT = "120.00"
"""A first deposit of 100 brings 20 % more."""


@pytest.fixture
async def front(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    """The shop, with nobody who publishes what the outbox holds."""

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr("core.queue.outbox.flush", publish_nothing)
    monkeypatch.setattr("core.inbox.IDLE_POLL", 0.05)
    async with opened(settings) as shop:
        yield shop


async def tokens(front: Front) -> str:
    """The buyer's balance."""
    return str(await ledger.balance_of(front.buyer.id))


async def events_left() -> list[tuple[int, str]]:
    """Events that are still to be handled: attempts and last error."""
    rows = await db.fetch("SELECT attempts, error FROM botapp_inbox WHERE handled_at IS NULL")
    return [(row["attempts"], row["error"]) for row in rows]


async def until_tried(attempts: int = 1) -> None:
    """Wait until an event has failed this often."""
    async with asyncio.timeout(20):
        while not any(tried >= attempts and error for tried, error in await events_left()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_paid_order_brings_its_tokens_and_its_user_is_told(front: Front) -> None:
    payment = await front.invoiced()
    await front.do(payment.external_id, "pay")
    assert [delivery.status for delivery in front.emulator.deliveries] == [200]
    assert await tokens(front) == "0.00"
    await front.settled()
    assert await tokens(front) == DEPOSIT
    assert (await get(payment.code)).status is PaymentStatus.PAID
    assert ("bot.tell_payment", payment.code) in await tasks()


async def test_two_hundred_deliveries_at_once_are_stored_once_and_credited_once(front: Front) -> None:
    payment = await front.invoiced()
    await front.do(payment.external_id, "pay", webhook=False)
    event = success(front, payment.external_id)
    answers = await asyncio.gather(*(front.tell(event) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert await db.fetch_value("SELECT count(*) FROM botapp_inbox") == 1
    await front.settled()
    assert (await front.tell(event)).status_code == 200
    await front.settled()
    assert await tokens(front) == DEPOSIT


def success(front: Front, contract: str | None, **changes: Any) -> dict[str, Any]:
    """`payment.success` of a contract, as Lava would send it."""
    from tests.emulators.lava_contracts import event_of

    return {**event_of(front.emulator.contracts[str(contract)], "pay"), **changes}


async def test_an_event_is_not_believed_alone(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = await front.invoiced()
    await front.tell(success(front, payment.external_id))
    async with front.working():
        await until_tried(2)
    assert await tokens(front) == "0.00"
    assert (await get(payment.code)).status is PaymentStatus.PENDING
    await front.do(payment.external_id, "pay", webhook=False)
    await due_now()
    await front.settled()
    assert await tokens(front) == DEPOSIT


async def due_now() -> None:
    """Spare the tests the pause between attempts."""
    await db.execute("UPDATE botapp_inbox SET lease_until = NULL WHERE handled_at IS NULL")


@pytest.mark.parametrize(
    "change", [{"amount": 4.99}, {"amount": 5.01}, {"currency": "EUR"}, {"amount": 500, "currency": "RUB"}]
)
async def test_an_event_that_names_other_money_than_the_invoice_is_quarantined(
    front: Front, change: dict[str, Any]
) -> None:
    payment = await front.invoiced()
    await front.do(payment.external_id, "pay", webhook=False)
    await front.tell(success(front, payment.external_id, **change))
    await front.settled()
    assert await payments() == [("quarantined", payment.external_id)]
    assert await tokens(front) == "0.00"
    assert ("bot.alert", f"quarantine:lava:{payment.external_id}") in await tasks()


@pytest.mark.parametrize("paid", [{"amount": 4.99}, {"amount": 0.01}, {"currency": "RUB"}])
async def test_an_invoice_that_was_paid_with_other_money_is_quarantined(front: Front, paid: dict[str, Any]) -> None:
    payment = await front.invoiced()
    await front.do(payment.external_id, "pay", **paid)
    await front.settled()
    assert await payments() == [("quarantined", payment.external_id)]
    assert await tokens(front) == "0.00"


async def test_a_contract_that_nobody_knows_is_quarantined_with_an_alert(front: Front) -> None:
    unknown = str(uuid.uuid4())
    payment = await front.invoiced()
    answer = await front.tell({**success(front, payment.external_id), "contractId": unknown})
    assert answer.status_code == 200
    await front.settled()
    assert await payments() == [("pending", payment.external_id), ("quarantined", unknown)]
    assert await tokens(front) == "0.00"
    assert ("bot.alert", f"quarantine:lava:{unknown}") in await tasks()


async def test_a_sale_that_is_not_of_an_order_is_quarantined(front: Front) -> None:
    payment = await front.invoiced()
    stray = front.emulator.contracts.pop(str(payment.external_id))
    stray.wanted["clientUtm"] = {"utm_content": "somebody's blog"}
    stray.id = str(uuid.uuid4())
    front.emulator.contracts[stray.id] = stray
    await front.do(stray.id, "pay")
    await front.settled()
    assert ("quarantined", stray.id) in await payments()
    assert await tokens(front) == "0.00"


async def test_a_webhook_before_the_answer_is_matched_by_the_order_code(front: Front) -> None:
    await front.spoil("first", "/api/v3/invoice")
    payment = await front.order()
    async with front.working():
        answer = await front.press(payment)
        assert answer.status_code == 303
    await front.settled()
    assert await tokens(front) == DEPOSIT
    assert [status for status, _ in await payments()] == ["paid"]


async def test_a_payment_whose_contract_never_reached_us_is_found_by_the_order_code(front: Front) -> None:
    await front.spoil("lose", "/api/v3/invoice")
    payment = await front.order()
    assert (await front.press(payment)).status_code == 503
    (contract,) = front.emulator.contracts
    assert (await get(payment.code)).external_id is None
    await front.do(contract, "pay")
    await front.settled()
    assert await tokens(front) == DEPOSIT
    assert (await get(payment.code)).external_id == contract


async def test_a_lost_webhook_is_made_up_for_by_a_look_at_the_order(front: Front) -> None:
    payment = await front.invoiced()
    await front.do(payment.external_id, "pay", webhook=False)
    await db.execute("UPDATE botapp_payment SET next_check_at = now()")
    assert await checks.check_due() == 1
    assert await tokens(front) == DEPOSIT


async def test_a_look_finds_a_contract_whose_answer_was_lost(front: Front) -> None:
    await front.spoil("lose", "/api/v3/invoice")
    payment = await front.order()
    await front.press(payment)
    (contract,) = front.emulator.contracts
    await front.do(contract, "pay", webhook=False)
    await db.execute("UPDATE botapp_payment SET next_check_at = now()")
    await checks.check_due()
    assert await tokens(front) == DEPOSIT


async def test_the_nightly_reconciliation_credits_what_nothing_told_of(front: Front) -> None:
    await front.spoil("lose", "/api/v3/invoice")
    payment = await front.order()
    await front.press(payment)
    (contract,) = front.emulator.contracts
    await front.do(contract, "pay", webhook=False)
    await db.execute("UPDATE botapp_payment SET status = 'expired', next_check_at = NULL")
    for findings in (1, 0):
        report = await reconcile(front.gateway, datetime.now(UTC) - timedelta(days=1))
        assert (report.looked_at, len(report.findings)) == (1, findings)
    assert await tokens(front) == DEPOSIT
    assert (await get(payment.code)).status is PaymentStatus.PAID


async def test_a_reconciliation_at_the_same_time_as_the_event_credits_once(front: Front) -> None:
    payment = await front.invoiced()
    await front.do(payment.external_id, "pay")
    since = datetime.now(UTC) - timedelta(days=1)
    await db.execute("UPDATE botapp_payment SET next_check_at = now()")
    await asyncio.gather(front.settled(), checks.check_due(), *(reconcile(front.gateway, since) for _ in range(5)))
    assert await tokens(front) == DEPOSIT
    assert (await tasks()).count(("bot.tell_payment", payment.code)) == 1


async def test_while_lava_is_away_an_event_is_kept_and_tried_again(front: Front) -> None:
    payment = await front.invoiced()
    await front.do(payment.external_id, "pay", webhook=False)
    await front.spoil("status=502", "/api/v2/invoices", times=7)
    assert (await front.tell(success(front, payment.external_id))).status_code == 200
    async with front.working(), asyncio.timeout(30):
        while await events_left():
            await due_now()
            await asyncio.sleep(0.02)
    assert await db.fetch_value("SELECT attempts FROM botapp_inbox") == 8
    assert await tokens(front) == DEPOSIT
    assert any(task == "bot.alert" and about.startswith("inbox:lava:") for task, about in await tasks())


async def test_a_failure_is_told_and_one_after_success_is_ignored(front: Front) -> None:
    payment = await front.invoiced()
    await front.do(payment.external_id, "fail")
    await front.settled()
    failed = await get(payment.code)
    assert (failed.status, failed.problem) == (PaymentStatus.FAILED, "Not sufficient funds")
    assert (await tasks()).count(("bot.tell_payment", payment.code)) == 1

    await front.do(payment.external_id, "pay")
    await front.settled()
    assert await tokens(front) == DEPOSIT
    late = {**success(front, payment.external_id), "eventType": "payment.failed", "status": "failed"}
    await db.execute("DELETE FROM botapp_inbox")
    await front.tell(late)
    await front.settled()
    assert (await get(payment.code)).status is PaymentStatus.PAID
    assert await tokens(front) == DEPOSIT


async def test_an_event_that_says_paid_of_what_lava_calls_failed_alerts(front: Front) -> None:
    payment = await front.invoiced()
    await front.do(payment.external_id, "fail", webhook=False)
    await front.tell(success(front, payment.external_id))
    await front.settled()
    assert await tokens(front) == "0.00"
    assert ("bot.alert", f"event:{payment.external_id}") in await tasks()


async def test_a_failure_that_lava_does_not_confirm_is_let_go(front: Front) -> None:
    payment = await front.invoiced()
    await front.tell({**success(front, payment.external_id), "eventType": "payment.failed", "status": "failed"})
    await front.settled()
    assert (await get(payment.code)).status is PaymentStatus.PENDING


async def test_a_subscription_renews_fails_and_ends(front: Front) -> None:
    first = await front.invoiced("monthly")
    await front.do(first.external_id, "pay")
    renewal = await front.do(first.external_id, "renew")
    await front.settled()
    assert await tokens(front) == "220.00"
    missed = await front.do(first.external_id, "fail_renewal")
    await front.settled()
    found = {payment.external_id: payment for payment in await of_user(front.buyer.id)}
    assert found[renewal].subscription_id == first.id
    assert found[renewal].status is PaymentStatus.PAID
    assert (found[missed].status, found[missed].problem) == (PaymentStatus.FAILED, "Not sufficient funds")
    told = [about for task, about in await tasks() if task == "bot.tell_payment"]
    assert {found[renewal].code, found[missed].code} <= set(told)

    await front.do(first.external_id, "cancel")
    await front.settled()
    ended = await get(first.code)
    assert ended.subscription_ends_at is not None
    assert ended.status is PaymentStatus.PAID
    assert await tokens(front) == "220.00"


async def test_a_renewal_that_was_missed_may_still_be_paid(front: Front) -> None:
    first = await front.invoiced("monthly")
    await front.do(first.external_id, "pay")
    missed = await front.do(first.external_id, "fail_renewal")
    await front.settled()
    await front.do(missed, "pay")
    await front.settled()
    assert await tokens(front) == "220.00"


async def test_a_renewal_that_overtakes_its_first_payment_waits_for_it(front: Front) -> None:
    first = await front.invoiced("monthly")
    await front.do(first.external_id, "pay", webhook=False)
    await front.do(first.external_id, "renew")
    await front.settled()
    assert sorted(status for status, _ in await payments()) == ["paid", "paid"]
    assert await tokens(front) == "220.00"


async def test_a_renewal_of_nobodys_subscription_is_quarantined(front: Front) -> None:
    first = await front.invoiced("monthly")
    event = success(front, first.external_id)
    unknown, parent = str(uuid.uuid4()), str(uuid.uuid4())
    renewed = {"eventType": "subscription.recurring.payment.success", "contractId": unknown, "parentContractId": parent}
    await front.tell({**event, **renewed})
    await front.settled()
    assert ("quarantined", unknown) in await payments()
    assert await tokens(front) == "0.00"


async def test_a_cancellation_that_lava_does_not_know_of_ends_nothing(front: Front) -> None:
    first = await front.invoiced("monthly")
    await front.do(first.external_id, "pay")
    await front.tell({"eventType": "subscription.cancelled", "contractId": first.external_id})
    await front.settled()
    assert (await get(first.code)).subscription_ends_at is None


async def test_no_address_of_a_payer_is_kept_with_an_event(front: Front) -> None:
    payment = await front.invoiced()
    await front.do(payment.external_id, "pay")
    kept = await db.fetch_value("SELECT payload::text FROM botapp_inbox")
    assert payment.external_id in kept
    assert "@" not in kept


async def test_a_lava_that_was_never_configured_has_no_worker(settings: Settings) -> None:
    from core.payments import events, gateways

    await gateways.disconnect()
    async with events.handling(settings):
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "lava-inbox"]


async def test_the_worker_handles_what_the_webhook_stored(front: Front) -> None:
    from core.payments import events

    payment = await front.invoiced()
    async with events.handling(front.settings), asyncio.timeout(20):
        await front.do(payment.external_id, "pay")
        while (await get(payment.code)).status is not PaymentStatus.PAID:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
