"""The gateways with their emulators, as the contract needs them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from aiohttp import web

from core import db
from core.payments import Payment
from core.payments.gateways.base import Receipt
from core.payments.gateways.lava import LavaGateway
from core.payments.gateways.stars import StarsGateway
from tests.bot.sandbox.conftest import TOKEN, start
from tests.core.payments.gateways.cable import Cable
from tests.core.payments.gateways.corner import CornerGateway
from tests.emulators.lava import LavaEmulator, serve
from tests.emulators.lava_contracts import Offer

PAGES = "https://bot.example.org"
OFFERS = {
    "tokens-100": "836b9fc5-7ae9-4a27-9642-592bc44072b7",
    "tokens-200": "72d53efb-3696-469f-b856-f0d815748dd6",
}
SUBSCRIPTION = "c5a0cacc-3453-44b0-9532-aa492f1ba191"
EMAIL = "fox@example.org"


def client(address: str, cable: Cable) -> httpx.AsyncClient:
    """A client whose requests go over the cable."""
    return httpx.AsyncClient(base_url=address, transport=cable, timeout=10)


class StarsHarness:
    """Telegram Stars, paid in the sandbox."""

    def __init__(self, address: str, gateway: StarsGateway, cable: Cable) -> None:
        self.gateway, self.cable = gateway, cable
        self.secrets = (TOKEN, TOKEN.partition(":")[2])
        self.details: dict[str, Any] = {}
        self._people = httpx.AsyncClient(base_url=f"{address}/sandbox/v1", verify=False, timeout=20)
        self._bot = httpx.AsyncClient(base_url=f"{address}/bot{TOKEN}/", verify=False, timeout=20)
        self._seen = 0

    async def prepare(self) -> None:
        """Stars are sold as shipped."""

    def debts(self, payment: Payment) -> int:
        """One link is known; what nobody knows the address of cannot be paid."""
        return 1 if payment.payment_url else 0

    async def pay(self, payment: Payment) -> Receipt:
        """The bot says yes to the pre-checkout query, and reads what Telegram tells then."""
        await self._people.post("/users", json={"id": payment.chat_id, "first_name": "Fox"})
        link = {"invoice_link": payment.payment_url}
        paying = asyncio.create_task(self._people.post(f"/chats/{payment.chat_id}/pay", json=link))
        query = await self._update("pre_checkout_query")
        await self._bot.post("answerPreCheckoutQuery", json={"pre_checkout_query_id": query["id"], "ok": True})
        assert (await paying).json()["ok"]
        return self.gateway.payment_receipt(await self._update("message"))

    async def _update(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                answer = await self._bot.post("getUpdates", json={"offset": self._seen + 1, "limit": 1, "timeout": 5})
                for update in answer.json()["result"]:
                    self._seen = update["update_id"]
                    if kind in update:
                        found: dict[str, Any] = update[kind]
                        return found

    async def close(self) -> None:
        await self._people.aclose()
        await self._bot.aclose()


@asynccontextmanager
async def stars(folder: Path) -> AsyncIterator[StarsHarness]:
    """Stars, over the sandbox's Bot API."""
    sandbox = await start(folder / "sandbox")
    cable = Cable()
    gateway = StarsGateway(TOKEN, base_url=sandbox.address, client=client(f"{sandbox.address}/bot{TOKEN}/", cable))
    harness = StarsHarness(sandbox.address, gateway, cable)
    yield harness
    await harness.close()
    await gateway.close()
    await sandbox.stop()


class LavaHarness:
    """Lava.top, paid at the emulator. `hand` is what a person at Lava does, over HTTP."""

    def __init__(self, emulator: LavaEmulator, address: str) -> None:
        self.emulator, self.cable = emulator, Cable()
        self.gateway = LavaGateway(
            emulator.api_key,
            emulator.login,
            base_url=address,
            pages_url=PAGES,
            client=client(address, self.cable),
        )
        self.secrets = (emulator.api_key, emulator.login, EMAIL)
        self.details: dict[str, Any] = {"email": EMAIL}
        self.hand = httpx.AsyncClient(base_url=address, verify=False, timeout=30)

    async def prepare(self) -> None:
        for package, offer in OFFERS.items():
            await db.execute(
                "UPDATE token_packages SET offers = jsonb_build_object('lava', $2::text) WHERE code = $1",
                package,
                offer,
            )

    def debts(self, payment: Payment) -> int:
        return sum(
            contract.wanted["clientUtm"]["utm_content"] == payment.code for contract in self.emulator.contracts.values()
        )

    async def do(self, contract: str | None, deed: str, **how: Any) -> str:
        """Do something at Lava; return the contract's id, a new one for a renewal."""
        answer = await self.hand.post(f"/emulator/contracts/{contract}", json={"do": deed, **how})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def spoil(self, fault: str, path: str = "/api/", times: int = 1) -> None:
        """Have the next calls go wrong."""
        await self.hand.post("/emulator/faults", json={"fault": fault, "path": path, "times": times})

    async def send(self, event: dict[str, Any], times: int = 1) -> None:
        """Have an event delivered."""
        await self.hand.post("/emulator/events", json={"event": event, "times": times})

    async def pay(self, payment: Payment) -> Receipt:
        await self.do(payment.external_id, "pay", webhook=False)
        receipt = await self.gateway.look_up(payment)
        assert receipt is not None
        return receipt

    async def close(self) -> None:
        await self.gateway.close()
        await self.hand.aclose()


@asynccontextmanager
async def lava(_folder: Path) -> AsyncIterator[LavaHarness]:
    """Lava.top, over its emulator."""
    offers = {OFFERS["tokens-100"]: Offer(5.0), OFFERS["tokens-200"]: Offer(10.0)}
    offers[SUBSCRIPTION] = Offer(5.0, is_subscription=True)
    emulator = LavaEmulator(offers=offers)
    async with serve(emulator) as address:
        harness = LavaHarness(emulator, address)
        yield harness
        await harness.close()


class Shop:
    """The corner shop itself: bills by our code."""

    def __init__(self) -> None:
        self.bills: dict[str, dict[str, Any]] = {}
        self.address = ""

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_put("/bills/{order}", self._write)
        app.router.add_get("/bills/{order}", self._show)
        app.router.add_post("/bills/{order}/pay", self._pay)
        app.router.add_post("/bills/{order}/refund", self._refund)
        app.router.add_get("/bills", self._list)
        return app

    async def _write(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        number = f"bill-{len(self.bills) + 1}"
        bill = {**wanted, "number": number, "state": "pending", "at": _now(), "url": f"{self.address}/{number}"}
        return web.json_response(self.bills.setdefault(request.match_info["order"], bill))

    def _bill(self, request: web.Request) -> dict[str, Any]:
        try:
            return self.bills[request.match_info["order"]]
        except KeyError:
            raise web.HTTPNotFound(text='{"error": "no such bill"}', content_type="application/json") from None

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._bill(request))

    async def _pay(self, request: web.Request) -> web.Response:
        self._bill(request).update(state="paid", at=_now())
        return web.json_response(self._bill(request))

    async def _refund(self, request: web.Request) -> web.Response:
        self._bill(request).update(state="refunded", at=_now())
        return web.json_response(self._bill(request))

    async def _list(self, request: web.Request) -> web.Response:
        begin, limit = int(request.query["start"]), int(request.query["limit"])
        since = datetime.fromisoformat(request.query["since"])
        done = [bill for bill in self.bills.values() if bill["state"] != "pending"]
        done = sorted(
            (bill for bill in done if datetime.fromisoformat(bill["at"]) >= since), key=lambda bill: str(bill["at"])
        )
        return web.json_response({"bills": done[begin : begin + limit], "total": len(done)})


class CornerHarness:
    """The corner shop."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.cable, self.key = shop, Cable(), "key-of-the-corner"
        self.gateway = CornerGateway(self.key, client(shop.address, self.cable))
        self.secrets = (self.key,)
        self.details: dict[str, Any] = {}

    async def prepare(self) -> None:
        """The shop takes any order."""

    def debts(self, payment: Payment) -> int:
        return sum(bill["order"] == payment.code for bill in self.shop.bills.values())

    async def pay(self, payment: Payment) -> Receipt:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.shop.address}/bills/{payment.code}/pay") as answer,
        ):
            assert answer.status == 200
        receipt = await self.gateway.look_up(payment)
        assert receipt is not None
        return receipt

    def notice(self, payment: Payment) -> tuple[bytes, dict[str, str]]:
        """What the shop tells of a bill: body and signature."""
        body = json.dumps(self.shop.bills[payment.code]).encode()
        return body, {"X-Signature": hmac.new(self.key.encode(), body, hashlib.sha256).hexdigest()}


@asynccontextmanager
async def corner(_folder: Path) -> AsyncIterator[CornerHarness]:
    """The corner shop, open."""
    shop = Shop()
    runner = web.AppRunner(shop.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    shop.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    harness = CornerHarness(shop)
    yield harness
    await harness.gateway.close()
    await runner.cleanup()


def _now() -> str:
    return datetime.now(UTC).isoformat()


EVERY_GATEWAY = (stars, lava, corner)
