"""Log files of a home, written as the services write them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Place

TRACE = "f4e7c80c649bd3b6022aa3663ef036fc"
RUN = "7dfefc3a1ae3433bba7aea7499d80aac"


def entry(at: str, event: str, *, level: str = "info", service: str = "web", **fields: object) -> str:
    """A line as the services write it; `at` is a time of 2026-11-22."""
    head = {"at": f"2026-11-22T{at}Z", "level": level, "service": service, "logger": "x", "event": event}
    return json.dumps({**head, **fields}, ensure_ascii=False, separators=(",", ":"))


def stack(error: str) -> str:
    """A traceback as one text."""
    return f'Traceback (most recent call last):\n  File "bot.py", line 7, in answer\n    fail()\n{error}'


@dataclass(frozen=True)
class Logs:
    """The folder of logs."""

    folder: Path

    def write(self, name: str, lines: Iterable[str]) -> Path:
        """Write one file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return path

    def append(self, name: str, *lines: str) -> None:
        """Add lines to one file."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))


@pytest.fixture
def logs(place: Place, monkeypatch: pytest.MonkeyPatch) -> Logs:
    """An evening of the product: a job that fails, told by web and worker, and what the servers said."""
    monkeypatch.setenv("TZ", "UTC")
    found = Logs(place.home / "logs")
    found.write(
        "web.log",
        [
            entry("12:00:01.100", "inbox.stored", trace_id=TRACE, source="telegram"),
            entry("12:00:05", "request", trace_id="a" * 32, path="/api/health", status=200),
            entry("12:00:09", "request", level="warning", trace_id="b" * 32, path="/api/ops/v1/users", status=503),
        ],
    )
    found.write("web.log.1", [entry("09:00:00", "request", path="/old", status=200)])
    found.write(
        "worker.log",
        [
            entry("12:00:02", "generation.ordered", service="worker", trace_id=TRACE, run_code=RUN, tokens="0.80"),
            " -------------- celery@vm v5.7.0",
            entry(
                "12:00:03",
                "Task generations.advance raised unexpected",
                level="error",
                service="worker",
                data={"kwargs": f"{{'run_code': '{RUN}', 'trace_id': '{TRACE}'}}", "traceback": stack("E: 1")},
                exception=stack("ValueError: no"),
            ),
            *(
                entry(f"12:00:0{n}", "retried", level="error", service="worker", exception=stack("ValueError: no"), n=n)
                for n in (4, 6, 8)
            ),
        ],
    )
    found.write(
        "postgres.log",
        [
            '2026-11-22 12:00:02.500 UTC [42] ERROR:  relation "foxes" does not exist at character 15',
            "2026-11-22 12:00:02.500 UTC [42] STATEMENT:  SELECT *",
            "\tFROM foxes",
            "2026-11-22 12:00:07.000 UTC [42] LOG:  checkpoint complete",
        ],
    )
    found.write("redis.log", ["1:M 22 Nov 2026 12:00:02.700 # WARNING Memory overcommit"])
    found.write(
        "nb.log",
        [
            '{"at": "2026-11-22T12:00:08.500+00:00", "level": "warning", "event": "was killed by '
            'SIGKILL; starting it again in 0.2 s", "service": "worker"}'
        ],
    )
    return found
