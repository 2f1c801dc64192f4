"""`nb pricing set`, `preview` and `revert`: what an edit would do is shown before anything is written."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Any
from urllib.parse import quote as quoted

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import OpsClient, connect
from cli.commands.pricing.tables import draw_changes, draw_preview, said_change
from cli.envelope import NextStep, Notice, Outcome
from cli.errors import ApprovalRequired, UsageMistake
from cli.invocation import current
from cli.output import Screen
from cli.wire_prices import PriceEdited, PricePreview

SETTINGS = "settings"

OptionalModel = Annotated[
    str | None, typer.Argument(metavar="[MODEL]", help="A slug; leave it out for --rate and --markup.")
]
BaseCost = Annotated[str | None, typer.Option("--base-cost", metavar="USD", help="Cost of one unit, such as 0.15.")]
Unit = Annotated[str | None, typer.Option("--unit", help="What one cost pays for: image, second or generation.")]
FactorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--factor", metavar="OPTION.VALUE=X", help="Multiply the cost for this value; 1 removes it. Repeat it for more."
    ),
]
Rate = Annotated[str | None, typer.Option("--rate", help="Tokens that one USD buys, for all models.")]
Markup = Annotated[str | None, typer.Option("--markup", help="Retail price over cost, for all models.")]
Expect = Annotated[
    str | None,
    typer.Option(
        "--expect", metavar="REVISION|OLD", help="Refuse unless this is the latest revision (0: none) or the old value."
    ),
]
ApprovalCode = Annotated[str | None, typer.Option("--approval", metavar="CODE", help="Approval of exactly this.")]


def set_price(
    reason: Reason,
    model: OptionalModel = None,
    base_cost: BaseCost = None,
    unit: Unit = None,
    factor: FactorOption = None,
    rate: Rate = None,
    markup: Markup = None,
    expect: Expect = None,
    approval: ApprovalCode = None,
    key: Key = None,
) -> Outcome:
    """Edit a price: show old and new tokens, then write it. --dry-run only shows.

    A change of more than PRICE_MAX_DELTA_PCT percent needs an approval: exit code 6 names its code.

    Examples:
        nb pricing set nano-banana-pro --base-cost 0.16 --reason "new list"
        nb pricing set veo3-fast --factor resolution.4K=1.8 --reason "4K" --expect 12
        nb pricing set --markup 2.2 --reason "costs of storage" --dry-run
    """
    subject, wanted = _wanted(model, base_cost, unit, factor or [], rate, markup)
    client = connect(writes=True)
    preview = _preview(client, subject, {**wanted, "expect": expect})
    if current().dry_run or not preview["after"]:
        return _only_shown(preview)
    if not current().json:
        draw_preview(Screen(sys.stdout, color=not current().no_color), preview)
    if not preview["needs_approval"] or approval:
        _agree(client)
    # What was shown is what is written: an edit by somebody else in between is a conflict.
    expected = expect if expect is not None else str(preview["latest"])
    body = {**wanted, "reason": reason, "expect": expected, "approval": approval}
    try:
        edited = client.read(PriceEdited, client.change("POST", _path(subject), body, key=key))
    except ApprovalRequired as refused:
        refused.next_steps += (_with_approval(client, subject, wanted, reason, refused),)
        raise
    written = {"changed": edited["changed"], "revision": edited["revision"], "inverse": edited["inverse"]}
    return _outcome({**preview, **written}, edited)


def preview(
    model: OptionalModel = None,
    base_cost: BaseCost = None,
    unit: Unit = None,
    factor: FactorOption = None,
    rate: Rate = None,
    markup: Markup = None,
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="Price the jobs of so many days again.")] = 30,
) -> Outcome:
    """Show what an edit would do to prices, and what the last days' jobs would have brought. Writes nothing.

    Examples:
        nb pricing preview nano-banana-pro --base-cost 0.16
        nb pricing preview --markup 2.2 --days 90 --env production --json
    """
    subject, wanted = _wanted(model, base_cost, unit, factor or [], rate, markup)
    client = connect()
    found = _preview(client, subject, {**wanted, "days": days})
    return Outcome(data=found, show=lambda screen: draw_preview(screen, found))


def revert(
    revision: Annotated[int, typer.Argument(metavar="REVISION", min=1, help="As `nb pricing history` prints it.")],
    reason: Reason,
    force: Annotated[
        bool, typer.Option("--force", help="Restore the old values although they were changed again since.")
    ] = False,
    approval: ApprovalCode = None,
    key: Key = None,
) -> Outcome:
    """Undo an edit: restore what it changed, as a new revision. The latest edit of a model needs no approval for it.

    Examples:
        nb pricing revert 12 --reason "typed into the wrong terminal"
        nb pricing revert 12 --reason "what would be" --env production --dry-run
    """
    client = connect(writes=True)
    body = {"reason": reason, "force": force, "approval": approval}
    answer = client.change("POST", f"/api/ops/v1/price-revisions/{revision}/revert", body, key=key)
    edited = client.read(PriceEdited, answer)
    return _outcome(dict(edited), edited, with_table=True)


def _wanted(
    model: str | None, base_cost: str | None, unit: str | None, factors: list[str], rate: str | None, markup: str | None
) -> tuple[str, dict[str, Any]]:
    """Subject and fields of an edit.

    Raises:
        UsageMistake: there is nothing to change, or model and settings are mixed.
    """
    model = None if model == SETTINGS else model
    of_model = {"base_cost_usd": base_cost, "cost_unit": unit, "factors": _factors(factors) or None}
    of_settings = {"usd_to_token_rate": rate, "markup_multiplier": markup}
    given_model, given_settings = any(of_model.values()), any(of_settings.values())
    if given_settings and (model is not None or given_model):
        raise UsageMistake(
            "--rate and --markup price every model", fix="leave MODEL out: nb pricing set --markup 2.2 --reason ..."
        )
    if given_model and model is None:
        raise UsageMistake("which model?", fix="nb pricing set MODEL --base-cost 0.15 --reason ...")
    if not given_model and not given_settings:
        raise UsageMistake("there is nothing to change", fix="add --base-cost, --unit, --factor, or --rate, --markup")
    fields = of_model if given_model else of_settings
    return model or SETTINGS, {name: value for name, value in fields.items() if value is not None}


def _factors(given: list[str]) -> dict[str, str]:
    factors: dict[str, str] = {}
    for text in given:
        name, separator, value = text.rpartition("=")
        option, dot, chosen = name.partition(".")
        if not (separator and option and dot and chosen and value):
            raise UsageMistake(f"--factor {text!r} is not OPTION.VALUE=X", fix="--factor image_size.4K=1.8")
        if name in factors:
            raise UsageMistake(f"--factor {name} is given twice", fix=f"keep one --factor {name}=...")
        factors[name] = value
    return factors


def _with_approval(
    client: OpsClient, subject: str, wanted: dict[str, Any], reason: str, refused: ApprovalRequired
) -> NextStep:
    """The same command with the approval that it needs."""
    options = {"--base-cost": "base_cost_usd", "--unit": "cost_unit", "--rate": "usd_to_token_rate"}
    options |= {"--markup": "markup_multiplier"}
    words = ["nb", "pricing", "set", *([] if subject == SETTINGS else [subject])]
    for option, field in options.items():
        words += [option, wanted[field]] if field in wanted else []
    for name, value in wanted.get("factors", {}).items():
        words += ["--factor", f"{name}={value}"]
    words += ["--reason", reason, "--approval", str((refused.data or {}).get("approval", "CODE"))]
    return NextStep(shlex.join([*words, "--env", client.target.name]), "once it is approved")


def _preview(client: OpsClient, subject: str, body: dict[str, Any]) -> PricePreview:
    return client.read(PricePreview, client.post(f"{_path(subject)}/preview", body))


def _path(subject: str) -> str:
    return f"/api/ops/v1/prices/{quoted(subject, safe='')}"


def _only_shown(preview: PricePreview) -> Outcome:
    data = {**preview, "changed": False, "revision": None, "inverse": None}
    warnings: tuple[Notice, ...] = ()
    if preview["needs_approval"]:
        warnings = (Notice("approval_required", "this change needs an approval; without --dry-run it asks for one"),)
    outcome = changes.outcome(data, lambda screen: draw_preview(screen, preview))
    return Outcome(data=outcome.data, show=outcome.show, warnings=warnings)


def _agree(client: OpsClient) -> None:
    """Ask on a terminal; off one, and with --yes or --no-input, the command line itself is the consent."""
    invocation = current()
    if invocation.yes or invocation.no_input or invocation.json:
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        typer.confirm(f"Write this to {client.target.name}?", default=False, abort=True, err=True)


def _outcome(data: dict[str, Any], edited: PriceEdited, *, with_table: bool = False) -> Outcome:
    revision = edited["revision"]
    steps = (NextStep(edited["inverse"], "undoes it"),) if edited["inverse"] and not current().dry_run else ()

    def show(screen: Screen) -> None:
        if revision is None:
            screen.state("ok", f"{edited['subject']}: nothing was different")
            return
        if with_table:
            screen.wrapped(f"{edited['subject']}: {said_change(revision['before'], revision['after'])}", style="1")
            draw_changes(screen, edited["rows"])
        screen.state("ok", f"{edited['subject']}: revision {revision['id']}, seen everywhere within 2 s")

    return changes.outcome(data, show, next_steps=steps)
