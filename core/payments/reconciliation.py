"""Compares a gateway's own list of payments with ours: the net below events that were lost.

Money and refunds that we missed go through `crediting.receive` like any other news, so that doing it again changes
nothing. What we have and the gateway has not is told to the operators: nobody's tokens are touched for that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from core import db
from core.alerts import alert
from core.logs import get_logger
from core.payments import crediting, gateways
from core.payments.gateways.base import Gateway, GatewayError, Outcome, Receipt
from core.payments.states import Payment, PaymentStatus
from core.queue import outbox

log = get_logger(__name__)

LOOKED_BACK: Final = timedelta(days=3)
"""How far every night looks: three nights may fail before anything is missed."""

OVERLAP: Final = timedelta(hours=1)
"""The gateway's clock and ours differ: its list begins so much earlier than ours."""

SETTLED: Final = timedelta(minutes=15)
"""A payment younger than this may be missing in a gateway's list for the moment."""

AT_ONCE: Final = 100
NAMED_IN_ALERT: Final = 5


class Kind(StrEnum):
    """What was found. The first three are put right, the others need somebody who looks."""

    CREDITED = "credited"
    REFUNDED = "refunded"
    HELD = "held"
    UNKNOWN_THERE = "unknown_there"
    OTHER_AMOUNT = "other_amount"


BOOKED: Final = frozenset({PaymentStatus.PAID, PaymentStatus.REFUNDING, PaymentStatus.REFUNDED})
"""What stands in our books. Money in quarantine may be of any amount; somebody looks at it anyway."""

REPAIRED: Final = frozenset({Kind.CREDITED, Kind.REFUNDED, Kind.HELD})


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference between the gateway and us. `code` is our payment, where there is one."""

    kind: Kind
    external_id: str
    code: str | None
    detail: str


@dataclass(slots=True)
class Report:
    """What a reconciliation looked at and found."""

    gateway: str
    since: datetime
    looked_at: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def problems(self) -> list[Finding]:
        """What is not put right by itself."""
        return [finding for finding in self.findings if finding.kind not in REPAIRED]


@dataclass(frozen=True, slots=True)
class _Known:
    """What we have under an external id."""

    code: str
    status: PaymentStatus
    amount: str

    def needs(self, receipt: Receipt) -> bool:
        """Say whether a receipt tells something new."""
        match receipt.outcome:
            case Outcome.PAID:
                return self.status in crediting.AWAITED
            case Outcome.REFUNDED:
                return self.status not in {PaymentStatus.REFUNDED, PaymentStatus.DISMISSED}
        return False


async def reconcile(gateway: Gateway, since: datetime, *, rehearse: bool = False) -> Report:
    """Compare everything since then, put right what we missed, and tell the operators of the rest.

    With `rehearse` it only says what it would do.

    Raises:
        core.payments.gateways.GatewayError: the gateway's list is not complete. What was read is put right.
    """
    report = Report(gateway.name, since)
    began = datetime.now(UTC)
    seen: set[str] = set()
    async for receipts in _in_batches(gateway.receipts(since - OVERLAP)):
        seen |= {receipt.external_id for receipt in receipts}
        report.looked_at += len(receipts)
        await _compare(report, receipts, rehearse=rehearse)
    report.findings += await _unknown_there(gateway.name, since, began - SETTLED, seen)
    if not rehearse:
        await _tell(report)
    return report


async def reconcile_all(since: datetime) -> list[Report]:
    """Reconcile every configured gateway. One that cannot be asked keeps no other waiting; operators hear of it."""
    reports = []
    for gateway in gateways.everything():
        try:
            reports.append(await reconcile(gateway, since))
        except GatewayError as error:
            log.warning("payments.not_reconciled", gateway=gateway.name, error=str(error))
            text = f"Payments over {gateway.name} are not reconciled: {error}"
            await alert(f"reconcile-failed:{gateway.name}", text, error=error)
            await outbox.flush()
    return reports


async def _in_batches(receipts: AsyncIterator[Receipt]) -> AsyncIterator[list[Receipt]]:
    batch: list[Receipt] = []
    async for receipt in receipts:
        batch.append(receipt)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


async def _compare(report: Report, receipts: Sequence[Receipt], *, rehearse: bool) -> None:
    known = await _known(report.gateway, [receipt.external_id for receipt in receipts])
    for receipt in receipts:
        ours = known.get(receipt.external_id)
        if ours is None or ours.needs(receipt):
            report.findings += await _put_right(receipt, ours, rehearse=rehearse)
        elif ours.status in BOOKED and ours.amount != _amount(receipt):
            detail = f"{_amount(receipt)} there, {ours.amount} here"
            report.findings.append(Finding(Kind.OTHER_AMOUNT, receipt.external_id, ours.code, detail))


async def _known(gateway: str, external_ids: Sequence[str]) -> Mapping[str, _Known]:
    rows = await db.fetch(
        """
        SELECT external_id, code, status, amount, currency FROM botapp_payment
        WHERE gateway = $1 AND external_id = ANY($2::text[])
        """,
        gateway,
        list(external_ids),
    )
    return {
        row["external_id"]: _Known(
            row["code"], PaymentStatus(row["status"]), f"{row['amount'].normalize():f} {row['currency']}"
        )
        for row in rows
    }


def _amount(receipt: Receipt) -> str:
    return f"{receipt.amount.normalize():f} {receipt.currency}" if receipt.amount is not None else "nothing"


async def _put_right(receipt: Receipt, ours: _Known | None, *, rehearse: bool) -> list[Finding]:
    if receipt.outcome not in {Outcome.PAID, Outcome.REFUNDED}:
        return []
    if rehearse:
        kind = Kind.REFUNDED if receipt.outcome is Outcome.REFUNDED else Kind.CREDITED
        return [Finding(kind, receipt.external_id, ours.code if ours else receipt.order_code, _amount(receipt))]
    payment = await crediting.receive(receipt)
    if payment is None:
        return []
    log.warning("payments.put_right", gateway=receipt.gateway, code=payment.code, status=payment.status.value)
    return [Finding(_kind_of(payment), receipt.external_id, payment.code, _amount(receipt))]


def _kind_of(payment: Payment) -> Kind:
    if payment.status is PaymentStatus.QUARANTINED:
        return Kind.HELD
    return Kind.CREDITED if payment.status is PaymentStatus.PAID else Kind.REFUNDED


async def _unknown_there(gateway: str, since: datetime, until: datetime, seen: set[str]) -> list[Finding]:
    """Return what we believe to be paid and the gateway does not list."""
    rows = await db.fetch(
        """
        SELECT external_id, code, amount, currency FROM botapp_payment
        WHERE gateway = $1 AND status IN ('paid', 'refunding') AND paid_at >= $2 AND paid_at < $3 ORDER BY id
        """,
        gateway,
        since,
        until,
    )
    return [
        Finding(
            Kind.UNKNOWN_THERE, row["external_id"], row["code"], f"{row['amount'].normalize():f} {row['currency']} here"
        )
        for row in rows
        if row["external_id"] not in seen
    ]


async def _tell(report: Report) -> None:
    kinds = {kind.value: sum(found.kind is kind for found in report.findings) for kind in Kind}
    log.info("payments.reconciled", gateway=report.gateway, looked_at=report.looked_at, **kinds)
    if not report.problems:
        return
    named = "; ".join(f"{one.code} {one.kind.value}: {one.detail}" for one in report.problems[:NAMED_IN_ALERT])
    rest = f" and {len(report.problems) - NAMED_IN_ALERT} more" if len(report.problems) > NAMED_IN_ALERT else ""
    await alert(
        f"reconcile:{report.gateway}",
        f"Payments over {report.gateway} do not agree with its list: {named}{rest}. "
        f"See: nb payments reconcile --gateway {report.gateway} --dry-run",
    )
    await outbox.flush()
