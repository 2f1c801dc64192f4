"""How `nb payments` shows payments, and what it advises to do with each."""

from __future__ import annotations

from cli.envelope import NextStep
from cli.moments import say_moment
from cli.output import Column, Screen, State
from cli.wire_payments import Payment, PaymentDetail, Reconciliation

SIGNS: dict[str, State] = {
    "paid": "ok",
    "refunded": "ok",
    "dismissed": "note",
    "pending": "note",
    "expired": "note",
    "failed": "note",
    "refunding": "unknown",
    "quarantined": "failed",
}

SHORT_CODE = 8

COLUMNS = (
    Column("code", "id"),
    Column("status"),
    Column("user", "id"),
    Column("tokens", "number"),
    Column("amount", "number"),
    Column("in", "id"),
    Column("created", "id"),
    Column("gateway", optional=True),
)

FINDING_COLUMNS = (Column("found", "id"), Column("payment", "id"), Column("amount"), Column("gateway's id"))


def row_of(payment: Payment) -> tuple[object, ...]:
    """A payment as a line of a table."""
    wants_money = payment["status"] == "paid" and payment["refund_requested_at"]
    return (
        payment["code"][:SHORT_CODE],
        f"{payment['status']}, refund?" if wants_money else payment["status"],
        payment["user"],
        payment["tokens"],
        payment["amount"],
        payment["currency"],
        say_moment(payment["created_at"], short=True),
        payment["gateway"],
    )


def show_payment(screen: Screen, found: PaymentDetail, steps: tuple[NextStep, ...]) -> None:
    """Everything about a payment, and what can be done about it."""
    screen.state(SIGNS.get(found["status"], "unknown"), f"{found['code']}  {found['status']}")
    spent = f", {found['spent']} of it spent" if found["spent"] != "0.00" else ""
    details = {
        "user": found["user"],
        "package": found["package"],
        "tokens": found["tokens"],
        "given": f"{found['given']}{spent}",
        "amount": f"{found['amount']} {found['currency']}",
        "gateway": found["gateway"],
        "gateway's id": found["external_id"],
        "problem": found["problem"] or None,
        "promo code": found["promo_code"],
        "subscription": _subscription(found),
        "page": found["payment_url"],
        "expires": say_moment(found["expires_at"]) if found["status"] == "pending" else None,
        "asked again": f"{say_moment(found['next_check_at'])}, after {found['attempts']} times"
        if found["next_check_at"]
        else None,
    }
    screen.pairs({name: value for name, value in details.items() if value is not None}, indent=2)
    if found["postings"]:
        screen.heading("Postings")
        for posting in found["postings"]:
            line = f"{say_moment(posting['at'])}  {posting['kind']}  {posting['amount']}  {posting['reason']}"
            screen.wrapped(line.rstrip(), indent=2)
    screen.heading("Events")
    for event in found["events"]:
        screen.wrapped(f"{say_moment(event['at'])}  {event['event']}  {event['detail']}".rstrip(), indent=2)
    if steps:
        screen.heading("What can be done")
        for step in steps:
            screen.wrapped(f"{step.cmd}  ({step.why})", indent=2)


def _subscription(found: PaymentDetail) -> str | None:
    if not found["is_recurring"]:
        return None
    if found["subscription_ends_at"]:
        return f"cancelled, ends {say_moment(found['subscription_ends_at'])}"
    return f"renews {found['subscription']}" if found["subscription"] else "first payment"


def next_steps_for(found: PaymentDetail, environment: str) -> tuple[NextStep, ...]:
    """What makes sense to do with a payment in this state."""
    code, env = found["code"], f"--env {environment}"
    refund = f'nb payments refund {code} --reason "..." {env}'
    match found["status"]:
        case "quarantined":
            return (
                NextStep(refund, "gives the money back to who paid"),
                NextStep(f'nb payments dismiss {code} --reason "..." {env}', "it needs nothing more"),
            )
        case "paid":
            spent = found["spent"] != "0.00"
            why = f"gives the money back; {found['spent']} tokens are spent" if spent else "gives the money back"
            return (NextStep(f"{refund} --write-off" if spent else refund, why),)
        case "refunding" if found["next_check_at"] is None:
            return (NextStep(f"{refund} --done-outside", "once the money went back in the gateway's cabinet"),)
        case "refunding":
            return (NextStep(f"nb payments show {code} {env}", "the money is on its way back"),)
        case "pending" | "expired" | "failed":
            return (NextStep(f"nb payments reconcile --since 2d {env}", "asks the gateway for money that we missed"),)
    return ()


def show_reconciliation(screen: Screen, report: Reconciliation) -> None:
    """What the gateways' lists told."""
    if report["dry_run"]:
        screen.state("note", "dry run: this is what would be, nothing was changed")
    for one in report["gateways"]:
        if one["error"]:
            screen.state("unknown", f"{one['gateway']} could not be read to the end: {one['error']}")
            continue
        left = [finding for finding in one["findings"] if finding["kind"] in {"unknown_there", "other_amount"}]
        said = f"{one['looked_at']} entries, {len(one['findings']) - len(left)} put right, {len(left)} to look at"
        screen.state("failed" if left else "ok", f"{one['gateway']}: {said}")
        if one["findings"]:
            rows = [
                (finding["kind"], (finding["code"] or "-")[:SHORT_CODE], finding["detail"], finding["external_id"])
                for finding in one["findings"]
            ]
            screen.table(FINDING_COLUMNS, rows)
