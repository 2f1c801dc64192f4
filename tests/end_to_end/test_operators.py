"""A night of an operator with `nb` alone: a price, an error that a person complains of, a refund, the audit of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from tests.end_to_end.people import WELCOME, Person, Sandbox, text_of
from tests.end_to_end.waiting import until
from tests.fixtures.product import Product

MODEL = "nano-banana"
OLD, NEW = Decimal("0.80"), Decimal("1.00")
WHY = ("--reason", "the provider's new list")


@pytest.fixture
async def put_back(product: Product, sandbox: Sandbox) -> AsyncIterator[None]:
    """Undo the price, since others share the product, and wait until web knows it."""
    yield
    for revision in product.nb("pricing", "history", MODEL)["data"]["items"]:
        if revision["after"].get("base_cost_usd") == "0.025":
            product.nb("pricing", "revert", str(revision["id"]), "--reason", "end of the test", check=False)

    async def is_as_before() -> bool:
        return _price(product) == OLD

    await until(is_as_before, "web knows the old price again", limit=10)


def _price(product: Product) -> Decimal:
    return Decimal(product.nb("pricing", "quote", MODEL)["data"]["tokens"])


def _newest_job(product: Product, person: Person) -> dict[str, Any]:
    [newest, *_] = product.nb("gen", "list", "--user", str(person.id))["data"]["items"]
    shown: dict[str, Any] = product.nb("gen", "show", newest["id"])["data"]
    return shown


async def test_an_old_job_keeps_its_quote_and_a_new_one_pays_the_new_price(
    product: Product, sandbox: Sandbox, put_back: None
) -> None:
    person = await sandbox.somebody()
    await person.say("[slow 4] a red fox")

    async def is_ordered() -> bool:
        return bool(product.nb("gen", "list", "--user", str(person.id))["data"]["items"])

    await until(is_ordered, "the old job is ordered")
    edited = product.nb("pricing", "set", MODEL, "--base-cost", "0.025", *WHY)
    assert edited["data"]["changed"] is True

    async def costs_more() -> bool:
        return _price(product) == NEW

    await until(costs_more, "web knows the new price", limit=5)
    await person.result()
    old = _newest_job(product, person)
    assert Decimal(old["quote"]["tokens"]) == Decimal(old["tokens"]) == OLD

    other = await sandbox.somebody()

    async def pays_more() -> bool:
        await other.say("a blue fox")
        await other.result()
        return Decimal(_newest_job(product, other)["tokens"]) == NEW

    await until(pays_more, "the worker asks the new price", limit=10)
    shown = product.nb("users", "show", str(person.id))["data"]
    assert Decimal(shown["balance"]["tokens"]) == WELCOME - OLD
    [newest, *_] = product.nb("audit", "list", "--action", "pricing.set")["data"]["items"]
    assert newest["reason"] == "the provider's new list"


async def test_an_error_is_found_by_the_code_its_person_was_told_and_closed(product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await sandbox.fail("sendMessage", 400)
    await person.say("/balance")
    told = re.search(r"\b[0-9a-f]{8}\b", text_of(await person.says("Something broke on our side")))
    assert told is not None

    async def is_kept() -> dict[str, Any] | None:
        items = product.nb("errors", "list", "--trace", told.group())["data"]["items"]
        return items[0] if items else None

    found = await until(is_kept, "the error is kept")
    shown = product.nb("errors", "show", found["id"])
    error = shown["data"]
    assert (error["severity"], error["handler"], error["user"]) == (
        "critical",
        "bot.routers.balance:show",
        str(person.id),
    )
    assert 'File "bot/routers/balance.py"' in error["stacktrace"]
    steps = [step["cmd"] for step in shown["next"]]
    assert steps[0] == f"nb logs --trace {error['trace_id']} --env local"
    lines = product.nb("logs", "--trace", error["trace_id"])["data"]["lines"]
    assert {"inbox.stored", "update_failed"} <= {line["event"] for line in lines}

    product.nb("errors", "resolve", error["fingerprint"], "--reason", "the sandbox was told to")
    assert product.nb("errors", "list", "--trace", told.group(), "--status", "open")["data"]["items"] == []
    [group] = [
        group
        for group in product.nb("errors", "group")["data"]["items"]
        if group["fingerprint"] == error["fingerprint"]
    ]
    assert group["open"] == 0


async def test_tokens_are_given_back_once_and_the_audit_tells_it(product: Product, sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("[never] a green fox")

    async def is_at_work() -> dict[str, Any] | None:
        items = product.nb("gen", "list", "--user", str(person.id), "--status", "processing")["data"]["items"]
        return items[0] if items and items[0]["stage"] == "submitted" else None

    job = await until(is_at_work, "the provider has it")
    product.nb("users", "note", str(person.id), "waits for a fox that does not come")
    product.nb("gen", "refund", job["id"], "--reason", "it hangs, ticket 4711")
    again = product.nb("gen", "refund", job["id"], "--reason", "once more", check=False)
    assert (again["exit_code"], bool(again["error"]["rule"])) == (5, True)
    shown = product.nb("users", "show", str(person.id))["data"]
    assert Decimal(shown["balance"]["tokens"]) == WELCOME
    assert [note["text"] for note in shown["notes"]] == ["waits for a fox that does not come"]
    story = product.nb("audit", "list", "--subject", job["id"])["data"]["items"]
    assert [(event["action"], event["reason"]) for event in story] == [("generations.refund", "it hangs, ticket 4711")]


async def test_the_schedule_is_seen_and_run_by_hand(product: Product) -> None:
    listed = product.nb("schedule", "list")
    entries = {entry["id"]: entry for entry in listed["data"]["items"]}
    assert not [entry for entry in entries.values() if entry["overdue"] or entry["orphaned"]]
    before = entries["errors.forget"]["last_run_at"]
    product.nb("schedule", "run", "errors.forget", "--reason", "by hand")

    async def has_run() -> bool:
        lines = product.nb("logs", "worker", "--grep", "errors.forgotten")["data"]["lines"]
        return len(lines) > (1 if before else 0)

    await until(has_run, "a worker has done it")
