"""A person runs out of tokens, pays with Stars in the chat or from the Mini App, and what they wanted starts once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.end_to_end.people import Person, Sandbox, data_of, text_of
from tests.fixtures.product import Product


class MiniApp:
    """The Mini App of a person, opened by the sandbox."""

    def __init__(self, sandbox: Sandbox, person: Person) -> None:
        self._sandbox = sandbox
        self._person = person

    async def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Ask the service with init data of this moment."""
        launched = await self._sandbox.get(f"chats/{self._person.id}/webapp?url={self._sandbox.product.web}/webapps/")
        headers = {"Authorization": f"tma {launched['init_data']}", **content.pop("headers", {})}
        url = f"{self._sandbox.product.web}/api/app/v1{path}"
        return await self._sandbox.http.request(method, url, headers=headers, **content)

    async def buy(self, package: str, key: str | None = None) -> dict[str, Any]:
        """Order a package for Stars."""
        body = {"package": package, "gateway": "stars"}
        answer = await self.ask("POST", "/orders", json=body, headers={"Idempotency-Key": key or uuid4().hex})
        assert answer.status_code == 200, answer.text
        order: dict[str, Any] = answer.json()
        return order


async def spend_all_but(sandbox: Sandbox, person: Person, left: str) -> None:
    """Have an operator take what is too much."""
    taken = await person.balance() - Decimal(left)
    sandbox.product.nb("users", "debit", str(person.id), str(taken), "--reason", "a test of the cart", "--yes")


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_stars_paid_in_the_app_start_what_was_wanted(product: Product, sandbox: Sandbox, language: str) -> None:
    person = await sandbox.somebody(language)
    await spend_all_but(sandbox, person, "0.30")
    await person.say("a red fox in the snow")
    refusal = await person.answer(lambda message: "reply_markup" in message and data_of_any(message, "g"))
    app = MiniApp(sandbox, person)

    key = uuid4().hex
    order = await app.buy("tokens-100", key)
    assert (await app.buy("tokens-100", key))["payment_url"] == order["payment_url"]
    await sandbox.post(f"chats/{person.id}/pay", json={"invoice_link": order["payment_url"]})
    told = await person.answer(lambda message: data_of_any(message, "g"))
    assert "a red fox in the snow" in text_of(told)

    assert (await app.ask("GET", f"/orders/{order['code']}")).json()["status"] == "paid"
    me = (await app.ask("GET", "/me")).json()
    assert (me["balance"], me["bonuses"]["first_deposit"]) == ("120.30", None)

    await person.press(told, "g")
    await person.forge(refusal["message_id"], data_of(refusal, "g"))
    await person.forge(told["message_id"], data_of(told, "g"))
    await person.result()
    assert len(await person.jobs()) == 1
    assert await person.balance() == Decimal("119.50")

    history = (await app.ask("GET", "/history")).json()["items"]
    assert [(row["kind"], row["amount"]) for row in history[:3]] == [
        ("generation", "-0.80"),
        ("bonus", "20.00"),
        ("deposit", "100.00"),
    ]
    assert history[2]["what"]["order"] == order["code"]


async def test_tokens_of_an_operator_bring_the_offer_too(product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await spend_all_but(sandbox, person, "0.30")
    await person.say("a blue whale")
    await person.answer(lambda message: data_of_any(message, "g"))

    product.nb("users", "credit", str(person.id), "5", "--reason", "sorry for the wait", "--yes")

    offer = await person.answer(lambda message: data_of_any(message, "g"))
    assert "You have enough tokens now: “a blue whale”" in text_of(offer)
    await person.press(offer, "g")
    await person.result()
    assert await person.balance() == Decimal("4.50")


def data_of_any(message: dict[str, Any], action: str) -> bool:
    """Say whether a message has a button that does this."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return any(button.get("callback_data", "").startswith(f"{action}:") for row in rows for button in row)
