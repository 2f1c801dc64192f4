"""Handles what gateways tell over their webhooks, after it was stored: asks the gateway, then believes the gateway.

An event only says where to look. Nothing is lost while a gateway is away: its events are tried until it answers, and
orders are looked at by `core.payments.checks` meanwhile.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core import db
from core.alerts import alert
from core.inbox import Event, Inbox
from core.logs import get_logger
from core.payments import crediting, gateways, repository
from core.payments.gateways.base import MalformedNotice, Outcome, Receipt, WebGateway
from core.queue import outbox, part_of_worker
from core.settings import Settings

log = get_logger(__name__)

LOOKS = 3
"""Times that somebody else's contract is looked for before it counts as unknown: 1, 2 seconds apart."""

PATIENCE = timedelta(days=3)
"""How long a gateway may say that a payment is on its way which its event called paid."""

STOP_LIMIT = 8.0


class NotYet(Exception):
    """What the event tells of cannot be seen yet; it is handled again later."""


def inbox(gateway: WebGateway) -> Inbox:
    """The stored events of a gateway. All of them are about money, so none is given up."""
    return Inbox(gateway.name, is_money=_always)


def _always(event: Event) -> bool:
    del event
    return True


@part_of_worker
@asynccontextmanager
async def handling(settings: Settings) -> AsyncIterator[None]:
    """Have the worker handle what the webhooks stored."""
    del settings
    running = [
        asyncio.create_task(inbox(gateway).run(Handler(gateway).handle), name=f"{gateway.name}-inbox")
        for gateway in gateways.of_the_web()
    ]
    for task in running:
        task.add_done_callback(_report_death)
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=STOP_LIMIT)


def _report_death(task: asyncio.Task[None]) -> None:
    """End a process that handles no money any more, so that another one takes its place."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("payment_events_died", task=task.get_name(), exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)


class Handler:
    """Handles the events of one gateway."""

    def __init__(self, gateway: WebGateway) -> None:
        self._gateway = gateway

    async def handle(self, event: Event) -> None:
        """Handle one stored event.

        Raises:
            NotYet, core.payments.gateways.GatewayError: to be handled again.
        """
        try:
            claim = self._gateway.read_notice(db.to_json(event.payload).encode()).claim
        except MalformedNotice as error:
            # It was read before it was stored: another version of the product did that, and an operator looks.
            await _tell(f"event:{event.id}", f"Event {event.event_id} of {self._gateway.title} is not read: {error}")
            return
        truth = await self._gateway.confirm(claim)
        if truth is None:
            await self._unknown(claim, event)
        elif truth.outcome is Outcome.PENDING and claim.outcome is not Outcome.PENDING:
            await self._on_its_way(claim, event)
        else:
            await self._settle(claim, truth, event)

    async def _settle(self, claim: Receipt, truth: Receipt, event: Event) -> None:
        if claim.outcome is Outcome.PAID and truth.outcome is Outcome.FAILED:
            await _tell(
                f"event:{claim.external_id}",
                f"{self._gateway.title} told that {claim.external_id} is paid and says now that it failed. "
                "Nobody was credited.",
            )
        if truth.outcome is Outcome.PAID and _differ(claim, truth):
            problem = (
                f"the event names {claim.amount} {claim.currency}, the gateway's record {truth.amount} {truth.currency}"
            )
            await crediting.quarantine(truth, problem)
            return
        if truth.outcome is Outcome.PAID and event.attempts < LOOKS and not await _is_known(truth):
            raise NotYet(f"no order of {truth.external_id} is known yet")
        if truth.subscription:
            await self._settle_first(truth.subscription)
        await crediting.receive(replace(truth, reason=truth.reason or claim.reason))

    async def _settle_first(self, subscription: str) -> None:
        """A renewal may overtake the payment that began its subscription; that one goes first."""
        known = await repository.by_external_id(self._gateway.name, subscription)
        if known is not None and known.status not in crediting.AWAITED:
            return
        first = await self._gateway.confirm(Receipt(self._gateway.name, subscription, Outcome.PAID))
        if first is not None and first.outcome is Outcome.PAID and await _is_known(first):
            await crediting.receive(first)

    async def _unknown(self, claim: Receipt, event: Event) -> None:
        """The gateway does not know what it told us of: not now, or it was not the gateway who told."""
        if await repository.by_external_id(self._gateway.name, claim.external_id) is not None:
            raise NotYet(f"{self._gateway.title} does not know its own {claim.external_id}")
        if event.attempts < LOOKS:
            raise NotYet(f"{self._gateway.title} does not know {claim.external_id} yet")
        if claim.outcome is Outcome.PAID:
            await crediting.quarantine(claim, f"{self._gateway.title} does not know this payment")
            return
        log.warning("payment.event_of_nothing", gateway=self._gateway.name, external_id=claim.external_id)

    async def _on_its_way(self, claim: Receipt, event: Event) -> None:
        """The event is ahead of the gateway's own record."""
        is_over = claim.outcome is not Outcome.PAID and event.attempts >= LOOKS
        if is_over or datetime.now(UTC) - event.received_at > PATIENCE:
            if claim.outcome is Outcome.PAID:
                await _tell(
                    f"event:{claim.external_id}",
                    f"{self._gateway.title} told that {claim.external_id} is paid, and its own record still does not "
                    "say so. Nobody was credited; see its cabinet.",
                )
            log.warning("payment.event_not_confirmed", gateway=self._gateway.name, external_id=claim.external_id)
            return
        raise NotYet(f"{self._gateway.title} does not say {claim.outcome.value} of {claim.external_id} yet")


def _differ(claim: Receipt, truth: Receipt) -> bool:
    return claim.amount is not None and (claim.amount, claim.currency) != (truth.amount, truth.currency)


async def _is_known(receipt: Receipt) -> bool:
    """Say whether we know what a payment is for."""
    for external_id in (receipt.external_id, receipt.subscription):
        if external_id and await repository.by_external_id(receipt.gateway, external_id) is not None:
            return True
    return bool(receipt.order_code) and await repository.find(receipt.order_code or "") is not None


async def _tell(key: str, text: str) -> None:
    async with db.transaction():
        await alert(key, text)
    await outbox.flush()
