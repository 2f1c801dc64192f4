"""Operators with tokens of different scopes, and their changes, each answer checked against the description."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from core import ops_tokens
from core.http.ops.api import api

ROOT = "/api/ops/v1"

_numbers = itertools.count(1)


class Operator:
    """Somebody with a token. Paths are those of the description; what is in braces is filled from `parts`."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, *, query: dict[str, Any] | None = None, **parts: str) -> httpx.Response:
        """Read."""
        return _declared(await self._client.get(ROOT + path.format(**parts), params=query), path, "get")

    async def post(self, path: str, body: dict[str, Any], **parts: str) -> httpx.Response:
        """Ask with a body."""
        return _declared(await self._client.post(ROOT + path.format(**parts), json=body), path, "post")

    async def change(
        self, path: str, body: dict[str, Any], *, key: str | None = None, dry_run: bool = False, **parts: str
    ) -> httpx.Response:
        """Change something, for a reason and under a key of its own."""
        response = await self._client.post(
            ROOT + path.format(**parts),
            json={"reason": "a test", **body},
            headers={"Idempotency-Key": key or f"key-{next(_numbers):08}"},
            params={"dry_run": "true"} if dry_run else None,
        )
        return _declared(response, path, "post")


@asynccontextmanager
async def operator_with(client: httpx.AsyncClient, name: str, scope: str) -> AsyncIterator[Operator]:
    """Somebody whose token has a scope."""
    token = await ops_tokens.create(name, [scope])
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=client.base_url, headers=headers, trust_env=False) as opened:
        yield Operator(opened)


def _declared(response: httpx.Response, path: str, method: str) -> httpx.Response:
    document = api.document("0")
    content = document["paths"][ROOT + path][method]["responses"][str(response.status_code)]["content"]
    schema = content[response.headers["content-type"]]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(response.json())
    return response
