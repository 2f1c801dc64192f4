"""What `nb smoke` does inside the service: a picture that the demonstration makes for a user who is no person.

The user is made once (`is_test`). An operator's posting gives exactly what the picture costs, and whatever comes back
is taken away again, so that the balance is zero when nothing is under way. All stages run as they do for people; only
Telegram is not asked. Everything runs inside the caller's transaction, together with the record of who wanted it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from core import catalog, db, ledger, storage, users
from core.audit import Change
from core.catalog import CatalogModel
from core.generations import Generation, Order, operating, orders, repository
from core.generations.operating import NotAllowed
from core.ledger import PostingKind
from core.logs import current_trace
from core.pricing import quote
from core.providers import DEMO
from core.settings import Settings
from core.types import IdempotencyKey, Tokens, UserId
from core.users import FIRST_TEST_ID, Profile, User
from providers.base import MediaKind

PROMPT = "a red fox in the snow, smoke test"

NOTHING: Tokens = Decimal("0.00")

ABANDONED = timedelta(minutes=10)
"""A run that is older and still under way belongs to nobody any more."""


class SmokeNotAllowed(Exception):
    """Generations of `nb smoke` are off here, or nothing can make them; the message says which. `rule` is stable."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was put away: jobs that were ended, files that were removed, tokens that were taken back.

    `waiting` are jobs that a worker works on right now; they are put away by asking again.
    """

    ended: tuple[str, ...]
    waiting: tuple[str, ...]
    files: int
    tokens: Tokens
    balance: Tokens


async def begin(change: Change, settings: Settings) -> Generation:
    """Order a picture for the test user, with tokens that are given for it.

    Raises:
        SmokeNotAllowed: not here, or not with these models.
        core.generations.OrderRefused: too many are under way.
    """
    if not settings.makes_smoke_generations:
        raise SmokeNotAllowed("smoke_generations_off", "Smoke generations are off here (SMOKE_GENERATIONS)")
    model = await _model()
    user = await _user()
    price = quote(model)
    await ledger.post(
        user.id, price.tokens, PostingKind.ADMIN, key=change.posting_key, actor=change.actor, reason=change.reason
    )
    key = IdempotencyKey(f"smoke:{change.posting_key}")
    return await orders.enter(Order(user, model.slug, PROMPT, key, "en", current_trace()), model, price)


async def clean(change: Change, run_code: str | None) -> Cleaned:
    """End this job and those that were abandoned, remove the files of all that ended, take back what is left.

    Raises:
        core.storage.StorageError: the files are still there; nothing was changed.
    """
    user = await users.get(FIRST_TEST_ID)
    if user is None:
        return Cleaned((), (), 0, NOTHING, NOTHING)
    ended, waiting = await _end(user.id, run_code)
    files = await _remove_files(user.id)
    taken = await _empty(user.id, change)
    return Cleaned(ended, waiting, files, taken, await ledger.balance_of(user.id))


async def _user() -> User:
    user = await users.get(FIRST_TEST_ID)
    if user is not None:
        return user
    user = await users.upsert(Profile(FIRST_TEST_ID, first_name="Smoke test", language_code="en"))
    await db.execute("UPDATE botapp_tguser SET is_test = true WHERE id = $1", user.id)
    return user


async def _model() -> CatalogModel:
    """Return a picture model that the demonstration makes; one without a pause or a daily limit, where there is one."""
    found = [model for model in await catalog.read() if _is_usable(model)]
    if not found:
        raise SmokeNotAllowed("no_demo_route", "No active picture model has a route to the demonstration")
    return min(found, key=lambda model: (bool(model.cooldown_seconds), model.daily_limit is not None, model.order))


def _is_usable(model: CatalogModel) -> bool:
    is_drawn = any(route.provider == DEMO for route in model.all_routes)
    return is_drawn and model.kind is MediaKind.IMAGE and model.is_active and not model.is_retired


async def _end(user: UserId, run_code: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    open_jobs = await db.fetch(
        """
        SELECT run_code FROM botapp_genrequest WHERE user_id = $1 AND status IN ('queued', 'processing')
            AND (run_code = $2 OR created_at < now() - $3::interval) ORDER BY id
        """,
        user,
        run_code,
        ABANDONED,
    )
    ended, waiting = [], []
    for row in open_jobs:
        try:
            await operating.refund(row["run_code"])
        except NotAllowed:
            waiting.append(row["run_code"])
        else:
            ended.append(row["run_code"])
    return tuple(ended), tuple(waiting)


async def _remove_files(user: UserId) -> int:
    found = await db.fetch(
        """
        SELECT id, results FROM botapp_genrequest WHERE user_id = $1 AND completed_at IS NOT NULL
            AND files_removed_at IS NULL ORDER BY id FOR UPDATE
        """,
        user,
    )
    keys = {row["id"]: _keys_in(row["results"]) for row in found}
    await storage.storage().delete_many(key for some in keys.values() for key in some)
    await db.execute("UPDATE botapp_genrequest SET files_removed_at = now() WHERE id = ANY($1)", list(keys))
    for generation, some in keys.items():
        if some:
            await repository.tell(generation, "files_removed", files=len(some), by="smoke")
    return sum(map(len, keys.values()))


def _keys_in(results: str) -> list[str]:
    files = json.loads(results)
    return [file["key"] for file in files] + [file["thumbnail"] for file in files if file.get("thumbnail")]


async def _empty(user: UserId, change: Change) -> Tokens:
    """Take back what failed jobs left. Nobody needs it: each job is given its own tokens when it is ordered."""
    left: Tokens = await db.fetch_value("SELECT balance FROM botapp_userbalance WHERE user_id = $1 FOR UPDATE", user)
    if left > 0:
        await ledger.post(
            user, -left, PostingKind.ADMIN, key=change.posting_key, actor=change.actor, reason=change.reason
        )
    return left
