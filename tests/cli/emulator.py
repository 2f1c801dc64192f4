"""The service's HTTP API as `nb` sees it, on loopback, with answers that a test decides.

It speaks real HTTP, so that the real client runs. It follows the API's contract; where a test needs a sick service, a
:class:`Fault` stands in for one path.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.cli import (
    answers_errors,
    answers_ledger,
    answers_models,
    answers_payments,
    answers_prices,
    answers_promo,
    answers_providers,
    answers_statistics,
    answers_tokens,
    answers_webhook,
)

TOKEN = "nbk_test_0123456789abcdef"
COMMIT = "6a090cb1f2e3d4c5b6a7f8e9d0c1b2a3f4e5d6c7"
NOW = "2026-11-22T12:00:00Z"


@dataclass(frozen=True)
class Fault:
    """What a path answers instead of what it should."""

    status: int = 500
    body: bytes = b'{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal"}'
    content_type: str = "application/problem+json"
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    """Answer nothing until the emulator stops."""
    cut: bool = False
    """Promise more than is sent, then close."""


def problem(status: int, code: str, detail: str) -> bytes:
    """A problem document."""
    return json.dumps({"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code}).encode()


def generation(number: int, **changes: Any) -> dict[str, Any]:
    """A generation as a list shows it."""
    return {
        "id": f"g_{number:06d}",
        "status": "done",
        "stage": "",
        "model": "demo-image",
        "kind": "image",
        "user": "100200300",
        "tokens": "4.00",
        "cost_usd": "0.10",
        "created_at": f"2026-11-22T11:{number % 60:02d}:00Z",
        "completed_at": f"2026-11-22T11:{number % 60:02d}:07Z",
        "route": "demo",
        "error_code": None,
        **changes,
    }


def detailed(item: dict[str, Any]) -> dict[str, Any]:
    """The same generation in full."""
    return {
        **item,
        "prompt": "a red fox in the snow",
        "params": {"aspect_ratio": "1:1"},
        "inputs": [],
        "results": [{"key": "r/fox.png", "mime": "image/png", "bytes": 123456, "width": 1024, "height": 1024}],
        "external_id": "demo-1",
        "quote": {"tokens": "4.00"},
        "charge": {"id": "c_1", "tokens": "4.00", "state": "settled", "refunded": "0.00"},
        "events": [{"at": NOW, "event": "submitted", "detail": {"route": "demo"}}],
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }


CHECK_IDS = ("database", "migrations", "redis", "worker", "beat", "storage", "webhook")


def check(
    identity: str, state: str = "ok", detail: str = "", fix: str | None = None, *, level: str = "needed", **facts: Any
) -> dict[str, Any]:
    """A readiness check."""
    return {
        "id": identity,
        "state": state,
        "level": level,
        "detail": detail,
        "duration_ms": 1.5,
        "fix": fix,
        "facts": facts,
    }


class Emulator:
    """The service. A test changes its attributes, then runs `nb`."""

    def __init__(self) -> None:
        self.token = TOKEN
        self.environment = "local"
        self.commit = COMMIT
        self.healthy = True
        self.checks = [check(identity, detail="fine") for identity in CHECK_IDS]
        self.ready_after = 0
        """Questions about readiness that are answered with no before the checks decide."""
        self.generations = [generation(number) for number in range(1, 6)]
        self.models = [
            {
                "slug": "demo-image",
                "name": "Demo image",
                "kind": "image",
                "is_active": True,
                "is_listed": True,
                "price_from": "4.00",
                "unit": "image",
                "routes": ["demo"],
                "available": True,
                "retired": False,
                "retires_at": None,
                "successor": None,
                "order": 1,
            }
        ]
        self.ledger: dict[str, Any] = {"ok": True, "users": 3, "postings": 12, "problems": [], "duration_ms": 4.2}
        self.answers: dict[tuple[str, str], Any] = {
            **answers_ledger.ANSWERS,
            **answers_errors.ANSWERS,
            **answers_promo.ANSWERS,
            **answers_payments.ANSWERS,
            **answers_prices.ANSWERS,
            **answers_models.ANSWERS,
            **answers_providers.ANSWERS,
            **answers_tokens.ANSWERS,
            **answers_webhook.ANSWERS,
            **answers_statistics.ANSWERS,
        }
        """What is answered whatever the query is, by method and path below `/api/ops/v1/`."""
        self.processes = [
            {"kind": kind, "instance": "1", "commit": COMMIT[:7], "started_at": NOW, "seen_at": NOW}
            for kind in ("web", "worker", "beat")
        ]
        self.stuck = 0
        self.faults: dict[str, Fault] = {}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.asked = threading.Event()
        """Set by the first request."""
        self.stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Close everything."""
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, object]:
        """Status and content for a request without a fault."""
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/health":
            return 200, {
                "ok": self.healthy,
                "version": "0.1.0",
                "commit": self.commit,
                "environment": self.environment,
            }
        known = authorization == f"Bearer {self.token}"
        if parts.path == "/api/ready":
            return self._ready(known)
        if not parts.path.startswith("/api/ops/v1/"):
            return 404, {"code": "not_found", "title": "Not found", "detail": f"no {parts.path}"}
        if not known:
            return 401, {"code": "unauthorized", "title": "Unauthorized", "detail": "the token is not valid"}
        return self._ops(method, parts.path.removeprefix("/api/ops/v1/"), query, body)

    def _ready(self, known: bool) -> tuple[int, object]:
        if self.ready_after > 0:
            self.ready_after -= 1
            return 503, {"ok": False, **({"checks": [check("worker", "failed", "no heartbeat")]} if known else {})}
        ok = all(part["state"] == "ok" for part in self.checks if part["level"] == "needed")
        return 200 if ok else 503, {"ok": ok, **({"checks": [*self.checks, self._commits()]} if known else {})}

    def _commits(self) -> dict[str, Any]:
        """The check that names the commit of every live process."""
        found: dict[str, list[str]] = {}
        for process in self.processes:
            found.setdefault(process["kind"], []).append(process["commit"])
        is_one = len({self.commit[:7], *(name[:7] for names in found.values() for name in names)}) == 1
        return check("commits", "ok" if is_one else "failed", level="watched", processes=found, web=self.commit)

    def _ops(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        match method, path.split("/"):
            case "GET", ["status"]:
                return 200, self._status()
            case "GET", ["generations"]:
                return self._page(query)
            case "GET", ["generations", identity]:
                found = [item for item in self.generations if item["id"] == identity]
                if not found:
                    return 404, {"code": "generation_not_found", "detail": f"there is no generation {identity}"}
                return 200, detailed(found[0])
            case "POST", ["pricing", "quote"]:
                return self._quote(json.loads(body))
            case "GET", ["models"]:
                if query:
                    return 422, {"code": "invalid_request", "detail": f"{min(query)}: no such parameter"}
                return 200, {"items": self.models, "next_cursor": None}
            case "GET", ["ledger", "verify"]:
                return 200, self.ledger
        if (method, path) in self.answers:
            return 200, self.answers[method, path]
        return 404, {"code": "no_route", "detail": f"no {path}"}

    def _status(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "version": "0.1.0",
            "commit": self.commit,
            "at": NOW,
            "processes": self.processes,
            "queues": [{"name": "generation", "depth": 2}, {"name": "delivery", "depth": 0}],
            "generations": {"queued": 1, "processing": 2, "stuck": self.stuck},
            "inbox": {"pending": 0, "oldest_s": None},
            "outbox": {"pending": 1, "oldest_s": 3.5},
        }

    def _page(self, query: dict[str, str]) -> tuple[int, object]:
        items = [
            item
            for item in self.generations
            if all(query.get(name) in (None, item[name]) for name in ("status", "user", "model"))
        ]
        try:
            start = int(query.get("cursor", "0"))
        except ValueError:
            return 400, {"code": "bad_cursor", "detail": "this cursor was not made by the service"}
        end = start + int(query.get("limit", "20"))
        return 200, {"items": items[start:end], "next_cursor": str(end) if end < len(items) else None}

    def _quote(self, wanted: dict[str, Any]) -> tuple[int, object]:
        if wanted["model"] != "demo-image":
            return 404, {"code": "model_not_found", "detail": f"there is no model {wanted['model']}"}
        if unknown := set(wanted["params"]) - {"n", "resolution"}:
            return 422, {"code": "invalid_params", "detail": f"unknown option {min(unknown)}"}
        return 200, {
            "model": wanted["model"],
            "params": wanted["params"],
            "tokens": "8.00",
            "usd": "0.20",
            "units": "1",
            "unit": "image",
            "unit_cost_usd": "0.10",
            "rate": "20",
            "markup": "2",
            "factors": [{"option": "resolution", "value": "2K", "factor": "2"}],
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        emulator = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Be quiet."""

            def do_GET(self) -> None:
                emulator.serve(self)

            # The server looks for these names.
            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

        return Handler

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        self.requests.append((handler.command, handler.path, dict(handler.headers), body))
        self.asked.set()
        fault = self.faults.get(urlsplit(handler.path).path)
        if fault is None:
            status, content = self.answer(handler.command, handler.path, handler.headers.get("Authorization", ""), body)
            kind = "application/json" if status in (200, 503) else "application/problem+json"
            fault = Fault(status, json.dumps(content).encode(), kind)
        if fault.hang:
            self.stopped.wait()
            handler.close_connection = True
            return
        handler.send_response(fault.status)
        handler.send_header("Content-Type", fault.content_type)
        handler.send_header("Content-Length", str(len(fault.body) + (100 if fault.cut else 0)))
        for name, value in fault.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(fault.body)
        if fault.cut:
            handler.close_connection = True
