"""Where one's tokens went: the pages, what each posting was for, the days, in both languages, whatever is pressed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.profile import COMMANDS
from core import db, ledger
from core.bonuses import zones
from core.ledger import PostingKind
from core.types import IdempotencyKey, UserId
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration


async def adjust(person: Person, amount: str, times: int = 1) -> None:
    """Have an operator give or take tokens."""
    user = (await person.account()).id
    for _ in range(times):
        number = await db.fetch_value("SELECT count(*) FROM botapp_transaction")
        key = IdempotencyKey(f"test:{number}")
        await ledger.post(user, Decimal(amount), PostingKind.ADMIN, key=key, actor="token:ops", reason="secret notes")


async def give(person: Person, kind: PostingKind, reason: str, *, related: int | None = None) -> int:
    """Give ten tokens of a kind."""
    user = (await person.account()).id
    key = IdempotencyKey(f"test:{kind}:{reason}")
    posting = await ledger.give_once(user, Decimal(10), kind, key=key, reason=reason, related=related)
    assert posting is not None
    return posting.id


async def move(person: Person, moment: datetime) -> None:
    """Date all postings of a person at a moment."""
    async with db.transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute(
            "UPDATE botapp_transaction SET created_at = $1 WHERE user_id = $2", moment, (await person.account()).id
        )


def rows(text: str) -> list[str]:
    """The lines of a page."""
    return text.split("\n\n")[1].splitlines()


async def test_the_first_look_shows_the_gift_and_the_balance(mia: Person) -> None:
    [page] = await mia.send("/history")
    today = datetime.now(UTC).strftime("%d %b")
    assert page["text"] == f"History, your balance is 50 ⚡\n\n{today}  +50 ⚡  welcome gift → 50"
    assert list(buttons(page)) == ["⚡ Top up"]


async def test_somebody_without_postings_is_told_what_will_be_here(somebody: Callable[..., Person]) -> None:
    person = somebody()
    await person.send("/language")
    [page] = await person.send("/history")
    assert page["text"] == "Your history will appear here once you create something."
    assert "🎁" in "".join(buttons(page))


async def test_a_charge_and_its_refund_name_the_model(masha: Person, world: World, provider: ScriptedProvider) -> None:
    await masha.send("рыжая лиса в снегу")
    [job] = await masha.jobs()
    await ledger.refund(job.transaction_id, key=IdempotencyKey("test:refund"))
    [page] = await masha.send("/history")
    assert [row.partition("  ")[2] for row in rows(page["text"])] == [
        "+0,80 ⚡  возврат: 🍌 Nano Banana → 50",
        "−0,80 ⚡  🍌 Nano Banana → 49,20",
        "+50 ⚡  подарок на старт → 50",
    ]


async def test_every_kind_of_posting_says_what_it_was_for(mia: Person) -> None:
    user = (await mia.account()).id
    first = await give(mia, PostingKind.BONUS, "first_deposit")
    await give(mia, PostingKind.BONUS, "daily")
    await give(mia, PostingKind.BONUS, "invited")
    await give(mia, PostingKind.BONUS, "because")
    await give(mia, PostingKind.REFERRAL, "friend_paid")
    await adjust(mia, "-3.50")
    deposit = await ledger.post(user, Decimal(100), PostingKind.DEPOSIT, key=IdempotencyKey("test:deposit"))
    await ledger.reverse(deposit, key=IdempotencyKey("test:reversal"))
    await ledger.reverse(await ledger.get(first), key=IdempotencyKey("test:reversal of a gift"))
    [page] = await mia.send("/history")
    assert [row.partition("⚡  ")[2] for row in rows(page["text"])] == [
        "payment refunded: gift taken back → 86.50",
        "payment refunded: tokens taken back → 96.50",
        "top-up → 196.50",
        "correction by support → 96.50",
        "for a friend you invited → 100",
        "gift → 90",
        "gift for coming by invitation → 80",
        "daily gift → 70",
        "first top-up gift → 60",
        "welcome gift → 50",
    ]
    assert "secret notes" not in page["text"]


async def test_a_purchase_names_its_package_and_a_code_its_name(mia: Person) -> None:
    user = (await mia.account()).id
    await plant_purchase(user)
    [page] = await mia.send("/history")
    assert [row.partition("⚡  ")[2] for row in rows(page["text"])][:2] == [
        "promo code SUMMER → 155",
        "top-up, package 100 <b>⚡</b> → 150",
    ]


async def plant_purchase(user: UserId) -> None:
    """A package that was bought and a promo code that was used, as their services write them."""
    deposit = await ledger.post(user, Decimal(100), PostingKind.DEPOSIT, key=IdempotencyKey("test:deposit"))
    bonus = await ledger.post(
        user, Decimal(5), PostingKind.BONUS, key=IdempotencyKey("test:promo"), reason="promo:SUMMER"
    )
    await db.execute(
        "INSERT INTO token_packages (code, title, credits, price_usd) VALUES ('odd', '100 <b>⚡</b>', 100, 5)"
    )
    await db.execute(
        """INSERT INTO botapp_payment (code, idempotency_key, user_id, gateway, external_id, package_code, tokens,
            amount, currency, status, transaction_id, paid_at)
        VALUES ('c', 'k', $1, 'stars', 'x', 'odd', 100, 385, 'XTR', 'paid', $2, now())""",
        user,
        deposit.id,
    )
    promo = await db.fetch_value("INSERT INTO botapp_promocode (code, value) VALUES ('SUMMER', 5) RETURNING id")
    await db.execute(
        "INSERT INTO botapp_promoredemption (promo_id, user_id, transaction_id) VALUES ($1, $2, $3)",
        promo,
        user,
        bonus.id,
    )


async def test_pages_are_leafed_through_in_one_message(mia: Person, telegram: FakeTelegram) -> None:
    await adjust(mia, "1", times=24)
    [page] = await mia.send("/history")
    assert page["text"].endswith("1 of 3") and list(buttons(page)) == ["Older →", "⚡ Top up"]
    seen = rows(page["text"])
    for number, labels in ((2, ["← Newer", "Older →", "⚡ Top up"]), (3, ["← Newer", "⚡ Top up"])):
        assert await mia.press("Older", telegram.last) == []
        assert telegram.last["message_id"] == page["message_id"]
        assert telegram.last["text"].endswith(f"{number} of 3") and list(buttons(telegram.last)) == labels
        seen += rows(telegram.last["text"])
    assert [row.rpartition("→ ")[2] for row in seen] == [str(balance) for balance in range(74, 49, -1)]
    await mia.press("Newer", telegram.last)
    assert telegram.last["text"].endswith("2 of 3")


async def test_what_is_posted_meanwhile_shifts_no_page(mia: Person, telegram: FakeTelegram) -> None:
    await adjust(mia, "1", times=14)
    await mia.send("/history")
    await adjust(mia, "1", times=5)
    await mia.press("Older", telegram.last)
    assert telegram.last["text"].startswith("History, your balance is 69 ⚡")
    assert [row.rpartition("→ ")[2] for row in rows(telegram.last["text"])] == ["54", "53", "52", "51", "50"]


async def test_the_same_page_pressed_twice_stays_as_it_is(mia: Person, telegram: FakeTelegram) -> None:
    await adjust(mia, "1", times=14)
    [page] = await mia.send("/history")
    data = buttons(page)["Older →"]
    await mia.tap(data, page)
    assert await mia.tap(data, telegram.last) == []


@pytest.mark.parametrize(
    "data",
    [
        "h:-1:5",
        "h:x:5",
        "h:1:",
        "h::",
        "h:1:-5",
        "h:1.5:5",
        "h:\u0663:5",
        "h:1:9999999999999999999",
        "h:" + "9" * 30 + ":1",
    ],
)
async def test_forged_pages_are_no_pages(mia: Person, telegram: FakeTelegram, data: str) -> None:
    [page] = await mia.send("/history")
    before = page["text"]
    assert await mia.tap(data, page) == []
    assert telegram.posted[page["message_id"]]["text"] == before
    assert mia.toasts[-1]


async def test_a_page_beyond_the_end_is_the_last_one(mia: Person, telegram: FakeTelegram) -> None:
    await adjust(mia, "1", times=14)
    [page] = await mia.send("/history")
    await mia.tap(f"h:{10**17}:{10**17}", page)
    assert telegram.last["text"].endswith("2 of 2")


async def test_a_forged_page_shows_nobody_elses_postings(
    mia: Person, somebody: Callable[..., Person], telegram: FakeTelegram
) -> None:
    await adjust(mia, "1", times=14)
    stranger = somebody(name="Eve")
    await stranger.send("/start")
    [page] = await stranger.send("/history")
    await stranger.tap("h:0:999999", page)
    assert rows(telegram.last["text"]) == rows(page["text"])
    await stranger.tap("h:0:0", page)
    assert telegram.last["text"] == "Your history will appear here once you create something."


async def test_a_day_is_that_of_where_the_person_lives(mia: Person) -> None:
    year = datetime.now(UTC).year
    await move(mia, datetime(year, 1, 5, 22, 30, tzinfo=UTC))
    assert "05 Jan " in (await mia.send("/history"))[0]["text"]
    await zones.choose((await mia.account()).id, "Asia/Vladivostok")
    assert "06 Jan " in (await mia.send("/history"))[0]["text"]


async def test_another_year_is_named(masha: Person) -> None:
    await move(masha, datetime(2024, 12, 31, 22, 30, tzinfo=UTC))
    assert rows((await masha.send("/history"))[0]["text"])[0].startswith("01.01.25  +50 ⚡")


async def test_the_balance_shows_the_latest_and_leads_to_all(mia: Person, telegram: FakeTelegram) -> None:
    await adjust(mia, "1", times=14)
    [answer] = await mia.send("/balance")
    latest = answer["text"].split("\n\n")[-1].splitlines()
    assert latest[0] == "Latest" and len(latest) == 6
    assert list(buttons(answer)) == ["⚡ Top up", "🧾 History", "🎁 Daily gift", "🏷 Promo code", "🤝 Invite a friend"]
    [page] = await mia.press("History", answer)
    assert page["text"].endswith("1 of 2")
    assert telegram.posted[answer["message_id"]]["text"] == answer["text"]


async def test_history_is_among_the_commands_and_in_the_help(mia: Person) -> None:
    assert "history" in COMMANDS
    assert "/history" in (await mia.send("/help"))[0]["text"]
