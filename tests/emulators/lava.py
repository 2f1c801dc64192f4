"""Lava.top on a loopback port: invoices, lists, subscriptions, a page to pay at, and webhooks with their retries.

What a person does at Lava is done through ``POST /emulator/contracts/<id> {"do": "pay"}``, or at the contract's page
``/pay/<id>``: ``pay`` ``fail`` ``renew`` ``fail_renewal`` ``cancel``, with ``amount``, ``currency`` and
``webhook: false`` where the story needs them. ``POST /emulator/faults {"fault": "status=500", "times": 2}`` spoils the
next calls, with ``path`` only there: ``status=N`` ``drop`` (the connection ends before anything is done) ``lose`` (it
is done, the answer is lost) ``first`` (it is paid, and the webhook sent, before the answer) ``garbage`` ``odd``
``echo`` (the key in an error). ``POST /emulator/events {"event": {…}, "times": 3}`` sends any event;
``GET /emulator/contracts`` and ``GET /emulator/deliveries`` tell what there is. Stand-alone:
``python -m tests.emulators.lava --webhook URL``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from tests.emulators.bad_days import BadDays
from tests.emulators.lava_contracts import Body, Contract, Offer, event_of, invoice, moment

RETRIES = (1, 5, 15, *[60] * 11, *[3600] * 5)
"""Seconds between the attempts at a webhook that is answered 4xx or 5xx."""

CURRENCIES = frozenset({"RUB", "USD", "EUR"})
PERIODS = frozenset({"ONE_TIME", "MONTHLY", "PERIOD_90_DAYS", "PERIOD_180_DAYS", "PERIOD_YEAR"})
LANGUAGES = frozenset({"EN", "RU", "ES"})
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LARGEST_PAGE = 100
FAULT_OF = {"#status=500": "status=500", "#status=503": "status=503", "#busy": "status=429", "#close": "drop"} | {
    "#lost": "lose"
}
IS_PAID_FIRST = web.RequestKey("IS_PAID_FIRST", bool)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to tell of an event."""

    event: Body
    attempt: int
    status: int


class Refused(Exception):
    """The call is answered with an error status."""

    def __init__(self, status: int, error: str, **details: str) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, "details": details, "timestamp": moment(datetime.now(UTC))}


@dataclass
class LavaEmulator:
    """The cabinet of one author.

    Attributes:
        pace: what a second between two attempts at a webhook lasts here.
        login: `login:password` of Basic authentication, or a key for X-Api-Key.
    """

    api_key: str = "lava-api-key"
    offers: dict[str, Offer] = field(default_factory=dict)
    webhook: str = ""
    login: str = "lava-webhook-secret"
    pace: float = 0.0
    contracts: dict[str, Contract] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    requests: list[Body] = field(default_factory=list)
    address: str = ""
    bad_days: BadDays = field(default_factory=BadDays)
    _faults: list[tuple[str, str]] = field(default_factory=list)

    def application(self) -> web.Application:
        """Return the web application."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_post("/api/v3/invoice", self._create)
        app.router.add_get("/api/v1/invoice", self._payment_params)
        for version in ("v1", "v2"):
            app.router.add_get(f"/api/{version}/invoices", self._list)
            app.router.add_get(f"/api/{version}/invoices/{{id}}", self._show)
        app.router.add_delete("/api/v1/subscriptions", self._unsubscribe)
        app.router.add_get("/pay/{id}", self._page)
        app.router.add_post("/pay/{id}", self._press)
        app.router.add_post("/emulator/contracts/{id}", self._post_deed)
        app.router.add_get("/emulator/contracts", self._get_contracts)
        app.router.add_post("/emulator/faults", self._post_fault)
        app.router.add_post("/emulator/events", self._post_event)
        app.router.add_get("/emulator/calls", self._get_calls)
        app.router.add_post("/emulator/failures", self._post_failures)
        app.router.add_get("/emulator/deliveries", self._get_deliveries)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith("/api/"):
            return await self._answered(request, handler)
        self.calls.append((request.method, request.path))
        fault = self._take_fault(request.path) or FAULT_OF.get(self.bad_days.draw(), "")
        try:
            if fault == "echo":
                raise Refused(401, f"Key {request.headers.get('X-Api-Key')} of fox@example.org is revoked")
            if fault.startswith("status="):
                raise Refused(int(fault.partition("=")[2]), "emulated failure")
            if request.headers.get("X-Api-Key") != self.api_key:
                raise Refused(401, "Unauthorized")
        except Refused as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        if fault == "drop":
            return hung_up(request)
        if fault == "garbage":
            return web.Response(text="<html>Bad gateway", content_type="application/json")
        if fault == "odd":
            return web.json_response({"items": "none today", "id": 7})
        request[IS_PAID_FIRST] = fault == "first"
        answer = await self._answered(request, handler)
        return hung_up(request) if fault == "lose" else answer

    async def _answered(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except Refused as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        return response

    def _take_fault(self, path: str) -> str:
        for position, (fault, where) in enumerate(self._faults):
            if path.startswith(where):
                del self._faults[position]
                return fault
        return ""

    async def _create(self, request: web.Request) -> web.Response:
        wanted = await document(request)
        self.requests.append(wanted)
        contract = Contract(self._checked(wanted), wanted)
        contract.amount, contract.currency = contract.offer.amount, contract.offer.currency
        if contract.offer.is_subscription:
            contract.subscription = "ACTIVE"
        self.contracts[contract.id] = contract
        if request[IS_PAID_FIRST]:
            await asyncio.wait_for(self.do(contract.id, "pay"), 10)
        return web.json_response(self.params_of(contract, "in-progress"), status=201)

    def _checked(self, wanted: Body) -> Offer:
        if not EMAIL.fullmatch(str(wanted.get("email", ""))):
            raise Refused(400, "Input fields are invalid", email="should be well-formed email")
        offer = self.offers.get(str(wanted.get("offerId")))
        if offer is None:
            raise Refused(404, f"Product with offer id = '{wanted.get('offerId')}' not found")
        if wanted.get("currency") not in CURRENCIES or wanted["currency"] != offer.currency:
            raise Refused(400, "Input fields are invalid", currency="the offer has no price in it")
        period = wanted.get("periodicity", "MONTHLY" if offer.is_subscription else "ONE_TIME")
        if period not in PERIODS or (period == "ONE_TIME") == offer.is_subscription:
            raise Refused(400, "Input fields are invalid", periodicity="the offer has no such period")
        if wanted.get("buyerLanguage") not in {None, *LANGUAGES} or "amount" in wanted:
            raise Refused(400, "Input fields are invalid", buyerLanguage="EN, RU or ES")
        return offer

    def params_of(self, contract: Contract, status: str) -> Body:
        """`InvoicePaymentParamsResponse`."""
        return {
            "id": contract.id,
            "status": status,
            "amountTotal": {"currency": contract.currency, "amount": contract.amount},
            "paymentUrl": f"{self.address}/pay/{contract.id}",
        }

    async def _payment_params(self, request: web.Request) -> web.Response:
        contract = self._contract(request.query.get("id", ""))
        status = {"NEW": "in-progress", "IN_PROGRESS": "in-progress"}.get(contract.status, contract.status.lower())
        return web.json_response(self.params_of(contract, status))

    def _contract(self, number: str) -> Contract:
        try:
            uuid.UUID(number)
        except ValueError:
            raise Refused(400, "Input fields are invalid", id="should be a UUID") from None
        if number not in self.contracts:
            raise Refused(404, f"Invoice with such id = '{number}' not found")
        return self.contracts[number]

    async def _show(self, request: web.Request) -> web.Response:
        version = request.path.split("/")[2]
        return web.json_response(invoice(self._contract(request.match_info["id"]), version))

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        statuses = set(query.getall("invoiceStatuses", ["COMPLETED"]))
        page, size = int(query.get("page", "1")), min(int(query.get("size", "20")), LARGEST_PAGE)
        found = [
            contract
            for contract in reversed(self.contracts.values())
            if contract.status in statuses
            and query.get("buyerEmail", "") in contract.wanted["email"]
            and query.get("beginDate", "") <= moment(contract.at) <= query.get("endDate", "9")
        ]
        version = request.path.split("/")[2]
        items = [invoice(contract, version) for contract in found[(page - 1) * size : page * size]]
        return web.json_response({"items": items, "page": page, "size": size, "total": len(found)})

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        number, email = request.query.get("contractId", ""), request.query.get("email", "")
        contract = self.contracts.get(number)
        if contract is None or contract.subscription is None or contract.wanted["email"] != email:
            raise Refused(404, f"Subscription with invoice id = '{number}' not found")
        if contract.subscription == "CANCELLED":
            raise Refused(400, "Subscription is cancelled already")
        await self.do(number, "cancel")
        return web.Response(status=204)

    async def do(self, number: str, deed: str, **how: Any) -> Contract:
        """Do what a person does at Lava; see the module. Its webhook is delivered before this returns."""
        contract = self.contracts[number]
        if deed in {"renew", "fail_renewal"}:
            contract = Contract(contract.offer, contract.wanted, parent=contract.id, subscription="ACTIVE")
            self.contracts[contract.id] = contract
        contract.amount = how.get("amount", contract.offer.amount)
        contract.currency = how.get("currency", contract.offer.currency)
        if deed == "cancel":
            contract.subscription, contract.cancelled_at = "CANCELLED", datetime.now(UTC)
        else:
            contract.status = "COMPLETED" if deed in {"pay", "renew"} else "FAILED"
            contract.at = datetime.now(UTC)
        if how.get("webhook", True):
            await self.tell(event_of(contract, deed))
        return contract

    async def tell(self, event: Body) -> None:
        """Deliver an event; a receiver that does not take it gets it again, as often as Lava tries."""
        if not self.webhook:
            return
        async with aiohttp.ClientSession() as session:
            for attempt, pause in enumerate((*RETRIES, None), start=1):
                status = await self._post(session, event)
                self.deliveries.append(Delivery(event, attempt, status))
                if status < 400 or pause is None:
                    return
                await asyncio.sleep(pause * self.pace)

    async def _post(self, session: aiohttp.ClientSession, event: Body) -> int:
        login = base64.b64encode(self.login.encode()).decode()
        headers = {"Authorization": f"Basic {login}"} if ":" in self.login else {"X-Api-Key": self.login}
        try:
            async with session.post(self.webhook, json=event, headers=headers) as response:
                return response.status
        except aiohttp.ClientError:
            return 599

    async def _post_deed(self, request: web.Request) -> web.Response:
        how = await document(request)
        deed = how.pop("do")
        if request.match_info["id"] not in self.contracts:
            raise Refused(404, "no such contract")
        return web.json_response({"id": (await self.do(request.match_info["id"], deed, **how)).id})

    async def _get_contracts(self, request: web.Request) -> web.Response:
        return web.json_response({"contracts": [invoice(contract, "v2") for contract in self.contracts.values()]})

    async def _post_fault(self, request: web.Request) -> web.Response:
        body = await document(request)
        self._faults += [(body["fault"], body.get("path", "/api/"))] * int(body.get("times", 1))
        return web.json_response({"ok": True})

    async def _post_event(self, request: web.Request) -> web.Response:
        body = await document(request)
        await asyncio.gather(*(self.tell(body["event"]) for _ in range(int(body.get("times", 1)))))
        return web.json_response({"ok": True})

    async def _get_deliveries(self, request: web.Request) -> web.Response:
        told = [{"event": d.event, "attempt": d.attempt, "status": d.status} for d in self.deliveries]
        return web.json_response({"deliveries": told})

    async def _post_failures(self, request: web.Request) -> web.Response:
        self.bad_days.share = float((await document(request))["share"])
        return web.json_response({"drawn": self.bad_days.drawn})

    async def _get_calls(self, request: web.Request) -> web.Response:
        return web.json_response({"calls": [{"method": method, "path": path} for method, path in self.calls]})

    async def _page(self, request: web.Request) -> web.Response:
        contract = self._contract(request.match_info["id"])
        buttons = "".join(f'<button name="do" value="{deed}">{deed}</button> ' for deed in ("pay", "fail", "leave"))
        text = f"<!doctype html><title>Lava.top, emulated</title><h1>{contract.offer.product}</h1>"
        text += f"<p>{contract.amount} {contract.currency}, {contract.status}</p><form method=post>{buttons}</form>"
        return web.Response(text=text, content_type="text/html")

    async def _press(self, request: web.Request) -> web.Response:
        contract = self._contract(request.match_info["id"])
        deed = str((await request.post())["do"])
        if deed != "leave":
            await self.do(contract.id, deed)
        kind = {"pay": "successful", "fail": "failure"}.get(deed, "cancel")
        raise web.HTTPSeeOther(contract.wanted[f"{kind}_return_url"])


async def document(request: web.Request) -> Body:
    """The JSON object of a request."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise Refused(400, "Input fields are invalid") from None
    if not isinstance(body, dict):
        raise Refused(400, "Input fields are invalid")
    return body


def hung_up(request: web.Request) -> web.Response:
    """End the connection without an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@asynccontextmanager
async def serve(emulator: LavaEmulator, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Run the emulator and yield its address."""
    runner = web.AppRunner(emulator.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        emulator.address = f"http://{host}:{runner.addresses[0][1]}"
        yield emulator.address
    finally:
        await runner.cleanup()


async def main() -> None:
    """Serve until the process is told to end."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.emulators.lava", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--webhook", default="", help="where events go: …/api/payments/lava/webhook")
    parser.add_argument("--secret", default="lava-webhook-secret", help="a key, or login:password")
    parser.add_argument("--offer", action="append", default=[], metavar="ID=DOLLARS")
    options = parser.parse_args()
    offers = {name: Offer(float(price)) for name, _, price in (offer.partition("=") for offer in options.offer)}
    emulator = LavaEmulator(offers=offers, webhook=options.webhook, login=options.secret, pace=1.0)
    async with serve(emulator, options.host, options.port) as address:
        print(address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
