"""The line between a gateway's client and its emulator: it can be cut, and can lose or replace answers."""

from __future__ import annotations

from collections import deque

import httpx

FAULTS = ("cut", "lost", "garbage", "busy", "failure")
"""What a line does that a client must take for "it may have happened"."""


class Cable(httpx.AsyncBaseTransport):
    """Carries requests. `faults` holds what happens to the next ones; an empty text carries one as it is."""

    def __init__(self) -> None:
        self.faults: deque[str] = deque()
        self._line = httpx.AsyncHTTPTransport(verify=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        fault = self.faults.popleft() if self.faults else ""
        # As talkative as an exception can be: with the address and everything that was sent.
        words = f"{request.method} {request.url} {dict(request.headers)}"
        if fault == "cut":
            raise httpx.ConnectError(words, request=request)
        if fault in {"garbage", "busy", "failure", "refusal"}:
            status = {"garbage": 200, "busy": 429, "failure": 503, "refusal": 403}[fault]
            body = {"ok": False, "error_code": status, "description": "not today", "error": "not today"}
            return (
                httpx.Response(status, text="<html>")
                if fault == "garbage"
                else httpx.Response(status, json=body, request=request)
            )
        response = await self._line.handle_async_request(request)
        if fault == "lost":
            await response.aclose()
            raise httpx.ReadTimeout(words, request=request)
        return response

    async def aclose(self) -> None:
        await self._line.aclose()
