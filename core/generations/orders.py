"""Takes an order: checks it, quotes it, charges it and queues it, all in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog

from core import catalog, db, ledger, moderation, references
from core.catalog import CatalogModel
from core.generations import continuations, inputs, repository
from core.generations.refusals import (
    CooldownActive,
    DailyLimitReached,
    EmptyPrompt,
    ImageRequired,
    ImagesNotSupported,
    LinkUnusable,
    ModelUnavailable,
    OrderRefused,
    ParentUnusable,
    PriceDiffers,
    PromptTooLong,
    TooManyImages,
    TooManyRunning,
    UserBlocked,
)
from core.generations.states import Continuation, Generation
from core.ledger import LedgerError, Posting
from core.pricing import InvalidParams, Quote, quote
from core.queue import outbox
from core.storage import StoredFile
from core.text import storable
from core.types import IdempotencyKey, Language, Tokens, TraceId
from core.users import User
from providers.base import Json, MediaKind, MediaRole

log = structlog.get_logger(__name__)

MAX_RUNNING = 3
"""Jobs that one user may have under way."""


class _OrderedBefore(Exception):
    """The key belongs to a generation that was there before."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a user wants.

    Attributes:
        model: slug.
        key: unique per wish of the user; repeating an order with it starts nothing new.
        images: pictures and videos to work from; those without a role fill the model's slots in order.
        source_url: a link whose picture or video is fetched before the work begins, and is the input then.
        parent: run code of the generation that this one continues or repeats.
        continuation: what is done with a result of the parent, where it is continued.
        agreed: what the user was told that it costs, where they were; nothing else is charged then.
    """

    user: User
    model: str
    prompt: str
    key: IdempotencyKey
    language: Language
    trace_id: TraceId
    images: tuple[StoredFile, ...] = ()
    params: Mapping[str, Json] = field(default_factory=dict)
    source_url: str = ""
    parent: str | None = None
    continuation: Continuation | None = None
    agreed: Tokens | None = None

    def __post_init__(self) -> None:
        """Let go of what is no text, before anything compares, counts or keeps the words."""
        object.__setattr__(self, "prompt", storable(self.prompt))


async def submit(order: Order) -> Generation:
    """Charge and queue a generation, in a transaction of its own, and have it started.

    Repeating the call with the same key returns the first generation and charges nothing more.

    Raises:
        OrderRefused: nothing was charged; the subclass says why.
        core.pricing.InvalidParams: an option does not fit the model.
        core.ledger.InsufficientTokens: the balance is below the price.
        core.catalog.UnknownModel: there is no model of that name.
    """
    try:
        generation = await _submit(order)
    except (_OrderedBefore, OrderRefused, InvalidParams, LedgerError):
        # What was fine the first time may be refused today, after an edit of the model or by a limit that the first
        # order itself has reached. A repetition gets the first generation all the same.
        first = await repository.by_key(order.key)
        if first is None or first.user_id != order.user.id:
            raise
        return first
    await outbox.flush()
    return generation


async def _submit(order: Order) -> Generation:
    model = await catalog.get(order.model)
    parent = await _parent(order)
    if parent is not None and order.continuation is not None and not order.prompt.strip():
        # Who says nothing else wants more of the same.
        order = replace(order, prompt=parent.prompt)
    _check(order, model)
    price = quote(model, order.params)
    order = await _with_inputs(order, model, price.params, parent)
    if order.agreed not in {None, price.tokens}:
        raise PriceDiffers(price=price.tokens)
    # It asks a service outside, so it must not run while the balance is locked.
    await moderation.check(order.user.id, order.prompt, order.images)
    return await place(order, model, price)


async def _parent(order: Order) -> Generation | None:
    """Return the generation that is repeated or continued; it is a user's own."""
    if order.parent is None:
        if order.continuation is not None:
            raise ParentUnusable("a continuation continues something")
        return None
    try:
        parent = await repository.get(order.parent)
    except repository.GenerationNotFound:
        raise ParentUnusable(order.parent) from None
    if parent.user_id != order.user.id:
        raise ParentUnusable(order.parent)
    return parent


async def _with_inputs(
    order: Order, model: CatalogModel, params: Mapping[str, Json], parent: Generation | None
) -> Order:
    """Return the order with its inputs in the model's slots.

    Raises:
        OrderRefused: they do not fit, or no route carries them.
    """
    if parent is not None and order.continuation is not None:
        if order.source_url:
            # It would be fetched for nothing: the result is what is worked from.
            raise TooManyImages(limit=0)
        wanted = replace(order.continuation, from_frame=False)
        await continuations.check(parent, wanted, model)
        files = continuations.placed(model, order.images, params, parent, wanted)
        return replace(order, images=files, continuation=wanted)
    if order.source_url:
        _check_source(order, model)
        return order
    files = inputs.placed(model, order.images, params)
    if model.kind is MediaKind.TEXT and not files:
        raise ImageRequired
    if not model.routes_for(params, {MediaRole(file.role) for file in files}):
        raise ModelUnavailable(model.slug, successor=model.successor)
    return replace(order, images=files)


def _check_source(order: Order, model: CatalogModel) -> None:
    """Look at an order whose input is behind a link. Whether that fits is seen once it is fetched."""
    if order.images:
        raise TooManyImages(limit=0)
    if not model.inputs:
        raise ImagesNotSupported
    try:
        references.parse(order.source_url)
    except references.LinkFailed as error:
        raise LinkUnusable(error.detail) from None


async def place(order: Order, model: CatalogModel, price: Quote) -> Generation:
    """Charge and queue a checked order in one transaction. Nothing is sent to a worker yet."""
    async with db.transaction():
        return await enter(order, model, price)


async def enter(order: Order, model: CatalogModel, price: Quote) -> Generation:
    """Do the same inside the caller's transaction, which is rolled back where this raises."""
    # The charge comes first, since it locks the balance: orders of one user queue up there, so that the limits hold
    # and a repetition that came at the same moment finds the first generation.
    charge = await ledger.charge(order.user.id, price, key=IdempotencyKey(f"generation:{order.key}"))
    # A repetition looks before it inserts: the insert would wait for whoever is ending the first generation, and
    # they for the balance that the charge holds.
    placed = None if await repository.exists(order.key) else await repository.insert(_new(order, model, price, charge))
    if placed is None:
        raise _OrderedBefore
    generation, usage_before = placed
    _check_limits(usage_before, model)
    log.info("generation.ordered", run_code=generation.run_code, model=model.slug, tokens=str(price.tokens))
    return generation


def _new(order: Order, model: CatalogModel, price: Quote, charge: Posting) -> repository.NewGeneration:
    return repository.NewGeneration(
        run_code=uuid.uuid4().hex,
        order_key=order.key,
        user_id=order.user.id,
        chat_id=order.user.chat_id,
        model=model,
        transaction_id=charge.id,
        generation_type=_type_of(model.kind, order),
        prompt=order.prompt.strip(),
        images=order.images,
        quote=price,
        language=order.language,
        trace_id=order.trace_id,
        parent=order.parent,
        source_url=order.source_url,
        continuation=order.continuation,
        deadline_at=datetime.now(UTC) + timedelta(seconds=model.deadline_seconds),
    )


def _check(order: Order, model: CatalogModel) -> None:
    prompt = order.prompt.strip()
    if order.user.is_blocked:
        raise UserBlocked
    if not model.is_available:
        raise ModelUnavailable(model.slug, successor=model.successor)
    if not prompt and model.needs_words:
        raise EmptyPrompt
    if len(prompt) > model.max_prompt_length:
        raise PromptTooLong(limit=model.max_prompt_length, length=len(prompt))


def _check_limits(usage: repository.Usage, model: CatalogModel) -> None:
    if usage.running >= MAX_RUNNING:
        raise TooManyRunning(limit=MAX_RUNNING)
    if model.cooldown_seconds and usage.seconds_since_last is not None:
        left = model.cooldown_seconds - usage.seconds_since_last
        if left > 0:
            raise CooldownActive(seconds=max(1, round(left)))
    if model.daily_limit is not None and usage.today >= model.daily_limit:
        raise DailyLimitReached(limit=model.daily_limit)


def _type_of(kind: MediaKind, order: Order) -> str:
    has_files = bool(order.images or order.source_url or order.continuation)
    return f"{'image' if has_files else 'text'}2{kind.value}"
