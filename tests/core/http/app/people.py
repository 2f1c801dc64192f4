"""People who open the Mini App: init data signed as Telegram signs it, and what they ask with it."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from bot.sandbox.webapp import sign

_ids = itertools.count(9001)
_keys = itertools.count(1)


def init_data(token: str, user: dict[str, Any] | str | None, *, age: float = 0, **more: str) -> str:
    """Return signed init data; `more` are further fields, or others in place of the usual ones."""
    fields = {"query_id": "AAHdF6IQ", "auth_date": str(round(time.time() - age)), "signature": "c2lnbmF0dXJl"}
    if user is not None:
        fields["user"] = user if isinstance(user, str) else json.dumps(user, ensure_ascii=False, separators=(",", ":"))
    fields |= more
    return urlencode({**fields, "hash": sign(token, fields)}, quote_via=quote)


@dataclass
class Visitor:
    """Somebody with the Mini App open."""

    http: httpx.AsyncClient
    token: str
    id: int = field(default_factory=lambda: next(_ids))
    name: str = "Mia"
    language: str = "en"

    @property
    def profile(self) -> dict[str, Any]:
        return {"id": self.id, "first_name": self.name, "language_code": self.language, "allows_write_to_pm": True}

    def signed(self, **options: Any) -> dict[str, str]:
        """The header that proves who asks."""
        return {"Authorization": f"tma {init_data(self.token, self.profile, **options)}"}

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """Look at something."""
        return await self.http.get(f"/api/app/v1{path}", headers=self.signed(**options))

    async def post(self, path: str, body: Any, *, key: str | None = None, **options: Any) -> httpx.Response:
        """Ask for something, with a new key unless there is one."""
        headers = {**self.signed(**options), "Idempotency-Key": key or f"tests-{next(_keys):06}"}
        return await self.http.post(f"/api/app/v1{path}", json=body, headers=headers)
