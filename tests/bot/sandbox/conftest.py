"""A real sandbox on a loopback port, and the real aiogram bot that talks to it."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Update
from PIL import Image
from sanic import Sanic

from bot.sandbox.limits import FloodLimits
from bot.sandbox.server import create_app
from bot.sandbox.world import World

TOKEN = "42:sandbox-test-secret"
USER_ID = 7


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Running:
    """A sandbox that serves."""

    app: Any
    server: Any
    address: str

    @property
    def world(self) -> World:
        world: World = self.app.ctx.world
        return world

    async def stop(self) -> None:
        await self.server.before_stop()
        await self.server.close()
        await self.server.after_stop()
        for connection in self.server.connections:
            connection.abort()
        Sanic.unregister_app(self.app)


async def start(folder: Path, **options: Any) -> Running:
    app = create_app(folder, TOKEN, **options)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server: Any = await app.create_server(sock=listener, return_asyncio_server=True)
    await server.startup()
    await server.before_start()
    await server.after_start()
    await server.start_serving()
    return Running(app, server, f"http://127.0.0.1:{port}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(tmp_path: Path, clock: Clock) -> AsyncIterator[Running]:
    running = await start(tmp_path / "sandbox", clock=clock, flood=FloodLimits(clock=clock))
    yield running
    await running.stop()


@pytest.fixture
async def http(sandbox: Running) -> AsyncIterator[httpx.AsyncClient]:
    """The driver. Without certificates to load, which takes longer than most tests and loopback has no use for."""
    async with httpx.AsyncClient(verify=False, base_url=f"{sandbox.address}/sandbox/v1", timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
async def session() -> AsyncIterator[AiohttpSession]:
    """One connection pool for all tests: aiogram takes a quarter of a second to close one."""
    shared = AiohttpSession()
    yield shared
    await shared.close()


@pytest.fixture
async def bot(sandbox: Running, session: AiohttpSession) -> Bot:
    """The real client, pointed at the sandbox in the way the product does it."""
    session.api = TelegramAPIServer.from_base(sandbox.address)
    return Bot(TOKEN, session=session)


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition that another task brings about."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition may be anything
            await asyncio.sleep(0.01)


async def pending(client: Bot, **options: Any) -> list[Update]:
    """Updates that wait for the bot, confirmed."""
    updates = await client.get_updates(**options)
    if updates:
        await client.get_updates(offset=updates[-1].update_id + 1, timeout=0)
    return updates


@pytest.fixture
async def user(http: httpx.AsyncClient) -> int:
    """Somebody who may talk to the bot."""
    answer = await http.post("/users", json={"id": USER_ID, "first_name": "Аня", "language_code": "ru"})
    assert answer.status_code == 201
    return USER_ID


def image(width: int = 640, height: int = 480, kind: str = "PNG", colour: str = "orange") -> bytes:
    """A picture file."""
    output = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(output, kind)
    return output.getvalue()
