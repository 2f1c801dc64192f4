"""What the ops API takes and answers about packages of tokens."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator, Field

from core.http.openapi import ChangeBody
from core.http.ops.schemas import Answer, Tokens, Usd


def _number(value: object) -> Decimal:
    """Money comes as text; a JSON number may have lost digits on its way."""
    if not isinstance(value, str):
        raise ValueError("a number is text here, such as '5.00'")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value[:40]!r} is not a number such as 5.00") from None


Amount = Annotated[Decimal, BeforeValidator(_number), Field(examples=["5.00"])]


class _Package(ChangeBody):
    """What a package may be given."""

    title: str | None = Field(None, description="What people read on the button.", max_length=255)
    tokens: Amount | None = Field(None, description="What it gives.")
    price_usd: Amount | None = Field(None, description="What it costs in US dollars.")
    stars: int | None = Field(None, description="What it costs in Telegram Stars; 0: not sold for Stars.")
    offers: dict[str, str] = Field(
        default_factory=dict, description="What gateways call it; an empty text removes one.", max_length=10
    )
    is_recurring: bool | None = Field(None, description="Bought every month until cancelled.")
    order: int | None = Field(None, description="Its place: the smallest comes first.")


class PackageBody(_Package):
    """What shall be different; what is left out stays."""


class NewPackageBody(_Package):
    """A new package. It needs tokens and a price."""

    code: str = Field(description="Its name among orders, for good.", max_length=100)


class SaleBody(ChangeBody):
    """On sale or off it."""

    is_active: bool


class OrderBody(ChangeBody):
    """Codes in the order in which they come first; the others follow as they did."""

    codes: list[str] = Field(min_length=1, max_length=100)


class Package(Answer):
    """Tokens at a price. `usd_per_token` is what one token brings in money."""

    code: str
    title: str
    tokens: Tokens
    price_usd: Usd
    stars: int
    offers: dict[str, str]
    is_recurring: bool
    is_active: bool
    order: int
    usd_per_token: Usd


class PackageList(Answer):
    """All packages in their order, those off sale included. `list_usd_per_token` is what the rate makes of one."""

    items: list[Package]
    list_usd_per_token: Usd
    next_cursor: str | None = None


class EditedPackage(Answer):
    """A package after the change, and as it was before: null when it is new."""

    changed: bool
    package: Package
    before: Package | None
