"""Making promo codes: what is refused because it would cost without limit, and what a code says of itself."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.bonuses import codes, promo
from core.bonuses.codes import CodeExists, CodeNotFound, CodeRefused, PromoCode
from core.settings import Settings
from core.types import in_tokens
from core.users import User
from tests.core.bonuses.conftest import NOW, code, deposit, percent
from tests.core.payments.conftest import newcomer
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

AMOUNTS = st.decimals("0.01", "99999.99", places=2)


async def test_no_code_ships_with_the_product(database: Settings) -> None:
    assert await codes.newest(limit=10) == []


async def test_a_code_is_made_once_in_any_case(database: Settings) -> None:
    await code("Fox")
    with pytest.raises(CodeExists, match="FOX"):
        await code(" fox ", "3")
    assert (await codes.get("fox")).value == 10


@pytest.mark.parametrize(
    ("value", "limits"),
    [("20.01", {}), ("1000", {}), ("1000", {"max_uses_per_user": 1}), ("21", {"min_deposit": "100"})],
)
async def test_a_valuable_code_for_everybody_is_refused(database: Settings, value: str, limits: dict[str, str]) -> None:
    with pytest.raises(CodeRefused, match="max_uses or a budget") as refused:
        await code("RICH", value, **limits)
    assert refused.value.rule == "promo_needs_limit"
    with pytest.raises(CodeNotFound):
        await codes.get("RICH")


@pytest.mark.parametrize("limits", [{"max_uses": 100}, {"budget": "5000"}])
async def test_a_limit_makes_a_valuable_code_possible(database: Settings, limits: dict[str, str]) -> None:
    assert (await code("RICH", "1000", **limits)).value == 1000


async def test_what_is_worth_little_needs_no_limit(database: Settings) -> None:
    assert (await code("SMALL", "20")).max_uses is None
    assert (await percent("PART", "5", max_uses=None, max_bonus="20")).most == 20


async def test_an_open_percentage_needs_a_limit(database: Settings) -> None:
    with pytest.raises(CodeRefused) as refused:
        await percent("PART", "5", max_uses=None)
    assert refused.value.rule == "promo_needs_limit"


async def test_a_budget_for_percentages_needs_the_most_of_one_use(database: Settings) -> None:
    with pytest.raises(CodeRefused) as refused:
        await percent("PART", "5", budget="100")
    assert refused.value.rule == "promo_budget_needs_max_bonus"


async def test_a_budget_covers_one_use_at_least(database: Settings) -> None:
    with pytest.raises(CodeRefused) as refused:
        await code("RICH", "100", budget="99.99")
    assert refused.value.rule == "promo_budget_covers_a_use"


async def test_pages_show_the_newest_first(database: Settings) -> None:
    for name in ("ONE", "TWO", "THREE"):
        await code(name)
    first = await codes.newest(limit=2)
    assert [one.code for one in first] == ["THREE", "TWO"]
    assert [one.code for one in await codes.newest(limit=2, before=first[-1].id)] == ["ONE"]


async def test_uses_tell_who_got_what_with_which_payment(fox: User, till: Till) -> None:
    await percent("HALF", "50")
    other = await newcomer()
    for person in (fox, other):
        await promo.redeem(person.id, "HALF", NOW.replace(year=2030))
    payment = await deposit(fox)
    seen = [(use.chat_id, use.tokens, use.payment) for use in await codes.uses(await codes.get("HALF"), limit=10)]
    assert seen == [(other.chat_id, None, None), (fox.chat_id, Decimal(50), payment.code)]


async def test_switching_an_unknown_code_is_an_error(database: Settings) -> None:
    with pytest.raises(CodeNotFound):
        await codes.switch("NOBODY", is_active=False)


async def test_the_columns_are_those_of_the_value(database: Settings) -> None:
    made = await code("FOX", description="for foxes", max_uses=7)
    row = await db.fetch_one("SELECT * FROM botapp_promocode")
    assert row is not None
    assert {name: getattr(made, name) for name in PromoCode.__slots__ if name != "waiting"} == dict(row)


@given(
    deposited=AMOUNTS,
    percentage=st.decimals("0.01", 500, places=2),
    most=st.none() | AMOUNTS,
    left=st.none() | st.decimals(0, "99999.99", places=2),
)
def test_a_percentage_never_gives_more_than_any_of_its_limits(
    deposited: Decimal, percentage: Decimal, most: Decimal | None, left: Decimal | None
) -> None:
    given_before = Decimal("12.34")
    promised = _code(percentage, most, None if left is None else left + given_before, given_before)
    bonus = promised.bonus_for(deposited)
    assert bonus == in_tokens(bonus)
    exact = in_tokens(deposited * percentage / 100)
    assert bonus == min(limit for limit in (exact, most, left) if limit is not None)


@pytest.mark.parametrize(
    ("typed", "kept"), [(" a-b_1 ", "A-B_1"), ("straße", "STRASSE"), ("ﬁsh", "FISH"), ("\u2003x\u2003", "X")]
)
def test_codes_are_kept_in_one_form(typed: str, kept: str) -> None:
    assert codes.normalized(typed) == kept


@given(st.text())
def test_the_form_of_a_code_is_final(typed: str) -> None:
    once = codes.normalized(typed)
    assert codes.normalized(once) == once


def _code(percentage: Decimal, most: Decimal | None, budget: Decimal | None, given_before: Decimal) -> PromoCode:
    return PromoCode(
        id=1,
        code="PART",
        description="",
        is_percentage=True,
        value=percentage,
        min_deposit=Decimal(0),
        max_uses=None,
        max_uses_per_user=1,
        current_uses=0,
        valid_from=NOW,
        valid_until=None,
        is_active=True,
        max_bonus=most,
        budget=budget,
        total_given=given_before,
        created_at=NOW,
        waiting=0,
    )
