"""A shop that sells over an emulated Lava.top: web with its webhook and pages, the worker's side of it, and people."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from core import db
from core.http.pay import blueprint as pages
from core.http.payments import blueprint as webhooks
from core.payments import Payment, events, gateways, get, orders, packages
from core.payments.gateways.base import WebGateway
from core.payments.orders import Purchase
from core.settings import Settings
from core.types import Language
from core.users import Profile, User, upsert
from tests.core.http.conftest import serving
from tests.core.payments.conftest import key
from tests.core.payments.gateways.harnesses import EMAIL, OFFERS, SUBSCRIPTION
from tests.emulators.lava import LavaEmulator, serve
from tests.emulators.lava_contracts import Offer

WEBHOOK = "/api/payments/lava/webhook"
SECRET = "webhook-secret-of-lava"
TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')


@dataclass
class Front:
    """The shop. `web` is a client of it, `hand` does what people do at Lava."""

    settings: Settings
    web: httpx.AsyncClient
    hand: httpx.AsyncClient
    emulator: LavaEmulator
    buyer: User

    @property
    def gateway(self) -> WebGateway:
        found = gateways.of_page("lava")
        assert found is not None
        return found

    async def order(self, package: str = "tokens-100", *, language: Language = "ru") -> Payment:
        """Place an order, as the bot does."""
        buyer = await upsert(Profile(self.buyer.chat_id, "fox", "Fox", "", language))
        return await orders.place(Purchase(buyer, package, "lava", key()))

    async def invoiced(self, package: str = "tokens-100") -> Payment:
        """Place an order and have its page send the payer to Lava."""
        payment = await self.order(package)
        answer = await self.press(payment)
        assert answer.status_code == 303, answer.text
        return await get(payment.code)

    async def press(self, payment: Payment, email: str = EMAIL, **fields: str) -> httpx.Response:
        """Fill the form of the page in and send it."""
        token = await self.token(payment)
        return await self.web.post(f"/pay/{payment.code}", data={"token": token, "email": email, **fields})

    async def token(self, payment: Payment) -> str:
        """What the page's form carries."""
        found = TOKEN.search((await self.web.get(f"/pay/{payment.code}")).text)
        return found[1] if found else ""

    async def do(self, contract: str | None, deed: str, **how: Any) -> str:
        """Do something at Lava; return the contract's id, a new one for a renewal."""
        answer = await self.hand.post(f"/emulator/contracts/{contract}", json={"do": deed, **how})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def spoil(self, fault: str, path: str = "/api/", times: int = 1) -> None:
        """Have the next calls of Lava's API go wrong."""
        await self.hand.post("/emulator/faults", json={"fault": fault, "path": path, "times": times})

    async def tell(self, event: object, secret: str = SECRET) -> httpx.Response:
        """Call the webhook as Lava does."""
        return await self.web.post(WEBHOOK, json=event, headers={"X-Api-Key": secret})

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Handle what the webhook stored, while the block runs."""
        worker = asyncio.create_task(events.inbox(self.gateway).run(events.Handler(self.gateway).handle))
        try:
            yield
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def settled(self) -> None:
        """Handle everything that is stored."""
        async with self.working(), asyncio.timeout(30):
            while await db.fetch_value("SELECT count(*) FROM botapp_inbox WHERE handled_at IS NULL"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(settings: Settings, **overrides: Any) -> AsyncIterator[Front]:
    """Open the shop. Keywords are settings."""
    offers = {OFFERS["tokens-100"]: Offer(5.0), OFFERS["tokens-200"]: Offer(10.0)}
    offers[SUBSCRIPTION] = Offer(5.0, is_subscription=True)
    emulator = LavaEmulator(offers=offers, login=SECRET)
    async with serve(emulator) as address:
        values = {
            "lava_enabled": True,
            "lava_api_key": SecretStr(emulator.api_key),
            "lava_webhook_secret": SecretStr(SECRET),
            "lava_api_base_url": address,
            "telegram_api_base_url": address,
            "database_pool_size": 20,
            **overrides,
        }
        changed = settings.model_copy(update=values)
        async with (
            serving(changed, [webhooks, pages]) as web,
            httpx.AsyncClient(base_url=address, verify=False, timeout=30) as hand,
        ):
            emulator.webhook = f"{web.base_url}{WEBHOOK}"
            await packages.seed()
            await stock()
            buyer = await upsert(Profile(4242, "fox", "Fox", "", "ru"))
            yield Front(changed, web, hand, emulator, buyer)


async def stock() -> None:
    """Give the packages their offers at Lava, and add a subscription."""
    for package, offer in OFFERS.items():
        await db.execute(
            "UPDATE token_packages SET offers = jsonb_build_object('lava', $2::text) WHERE code = $1", package, offer
        )
    await db.execute(
        """
        INSERT INTO token_packages (code, credits, price_usd, is_recurring, offers)
        VALUES ('monthly', 100, 5, true, jsonb_build_object('lava', $1::text))
        """,
        SUBSCRIPTION,
    )
