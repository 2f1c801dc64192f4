"""`nb webhook`: where Telegram sends updates, what is wrong with that, and putting it right. Needs no bot token."""

from __future__ import annotations

from collections.abc import Iterable

from cli import changes
from cli.changes import Key, Reason
from cli.client import connect
from cli.commands.ready import show_check
from cli.envelope import NextStep, Outcome, Problem
from cli.exit_codes import ExitCode
from cli.fixes import completed
from cli.groups import new_group
from cli.moments import say_moment
from cli.output import Screen
from cli.wire_webhook import Webhook, WebhookCheck, WebhookDifference, WebhookSet

app = new_group("Look at Telegram's webhook, check it, put it right.")

PATH = "/api/ops/v1/webhook"


@app.command("info")
def info() -> Outcome:
    """Show where Telegram sends updates, which, how many wait, and its last error.

    Examples:
        nb webhook info
        nb webhook info --env production --json
    """
    client = connect()
    found = client.read(Webhook, client.get(PATH))
    return Outcome(data=found, show=lambda screen: _show(screen, found))


@app.command("check")
def check() -> Outcome:
    """Say whether Telegram sends the right updates to us and gets them through. Ends with 1 when not.

    Examples:
        nb webhook check
        nb webhook check --env staging --json
    """
    client = connect()
    found = client.read(Webhook, client.get(PATH))
    for one in found["checks"]:
        one["fix"] = completed(one["fix"], client.target.name)
    bad = [one for one in found["checks"] if one["state"] != "ok"]
    problem = _problem(bad, client.target.name)

    def show(screen: Screen) -> None:
        screen.state("failed" if bad else "ok", f"webhook of {client.target.name}: {found['url'] or 'none'}")
        width = max((len(one["id"]) for one in found["checks"]), default=0)
        for one in found["checks"]:
            show_check(screen, one["state"], one["id"].ljust(width), one["detail"], one["fix"])

    return Outcome(
        data=found,
        show=show,
        problem=problem,
        exit_code=ExitCode.CHECK_FAILED if bad else ExitCode.OK,
        next_steps=(NextStep(f"nb webhook info --env {client.target.name}", "shows everything that Telegram says"),)
        if bad
        else (),
    )


@app.command("set")
def put_right(reason: Reason, key: Key = None) -> Outcome:
    """Have Telegram send updates to us, where anything differs; updates that wait there are kept.

    Examples:
        nb webhook set --reason "somebody set it by hand"
        nb webhook set --env production --reason "what would be" --dry-run
    """
    client = connect(writes=True)
    made = client.read(WebhookSet, client.change("POST", PATH, {"reason": reason}, key=key))

    def show(screen: Screen) -> None:
        if not made["changed"]:
            screen.state("ok", "nothing differs: Telegram was not told anything")
            return
        if not made.get("dry_run"):
            screen.state("ok", f"Telegram was told: {', '.join(one['field'] for one in made['changed'])}")
        _show_differences(screen, made["changed"])

    step = NextStep(f"nb webhook check --env {client.target.name}", "says whether updates come through")
    return changes.outcome(made, show, next_steps=(step,))


def _problem(bad: list[WebhookCheck], name: str) -> Problem | None:
    if not bad:
        return None
    fix = next((one["fix"] for one in bad if one["fix"]), None)
    what = ", ".join(f"{one['id']} {one['state']}" for one in bad)
    return Problem("webhook_wrong", f"the webhook of {name} is not in order: {what}", fix=fix)


def _show_differences(screen: Screen, differences: Iterable[WebhookDifference]) -> None:
    for one in differences:
        screen.state("note", one["field"])
        screen.pairs({"was": one["found"], "should be": one["expected"]}, indent=2)


def _show(screen: Screen, found: Webhook) -> None:
    at = f", {say_moment(found['last_error_at'])}" if found["last_error_at"] else ""
    known = {
        "url": found["url"] or "none",
        "updates": ", ".join(found["allowed_updates"]) or "Telegram's own choice",
        "connections": found["max_connections"],
        "waiting": found["pending"],
        "last error": f"{found['last_error']}{at}" if found["last_error"] else "none",
        "certificate": "a custom one" if found["has_certificate"] else "none of our own",
        "address": found["ip_address"],
        "secret": {"same": "as told", "differs": "not the one told last", "unknown": "not known"}[found["secret"]],
    }
    screen.pairs({name: value for name, value in known.items() if value is not None})
    if found["differences"]:
        screen.heading("Not as it should be")
        _show_differences(screen, found["differences"])
