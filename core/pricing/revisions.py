"""Edits of prices: who, why, before and after, kept for good; undone by a later edit, never by deleting one.

Everything here runs inside the caller's transaction and locks what it edits, so that of two edits at once the second
sees the first. A large change needs somebody else's approval, see `core.approvals`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core import approvals, catalog, db
from core.approvals import Wish
from core.audit import Change
from core.catalog import CatalogModel
from core.pricing import fields
from core.pricing.comparison import Comparison, compare_model, compare_settings
from core.pricing.fields import SETTINGS, Fields
from core.pricing.quotes import Problem

ACTION = "pricing.set"
"""What approvals are asked for, whether a price is set or an old edit is undone."""

_NUMBER_OF_A_REVISION = re.compile(r"\d{1,18}")


@dataclass(frozen=True, slots=True)
class Revision:
    """One edit. `before` and `after` hold the fields that it changed."""

    id: int
    subject: str
    before: Fields
    after: Fields
    actor: str
    reason: str
    approval: str | None
    reverts: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit would do, or did. Without a revision nothing was different."""

    subject: str
    before: Fields
    after: Fields
    comparison: Comparison | None
    needs_approval: bool
    latest: int
    revision: Revision | None = None

    @property
    def changes_anything(self) -> bool:
        """False when every field has the wanted value already."""
        return bool(self.after)


@dataclass(frozen=True, slots=True)
class Terms:
    """How an edit is made.

    Attributes:
        max_delta_pct: a price that changes by more needs an approval.
        expect: what the editor believes to be there: the id of the subject's latest revision (0 for none), or the old
            value of the one field that is set.
        approval: code of an approval of exactly this change.
    """

    max_delta_pct: int
    expect: str | None = None
    approval: str | None = None


class PriceChanged(Exception):
    """Somebody changed the price since it was looked at; nothing was changed."""

    code = "price_changed"

    def __init__(self, message: str, latest: Revision | None, current: Fields) -> None:
        super().__init__(message)
        self.latest = latest
        self.current = current


class RevisionSuperseded(Exception):
    """What the revision set was changed again since, so that undoing it would undo more than it."""

    code = "revision_superseded"

    def __init__(self, revision: int, message: str) -> None:
        super().__init__(message)
        self.revision = revision


class UnknownRevision(Exception):
    """There is no revision of that number."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"There is no price revision {revision}")


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is edited, locked: a model, or the settings together with every model that they price."""

    name: str
    model: CatalogModel | None
    models: list[CatalogModel]
    fields: Fields
    latest: int


async def preview(subject: str, changes: Mapping[str, str | None], terms: Terms) -> Edit:
    """Say what an edit would do. Locks nothing and writes nothing.

    Raises:
        PriceChanged: it is not as `terms.expect` says.
        core.catalog.UnknownModel: there is no such model.
        core.pricing.fields.InvalidPrice: see there.
    """
    found = await _read(subject, lock=False)
    await _compare(found, terms, changes)
    return _planned(found, changes, terms)


async def edit(subject: str, changes: Mapping[str, str | None], change: Change, terms: Terms) -> Edit:
    """Edit the price of a model or the settings, inside the caller's transaction.

    Raises:
        PriceChanged: it is not as `terms.expect` says.
        core.approvals.ApprovalRequired: it changes too much for one person.
        core.catalog.UnknownModel: there is no such model.
        core.pricing.fields.InvalidPrice: see there.
    """
    locked = await _read(subject, lock=True)
    await _compare(locked, terms, changes)
    return await _perform(locked, _planned(locked, changes, terms), change, terms)


async def revert(number: int, change: Change, terms: Terms, *, force: bool = False) -> Edit:
    """Restore what a revision changed, as a new revision, inside the caller's transaction.

    Undoing the subject's latest edit needs no approval, however much it changes: those prices were in force before.

    Raises:
        UnknownRevision: there is none of that number.
        RevisionSuperseded: its fields were changed again, and `force` was not given.
        Besides: see `edit`.
    """
    revision = await get(number)
    locked = await _read(revision.subject, lock=True)
    await _compare(locked, terms, revision.before)
    if not force:
        await _check_untouched(revision, locked)
    planned = _planned(locked, revision.before, terms)
    if number == locked.latest:
        planned = replace(planned, needs_approval=False)
    return await _perform(locked, planned, change, terms, reverts=number)


async def get(number: int) -> Revision:
    """Return a revision.

    Raises:
        UnknownRevision: there is none of that number.
    """
    row = await db.fetch_one("SELECT * FROM botapp_pricerevision WHERE id = $1", number)
    if row is None:
        raise UnknownRevision(number)
    return _from_row(row)


async def history(subject: str | None = None, *, limit: int = 50, before: int | None = None) -> list[Revision]:
    """Return revisions, the newest first, older than `before` where it is given."""
    rows = await db.fetch(
        """
        SELECT * FROM botapp_pricerevision WHERE ($1::text IS NULL OR subject = $1) AND id < $2
        ORDER BY id DESC LIMIT $3
        """,
        subject,
        2**63 - 1 if before is None else before,
        limit,
    )
    return [_from_row(row) for row in rows]


async def latest_of_all() -> dict[str, int]:
    """Return the latest revision of every subject that has one."""
    rows = await db.fetch("SELECT subject, max(id) AS latest FROM botapp_pricerevision GROUP BY subject")
    return {row["subject"]: row["latest"] for row in rows}


async def _read(subject: str, *, lock: bool) -> _Subject:
    if subject == SETTINGS:
        if lock:
            await db.execute("SELECT FROM pricing_settings WHERE id = 1 FOR UPDATE")
        row = await db.fetch_one("SELECT usd_to_token_rate, markup_multiplier FROM pricing_settings WHERE id = 1")
        assert row is not None, "loading the catalogue makes the settings"
        current, model, models = fields.settings_of(*row.values()), None, await catalog.read()
    else:
        model = await (catalog.lock(subject) if lock else catalog.find(subject))
        current, models = fields.fields_of(model), [model]
    # Asked after the lock: who waited for it sees the revision that they waited for.
    latest = await db.fetch_value("SELECT coalesce(max(id), 0) FROM botapp_pricerevision WHERE subject = $1", subject)
    return _Subject(subject, model, models, current, int(latest))


def _planned(subject: _Subject, changes: Mapping[str, str | None], terms: Terms) -> Edit:
    wanted = fields.checked(subject.model, changes)
    after = {name: value for name, value in wanted.items() if subject.fields.get(name) != value}
    before = {name: subject.fields.get(name) for name in after}
    if not after:
        return Edit(subject.name, {}, {}, None, needs_approval=False, latest=subject.latest)
    pairs = [(model, fields.applied(model, after)) for model in subject.models]
    comparison = compare_settings(pairs) if subject.model is None else compare_model(*pairs[0])
    return Edit(subject.name, before, after, comparison, comparison.exceeds(terms.max_delta_pct), subject.latest)


async def _perform(
    subject: _Subject, planned: Edit, change: Change, terms: Terms, *, reverts: int | None = None
) -> Edit:
    if not planned.changes_anything:
        return planned
    approval = await _approval(planned, change, terms) if planned.needs_approval else None
    await _write(subject, planned.after)
    row = await db.fetch_one(
        """
        INSERT INTO botapp_pricerevision (subject, before, after, actor, reason, approval, reverts_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *
        """,
        subject.name,
        db.to_json(planned.before),
        db.to_json(planned.after),
        change.actor,
        change.reason,
        approval,
        reverts,
    )
    assert row is not None
    return replace(planned, revision=_from_row(row), latest=row["id"])


async def _approval(planned: Edit, change: Change, terms: Terms) -> str:
    assert planned.comparison is not None
    largest = planned.comparison.largest
    why = (
        f"{largest.model} would change by {largest.percent:+f} %, from {largest.before.tokens} to"
        f" {largest.after.tokens} tokens; more than {terms.max_delta_pct} % needs an approval"
    )
    wish = Wish(
        action=ACTION,
        subject=planned.subject,
        content={"subject": planned.subject, "before": planned.before, "after": planned.after},
        requested_by=change.actor,
        reason=change.reason,
    )
    return await approvals.use(terms.approval, wish, why=why)


async def _write(subject: _Subject, after: Fields) -> None:
    if subject.model is None:
        for name, value in after.items():
            assert name in (fields.RATE, fields.MARKUP)
            await db.execute(
                f"UPDATE pricing_settings SET {name} = $1, updated_at = now() WHERE id = 1",  # noqa: S608  one of two
                Decimal(value or 0),
            )
        return
    edited = fields.applied(subject.model, after)
    factors = {
        option: {value: fields.text_of(factor) for value, factor in named.items()}
        for option, named in edited.option_factors.items()
    }
    await db.execute(
        """
        UPDATE botapp_aimodel SET base_cost_usd = $2, cost_unit = $3, option_factors = $4, updated_at = now()
        WHERE slug = $1
        """,
        subject.name,
        edited.base_cost_usd,
        edited.cost_unit.value,
        db.to_json(factors),
    )


async def _compare(subject: _Subject, terms: Terms, changes: Mapping[str, str | None]) -> None:
    expect = terms.expect
    if expect is None:
        return
    if _NUMBER_OF_A_REVISION.fullmatch(expect):
        if int(expect) == subject.latest:
            return
        said = f"the latest revision of {subject.name} is {subject.latest}, not {expect}"
    else:
        if len(changes) != 1:
            problem = Problem("expect", "an old value belongs to one field; name the revision instead")
            raise fields.InvalidPrice([problem])
        (name,) = changes
        current = subject.fields.get(name)
        if _is_same(current, expect):
            return
        said = f"{name} of {subject.name} is {current or 'not set'}, not {expect}"
    latest = await get(subject.latest) if subject.latest else None
    raise PriceChanged(f"The price has changed: {said}", latest, subject.fields)


def _is_same(current: str | None, expected: str) -> bool:
    try:
        # A factor that is not there is 1.
        return Decimal(current or 1) == Decimal(expected)
    except ArithmeticError:
        return current == expected


async def _check_untouched(revision: Revision, subject: _Subject) -> None:
    differing = [name for name, value in revision.after.items() if subject.fields.get(name) != value]
    if not differing:
        return
    later = await db.fetch_value(
        "SELECT max(id) FROM botapp_pricerevision WHERE subject = $1 AND id > $2 AND after ?| $3::text[]",
        revision.subject,
        revision.id,
        differing,
    )
    by = f"revision {later}" if later else "something that is no revision"
    said = f"{', '.join(differing)} of {revision.subject} was changed by {by} after revision {revision.id}"
    raise RevisionSuperseded(revision.id, f"{said}; look, then force it")


def _from_row(row: db.Row) -> Revision:
    return Revision(
        id=row["id"],
        subject=row["subject"],
        before=json.loads(row["before"]),
        after=json.loads(row["after"]),
        actor=row["actor"],
        reason=row["reason"],
        approval=row["approval"],
        reverts=row["reverts_id"],
        at=row["created_at"],
    )
