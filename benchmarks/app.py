"""The Mini App's side of web: how long an order takes while fifty people order.

Each of fifty people orders a picture, looks at the answer for a second and orders again, which is more than any people
do. Every order comes from an account of its own, since an account may have few pictures under way.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import httpx

from benchmarks.service import BOT_TOKEN, nb, process, servers
from benchmarks.table import Row
from cli.local.ports import free_port

PEOPLE = 50
ORDERS = 20
"""Orders of each of the people."""

THINKING_S = 1.0
FIRST_ACCOUNT = 700_000
WARM_UP = 100
ORDER = {"model": "nano-banana", "prompt": "a red fox in the snow", "params": {}, "inputs": []}


def run() -> list[Row]:
    """Measure one web process."""
    with _web() as address:
        orders, quotes = asyncio.run(_measure(address))
    return [
        Row.of_value(f"app: order, p95 at {PEOPLE} people", _p95(orders), "ms", at_most=50),
        Row.of_value(f"app: quote, p95 at {PEOPLE} people", _p95(quotes), "ms", at_most=50),
    ]


@contextmanager
def _web() -> Iterator[str]:
    with servers() as started:
        port = free_port()
        environment = started.environment(PORT=str(port), TELEGRAM_API_BASE_URL="http://127.0.0.1:9", WEB_WORKERS="1")
        address = f"http://127.0.0.1:{port}"
        with process(nb("serve"), environment, started.folder / "web.log", f"{address}/api/health"):
            yield address


async def _measure(address: str) -> tuple[list[float], list[float]]:
    limits = httpx.Limits(max_connections=PEOPLE * 2, max_keepalive_connections=PEOPLE * 2)
    async with httpx.AsyncClient(base_url=f"{address}/api/app/v1", limits=limits, timeout=30) as http:
        accounts = iter(range(FIRST_ACCOUNT, FIRST_ACCOUNT + WARM_UP + PEOPLE * ORDERS))
        given = list(accounts)
        for start in range(0, len(given), PEOPLE):
            await asyncio.gather(*(_meet(http, account) for account in given[start : start + PEOPLE]))
        warm, measured = given[:WARM_UP], given[WARM_UP:]
        for account in warm:
            await _order(http, account)
        orders: list[float] = []
        quotes: list[float] = []

        async def person(number: int) -> None:
            await asyncio.sleep(random.uniform(0, THINKING_S))
            for account in measured[number * ORDERS : (number + 1) * ORDERS]:
                quotes.append(await _quote(http, account))
                orders.append(await _order(http, account))
                await asyncio.sleep(THINKING_S * random.uniform(0.7, 1.3))

        await asyncio.gather(*(person(number) for number in range(PEOPLE)))
        return orders, quotes


async def _meet(http: httpx.AsyncClient, account: int) -> None:
    answer = await http.get("/me", headers=_signed(account))
    answer.raise_for_status()


async def _quote(http: httpx.AsyncClient, account: int) -> float:
    headers = _signed(account)
    began = time.perf_counter()
    answer = await http.post("/quote", json={"model": ORDER["model"], "params": {}}, headers=headers)
    seconds = time.perf_counter() - began
    answer.raise_for_status()
    return seconds * 1000


async def _order(http: httpx.AsyncClient, account: int) -> float:
    headers = {**_signed(account), "Idempotency-Key": f"bench-{account}"}
    began = time.perf_counter()
    answer = await http.post("/generations", json=ORDER, headers=headers)
    seconds = time.perf_counter() - began
    assert answer.status_code == 201, answer.text
    return seconds * 1000


def _signed(account: int) -> dict[str, str]:
    user = json.dumps({"id": account, "first_name": "Mia", "language_code": "en"})
    fields = {"user": user, "auth_date": str(int(time.time())), "query_id": "AAH"}
    key = hmac.new(b"WebAppData", BOT_TOKEN.encode(), hashlib.sha256).digest()
    check = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    signature = hmac.new(key, check.encode(), hashlib.sha256).hexdigest()
    return {"Authorization": f"tma {urlencode({**fields, 'hash': signature}, quote_via=quote)}"}


def _p95(milliseconds: list[float]) -> float:
    return round(sorted(milliseconds)[int(len(milliseconds) * 0.95)], 1)
