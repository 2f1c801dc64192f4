"""A load generator: keeps some connections to a loopback server busy and says how fast and how late the answers were.

Runs as a process of its own (`python -m benchmarks.load`): it shares no event loop with what it measures.
The job arrives as JSON on standard input, the figures leave as JSON on standard output.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from time import perf_counter
from typing import cast

import uvloop


@dataclass(frozen=True, slots=True)
class Job:
    """Requests to send.

    Attributes:
        body: with `%d`, where every request gets a number of its own; empty for GET.
        seconds: stop after this time, even if `requests` are not sent.
        warm_up: requests before anything is measured.
    """

    port: int
    path: str
    connections: int = 64
    requests: int = 20_000
    seconds: float = 10.0
    body: str = ""
    headers: dict[str, str] | None = None
    first_number: int = 1
    warm_up: int = 500


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a job: answers by status, per second, and how long they took in milliseconds."""

    statuses: dict[str, int]
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    longest_ms: float


def run(job: Job) -> Figures:
    """Do the job in another process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        check=True,
        timeout=job.seconds * 2 + 60,
    )
    return Figures(**json.loads(done.stdout))


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is there."""

    def __init__(
        self, requests: Iterator[bytes], note: Callable[[int, float], None], done: asyncio.Future[None]
    ) -> None:
        self._requests = requests
        self._note = note
        self._done = done
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit from asyncio's.
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _content_length(head):
            return
        self._note(int(head[9:12]), perf_counter() - self._sent_at)
        self._received = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  asyncio.Protocol
        if not self._done.done():
            self._note(0, perf_counter() - self._sent_at)
            self._done.set_result(None)

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._done.set_result(None)
            self._transport.close()
            return
        self._sent_at = perf_counter()
        self._transport.write(request)


def _content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if rest else 0


def _requests(job: Job, first: int, count: int) -> Iterator[bytes]:
    deadline = perf_counter() + job.seconds
    lines = "".join(f"{name}: {value}\r\n" for name, value in (job.headers or {}).items())
    method = "POST" if job.body else "GET"
    start = f"{method} {job.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}".encode()
    for number in range(first, first + count):
        if perf_counter() > deadline:
            return
        if job.body:
            body = job.body.replace("%d", str(number)).encode()
            yield start + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        else:
            yield start + b"\r\n"


async def _round(job: Job, first: int, count: int) -> tuple[list[float], Counter[str], float]:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    statuses: Counter[str] = Counter()

    def note(status: int, seconds: float) -> None:
        statuses[str(status)] += 1
        times.append(seconds)

    requests = _requests(job, first, count)
    endings = [loop.create_future() for _ in range(job.connections)]
    started = perf_counter()
    for ending in endings:
        await loop.create_connection(partial(_Connection, requests, note, ending), "127.0.0.1", job.port)
    await asyncio.wait(endings)
    return times, statuses, perf_counter() - started


async def _measure(job: Job) -> Figures:
    if job.warm_up:
        await _round(job, job.first_number, job.warm_up)
    times, statuses, seconds = await _round(job, job.first_number + job.warm_up, job.requests)
    times.sort()

    def percentile(share: float) -> float:
        return round(times[min(len(times) - 1, int(len(times) * share))] * 1000, 2)

    return Figures(
        statuses=dict(statuses),
        per_second=round(len(times) / seconds, 1),
        p50_ms=percentile(0.5),
        p95_ms=percentile(0.95),
        p99_ms=percentile(0.99),
        longest_ms=round(times[-1] * 1000, 2),
    )


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(_measure(Job(**json.load(sys.stdin)))))))
