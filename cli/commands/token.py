"""`nb token`: make tokens of the ops API, list and revoke them, and keep credentials in the 0600 file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, cast
from urllib.parse import quote as quoted

import typer

from cli import changes, credentials
from cli.changes import Key, Reason
from cli.client import connect, refuse_where_only_reading
from cli.credentials import KINDS, Kind
from cli.envelope import NextStep, Outcome
from cli.environments import LOCAL, choose, credentials_path
from cli.errors import CommandFailed, Conflict, UsageMistake
from cli.given_secrets import checked, chosen_kind, read_secret
from cli.groups import new_group
from cli.invocation import current, warn
from cli.moments import parse_moment, say_moment
from cli.output import Column, Screen, State, progress
from cli.paging import Cursor, Limit, next_page
from cli.wire_tokens import CredentialKept, Token, TokenCreated, TokenMade, TokenPage, TokenRevoked
from core import token_form

app = new_group("Make, list and revoke tokens of the ops API; keep credentials.")

PATH = "/api/ops/v1/tokens"
SCOPES = ("read", "operate", "admin")
NEVER = "never"
LIFETIME = re.compile(r"(\d{1,5})([hdw])")
UNITS = {"h": "hours", "d": "days", "w": "weeks"}
LONGEST_DAYS = 3650
SOON = timedelta(days=14)
"""A token that is over sooner than this is spoken of."""

SIGNS: dict[str, State] = {"active": "ok", "expired": "note", "revoked": "note"}
COLUMNS = (
    Column("id", "id"),
    Column("name"),
    Column("token", "id"),
    Column("scopes"),
    Column("state", "id"),
    Column("expires", "id"),
    Column("last used", "id", optional=True),
    Column("created", "id", optional=True),
)

Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", metavar="SCOPE", help="read, operate or admin; several with commas or repeated."),
]
What = Annotated[str, typer.Argument(metavar="[KIND]", help=f"{', '.join(KINDS)}.", show_default=False)]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who uses it; the audit names it.")],
    reason: Reason,
    scope: Scopes = None,
    expires: Annotated[str, typer.Option("--expires", metavar="TIME", help="12h, 90d, 8w, or never.")] = "90d",
    save: Annotated[bool, typer.Option("--save", help="Keep it in the 0600 file, as this environment's.")] = False,
    shown: Annotated[bool, typer.Option("--print", help="Write it to stdout, once: for a pipe.")] = False,
    first: Annotated[
        bool, typer.Option("--first", help="The first one of a new environment, through DATABASE_URL.")
    ] = False,
    lost: Annotated[
        list[int] | None,
        typer.Option("--lost", metavar="ID", help="With --first: an admin's token that is lost, and revoked by this."),
    ] = None,
    key: Key = None,
) -> Outcome:
    """Make a token. It is made here, and the service gets its hash alone: nobody can be shown it again.

    With --save it goes into the credentials file, with --print to stdout and nowhere else. One of them has to be said.

    Examples:
        nb token create laptop --scope operate --save --reason "mine"
        nb token create ci --scope read --print --reason "for CI" | gh secret set NB_TOKEN_STAGING
        nb token create me --first --save --env staging --reason "a new environment"
        nb token create me --first --lost 3 --save --env staging --reason "the laptop is gone"
    """
    scopes = ["admin"] if first and not scope else _scopes(scope)
    lifetime = _lifetime(expires)
    if first and (scopes != ["admin"] or key):
        raise UsageMistake("the first token has the scope admin, and needs no --key", fix="leave --scope and --key out")
    if lost and not first:
        raise UsageMistake(
            "--lost goes with --first; a token that is no admin's is revoked", fix='nb token revoke ID --reason "lost"'
        )
    if not (save or shown or current().dry_run):
        raise UsageMistake(
            "a token is shown or kept once: say where to",
            code="no_destination",
            fix="add --save (into the 0600 file) or --print (to stdout, for a pipe)",
        )
    if save and not current().dry_run:
        credentials.check_writable()
    token = token_form.new()
    environment, made, extra = (
        _first(name, token, lifetime, reason, lost or [])
        if first
        else _asked(name, token, scopes, lifetime, reason, key)
    )
    return _created(environment, token, made, extra, save=save, shown=shown)


@app.command("list")
def list_tokens(
    active: Annotated[bool, typer.Option("--active", help="Leave out what is over or revoked.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Outcome:
    """List tokens, the newest first: scopes, last use, and until when they are good.

    Examples:
        nb token list --active
        nb token list --env production --json
    """
    client = connect()
    query = {"active": "true" if active else None, "limit": limit, "cursor": cursor}
    page = client.read(TokenPage, client.get(PATH, query))
    own = token_form.shown(client.target.token or "")
    for token in page["items"]:
        if (left := _left(token)) is not None and left < SOON:
            warn("token_expires_soon", f"token {token['id']} ({token['name']}) is over in {_say_left(left)}")

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.line("There are no tokens.")
            return
        screen.table(COLUMNS, (_row(token, is_own=token["prefix"] == own) for token in page["items"]))

    command = f"nb token list{' --active' if active else ''}"
    steps = next_page(command, {"limit": limit, "cursor": cursor}, page["next_cursor"])
    return Outcome(data=page, show=show, next_steps=steps)


@app.command("revoke")
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, or how it begins: nbk_ and more.")],
    reason: Reason,
    key: Key = None,
) -> Outcome:
    """Make a token useless at once.

    Examples:
        nb token revoke 12 --reason "the laptop was sold"
        nb token revoke nbk_8sKq2LxA --env production --reason "seen in a log"
    """
    # Of a whole token, pasted from where it leaked, no more than its beginning is sent: addresses are logged.
    reference = token_form.shown(token.strip()) if token.strip().startswith(token_form.PREFIX) else token.strip()
    client = connect(writes=True)
    path = f"{PATH}/{quoted(reference, safe='')}/revoke"
    made = client.read(TokenRevoked, client.change("POST", path, {"reason": reason}, key=key))
    is_own = made["prefix"] == token_form.shown(client.target.token or "")
    rehearsed = " would be" if current().dry_run else " is"
    if is_own and made["changed"]:
        warn("own_token", f"this{rehearsed} the token that this command itself used")
    if made["admins_left"] == 0:
        warn("no_admin_left", 'no token with the scope admin is left: nb token create NAME --first --save --reason "…"')

    def show(screen: Screen) -> None:
        before = "" if made["changed"] else " already"
        screen.state("ok", f"token {made['id']} ({made['name']}, {made['prefix']}) is{before} revoked")

    return changes.outcome(made, show)


@app.command("save")
def save_credential(kind: What = "ops") -> Outcome:
    """Keep a credential in the 0600 file. It is read from stdin, and asked for on a terminal; never an argument.

    Examples:
        nb token save --env staging < token.txt
        nb token save railway --env staging < railway-token.txt
        nb token save github < github-token.txt
    """
    chosen, environment = chosen_kind(kind), choose(current())
    value = checked(chosen, read_secret(chosen, environment))
    path = str(credentials_path())
    if current().dry_run:
        credentials.check_writable()
        return _kept(chosen, environment, path, f"would be kept in {path}", changed=True)
    replaced = credentials.store(chosen, environment, value)
    return _kept(chosen, environment, path, f"{'replaced' if replaced else 'kept'} in {path}", changed=True)


@app.command("forget")
def forget_credential(kind: What = "ops") -> Outcome:
    """Take a credential out of the 0600 file. The token itself stays good: revoke it, too, where it may have leaked.

    Examples:
        nb token forget --env staging
        nb token forget github --json
    """
    chosen, environment = chosen_kind(kind), choose(current())
    path = str(credentials_path())
    if current().dry_run:
        found = credentials.find(chosen, environment)
        is_there = found is not None and found.source == path
        return _kept(chosen, environment, path, f"would be taken out of {path}", changed=is_there)
    changed = credentials.forget(chosen, environment)
    return _kept(chosen, environment, path, f"{'taken out of' if changed else 'was not in'} {path}", changed=changed)


def _asked(
    name: str, token: str, scopes: list[str], lifetime: timedelta | None, reason: str, key: str | None
) -> tuple[str, Token, list[NextStep]]:
    client = connect(writes=True)
    body: dict[str, Any] = {
        "scopes": scopes,
        "prefix": token_form.shown(token),
        "hash": token_form.hashed(token),
        "lifetime_s": None if lifetime is None else int(lifetime.total_seconds()),
        "reason": reason,
    }
    try:
        answer = client.change("POST", f"{PATH}/{quoted(name.strip(), safe='')}", body, key=key)
    except Conflict as conflict:
        if conflict.code != "idempotency_key_reused":
            raise
        raise Conflict(
            f"a token was made with key {key}, and only that run knew it",
            code="token_made_before",
            fix=f"nb token list --env {client.target.name}, revoke it, and make another without --key",
        ) from None
    made = client.read(TokenMade, answer)
    if made["same_name"]:
        warn(
            "same_name", f"{made['same_name']} other active token(s) are called {made['name']}: the audit says one name"
        )
    return client.target.name, made, []


def _first(
    name: str, token: str, lifetime: timedelta | None, reason: str, lost: list[int]
) -> tuple[str, Token, list[NextStep]]:
    from cli.first_token import Wish, register

    refuse_where_only_reading()
    environment = choose(current(), writes=True)
    wish = Wish(
        name=name.strip(),
        hashed=token_form.hashed(token),
        prefix=token_form.shown(token),
        lifetime=lifetime,
        reason=reason,
        lost=tuple(dict.fromkeys(lost)),
    )
    made = register(wish, dry_run=current().dry_run)
    return environment, made, [NextStep(f"nb doctor --only credentials --env {environment}", "the service knows it")]


def _created(environment: str, token: str, made: Token, steps: list[NextStep], *, save: bool, shown: bool) -> Outcome:
    data = cast("TokenCreated", {name: value for name, value in made.items() if name != "same_name"})
    if current().dry_run:
        return changes.outcome(data, lambda screen: _show(screen, made))
    if save:
        steps += _keep(environment, token, data)
    if shown:
        data["token"] = token

    def show(screen: Screen) -> None:
        if not shown:
            _show(screen, made)
            screen.pairs({"kept in": data.get("saved_to")}, indent=2)
            return
        # The token is all that stdout gets; who reads it there is meant to.
        _show(progress(), made)
        progress().line("  It is printed once, and kept nowhere. Whoever has it may do what its scopes say.")
        screen.line(token)

    return Outcome(data=data, show=show, next_steps=tuple(steps), facts={"token": made["prefix"]})


def _keep(environment: str, token: str, data: TokenCreated) -> Iterator[NextStep]:
    """Put the new token into the file; the one that it replaces is still good, and is named."""
    path = str(credentials_path())
    before = credentials.stored_value("ops", environment)
    try:
        credentials.store("ops", environment, token)
    except CommandFailed as failure:
        raise CommandFailed(
            f"token {data['id']} was made and could not be kept: {failure.message}",
            code=failure.code,
            fix=f'nb token revoke {data["id"]} --env {environment} --reason "not kept"',
        ) from None
    data["saved_to"] = path
    used = credentials.find("ops", environment)
    if used is not None and used.source != path:
        warn("variable_wins", f"{used.source} is set and wins over the file")
    if before and before != token:
        data["replaced"] = token_form.shown(before)
        if environment != LOCAL:
            cmd = f'nb token revoke {data["replaced"]} --env {environment} --reason "replaced"'
            yield NextStep(cmd, "the token that was in the file is still good")


def _scopes(given: list[str] | None) -> list[str]:
    """Scopes in their order, each once.

    Raises:
        UsageMistake: there is none, or an unknown one.
    """
    from cli import suggestions

    named = [part.strip().lower() for text in given or () for part in text.split(",") if part.strip()]
    if not named:
        raise UsageMistake("a token has a scope", fix=f"--scope {'|'.join(SCOPES)}")
    for one in named:
        if one not in SCOPES:
            raise UsageMistake(
                f"{one!r} is no scope.{suggestions.hint(suggestions.nearest(one, SCOPES))}",
                fix=f"--scope {'|'.join(SCOPES)}",
            )
    return [scope for scope in SCOPES if scope in named]


def _lifetime(text: str) -> timedelta | None:
    """How long a token is good, None for ever.

    Raises:
        UsageMistake: it is no such time.
    """
    text = text.strip().lower()
    if text == NEVER:
        return None
    found = LIFETIME.fullmatch(text)
    lifetime = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < lifetime <= timedelta(days=LONGEST_DAYS):
        raise UsageMistake(
            f"--expires {text!r} is no time from 1h to {LONGEST_DAYS}d", fix="--expires 90d, or --expires never"
        )
    return lifetime


def _kept(kind: Kind, environment: str, path: str, words: str, *, changed: bool) -> Outcome:
    data: CredentialKept = {"kind": kind, "environment": environment, "path": path, "changed": changed}
    whose = "" if kind in ("github", "railway-account") else f" for {environment}"
    steps = (NextStep(f"nb doctor --only credentials --env {environment}", "says whether it works"),)
    return changes.outcome(
        data, lambda screen: screen.state("ok", f"{kind} token{whose}: {words}"), next_steps=steps if changed else ()
    )


def _left(token: Token) -> timedelta | None:
    """How long an active token is still good, None where for ever or not at all."""
    if token["state"] != "active" or token["expires_at"] is None:
        return None
    return parse_moment(token["expires_at"]) - datetime.now(UTC)


def _say_left(left: timedelta) -> str:
    hours = max(0, int(left.total_seconds() // 3600))
    return f"{hours // 24} d" if hours >= 48 else f"{hours} h"


def _row(token: Token, *, is_own: bool) -> tuple[object, ...]:
    return (
        token["id"],
        f"{token['name']} (own)" if is_own else token["name"],
        token["prefix"],
        ", ".join(token["scopes"]),
        token["state"],
        NEVER if token["expires_at"] is None else say_moment(token["expires_at"])[:10],
        say_moment(token["last_used_at"], short=True) if token["last_used_at"] else NEVER,
        say_moment(token["created_at"])[:10],
    )


def _show(screen: Screen, token: Token) -> None:
    until = "for ever" if token["expires_at"] is None else f"until {say_moment(token['expires_at'])}"
    screen.state(SIGNS[token["state"]], f"token {token['id']}: {token['name']}, {', '.join(token['scopes'])}, {until}")
    screen.pairs({"begins with": token["prefix"]}, indent=2)
