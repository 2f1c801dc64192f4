"""What the Mini App's API takes and answers. Money is text, times are ISO 8601 in UTC, ids are text."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from core.http.values import Answer, Moment, Number, Question, Tokens

MAXIMUM_LIMIT = 100
CURSOR_PATTERN = r"^[0-9]{1,18}$"


class Referral(Answer):
    """How somebody invites friends. The link is null while Telegram does not tell the bot's name."""

    code: str
    link: str | None
    inviter_gets: Tokens = Field(description="With the friend's first deposit.")
    friend_gets: Tokens = Field(description="At once.")
    came: int = Field(description="Friends who came.")
    paid: int = Field(description="Friends who paid.")
    earned: Tokens


class FirstDeposit(Answer):
    """What the first deposit of a lifetime brings on top."""

    percent: Number = Field(examples=["20"])
    at_most: Tokens


class Bonuses(Answer):
    """What this person can still get. Null: had before."""

    first_deposit: FirstDeposit | None
    daily: Tokens | None = Field(description="What today's reward gives; the bot hands it out.")


class Me(Answer):
    """The person who opened the Mini App."""

    id: str = Field(description="Telegram user id.")
    name: str
    username: str
    language: Literal["ru", "en"]
    balance: Tokens
    referral: Referral
    bonuses: Bonuses


PostingKind = Literal["deposit", "generation", "refund", "reversal", "bonus", "referral", "admin"]


class What(Answer):
    """What a row of the history was for, as far as it was for anything."""

    model: str | None = Field(description="Slug of the model of a generation or its refund.")
    model_name: str | None
    generation: str | None = Field(description="Id of the generation.")
    order: str | None = Field(description="Code of the order behind a deposit, its bonus or its reversal.")
    package: str | None = Field(description="Title of what was bought.")
    promo_code: str | None
    bonus: str | None = Field(description="Why a bonus was given.", examples=["welcome", "first_deposit", "daily"])


class HistoryItem(Answer):
    """A row of the statement. `amount` is negative for tokens taken."""

    id: str
    at: Moment
    kind: PostingKind
    amount: Tokens
    balance_after: Tokens
    what: What


class HistoryPage(Answer):
    """A page of the history; `next_cursor` is null on the last one."""

    items: list[HistoryItem]
    next_cursor: str | None


class PageQuery(Question):
    """Which part of a list, the newest first."""

    limit: int = Field(20, description="How many at most.", ge=1, le=MAXIMUM_LIMIT)
    cursor: str | None = Field(
        None,
        description="`next_cursor` of the page before.",
        max_length=100,
        # Told, not enforced here: a cursor of another form is answered with `bad_cursor`.
        json_schema_extra={"pattern": CURSOR_PATTERN},
    )


class Slot(Answer):
    """A place for pictures or videos that a model works from. An upload of another type or size is refused."""

    role: Literal["image", "start", "end", "reference", "mask", "video"]
    label: str = Field(description="What it is called, in the person's language.")
    most: int
    least: int = Field(description="How many it cannot do without.")
    mime_types: list[str]
    max_bytes: int
    max_seconds: float | None = Field(description="Of a video; null without a limit.")
    needs: list[str] = Field(description="Roles that have to be given too.")
    excludes: list[str] = Field(description="Roles that cannot be given together with it.")
    requires: dict[str, list[Any]] = Field(description="Options that must have one of these values.")
    fewer: dict[str, int] = Field(description="How many at most where another role is given too.")


class FollowUp(Answer):
    """Something that is offered under a result of a model, done by a model of its own."""

    kind: Literal["vary", "upscale", "animate", "extend"]
    model: str
    name: str
    price_from: Tokens


class Model(Answer):
    """A model. `params` is the JSON Schema of its options: the form is drawn from it.

    Of a model that has reached its end `retired` is true: it cannot be ordered, `successor` can in its place.
    """

    slug: str
    name: str
    kind: Literal["image", "video", "text"]
    purpose: str = Field(description="What it is good for, in the person's language.")
    price_from: Tokens = Field(description="What an order with no option chosen costs.")
    params: dict[str, Any]
    max_prompt_length: int
    inputs: list[Slot]
    max_input_images: int
    needs_input_image: bool
    needs_input_video: bool
    typical_seconds: int
    follow_ups: list[FollowUp]
    retired: bool
    retires_at: Moment | None
    successor: str | None = Field(description="Slug of the model to use instead; null where there is none.")


class ModelList(Answer):
    """The models in the order in which they are offered, and those that have ended."""

    items: list[Model]


class QuoteRequest(Question):
    """A model with options; options that are left out have their defaults."""

    model: str = Field(min_length=1, max_length=50)
    params: dict[str, Any] = Field(default_factory=dict)


class Quote(Answer):
    """A price, and whether the balance pays for it. `params` are the options with their defaults."""

    model: str
    params: dict[str, Any]
    tokens: Tokens
    balance: Tokens
    missing: Tokens = Field(description="Tokens that the balance lacks; 0.00 when it is enough.")


class Price(Answer):
    """What a package costs over a gateway: 385 XTR are 385 Telegram Stars."""

    gateway: str
    amount: str = Field(examples=["385", "5.00"])
    currency: str = Field(examples=["XTR", "USD"])


class Package(Answer):
    """Tokens at a price. `bonus` comes on top when this person buys it now."""

    code: str
    title: str
    tokens: Tokens
    bonus: Tokens
    is_recurring: bool = Field(description="Bought every month until it is cancelled.")
    prices: list[Price]


class PackageList(Answer):
    """The packages on sale, each over one gateway at least."""

    items: list[Package]


class OrderRequest(Question):
    """What to buy, and how to pay."""

    package: str = Field(min_length=1, max_length=100)
    gateway: str = Field(min_length=1, max_length=20, examples=["stars"])


OrderStatus = Literal["pending", "failed", "expired", "paid", "refunding", "refunded", "held"]


class Order(Answer):
    """An order. `opens` says what `payment_url` is for: `Telegram.WebApp.openInvoice`, or a page of its own.

    The money of an order that is `held` came in another amount or currency; support looks at it.
    """

    code: str
    status: OrderStatus
    package: str
    tokens: Tokens
    gateway: str
    amount: str
    currency: str
    payment_url: str | None = Field(description="Null where there is nothing to pay, or not yet.")
    opens: Literal["invoice", "page"]
    created_at: Moment
    expires_at: Moment | None
    paid_at: Moment | None
    refunded_at: Moment | None


class OrderPage(Answer):
    """A page of orders; `next_cursor` is null on the last one."""

    items: list[Order]
    next_cursor: str | None
