"""Buying with play Stars in the running product: paid, spent, refunded; whatever Telegram repeats, delays or loses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.end_to_end.people import Message, Person, Sandbox, buttons_of, data_of, text_of
from tests.end_to_end.waiting import until
from tests.fixtures.product import run_nb


async def invoice(person: Person) -> Message:
    """Order the smallest package and return the message that is paid."""
    await person.say("/topup")
    packages = await person.answer(lambda one: "reply_markup" in one)
    await person.forge(packages["message_id"], data_of(packages, "b:tokens-100"))
    return await person.answer(lambda one: "invoice" in one)


async def pay(person: Person, message: Message) -> dict[str, Any]:
    """Pay an invoice and return what Telegram says."""
    answer: dict[str, Any] = await person.sandbox.post(
        f"chats/{person.id}/pay", json={"message_id": message["message_id"]}
    )
    return answer


async def bought(person: Person) -> dict[str, Any]:
    """Buy 100 tokens, with the bonus of a first deposit on top where it is one."""
    answer = await pay(person, await invoice(person))
    assert answer["ok"], answer
    await person.says("added 100 ⚡")
    return answer


def listed(sandbox: Sandbox, person: Person, *options: str) -> list[dict[str, Any]]:
    """What `nb payments list` shows of a person."""
    document = sandbox.product.nb("payments", "list", "--user", str(person.id), *options)
    items: list[dict[str, Any]] = document["data"]["items"]
    return items


async def refunded(sandbox: Sandbox, code: str, *, limit: float = 20.0) -> dict[str, Any]:
    """Wait until the money of a payment is back."""

    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = sandbox.product.nb("payments", "show", code)["data"]
        return found if found["status"] == "refunded" else None

    return await until(look, f"payment {code} is refunded", limit=limit)


async def settled(person: Person, sandbox: Sandbox) -> None:
    """Wait until Telegram has nothing more to deliver and the worker has handled everything."""

    async def look() -> bool:
        waiting = (await sandbox.get("delivery"))["pending_update_count"]
        inbox = sandbox.product.nb("status")["data"]["service"]["inbox"]["pending"]
        return bool(waiting == 0 and inbox == 0)

    await until(look, f"everything that person {person.id} did is handled")


async def test_a_person_buys_spends_and_is_refunded_and_every_step_is_visible(sandbox: Sandbox) -> None:
    mia = await sandbox.somebody()
    await bought(mia)
    assert await mia.balance() == Decimal("170.00")
    await mia.say("a red fox in the snow")
    await mia.result()
    [payment] = listed(sandbox, mia)
    assert (payment["status"], payment["tokens"], payment["amount"]) == ("paid", "100.00", "385.00")
    # 50.00 of the welcome gift are left beside what the payment gave: a picture took 0.80 of them.
    made = sandbox.product.nb("payments", "refund", payment["code"][:8], "--reason", "asked for it")["data"]
    assert (made["taken"], made["written_off"]) == ("120.00", "0.00")
    await refunded(sandbox, payment["code"])
    await mia.says("returned 385 ⭐")
    assert await mia.balance() == Decimal("49.20")
    statement = sandbox.product.nb("ledger", "statement", str(mia.id))["data"]
    assert [(line["kind"], line["amount"]) for line in statement["items"]] == [
        ("reversal", "-20.00"),
        ("reversal", "-100.00"),
        ("generation", "-0.80"),
        ("bonus", "20.00"),
        ("deposit", "100.00"),
        ("bonus", "50.00"),
    ]
    await mia.say("/balance")
    history = text_of(await mia.says("Your balance is 49.20 ⚡"))
    for line in ("−100 ⚡", "−20 ⚡", "−0.80 ⚡", "+100 ⚡", "+20 ⚡"):
        assert line in history
    await mia.say("/history")
    assert "+50 ⚡" in text_of(await mia.says("+100 ⚡"))
    assert sandbox.product.nb("ledger", "verify")["data"]["ok"]
    again = sandbox.product.nb("payments", "refund", payment["code"], "--reason", "asked again")["data"]
    assert again["status"] == "refunded" and await mia.balance() == Decimal("49.20")


async def test_spent_tokens_hold_a_refund_up_until_they_are_written_off(sandbox: Sandbox) -> None:
    mia = await sandbox.somebody()
    await bought(mia)
    sandbox.product.nb("users", "debit", str(mia.id), "160", "--reason", "stands for what was spent")
    [payment] = listed(sandbox, mia)
    held = run_nb(sandbox.product.home, "payments", "refund", payment["code"], "--reason", "chargeback", "--json")
    assert held.returncode == 5
    refusal = sandbox.product.nb("payments", "refund", payment["code"], "--reason", "chargeback", check=False)["error"]
    assert refusal["code"] == "tokens_spent" and "110.00 are spent" in refusal["message"]
    assert refusal["rule"] == "refund_takes_all_tokens_back" and "--write-off" in refusal["fix"]
    made = sandbox.product.nb("payments", "refund", payment["code"], "--reason", "chargeback", "--write-off")["data"]
    assert made["written_off"] == "110.00"
    await refunded(sandbox, payment["code"])
    assert await mia.balance() == Decimal("0.00")


async def test_a_payment_that_arrives_three_times_and_with_a_forged_copy_is_credited_once(sandbox: Sandbox) -> None:
    mia = await sandbox.somebody()
    waiting = await invoice(mia)
    await sandbox.post("faults", json={"update": "successful_payment", "copies": 3})
    await pay(mia, waiting)
    await mia.says("added 100 ⚡")
    another = await invoice(mia)
    await sandbox.post("faults", json={"update": "successful_payment", "copies": 20, "with_new_ids": True})
    await pay(mia, another)
    await mia.says("added 100 ⚡")
    await settled(mia, sandbox)
    assert await mia.balance() == Decimal("270.00")
    assert [item["status"] for item in listed(sandbox, mia)] == ["paid", "paid"]


async def test_a_cheaper_payment_than_ordered_is_held_for_an_operator(sandbox: Sandbox) -> None:
    mia = await sandbox.somebody()
    waiting = await invoice(mia)
    await sandbox.post("faults", json={"update": "successful_payment", "changes": {"total_amount": 1}})
    await pay(mia, waiting)
    await mia.says("The money is not lost")
    assert await mia.balance() == Decimal("50.00")
    held, order = listed(sandbox, mia)
    assert (held["status"], held["amount"], order["status"]) == ("quarantined", "1.00", "pending")
    done = sandbox.product.nb("payments", "dismiss", held["code"], "--reason", "a forged copy")["data"]
    assert done["status"] == "dismissed"
    assert listed(sandbox, mia, "--status", "quarantined") == []


async def test_a_lost_payment_is_found_by_the_reconciliation(sandbox: Sandbox) -> None:
    mia = await sandbox.somebody()
    waiting = await invoice(mia)
    await sandbox.post("faults", json={"update": "successful_payment", "is_lost": True})
    assert (await pay(mia, waiting))["ok"]
    rehearsal = sandbox.product.nb("payments", "reconcile", "--since", "1d", "--dry-run", check=False)["data"]
    assert [one["kind"] for one in rehearsal["gateways"][0]["findings"]].count("credited") == 1
    assert await mia.balance() == Decimal("50.00")
    sandbox.product.nb("payments", "reconcile", "--since", "1d", check=False)
    await mia.says("added 100 ⚡")
    assert await mia.balance() == Decimal("170.00")


async def test_a_refund_while_telegram_is_away_is_done_later(sandbox: Sandbox) -> None:
    mia = await sandbox.somebody()
    await bought(mia)
    [payment] = listed(sandbox, mia)
    await sandbox.fail("refundStarPayment", 502)
    made = sandbox.product.nb("payments", "refund", payment["code"], "--reason", "asked for it")["data"]
    assert made["status"] == "refunding" and await mia.balance() == Decimal("50.00")

    async def postponed() -> bool:
        found = sandbox.product.nb("payments", "show", payment["code"])["data"]
        return bool(found["attempts"] >= 2 and "502" in found["problem"])

    await until(postponed, "the first try failed")
    await sandbox.records.fetch(
        "UPDATE botapp_payment SET next_check_at = now() WHERE code = $1 RETURNING id", payment["code"]
    )
    await refunded(sandbox, payment["code"], limit=60)
    await mia.says("returned 385 ⭐")


async def test_a_refund_that_telegram_made_and_did_not_confirm_is_not_made_twice(sandbox: Sandbox) -> None:
    mia = await sandbox.somebody()
    await bought(mia)
    [payment] = listed(sandbox, mia)
    await sandbox.fail("refundStarPayment", 502, takes_effect=True)
    sandbox.product.nb("payments", "refund", payment["code"], "--reason", "asked for it")
    await refunded(sandbox, payment["code"])
    assert await mia.balance() == Decimal("50.00")


async def test_a_test_payment_of_an_operator_is_paid_over_its_link(sandbox: Sandbox) -> None:
    mia = await sandbox.somebody()
    made = sandbox.product.nb("payments", "test", "--user", str(mia.id))["data"]
    link = made["payment_url"]
    masha = await sandbox.somebody("ru")
    foreign = await sandbox.post(f"chats/{masha.id}/pay", json={"invoice_link": link})
    assert not foreign["ok"] and "другому человеку" in foreign["error_message"]
    assert (await sandbox.post(f"chats/{mia.id}/pay", json={"invoice_link": link}))["ok"]
    await mia.says("added 100 ⚡")
    twice = await sandbox.post(f"chats/{mia.id}/pay", json={"invoice_link": link})
    assert not twice["ok"] and "paid already" in twice["error_message"]


async def test_the_person_asks_for_a_refund_and_the_operator_finds_it(sandbox: Sandbox) -> None:
    masha = await sandbox.somebody("ru")
    answer = await pay(masha, await invoice(masha))
    assert answer["ok"]
    await masha.says("начислил")
    await masha.say("/paysupport")
    shown = await masha.says("Последние оплаты")
    assert any("Вернуть 385 ⭐" in label for label in buttons_of(shown))
    await masha.press(shown, "q")
    await masha.says("Запрос на возврат 385 ⭐ принят")
    [asked] = listed(sandbox, masha, "--refund-requested")
    assert asked["refund_requested_at"]
    toast = await masha.press(shown, "q")
    assert toast is not None and "уже у нас" in str(toast["text"])


async def test_a_question_that_arrives_twice_is_answered_once_for_the_payer(sandbox: Sandbox) -> None:
    mia = await sandbox.somebody()
    waiting = await invoice(mia)
    await sandbox.post("faults", json={"update": "pre_checkout_query", "copies": 2})
    assert (await pay(mia, waiting))["ok"]
    await mia.says("added 100 ⚡")
    assert await mia.balance() == Decimal("170.00")
