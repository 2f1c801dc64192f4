"""`python -m core.healthcheck`: the container's own question whether the process in it is alive.

Web is asked over HTTP; the others by the heartbeat that they leave in Redis. Only this container is looked at, and only
whether it lives: what it needs is for `/api/ready`, since a restart cures no database.
"""

from __future__ import annotations

import os
import socket
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TIMEOUT: Final = 3.0
KINDS: Final = {"serve": "web", "worker": "worker", "beat": "beat", "poll": "poller"}
"""What a process is, by a word of its command."""


def kind_of(command: bytes) -> str | None:
    """Return what the process of a command is, as `/proc/1/cmdline` holds it; None for one that ends by itself."""
    words = command.decode(errors="replace").split("\0")
    return next((KINDS[word] for word in words if word in KINDS), None)


def problem_of(kind: str, environment: Mapping[str, str]) -> str | None:
    """Return what is wrong with the process in this container, None when it is alive."""
    try:
        return _web(environment) if kind == "web" else _heartbeat(kind, environment)
    except Exception as error:  # noqa: BLE001  The outermost boundary: whatever it is, the answer is no.
        return f"{kind} could not be asked: {type(error).__name__}"


def _web(environment: Mapping[str, str]) -> str | None:
    address = f"http://127.0.0.1:{environment.get('PORT') or '8000'}/api/health"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=TIMEOUT) as answer:
        return None if answer.status == 200 else f"web answers {answer.status}"


def _heartbeat(kind: str, environment: Mapping[str, str]) -> str | None:
    from redis import Redis

    from core import heartbeat

    with Redis.from_url(
        environment["REDIS_URL"], decode_responses=True, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    ) as client:
        here = f"{kind}:{socket.gethostname()}:"
        members = [member for member in client.smembers(heartbeat.INDEX) if member.startswith(here)]
        if members and client.exists(*(heartbeat.PREFIX + member for member in members)):
            return None
    return f"no {kind} of this container was seen in the last {heartbeat.LIFETIME} s"


def main() -> int:
    """Say on stderr what is wrong, and return what Docker expects: 0 or 1."""
    kind = kind_of(Path("/proc/1/cmdline").read_bytes())
    problem = problem_of(kind, os.environ) if kind else "this container runs none of web, worker, beat"
    if problem:
        sys.stderr.write(problem + "\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
