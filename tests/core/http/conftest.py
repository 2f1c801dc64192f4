"""A real web server on the loop of the tests, so that the real protocol code runs."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sanic import Blueprint, Sanic

from core import catalog, ops_tokens
from core.http.application import build
from core.http.types import App
from core.settings import Settings
from tests.fixtures.ports import quiet_port

CORE_BLUEPRINTS = (
    "core.http.health:blueprint",
    "core.http.media:blueprint",
    "core.http.ops:blueprint",
    "core.http.app:blueprint",
)

_names = itertools.count(1)


@asynccontextmanager
async def serving(settings: Settings, extra: Iterable[Blueprint] = ()) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the core's blueprints and `extra`; yield a client of the server."""
    app = build(settings, name=f"test_{next(_names)}", blueprints=CORE_BLUEPRINTS)
    for blueprint in extra:
        app.blueprint(blueprint)
    async with served(app) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
        yield client


@asynccontextmanager
async def served(app: App) -> AsyncIterator[str]:
    """Serve an application on a free port of this machine; yield its address."""
    port = quiet_port()
    Sanic.test_mode = True  # Sanic rewrites its own methods at a start, and only in this mode from the originals.
    server: Any = await app.create_server(host="127.0.0.1", port=port, return_asyncio_server=True)
    await server.startup()
    try:
        await server.before_start()
        await server.after_start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.before_stop()
        server.close()
        for connection in list(server.connections):
            connection.close()
        await server.after_stop()


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a web server on a fresh database and an empty Redis."""
    async with serving(settings) as opened:
        await catalog.sync()
        yield opened


@pytest.fixture
async def operator(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the same server that brings an ops token with the scope read."""
    token = await ops_tokens.create("tests", ["read"])
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=client.base_url, headers=headers, trust_env=False) as opened:
        yield opened
