"""Killing a process of the product without warning, and waiting for the one that takes its place."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.end_to_end.people import Sandbox
from tests.end_to_end.waiting import until
from tests.fixtures.product import Product


def kill(product: Product, service: str) -> int:
    """Kill a process as the kernel does when memory runs out; return what its id was."""
    pid = product.pid(service)
    os.kill(pid, signal.SIGKILL)
    return pid


@contextmanager
def held(product: Product) -> Iterator[None]:
    """Stop whoever starts dead processes again, so that what is killed stays away for as long as the block runs."""
    supervisor = int(json.loads((product.home / "run" / "state.json").read_text())["supervisor"]["pid"])
    os.kill(supervisor, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)


async def restarted(sandbox: Sandbox, service: str, killed: int, *, limit: float = 40.0) -> None:
    """Wait until the service runs again and the product is ready."""

    async def look() -> bool:
        state = json.loads((sandbox.product.home / "run" / "state.json").read_text())
        now = next(entry for entry in state["processes"] if entry["name"] == service)
        if now["state"] != "running" or now["identity"] is None or now["identity"]["pid"] == killed:
            return False
        try:
            return (await sandbox.http.get(f"{sandbox.product.web}/api/ready")).status_code == 200
        except httpx.TransportError:
            return False

    await until(look, f"{service} runs again", limit=limit)
