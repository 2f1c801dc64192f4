"""`nb up`: the whole product on this machine, in the foreground with its logs or in the background."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from cli.envelope import Outcome
from cli.errors import Conflict, UsageMistake
from cli.invocation import current
from cli.local.choices import PORT_VARIABLES, Choices
from cli.local.home import Home
from cli.local.launch import LocalError
from cli.local.progress import StepPrinter, print_last_lines, read_steps
from cli.local.report import as_typed, next_steps, print_addresses, print_next
from cli.local.session import Callbacks, Interrupted, run, start_in_background
from cli.local.state import Addresses, AlreadyRunning, Phase, is_held
from cli.local.status import addresses_as_data, local_status
from cli.local.supervisor import SERVICE_NAMES
from cli.logs.following import LogView
from cli.output import Screen, progress

OTHERS_LIMIT = 120.0
"""Seconds to wait for a start or a stop that another `nb` has begun."""


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when it is ready; it runs on.")] = False,
    web_port: Annotated[
        int | None,
        typer.Option("--web-port", min=1, max=65535, envvar=PORT_VARIABLES["web"], help="Port of web."),
    ] = None,
    sandbox_port: Annotated[
        int | None,
        typer.Option("--sandbox-port", min=1, max=65535, envvar=PORT_VARIABLES["sandbox"], help="Port of the sandbox."),
    ] = None,
    postgres_port: Annotated[
        int | None,
        typer.Option("--postgres-port", min=1, max=65535, envvar=PORT_VARIABLES["postgres"], help="PostgreSQL's port."),
    ] = None,
    redis_port: Annotated[
        int | None,
        typer.Option("--redis-port", min=1, max=65535, envvar=PORT_VARIABLES["redis"], help="Redis's port."),
    ] = None,
    emulate: Annotated[bool, typer.Option("--emulate", help="Emulators play the vendors without a key.")] = False,
    emulate_failures: Annotated[
        int,
        typer.Option("--emulate-failures", min=0, max=90, metavar="PERCENT", help="Share of their calls that fail."),
    ] = 0,
) -> Outcome:
    """Start the whole product on this machine: PostgreSQL, Redis, a local Telegram, web, worker and beat.

    Needs no account, no root and no Docker. Everything is kept in .nb (or NB_HOME). Without --detach the logs follow
    and Ctrl-C stops everything; with --json it always runs in the background. DATABASE_URL, REDIS_URL and
    TELEGRAM_BOT_TOKEN in the environment replace the embedded servers and the sandbox. --emulate plays every vendor
    for which there is no key, so that all models work.

    Examples:
        nb up
        nb up --detach --json
        nb up --web-port 9000
        nb up --emulate --emulate-failures 20
    """
    current().environment = "local"
    if emulate_failures and not emulate:
        raise UsageMistake("--emulate-failures says how often emulators fail, and there are none without --emulate")
    home = Home.find(os.environ, Path.cwd())
    ports: dict[str, int | None] = {
        "web": web_port,
        "sandbox": sandbox_port,
        "postgres": postgres_port,
        "redis": redis_port,
    }
    choices = Choices(ports=ports, emulate=emulate, emulate_failures=emulate_failures)
    start = _in_background if detach or current().json else _in_foreground
    while True:
        running = _wait_for_others(home)
        if running is not None:
            if emulate and not running.emulators:
                raise Conflict("the product runs already, without emulators", fix="nb down, then nb up --emulate")
            return _running_already(home, running)
        try:
            return start(home, choices)
        except AlreadyRunning:
            # Another `nb up` was faster by a moment; wait for it as if it had been there before.
            continue


def _wait_for_others(home: Home) -> Addresses | None:
    """Return the addresses of a product that runs here, after waiting for one that starts or stops."""
    deadline = time.monotonic() + OTHERS_LIMIT
    was_told = False
    while is_held(home):
        status = local_status(home)
        if status.phase is Phase.READY and status.addresses is not None:
            return status.addresses
        if not was_told:
            progress().state("note", f"Another nb is {status.phase.value} it; waiting.")
            was_told = True
        if time.monotonic() > deadline:
            raise Conflict(
                f"another nb has been {status.phase.value} the product for {OTHERS_LIMIT:.0f} s",
                fix="nb down",
            )
        time.sleep(0.1)
    return None


def _running_already(home: Home, addresses: Addresses) -> Outcome:
    def show(screen: Screen) -> None:
        screen.state("ok", "It runs already.")
        print_addresses(screen, home, addresses)
        print_next(screen, addresses)

    return Outcome(data={**addresses_as_data(addresses), "home": str(home.root), "already_running": True}, show=show)


def _in_foreground(home: Home, choices: Choices) -> Outcome:
    invocation = current()
    steps, screen = progress(), Screen(sys.stdout, color=not invocation.no_color)
    printer = StepPrinter(steps)
    logs: list[LogView] = []

    def ready(addresses: Addresses) -> None:
        printer.close()
        # A reader that has gone (`nb up | head`) is no reason to stop the services.
        with suppress(BrokenPipeError):
            print_addresses(screen, home, addresses)
            print_next(screen, addresses)
            screen.line("Logs follow. Ctrl-C stops everything.", style="2")
            screen.stream.flush()
        logs.append(LogView({name: home.log(name) for name in SERVICE_NAMES}, screen))
        logs[0].start()

    def stopping() -> None:
        printer.close()
        steps.line()
        steps.state("note", "Stopping. Ctrl-C again ends everything at once.")
        steps.stream.flush()

    def killed() -> None:
        steps.state("unknown", "Everything was ended at once. Nothing that was committed is lost.")
        steps.stream.flush()

    try:
        asyncio.run(run(home, choices, printer, Callbacks(ready, stopping, killed)))
    except LocalError as error:
        print_last_lines(steps, home, error)
        raise
    except Interrupted:
        steps.state("ok", "Stopped before it was ready.")
        raise KeyboardInterrupt from None
    finally:
        printer.close()
        for view in logs:
            view.stop()
    steps.state("ok", f"Everything has stopped. The data stays in {home.root}; {as_typed('nb up')} continues with it.")
    return Outcome(data={}, show=lambda _screen: None)


def _in_background(home: Home, choices: Choices) -> Outcome:
    home.create()
    printer = StepPrinter(progress())
    process = start_in_background(home, choices)
    try:
        addresses = _follow_start(process, printer)
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise
    except LocalError as error:
        printer.close()
        print_last_lines(progress(), home, error)
        process.wait()
        raise
    finally:
        printer.close()

    def show(screen: Screen) -> None:
        print_addresses(screen, home, addresses)
        print_next(screen, addresses)

    return Outcome(
        data={**addresses_as_data(addresses), "home": str(home.root), "already_running": False},
        show=show,
        next_steps=next_steps() if current().json else (),
    )


def _follow_start(process: subprocess.Popen[str], printer: StepPrinter) -> Addresses:
    assert process.stdout is not None
    for line in process.stdout:
        message = json.loads(line)
        if "steps" in message:
            printer.changed(read_steps(message))
        if "ready" in message:
            return Addresses(**message["ready"])
        if failed := message.get("failed"):
            raise LocalError(failed["message"], fix=failed["fix"], service=failed.get("service"))
        if "busy" in message:
            raise AlreadyRunning
        if "interrupted" in message:
            raise KeyboardInterrupt
    code = process.wait()
    raise LocalError(
        f"the background process ended with exit code {code} before it was ready",
        fix="Its last lines are above.",
        service="nb",
    )
