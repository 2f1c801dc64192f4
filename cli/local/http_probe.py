"""The one question that starting asks over HTTP: does this address answer, and what. Small, because it runs often."""

from __future__ import annotations

import asyncio
import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """Status and the JSON body; an empty object when the body is something else."""

    status: int
    body: dict[str, Any]


async def get(url: str, *, token: str | None = None, timeout: float = 2.0) -> Answer | None:
    """Return the answer, None when nobody answers in time."""
    return await asyncio.to_thread(_get, url, token, timeout)


def _get(url: str, token: str | None, timeout: float) -> Answer | None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", parts.path or "/", headers=headers)
        response = connection.getresponse()
        content = response.read(1_000_000)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    try:
        body = json.loads(content)
    except ValueError:
        body = {}
    return Answer(response.status, body if isinstance(body, dict) else {})
