"""The whole product, idle: how soon a prompt reaches the provider, and how much memory the processes take afterwards.

It is started with `nb up` in a home of its own. Every prompt has the product for itself: the next one is sent when the
picture of the last one has been delivered. Each comes from another person, since Telegram slows a bot down that talks
much in one chat, and the sandbox does the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.table import Row
from cli.local.ports import free_ports

WARM_UP = 10
PROMPTS = 40
"""With the warm-up these are the fifty generations after which memory is measured."""

START_LIMIT = 150.0
GENERATION_LIMIT = 20.0
FIRST_PERSON = 4242
FIRST_START = 800_000
FIRST_PROMPT = 900_000
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "VIRTUAL_ENV")

T = TypeVar("T")


@dataclass(frozen=True)
class Product:
    """A running product, and what a Telegram of its own would know."""

    home: Path
    web: str
    sandbox: str
    token: str
    webhook_secret: str

    def pid(self, service: str) -> int:
        """Return the process id of a service."""
        state = json.loads((self.home / "run" / "state.json").read_text())
        return next(int(entry["identity"]["pid"]) for entry in state["processes"] if entry["name"] == service)


def run() -> list[Row]:
    """Measure one product from its first prompt to its fiftieth."""
    numbers = range(1, 1 + WARM_UP + PROMPTS)
    with _product() as product:
        for number in numbers:
            _meet(product, number)
        delays = sorted([_generate(product, number) for number in numbers][WARM_UP:])
        memory = {service: _resident_megabytes(product.pid(service)) for service in ("web", "worker")}
    return [
        Row.of_value("webhook to provider: p50", delays[PROMPTS // 2] * 1000, "ms", at_most=150),
        Row.of_value("webhook to provider: p95", delays[int(PROMPTS * 0.95)] * 1000, "ms", at_most=150),
        Row.of_value("web after 50 generations: memory", memory["web"], "MB", at_most=200),
        Row.of_value("worker after 50 generations: memory", memory["worker"], "MB", at_most=250),
    ]


def _meet(product: Product, number: int) -> None:
    """Have somebody press /start, so that they have tokens."""
    person = FIRST_PERSON + number
    _post(f"{product.sandbox}/sandbox/v1/users", {"id": person, "first_name": "Measure", "language_code": "en"})
    _push(product, number, "/start", FIRST_START + number)
    messages = f"{product.sandbox}/sandbox/v1/chats/{person}/messages"
    _until(lambda: _get(messages)["messages"] or None, f"the bot greets person {number}")


def _generate(product: Product, number: int) -> float:
    """Order a picture, wait until it is delivered, and return the seconds from the webhook to the provider."""
    sent_at = time.time()
    _push(product, number, "a red fox in the snow", FIRST_PROMPT + number)
    return _until(lambda: _submitted_at(product, number), f"picture {number} is delivered") - sent_at


def _submitted_at(product: Product, number: int) -> float | None:
    """Return when the provider heard of the order with this number, once its picture is delivered."""
    latest = _get(f"{product.web}/api/ops/v1/generations?limit=1", product.token)["items"]
    noted = product.home / "demo" / "submissions.ndjson"
    lines = noted.read_text().splitlines() if noted.exists() else []
    if len(lines) < number or not latest or latest[0]["status"] != "done":
        return None
    line = json.loads(lines[number - 1])
    return float(line["at"]) if line["client_id"] == latest[0]["id"] else None


def _push(product: Product, number: int, text: str, update_id: int) -> None:
    person = {"id": FIRST_PERSON + number, "first_name": "Measure"}
    message: dict[str, Any] = {
        "message_id": update_id,
        "date": int(time.time()),
        "chat": {**person, "type": "private"},
        "from": {**person, "is_bot": False, "language_code": "en"},
        "text": text,
    }
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    headers = {"X-Telegram-Bot-Api-Secret-Token": product.webhook_secret}
    update = {"update_id": update_id, "message": message}
    _post(f"{product.web}/api/telegram/webhook", update, headers)


@contextmanager
def _product() -> Iterator[Product]:
    home = Path(tempfile.mkdtemp(prefix="nb-measure-"))
    ports = dict(zip(("web", "sandbox", "postgres", "redis"), free_ports(4), strict=True))
    options = [part for service, port in ports.items() for part in (f"--{service}-port", str(port))]
    try:
        started = _nb(home, "up", "--detach", "--json", *options)
        if started.returncode != 0:
            raise RuntimeError(f"nb up exited with {started.returncode}:\n{started.stderr}\n{started.stdout}")
        addresses = json.loads(started.stdout)["data"]
        token = json.loads((home / "credentials.json").read_text())["local"]["token"]
        secret = json.loads((home / "secrets.json").read_text())["webhook_secret"]
        yield Product(home, addresses["web"], addresses["sandbox"], token, secret)
    finally:
        _nb(home, "down")
        shutil.rmtree(home, ignore_errors=True)


def _nb(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env={**passed, "NB_HOME": str(home), "NB_CONFIG": str(home / "config.json")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_LIMIT,
        check=False,
    )


def _resident_megabytes(pid: int) -> float:
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(shown.stdout) / 1024


def _get(url: str, token: str | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        document: dict[str, Any] = json.load(answer)
    return document


def _post(url: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def _until(look: Callable[[], T | None], what: str) -> T:
    deadline = time.monotonic() + GENERATION_LIMIT
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {GENERATION_LIMIT:.0f} s")
        time.sleep(0.02)
    return found
