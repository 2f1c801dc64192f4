"""`nb payments`: find payments, give money back, look at quarantine, compare with gateways, try a purchase."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Annotated
from urllib.parse import quote as quoted

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import OpsClient, connect
from cli.commands.payments_view import COLUMNS, next_steps_for, row_of, show_payment, show_reconciliation
from cli.envelope import NextStep, Outcome, Problem
from cli.errors import BlockedByRule, DeadlineReached, UsageMistake
from cli.exit_codes import ExitCode
from cli.groups import new_group
from cli.invocation import current
from cli.output import Screen
from cli.paging import Cursor, Limit, next_page
from cli.wire_payments import Dismissed, Invoice, Payment, PaymentDetail, PaymentPage, Reconciliation, Refunded

app = new_group("Find payments, give money back, compare with the gateways.")

ROOT = "/api/ops/v1/payments"
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST_DAYS = 90
ASK_EVERY = 1.0
"""Seconds between two questions of --wait."""

Code = Annotated[
    str, typer.Argument(metavar="CODE", help="A payment's code, its first 8 characters, or the gateway's id.")
]


@app.command("list")
def list_payments(
    status: Annotated[
        str | None,
        typer.Option("--status", help="pending, paid, failed, expired, refunding, refunded, quarantined or dismissed."),
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="Only of this Telegram id.")] = None,
    gateway: Annotated[str | None, typer.Option("--gateway", metavar="NAME", help="Only over this gateway.")] = None,
    refund_requested: Annotated[
        bool, typer.Option("--refund-requested", help="Only those whose users ask for their money back.")
    ] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Outcome:
    """List payments, the newest first: unpaid orders and money in quarantine too.

    Examples:
        nb payments list --status quarantined
        nb payments list --refund-requested --env production --json
    """
    client = connect()
    query = {"status": status, "user": user, "gateway": gateway, "limit": limit, "cursor": cursor}
    asked = {**query, "refund_requested": "true" if refund_requested else None}
    page = client.read(PaymentPage, client.get(ROOT, asked))

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.line("No payments match.")
            return
        screen.table(COLUMNS, map(row_of, page["items"]))

    command = "nb payments list" + (" --refund-requested" if refund_requested else "")
    return Outcome(data=page, show=show, next_steps=next_page(command, query, page["next_cursor"]))


@app.command("show")
def show(code: Code) -> Outcome:
    """Show one payment in full: order, postings, what happened when, and what to do next.

    Examples:
        nb payments show 7f3a91c0
        nb payments show 7f3a91c0 --env production --json
    """
    client = connect()
    found = _found(client, code)
    steps = next_steps_for(found, client.target.name)
    # What waits for nobody is not urged on anybody: the page names the commands, and that is all.
    is_over = found["status"] == "paid" and not found["refund_requested_at"]
    return Outcome(
        data=found, show=lambda screen: show_payment(screen, found, steps), next_steps=() if is_over else steps
    )


@app.command("refund")
def refund(
    code: Code,
    reason: Reason,
    write_off: Annotated[
        bool, typer.Option("--write-off", help="Refund even where tokens are spent: the difference is written off.")
    ] = False,
    done_outside: Annotated[
        bool, typer.Option("--done-outside", help="The money went back already, in the gateway's cabinet.")
    ] = False,
    key: Key = None,
) -> Outcome:
    """Give the money of a payment back. Its tokens are taken at once, the money follows; --wait waits for it.

    Examples:
        nb payments refund 7f3a91c0 --reason "asked for it, ticket 4711"
        nb payments refund 7f3a91c0 --reason "chargeback" --write-off
    """
    client = connect(writes=True)
    full = _found(client, code)["code"]
    body = {"reason": reason, "write_off": write_off, "done_outside": done_outside}
    try:
        made = client.read(Refunded, client.change("POST", f"{ROOT}/{full}/refund", body, key=key))
    except BlockedByRule as refusal:
        raise _with_way_out(refusal, full, client.target.name) from None
    patience = current().wait
    if patience is not None and not current().dry_run:
        made = _wait_for_money(client, made, patience)

    def say(screen: Screen) -> None:
        done = "its money is back" if made["status"] == "refunded" else "its money is on the way back"
        screen.state("ok", f"payment {made['code']} is {made['status']}: {done}")
        screen.pairs({"tokens taken": made["taken"], "written off": made["written_off"]}, indent=2)

    again = NextStep(f"nb payments show {full} --env {client.target.name}", "shows when the money is back")
    return changes.outcome(made, say, next_steps=() if made["status"] == "refunded" else (again,))


@app.command("dismiss")
def dismiss(code: Code, reason: Reason, key: Key = None) -> Outcome:
    """Note that a payment in quarantine was looked at and needs nothing more. Its money stays where it is.

    Examples:
        nb payments dismiss 7f3a91c0 --reason "test of the cabinet, nobody paid"
        nb payments dismiss 7f3a91c0 --reason "ticket 4711" --env production
    """
    client = connect(writes=True)
    full = _found(client, code)["code"]
    made = client.read(Dismissed, client.change("POST", f"{ROOT}/{full}/dismiss", {"reason": reason}, key=key))
    return changes.outcome(made, lambda screen: screen.state("ok", f"payment {made['code']} is {made['status']}"))


@app.command("reconcile")
def reconcile(
    gateway: Annotated[str | None, typer.Option("--gateway", metavar="NAME", help="Only this gateway.")] = None,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="How far back: 12h, 2d, 30d.")] = "3d",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; the audit keeps it.")] = "by hand",
) -> Outcome:
    """Compare with the gateways' own lists and put right what we missed. Every night does the same.

    Examples:
        nb payments reconcile --since 2d --timeout 5m
        nb payments reconcile --gateway stars --dry-run --env production --json
    """
    dry_run = current().dry_run
    client = connect(writes=not dry_run)
    body = {"gateway": gateway, "since": _since(since).isoformat(), "dry_run": dry_run, "reason": reason}
    report = client.read(Reconciliation, client.post(f"{ROOT}/reconcile", body))
    problem = None
    if not report["ok"]:
        problem = Problem("payments_disagree", "payments do not agree with the gateways", fix="nb payments show CODE")
    return Outcome(
        data=report,
        show=lambda screen: show_reconciliation(screen, report),
        problem=problem,
        exit_code=ExitCode.OK if report["ok"] else ExitCode.CHECK_FAILED,
    )


@app.command("test")
def test(
    user: Annotated[
        int | None, typer.Option("--user", metavar="ID", help="Who pays; the chat of alerts when not given.")
    ] = None,
    package: Annotated[
        str | None, typer.Option("--package", metavar="CODE", help="Which; the cheapest when not given.")
    ] = None,
    gateway: Annotated[str, typer.Option("--gateway", metavar="NAME", help="Over which gateway.")] = "stars",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; the audit keeps it.")] = "test payment",
    key: Key = None,
) -> Outcome:
    """Place an order for yourself and print the link where it is paid, to see that buying works.

    Outside of the sandbox the money is real: refund it afterwards.

    Examples:
        nb payments test --user 100200300
        nb payments test --user 100200300 --package tokens-100 --json
    """
    client = connect(writes=True)
    body = {"user": user, "package": package, "gateway": gateway, "reason": reason}
    order = client.read(Payment, client.change("POST", f"{ROOT}/test", body, key=key))
    url = None
    if not current().dry_run:
        url = client.read(Invoice, client.post(f"{ROOT}/{order['code']}/invoice", {}))["payment_url"]

    def say(screen: Screen) -> None:
        amount = f"{order['amount']} {order['currency']}"
        screen.state("ok", f"order {order['code']} of user {order['user']}: {order['tokens']} ⚡ for {amount}")
        if url:
            screen.line(f"  pay here: {url}")

    env = client.target.name
    steps = (
        NextStep(f"nb payments show {order['code']} --env {env}", "shows whether the money came"),
        NextStep(f'nb payments refund {order["code"]} --reason "test" --env {env}', "gives it back"),
    )
    return changes.outcome({**order, "payment_url": url}, say, next_steps=steps)


def _found(client: OpsClient, code: str) -> PaymentDetail:
    return client.read(PaymentDetail, client.get(f"{ROOT}/{quoted(code, safe='')}"))


def _wait_for_money(client: OpsClient, made: Refunded, patience: float) -> Refunded:
    """The same refund once the money is back.

    Raises:
        DeadlineReached: it is not back yet; the service goes on.
    """
    deadline = monotonic() + patience
    while made["status"] != "refunded":
        if monotonic() >= deadline:
            raise DeadlineReached(
                f"payment {made['code']} is still {made['status']}; the service goes on trying",
                fix=f"nb payments show {made['code']} --env {client.target.name}",
                data=made,
            )
        sleep(min(ASK_EVERY, max(deadline - monotonic(), 0)))
        made = {**made, "status": _found(client, made["code"])["status"]}
    return made


def _with_way_out(refusal: BlockedByRule, code: str, environment: str) -> BlockedByRule:
    """The same refusal with the command that refunds all the same, where there is one."""
    if refusal.code != "tokens_spent":
        return refusal
    return BlockedByRule(
        refusal.message,
        code=refusal.code,
        rule=refusal.rule,
        fix=f'nb payments refund {code} --write-off --reason "..." --env {environment}',
        data=refusal.data,
    )


def _since(text: str) -> datetime:
    """The moment so long ago.

    Raises:
        UsageMistake: it is no such time.
    """
    unit, number = UNITS.get(text[-1:]), text[:-1]
    if unit is None or not (number.isascii() and number.isdigit()) or not int(number):
        raise UsageMistake(f"--since {text!r} is no time", fix="--since 12h or --since 2d")
    period = int(number[:6]) * unit
    if period > timedelta(days=LONGEST_DAYS):
        raise UsageMistake(f"--since {text} is too long ago", fix=f"at most {LONGEST_DAYS}d")
    return datetime.now(UTC) - period
