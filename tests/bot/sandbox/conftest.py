"""A real sandbox on a loopback port, and the real aiogram bot that talks to it."""

from __future__ import annotations

import io
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from PIL import Image
from sanic import Sanic
from sanic.server.async_server import AsyncioServer

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
    server: AsyncioServer
    address: str

    @property
    def world(self) -> World:
        return cast(World, self.app.ctx.world)

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
    server = await app.create_server(sock=listener, return_asyncio_server=True)
    assert server is not None
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
    """The driver."""
    async with httpx.AsyncClient(base_url=f"{sandbox.address}/sandbox/v1", timeout=20) as client:
        yield client


@pytest.fixture
async def bot(sandbox: Running) -> AsyncIterator[Bot]:
    """The real client, pointed at the sandbox in the way the product does it."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(sandbox.address))
    async with Bot(TOKEN, session=session) as client:
        yield client


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


@pytest.fixture
def picture() -> Callable[..., bytes]:
    return image
