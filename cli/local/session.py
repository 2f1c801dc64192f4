"""One run of `nb up` from the first step to the last goodbye, in this process or in one of its own.

Stop signals end it cleanly, a second one at once. The home's lock is held all the time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from cli.local.choices import Choices
from cli.local.home import Home
from cli.local.launch import LocalError, open_log
from cli.local.product import Product
from cli.local.state import Addresses, Phase, holding
from cli.local.steps import Watcher

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EMULATE = "emulate"
"""The argument that carries the share of failing calls to the process in the background."""
BACKGROUND = [sys.executable, "-m", "cli.local.background"]


@dataclass(frozen=True)
class Callbacks:
    """What the surroundings want to hear of."""

    ready: Callable[[Addresses], None]
    stopping: Callable[[], None]
    killed: Callable[[], None] = lambda: None


class Interrupted(Exception):
    """The person stopped the start before it was done."""


async def run(home: Home, choices: Choices, watcher: Watcher, callbacks: Callbacks) -> None:
    """Start the product, keep it running until a stop signal, stop it.

    Raises:
        AlreadyRunning: another process runs this home.
        LocalError: a step failed; everything that was started has been stopped.
        Interrupted: a stop signal came before it was ready; everything has been stopped.
    """
    home.create()
    with holding(home):
        product = Product(home, choices, watcher)
        stop = asyncio.Event()
        _listen(stop, product, callbacks)
        start = asyncio.create_task(product.start(), name="start")
        asked = asyncio.create_task(stop.wait(), name="stop")
        final = Phase.STOPPED
        try:
            await asyncio.wait({start, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not start.done():
                raise Interrupted
            start.result()
            callbacks.ready(product.addresses)
            await asked
        except LocalError:
            final = Phase.FAILED
            raise
        finally:
            callbacks.stopping()
            for task in (start, asked):
                task.cancel()
            await asyncio.gather(start, asked, return_exceptions=True)
            await product.stop(final)


def _listen(stop: asyncio.Event, product: Product, callbacks: Callbacks) -> None:
    def asked() -> None:
        if stop.is_set():
            product.kill()
            callbacks.killed()
            # The clean way is under way somewhere on this stack; there is nothing left to wait for.
            os._exit(130)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, asked)


def start_in_background(home: Home, choices: Choices) -> subprocess.Popen[str]:
    """Start a process that runs the product without a terminal and tells its progress on its standard output."""
    given = [f"{service}={port}" for service, port in choices.ports.items() if port is not None]
    if choices.emulate:
        given.append(f"{EMULATE}={choices.emulate_failures}")
    with open_log(home.log("nb")) as errors:
        return subprocess.Popen(
            [*BACKGROUND, str(home.root), *given],
            env=dict(choices.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
