"""Stand-ins for the product's processes, so that the supervisor is tested without their weight.

`python -m tests.cli.local.fake_service web` serves the addresses that starting asks for; worker and beat report to it
through a file, as the real ones do through Redis. FAKE_FAILURE=<kind> makes one of them fail.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOME = Path(os.environ["NB_HOME"])


def heartbeat(kind: str) -> Path:
    return HOME / "run" / f"heartbeat-{kind}"


def heard() -> list[dict[str, Any]]:
    kinds = ("worker", "beat", "poller")
    return [
        {"kind": kind, "instance": f"here:{heartbeat(kind).read_text()}"} for kind in kinds if heartbeat(kind).exists()
    ]


class Web(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers: dict[str, Any] = {
            "/": {},
            "/api/health": {"ok": True},
            "/api/ready": {"ok": True},
            "/emulator/calls": {},
            "/api/ops/v1/status": {"processes": heard()},
        }
        content = json.dumps(answers.get(self.path, {})).encode()
        self.send_response(200 if self.path in answers else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  The name is the base class's.
        say("info", "request", path=self.path)


def say(level: str, event: str, **fields: object) -> None:
    print(json.dumps({"at": "2026-01-02T03:04:05+00:00", "level": level, "event": event, **fields}), flush=True)


def serve(port: int) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", port), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def prepare() -> None:
    for part, said in (("migrations", "0"), ("catalogue", "2 models"), ("token", "")):
        print(json.dumps({"part": part, "said": said}), flush=True)


def main() -> int:
    kind = sys.argv[1]
    is_deaf = os.environ.get("FAKE_DEAF") == kind
    if is_deaf:
        # Before anybody can know that it is there.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.environ.get("FAKE_FAILURE") == kind:
        if kind == "prepare":
            print(json.dumps({"error": "the fake database is upside down", "fix": "Turn it."}), flush=True)
        print("the fake is broken on purpose", file=sys.stderr)
        return 3
    if os.environ.get("FAKE_SLOW") == kind:
        signal.sigwait({signal.SIGTERM})
    if kind == "prepare":
        prepare()
        return 0
    if kind == "web":
        serve(int(os.environ["PORT"]))
    elif kind == "sandbox":
        serve(int(sys.argv[sys.argv.index("--port") + 1]))
    elif kind == "emulators":
        for name, given in zip(sys.argv, sys.argv[1:], strict=False):
            if name == "--port":
                serve(int(given.partition("=")[2]))
    else:
        heartbeat(kind).write_text(str(os.getpid()))
    say("info", "started", kind=kind)
    if is_deaf:
        while True:
            signal.pause()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 0


if __name__ == "__main__":
    sys.exit(main())
