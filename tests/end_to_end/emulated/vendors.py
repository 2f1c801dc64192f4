"""The emulated vendors, as a test speaks to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Vendors:
    """Where they are."""

    http: httpx.AsyncClient
    addresses: dict[str, str]

    async def script(self, name: str, markers: str, times: int = 1) -> None:
        """Let the next calls to a vendor behave as the markers say."""
        await self.http.post(f"{self.addresses[name]}/emulator/script", json={"markers": markers, "times": times})

    async def jobs(self, words: str) -> dict[str, list[dict[str, Any]]]:
        """Return what each vendor accepted whose prompt has the words in it."""
        found = {}
        for name, address in self.addresses.items():
            if name != "lava":
                jobs = (await self.http.get(f"{address}/emulator/jobs")).json()["jobs"]
                found[name] = [job for job in jobs if words in job["prompt"]]
        return {name: jobs for name, jobs in found.items() if jobs}
