"""`nb users`: look at a person, give or take tokens, shut out, write something down."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import OpsClient, connect
from cli.commands.ledger import COLUMNS as POSTING_COLUMNS
from cli.commands.ledger import row_of, user_path
from cli.envelope import NextStep, Outcome
from cli.errors import UsageMistake
from cli.groups import new_group
from cli.moments import say_moment
from cli.output import Column, Screen
from cli.wire_ledger import Adjusted, Blocking, Noted, User, UserPayment, UserRefusals

app = new_group("Look at a person, give or take tokens, shut out.")

SHORTEST_NOTE, LONGEST_NOTE = 3, 500

MOST = Decimal(100_000)
"""The service takes no more in one adjustment."""

Person = Annotated[str, typer.Argument(metavar="USER", help="A Telegram id or an @username.")]
Amount = Annotated[str, typer.Argument(metavar="TOKENS", help="How many: 0.01 to 100000, two decimals at most.")]

PAYMENT_COLUMNS = (
    Column("payment", "id"),
    Column("status"),
    Column("tokens", "number"),
    Column("amount", "number"),
    Column("in", "id"),
    Column("created", "id", optional=True),
)


@app.command("show")
def show_user(user: Person) -> Outcome:
    """Show a person: names, tokens, friends, the latest postings and payments.

    Examples:
        nb users show 100200300
        nb users show @fox --env production --json
    """
    client = connect()
    found = client.read(User, client.get(f"/api/ops/v1/users/{user_path(user)}"))
    steps: tuple[NextStep, ...] = ()
    if found["postings_total"] > len(found["postings"]):
        steps = (NextStep(f"nb ledger statement {found['id']} --env {client.target.name}", "every posting"),)
    return Outcome(data=found, show=lambda screen: _show(screen, found), next_steps=steps)


@app.command("credit")
def credit(user: Person, tokens: Amount, reason: Reason, key: Key = None) -> Outcome:
    """Give a person tokens: a posting with your name and reason.

    Examples:
        nb users credit 100200300 25 --reason "video came without sound, ticket 4711"
        nb users credit @fox 2.50 --reason "a test" --dry-run
    """
    return _adjust("credit", user, tokens, reason, key)


@app.command("debit")
def debit(user: Person, tokens: Amount, reason: Reason, key: Key = None) -> Outcome:
    """Take tokens from a person: a posting with your name and reason. Never below zero.

    Examples:
        nb users debit 100200300 25 --reason "credited twice, ticket 4711"
        nb users debit @fox 0.50 --reason "a test" --env staging --dry-run
    """
    return _adjust("debit", user, tokens, reason, key)


@app.command("block")
def block(user: Person, reason: Reason, key: Key = None) -> Outcome:
    """Shut a person out: the bot answers them nothing else. Their tokens stay.

    Examples:
        nb users block 100200300 --reason "sends stolen cards, ticket 4711"
        nb users block @fox --reason "asked for it" --env production --json
    """
    return _block("block", user, reason, key)


@app.command("unblock")
def unblock(user: Person, reason: Reason, key: Key = None) -> Outcome:
    """Let a person in again.

    Examples:
        nb users unblock 100200300 --reason "explained, ticket 4711"
        nb users unblock @fox --reason "asked for it" --env production --json
    """
    return _block("unblock", user, reason, key)


@app.command("note")
def note(
    user: Person, text: Annotated[str, typer.Argument(metavar="TEXT", help="3 to 500 characters.")], key: Key = None
) -> Outcome:
    """Write something down about a person, for other operators. It is never changed or removed.

    Examples:
        nb users note 100200300 "asked twice for a refund, ticket 4711"
        nb users note @fox "a friend of the house" --env production --json
    """
    said = _note_text(text)
    client = connect(writes=True)
    path = f"/api/ops/v1/users/{_telegram_id(client, user)}/note"
    made = client.read(Noted, client.change("POST", path, {"reason": said}, key=key))
    step = NextStep(f"nb users show {made['user']} --env {client.target.name}", "all notes")

    def show(screen: Screen) -> None:
        screen.state("ok", f"user {made['user']}: noted, {made['notes']} in all")

    return changes.outcome(made, show, next_steps=(step,))


def _note_text(text: str) -> str:
    """A note as it is kept.

    Raises:
        UsageMistake: it says nothing, is too long, or holds what is no text.
    """
    said = text.strip()
    if not SHORTEST_NOTE <= len(said) <= LONGEST_NOTE:
        raise UsageMistake(
            f"a note has {SHORTEST_NOTE} to {LONGEST_NOTE} characters, this one {len(said)}", fix="write two notes"
        )
    if not said.isprintable():
        raise UsageMistake("a note is one line without control characters", fix="write it on one line")
    return said


def _adjust(verb: str, user: str, tokens: str, reason: str, key: str | None) -> Outcome:
    amount = _amount(tokens)
    client = connect(writes=True)
    path = f"/api/ops/v1/users/{_telegram_id(client, user)}/{verb}"
    answer = client.change("POST", path, {"tokens": str(amount), "reason": reason}, key=key)
    made = client.read(Adjusted, answer)

    def show(screen: Screen) -> None:
        screen.state("ok", f"user {made['user']}: {made['amount']} ⚡, balance {made['balance']} ⚡")
        screen.pairs({"posting": made["posting"], "reason": reason}, indent=2)

    return changes.outcome(made, show)


def _block(verb: str, user: str, reason: str, key: str | None) -> Outcome:
    client = connect(writes=True)
    path = f"/api/ops/v1/users/{_telegram_id(client, user)}/{verb}"
    made = client.read(Blocking, client.change("POST", path, {"reason": reason}, key=key))
    before = "" if made["changed"] else " already"
    return changes.outcome(
        made, lambda screen: screen.state("ok", f"user {made['user']} is{before} {STATES.get(made['state'], '?')}")
    )


STATES = {"blocked": "shut out", "open": "let in"}


def _telegram_id(client: OpsClient, user: str) -> str:
    """The id to name in a change: a name may belong to somebody else by the time the change is made."""
    if user.isascii() and user.isdigit():
        return user
    return client.read(User, client.get(f"/api/ops/v1/users/{user_path(user)}"))["id"]


def _amount(text: str) -> Decimal:
    """`text` as tokens.

    Raises:
        UsageMistake: it is no amount that can be given or taken.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise UsageMistake(f"{text!r} is no number of tokens", fix="write 25 or 2.50") from None
    if not amount.is_finite() or amount <= 0:
        raise UsageMistake(
            f"{text} tokens cannot be moved: the amount is above 0",
            fix='to take tokens: nb users debit USER TOKENS --reason "…"',
        )
    if amount > MOST:
        raise UsageMistake(f"{text} tokens are more than one adjustment moves ({MOST})", fix="check the amount")
    if amount != round(amount, 2):
        raise UsageMistake(f"{text} tokens cannot be posted: the smallest part is 0.01", fix=f"{amount:.2f}")
    return round(amount, 2)


def _show(screen: Screen, found: User) -> None:
    balance, referral = found["balance"], found["referral"]
    names = " ".join(part for part in (found["first_name"], found["last_name"]) if part)
    screen.state(
        "failed" if found["is_blocked"] else "ok",
        f"user {found['id']}{', blocked' if found['is_blocked'] else ''}: {balance['tokens']} ⚡",
    )
    screen.pairs(
        {
            "name": names or None,
            "username": f"@{found['username']}" if found["username"] else None,
            "language": found["language"] + (", Telegram Premium" if found["is_premium"] else ""),
            "time zone": found["timezone"],
            "since": say_moment(found["created_at"]),
            "held": f"{balance['held']} for generations in progress",
            "spent": f"{balance['spent']} for {found['generations']} generations",
            "deposited": balance["deposited"],
            "bonuses": balance["bonuses"],
            "friends": f"{referral['invited']} invited, {referral['rewards']} for them",
            "invited by": referral["invited_by"],
            "refused": _say_refusals(found["refusals"]),
            "unreachable": say_moment(found["unreachable_since"]) if found["unreachable_since"] else None,
        },
        indent=2,
    )
    if found["notes"]:
        screen.heading("Notes")
        for written in found["notes"]:
            screen.wrapped(f"{say_moment(written['at'])} {written['by']}: {written['text']}", indent=2)
    if found["payments"]:
        screen.heading("Payments")
        screen.table(PAYMENT_COLUMNS, map(_payment_row, found["payments"]))
    if found["postings"]:
        screen.heading(f"Postings, the latest of {found['postings_total']}")
        screen.table(POSTING_COLUMNS, map(row_of, found["postings"]))


def _say_refusals(refusals: UserRefusals) -> str | None:
    """Return how often they ordered what is not made here, and how long they wait for it."""
    if not refusals["count"] or refusals["latest_at"] is None:
        return None
    said = f"{refusals['count']} orders in 30 days, last {say_moment(refusals['latest_at'])} by {refusals['latest']}"
    end = refusals["paused_until"]
    return said if end is None else f"{said}; waits until {say_moment(end)}"


def _payment_row(payment: UserPayment) -> tuple[object, ...]:
    return (
        payment["code"],
        payment["status"],
        payment["tokens"],
        payment["amount"],
        payment["currency"],
        say_moment(payment["created_at"], short=True),
    )
