"""A platform on a loopback port, in a thread of its own, for `nb`, which asks it with blocking calls."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What is answered; without `body` nothing is until the emulator stops, with `cut` the connection breaks."""

    status: int
    body: object | None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


class Platform:
    """Answers requests as :meth:`reply` says; replies in `faults` come first, in their order."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.faults: list[Reply] = []
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self._stopped = threading.Event()
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
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reply(self, method: str, target: str, headers: dict[str, str], body: Any) -> Reply:
        """Answer a request that no fault stands for."""
        raise NotImplementedError

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Be quiet."""

            def do_GET(self) -> None:
                platform.serve(self)

            # The server looks for these names.
            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

        return Handler

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        content = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        body = json.loads(content) if content else None
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.requests.append((handler.command, handler.path, headers, body))
        reply = self.faults.pop(0) if self.faults else self.reply(handler.command, handler.path, headers, body)
        if reply.body is None:
            self._stopped.wait()
            handler.close_connection = True
            return
        sent = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        handler.send_response_only(reply.status)
        if "Date" not in reply.headers:
            handler.send_header("Date", handler.date_time_string())
        handler.send_header("Content-Type", "text/html" if isinstance(reply.body, bytes) else "application/json")
        handler.send_header("Content-Length", str(len(sent) + (100 if reply.cut else 0)))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(sent)
        handler.close_connection = reply.cut
