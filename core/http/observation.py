"""What every request goes through: a trace id in and out, careful headers, a metric and a log line."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any

from sanic import Request
from sanic.exceptions import BadURL
from sanic.response import BaseHTTPResponse

from core import logs, metrics
from core.http.conformance import check_head

PROBES = frozenset({"/api/health", "/api/ready", "/metrics", "/api/telegram/webhook"})
"""Asked every few seconds, or telling of themselves in better words: their lines are for debugging."""

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""What an answer says unless its route says otherwise. Every header costs 2 % of the throughput of a small answer."""

HEADERS_OF_DOCUMENTS = {
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""What answers say, too, that a browser could show as something else than JSON."""

JSON_TYPES = frozenset({"application/json", "application/problem+json"})

STRICT_TRANSPORT = "max-age=31536000"

logger = logs.get_logger("http")
_plain_logger = logging.getLogger("http")


class TracedRequest(Request[Any, Any]):
    """A request with the trace that it belongs to and the moment it began.

    Every answer passes `respond`, also that of an error. A middleware would cost a quarter of the throughput.
    """

    __slots__ = ("started", "trace_id")

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  Passed on as they are.
        try:
            super().__init__(*arguments, **options)
        except BadURL:
            if options.get("head"):
                raise
            # The request that Sanic makes up for its answer has the address that could not be read.
            super().__init__(*arguments, **{**options, "url_bytes": b"*"})
        self.started = perf_counter()
        self.trace_id = logs.parse_trace(self.headers.get(logs.TRACE_HEADER)) or logs.new_trace()
        # One task serves a connection's requests one after the other, so what is bound here holds for its handler.
        logs.bind(self.trace_id)
        # Sanic makes up a request without a head, to answer one that it could not read.
        if self.head:
            check_head(self.head, self.headers, self.version)

    async def respond(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  Sanic's signature.
        """Send an answer, complete and taken note of."""
        response = await super().respond(*arguments, **options)
        _finish(self, response)
        return response


def _finish(request: TracedRequest, response: BaseHTTPResponse) -> None:
    headers = response.headers
    headers[logs.TRACE_HEADER] = request.trace_id
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if response.content_type not in JSON_TYPES:
        for name, value in HEADERS_OF_DOCUMENTS.items():
            headers.setdefault(name, value)
    if request.app.ctx.is_strict:
        headers["Strict-Transport-Security"] = STRICT_TRANSPORT
    seconds = perf_counter() - request.started
    route = f"/{request.route.path}" if request.route is not None else "none"
    metrics.observe_request(request.method, route, response.status, seconds)
    level = logging.DEBUG if request.path in PROBES and response.status < 400 else logging.INFO
    if _plain_logger.isEnabledFor(level):
        logger.log(
            level,
            "request",
            method=request.method,
            path=request.path,
            status=response.status,
            duration_ms=round(seconds * 1000, 2),
        )
