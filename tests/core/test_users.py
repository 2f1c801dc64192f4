"""Accounts: who somebody is, which language they read, which model they like."""

from __future__ import annotations

import pytest

from core import db, ledger, users
from core.settings import Settings
from core.types import UserId
from core.users import Profile

FOX = Profile(4242, "fox", "Fox", "Red", "en", is_premium=True)


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("ru", "ru"),
        ("RU", "ru"),
        ("ru-RU", "ru"),
        ("uk", "ru"),
        ("kk", "ru"),
        ("be-BY", "ru"),
        ("", "ru"),
        ("en", "en"),
        ("en-GB", "en"),
        ("de", "en"),
        ("pt-br", "en"),
        ("zh-hans", "en"),
        ("rup", "en"),
    ],
)
def test_somebody_is_greeted_in_the_language_that_is_nearest(code: str, language: str) -> None:
    assert users.language_for(code) == language


@pytest.mark.integration
class TestArriving:
    """The first message and every later one."""

    async def test_a_newcomer_gets_an_account_a_balance_and_settings(self, database: Settings) -> None:
        user = await users.upsert(FOX)
        assert (user.chat_id, user.username, user.first_name, user.language) == (4242, "fox", "Fox", "en")
        assert (user.is_blocked, user.preferred_model) == (False, None)
        assert await ledger.balance_of(user.id) == 0
        assert await db.fetch_value("SELECT is_premium FROM botapp_tguser") is True
        assert await db.fetch_value("SELECT count(*) FROM botapp_usersettings") == 1

    async def test_somebody_known_keeps_account_tokens_and_choices(self, database: Settings) -> None:
        first = await users.upsert(FOX)
        await ledger.give_welcome_bonus(first.id)
        await users.set_language(first.id, "ru")
        again = await users.upsert(Profile(4242, "vixen", "Vixen", "", "de"))
        assert again.id == first.id
        assert (again.username, again.first_name, again.language) == ("vixen", "Vixen", "ru")
        assert str(await ledger.balance_of(again.id)) == "50.00"
        assert await db.fetch_value("SELECT count(*) FROM botapp_userbalance") == 1

    async def test_an_account_that_lost_its_balance_or_settings_gets_them_again(self, database: Settings) -> None:
        await db.execute("INSERT INTO botapp_tguser (chat_id) VALUES (4242)")
        assert await users.get(4242) is None
        user = await users.upsert(FOX)
        assert await ledger.balance_of(user.id) == 0

    async def test_somebody_unknown_is_nobody(self, database: Settings) -> None:
        assert await users.get(4242) is None

    @pytest.mark.parametrize("chat_id", [1, 2**31, 7_999_999_999, 2**52 - 1])
    async def test_ids_of_every_size_that_telegram_hands_out_fit(self, database: Settings, chat_id: int) -> None:
        assert (await users.upsert(Profile(chat_id))).chat_id == chat_id

    @pytest.mark.parametrize("name", ["", "Лиса 🦊", "O'Brien\"; DROP TABLE x; --", "а" * 255, "\u202etxt.exe"])
    async def test_names_are_kept_as_they_are(self, database: Settings, name: str) -> None:
        assert (await users.upsert(Profile(1, name, name, name))).first_name == name

    async def test_two_people_are_two_accounts(self, database: Settings) -> None:
        assert (await users.upsert(Profile(1))).id != (await users.upsert(Profile(2))).id


@pytest.mark.integration
class TestChoices:
    """What a user chose."""

    async def test_a_chosen_language_wins_over_telegrams(self, database: Settings) -> None:
        user = await users.upsert(FOX)
        await users.set_language(user.id, "ru")
        found = await users.get(4242)
        assert found is not None
        assert found.language == "ru"

    async def test_telegrams_language_is_followed_until_one_is_chosen(self, database: Settings) -> None:
        await users.upsert(FOX)
        assert (await users.upsert(Profile(4242, language_code="ru"))).language == "ru"

    async def test_a_preferred_model_is_remembered_and_can_be_changed(self, service: Settings) -> None:
        user = await users.upsert(FOX)
        for slug in ("nano-banana-pro", "nano-banana"):
            await users.set_preferred_model(user.id, slug)
            found = await users.get(4242)
            assert found is not None
            assert found.preferred_model == slug

    async def test_a_model_that_does_not_exist_is_no_preference(self, service: Settings) -> None:
        user = await users.upsert(FOX)
        await users.set_preferred_model(user.id, "no-such-model")
        assert (await users.upsert(FOX)).preferred_model is None

    async def test_a_model_that_is_removed_is_forgotten(self, service: Settings) -> None:
        user = await users.upsert(FOX)
        await users.set_preferred_model(user.id, "nano-banana")
        await db.execute("DELETE FROM botapp_aimodel WHERE slug = 'nano-banana'")
        assert (await users.upsert(FOX)).preferred_model is None

    async def test_a_choice_of_one_user_is_nobody_elses(self, service: Settings) -> None:
        anna, boris = await users.upsert(Profile(1)), await users.upsert(Profile(2))
        await users.set_preferred_model(anna.id, "nano-banana")
        await users.set_language(anna.id, "en")
        found = await users.get(boris.chat_id)
        assert found is not None
        assert (found.preferred_model, found.language) == (None, "ru")

    async def test_a_language_that_is_not_offered_is_refused(self, database: Settings) -> None:
        user = await users.upsert(FOX)
        with pytest.raises(Exception, match="usersettings_language_is_known"):
            await users.set_language(user.id, "de")  # type: ignore[arg-type]


@pytest.mark.integration
class TestReaching:
    """People who block the bot, and people whom an operator blocks."""

    async def unreachable_since(self) -> object:
        return await db.fetch_value("SELECT unreachable_since FROM botapp_tguser WHERE chat_id = 4242")

    async def test_the_first_time_that_they_could_not_be_reached_is_kept(self, database: Settings) -> None:
        await users.upsert(FOX)
        await users.mark_unreachable(4242)
        first = await self.unreachable_since()
        assert first is not None
        await users.mark_unreachable(4242)
        assert await self.unreachable_since() == first

    async def test_their_next_message_forgets_it(self, database: Settings) -> None:
        await users.upsert(FOX)
        await users.mark_unreachable(4242)
        await users.upsert(FOX)
        assert await self.unreachable_since() is None

    async def test_nobody_can_be_marked_without_harm(self, database: Settings) -> None:
        await users.mark_unreachable(404)

    async def test_a_block_by_an_operator_is_seen_and_outlasts_their_messages(self, database: Settings) -> None:
        await users.upsert(FOX)
        await db.execute("UPDATE botapp_tguser SET is_blocked = true")
        assert (await users.upsert(FOX)).is_blocked


@pytest.mark.integration
async def test_choices_of_nobody_change_nothing(database: Settings) -> None:
    await users.set_language(UserId(404), "en")
    await users.set_preferred_model(UserId(404), "nano-banana")
    assert await db.fetch_value("SELECT count(*) FROM botapp_usersettings") == 0
