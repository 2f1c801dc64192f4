"""`/pay/<order>`: what a payer sees and may do, whatever Lava does and whoever asks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

import httpx
import pytest

from core import db, ledger, redis
from core.http.pay import endpoints, words
from core.payments import PaymentStatus, crediting, emails, get, refunds
from core.payments.emails import NotAnEmail
from core.settings import Settings
from core.types import Language
from tests.core.http.test_payment_webhook import closed_pool
from tests.core.payments.conftest import tasks
from tests.core.payments.gateways.front import Front, opened
from tests.core.payments.gateways.harnesses import EMAIL

pytestmark = pytest.mark.integration


@pytest.fixture
async def front(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    """The shop, with nobody who publishes what the outbox holds."""

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr("core.queue.outbox.flush", publish_nothing)
    async with opened(settings, support_contact="@nanobanana_support") as shop:
        yield shop


async def free(front: Front) -> None:
    """Spare the tests the pauses that the page makes."""
    await db.execute("UPDATE botapp_payment SET details = details - 'asked_until' - 'looked_until'")


async def test_an_order_is_shown_with_its_price_and_a_form(front: Front) -> None:
    payment = await front.order("tokens-200")
    shown = await front.web.get(f"/pay/{payment.code}")
    assert shown.status_code == 200
    assert shown.headers["Content-Type"] == "text/html; charset=utf-8"
    for text in ('<html lang="ru">', "200 ⚡", "10,00\N{NO-BREAK SPACE}$", "Электронная почта", payment.code[:8]):
        assert text in shown.text
    assert "@nanobanana_support" in shown.text
    assert front.emulator.contracts == {}


async def test_it_speaks_the_language_of_the_order(front: Front) -> None:
    payment = await front.order(language="en")
    shown = (await front.web.get(f"/pay/{payment.code}", headers={"Accept-Language": "ru"})).text
    assert '<html lang="en">' in shown
    assert "Pay by card" in shown
    assert "$5.00" in shown


async def test_the_form_makes_the_invoice_and_goes_on_to_lava(front: Front) -> None:
    payment = await front.order()
    answer = await front.press(payment, "  Fox@Example.ORG ")
    invoiced = await get(payment.code)
    assert (answer.status_code, answer.headers["Location"]) == (303, invoiced.payment_url)
    assert invoiced.external_id in front.emulator.contracts
    assert front.emulator.requests[0]["email"] == EMAIL
    assert invoiced.details["email"] == EMAIL


async def test_pressing_again_goes_to_the_same_invoice(front: Front) -> None:
    payment = await front.invoiced()
    shown = (await front.web.get(f"/pay/{payment.code}")).text
    assert f'href="{payment.payment_url}"' in shown
    form = {"token": token_for(front, payment.code), "email": "other@example.org"}
    for _ in range(2):
        answer = await front.web.post(f"/pay/{payment.code}", data=form)
        assert (answer.status_code, answer.headers["Location"]) == (303, payment.payment_url)
    assert len(front.emulator.contracts) == 1


async def token_of_another_page(front: Front) -> str:
    """A token that is good for another order."""
    return await front.token(await front.order())


async def test_twenty_presses_at_once_make_one_contract(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = await front.order()
    token = await front.token(payment)
    form = {"token": token, "email": EMAIL}
    answers = await asyncio.gather(*(front.web.post(f"/pay/{payment.code}", data=form) for _ in range(9)))
    assert len(front.emulator.contracts) == 1
    statuses = sorted(answer.status_code for answer in answers)
    assert 303 in statuses
    assert set(statuses) <= {200, 303}
    waiting = [answer for answer in answers if answer.status_code == 200]
    assert all(answer.headers["Refresh"] == f"2; url=/pay/{payment.code}" for answer in waiting)


async def test_the_address_is_remembered_masked_for_the_next_order(front: Front) -> None:
    await front.invoiced()
    payment = await front.order()
    shown = (await front.web.get(f"/pay/{payment.code}")).text
    assert "f•••@example.org" in shown
    assert EMAIL not in shown
    assert " required" not in shown
    assert (await front.press(payment, "")).status_code == 303
    assert front.emulator.requests[-1]["email"] == EMAIL


@pytest.mark.parametrize(
    "typed", ["", "   ", "fox", "fox@", "@example.org", "fox@example", "a b@example.org", "<b>@x.org"]
)
async def test_a_wrong_address_is_asked_for_again(front: Front, typed: str) -> None:
    payment = await front.order()
    answer = await front.press(payment, typed)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "<b>" not in answer.text
    assert front.emulator.contracts == {}


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"token": ""}, {}),
        ({"token": "0" * 40}, {}),
        ({"token": "я"}, {}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
        ({}, {"Origin": "https://evil.example.org"}),
    ],
)
async def test_a_form_from_elsewhere_does_nothing(
    front: Front, fields: dict[str, str], headers: dict[str, str]
) -> None:
    payment = await front.order()
    form = {"token": await front.token(payment), "email": EMAIL, **fields}
    answer = await front.web.post(f"/pay/{payment.code}", data=form, headers=headers)
    assert answer.status_code == 403
    assert front.emulator.contracts == {}


async def test_a_token_is_good_for_its_own_order_only(front: Front) -> None:
    payment = await front.order()
    form = {"token": await token_of_another_page(front), "email": EMAIL}
    assert (await front.web.post(f"/pay/{payment.code}", data=form)).status_code == 403


@pytest.mark.parametrize("code", ["0" * 32, "nonsense", "%00", "a" * 500, "..%2f..%2fapi", "я"])
async def test_an_unknown_order_is_not_found(front: Front, code: str) -> None:
    answer = await front.web.get(f"/pay/{code}", headers={"Accept-Language": "en-GB,en"})
    assert answer.status_code == 404


async def test_an_order_of_stars_has_no_page(front: Front) -> None:
    payment = await front.order()
    await db.execute("ALTER TABLE botapp_payment DISABLE TRIGGER USER")
    await db.execute("UPDATE botapp_payment SET gateway = 'stars'")
    answer = await front.web.get(f"/pay/{payment.code}")
    assert answer.status_code == 404
    assert "Такого заказа нет" in answer.text


@pytest.mark.parametrize(
    ("fault", "status", "words_shown"),
    [
        ("status=500", 503, "сейчас не отвечает"),
        ("status=429", 503, "сейчас не отвечает"),
        ("lose", 503, "сейчас не отвечает"),
        ("garbage", 503, "сейчас не отвечает"),
        ("status=401", 502, "Картой сейчас не получится"),
        ("status=404", 502, "Картой сейчас не получится"),
    ],
)
async def test_it_says_plainly_that_lava_is_away_and_the_next_press_works(
    front: Front, fault: str, status: int, words_shown: str
) -> None:
    payment = await front.order()
    await front.spoil(fault, "/api/v3/invoice")
    answer = await front.press(payment)
    assert answer.status_code == status
    assert words_shown in answer.text
    assert "lava-api-key" not in answer.text
    await free(front)
    assert (await front.press(payment)).status_code == 303
    assert len(front.emulator.contracts) == 1
    alerts = [about for task, about in await tasks() if task == "bot.alert"]
    assert alerts == (["invoice:lava"] if status == 502 else [])


async def test_right_after_a_fault_nobody_is_let_through_at_once(front: Front) -> None:
    payment = await front.order()
    await front.spoil("lose", "/api/v3/invoice")
    assert (await front.press(payment)).status_code == 503
    answer = await front.press(payment)
    assert answer.status_code == 200
    assert "Готовим страницу оплаты" in answer.text
    assert len(front.emulator.contracts) == 1


async def test_who_comes_back_sees_how_the_order_really_stands(front: Front) -> None:
    payment = await front.invoiced()
    waiting = await front.web.get(f"/pay/{payment.code}/success")
    assert "Ждём подтверждения" in waiting.text
    assert waiting.headers["Refresh"] == f"2; url=/pay/{payment.code}/success?look=1"
    assert (await get(payment.code)).status is PaymentStatus.PENDING

    await front.do(payment.external_id, "pay", webhook=False)
    await free(front)
    for came in ("failed", "cancelled", "success"):
        shown = await front.web.get(f"/pay/{payment.code}/{came}")
        assert "Оплачено" in shown.text
        assert "Refresh" not in shown.headers
    assert str(await ledger.balance_of(front.buyer.id)) == "120.00"


async def test_waiting_pages_ask_lava_seldom_and_end(front: Front) -> None:
    payment = await front.invoiced()
    front.emulator.calls.clear()
    for _ in range(5):
        await front.web.get(f"/pay/{payment.code}/success")
    assert len(front.emulator.calls) == 1
    for look in ("14", "99"):
        last = await front.web.get(f"/pay/{payment.code}/success?look={look}")
        assert "Refresh" not in last.headers
        assert "бот напишет вам" in last.text
    for look in ("-1", "x", "9999999999", "²"):
        assert (await front.web.get(f"/pay/{payment.code}/success?look={look}")).status_code == 200


async def test_lava_that_is_away_does_not_keep_who_comes_back_waiting(front: Front) -> None:
    payment = await front.invoiced()
    await front.spoil("status=500", "/api/v2/invoices")
    assert (await front.web.get(f"/pay/{payment.code}/success")).status_code == 200


@pytest.mark.parametrize(("came", "said"), [("failed", "Оплата не прошла"), ("cancelled", "не закончили оплату")])
async def test_who_did_not_pay_may_go_on(front: Front, came: str, said: str) -> None:
    payment = await front.invoiced()
    shown = (await front.web.get(f"/pay/{payment.code}/{came}")).text
    assert said in shown
    assert f'href="{payment.payment_url}"' in shown


async def test_there_are_no_other_ways_to_come_back(front: Front) -> None:
    payment = await front.invoiced()
    assert (await front.web.get(f"/pay/{payment.code}/paid")).status_code == 404
    assert (await front.web.get("/pay/" + "0" * 32 + "/success")).status_code == 404


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("paid", "уже на балансе"),
        ("failed", "этот заказ закрыт"),
        ("expired", "Заказ устарел"),
        ("quarantined", "Проверяем платёж"),
        ("refunding", "Деньги возвращаются"),
        ("refunded", "Деньги возвращены"),
        ("late", "Заказ устарел"),
    ],
)
async def test_an_order_that_is_over_says_so_and_takes_no_money(front: Front, status: str, said: str) -> None:
    payment = await front.invoiced()
    await bring(front, payment.code, status)
    shown = await front.web.get(f"/pay/{payment.code}")
    assert said in shown.text
    assert "Оплатить" not in shown.text
    assert payment.payment_url not in shown.text
    form = {"token": token_for(front, payment.code), "email": EMAIL}
    pressed = await front.web.post(f"/pay/{payment.code}", data=form)
    assert (pressed.status_code, said in pressed.text) == (200, True)
    assert len(front.emulator.contracts) == 1


async def bring(front: Front, code: str, status: str) -> None:
    """Have an order come to a status the way it does."""
    payment = await get(code)
    if status in {"expired", "late"}:
        await db.execute("UPDATE botapp_payment SET expires_at = now() - interval '1 minute'")
        if status == "expired":
            await crediting.expire()
        return
    how = {"amount": 4.0} if status == "quarantined" else {}
    await front.do(payment.external_id, "fail" if status == "failed" else "pay", **how)
    await front.settled()
    if status.startswith("refund"):
        async with db.transaction():
            await refunds.refund(code, actor="op", reason="test", is_done_outside=status == "refunded")


async def test_a_subscription_is_cancelled_on_its_page(front: Front) -> None:
    payment = await front.invoiced("monthly")
    shown = (await front.web.get(f"/pay/{payment.code}")).text
    assert "100 ⚡ каждый месяц" in shown
    assert "Отменить подписку" not in shown
    await front.do(payment.external_id, "pay")
    await front.settled()
    assert "Отменить подписку" in (await front.web.get(f"/pay/{payment.code}")).text

    await front.spoil("status=500", "/api/v1/subscriptions")
    form = {"token": await front.token(payment)}
    failed = await front.web.post(f"/pay/{payment.code}/cancel", data=form)
    assert failed.status_code == 503
    assert "Отменить не получилось" in failed.text
    assert (await front.web.post(f"/pay/{payment.code}/cancel", data={"token": "x"})).status_code == 403
    assert (await get(payment.code)).subscription_ends_at is None

    answer = await front.web.post(f"/pay/{payment.code}/cancel", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/pay/{payment.code}")
    assert (await get(payment.code)).subscription_ends_at is not None
    after = (await front.web.get(f"/pay/{payment.code}")).text
    assert "Подписка отменена" in after
    assert "<form" not in after


async def test_an_order_that_is_no_subscription_cannot_be_cancelled(front: Front) -> None:
    payment = await front.invoiced()
    token = token_for(front, payment.code)
    await front.web.post(f"/pay/{payment.code}/cancel", data={"token": token})
    assert ("DELETE", "/api/v1/subscriptions") not in front.emulator.calls


def token_for(front: Front, code: str) -> str:
    """The token of an order whose page shows no form any more."""
    return endpoints._token(front.settings, code)


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""]
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"token",
        b"token=%ff%00&email=%",
        b"--x\r\n\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--",
        b"{}",
    ],
)
async def test_what_is_no_form_is_out_of_date(front: Front, kind: str, body: bytes) -> None:
    payment = await front.order()
    answer = await front.web.post(f"/pay/{payment.code}", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 403


async def test_an_address_of_any_characters_is_shown_as_it_was_typed(front: Front) -> None:
    payment = await front.order()
    typed = "\"><script>alert('я')</script>\0" + "x" * 5000
    answer = await front.press(payment, typed)
    assert answer.status_code == 422
    assert "<script" not in answer.text
    assert "&quot;&gt;&lt;script&gt;" in answer.text
    assert len(answer.text) < 20_000


async def test_a_loop_is_stopped(front: Front) -> None:
    payment = await front.order()
    answers = [await front.press(payment, "wrong") for _ in range(12)]
    assert answers[0].status_code == 422
    assert answers[-1].status_code == 429
    assert front.emulator.contracts == {}


async def test_while_the_database_is_away_people_read_words_and_no_code(front: Front) -> None:
    payment = await front.order()
    kept, db.DB.pool = db.DB.pool, await closed_pool(front.settings)
    try:
        shown = await front.web.get(f"/pay/{payment.code}", headers={"Accept-Language": "en"})
    finally:
        db.DB.pool = kept
    assert shown.status_code == 503
    assert "Your order and your money are safe" in shown.text
    assert (await front.web.get(f"/pay/{payment.code}")).status_code == 200


async def test_without_redis_people_can_still_pay(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise redis.UNAVAILABLE[1]("Redis is away")

    monkeypatch.setattr(redis, "client", away)
    payment = await front.order()
    assert (await front.press(payment)).status_code == 303


async def test_the_browser_may_do_nothing_but_show_it_and_send_its_form(front: Front) -> None:
    payment = await front.order()
    shown = await front.web.get(f"/pay/{payment.code}")
    policy = shown.headers["Content-Security-Policy"]
    style = re.search(r"<style>(.*?)</style>", shown.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self' https: http:; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.headers["X-Frame-Options"] == "DENY"
    assert "<script" not in shown.text
    assert not re.search(r"\b(?:src|on\w+)=", shown.text)


async def test_over_https_the_form_leads_to_https_only(settings: Settings) -> None:
    async with opened(settings, public_base_url="https://bot.example.org") as front:
        payment = await front.order()
        policy = (await front.web.get(f"/pay/{payment.code}")).headers["Content-Security-Policy"]
        assert "form-action 'self' https:;" in policy


async def test_the_page_leads_back_to_the_bot(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.http import bot_name

    async def name(_: object) -> str:
        return "nanobanana_bot"

    monkeypatch.setattr(bot_name, "of", name)
    payment = await front.order()
    for path in (f"/pay/{payment.code}", "/pay/" + "0" * 32):
        assert 'href="https://t.me/nanobanana_bot"' in (await front.web.get(path)).text


def keys(language: Language) -> dict[str, set[str]]:
    """Every text of a language with what it needs."""
    source = files("core.http.pay").joinpath(f"{language}.ftl").read_text(encoding="utf-8")
    texts = dict(re.findall(r"^([a-z-]+) = (.*)$", source, re.MULTILINE))
    return {key: set(re.findall(r"\{ \$(\w+) \}", text)) for key, text in texts.items()}


def test_both_languages_have_the_same_texts() -> None:
    assert keys("ru") == keys("en")
    assert len(keys("ru")) > 40


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_text_can_be_said(language: Language) -> None:
    for key, needed in keys(language).items():
        assert words.say(language, key, **dict.fromkeys(needed, "value"))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("fox@example.org", "fox@example.org"),
        (" Fox+Bananas@Mail.Example.CO.uk ", "fox+bananas@mail.example.co.uk"),
        ("o'hara@xn--80ak6aa92e.xn--p1ai", "o'hara@xn--80ak6aa92e.xn--p1ai"),
    ],
)
def test_an_address_is_kept_clean(typed: str, kept: str) -> None:
    assert emails.clean(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "a@b",
        "a@.org",
        "a@b..org",
        "a..b@c.org",
        "a@b.org\n@c",
        "a@-b.org",
        "a" * 65 + "@b.org",
        "a@" + "b" * 300,
        "ы@я.рф",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(NotAnEmail):
        emails.clean(typed)


def test_an_address_is_shown_masked() -> None:
    assert emails.masked("fox@example.org") == "f•••@example.org"


async def test_nobody_is_asked_for_an_address_that_a_gateway_does_not_need(front: Front, tmp_path: Any) -> None:
    from core.payments import gateways, orders
    from core.payments.orders import Purchase
    from tests.core.payments.conftest import key
    from tests.core.payments.gateways.harnesses import corner

    async with corner(tmp_path) as shop:
        gateways.use(shop.gateway)
        payment = await orders.place(Purchase(front.buyer, "tokens-100", "corner", key()))
        shown = (await front.web.get(f"/pay/{payment.code}")).text
        assert "Corner shop" in shown
        assert 'type="email"' not in shown
        answer: httpx.Response = await front.press(payment)
        assert (answer.status_code, answer.headers["Location"]) == (303, shop.shop.bills[payment.code]["url"])
