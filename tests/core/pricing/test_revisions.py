"""Edits of prices: written with who and why, refused when they are not what was looked at, undone by other edits."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from core import approvals, catalog, db
from core.approvals import ApprovalRequired
from core.catalog import UnknownModel
from core.pricing import quote, revisions
from core.pricing.fields import InvalidPrice
from core.pricing.revisions import PriceChanged, RevisionSuperseded, Terms, UnknownRevision
from core.settings import Settings
from tests.core.pricing.conftest import Editing, change_of, in_transaction, price_of, revisions_made

pytestmark = pytest.mark.integration


class TestEditing:
    """What an edit writes."""

    async def test_the_price_is_the_new_one_and_the_revision_says_who_why_before_and_after(self, edit: Editing) -> None:
        done = await edit("nano-banana-pro", base_cost_usd="0.16")
        assert await price_of("nano-banana-pro") == "6.40"
        assert done.revision is not None
        kept = await revisions.get(done.revision.id)
        assert (kept.subject, kept.actor, kept.reason) == ("nano-banana-pro", "token:mia", "a test")
        assert (kept.before, kept.after) == ({"base_cost_usd": "0.15"}, {"base_cost_usd": "0.16"})
        assert (kept.approval, kept.reverts) == (None, None)

    async def test_only_what_differs_is_in_the_revision(self, edit: Editing) -> None:
        done = await edit(base_cost_usd="0.0200", cost_unit="generation", max_delta_pct=100)
        assert done.after == {"cost_unit": "generation"}

    async def test_an_edit_that_changes_nothing_writes_nothing(self, edit: Editing) -> None:
        done = await edit(base_cost_usd="0.020")
        assert (done.changes_anything, done.revision, await revisions_made()) == (False, None, 0)

    async def test_factors_are_added_changed_and_removed_one_by_one(self, edit: Editing) -> None:
        subject = "nano-banana-pro"
        await edit(subject, changes={"option_factors.image_size.2K": "1.2"})
        assert await price_of(subject, image_size="2K") == "7.20"
        assert await price_of(subject, image_size="4K") == "10.80"
        await edit(subject, changes={"option_factors.image_size.2K": "1.1", "option_factors.image_size.4K": "1.7"})
        assert [await price_of(subject, image_size=size) for size in ("2K", "4K")] == ["6.60", "10.20"]
        done = await edit(subject, changes={"option_factors.image_size.2K": "1"})
        assert done.after == {"option_factors.image_size.2K": None}
        assert (await catalog.find(subject)).option_factors == {"image_size": {"4K": Decimal("1.7")}}

    async def test_the_settings_price_every_model(self, edit: Editing) -> None:
        done = await edit("settings", markup_multiplier="2.2", usd_to_token_rate="21")
        assert done.before == {"markup_multiplier": "2", "usd_to_token_rate": "20"}
        assert (await price_of("nano-banana"), await price_of("nano-banana-pro")) == ("0.92", "6.93")

    async def test_the_snapshot_never_holds_what_is_not_committed(self, edit: Editing, service: Settings) -> None:
        class Stop(Exception):
            pass

        change = change_of()

        async def fail() -> None:
            await revisions.edit("nano-banana", {"base_cost_usd": "0.021"}, change, Terms(30))
            raise Stop

        with pytest.raises(Stop):
            await in_transaction(fail, change)
        catalog.configure({"demo"})
        assert quote(await catalog.get("nano-banana")).usd == Decimal("0.02")
        assert await revisions_made() == 0

    async def test_a_model_that_is_not_there_is_refused_with_the_nearest(self, edit: Editing) -> None:
        with pytest.raises(UnknownModel) as refusal:
            await edit("nano-bananna", base_cost_usd="1")
        assert refusal.value.near[0] == "nano-banana"

    async def test_revisions_are_never_changed_nor_deleted(self, edit: Editing) -> None:
        await edit(base_cost_usd="0.021")
        for statement in (
            "UPDATE botapp_pricerevision SET reason = 'x'",
            "DELETE FROM botapp_pricerevision",
            "TRUNCATE botapp_pricerevision CASCADE",
        ):
            with pytest.raises(asyncpg.PostgresError):
                await db.execute(statement)
        assert await revisions_made() == 1


class TestBadInput:
    """What no price can be."""

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"base_cost_usd": "0"}, "not above 0"),
            ({"base_cost_usd": "-0.15"}, "not above 0"),
            ({"base_cost_usd": "0.00001"}, "more than 4 decimals"),
            ({"base_cost_usd": "cheap"}, "not a number"),
            ({"base_cost_usd": "NaN"}, "not a number"),
            ({"base_cost_usd": "1e3"}, "not a number"),
            ({"base_cost_usd": ""}, "not a number"),
            ({"base_cost_usd": None}, "not a number"),
            ({"base_cost_usd": "9" * 40}, "not a number"),
            ({"base_cost_usd": "1001"}, "above 1000"),
            ({"base_cost_usd": "20"}, "a thousand times"),
            ({"cost_unit": "minute"}, "none of image, second, generation"),
            ({"cost_unit": "second"}, "cannot be paid by the second"),
            ({"option_factors.quality.high": "2"}, "no option quality"),
            ({"option_factors.aspect_ratoi.1:1": "2"}, "did you mean aspect_ratio"),
            ({"option_factors.aspect_ratio.7:3": "2"}, "no value 7:3"),
            ({"option_factors.aspect_ratio.1:1": "0"}, "not above 0"),
            ({"option_factors.aspect_ratio.each": "2"}, "is no number"),
            ({"option_factors.aspect_ratio": "2"}, "a model has"),
            ({"usd_to_token_rate": "20"}, "a model has"),
            ({"display_name": "x"}, "a model has"),
            ({}, "nothing to change"),
        ],
    )
    async def test_it_is_refused_by_name_and_nothing_is_written(
        self, edit: Editing, changes: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(InvalidPrice, match=said):
            await revise_with(edit, changes)
        assert (await revisions_made(), await price_of("nano-banana")) == (0, "0.80")

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"markup_multiplier": "0.9"}, "below its cost"),
            ({"markup_multiplier": "0"}, "not above 0"),
            ({"markup_multiplier": "101"}, "above 100"),
            ({"usd_to_token_rate": "0"}, "not above 0"),
            ({"usd_to_token_rate": "20000"}, "above 9999"),
            ({"base_cost_usd": "1"}, "the settings have"),
        ],
    )
    async def test_the_settings_are_checked_as_well(self, edit: Editing, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(InvalidPrice, match=said):
            await edit("settings", changes=changes)

    async def test_every_problem_is_named_at_once(self, edit: Editing) -> None:
        with pytest.raises(InvalidPrice) as refusal:
            await edit(changes={"base_cost_usd": "-1", "cost_unit": "minute"})
        assert [problem.param for problem in refusal.value.problems] == ["base_cost_usd", "cost_unit"]

    async def test_a_thousand_times_as_little_is_refused_as_well(self, edit: Editing) -> None:
        await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 100 WHERE slug = 'nano-banana'")
        with pytest.raises(InvalidPrice, match="a thousand times"):
            await edit(base_cost_usd="0.1")

    async def test_the_database_itself_keeps_a_model_from_costing_nothing(self, service: Settings) -> None:
        with pytest.raises(asyncpg.CheckViolationError):
            await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 0 WHERE slug = 'nano-banana'")


async def revise_with(edit: Editing, changes: dict[str, Any]) -> None:
    """Edit with exactly these changes, also with none."""
    change = change_of()
    del edit
    await in_transaction(lambda: revisions.edit("nano-banana", changes, change, Terms(30)), change)


class TestExpectation:
    """Nobody overwrites what they have not seen."""

    async def test_the_latest_revision_lets_the_edit_through(self, edit: Editing) -> None:
        first = await edit(base_cost_usd="0.021", expect="0")
        second = await edit(base_cost_usd="0.022", expect=str(first.latest))
        assert second.latest > first.latest

    @pytest.mark.parametrize("expect", ["0.02", "0.0200", "0.020000"])
    async def test_the_old_value_does_so_too_however_it_is_written(self, edit: Editing, expect: str) -> None:
        await edit(base_cost_usd="0.021", expect=expect)
        assert await price_of("nano-banana") == "0.84"

    async def test_an_old_unit_and_a_factor_that_is_not_there_can_be_expected(self, edit: Editing) -> None:
        await edit(cost_unit="generation", expect="image", max_delta_pct=100)
        await edit(changes={"option_factors.quantity.2": "1.1"}, expect="1.0")

    @pytest.mark.parametrize("expect", ["0", "999", "0.02", "x"])
    async def test_anything_else_is_a_conflict_that_names_what_is_there(self, edit: Editing, expect: str) -> None:
        first = await edit(base_cost_usd="0.021")
        with pytest.raises(PriceChanged) as refusal:
            await edit(base_cost_usd="0.022", expect=expect)
        assert refusal.value.latest is not None
        assert refusal.value.latest.id == first.latest
        assert refusal.value.current["base_cost_usd"] == "0.021"
        assert await price_of("nano-banana") == "0.84"

    async def test_an_edit_past_the_revisions_is_seen_by_its_value(self, edit: Editing) -> None:
        await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 0.05 WHERE slug = 'nano-banana'")
        with pytest.raises(PriceChanged, match=r"is 0.05, not 0.02"):
            await edit(base_cost_usd="0.06", expect="0.02")

    async def test_an_old_value_belongs_to_one_field(self, edit: Editing) -> None:
        with pytest.raises(InvalidPrice, match="one field"):
            await edit(base_cost_usd="0.021", cost_unit="generation", expect="0.02")

    async def test_of_two_edits_at_once_that_saw_the_same_one_is_a_conflict(self, edit: Editing) -> None:
        results = await asyncio.gather(
            *(edit(base_cost_usd=f"0.02{n}", expect="0") for n in range(1, 5)), return_exceptions=True
        )
        assert sum(isinstance(result, PriceChanged) for result in results) == 3
        assert await revisions_made() == 1

    async def test_edits_at_once_of_settings_and_models_all_happen(self, edit: Editing) -> None:
        await asyncio.gather(
            edit("settings", markup_multiplier="2.1"),
            edit("nano-banana", base_cost_usd="0.021"),
            edit("nano-banana-pro", base_cost_usd="0.151"),
            edit("settings", usd_to_token_rate="20.5"),
            edit("nano-banana", changes={"option_factors.quantity.4": "0.95"}),
        )
        assert await revisions_made() == 5
        model = await catalog.find("nano-banana")
        assert (model.base_cost_usd, model.markup, model.rate) == (Decimal("0.021"), Decimal("2.1"), Decimal("20.5"))
        assert model.option_factors == {"quantity": {"4": Decimal("0.95")}}


class TestApproval:
    """A large change needs somebody else."""

    @pytest.mark.parametrize(
        ("cost", "needed"), [("0.026", False), ("0.0261", True), ("0.014", False), ("0.0139", True)]
    )
    async def test_more_than_the_limit_is_refused_up_and_down(self, edit: Editing, cost: str, needed: bool) -> None:
        if needed:
            with pytest.raises(ApprovalRequired, match="more than 30 % needs an approval"):
                await edit(base_cost_usd=cost)
        else:
            await edit(base_cost_usd=cost)
        assert await revisions_made() == (0 if needed else 1)

    async def test_one_order_among_many_is_enough(self, edit: Editing) -> None:
        with pytest.raises(ApprovalRequired, match=r"from 10\.80 to 18\.00"):
            await edit("nano-banana-pro", changes={"option_factors.image_size.4K": "3"})

    async def test_small_factors_that_are_large_together_are_seen(self, edit: Editing) -> None:
        await db.execute(
            """UPDATE botapp_aimodel SET params_schema = '{"type": "object", "properties": {
            "a": {"type": "boolean", "default": false}, "b": {"type": "boolean", "default": false}}}'
            WHERE slug = 'nano-banana-pro'"""
        )
        changes = {"option_factors.a.true": "1.2", "option_factors.b.true": "1.2"}
        with pytest.raises(ApprovalRequired, match=r"\+44"):
            await edit("nano-banana-pro", changes=changes)

    async def test_the_settings_are_guarded_by_every_model(self, edit: Editing) -> None:
        with pytest.raises(ApprovalRequired, match=r"\+50"):
            await edit("settings", markup_multiplier="3")

    async def test_with_an_approval_of_exactly_this_it_happens_once(self, edit: Editing) -> None:
        with pytest.raises(ApprovalRequired) as refusal:
            await edit(base_cost_usd="0.05")
        code = (await approvals.request(refusal.value.wish)).code
        with pytest.raises(ApprovalRequired, match="not approved yet"):
            await edit(base_cost_usd="0.05", approval=code)
        await in_transaction(lambda: approvals.approve(code, change_of("token:boss")), change_of("token:boss"))
        with pytest.raises(ApprovalRequired, match="approves something else"):
            await edit(base_cost_usd="0.06", approval=code)
        done = await edit(base_cost_usd="0.05", approval=code)
        assert done.revision is not None
        assert done.revision.approval == code
        assert done.revision.before == {"base_cost_usd": "0.02"}

    async def test_an_approval_does_not_hold_once_the_old_price_is_another(self, edit: Editing) -> None:
        with pytest.raises(ApprovalRequired) as refusal:
            await edit(base_cost_usd="0.05")
        code = (await approvals.request(refusal.value.wish)).code
        await in_transaction(lambda: approvals.approve(code, change_of("token:boss")), change_of("token:boss"))
        await edit(base_cost_usd="0.021")
        with pytest.raises(ApprovalRequired, match="approves something else"):
            await edit(base_cost_usd="0.05", approval=code)

    async def test_a_change_below_the_limit_takes_no_approval(self, edit: Editing) -> None:
        done = await edit(base_cost_usd="0.021", approval="NONSENSE")
        assert done.revision is not None
        assert done.revision.approval is None


class TestPreview:
    """What would be, without writing it."""

    async def test_it_shows_typical_orders_with_margins_and_changes_nothing(self, service: Settings) -> None:
        planned = await revisions.preview("nano-banana-pro", {"base_cost_usd": "0.18"}, Terms(30))
        assert planned.comparison is not None
        rows = [
            (row.label, str(row.before.tokens), str(row.after.tokens), str(row.percent))
            for row in planned.comparison.rows
        ]
        assert rows == [
            ("defaults", "6.00", "7.20", "20.0"),
            ("image_size 2K", "6.00", "7.20", "20.0"),
            ("image_size 4K", "10.80", "12.96", "20.0"),
        ]
        assert (planned.needs_approval, await revisions_made(), await price_of("nano-banana-pro")) == (False, 0, "6.00")

    async def test_the_order_that_changes_most_is_shown_although_it_is_not_typical(self, service: Settings) -> None:
        await db.execute(
            """UPDATE botapp_aimodel SET params_schema = '{"type": "object", "properties": {
            "a": {"enum": [1, 2], "default": 1}, "b": {"enum": [1, 2], "default": 1}}}', option_factors = '{}'
            WHERE slug = 'nano-banana'"""
        )
        changes = {"option_factors.a.2": "1.2", "option_factors.b.2": "1.2"}
        planned = await revisions.preview("nano-banana", changes, Terms(30))
        assert planned.comparison is not None
        assert [row.label for row in planned.comparison.rows] == ["defaults", "a 2", "b 2", "a 2, b 2"]
        assert str(planned.comparison.largest_percent) == "43.8"

    async def test_what_is_expected_is_compared_before_anything_is_shown(self, service: Settings) -> None:
        with pytest.raises(PriceChanged):
            await revisions.preview("nano-banana", {"base_cost_usd": "0.021"}, Terms(30, expect="7"))


class TestReverting:
    """An edit is undone by another."""

    async def test_the_old_values_come_back_as_a_new_revision(self, edit: Editing, revert: Editing) -> None:
        first = await edit("nano-banana-pro", changes={"base_cost_usd": "0.16", "option_factors.image_size.2K": "1.2"})
        undone = await revert(first.latest)
        assert undone.revision is not None
        assert undone.revision.reverts == first.latest
        assert await price_of("nano-banana-pro", image_size="2K") == "6.00"
        assert (await catalog.find("nano-banana-pro")).option_factors == {"image_size": {"4K": Decimal("1.8")}}

    async def test_undoing_the_undoing_is_the_edit_again(self, edit: Editing, revert: Editing) -> None:
        first = await edit(base_cost_usd="0.021")
        await revert((await revert(first.latest)).latest)
        assert await price_of("nano-banana") == "0.84"

    async def test_the_latest_edit_is_undone_without_approval_however_large(
        self, edit: Editing, revert: Editing
    ) -> None:
        large = await edit(base_cost_usd="0.1", max_delta_pct=1000)
        await revert(large.latest)
        assert await price_of("nano-banana") == "0.80"

    async def test_an_older_one_is_guarded_like_any_edit(self, edit: Editing, revert: Editing) -> None:
        large = await edit(base_cost_usd="0.1", max_delta_pct=1000)
        await edit(changes={"option_factors.quantity.4": "0.95"})
        with pytest.raises(ApprovalRequired):
            await revert(large.latest)
        await revert(large.latest, max_delta_pct=1000)
        assert await price_of("nano-banana", quantity=4) == "3.04"

    async def test_what_was_changed_again_since_is_refused_unless_forced(self, edit: Editing, revert: Editing) -> None:
        first = await edit(base_cost_usd="0.021")
        second = await edit(base_cost_usd="0.022")
        with pytest.raises(RevisionSuperseded, match=f"revision {second.latest}"):
            await revert(first.latest)
        assert await price_of("nano-banana") == "0.88"
        await revert(first.latest, force=True)
        assert await price_of("nano-banana") == "0.80"

    async def test_other_fields_that_were_changed_since_stay(self, edit: Editing, revert: Editing) -> None:
        first = await edit("nano-banana-pro", base_cost_usd="0.16")
        await edit("nano-banana-pro", changes={"option_factors.image_size.2K": "1.2"})
        await revert(first.latest)
        assert await price_of("nano-banana-pro", image_size="2K") == "7.20"

    async def test_undoing_twice_is_refused(self, edit: Editing, revert: Editing) -> None:
        first = await edit(base_cost_usd="0.021")
        await revert(first.latest)
        with pytest.raises(RevisionSuperseded):
            await revert(first.latest)

    async def test_an_edit_past_the_revisions_is_not_overwritten_silently(self, edit: Editing, revert: Editing) -> None:
        first = await edit(base_cost_usd="0.021")
        await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 0.05 WHERE slug = 'nano-banana'")
        with pytest.raises(RevisionSuperseded, match="something that is no revision"):
            await revert(first.latest)

    async def test_the_settings_are_restored_as_well(self, edit: Editing, revert: Editing) -> None:
        first = await edit("settings", markup_multiplier="2.2")
        await revert(first.latest)
        assert await price_of("nano-banana") == "0.80"

    async def test_what_is_expected_is_compared(self, edit: Editing, revert: Editing) -> None:
        first = await edit(base_cost_usd="0.021")
        with pytest.raises(PriceChanged):
            await revert(first.latest, expect="0")
        await revert(first.latest, expect=str(first.latest))

    async def test_an_unknown_revision_is_refused(self, revert: Editing) -> None:
        with pytest.raises(UnknownRevision, match="41"):
            await revert(41)


class TestHistory:
    """Edits in order."""

    async def test_the_newest_comes_first_by_subject_and_in_pages(self, edit: Editing) -> None:
        for cost in ("0.021", "0.022", "0.023"):
            await edit(base_cost_usd=cost)
        await edit("nano-banana-pro", base_cost_usd="0.151")
        everything = await revisions.history()
        assert [revision.subject for revision in everything] == ["nano-banana-pro", *["nano-banana"] * 3]
        page = await revisions.history("nano-banana", limit=2)
        rest = await revisions.history("nano-banana", limit=2, before=page[-1].id)
        assert [revision.after["base_cost_usd"] for revision in [*page, *rest]] == ["0.023", "0.022", "0.021"]
        assert await revisions.latest_of_all() == {
            "nano-banana": page[0].id,
            "nano-banana-pro": everything[0].id,
        }
