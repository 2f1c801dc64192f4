"""`nb down`: stops what `nb up` started and what a killed supervisor left behind; deletes the data if asked to."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from cli.envelope import Outcome
from cli.errors import Conflict, UsageMistake
from cli.invocation import current
from cli.local.home import Home
from cli.local.identity import end_sessions
from cli.local.report import as_typed
from cli.local.state import AlreadyRunning, Phase, RunState, holding, is_held
from cli.output import Screen, progress

STOP_LIMIT = 90.0


def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Delete all local data, too.")] = False,
) -> Outcome:
    """Stop what `nb up` started on this machine. The data stays unless --wipe is given.

    Examples:
        nb down
        nb down --wipe --yes
    """
    invocation = current()
    invocation.environment = "local"
    home = Home.find(os.environ, Path.cwd())
    if wipe:
        _agree(home)
    if invocation.dry_run:
        return _planned(home, wipe=wipe)
    was_running, leftovers = _stop(home)
    if wipe:
        home.wipe()

    def show(screen: Screen) -> None:
        if was_running:
            screen.state("ok", "Everything has stopped.")
        elif leftovers:
            number = "1 process" if leftovers == 1 else f"{leftovers} processes"
            screen.state("ok", f"Nothing was running; ended {number} left from before.")
        else:
            screen.state("ok", "Nothing was running.")
        if wipe:
            screen.state("ok", f"All local data in {home.root} is deleted.")
        elif home.is_marked:
            screen.line(f"  The data stays in {home.root}; {as_typed('nb up')} continues with it.", style="2")

    data = {"was_running": was_running, "ended_leftovers": leftovers, "wiped": wipe, "home": str(home.root)}
    return Outcome(data=data, show=show)


def _planned(home: Home, *, wipe: bool) -> Outcome:
    running = is_held(home)

    def show(screen: Screen) -> None:
        screen.state("note", "Would stop the product." if running else "Nothing is running.")
        if wipe:
            screen.state("note", f"Would delete all local data in {home.root}.")

    return Outcome(data={"was_running": running, "wiped": False, "home": str(home.root), "dry_run": True}, show=show)


def _agree(home: Home) -> None:
    """Make sure that deleting is meant and possible, before anything is stopped."""
    invocation = current()
    home.require_marked()
    if invocation.yes or invocation.dry_run:
        return
    if invocation.no_input or invocation.json or not sys.stdin.isatty():
        raise UsageMistake(
            f"--wipe deletes all local data in {home.root} and needs --yes where nobody can be asked",
            code="confirmation_required",
            fix="nb down --wipe --yes",
        )
    typer.confirm(f"Delete all local data in {home.root}?", abort=True, err=True)


def _stop(home: Home) -> tuple[bool, int]:
    """Return whether it was running and how many leftovers of an earlier run were ended."""
    if not home.run.is_dir():
        return False, 0
    was_running = is_held(home)
    if was_running:
        _stop_supervisor(home)
    try:
        with holding(home):
            state = RunState.load(home)
            if state is None:
                return was_running, 0
            leaders = [record.identity for record in state.processes if record.identity is not None]
            leftovers = len(end_sessions(leaders, state.run))
            if state.phase in (Phase.STARTING, Phase.READY, Phase.STOPPING):
                RunState(Phase.STOPPED, state.run, None, state.started_at, state.ports, state.addresses).save(home)
            return was_running, leftovers
    except AlreadyRunning:
        raise Conflict("another nb started the product just now", fix="nb status") from None


def _stop_supervisor(home: Home) -> None:
    state = RunState.load(home)
    deadline = time.monotonic() + STOP_LIMIT
    is_asked = False
    while is_held(home):
        state = RunState.load(home) or state
        if not is_asked and state is not None and state.supervisor is not None:
            progress().state("note", "Stopping.")
            state.supervisor.send(signal.SIGTERM)
            is_asked = True
        if time.monotonic() > deadline:
            if state is None or state.supervisor is None:
                raise Conflict(f"something holds {home.run / 'lock'} and is not known", fix=f"lsof {home.run / 'lock'}")
            progress().state("unknown", f"It has not stopped within {STOP_LIMIT:.0f} s and is killed.")
            state.supervisor.send(signal.SIGKILL)
            deadline = time.monotonic() + 10.0
        time.sleep(0.05)
