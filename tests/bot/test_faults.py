"""What breaks a conversation is kept for operators: the handler, the kind of update, the code its person was told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram.exceptions import TelegramNetworkError, TelegramRetryAfter
from aiogram.methods import SendMessage

from bot import faults
from core import db, errors, generations
from core.settings import Settings
from tests.bot.people import Person, World
from tests.core.errors.conftest import kept

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def recording(world: World, settings: Settings) -> AsyncIterator[None]:
    """Faults are written while the test runs."""
    async with errors.recording(settings):
        yield


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be ordered."""

    async def submit(order: Any) -> None:
        raise ZeroDivisionError("a defect of ours")

    monkeypatch.setattr(generations, "submit", submit)


async def test_a_handler_that_broke_is_found_by_the_code_its_person_was_told(mia: Person, broken: None) -> None:
    event = await mia.world.store(
        {"update_id": 710_001, "message": mia.message(text="words that nobody else may read")}, mia.id
    )
    await mia.world.handle(event)
    [row] = await kept()
    assert row["trace_id"][:8] in mia.telegram.last["text"]
    assert (row["origin"], row["severity"], row["chat_id"]) == ("telegram_handler", "critical", mia.id)
    assert row["handler"].startswith("bot.routers.")
    assert json.loads(row["extra"])["holds"] == "text"
    assert row["user_id"] is not None
    assert "nobody else may read" not in str(dict(row))


async def test_different_handlers_are_different_kinds(mia: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a defect of ours")

    monkeypatch.setattr(generations, "submit", away)
    monkeypatch.setattr(generations, "newest", away, raising=False)
    monkeypatch.setattr("core.ledger.balance_of", away)
    await mia.send("/balance")
    await mia.send("a red fox")
    rows = await kept()
    assert len({row["fingerprint"] for row in rows}) == len({row["handler"] for row in rows}) == 2


async def test_what_a_repetition_cures_is_no_fault(mia: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    mia.telegram.fail("sendMessage", lambda method: TelegramNetworkError(method, "gone"))
    event = await mia.world.store({"update_id": 710_002, "message": mia.message(text="/balance")}, mia.id)
    with pytest.raises(TelegramNetworkError):
        await mia.world.runtime.handle(event)
    assert await db.fetch_value("SELECT count(*) FROM botapp_boterrorevent") == len(await kept()) == 0


def test_failures_of_telegram_pass_by_themselves() -> None:
    method = SendMessage(chat_id=1, text="x")
    assert errors.is_passing(TelegramNetworkError(method, "gone"))
    assert errors.is_passing(TelegramRetryAfter(method, "slow down", 3))
    assert not errors.is_passing(ZeroDivisionError())


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"message": {"text": "/start ref_abc secret"}}, ("message", "command /start")),
        ({"message": {"text": "words of a person"}}, ("message", "text")),
        ({"message": {"text": "/ words"}}, ("message", "text")),
        ({"message": {"photo": [], "caption": "words"}}, ("message", "photo")),
        ({"message": {"hologram": 1}}, ("message", "")),
        ({"callback_query": {"data": "buy:tokens-100:4711"}}, ("callback_query", "button buy")),
        ({"callback_query": {"data": "words of a person"}}, ("callback_query", "button")),
        ({"callback_query": {}}, ("callback_query", "button")),
        ({"pre_checkout_query": {"invoice_payload": "x"}}, ("pre_checkout_query", "")),
        ({"message": 7}, ("message", "")),
        ({}, ("nothing", "")),
    ],
)
def test_of_an_update_only_its_kind_is_told(payload: dict[str, Any], kind: tuple[str, str]) -> None:
    assert faults._kind_of({"update_id": 1, **payload}) == kind
