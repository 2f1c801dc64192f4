"""All emulators in one process, a port each, as `nb up --emulate` runs them: ``python -m tests.emulators``.

Keys are read from the product's own variables (`GEMINI_API_KEY`, …); without one, any key is accepted. Prints one JSON
document with the addresses and runs until it is told to end. ``--failures 20`` lets a fifth of all calls fail.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from core.payments.packages import SHIPPED
from tests.emulators import gemini, lava, service
from tests.emulators.bad_days import BadDays
from tests.emulators.kie import KieEmulator
from tests.emulators.kling import KlingEmulator
from tests.emulators.lava_contracts import Offer
from tests.emulators.openai import OpenAiEmulator
from tests.emulators.runway import RunwayEmulator
from tests.emulators.snapgen import SnapGenEmulator
from tests.emulators.useapi import UseApiEmulator
from tests.emulators.vertex import VertexEmulator

Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[str]]
Make: TypeAlias = Callable[[Mapping[str, str], argparse.Namespace], Any]

LAVA_WEBHOOK = "/api/payments/lava/webhook"


def _lava(told: Mapping[str, str], options: argparse.Namespace) -> lava.LavaEmulator:
    return lava.LavaEmulator(
        api_key=told.get("LAVA_API_KEY", "lava-api-key"),
        login=told.get("LAVA_WEBHOOK_SECRET", "lava-webhook-secret"),
        offers=OFFERS,
        webhook=f"{options.web}{LAVA_WEBHOOK}" if options.web else "",
        pace=1.0,
    )


OFFERS = {str(uuid5(NAMESPACE_URL, f"lava:{code}")): Offer(float(dollars)) for code, _, dollars, _ in SHIPPED}
"""One offer for each package that ships; `nb packages set CODE --offer lava=ID` sells it there."""

EMULATORS: dict[str, tuple[Make, Serve]] = {
    "gemini": (
        lambda told, options: gemini.GeminiEmulator(told.get("GEMINI_API_KEY"), seconds=options.seconds),
        gemini.serve,
    ),
    # Any service account gets a token: `nb up` makes a new one for every run.
    "vertex": (lambda told, options: VertexEmulator(seconds=options.seconds), service.serve),
    "openai": (
        lambda told, options: OpenAiEmulator(key=told.get("OPENAI_API_KEY"), seconds=options.seconds),
        service.serve,
    ),
    "runway": (
        lambda told, options: RunwayEmulator(key=told.get("RUNWAYML_API_SECRET"), seconds=options.seconds),
        service.serve,
    ),
    "kling": (
        lambda told, options: KlingEmulator(
            key=told.get("KLING_API_KEY"), secret=told.get("KLING_API_SECRET", ""), seconds=options.seconds
        ),
        service.serve,
    ),
    "useapi": (
        lambda told, options: UseApiEmulator(key=told.get("USEAPI_API_KEY"), seconds=options.seconds),
        service.serve,
    ),
    "kie": (lambda told, options: KieEmulator(key=told.get("KIE_API_KEY"), seconds=options.seconds), service.serve),
    "snapgen": (
        lambda told, options: SnapGenEmulator(key=told.get("GEMINIGEN_API_KEY"), seconds=options.seconds),
        service.serve,
    ),
    "lava": (_lava, lava.serve),
}


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in EMULATORS:
        raise argparse.ArgumentTypeError(f"there is no emulator {name!r}; there are {', '.join(EMULATORS)}")
    return name, int(number)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port", type=_port, action="append", metavar="NAME=PORT", help="only these; all on free ports otherwise"
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a job takes")
    parser.add_argument("--failures", type=float, default=0.0, help="how many of a hundred calls fail")
    parser.add_argument("--seed", type=int, default=0, help="of the failures")
    parser.add_argument("--web", default="", help="the product's address, for webhooks of payments")
    return parser.parse_args()


async def run(options: argparse.Namespace) -> None:
    """Serve until the process is told to end."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    addresses = {}
    async with AsyncExitStack() as serving:
        for place, (name, port) in enumerate(options.port or [(name, 0) for name in EMULATORS]):
            make, serve = EMULATORS[name]
            emulator = make(os.environ, options)
            emulator.bad_days = BadDays(options.failures, options.seed + place)
            addresses[name] = await serving.enter_async_context(serve(emulator, options.host, port))
        print(json.dumps({"event": "emulators.serving", "level": "info", "addresses": addresses}), flush=True)
        await end.wait()


if __name__ == "__main__":
    asyncio.run(run(_options()))
