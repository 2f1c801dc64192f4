"""Inviting friends in the chat: the link, the friend who comes by it, and what both are told."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from aiogram.exceptions import TelegramForbiddenError

from core import db, ledger
from core.bonuses import referrals
from core.ledger import PostingKind
from core.payments import crediting, gateways, orders, packages
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.payments.conftest import paid, purchase
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration


async def link_of(person: Person) -> str:
    """Ask for a person's link and return what it carries."""
    return f"ref_{await referrals.code_of((await person.account()).id)}"


@pytest.fixture
async def till(world: World) -> Till:
    """A way to pay."""
    gateway = Till()
    gateways.use(gateway)
    await packages.seed()
    return gateway


async def pay(person: Person) -> None:
    """Buy 100 tokens."""
    await crediting.receive(paid(await orders.place(purchase(await person.account()))))


async def test_the_link_is_shown_with_a_button_that_sends_it(mia: Person) -> None:
    [answer] = await mia.send("/invite")
    code = await referrals.code_of((await mia.account()).id)
    link = f"https://t.me/nanobanana_bot?start=ref_{code}"
    assert answer["text"] == (
        "🤝 Invite a friend\n"
        "Your friend gets 5 ⚡ at once on top of the welcome gift, you get 10 ⚡ with their first top-up.\n\n"
        f"Your link:\n{link}\n\n"
        "Nobody has come by it yet. Start with somebody who loves pictures."
    )
    [(label, url)] = buttons(answer).items()
    assert label == "📤 Send to a friend" and url.startswith("https://t.me/share/url?")
    shared = parse_qs(urlsplit(url).query)
    assert shared["url"] == [link] and "5 ⚡" in shared["text"][0]


async def test_the_same_link_every_time_from_the_button_in_russian(masha: Person, telegram: FakeTelegram) -> None:
    [first] = await masha.send("/invite")
    [second] = await masha.tap("i", telegram.last)
    assert first["text"] == second["text"]
    assert "Другу сразу 5 ⚡ к подарку на старт, вам 10 ⚡ с его первого пополнения." in first["text"]


async def test_a_friend_is_greeted_with_both_gifts(masha: Person, somebody: Callable[..., Person]) -> None:
    friend = somebody()
    [greeting] = await friend.send(f"/start {await link_of(masha)}")
    assert "🎁 Here are 50 ⚡ for you." in greeting["text"]
    assert "🤝 Маша invited you, and that brings 5 ⚡ more." in greeting["text"]
    assert await friend.balance() == "55.00"


async def test_the_inviter_is_told_in_their_language(
    masha: Person, somebody: Callable[..., Person], world: World, till: Till
) -> None:
    friend = somebody(name="Tom <3")
    await friend.send(f"/start {await link_of(masha)}")
    await world.work()
    joined = world.telegram.last
    assert joined["chat"]["id"] == masha.id
    assert joined["text"] == (
        "🤝 По вашей ссылке к нам пришёл новый человек: Tom <3. С первого пополнения друга вам 10 ⚡."
    )
    await pay(friend)
    await world.work()
    told = [message["text"] for message in world.telegram.now_shown if message["chat"]["id"] == masha.id]
    assert told[-1] == (
        "🎉 +10 ⚡ вам за друга: Tom <3 впервые пополняет баланс. Спасибо, что зовёте к нам!\n\nНа балансе 60 ⚡."
    )
    assert await masha.balance() == "60.00"


async def test_the_numbers_so_far(masha: Person, mia: Person, somebody: Callable[..., Person], till: Till) -> None:
    for inviter in (masha, mia):
        friends = [somebody() for _ in range(2)]
        for friend in friends:
            await friend.send(f"/start {await link_of(inviter)}")
        [before] = await inviter.send("/invite")
        for friend in friends:
            await pay(friend)
        [after] = await inviter.send("/invite")
        if inviter is masha:
            assert "Пришли 2 друга, пока никто не пополнял баланс." in before["text"]
            assert "Пришли 2 друга, 2 пополнили баланс. Вы заработали 20 ⚡." in after["text"]
        else:
            assert "2 friends have come, nobody has topped up yet." in before["text"]
            assert "2 friends have come, 2 have topped up. You have earned 20 ⚡." in after["text"]


async def test_an_inviter_who_blocked_the_bot_costs_nobody_anything(
    masha: Person, somebody: Callable[..., Person], world: World
) -> None:
    friend = somebody()
    await friend.send(f"/start {await link_of(masha)}")
    world.telegram.fail("sendMessage", lambda method: TelegramForbiddenError(method, "Forbidden: blocked by the user"))
    assert await world.work() == ["bot.tell_bonus"]
    assert await friend.balance() == "55.00"


async def test_a_message_about_nobody_is_not_sent(world: World) -> None:
    await world.runtime.tell_bonus(404, "joined")
    assert world.telegram.calls == []


async def test_ones_own_link_is_recognised(mia: Person, masha: Person) -> None:
    for person, words in ((mia, "This is your own link."), (masha, "Это ваша собственная ссылка.")):
        [answer] = await person.send(f"/start {await link_of(person)}")
        assert words in answer["text"]
        assert await person.balance() == "50.00"


async def test_a_later_link_changes_nothing(
    masha: Person, mia: Person, somebody: Callable[..., Person], till: Till
) -> None:
    friend = somebody()
    await friend.send(f"/start {await link_of(masha)}")
    for link in (await link_of(mia), await link_of(masha)):
        [greeting] = await friend.send(f"/start {link}")
        assert "🤝" not in greeting["text"] and "55 ⚡" in greeting["text"]
    await pay(friend)
    assert (await masha.balance(), await mia.balance()) == ("60.00", "50.00")


async def test_a_mini_app_that_was_opened_first_counts(
    masha: Person, mia: Person, somebody: Callable[..., Person], world: World
) -> None:
    friend = somebody()
    await friend.send("/models")
    account = await friend.account()
    await referrals.accept(
        account.id, await link_of(masha), (await world.store({"update_id": 1}, friend.id)).received_at
    )
    [greeting] = await friend.send(f"/start {await link_of(mia)}")
    assert "🎁 Here are 50 ⚡ for you." in greeting["text"]
    assert await friend.balance() == "55.00"
    assert (await referrals.invitations((await masha.account()).id)).came == 1


async def test_somebody_who_is_here_since_yesterday_is_no_friend_anew(mia: Person, masha: Person) -> None:
    await db.execute("UPDATE botapp_tguser SET created_at = created_at - interval '24 hours'")
    [greeting] = await mia.send(f"/start {await link_of(masha)}")
    assert "🤝" not in greeting["text"]
    assert await mia.balance() == "50.00"


async def test_an_update_handled_twice_gives_once(masha: Person, somebody: Callable[..., Person], world: World) -> None:
    friend = somebody()
    update = {"update_id": 920_001, "message": friend.message(text=f"/start {await link_of(masha)}")}
    event = await world.store(update, friend.id)
    for _ in range(2):
        await world.handle(event)
    assert await friend.balance() == "55.00"


@pytest.mark.parametrize(
    "payload", ["ref_", "ref_REF00000000", "REF_x", "hello", "topup2", "<b>", "ref_" + "A" * 60, "-"]
)
async def test_any_other_payload_is_harmless(mia: Person, payload: str) -> None:
    [greeting] = await mia.send(f"/start {payload}")
    assert "Hi, Mia!" in greeting["text"]
    assert await mia.balance() == "50.00"
    assert await mia.jobs() == []


async def test_the_link_to_the_packages_opens_them(mia: Person, somebody: Callable[..., Person], till: Till) -> None:
    [packages_shown] = await mia.send("/start topup")
    assert "100 ⚡" in packages_shown["text"]
    newcomer = somebody()
    greeting, shown = await newcomer.send("/start topup")
    assert "Here are 50 ⚡" in greeting["text"] and "100 ⚡" in shown["text"]


async def test_what_an_inviter_earned_is_in_their_statement(
    masha: Person, somebody: Callable[..., Person], till: Till
) -> None:
    friend = somebody()
    await friend.send(f"/start {await link_of(masha)}")
    await pay(friend)
    [newest, _] = await ledger.statement((await masha.account()).id)
    assert newest.kind is PostingKind.REFERRAL
    [answer] = await masha.send("/balance")
    assert "за приглашённого друга" in answer["text"]


async def test_a_friends_name_cannot_turn_the_words_after_it_around(
    mia: Person, somebody: Callable[..., Person], world: World
) -> None:
    friend = somebody(name="\u202eevil\n\u2066")
    await friend.send(f"/start {await link_of(mia)}")
    await world.work()
    [told] = [message for message in mia.telegram.now_shown if "your link" in message["text"]]
    assert "evil. Their first top-up" in told["text"]
