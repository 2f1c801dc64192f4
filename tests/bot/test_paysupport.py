"""Help with payments: what was paid, whom to write to, asking for money back once, and the terms."""

from __future__ import annotations

import json

import pytest

from core import db
from core.payments import PaymentStatus, refunds
from core.settings import Settings
from tests.bot.buying import buy, labels, now, order, paid
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that name somebody to write to."""
    return settings.model_copy(update={"support_contact": "@fox_support"})


async def test_payments_are_shown_with_what_to_quote(mia: Person) -> None:
    payment = await buy(mia)
    [shown] = await mia.send("/paysupport")
    assert f"100 ⚡ for 385 ⭐ · paid · {payment.code[:8]}" in shown["text"]
    assert "write to us, @fox_support, and name the code" in shown["text"]
    [label] = labels(shown)
    assert label.startswith("↩️ Refund 385 ⭐ · ")


async def test_without_payments_the_way_to_top_up_is_shown(masha: Person) -> None:
    await order(masha)
    [shown] = await masha.send("/paysupport")
    assert "Оплат пока не было" in shown["text"] and "/topup" in shown["text"] and labels(shown) == []


async def test_money_in_quarantine_is_shown_to_who_paid_it(mia: Person) -> None:
    placed = await order(mia)
    await mia.update(message=paid(mia, placed, invoice_payload="forged"))
    [shown] = await mia.send("/paysupport")
    assert "385 ⭐ · being checked" in shown["text"] and labels(shown) == []


async def test_a_refund_is_asked_for_once_and_operators_hear_of_it(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    payment = await buy(mia)
    [shown] = await mia.send("/paysupport")
    [answer] = await mia.press("Refund", shown)
    assert "Your request to return 385 ⭐ is with us" in answer["text"]
    asked_at = (await now(payment)).refund_requested_at
    assert asked_at is not None
    row = await db.fetch_one("SELECT arguments FROM botapp_outbox WHERE task = 'bot.alert'")
    assert row is not None and f"nb payments show {payment.code}" in json.loads(row["arguments"])["text"]
    assert await mia.press("Refund", shown) == []
    assert "already" in mia.toasts[-1] and (await now(payment)).refund_requested_at == asked_at
    assert await db.fetch_value("SELECT count(*) FROM botapp_outbox WHERE task = 'bot.alert'") == 1
    [later] = await mia.send("/paysupport")
    assert labels(later) == [], "what was asked for is not offered again"


async def test_a_request_moves_no_tokens(mia: Person) -> None:
    payment = await buy(mia)
    await mia.tap(f"q:{payment.code}")
    assert await mia.balance() == "170.00" and (await now(payment)).status is PaymentStatus.PAID


async def test_spent_tokens_are_not_offered_back(mia: Person, world: World) -> None:
    await buy(mia)
    for _ in range(63):
        await db.execute("UPDATE botapp_genrequest SET created_at = created_at - interval '1 day'")
        await mia.send("a fox")
        await world.work()
    assert await mia.balance() == "119.60"
    [shown] = await mia.send("/paysupport")
    assert labels(shown) == [] and "did not spend" not in shown["text"]


@pytest.mark.parametrize("code", ["0" * 32, "x", "", "../../etc"])
async def test_a_forged_button_asks_for_nothing(mia: Person, code: str) -> None:
    await mia.tap(f"q:{code}")
    assert "cannot be returned" in mia.toasts[-1]


async def test_nobody_asks_for_somebody_elses_money(mia: Person, masha: Person) -> None:
    payment = await buy(mia)
    await masha.tap(f"q:{payment.code}")
    assert "вернуть нельзя" in masha.toasts[-1] and (await now(payment)).refund_requested_at is None


async def test_what_went_back_is_not_asked_for_again(mia: Person) -> None:
    payment = await buy(mia)
    async with db.transaction():
        await refunds.refund(payment.code, actor="test", reason="asked", is_done_outside=True)
    await mia.tap(f"q:{payment.code}")
    assert "cannot be returned" in mia.toasts[-1]
    [shown] = await mia.send("/paysupport")
    assert "· refunded ·" in shown["text"] and labels(shown) == []


@pytest.mark.parametrize(("language", "words"), [("en", "What tokens are"), ("ru", "Что такое токены")])
async def test_the_terms_are_told(mia: Person, masha: Person, language: str, words: str) -> None:
    [shown] = await (mia if language == "en" else masha).send("/terms")
    assert words in shown["text"] and "/paysupport" in shown["text"]
